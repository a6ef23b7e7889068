"""What is tried, as people type it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.sweep.space import Range, Values, check_names, drawn, grid, parse_dimension
from chainrule.training.problems import TrainingError


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("units=8,16", (8, 16)),
        ("layers = 1..4", (1, 2, 3, 4)),
        ("seed=0..1", (0, 1)),
        ("learning_rate=0.5", (0.5,)),
        ("learning_rate=1e-3..1 log in 4", (0.001, 0.01, 0.1, 1.0)),
        ("learning_rate=0..1 in 3", (0, 1)),
        ("learning_rate=0.0..1 in 3", (0.0, 0.5, 1.0)),
        ("units=10..1000 log in 3", (10, 100, 1000)),
        ("units=1..3 in 9", (1, 2, 3)),
        ("hidden=64-32, 16", ("64-32", 16)),
        ("batch=all,32", ("all", 32)),
    ],
)
def test_values_as_typed(typed: str, values: tuple[object, ...]) -> None:
    assert parse_dimension(typed).listed == values


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("units", "a setting and its values"),
        ("=3", "a setting and its values"),
        ("units=", "a setting and its values"),
        ("units=3,,4", "there is no value"),
        ("units=3,4,3", "3 is there twice"),
        ("units=5..5", "a smaller number, two dots and a larger one"),
        ("units=a..b", "a smaller number, two dots and a larger one"),
        ("learning_rate=0..1 log in 3", "begins above 0"),
        ("learning_rate=0.1..1 in 1", "at least 2 values"),
    ],
)
def test_what_cant_be_read(typed: str, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        parse_dimension(typed)


def test_a_grid_needs_an_end_of_values() -> None:
    with pytest.raises(TrainingError, match=r"write 0.1\.\.1 log in 4, or choose --method random"):
        list(grid([parse_dimension("learning_rate=0.1..1 log")]))


def test_names() -> None:
    with pytest.raises(TrainingError, match="no setting 'width' to vary; there are: units"):
        check_names([Values("width", (1,))], {"units": ""})
    with pytest.raises(TrainingError, match="units is varied twice"):
        check_names([Values("units", (1,)), Values("units", (2,))], {"units": ""})


@given(st.integers(0, 50), st.integers(0, 50))
def test_draws_follow_from_seed_and_number(seed: int, number: int) -> None:
    """So that a sweep that goes on draws what it would have drawn."""
    dimensions = [Values("units", (1, 2, 3)), Range("learning_rate", 0.01, 10, log=True), Range("momentum", 0, 1)]
    one = drawn(dimensions, seed, number)
    assert one == drawn(dimensions, seed, number)
    assert one["units"] in (1, 2, 3)
    assert 0.01 <= float(one["learning_rate"]) <= 10


def test_a_logarithmic_range_is_even_in_its_logarithm() -> None:
    rates = [float(drawn([Range("rate", 0.001, 1000, log=True)], 0, number)["rate"]) for number in range(2000)]
    assert 0.45 < sum(each < 1 for each in rates) / len(rates) < 0.55
