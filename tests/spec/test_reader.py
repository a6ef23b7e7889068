"""Network files: what they say, and every problem in them with its line."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.model.prepare import task_of
from chainrule.spec.examples import example_names, example_text, new_spec_text
from chainrule.spec.fields import FIELDS, spec_schema
from chainrule.spec.lines import locate
from chainrule.spec.problems import SpecErrors
from chainrule.spec.reader import parse_spec, read_spec
from chainrule.spec.spec import NetworkPart

GOOD = example_text("mazur")


def problems(text: str) -> str:
    with pytest.raises(SpecErrors) as caught:
        task_of(parse_spec(text, "net.toml"))
    return str(caught.value)


@pytest.mark.parametrize("name", example_names())
def test_every_example_is_a_network(name: str) -> None:
    spec = parse_spec(example_text(name), name)
    assert spec.title != name
    assert task_of(spec).program_for(1).definitions


def test_the_file_to_start_from_is_a_network() -> None:
    assert task_of(parse_spec(new_spec_text())).samples == 4


def test_typed_numbers_stay_as_typed() -> None:
    part = parse_spec(GOOD).network
    assert isinstance(part, NetworkPart)
    assert str(part.layers[0].weights) == "((Decimal('0.15'), Decimal('0.20')), (Decimal('0.25'), Decimal('0.30')))"
    assert part.layers[0].bias == Decimal("0.35")
    assert part.layers[0].layer.bias == "shared"
    assert not part.layers[0].layer.train_bias


def test_json_says_the_same() -> None:
    text = """{"network": {"inputs": 1, "loss": "squared error"}, "layer": [{"units": 1, "weights": [[0.10]]}],
        "data": {"inputs": [[1]], "targets": [[2]]}}"""
    part = parse_spec(text).network
    assert isinstance(part, NetworkPart)
    assert part.conventions.loss == "squared error"


# Each pair: what is changed in the tutorial's file, and what the message must say.
MISTAKES = [
    (
        ("inputs = 2", "inputs = 3"),
        r"layer 1, weights: these are 2 x 2 weights, but 2 neurons with 3 inputs need 2 x 3",
    ),
    (("inputs = 2", "inputs = 0"), r"line 4: network, inputs: 0 is not a whole number from 1"),
    (("inputs = 2", 'inputs = "2"'), r"write it without quotes"),
    (("inputs = 2", "input = 2"), r"there is no such field; did you mean inputs"),
    (('"half_squared_error"', '"crossentropy"'), r"did you mean cross_entropy"),
    (('"logistic"', '"sigmoit"'), r"layer 1, activation: there is no activation 'sigmoit'; did you mean sigmoid"),
    (("[0.15, 0.20],", "[0.15, 0.20, 0.3],"), r"row 2: this row has 2 numbers, but the first has 3"),
    (("[0.15, 0.20],", "[0.15, nan],"), r"layer 1, weights, row 1, number 2: NaN is not a finite number"),
    (("[0.15, 0.20],", '[0.15, "x"],'), r"line 12: layer 1, weights, row 1, number 2: 'x' is not a number"),
    (("bias = 0.35", "bias = [0.35]"), r"these are 1 biases for 2 neurons"),
    (("[[0.01, 0.99]]", "[[0.01]]"), r"each sample has 1 targets, but the last layer has 2 neurons"),
    (("[[0.05, 0.10]]", "[]"), r"data, inputs: there are no numbers in it"),
    (("[[0.05, 0.10]]", "[[0.05, 0.10], [1, 2]]"), r"there are 2 rows of inputs but 1 of targets"),
    (('"gradient_descent"', '"adm"'), r"there is no optimizer 'adm'; did you mean adam"),
    (("learning_rate = 0.5", "settings = { beta1 = 0.9 }"), r"gradient_descent has no setting 'beta1'"),
    (("rounds = 10000", "rounds = -1"), r"-1 is not a whole number from 0"),
    (("rounds = 10000", "batch = 5"), r"a batch of 5, but there are only 1 samples"),
    (("[training]", "[trainning]"), r"there is no such table; did you mean training"),
    (("[network]", "[formulas]\ntext = 'a = 1'\n[network]"), r"either \[formulas\] or \[network\]"),
    (('loss = "half_squared_error"', 'loss = "cross_entropy_on_logits"'), r"takes net inputs"),
    (('name = "h"', 'name = "x y"'), r"a layer's name is made of letters"),
]


@pytest.mark.parametrize(("change", "message"), MISTAKES, ids=[change[1][:30] for change, _ in MISTAKES])
def test_a_mistake_is_named(change: tuple[str, str], message: str) -> None:
    assert change[0] in GOOD
    with pytest.raises(SpecErrors, match=message):
        task_of(parse_spec(GOOD.replace(*change, 1), "net.toml"))


def test_all_problems_are_told_at_once_in_the_order_of_lines() -> None:
    text = GOOD.replace("inputs = 2", "inputs = 0").replace('"logistic"', '"foo"').replace("0.5\n", "true\n")
    lines = problems(text).splitlines()
    assert len(lines) == 4
    numbers = [int(line.split("line ")[1].split(":")[0]) for line in lines]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("x = ", "this is not TOML"),
        ("train = True", "write true or false in small letters"),
        ("title: My net", "TOML has = and not :"),
        ("title = My net", "put text into double quotes"),
        ("[data]\ninputs = [[.5]]", "write a digit before the point"),
        ("{", "this is not JSON"),
        ("[" * 20_000, "nested too deeply|not TOML"),
    ],
)
def test_a_file_that_is_no_toml(text: str, message: str) -> None:
    with pytest.raises(SpecErrors, match=message):
        parse_spec(text, "net.toml")


def test_the_line_of_a_formula(tmp_path: object) -> None:
    text = '[formulas]\ntext = """\ny = w * 2\nz = y ^ 2\nE_total = zz\n"""\n[parameters]\nw = 1\n'
    assert "net.toml, line 4: formulas" in problems(text)
    assert "zz is not defined" in problems(text.replace("y ^ 2", "y ** 2"))


@pytest.mark.parametrize(
    ("content", "message"), [(b"\xff\xfe\x00", "not a text file"), (b"title = '\xe4'", "not UTF-8"), (b"", "empty")]
)
def test_a_file_that_is_no_text(tmp_path, content: bytes, message: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "net.toml"
    path.write_bytes(content)
    with pytest.raises(SpecErrors, match=message):
        read_spec(str(path))


def test_a_network_too_large_for_the_machine_is_refused_before_it_is_made() -> None:
    text = """
        [network]
        inputs = 1000000
        loss = "half_squared_error"
        [[layer]]
        units = 10000000
        weights = "he_normal"
        [data]
        inputs = [[1]]
        targets = [[1]]
        """
    from chainrule.catalogue.build import DenseLayer
    from chainrule.catalogue.row import CatalogueError
    from chainrule.model.prepare import parameter_shapes
    from chainrule.model.task import check_size

    with pytest.raises(CatalogueError, match=r"10,000,000,000,000 parameters .* would need about"):
        check_size(parameter_shapes(1_000_000, [DenseLayer(10_000_000)]))
    assert "each sample has 1 numbers" in problems(text)


def test_the_schema_knows_every_field() -> None:
    schema = spec_schema()["properties"]
    for field in FIELDS:
        if not field.table:
            assert field.key in schema
        elif field.key != "*":
            table = schema[field.table]
            assert field.key in (table["items"] if field.table == "layer" else table)["properties"]


ARRAYS = st.recursive(st.integers(-9, 9), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=12)


@given(st.lists(st.tuples(ARRAYS, st.booleans()), min_size=1, max_size=5))
def test_lines_of_generated_arrays(values: list[tuple[object, bool]]) -> None:
    text, expected = "", {}
    for place, (value, broken) in enumerate(values):
        expected[(f"k{place}",)] = text.count("\n") + 1
        shown = str(value).replace(", ", ",\n  # a comment ]\n  " if broken else ", ")
        if isinstance(value, list):
            for at in range(len(value)):
                before = str(value[:at])[:-1] if at else ""
                expected[(f"k{place}", at)] = (
                    text.count("\n") + 1 + (before.count(",") + 1 if at else 0) * (2 if broken else 0)
                )
        text += f"k{place} = {shown}\n"
    found = locate(text)
    assert {path: found[path] for path in expected} == expected
