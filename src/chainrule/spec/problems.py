"""Problems of a network file: each with its line, its place in words, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from chainrule.spec.lines import Path, line_of


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: the line (0 where there is none), the place in words, what is wrong, and what to do."""

    line: int
    place: str
    message: str
    hint: str = ""


class SpecErrors(ValueError):
    """All the problems of a network file at once."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source, self.problems = source, tuple(problems)
        super().__init__(source)

    def __str__(self) -> str:
        return "\n".join(problem_text(self.source, each) for each in self.problems)


def problem_text(source: str, problem: Problem) -> str:
    """``mine.toml, line 12: layer 2, weights: ...; ...``."""
    where = f"{source}, line {problem.line}" if problem.line else source
    place = f"{problem.place}: " if problem.place else ""
    hint = f"; {problem.hint}" if problem.hint else ""
    return f"{where}: {place}{problem.message}{hint}"


@dataclass(slots=True)
class Report:
    """Collects the problems of one file."""

    source: str
    lines: dict[Path, int]
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: Path, message: str, hint: str = "", line: int = 0) -> None:
        """A problem at a path, on the path's own line unless another is given."""
        self.problems.append(Problem(line or line_of(self.lines, path), place_text(path), message, hint))

    def raise_any(self) -> None:
        """Raise `SpecErrors` if there is a problem, in the order of the lines."""
        if self.problems:
            raise SpecErrors(self.source, sorted(self.problems, key=lambda each: each.line))


def place_text(path: Path) -> str:
    """A path in words, counted from 1: ``layer 2, weights, row 1``."""
    words: list[str] = []
    for place, part in enumerate(path):
        if isinstance(part, str):
            words.append(part if part.isprintable() and 0 < len(part) <= 60 else f"{part[:60]!a}")
        elif place and path[place - 1] == "layer":
            words[-1] = f"layer {part + 1}"
        else:
            words.append(f"{'row' if isinstance(path[place - 1], str) else 'number'} {part + 1}")
    return ", ".join(words)


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A hint with the nearest known name, or with all of them."""
    close = nearest(name, known)
    return f"did you mean {close}?" if close else f"there are: {', '.join(known)}"


def nearest(name: str, known: Sequence[str]) -> str:
    """The known name that is most like this one, or nothing."""
    return next(iter(get_close_matches(name[:100].lower(), known, 1)), "")
