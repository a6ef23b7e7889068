"""A check as a document: what to look at first, every number with its verdict, and what could not be read."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from chainrule.check.causes import shown
from chainrule.check.mark import Marking, Verdict
from chainrule.check.result import Cause, Checked, FamilySummary, Result
from chainrule.explain.document import (
    Block,
    Document,
    Equation,
    Equations,
    Heading,
    Note,
    Paragraph,
    Partial,
    Symbol,
    Table,
)
from chainrule.explain.names import Ratio, name, ratio_name, ratio_symbol, symbol
from chainrule.explain.writing import rounded
from chainrule.formula.expression import Expr, Neg, Num, Ref, transform

MOST_ROWS = 200  # numbers shown in the table; more are summed up
MOST_EXPLAINED = 6  # wrong numbers that get a section of their own
DIGITS = 9


def report(result: Result, marking: Marking | None) -> Document:
    """The document of a check. ``marking`` has the formulas; without it none are shown."""
    symbols: dict[str, Symbol | Partial] = {}
    return Document(_title(result), tuple(_blocks(result, marking, symbols)), symbols)


def _title(result: Result) -> str:
    return f"{'The published numbers' if result.published else 'Your numbers'}: {result.title}"


def _blocks(result: Result, marking: Marking | None, symbols: dict[str, Symbol | Partial]) -> Iterator[Block]:
    yield Paragraph((_summary(result),))
    for note in result.notes:
        yield Note((_capital(note) + ("" if note.endswith(".") else "."),))
    if result.convention is not None:
        whose = "It is" if len(result.checked) == 1 else "They are all"
        yield Note((f"{whose} right for another convention: {result.convention.text}.{_alternatives(result)}",))
    wrong = [each for each in result.checked if each.verdict == Verdict.WRONG]
    first = None if result.first_wrong is None else result.checked[result.first_wrong]
    said: set[str] = set()
    if first is not None:
        yield Heading(2, "What to look at first")
        yield from _wrong(result, first, marking, symbols, said)
    others = [each for each in wrong if each is not first]
    if others:
        yield Heading(2, "The other wrong numbers")
        for each in others[:MOST_EXPLAINED]:
            yield from _wrong(result, each, marking, symbols, said)
        if len(others) > MOST_EXPLAINED:
            yield Paragraph((f"... and {len(others) - MOST_EXPLAINED} more; see the table.",))
    if result.families:
        yield Heading(2, "Array by array")
        yield _family_table(result.families)
    if any(each.count == 1 for each in result.checked):
        yield Heading(2, "Every number")
        yield _table(result)
        if len(result.checked) > MOST_ROWS:
            yield Paragraph((f"... and {len(result.checked) - MOST_ROWS} more; --format json has them all.",))
    if result.unread:
        yield Heading(2, "Not read")
        yield Table(("where", "what it says", "why not"), tuple(result.unread))


def _alternatives(result: Result) -> str:
    """The mistakes that give the same numbers as the other convention."""
    causes = next((each.causes[1:] for each in result.checked if each.causes), ())
    return f" A mistake that gives the same: {'; or '.join(cause.text for cause in causes)}." if causes else ""


def _summary(result: Result) -> str:
    """How many numbers are what."""
    single = [each for each in result.checked if each.count == 1]
    total = len(single)
    whose = "printed" if result.published else "of yours"
    counts = [(verdict, sum(each.verdict == verdict for each in single)) for verdict in Verdict]
    parts = [
        f"{count} {verdict.value if not result.published else _published(verdict)}"
        for verdict, count in counts
        if count
    ]
    text = f"{total} number{'s' * (total != 1)} {whose}: {', '.join(parts)}." if total else ""
    if result.families:
        count, right = sum(f.count for f in result.families), sum(f.right for f in result.families)
        text += f" {count:,} entries of {len(result.families)} arrays: {right:,} right, {count - right:,} wrong."
    if result.unread:
        text += f" {len(result.unread)} line{'s' * (len(result.unread) != 1)} could not be read."
    return text.strip() or "There are no numbers to check."


def _capital(text: str) -> str:
    """The first letter as a capital, unless the text begins with the name of a quantity."""
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first.isalpha() and len(first) > 2 else text


def _published(verdict: Verdict) -> str:
    return verdict.value.replace("your ", "an ")


def _whose(result: Result) -> str:
    return "the printed" if result.published else "your"


def _wrong(
    result: Result, each: Checked, marking: Marking | None, symbols: dict[str, Symbol | Partial], said: set[str]
) -> Iterator[Block]:
    """A wrong number: what it should be, worked out from the person's own numbers, and what may be behind it."""
    if each.count > 1:
        yield Paragraph((f"{_label(each)}: {each.note}.",))
    else:
        place = f" ({each.place})" if each.place else ""
        yield Paragraph((f"{_label(each)} = {each.given}{place}.{_due(result, each)}",))
    if each.note and each.count == 1:
        yield Paragraph((each.note[:1].upper() + each.note[1:] + ".",))
    if marking is not None and each.line in marking.sheet.lines:
        used = {**marking.own, **marking.replaced, each.line: marking.own[each.line]}
        yield Equations((_equation(marking, each.line, marking.sheet.lines[each.line], used, symbols, final=True),))
    yield from _causes(result, each, marking, symbols, said)


def _label(each: Checked) -> str:
    return each.name if not each.after else f"{each.name} after {each.after:,} round{'s' * (each.after != 1)}"


def _causes(
    result: Result, each: Checked, marking: Marking | None, symbols: dict[str, Symbol | Partial], said: set[str]
) -> Iterator[Block]:
    """The likely cause, told in full the first time; ``said`` are those that have been."""
    if not each.causes:
        yield Paragraph((f"None of the {result.tried:,} mistakes and slips that were tried gives this number.",))
        return
    best = each.causes[0]
    equals = [cause for cause in each.causes if cause.id in best.ambiguous_with]
    if best.id in said:
        yield Paragraph((f"Likely the same: {best.text}.",))
    else:
        why = f" {best.why}" if best.why else ""
        yield Paragraph((f"Likely: {best.text}.{why}{_strength(best, result.count(Verdict.WRONG))}",))
    said.add(best.id)
    if marking is not None and best.made is not None:
        made = best.made
        yield Equations((_equation(marking, made.line, made.formula, made.values, symbols, note="with this mistake"),))
    if equals:
        yield Paragraph((f"These give the same number here: {'; '.join(cause.text for cause in equals)}.",))
        if best.apart:
            yield Paragraph((f"To tell them apart: {best.apart}.",))
    others = [cause for cause in each.causes[1:] if cause not in equals and not cause.id.startswith("convention-")]
    if others:
        yield Paragraph((f"Less likely: {'; '.join(cause.text for cause in others[:2])}.",))


def _strength(cause: Cause, wrong: int) -> str:
    """How much the cause explains, and how much of it may be accident."""
    said = ""
    if wrong > 1:
        said = f" It explains {len(cause.explains)} of {wrong} wrong numbers."
    if cause.against:
        right = "a right number" if cause.against == 1 else f"{cause.against} right numbers"
        said += f" Made everywhere it would have spoiled {right}, so it was made here only."
    if cause.chance > 0.5:
        said += " With so few digits other changes would fit as well."
    return said


def _due(result: Result, each: Checked) -> str:
    """What the number should be."""
    if each.expected is None:
        return ""
    right = f" The right value is {shown(each.expected)}."
    if not each.earlier:
        return right
    return f" With {_whose(result)} {', '.join(each.earlier)} it should be {shown(each.own)}.{right}"


def _equation(
    marking: Marking,
    line: str,
    formula: Expr,
    values: Mapping[str, Any],
    symbols: dict[str, Symbol | Partial],
    *,
    note: str = "",
    final: bool = False,
) -> Equation:
    """A line: its name, its formula, the same with numbers, its value."""

    def named(node: Expr) -> Expr:
        return _ref(marking, node.name, symbols) if isinstance(node, Ref) else node

    def numbers(node: Expr) -> Expr:
        return _num(values[node.name]) if isinstance(node, Ref) else node

    sides = (_ref(marking, line, symbols), transform(formula, named), transform(formula, numbers), _num(values[line]))
    kept: list[Expr] = [sides[0]]
    for side in sides[1:]:
        if side != kept[-1]:
            kept.append(side)
    return Equation(tuple(kept), note, final)


def _ref(marking: Marking, text: str, symbols: dict[str, Symbol | Partial]) -> Ref:
    done, quantity = marking.sheet.keys[text]
    names = marking.sheet.names[done]
    if isinstance(quantity, Ratio):
        label = ratio_name(names, quantity)
        symbols[label] = ratio_symbol(names, quantity)
    else:
        label = name(names, quantity)
        symbols[label] = symbol(names, quantity)
    return Ref(label)


def _num(value: object) -> Expr:
    exact = rounded(value, DIGITS)
    return Neg(Num(-exact)) if exact < 0 else Num(abs(Decimal(exact)))


def _table(result: Result) -> Table:
    rows = [
        (_label(each), each.given, "" if each.expected is None else shown(each.expected), _verdict(result, each))
        for each in [one for one in result.checked if one.count == 1][:MOST_ROWS]
    ]
    yours = "printed" if result.published else "yours"
    return Table(("number", yours, "right value", "verdict"), tuple(rows), (False, True, True, False))


def _verdict(result: Result, each: Checked) -> str:
    first = result.first_wrong is not None and each is result.checked[result.first_wrong]
    word = "wrong: the first" if first and result.count(Verdict.WRONG) > 1 else each.verdict.value
    if result.published:
        word = word.replace("your ", "an ")
    if each.verdict == Verdict.FOLLOWS:
        return f"follows from {_whose(result)} {', '.join(each.earlier)}"
    if each.verdict == Verdict.DIGITS and each.note.startswith("to the "):
        return f"right {each.note}"
    return f"{word}: {each.note}" if each.note else word


def _family_table(families: tuple[FamilySummary, ...]) -> Table:
    rows = [
        (each.name, f"{each.count:,}", f"{each.right:,}", shown(each.largest, 3), each.first_wrong or "-")
        for each in families
    ]
    header = ("array", "entries", "right", "largest difference", "first wrong")
    return Table(header, tuple(rows), (False, True, True, True, False))
