"""Layers, a row of formulas each: net input and output in terms of the layer's input ``x``."""

from dataclasses import dataclass

from chainrule.catalogue.row import CatalogueError, find_row
from chainrule.formula.functions import FUNCTIONS, Function


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's output ``out[n,j]`` in terms of its net input ``net[n,j]``, where that is no plain function.

    ``stable`` computes the same without overflow.
    """

    name: str
    out: str
    stable: str
    title: str
    aliases: tuple[str, ...] = ()
    source: str = ""


BIASES = {"none": "", "shared": " + b", "per_neuron": " + b[j]"}

OUTPUTS = (
    Layer(
        "softmax",
        "exp(net[n,j]) / sum[m](exp(net[n,m]))",
        "exp(net[n,j] - max[a](net[n,a])) / sum[m](exp(net[n,m] - max[b](net[n,b])))",
        "softmax",
        source="Bridle 1990",
    ),
    Layer(
        "log_softmax",
        "net[n,j] - log(sum[m](exp(net[n,m])))",
        "net[n,j] - max[a](net[n,a]) - log(sum[m](exp(net[n,m] - max[b](net[n,b]))))",
        "logarithm of softmax",
        aliases=("logsoftmax",),
    ),
)


def activation_names() -> tuple[str, ...]:
    """Every name that a layer's activation can have, aliases too."""
    return tuple(name for row in _activations() for name in (row.name, *row.aliases))


def _activations() -> list[Layer | Function]:
    return [*OUTPUTS, *(row for row in FUNCTIONS if row.activation)]


def activation_formula(name: str, parameters: tuple[str, ...] = ()) -> tuple[str, str | None]:
    """The right side of ``out[n,j]`` for an activation, and its form without overflow where the row has one.

    Raises `CatalogueError` for an unknown name and for parameters that the activation doesn't take.
    """
    row = find_activation(name)
    if isinstance(row, Layer):
        if parameters:
            raise CatalogueError(f"{row.name} takes no parameters")
        return row.out, row.stable
    if len(parameters) > len(row.defaults):
        takes = f"{len(row.defaults)} parameters" if row.defaults else "no parameters"
        raise CatalogueError(f"{row.name} takes {takes}, but {len(parameters)} are given")
    if row.name == "identity":
        return "net[n,j]", None
    values = (*parameters, *row.defaults[len(parameters) :])
    return f"{row.name}({', '.join(('net[n,j]', *values))})", None


def find_activation(name: str) -> Layer | Function:
    """The row of an activation, by name or alias. Raises `CatalogueError`."""
    return find_row(_activations(), name, "activation")
