"""The directive ``rows``: a reference page made from a table of rows, so that the two can't disagree.

    ```{rows} chainrule.formula.functions:FUNCTIONS
    :prose: kink
    ```

Each row becomes a section under its first field, its name. Fields named in ``:prose:`` are shown as text, fields in
``:omit:`` are left out, every other one is shown as code. What is empty or as by default is left out.
"""

from dataclasses import Field, fields
from importlib import import_module

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from sphinx.application import Sphinx


def table(address: str) -> tuple[object, ...]:
    """The rows at ``module:NAME``; the table may be a tuple of rows or a mapping to them."""
    module, _, name = address.partition(":")
    rows = getattr(import_module(module), name)
    return tuple(rows.values() if hasattr(rows, "values") else rows)


def as_text(value: object) -> str:
    if isinstance(value, tuple | list | frozenset | set):
        return ", ".join(map(str, value))
    return "\n".join(line.strip() for line in str(value).strip().splitlines())


def term(field: Field[object], value: object, prose: bool) -> nodes.definition_list_item:
    text = as_text(value)
    if prose:
        shown: nodes.Node = nodes.paragraph("", " ".join(text.split()))
    elif "\n" in text:
        shown = nodes.literal_block(text, text, language="text")
    else:
        shown = nodes.paragraph("", "", nodes.literal(text, text))
    label = nodes.term("", field.name.replace("_", " "))
    return nodes.definition_list_item("", label, nodes.definition("", shown))


class Rows(Directive):
    required_arguments = 1
    option_spec = {"prose": directives.unchanged, "omit": directives.unchanged}  # noqa: RUF012 - as docutils has it

    def run(self) -> list[nodes.Node]:
        rows = table(self.arguments[0])
        prose, omit = (set(self.options.get(option, "").split()) for option in ("prose", "omit"))
        if unknown := (prose | omit) - {field.name for field in fields(rows[0])}:
            raise self.error(f"no field {', '.join(sorted(unknown))} in {type(rows[0]).__name__}")
        return [self.section(row, prose, omit | {fields(row)[0].name}) for row in rows]

    def section(self, row: object, prose: set[str], omit: set[str]) -> nodes.section:
        name = getattr(row, fields(row)[0].name)
        title = nodes.title("", "", nodes.literal(name, name))
        section = nodes.section("", title, names=[name])
        self.state.document.note_implicit_target(section, section)
        values = [(field, getattr(row, field.name)) for field in fields(row) if field.name not in omit]
        terms = [
            term(field, value, field.name in prose)
            for field, value in values
            if value not in (None, "", (), False) and value != field.default
        ]
        section += nodes.definition_list("", *terms)
        return section


class FieldTable(Directive):
    """The fields of a network file, table by table, from the rows that the reader itself uses."""

    def run(self) -> list[nodes.Node]:
        from chainrule.spec.fields import FIELDS, KINDS

        tables = dict.fromkeys(field.table for field in FIELDS)
        return [self.fields(table, [field for field in FIELDS if field.table == table], KINDS) for table in tables]

    def fields(self, table: str, rows: list, kinds: dict) -> nodes.Node:
        title = f"[[{table}]]" if table == "layer" else f"[{table}]" if table else "at the top"
        items = []
        for row in rows:
            default = "needed" if row.required else f"default: {row.default}" if row.default else ""
            said = f" {row.meaning} Holds {kinds[row.kind][0]}{f'; {default}' if default else ''}."
            key = "any name" if row.key == "*" else row.key
            items.append(nodes.list_item("", nodes.paragraph("", "", nodes.literal(key, key), nodes.Text(f":{said}"))))
        return nodes.container("", nodes.paragraph("", "", nodes.strong(title, title)), nodes.bullet_list("", *items))


class LayerKinds(Directive):
    """The kinds of layers with their settings and numbers, from the rows that build them."""

    def run(self) -> list[nodes.Node]:
        from chainrule.catalogue.kinds import LAYER_ROWS

        return [self.kind(row) for row in LAYER_ROWS]

    def kind(self, row: object) -> nodes.section:
        from chainrule.catalogue.layer_row import setting_text

        title = nodes.title("", "", nodes.literal(row.name, row.name))
        section = nodes.section("", title, names=[row.name])
        self.state.document.note_implicit_target(section, section)
        also = f" Also written {', '.join(row.aliases)}." if row.aliases else ""
        section += nodes.paragraph("", f"{row.title[0].upper()}{row.title[1:]}.{also} {row.source}".strip())
        lines = [(each.name, setting_text(each)) for each in row.settings] + list(row.keys)
        items = [
            nodes.list_item("", nodes.paragraph("", "", nodes.literal(name, name), nodes.Text(f": {text}")))
            for name, text in lines
        ]
        section += nodes.bullet_list("", *items) if items else nodes.paragraph("", "It has no settings.")
        return section


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("rows", Rows)
    app.add_directive("fields", FieldTable)
    app.add_directive("layers", LayerKinds)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
