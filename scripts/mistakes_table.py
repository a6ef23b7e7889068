"""Renew the table of docs/check-corpus.md: what is found out about each collected mistake.

python scripts/mistakes_table.py
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
if str(ROOT / "tests") not in sys.path:
    sys.path.insert(0, str(ROOT / "tests"))

from check.published_networks import MISTAKES, Handed, collected, missed  # noqa: E402  (tests are not installed)

PAGE = ROOT / "docs" / "check-corpus.md"
HEADER = ("entry", "network", "number handed in", "verdict", "what is found", "as good", "seconds")


def row(entry: str) -> tuple[str, ...]:
    """An entry's row, with the first wrong number, or with the first one where none is wrong."""
    handed = collected(entry)
    first = handed.first_wrong or handed.names[0]
    said = handed.verdicts[first]
    number = f"`{first} = {handed.texts[handed.names.index(first)]}`"
    others = len(handed.names) - 1
    if others:
        number += f", and {others} other{'s' * (others != 1)}"
    equals = said["causes"][0]["ambiguous_with"] if said["causes"] else []
    verdict = said["verdict"] + (f": {said['note']}" if said["note"] else "")
    return entry, MISTAKES[entry]["network"], number, verdict, found(handed), ", ".join(equals), f"{handed.seconds:.1f}"


def found(handed: Handed) -> str:
    convention = handed.check.convention
    if convention is not None:
        return f"right under another convention: {convention}"
    return handed.causes[0]["text"] if handed.causes else ""


def table() -> str:
    rows = [HEADER, ("---",) * len(HEADER), *(row(entry) for entry in MISTAKES)]
    return "".join(f"| {' | '.join(each.replace('|', '&#124;') for each in cells)} |\n" for cells in rows)


def not_found() -> str:
    sentences = [(entry, sentence) for entry in MISTAKES if (sentence := missed(entry))]
    return "".join(
        f"* {entry}, {MISTAKES[entry]['cause']}: {sentence}.\n" for entry, sentence in sentences
    ) or "* Nothing: every entry is found.\n"  # fmt: skip


def renewed(page: str) -> str:
    """The page with the table and the list of what is not found as a run gives them now."""
    for name, text in (("table", table()), ("not found", not_found())):
        before, _, rest = page.partition(f"<!-- {name} -->\n")
        page = f"{before}<!-- {name} -->\n{text}<!-- end -->{rest.partition('<!-- end -->')[2]}"
    return page


def without_seconds(page: str) -> str:
    """The page without the last column of its table."""
    return re.sub(r"^(\| .*) [^|]* \|$", r"\1", page, flags=re.MULTILINE)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
