"""Answers from text: a number a line, as people write it down and as programs print it."""

import re
from collections.abc import Iterator

from chainrule.check.answers import Answer, Answers, ArrayAnswer, Unread
from chainrule.check.typed import DIGITS, POWER, Typed, typed

LONGEST = 100_000  # characters of a line
AFTER = re.compile(
    r"\(?\s*\bafter\s+(?:round\s+|iteration\s+|step\s+|epoch\s+)?([\d,]+)(?:\s*(?:rounds?|iterations?|steps?|epochs?|updates?))?\s*\)?",
    re.IGNORECASE,
)
ROUND = re.compile(r"^\W*(?:round|iteration|step|epoch)\s*#?\s*(\d+)\s*(?::|-|=|$)\s*(.*)$", re.IGNORECASE)
SIGNS = re.compile(r"\s*(?:=|:=|≈|~=|~|≃|->|→|⇒|=>|:)\s*")
VALUE = re.compile(rf"(?<![\w.])[-+−]?\s*{DIGITS}{POWER}\s*%?(?!\w)")
ARRAY = re.compile(r"\[|array\(|tensor\(|Tensor\(|matrix\(")
NUMBERS = re.compile(r"[-+−]?(?:nan|inf|(?:\d+\.?\d*|\.\d+)(?:[eE][-+−]?\d+)?)", re.IGNORECASE)
COMMENT = re.compile(r"\s+(?:#|//|%%?)\s.*$|^\s*(?:#|//|%)(?!\d).*$")
BULLET = re.compile(r"^\s*(?:[-*•>]\s+(?=\D)|\d+[.)]\s+(?=[A-Za-z∂δ\\$]))")
WIDEST_NAME = 200


def read_text(text: str, source: str = "") -> Answers:
    """All numbers with a name in a text.

    >>> [(each.name, each.text) for each in read_text("net_h1 = 0.15*0.05 + 0.35 = 0.3775").numbers]
    [('net_h1', '0.3775')]
    """
    numbers: list[Answer] = []
    arrays: list[ArrayAnswer] = []
    unread: list[Unread] = []
    notes: list[str] = []
    after = 0
    for number, line in _joined(text):
        place = f"line {number}"
        if len(line) > LONGEST:
            unread.append(Unread(place, line[:57] + "...", "the line is too long"))
            continue
        line = COMMENT.sub("", _unlatex(line)).strip()
        if not line or set(line) <= set("|-+=:_ *#"):
            continue
        heading = _heading(line)
        if heading is not None:
            after, note, line = heading
            notes += [note] if note else []
            if not line:
                continue
        found = list(_of_line(line, after, place))
        if found:
            numbers += found
        elif VALUE.search(line) is not None or SIGNS.search(line):
            unread.append(Unread(place, line if len(line) <= 60 else f"{line[:57]}...", _reason(line)))
    return Answers(tuple(numbers), tuple(arrays), tuple(unread), (*dict.fromkeys(notes), *_twice(numbers)), source)


def _twice(numbers: list[Answer]) -> Iterator[str]:
    seen: dict[tuple[str, int], Answer] = {}
    for each in numbers:
        first = seen.setdefault((each.name, each.after), each)
        if first is not each and first.value != each.value:
            yield f"{each.name} is there twice, in {first.place} and {each.place}; both are checked"


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers; a bracket that is still open goes on on the next line."""
    held, start, depth = "", 0, 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start if held else number
        held = f"{held} {line.strip()}" if held else line
        depth = held.count("[") - held.count("]")
        if depth <= 0 or len(held) > LONGEST:
            yield start, held
            held = ""
    if held:
        yield start, held


def _unlatex(line: str) -> str:
    """LaTeX's way of writing a subscript and a product."""
    line = line.replace(r"\cdot", "*").replace(r"\times", "×").replace(r"\approx", "≈").replace("&", " ")
    return line.replace("\\\\", " ") if "$" in line or "\\" in line else line


def _heading(line: str) -> tuple[int, str, str] | None:
    """``after 100 rounds:`` and ``Round 2``, which hold for the lines below; and what follows on the line."""
    plain = line.strip("#*=- :\t")
    if (match := AFTER.fullmatch(plain)) is not None:
        return int(match[1].replace(",", "")), "", ""
    if (match := re.match(rf"{AFTER.pattern}\s*[:,]\s*(.+)$", plain, re.IGNORECASE)) is not None:
        return None
    match = ROUND.match(plain)
    if match is None or not int(match[1]):
        return None
    rest = match[2]
    if rest and typed(rest) is not None:
        return None  # step: 5 is a number with a name
    done = int(match[1]) - 1
    word = plain.split()[0].lower()
    said = f"{word} {match[1]} is read as the round after {done} round{'s' * (done != 1)}"
    return done, said, rest


def _of_line(line: str, after: int, place: str) -> Iterator[Answer]:
    """The numbers of one line: one, or several with commas between."""
    if "|" in line and line.count("|") > 1:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) >= 2 and (value := typed(cells[1])) is not None:
            yield _answer(cells[0], value, after, place)
        return
    line = BULLET.sub("", line)
    pieces = _pieces(line)
    for piece in pieces:
        found = _named(piece, after, place)
        if found is None:
            yield from _array(piece, after, place)
        else:
            yield found


def _pieces(line: str) -> list[str]:
    """``a = 1, b = 2`` as two; commas in names, numbers and brackets stay."""
    parts = re.split(r"[;,]\s+(?=[A-Za-z∂δηΔ\\$][^,;=]*(?:=|:|≈)\s*)", line)
    return [part for part in parts if part.strip()]


def _named(piece: str, after: int, place: str) -> Answer | None:
    """A name and its number: what stands before the first sign, and the number after the last one."""
    prefix = re.match(rf"^{AFTER.pattern}\s*[:,]\s*", piece, re.IGNORECASE)
    if prefix is not None:
        after, piece = int(prefix[1].replace(",", "")), piece[prefix.end() :]
    inside = AFTER.search(piece)
    if inside is not None:
        after = int(inside[1].replace(",", ""))
        piece = f"{piece[: inside.start()]} {piece[inside.end() :]}"
        piece = re.sub(r"\s+(?=[=:≈])", " ", piece)
    parts = SIGNS.split(piece)
    if len(parts) >= 2 and parts[0].strip() and not ARRAY.match(parts[-1].strip()):
        value = _last_number(parts[-1])
        name = parts[0]
    else:
        match = re.match(rf"^(.*?\S)\s+({VALUE.pattern})\s*$", piece)
        if match is None:
            return None
        value, name = typed(match[2]), match[1]
    name = name.strip().strip("$").strip().strip("\"'`*").strip()
    if value is None or not name or len(name) > WIDEST_NAME or typed(name) is not None:
        return None
    return _answer(name, value, after, place)


def _last_number(text: str) -> Typed | None:
    """A number, alone or with a word behind it."""
    text = text.strip().strip("$").strip().rstrip(".;,").strip("\"'`*")
    whole = typed(text)
    if whole is not None:
        return whole
    match = re.match(rf"^\(?({VALUE.pattern})\)?\s*(?:[A-Za-z(\[].*)?$", text)
    return None if match is None else typed(match[1])


def _array(piece: str, after: int, place: str) -> Iterator[Answer]:
    """``w_o = [[0.4, 0.45], [0.5, 0.55]]``, also as NumPy and PyTorch print it: each entry by its address."""
    match = re.match(r"^(.*?\S)\s*[=:]?\s*(?:(?:np\.|torch\.)?(?:array|tensor|Tensor|matrix)\s*\(\s*)?(\[.*\])", piece)
    if match is None:
        return
    name = match[1].strip().rstrip("=:").strip()
    tree = nested(match[2])
    for index, text in _leaves(tree, ()) if tree is not None else ():
        value = typed(text)
        if value is not None:
            yield _answer(f"{name}[{','.join(str(each + 1) for each in index)}]", value, after, place)


def nested(text: str) -> list[object] | None:
    """A printed array as nested lists of texts; None where its brackets don't fit."""
    stack: list[list[object]] = []
    root: list[object] | None = None
    for token in re.findall(rf"\[|\]|{NUMBERS.pattern}", text, re.IGNORECASE):
        if token == "[":
            inner: list[object] = []
            if stack:
                stack[-1].append(inner)
            elif root is None:
                root = inner
            stack.append(inner)
        elif token == "]":
            if not stack:
                return None
            stack.pop()
            if not stack:
                return root
        elif stack:
            stack[-1].append(token)
    return None


def _leaves(tree: object, index: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], str]]:
    if isinstance(tree, list):
        for place, each in enumerate(tree):
            yield from _leaves(each, (*index, place))
    else:
        yield index, str(tree)


def _answer(name: str, value: Typed, after: int, place: str) -> Answer:
    return Answer(name, value.text, value.value, value.unit, after, place)


def _reason(line: str) -> str:
    if VALUE.search(line) is None:
        return "no number stands after the name"
    return "no name stands before the number; write it as in net_h1 = 0.3775"
