"""Network files: what they say, and every problem in them with its line."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest

from chainrule.model.prepare import task_of
from chainrule.spec.examples import example_names, example_text, new_spec_text
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
    (("bias = 0.35", "bias = [0.35]"), r"there are 1 bias for 2 neurons"),
    (("[[0.01, 0.99]]", "[[0.01]]"), r"each sample has 1 target, but the last layer has 2 neurons"),
    (("[[0.05, 0.10]]", "[]"), r"data, inputs: there are no numbers in it"),
    (("[[0.05, 0.10]]", "[[0.05, 0.10], [1, 2]]"), r"there are 2 rows of inputs but 1 of targets"),
    (('"gradient_descent"', '"adm"'), r"there is no optimizer 'adm'; did you mean adam"),
    (("learning_rate = 0.5", "settings = { beta1 = 0.9 }"), r"gradient_descent has no setting 'beta1'"),
    (("rounds = 10000", "rounds = -1"), r"-1 is not a whole number from 0"),
    (("rounds = 10000", "batch = 5"), r"a batch of 5, but the data have 1 sample"),
    (("[training]", "[trainning]"), r"there is no such table; did you mean training"),
    (("[network]", "[formulas]\ntext = 'a = 1'\n[network]"), r"either \[formulas\] or \[network\]"),
    (('loss = "half_squared_error"', 'loss = "cross_entropy_on_logits"'), r"takes net inputs"),
    (('name = "h"', 'name = "x y"'), r"line 7: layer: a layer's name is made of letters"),
    (('name = "o"', 'name = "h"'), r"line 7: layer: two layers have the name h"),
    (('[[layer]]\nname = "o"', '[[lay]]\nname = "o"'), r"line 18: lay: there is no such table; did you mean layer"),
    (("[network]", "[[network]]"), r"line 3: network: network is a table; write \[network\] with one pair of brackets"),
    (("inputs = 2", "inputs = 2.0"), r"2.0 is not a whole number from 1"),
    (("inputs = 2", "inputs = " + "9" * 30), r"9{20,}... is larger than any that can be used"),
    (("[[0.05, 0.10]]", "[0.05, true]"), r"data, inputs: \[0.05, true\] is not a list of rows"),
    (("[[0.05, 0.10]]", "{ a = 0.10 }"), r"data, inputs: \{a = 0.10\} is not a list of rows"),
    (("[0.15, 0.20],", "[0.15, 1e400],"), r"line 12: .* 1E\+400 is outside the range of float64"),
    (("rounds = 10000", "clip_norm = 0"), r"clip_norm: 0 is not above 0"),
    (("rounds = 10000", '"\\u001b[31m" = 1'), r"training, '\\x1b\[31m': there is no such field"),
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
        ("x = ", "write a value after ="),
        ("train = True", "write true or false in small letters"),
        ("bias = None", "leave the line out"),
        ("title: My net", "line 1: this is not TOML: .* at column 6, in: title: My net; TOML has = and not :"),
        ("- inputs: 1", "this looks like YAML"),
        ("title = My net", "put text into double quotes"),
        ("title 'My net'", "write a name, =, and a value"),
        ("title = “My net”", "these are typographic quotes"),
        ("// title", "a comment begins with #"),
        ("[data]\ninputs = [[.5]]", "line 2: .* write a digit before the point"),
        ("inputs = [1., 2]", "write a digit after the point"),
        ("inputs = [1 2]", "put a comma between two numbers"),
        ("rate = 0,5", "write a point and not a comma"),
        ("a == 1", "write one ="),
        ("a = 1; b = 2", "no semicolon"),
        ("a = 1 b = 2", "on a line of its own"),
        ("a = 1\na = 2", "line 2: .* stands twice"),
        ("a = 1\nb = [1,\n2\n\n", "line 3: .* brackets and quotes are closed"),
        ("a = 1 \x1b[31m", "in: a = 1 \\?"),
        ("a = 1\nx = " + "1" * 5000, "line 2: 1{20}... is outside the range of float64"),
        ("a = 1\nx = 1e99999999999999999999", "line 2: 1e9{18}... is outside the range of float64"),
        ("{", "this is not JSON: .* at column 2"),
        ('{"a": 1e99999999999999999999}', "line 1: 1e9{18}... is outside the range of float64"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "the name 'c' stands twice"),
        ("[" * 20_000, "nested too deeply|not TOML"),
        ("{" + '"a":[' * 20_000, "nested too deeply|not JSON"),
    ],
)
def test_a_file_that_is_no_toml(text: str, message: str) -> None:
    with pytest.raises(SpecErrors, match=message):
        parse_spec(text, "net.toml")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('text = """\ny = w * 2\nz = y ^ 2\n"""', 4),
        ('text = """y = w * 2\nz = y ^ 2"""', 3),
        ('text = "y = w * 2\\nz = y ^ 2"', 2),
        ("text = '''\r\n\r\nz = w ^ 2'''", 4),
    ],
)
def test_the_line_of_a_formula(text: str, line: int) -> None:
    said = problems(f"[formulas]\n{text}\n[parameters]\nw = 1\n")
    assert said.startswith(f"net.toml, line {line}: formulas: ^ is not a power here\n    z = ")


def test_problems_of_formulas_are_told_with_the_others() -> None:
    text = '[formulas]\ntext = """\na = tahn(w)\nb = w ^ 2\n"""\n[parameters]\nw = nan\nif = 1\n'
    said = problems(text)
    assert [int(number) for number in re.findall(r"^net.toml, line (\d+):", said, re.MULTILINE)] == [3, 4, 7, 8]
    assert "did you mean tan(...)?" in said
    assert "'if' can't be a quantity's name" in said


@pytest.mark.parametrize("text", ["", "  ", "# only a comment"])
def test_formulas_without_a_formula(text: str) -> None:
    assert "line 2: formulas, text: there are no formulas in it" in problems(f"[formulas]\ntext = '{text}'\n")


def test_a_name_without_a_definition() -> None:
    assert "zz is not defined" in problems('[formulas]\ntext = "E_total = zz"\n[parameters]\nw = 1\n')


def test_an_optimizers_own_number_has_its_place() -> None:
    text = example_text("momentum").replace("settings = { momentum = 0.9 }", "momentum = 0.90")
    assert "momentum: there is no such field; write it in settings = { momentum = 0.90 }" in problems(text)


def test_a_layer_without_weights_is_told_what_can_stand_there() -> None:
    start, end = GOOD.index("weights = ["), GOOD.index("bias = 0.35")
    said = problems(GOOD[:start] + GOOD[end:])
    assert "line 7: layer 1, weights: weights is missing" in said
    assert "glorot_uniform" in said


def test_a_name_that_is_nearly_right_is_one_problem() -> None:
    said = problems(GOOD.replace("weights = [", "wieghts = [", 1))
    assert said == "net.toml, line 11: layer 1, wieghts: there is no such field; did you mean weights?"


@pytest.mark.parametrize("change", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n")])
def test_marks_and_line_ends_of_other_systems(change: Callable[[str], str]) -> None:
    assert parse_spec(change(GOOD)) == parse_spec(GOOD)
    assert "line 12:" in problems(change(GOOD.replace("0.15", "true")))


def test_a_problem_in_json_has_its_line() -> None:
    text = '{"network": {"inputs": 1,\n"loss": "squared error"},\n"layer": [{"units": 1,\n"weights": [[true]]}],\n'
    text += '"data": {"inputs": [[1]], "targets": [[NaN]]}}'
    said = problems(text).splitlines()
    assert said[0].startswith("net.toml, line 4: layer 1, weights, row 1, number 1: true is not a number")
    assert said[1].startswith("net.toml, line 5: data, targets, row 1, number 1: NaN is not a finite number")


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
    from chainrule.catalogue.build import DenseLayer, parameter_shapes
    from chainrule.catalogue.row import CatalogueError
    from chainrule.numbers.memory import check_size

    with pytest.raises(CatalogueError, match=r"10,000,010,000,000 parameters .* would need about"):
        check_size(parameter_shapes(1_000_000, [DenseLayer(10_000_000)]))
    assert "each sample has 1 number," in problems(text)


WITHOUT_DATA = """
[network]
loss = "half_squared_error"
[[layer]]
units = 2
weights = "he_normal"
"""


def test_a_network_without_data_is_read_but_has_no_numbers_to_explain() -> None:
    part = parse_spec(WITHOUT_DATA).network
    assert isinstance(part, NetworkPart)
    assert (part.inputs, part.data_inputs, part.data_targets) == (0, (), ())
    said = problems(WITHOUT_DATA)
    assert said.startswith("net.toml: this network has no data of its own; add [data], or train it on a table")
    assert said.count("\n") == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"he_normal"', "[[1], [2]]"), "line 2: network, inputs: inputs is missing; .* where weights are drawn"),
        (("[network]", "[network]\ninput = 3"), "line 3: network, input: there is no such field; did you mean inputs"),
        (("[[layer]]", "[data]\ninputs = [[1]]\ntargets = [[1, 2]]\n[[layer]]"), "network, inputs: inputs is missing"),
        (("[[layer]]", "[data]\ninputs = [[1]]\n[[layer]]"), "data, targets: targets is missing"),
        (("units = 2", "units = 0"), "line 5: layer 1, units"),
    ],
)
def test_what_a_network_without_data_still_needs(change: tuple[str, str], message: str) -> None:
    assert change[0] in WITHOUT_DATA
    with pytest.raises(SpecErrors, match=message) as caught:
        parse_spec(WITHOUT_DATA.replace(*change, 1), "net.toml")
    assert "assert" not in str(caught.value)


def test_a_batch_needs_no_data_in_the_file() -> None:
    assert parse_spec(WITHOUT_DATA + "[training]\nbatch = 64\n").batch == 64
