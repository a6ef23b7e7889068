"""Network files with layers of every kind: what they say where something doesn't fit, and that they read back."""

import re

import pytest

from chainrule.spec.examples import example_names, example_text
from chainrule.spec.problems import SpecErrors
from chainrule.spec.reader import parse_spec
from chainrule.spec.write import write_spec

CONV = example_text("conv")
NUMBERS = "weights = [[0.5, -0.3], [-0.2, 0.4]]"
KERNEL = "weights = [[1, 0, -1], [0.5, 0, -0.5], [1, 0, -1]]"
MISTAKES = [
    ("kernel = 3", "kernel = 6", "line 7: layer 1: 4 with kernel 6, stride 1 and no padding gives 0"),
    ("window = [2, 1]", "window = 3", "line 14: layer 2: 2 with window 3, stride 3 and no padding gives 0: the window"),
    ("window = [2, 1]", "window = 3", r"layer c: 4 with kernel 3, stride 1 and no padding gives 2\)"),
    (NUMBERS, "weights = [[1, 2, 3], [4, 5, 6]]", "weights: these 2 x 3 numbers are not 2 x 2, .* flattened gives 2"),
    ('kind = "flatten"', 'kind = "flaten"', "there is no kind of layer 'flaten'; did you mean flatten"),
    ("kernel = 3", "kernal = 3", "has no field 'kernal'; did you mean kernel"),
    (KERNEL, "weights = [[1, 0], [0.5, 0]]", "weights: these 2 x 2 numbers are not 3 x 3"),
    ("[[1, 0]]", "[[1, 0, 0]]", "each sample has 3 targets, but the last layer has 2 neurons"),
    ("kernel = 3", "kernel = [3, 3, 3]", "kernel has 3 numbers, but there are 2 axes to go along"),
    ("kernel = 3", "kernel = 3\nstride = 0", "line 10: layer 1, stride: 0 is not a whole number from 1"),
    ("kernel = 3", 'kernel = 3\npadding = "sane"', "padding: 'sane' is not a whole number from 0, a list of them, or"),
    ("kernel = 3", 'kernel = 2\npadding = "same"', 'padding = "same" needs an odd kernel'),
    ('kind = "flatten"', 'kind = "flatten"\ninputs = ["d"]', "it takes in 'd', which is no layer before it"),
    ('kind = "flatten"', 'kind = "add"', "add takes in two layers or more; name them"),
    ("inputs = [4, 4]", "inputs = [4]", "convolution_2d goes along two axes, .*; its input is 4"),
    ("inputs = [4, 4]", "", "inputs is missing; .* of several axes, the size of each|inputs is missing"),
    ('activation = "relu"', 'activation = "rleu"', "there is no activation 'rleu'; did you mean relu"),
    ("bias = 0.1", "bias = [0.1, 0.2]", "bias: these 2 numbers are not a single number"),
    ("bias = 0.1", 'bias = "0.1"', "there is no initialiser '0.1'"),
    ("bias = 0.1", 'share = "p"', "weights: the layer uses the weights of p; leave weights out, or leave share out"),
    (
        'kind = "flatten"',
        'kind = "flatten"\nshare = "q"',
        "it shares the parameters of 'q', which is no layer before it",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES, ids=[new[:40] for _, new, _ in MISTAKES])
def test_what_does_not_fit_is_told_with_the_arithmetic(old: str, new: str, message: str) -> None:
    assert old in CONV
    with pytest.raises(SpecErrors) as caught:
        parse_spec(CONV.replace(old, new, 1), "net.toml")
    assert re.search(message, str(caught.value)), str(caught.value)


@pytest.mark.parametrize("name", example_names())
def test_every_example_reads_back(name: str) -> None:
    spec = parse_spec(example_text(name))
    assert parse_spec(write_spec(spec)) == spec
