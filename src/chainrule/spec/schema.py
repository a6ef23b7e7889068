"""The JSON Schema of network files, from the fields that the reader uses and the rows of layers."""

from typing import Any

from chainrule.catalogue.kinds import LAYER_ROWS
from chainrule.catalogue.layer_row import LayerRow
from chainrule.spec.fields import DRAWN, FIELDS, KINDS, Field
from chainrule.spec.layers import COMMON, DENSE, as_field

START = {"anyOf": [{"type": "number"}, {"type": "array"}, {"type": "string"}, DRAWN]}


def spec_schema() -> dict[str, Any]:
    """The JSON Schema of a network file, for editors.

    >>> sorted(spec_schema()["properties"])[:3]
    ['constants', 'data', 'formulas']
    """
    properties: dict[str, Any] = {field.key: _holds(field) for field in FIELDS if not field.table}
    for table in dict.fromkeys(field.table for field in FIELDS if field.table):
        properties[table] = _table([field for field in FIELDS if field.table == table])
    kinds = [_dense(properties["layer"]), *map(_of_kind, LAYER_ROWS)]
    properties["layer"] = {"type": "array", "minItems": 1, "items": {"anyOf": kinds}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A chainrule network file",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _holds(field: Field) -> dict[str, Any]:
    choices = {"enum": list(field.choices)} if field.choices else {}
    return KINDS[field.kind][1] | {"description": field.meaning} | choices


def _table(rows: list[Field]) -> dict[str, Any]:
    required = [field.key for field in rows if field.required]
    return {
        "type": "object",
        "properties": {field.key: _holds(field) for field in rows if field.key != "*"},
        "additionalProperties": any(field.key == "*" for field in rows),
    } | ({"required": required} if required else {})


def _dense(table: dict[str, Any]) -> dict[str, Any]:
    """A dense layer has weights, or shares those of another."""
    properties = table["properties"] | {"kind": {"const": DENSE}}
    either = [{"required": ["weights"]}, {"required": ["share"]}]
    return table | {"properties": properties, "required": ["units"], "anyOf": either}


def _of_kind(row: LayerRow) -> dict[str, Any]:
    found = _table([as_field(setting) for setting in (*COMMON, *row.settings)])
    names = {"enum": [row.name, *row.aliases], "description": f"{row.title[0].upper()}{row.title[1:]}."}
    numbers = {key: START | {"description": meaning} for key, meaning in row.keys}
    needed = ["kind", *(setting.name for setting in row.settings if setting.required)]
    return found | {"properties": found["properties"] | numbers | {"kind": names}, "required": needed}
