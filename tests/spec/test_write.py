"""A network file that is written reads back to the same, digit for digit."""

from decimal import Decimal
from keyword import iskeyword
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.catalogue.build import Conventions, DenseLayer
from chainrule.catalogue.training import Update
from chainrule.spec.examples import example_names, example_text, new_spec_text
from chainrule.spec.reader import parse_spec
from chainrule.spec.spec import Drawn, FormulaPart, LayerPart, NetworkPart, Spec
from chainrule.spec.write import write_spec

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9).filter(
    lambda number: not number or abs(number.adjusted()) < 300
)
POSITIVE = st.sampled_from([Decimal("0.10"), Decimal("1E+3"), Decimal("2"), Decimal("1e-7")])
TITLES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.from_regex(r"[a-zé][A-Za-z0-9_é]{0,5}", fullmatch=True).filter(
    lambda name: name.isidentifier() and not iskeyword(name) and not name.startswith("d_") and name[-5:] != "_next"
)


def matrices(rows: int, columns: int) -> st.SearchStrategy[tuple[tuple[Decimal, ...], ...]]:
    row = st.lists(NUMBERS, min_size=columns, max_size=columns).map(tuple)
    return st.lists(row, min_size=rows, max_size=rows).map(tuple)


DRAWN = st.sampled_from([Drawn("he_normal"), Drawn("normal", {"mean": Decimal("-0.10"), "deviation": Decimal("1E-2")})])
UPDATES = st.sampled_from(
    [
        Update(),
        Update("adam", Decimal("0.010"), {"beta1": Decimal("0.90"), "eps": Decimal("1E-8")}),
        Update("momentum", Decimal("1E+1"), {"momentum": Decimal(0)}, Decimal("0.0"), Decimal("1.0"), Decimal(5)),
    ]
)


@st.composite
def layers(draw: st.DrawFn, width: int) -> LayerPart:
    units = draw(st.integers(1, 3))
    bias: Any = draw(st.none() | NUMBERS | st.tuples(*[NUMBERS] * units) | DRAWN)
    kind = "none" if bias is None else "shared" if isinstance(bias, Decimal) else "per_neuron"
    activation, parameters = draw(st.sampled_from([("tanh", ()), ("leaky_relu", (Decimal("0.20"),)), ("identity", ())]))
    flags = draw(st.booleans()), bias is None or draw(st.booleans())
    layer = DenseLayer(units, activation, parameters, kind, *flags)
    return LayerPart(layer, draw(matrices(units, width) | DRAWN), bias)


@st.composite
def networks(draw: st.DrawFn) -> NetworkPart:
    inputs, samples = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    parts: list[LayerPart] = []
    for _ in range(draw(st.integers(1, 3))):
        parts.append(draw(layers(parts[-1].layer.units if parts else inputs)))
    way = st.sampled_from([None, "sum", "mean"])
    loss, settings = draw(st.sampled_from([("squared error", {}), ("huber", {"huber_delta": Decimal("1.50")})]))
    own = draw(st.booleans())
    is_open = not own and isinstance(parts[0].weights, Drawn) and draw(st.booleans())
    return NetworkPart(
        0 if is_open else inputs, tuple(parts), Conventions(loss, draw(way), draw(way), settings),
        draw(st.integers(0, 99)), draw(matrices(samples, inputs)) if own else (),
        draw(matrices(samples, parts[-1].layer.units)) if own else (),
    )  # fmt: skip


ARRAYS = NUMBERS | matrices(1, 2) | matrices(2, 1) | st.tuples(matrices(2, 2), matrices(2, 2)) | st.tuples(NUMBERS)
TEXTS = ("E = w**2", 'E = w  # a "half" \\', "\nE = w\n\n# ''' \"\"\"\n", "\tE = 1\n", "a = 1\r\nE = a")
FAMILIES = st.dictionaries(NAMES, ARRAYS, max_size=2)


@st.composite
def formulas(draw: st.DrawFn) -> FormulaPart:
    text = draw(st.sampled_from(TEXTS))
    parameters = draw(FAMILIES)
    trained = draw(st.none() | st.just(tuple(parameters)))
    return FormulaPart(text, draw(NAMES), trained, draw(FAMILIES), draw(FAMILIES), parameters, draw(FAMILIES))


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    part = draw(networks() | formulas())
    samples = len(part.data_inputs) if isinstance(part, NetworkPart) else 0
    batch = draw(st.none() | st.integers(1, samples)) if samples else None
    return Spec(draw(TITLES), part, draw(UPDATES), batch, draw(st.integers(0, 10**6)))


def read_back(spec: Spec) -> Spec:
    return parse_spec(write_spec(spec))


@given(specs())
def test_a_file_reads_back_to_what_was_written(spec: Spec) -> None:
    again = read_back(spec)
    assert again == spec
    for part in ("title", "network", "update", "batch", "rounds"):  # 0.10 and 0.1 are equal, but not the same digits
        assert repr(getattr(again, part)) == repr(getattr(spec, part))


@pytest.mark.parametrize("text", [new_spec_text(), *map(example_text, example_names())])
def test_the_shipped_files_survive(text: str) -> None:
    spec = parse_spec(text)
    assert repr(read_back(spec).network) == repr(spec.network)
    assert read_back(spec) == spec


def test_rows_stand_under_each_other_and_formulas_on_their_lines() -> None:
    mazur = write_spec(parse_spec(example_text("mazur")))
    assert "weights = [\n    [0.15, 0.20],\n    [0.25, 0.30],\n]\nbias = 0.35\n" in mazur
    own = parse_spec(example_text("formulas"))
    assert isinstance(own.network, FormulaPart)
    assert own.network.text in write_spec(own)
