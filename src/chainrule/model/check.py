"""The outcome of a check as people use it: verdicts, the first wrong number, a report in every format."""

from typing import Any

from chainrule.check.answers import Answers, later
from chainrule.check.mark import Marking
from chainrule.check.reading import answers_from
from chainrule.check.report import report
from chainrule.check.result import MARKS_HEADER, Result, all_right, as_data, as_json, marks
from chainrule.explain.document import Document
from chainrule.interop.spreadsheet import csv_text, workbook
from chainrule.model import present
from chainrule.model.checking import check_answers
from chainrule.model.task import Task


def check(task: Task, answers: Any, done: int, published: bool) -> "Check":
    """Check answers, given in any form; those without a round are from the one after ``done`` rounds."""
    found = answers if isinstance(answers, Answers) else answers_from(answers)
    return Check(*check_answers(task, later(found, done), published=published))


class Check:
    """What was found out about a person's numbers.

    Shows itself as the report, as text in a terminal and as Markdown in a notebook.
    """

    def __init__(self, result: Result, marking: Marking | None) -> None:
        self.result, self._marking = result, marking

    @property
    def ok(self) -> bool:
        """Whether no number is wrong, of those that could be checked, and there was one."""
        return all_right(self.result)

    @property
    def first_wrong(self) -> str | None:
        """The name of the first wrong number, in the order of calculation."""
        name: str | None = self.data["first_wrong"]
        return name

    @property
    def convention(self) -> str | None:
        """The other convention under which all numbers are right, in words."""
        return None if self.result.convention is None else self.result.convention.text

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """One dictionary for each number: name, given, expected, verdict, causes and more."""
        found: list[dict[str, Any]] = self.data["verdicts"]
        return found

    @property
    def data(self) -> dict[str, Any]:
        """Everything as plain data: what the JSON report holds."""
        return as_data(self.result)

    @property
    def document(self) -> Document:
        """The report as a document."""
        return report(self.result, self._marking)

    def to(self, kind: str) -> str | bytes:
        """The report as text, markdown, latex, html, notebook, typst or json; as pdf, bytes.

        As csv or xlsx it is the answers handed back, each with its verdict beside it.
        """
        if kind == "json":
            return as_json(self.result)
        if kind == "csv":
            return csv_text(MARKS_HEADER, marks(self.result))
        if kind == "xlsx":
            return workbook(MARKS_HEADER, marks(self.result), colour_by="verdict")
        return present.render([self.document], kind)

    def text(self, width: int = 80, ascii_only: bool = False, color: bool = False) -> str:
        """The report as text of that many columns."""
        return present.text([self.document], width, ascii_only, color)

    def __repr__(self) -> str:
        return self.text().rstrip("\n")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/markdown": str(present.render([self.document], "markdown"))}
