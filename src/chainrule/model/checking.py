"""Checking a person's numbers on a task: under its own conventions, then under others."""

from collections.abc import Sequence
from dataclasses import replace

from chainrule.check.anatomy import errors
from chainrule.check.answers import Answers
from chainrule.check.causes import Named, causes_of
from chainrule.check.diagnose import Diagnosis
from chainrule.check.mark import Mark, Marking, Verdict
from chainrule.check.resolve import Found
from chainrule.check.result import Cause, Checked, Convention, Result
from chainrule.explain.names import Scalar
from chainrule.model.checking_arrays import check_arrays, is_large
from chainrule.model.right import Rounds
from chainrule.model.task import Task
from chainrule.model.trial import Trial, diagnosed, may_be_right, places_of, tried, tried_safely

SURE = 0.01  # accidental matches expected: below it a mistake speaks for another convention


def check_answers(task: Task, answers: Answers, *, published: bool = False) -> tuple[Result, Marking | None]:
    """Check all answers on a task. Raises ``NotFiniteError`` where the right numbers are none themselves."""
    rounds = Rounds(task)
    if is_large(rounds, answers):
        return check_arrays(task, answers, published), None
    trial = tried(task, answers)
    if trial.is_right:
        return _result(trial, Diagnosis(), answers, published), trial.marked
    convention, right = _all_right(trial, answers) or (None, None)
    if convention is not None and right is not None and _is_evident(trial):
        result = _result(right, Diagnosis(), answers, published, convention)
        return _with_alternatives(result, trial, convention), right.marked
    diagnosis = diagnosed(trial)
    assumed = ""
    if convention is None and (trial.unknown or not all(diagnosis.fits.values())):
        trial, diagnosis, assumed = _better(trial, diagnosis, answers)
    return _result(trial, diagnosis, answers, published, None, assumed, convention), trial.marked


def _all_right(trial: Trial, answers: Answers) -> tuple[Convention, Trial] | None:
    """The first other convention under which every number that can be checked is right."""
    for name, text, varied in trial.rounds.task.variants():
        if may_be_right(varied, trial, Convention(name, text).is_double):
            other = tried_safely(varied, answers, trial)
            if other is not None and other.is_right:
                return Convention(name, text), other
    return None


def _is_evident(trial: Trial) -> bool:
    """Whether numbers that are all right under another convention speak for it.

    Two of them do, or an error, whose value the convention is about. One other number can as well be a mistake.
    """
    wrong = [
        trial.marked.sheet.keys[reported.line]
        for reported, mark in zip(trial.marked.reported, trial.marked.marks, strict=True)
        if mark.verdict not in (Verdict.RIGHT, Verdict.DIGITS)
    ]
    if len(wrong) != 1:
        return True
    done, quantity = wrong[0]
    definitions = errors(trial.rounds.names_at(done).program)
    return isinstance(quantity, Scalar) and quantity.family in {each.target for each in definitions}


def _with_alternatives(result: Result, trial: Trial, convention: Convention) -> Result:
    """The causes of what would be wrong without the convention: itself, and each mistake that explains all of it."""
    diagnosis = diagnosed(trial, named_only=True)
    named = _named(trial)
    places = places_of(trial.marked, trial.found)
    wrong = {place for place, mark in enumerate(trial.marked.marks) if mark.verdict == Verdict.WRONG}
    checked = list(result.checked)
    for at, place in enumerate(places):
        if place not in wrong:
            continue
        rows = [
            cause
            for cause, fit in zip(causes_of(named, diagnosis, place), diagnosis.fits[place], strict=True)
            if fit.explained == wrong and not fit.against
        ]
        checked[at] = replace(checked[at], causes=(_as_cause(convention, rows), *rows))
    return replace(result, checked=tuple(checked))


def _as_cause(convention: Convention, rows: Sequence[Cause]) -> Cause:
    return Cause(f"convention-{convention.id}", convention.text, ambiguous_with=tuple(row.id for row in rows))


def _better(trial: Trial, diagnosis: Diagnosis, answers: Answers) -> tuple[Trial, Diagnosis, str]:
    """Another convention under which more numbers are right or have a named cause; else the one of the network."""

    def left(each: Trial, found: Diagnosis) -> int:
        """What is neither right nor explained."""
        unexplained = (not fits or fits[0].row is None or fits[0].chance > SURE for fits in found.fits.values())
        return each.unknown + sum(unexplained)

    best, fewest, assumed = (trial, diagnosis), left(trial, diagnosis), ""
    for name, text, varied in trial.rounds.task.variants():
        other = None if Convention(name, text).is_double else tried_safely(varied, answers, trial)
        if other is None or not other.marked.marks:
            continue
        if other.wrong > trial.wrong + trial.unknown - other.unknown:
            continue
        found = diagnosed(other, named_only=True)
        if left(other, found) < fewest:
            best, fewest, assumed = (other, found), left(other, found), text
    return best[0], diagnosed(best[0]) if assumed else best[1], assumed


def _named(trial: Trial) -> Named:
    return Named(trial.marked, [each.answer.name for each in trial.found if each.key is not None])


def _result(
    trial: Trial,
    diagnosis: Diagnosis,
    answers: Answers,
    published: bool,
    convention: Convention | None = None,
    assumed: str = "",
    possible: Convention | None = None,
) -> Result:
    """``assumed`` says what was taken to be otherwise; ``possible`` is a convention that would make all right."""
    marked, found = trial.marked, trial.found
    places = places_of(marked, found)
    checked = [_checked(_named(trial), diagnosis, each, place) for each, place in zip(found, places, strict=True)]
    order = {text: place for place, text in enumerate((*marked.sheet.given, *marked.sheet.lines))}
    wrong = [place for place, each in enumerate(checked) if each.verdict == Verdict.WRONG]
    first = min(wrong, key=lambda place: order[checked[place].line], default=None)
    notes = trial.resolved.notes
    if assumed:
        notes = (*notes, f"checked as if {assumed}, which explains more of these numbers than the network file does")
    if possible is not None and first is not None:
        notes = (*notes, f"under another convention it would be right: {possible.text}")
        checked[first] = replace(checked[first], causes=(*checked[first].causes, _as_cause(possible, ())))
    return Result(
        trial.rounds.task.title,
        tuple(checked),
        first,
        convention,
        notes,
        tuple((each.place, each.text, each.reason) for each in answers.unread),
        tried=diagnosis.tried,
        published=published,
        source=answers.source,
    )


def _checked(named: Named, diagnosis: Diagnosis, each: Found, place: int | None) -> Checked:
    """An answer with its verdict and causes."""
    answer, marked = each.answer, named.marking
    base = Checked(
        answer.name, answer.text, Verdict.UNCHECKABLE, note=str(each.reason), after=answer.after, place=answer.place
    )
    if place is None:
        return base
    mark, line = marked.marks[place], marked.reported[place].line
    labels = {text: _label_of(marked, text) for text in mark.earlier}
    earlier = tuple(dict.fromkeys(labels.values()))
    note = mark.note
    for text, label in labels.items():
        note = note.replace(f"{{{text}}}", label)
    return replace(
        base,
        verdict=mark.verdict,
        expected=mark.expected,
        own=mark.own,
        note=note,
        line=line,
        quantity=named.line(line),
        earlier=earlier,
        causes=causes_of(named, diagnosis, place) or _rounding(mark),
    )


def _rounding(mark: Mark) -> tuple[Cause, ...]:
    """What a small difference comes from: cut off, the last digit, rounding on the way, float32."""
    if mark.cause in ("", "rounded"):
        return ()
    return (Cause(mark.cause.replace("_", "-"), mark.note),)


def _label_of(marked: Marking, line: str) -> str:
    """How the person wrote a reported line, with its round."""
    answer = next(each.answer for each in marked.reported if each.line == line)
    rounds = f" after {answer.after:,} round{'s' * (answer.after != 1)}" if answer.after else ""
    return f"{answer.name}{rounds}"
