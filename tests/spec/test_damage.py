"""Whatever a network file holds, it is a network or its problems are told: nothing else comes out."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.spec.examples import example_names, example_text
from chainrule.spec.problems import SpecErrors
from chainrule.spec.reader import parse_spec
from chainrule.spec.spec import Spec

SINGLE = (None, True, 0, -1, 1, 2.5, 10**30, 1e308, float("nan"), float("inf"), "", "none", "all", "w", "é\n")
ODD = st.recursive(
    st.sampled_from(SINGLE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["initialiser", "w", ""]), inner),
    max_leaves=6,
)  # fmt: skip
PARTS = {
    name: data for name in example_names() for data in [tomllib.loads(example_text(name))] if name != "mazur-biases"
}


def read(text: str) -> Spec | SpecErrors:
    try:
        return parse_spec(text, "net.toml")
    except SpecErrors as problems:
        return problems


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A shipped network in which some parts are replaced by others, left out or added."""
    data = json.loads(json.dumps(PARTS[draw(st.sampled_from(sorted(PARTS)))]))
    for _ in range(draw(st.integers(1, 3))):
        part: Any = data
        while True:
            keys = list(part) if isinstance(part, dict) else list(range(len(part)))
            key = draw(st.sampled_from(keys)) if keys else None
            if key is None:
                break
            if isinstance(part[key], dict | list) and draw(st.integers(0, 3)):
                part = part[key]
                continue
            if draw(st.booleans()):
                part[key] = draw(ODD)
            elif isinstance(part, dict) and draw(st.booleans()):
                part[draw(st.sampled_from(["units", "bias", "w", "momentum", "layer", "formulas"]))] = part.pop(key)
            else:
                del part[key]
            break
    return dict(data)


@given(damaged())
def test_a_damaged_network_is_read_or_refused(data: dict[str, Any]) -> None:
    text = json.dumps(data, indent=1)
    found = read(text)
    if isinstance(found, SpecErrors):
        assert found.problems
        assert all(0 <= problem.line <= text.count("\n") + 1 for problem in found.problems)
        assert all(
            problem.message and problem.message.isprintable()
            for problem in found.problems
            if problem.place != "formulas"
        )
        assert str(found)


@given(st.sampled_from(example_names()), st.integers(0, 900), st.text(max_size=3), st.integers(0, 3))
def test_a_file_with_slips_of_the_fingers_is_read_or_refused(name: str, at: int, put: str, left_out: int) -> None:
    text = example_text(name)
    found = read(text[:at] + put + text[at + left_out :])
    if isinstance(found, SpecErrors):
        assert all(0 <= problem.line <= text.count("\n") + 5 for problem in found.problems)


@pytest.mark.parametrize("name", example_names())
def test_the_undamaged_ones_are_read(name: str) -> None:
    assert isinstance(read(json.dumps(tomllib.loads(example_text(name)))), Spec)
