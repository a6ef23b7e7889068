"""What a network file says, as plain data: faithful to what was typed, with every default made explicit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from chainrule.catalogue.build import Conventions, DenseLayer, Inputs, LayerUse
from chainrule.catalogue.training import Update
from chainrule.spec.lines import Path

Matrix = tuple[tuple[Decimal, ...], ...]
Nested = Decimal | tuple["Nested", ...]
OWN = ("inputs", "targets", "parameters", "constants")  # the tables of numbers beside own formulas


@dataclass(frozen=True, slots=True)
class Drawn:
    """Start values that are drawn: the initialiser's name and its settings."""

    initialiser: str
    settings: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LayerPart:
    """A layer, and its start values: weights by neuron, one bias or one for each neuron (None: no bias)."""

    layer: DenseLayer
    weights: Matrix | Drawn
    bias: Decimal | tuple[Decimal, ...] | Drawn | None


@dataclass(frozen=True, slots=True)
class KindPart:
    """A layer of another kind than dense, and its numbers by the row's keys; what is not there is drawn."""

    layer: LayerUse
    values: Mapping[str, Nested | Drawn]


@dataclass(frozen=True, slots=True)
class NetworkPart:
    """A network of layers and its data: an entry of ``data_inputs`` and of ``data_targets`` for each sample.

    Both are empty where the data come from elsewhere; ``inputs`` is 0 where those data say how many there are, and
    the shape of a sample where it has several axes.
    """

    inputs: Inputs
    layers: tuple[LayerPart | KindPart, ...]
    conventions: Conventions
    seed: int
    data_inputs: tuple[Nested, ...]
    data_targets: tuple[Nested, ...]


@dataclass(frozen=True, slots=True)
class FormulaPart:
    """A network of own formulas: the text, what is differentiated and trained, and the given numbers by name."""

    text: str
    loss: str
    trained: tuple[str, ...] | None
    inputs: Mapping[str, Nested]
    targets: Mapping[str, Nested]
    parameters: Mapping[str, Nested]
    constants: Mapping[str, Nested]


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole network file. ``batch`` is None for all samples at once; ``lines`` tell where each part stands."""

    title: str
    network: NetworkPart | FormulaPart
    update: Update
    batch: int | None
    rounds: int
    source: str = field(default="", compare=False)
    lines: Mapping[Path, int] = field(default_factory=dict, compare=False)
