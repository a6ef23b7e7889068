"""The lines of a text of answers: without markup, and with what goes on over several lines put together."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from chainrule.check.stacked import BAR, unstacked
from chainrule.check.typed import NUMBER_TEXT

LONGEST = 1_000_000  # characters of a line
LONGEST_ARRAY = 200_000_000  # of an array over many lines


class Line(NamedTuple):
    """A line with the number of its first line in the text; ``long`` where it is too long to be read."""

    number: int
    text: str
    long: bool = False


PLAIN = re.compile(r"[\w\s=:.,+^()'\[\]-]*")  # nothing to clean in there but bullets
LATEX = (
    (
        re.compile(r"\\(?:left|right|displaystyle|quad|qquad|boxed|hline|nonumber|Big|big)(?![a-zA-Z])"),
        " ",
    ),
    (re.compile(r"\\(?:begin|end|label|tag)\s*\{[^{}]*\}"), " "),
    (re.compile(r"\\[\[\]()]|\\\\|\\[,;!: ]|\\$"), " "),
    (re.compile(r"\\(?:mathrm|mathit|text|operatorname|textbf|mathbf|boldsymbol)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\{([A-Za-z]+)\}(?=_)"), r"\1"),
    (re.compile(r"\\(?:cdot|ast)(?![a-zA-Z])"), "*"),
    (re.compile(r"\\times(?![a-zA-Z])"), "×"),
    (re.compile(r"\\(?:approx|simeq|doteq|cong|sim)(?![a-zA-Z])"), "≈"),
    (re.compile(r"\\(?:rightarrow|to|Rightarrow|implies)(?![a-zA-Z])"), "→"),
    (re.compile(r"\\[td]?frac\{(\d+)\}\{(\d+)\}"), r"\1/\2"),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"&"), " "),
)
BOLD = re.compile(r"(?<![\w)*])\*\*([^\s*](?:[^*]*[^\s*])?)\*\*(?![\w(*])")
COMMENT = re.compile(r"(?<=\s)(?:#(?!\d)|//|--\s)(?=.)|(?<=\d)\s+%\s*(?=[^\W\d])")
BULLET = re.compile(
    r"\s*(?:(?:[-*•‣▪◦>–—]|>>>|(?:In|Out)\s*\[\d+\]:)\s+"
    r"|\(?(?:\d{1,3}|[a-z])[.)]\s+(?=[^\W\d]|[\\$`*\"']))+(?:\[[ xX]\]\s+)?"
)
STAMP = re.compile(
    r"\s*\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[-+]\d\d:?\d\d)?\]?[\s:,-]*"
    r"|\s*\[?(?:INFO|DEBUG|WARNING|WARN)\]?\s*[:-]?\s+"
)
CONTAINER = re.compile(r"Parameter containing:|<tf\.[^=<>]*shape=[^<>]*?numpy=")
SIGN_FIRST = re.compile(r"\s*(?:&\s*)?(?:=(?!=)|≈|≃|≅|~|→|->|⇒|=>)")
SIGN = re.compile(r"[=:≈]")
REMARK = re.compile(r"\([^()=:\d]*\)")
GOES_ON = re.compile(r"\s*[+×·⋅/]\s*[\w(.\\]")
OPEN_END = re.compile(r"[\w)\]}]\s*[+×·⋅*/−-]$")
SIGN_LAST = re.compile(r"(?:=|:|≈|→)\s*$")
ARRAY_FIRST = re.compile(r"\s*(?:[A-Za-z_.]{1,30}\(\s*)?\[")
NUMBER_ONLY = re.compile(rf"\s*{NUMBER_TEXT}\s*")
NAME_ONLY = re.compile(r"\s*[^\W\d][\w./∂'+^{}\[\],()-]{0,60}\s*")
ARRAY_OPENS = re.compile(r"(?:^|[=:≈→\s(])\[[\s\[]*(?:[-+−]?[\d.]|[-+]?nan|[-+]?inf|$)", re.IGNORECASE)
ARRAY_TAIL = re.compile(r"\s*(?:grad_fn|device|dtype|requires_grad|weak_type)\s*=")
WITHIN_ARRAY = re.compile(r"\s*(?:[-+−]?[\d.]|[\[\],;…)]|[-+]?(?:nan|inf))", re.IGNORECASE)


def lines(text: str) -> Iterator[Line]:
    """The lines of a text, cleaned; arrays, and calculations that go on with a sign, each as one line.

    >>> [each.text for each in lines("- **net_h1** = 0.15 * 0.05 + 0.35\\n   = 0.3575  # rounded")]
    ['net_h1 = 0.15 * 0.05 + 0.35 = 0.3575']
    """
    held: Line | None = None
    for line in _closed(text):
        if held is not None and (joined := _joined(held, line)) is not None:
            held = joined
            continue
        if held is not None:
            yield held
        held = line
    if held is not None:
        yield held


def _closed(text: str) -> Iterator[Line]:
    """The lines, each with the further ones that its open bracket needs."""
    start, depth, size = 0, 0, 0
    parts: list[str] = []
    raws = re.split(r"\r\n|\r|\n", text)
    for number, raw in enumerate(unstacked(raws) if BAR.search(text) else raws, 1):
        if raw is None:
            continue
        if parts:
            if not raw.strip():
                continue
            if WITHIN_ARRAY.match(raw) if depth > 0 else ARRAY_TAIL.match(raw):
                parts.append(raw)
                depth += raw.count("[") - raw.count("]")
                size += len(raw)
                if size < LONGEST_ARRAY and (depth > 0 or raw.rstrip().endswith(",")):
                    continue
                raw = None
            yield Line(start, " ".join(parts))
            parts = []
            if raw is None:
                continue
        if len(raw) > LONGEST:
            yield Line(number, raw[:100], long=True)
            continue
        line = clean(raw)
        depth = line.count("[") - line.count("]") if "[" in line else 0
        if depth > 0 and ARRAY_OPENS.search(line):
            start, size, parts = number, len(line), [line]
        else:
            yield Line(number, line)
    if parts:
        yield Line(start, " ".join(parts))


def _joined(held: Line, line: Line) -> Line | None:
    """Two lines as one, where the second goes on with what the first says."""
    if held.long or line.long or not held.text or not line.text or len(held.text) > LONGEST:
        return None
    if REMARK.fullmatch(line.text):
        return held._replace(text=f"{held.text} {line.text}")
    if SIGN_FIRST.match(line.text) or (
        SIGN.search(held.text) and (GOES_ON.match(line.text) or OPEN_END.search(held.text))
    ):
        return held._replace(text=f"{held.text} {line.text}")
    value = ARRAY_FIRST.match(line.text) or NUMBER_ONLY.fullmatch(line.text)
    if value and SIGN_LAST.search(held.text[-20:]):
        return held._replace(text=f"{held.text} {line.text}")
    if value and NAME_ONLY.fullmatch(held.text):
        return held._replace(text=f"{held.text} = {line.text}")
    return None


def clean(line: str) -> str:
    """A line without markup, comments and bullets."""
    line = line.replace("\ufeff", "").replace("\xa0", " ").replace("{,}", ",")
    if "\\" in line or "$" in line:
        line = line.replace("$", " ")
        for pattern, by in LATEX:
            line = pattern.sub(by, line)
    if not PLAIN.fullmatch(line):
        line = BOLD.sub(r"\1", line).replace("`", "")
        if (match := COMMENT.search(line)) is not None and line[: match.start()].strip():
            line = line[: match.start()]
        line = CONTAINER.sub(" ", line)
    while (match := STAMP.match(line)) is not None:
        line = line[match.end() :]
    match = BULLET.match(line)
    return line[match.end() :].strip() if match else line.strip()
