"""The dense layer: every neuron sees every number of the axis that it goes along."""

from dataclasses import dataclass
from decimal import Decimal

from chainrule.catalogue.layer_row import Given, Plan, Reading, Source, activated, letters
from chainrule.catalogue.layers import BIASES
from chainrule.catalogue.row import CatalogueError

READING = Reading(inputs=("input",), called={"w": "weights", "b": "bias", "net": "net inputs", "out": "outputs"})
NEURON = "neuron"  # what the letter of a dense layer counts


@dataclass(frozen=True, slots=True)
class DenseLayer:
    """A layer in which every neuron sees every output of the layer before.

    ``bias`` is none, shared (one for the layer) or per_neuron. ``parameters`` are the activation's own numbers, such
    as the slope of a leaky relu. ``inputs`` names the layers that it takes in (``input`` for the network's own
    inputs), none for the layer before; ``share`` names the layer whose parameters it uses.
    """

    units: int
    activation: str = "identity"
    parameters: tuple[Decimal, ...] = ()
    bias: str = "per_neuron"
    train_weights: bool = True
    train_bias: bool = True
    name: str = ""
    inputs: tuple[str, ...] = ()
    share: str = ""


def dense_plan(layer: DenseLayer, own: str, x: Source) -> Plan:
    """A dense layer's formulas, its neurons counted by the letter ``own``.

    Of an input with several axes it goes along the last one, at each place of the others alike.
    """
    if layer.bias not in BIASES:
        raise CatalogueError(f"a bias is none, shared or per_neuron, not {layer.bias!r}")
    if not x.shape:
        raise CatalogueError(f"{x.family} is a single number for each sample; a dense layer needs a list of them")
    before, last, units = x.axes[:-1], x.axes[-1], layer.units
    given = [Given("w", "weights", (own, last), (units, x.shape[-1]))]
    if layer.bias != "none":
        each = layer.bias == "per_neuron"
        given.append(Given("b", "bias", (own,) if each else (), (units,) if each else (), "zeros"))
    out, stable = activated(layer.activation, ("n", *before, own), tuple(f"{each:f}" for each in layer.parameters))
    left, seen = letters(("n",), before, (own,)), letters(("n",), before, (last,))
    bias = BIASES[layer.bias].replace("[j]", f"[{own}]")
    return Plan(
        f"net[{left}] = sum[{last}](w[{own},{last}] * x[{seen}]){bias}\nout[{left}] = {out}",
        (*before, own), (*x.shape[:-1], units), tuple(given), stable={"out": stable} if stable else {},
    )  # fmt: skip
