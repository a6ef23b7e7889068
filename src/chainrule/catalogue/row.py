"""Looking a row up by the name that a person typed."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Protocol, TypeVar


class CatalogueError(ValueError):
    """A name that no row has, or settings that a row doesn't take."""


class Row(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...


R = TypeVar("R", bound=Row)


def find_row(rows: Sequence[R], name: str, kind: str) -> R:
    """The row of that name or alias, in whatever case, with spaces and hyphens as good as underscores.

    Raises `CatalogueError` with the nearest name.
    """
    wanted = name.strip().lower().replace(" ", "_").replace("-", "_")
    names: dict[str, R] = {each: row for row in rows for each in (row.name, *row.aliases)}
    if wanted in names:
        return names[wanted]
    close = get_close_matches(wanted[:100], names, 1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(row.name for row in rows)}"
    raise CatalogueError(f"there is no {kind} {name[:60]!r}; {hint}")
