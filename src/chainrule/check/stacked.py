"""Fractions written over three lines, as on paper: put back on one."""

import re
from collections.abc import Sequence

BAR = re.compile(r"[─━]{2,}|-{2,}")
DRAWN = re.compile(r"[─━═╌╭╮╯╰┼┬┴├┤│►◄]")
SIGN = re.compile(r"[=≈]")
WIDEST = 1000  # characters of a line with a fraction


def unstacked(lines: Sequence[str]) -> list[str | None]:
    """The lines with every fraction on the line of its bar; None for a line of which nothing else is left.

    A bar is one that stands on a line with a sign, and has something right above and right below it.

    >>> unstacked(["  dE", " ---- = 0.08", "  dw5"])
    [None, ' dE/dw5 = 0.08', None]
    """
    found: list[str | None] = list(lines)
    for at in range(1, len(lines) - 1):
        middle = lines[at]
        if len(middle) > WIDEST or SIGN.search(middle) is None or BAR.search(middle) is None:
            continue
        above, below = lines[at - 1], lines[at + 1]
        for bar in reversed(list(BAR.finditer(middle))):
            over, under = _within(above, *bar.span()), _within(below, *bar.span())
            if over and under:
                middle = f"{middle[: bar.start()]}{over}/{under}{middle[bar.end() :]}"
                found[at - 1] = _without(found[at - 1], *bar.span())
                found[at + 1] = _without(found[at + 1], *bar.span())
        found[at] = middle
    return found


def _within(line: str, start: int, end: int) -> str:
    """What stands on a line above or below a bar; nothing where it sticks out on either side."""
    text = line[start:end].strip()
    out = line[max(0, start - 1) : start].strip() or line[end : end + 1].strip()
    if out or not any(each.isalnum() for each in text) or DRAWN.search(text) or SIGN.search(text):
        return ""
    return f"({text})" if re.search(r"\s[-+−·*]\s", text) else text


def _without(line: str | None, start: int, end: int) -> str | None:
    if line is None:
        return None
    return (line[:start] + " " * (min(end, len(line)) - start) + line[end:]).rstrip() or None
