"""Which round a number is from, as people write it: ``after 10000 rounds``, ``Round 2``."""

import re
from typing import NamedTuple

WORDS = r"(?:rounds?|iterations?|iters?|epochs?|updates?|steps?|times|passes)"
HEAD_WORD = r"(?:round|iteration|iter|epoch)"
COUNT = r"(\d{1,3}(?:,\d{3})+|\d{1,12}|\de\d)(?!\d|[.,]\d)"
AFTER = re.compile(
    rf"[(\[]?\s*(?<![A-Za-z])after[\s_]*(?:(?:{WORDS})[\s_]*)?#?{COUNT}[\s_]*(?:(?:training[\s_]*)?{WORDS}\b)?\s*[)\]]?",
    re.IGNORECASE,
)
HEADING = re.compile(
    rf"(?:({HEAD_WORD})\s*[#:=]?\s*(\d{{1,12}})(?:\s*(?:/|of)\s*\d+)?(?![\w.,]*\d)|(\d{{1,12}})(?:st|nd|rd|th)\s+({HEAD_WORD}))\b(.*)",
    re.IGNORECASE | re.DOTALL,
)
NO_ROUND = re.compile(r"(?:decimal|digit|place|significant)", re.IGNORECASE)  # Round 4 decimals
FROM_ZERO = re.compile(rf"^\W*{HEAD_WORD}\W{{0,3}}0(?![\w.,]*\d)", re.IGNORECASE | re.MULTILINE)
MARKUP = "#*=-–—_>[]() \t"


class Heading(NamedTuple):
    """A line that says from which round numbers are: the rounds done before, what to note, the rest of the line."""

    after: int
    note: str
    rest: str


def split_after(text: str) -> tuple[str, int | None]:
    """A text without its ``after ... rounds``, and the rounds; None where it doesn't say them.

    >>> split_after("out_o1 (after 10,000 rounds)"), split_after("E_total after 1"), split_after("w5 after update")
    (('out_o1', 10000), ('E_total', 1), ('w5 after update', None))
    """
    match = AFTER.search(text) if "after" in text.lower() else None
    if match is None:
        return text, None
    rest = f"{text[: match.start()].rstrip(' _')} {text[match.end() :].lstrip(' _')}"
    return rest.strip(), int(float(match[1].replace(",", "")))


def heading(line: str, first: int = 1) -> Heading | None:
    """What a line such as ``Round 2`` or ``--- after 100 rounds ---`` says; None for any other.

    ``Round 2`` is the second round: one round was done before it. ``first`` is the number of the first round.

    >>> heading("## Round 2").after, heading("after 100 rounds:").after, heading("net_h1 = 0.3775")
    (1, 100, None)
    """
    plain = line.strip(MARKUP)
    if (match := AFTER.match(plain)) is not None and not plain[match.end() :].strip(MARKUP + ":,"):
        return Heading(int(float(match[1].replace(",", ""))), "", "")
    match = HEADING.fullmatch(plain)
    if match is None:
        return None
    number = int(match[2] or match[3])
    rest = match[5].strip().lstrip(MARKUP.replace("(", "").replace("[", "") + ":,|").strip()
    if number < first or rest[:1] in ("/", "%") or NO_ROUND.match(rest):
        return None
    done = number - first
    word = (match[1] or match[4]).lower()
    rounds = f"{done} round{'s' * (done != 1)} {'was' if done == 1 else 'were'} done before it"
    counted = "counting from 0, " if not first else ""
    return Heading(done, f'{counted}"{word} {number}" is read as the round of that number: {rounds}', rest)
