"""The kinds of layers in words: all of them, or one with what it may be given."""

from textwrap import wrap

from chainrule.catalogue.kinds import LAYER_ROWS, find_kind
from chainrule.catalogue.layer_row import setting_text
from chainrule.spec.layers import COMMON, DENSE


def kinds() -> list[tuple[str, str]]:
    """The kinds of layers: name and title."""
    return [
        (DENSE, "neurons that each see all outputs of the layer before"),
        *((row.name, row.title) for row in LAYER_ROWS),
    ]


def kind_text(name: str, width: int) -> str:
    """A kind's settings and numbers, as a network file or ``Layer`` has them. Raises ``CatalogueError``.

    >>> print(kind_text("flatten", 70).splitlines()[0])
    flatten: all numbers of a sample in one list
    """
    row = find_kind(name)
    lines = wrap(f"{row.name}: {row.title}", width)
    for said in (f"Also written {', '.join(row.aliases)}." if row.aliases else "", row.source):
        lines += wrap(said, width)
    tables = {
        "Its settings": [(setting.name, setting_text(setting)) for setting in row.settings],
        "Its numbers, drawn unless given": list(row.keys),
        "As all layers": [(setting.name, setting_text(setting)) for setting in COMMON if setting.name != "kind"],
    }
    column = 2 + max(len(key) for table in tables.values() for key, _ in table) + 2
    for title, table in tables.items():
        lines += ["", title] if table else []
        for key, text in table:
            first, *rest = wrap(text, max(width - column, 20))
            lines += [f"  {key}".ljust(column) + first, *(" " * column + each for each in rest)]
    return "\n".join(lines)
