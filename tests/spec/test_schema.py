"""The JSON Schema of network files: it takes what the reader takes."""

import tomllib
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chainrule.catalogue.kinds import LAYER_ROWS
from chainrule.spec.examples import example_names, example_text
from chainrule.spec.fields import FIELDS
from chainrule.spec.schema import spec_schema

SCHEMA = spec_schema()


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", example_names())
def test_every_example_is_valid(name: str) -> None:
    Draft202012Validator(SCHEMA).validate(tomllib.loads(example_text(name)))


def test_the_schema_knows_every_field() -> None:
    dense = SCHEMA["properties"]["layer"]["items"]["anyOf"][0]
    for field in FIELDS:
        if not field.table:
            assert field.key in SCHEMA["properties"]
        elif field.key != "*":
            assert field.key in (dense if field.table == "layer" else SCHEMA["properties"][field.table])["properties"]


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("a setting of another kind", {"kind": "flatten", "kernel": 3}),
    ("a needed setting", {"kind": "conv", "filters": 2}),
    ("a size", {"kind": "conv", "kernel": 0}),
    ("a choice", {"kind": "gru", "units": 2, "reset": "never"}),
    ("an unknown kind", {"kind": "convolutoin", "kernel": 2}),
    ("no weights", {"units": 2}),
]


@pytest.mark.parametrize("layer", [layer for _, layer in WRONG], ids=[name for name, _ in WRONG])
def test_what_the_reader_refuses_is_not_valid(layer: dict[str, Any]) -> None:
    network = {"inputs": [4, 4], "loss": "half_squared_error"}
    assert not Draft202012Validator(SCHEMA).is_valid({"network": network, "layer": [layer]})


def test_every_name_of_a_kind_is_valid() -> None:
    known = [each["properties"]["kind"]["enum"] for each in SCHEMA["properties"]["layer"]["items"]["anyOf"][1:]]
    assert known == [[row.name, *row.aliases] for row in LAYER_ROWS]
