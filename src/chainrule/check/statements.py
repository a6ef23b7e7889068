"""One line of answers: a name and its number, with the calculation between them or without; several of them."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chainrule.check.gather import Item, Note, answer, unread
from chainrule.check.printed import Tree, as_printed, entries, printed
from chainrule.check.rounds import split_after
from chainrule.check.typed import NUMBER_TEXT, Typed, typed

MARKS = re.compile(
    r"[\[({]|[\])}]|:=|=>|==|(?<![<>!])=|[≈≃≅≐→⇒]|~=?|->|:(?!//)|(?<=\s)(?:is|equals|becomes)(?=\s)"
    r"|[,;]|\t|\s{2,}|(?<=\s)and(?=\s)|(?<=[\d%\])])\s(?=[^\W\d][^\s=:,;]*[=:])"
)
OPENING, CLOSING = "[({", "])}"
SEPARATORS = (",", ";", "and")
LEAD_IN = re.compile(
    r"(?:(?:where|with|so|then|thus|hence|therefore|and|also|the|we get|we have|i\.e\.)\s+)+", re.IGNORECASE
)
NAME = re.compile(r"(?!\([^()]*\)$)(?:[^\W\d]|[\\∂\"'({])")
PLAIN_NAME = re.compile(r"[^\W\d][\w\[\],./+]*[\w\]+]")
ONE_WORD = re.compile(r"[^\W\d][\w\[\],'+^{}./∂()]*")
NEW = re.compile(r"\bnew\b|\bupdated\b|[+⁺'′]\}?$", re.IGNORECASE)
LEADING = re.compile(rf"\(?\s*({NUMBER_TEXT})(?:\s*\))?(?:\.{{2,3}}|…)?")
REMARK = re.compile(r"[\s,;:.]*(?!(?:and|or|to)\b)[^\W\d]", re.IGNORECASE)
DECIMAL = re.compile(r"\d[.,]\d|[.,]\d")
LAST = re.compile(rf"(?:^|(?<=[\s,;]))({NUMBER_TEXT})\s*$")
FREE_NUMBER = re.compile(r"(?<![\w.])[.,]?\d")
ANY_DIGIT = re.compile(r"\d")
FORMULA_NUMBER = re.compile(r"(?<![\w.{])[.,]?\d|[^\W\d_][.,]\d")  # 0.3775, and O.3775 with a letter in it
WRAPPED = re.compile(
    r"(?:[A-Za-z]\w*\.)?(?:tensor|array|asarray|matrix|Tensor|Array|Parameter|Decimal|mpf|float\d*|bfloat16)\(\s*(.*)",
    re.DOTALL,
)
OPERATORS = "*/+^·×÷-−!<>@="
QUOTES = "\"'`*$ \t"


class Mark(NamedTuple):
    """A sign or a separator outside all brackets."""

    start: int
    end: int
    is_sign: bool


def statement_items(line: str, after: int, place: str, grouped: bool = False) -> Iterator[Item]:
    """The numbers that a line gives to names; what can't be read is listed, unless it holds no number at all.

    >>> [(each.name, each.text) for each in statement_items("net_h1 = 0.15*0.05 + 0.35 = 0.3575, w5+: 0.3589", 0, "")]
    [('net_h1', '0.3575'), ('w5+', '0.3589')]
    """
    if line.startswith("{") and line.rstrip(",").endswith("}"):
        line = line.rstrip(",")[1:-1]
    pieces = list(_pieces(line))
    first = split_after(pieces[0].partition(":")[0])
    if len(pieces) > 1 and first[1] is not None and not first[0]:
        after = first[1]  # after 100 rounds: a = 1, b = 2
    for piece in pieces:
        yield from _piece(piece, after, place, grouped)


def value_items(name: str, text: str, after: int, place: str, grouped: bool = False) -> Iterator[Item]:
    """The number, or the array, that a text behind a name holds."""
    found = _value(text, grouped)
    if isinstance(found, str):
        yield unread(place, f"{name} = {text}", found)
    elif isinstance(found, list):
        yield from entries(name, found, after, place)
    else:
        yield answer(name, found, after, place)


def _pieces(line: str) -> Iterator[str]:
    """``a = 1, b = 2`` as two: a separator is one where a number stands before it, and a name with a sign behind."""
    marks = _marks(line)
    start = 0
    signed = False
    for at, mark in enumerate(marks):
        if mark.is_sign:
            signed = True
            continue
        following = marks[at + 1] if at + 1 < len(marks) else None
        before, name = line[start : mark.start].rstrip(), line[mark.end : following.start] if following else ""
        if (
            signed
            and following is not None
            and following.is_sign
            and NAME.match(name.strip())
            and len(name) <= 100
            and (before[-1:].isdigit() or before[-1:] in tuple("%)]}…\"'."))
        ):
            yield line[start : mark.start]
            start, signed = mark.end, False
    yield line[start:]


def _marks(line: str) -> list[Mark]:
    """The signs and separators outside brackets; where brackets don't fit, inside them too."""
    found, everywhere, depth = [], [], 0
    for match in MARKS.finditer(line):
        text = match[0]
        if text in OPENING:
            depth += 1
        elif text in CLOSING:
            depth -= 1
        else:
            mark = Mark(match.start(), match.end(), not (text.isspace() or text in SEPARATORS))
            everywhere.append(mark)
            if depth <= 0:
                found.append(mark)
    return found if depth == 0 else everywhere


def _piece(piece: str, after: int, place: str, grouped: bool) -> Iterator[Item]:
    parts = _split(piece)
    name, done = split_after(parts[0])
    alone = not clean_name(name) and done is not None  # after 100 rounds: net_h1 = 0.3775
    if len(parts) > 2 and (alone or _is_heading(parts[0], parts[1])):
        parts = parts[1:]
        name, later = split_after(parts[0])
        done = done if later is None else later
    value = parts[-1] if len(parts) > 1 else ""
    if done is None and value:
        value, done = split_after(value)
    if not value:
        name, value = _apart(name)
        name = re.split(r"\s{2,}|\t", name.strip())[0]  # columns: the name is the first of them
    after = after if done is None else done
    name = clean_name(name)
    problem = _problem(name, value)
    if problem is None and len(parts) == 1 and value.strip().isdigit() and re.fullmatch(r"[^\W\d_]+", name):
        problem = "this may be a heading; write = between a name and its number"  # Layer 2, Page 3
    if problem:
        yield unread(place, piece.strip(), problem)
    elif problem is None and len(parts) > 2 and (before := _before(name, piece, parts)) is not None:
        yield Note(f"{name}: {before.text} → {value.strip()} is read as {name} before and after the update")
        yield answer(name, before, after, place)
        yield from value_items(f"{name}+", value, after, place, grouped)
    elif problem is None:
        yield from value_items(name, value, after, place, grouped)


def _before(name: str, piece: str, parts: Sequence[str]) -> Typed | None:
    """The first number of ``w5: 0.4 → 0.3589``, which says what an update makes of it."""
    arrow = piece[: len(piece) - len(parts[-1])].rstrip().endswith(("→", "->", "=>", "⇒"))
    return typed(parts[-2]) if arrow and NEW.search(name) is None else None


def _split(piece: str) -> list[str]:
    """What stands between the signs."""
    start, parts = 0, []
    for mark in _marks(piece):
        if mark.is_sign:
            parts.append(piece[start : mark.start])
            start = mark.end
    return [*parts, piece[start:]]


def _is_heading(first: str, second: str) -> bool:
    """``Hidden layer: net_h1 = ...``: the name is the second of the two."""
    return " " in first.strip() and ONE_WORD.fullmatch(second.strip()) is not None and not ANY_DIGIT.search(first)


def _apart(text: str) -> tuple[str, str]:
    """A name and the number or the array behind it, with nothing but a space between."""
    at = re.search(r"(?:^|\s)(?:[A-Za-z_.]{1,30}\(\s*)?\[(?=[\s\[]*[-+−]?[\d.n])", text)
    if at is not None:
        return text[: at.start()], text[at.start() :]
    tail = text[-80:]
    match = LAST.search(tail)
    if match is None:
        return text, ""
    return text[: len(text) - len(tail) + match.start()], match[1]


def clean_name(name: str) -> str:
    """A name without quotes, lead-in words and what else stands around it.

    >>> clean_name(" so the 'net_h1' ")
    'net_h1'
    """
    if PLAIN_NAME.fullmatch(name):
        return name
    name = " ".join(name[:1000].strip(" \t,;:=≈").split())
    if (match := LEAD_IN.match(name)) is not None and match.end() < len(name):
        name = name[match.end() :]
    while len(name) > 1 and name[0] in QUOTES:  # w5' has no quotation mark at its end
        name = name[1:-1] if name[-1] == name[0] else name[1:]
        name = name.strip(" ,;:")
    return name


def _problem(name: str, value: str) -> str | None:
    """Why a piece gives no number to a name; nothing where it holds no number, None where there is no problem."""
    if not value.strip():
        return "no number stands behind the name" if FREE_NUMBER.search(name) else ""
    if not any(each.isalpha() or each == "∂" for each in name):
        named = FREE_NUMBER.search(f"{name} {value}")
        return "no name stands before the number; write it as in net_h1 = 0.3775" if named else ""
    if not ANY_DIGIT.search(value) and typed(value.strip(QUOTES + ".,;")) is None:
        # net_h2 = oops, but neither a formula nor: Title = text
        is_name = ONE_WORD.fullmatch(name) and ("_" in name or ANY_DIGIT.search(name))
        return "no number stands behind the name" if is_name and ONE_WORD.fullmatch(value.strip()) else ""
    if typed(value.strip(QUOTES + ".,;")) is None and FORMULA_NUMBER.search(value) is None:
        return ""
    if name[-1] in "<>!=" or re.search(r"\s[-+*/]$", name):
        return "this doesn't say what the number is"
    return None


def _value(text: str, grouped: bool) -> Typed | list[Tree] | str:
    """The number or the array that a text is; or why it is none."""
    text = text.strip(QUOTES)
    number = typed(text.rstrip(".,;"), grouped)
    if number is not None:
        return number
    wrapped = WRAPPED.match(text)
    inner = wrapped[1] if wrapped else text
    if inner.startswith("["):
        return _array(inner, wrapped is not None)
    if wrapped:
        match = re.match(rf"[\"']?({NUMBER_TEXT}|[-+]?nan|[-+]?inf)[\"']?\s*[,)]", inner)
        return (typed(match[1]) if match else None) or "no number stands behind the name"
    if re.match(r"\(\s*[^()]*,[^()]*\)$", text) and typed(text[1:-1], grouped) is None:
        return _array(f"[{text[1:-1]}]", False)
    return _leading(text, grouped)


def _array(text: str, wrapped: bool) -> list[Tree] | str:
    found = printed(text)
    if found.reason:
        return f"this array can't be read: {found.reason}"
    rest = text[found.end :].strip()
    if not wrapped and rest and (rest[0] in OPERATORS or FREE_NUMBER.search(rest)):
        return "something stands behind the array"
    tree = as_printed(found.tree) if wrapped or not found.commas else found.tree
    return tree if isinstance(tree, list) else [tree]


def _leading(text: str, grouped: bool) -> Typed | str:
    """A number with a unit or a remark behind it."""
    match = LEADING.match(text)
    number = typed(match[1], grouped) if match else None
    if match is None or number is None:
        calculated = FREE_NUMBER.search(text) and any(each in text for each in "*/+^·×÷")
        return _calculation() if calculated else "this is no number"
    rest = text[match.end() :].strip()
    if rest.startswith(("±", "+/-", "+-")):
        return number
    if rest[:1] and rest[0] in OPERATORS:
        return _calculation()
    if text[match.end() : match.end() + 1].isalnum():
        return "this is no number"
    remark = re.sub(r"\([^()]*\)", "", rest)
    if FREE_NUMBER.search(remark) and (REMARK.match(remark) is None or DECIMAL.search(remark)):
        calculated = any(each in remark for each in "*/+^·×÷")
        return _calculation() if calculated else "several numbers for one name; put them in brackets, as an array"
    return number


def _calculation() -> str:
    return "this is a calculation without its result; write = and the result behind it"
