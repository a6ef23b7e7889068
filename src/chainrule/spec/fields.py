"""The fields of a network file, a row each: the reader, the schema and the reference page are made from them."""

from dataclasses import dataclass
from typing import Any

from chainrule.catalogue.initialisers import INITIALISERS


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a table. ``kind`` says what it holds; see ``KINDS``."""

    table: str
    key: str
    kind: str
    meaning: str
    default: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()


# What a field holds, in words, and as JSON Schema.
NUMBERS = {"type": "array", "items": {"type": "number"}}
MATRIX = {"type": "array", "items": NUMBERS}
COUNT = {"type": "integer", "minimum": 1}
WHOLE = {"type": "integer", "minimum": 0}
DRAWN = {"type": "object", "required": ["initialiser"], "properties": {"initialiser": {"type": "string"}}}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "text": ("text", {"type": "string"}),
    "name": ("a name in quotes", {"type": "string"}),
    "count": ("a whole number from 1", {"type": "integer", "minimum": 1}),
    "whole": ("a whole number from 0", {"type": "integer", "minimum": 0}),
    "sizes": (
        "a whole number from 1, or a list of them",
        {"anyOf": [COUNT, {"type": "array", "items": COUNT, "minItems": 1}]},
    ),
    "padding": (
        "a whole number from 0, a list of them, or same",
        {"anyOf": [WHOLE, {"type": "array", "items": WHOLE, "minItems": 1}, {"const": "same"}]},
    ),
    "names": ("a list of names in quotes", {"type": "array", "items": {"type": "string"}}),
    "number": ("a number", {"type": "number"}),
    "flag": ("true or false", {"type": "boolean"}),
    "numbers": ("a list of numbers", NUMBERS),
    "samples": ("a list with an entry for each sample: a row of numbers, or rows in rows", {"type": "array"}),
    "weights": ("a row for each neuron, or an initialiser", {"anyOf": [MATRIX, {"type": "string"}, DRAWN]}),
    "bias": (
        "a number, one for each neuron, an initialiser, or none",
        {"anyOf": [{"type": "number"}, NUMBERS, {"type": "string"}, DRAWN]},
    ),
    "batch": ("all, or a number of samples", {"anyOf": [{"const": "all"}, {"type": "integer", "minimum": 1}]}),
    "arrays": ("names with their numbers", {"type": "object"}),
    "settings": ("names with a number each", {"type": "object", "additionalProperties": {"type": "number"}}),
}

FIELDS = (
    Field("", "title", "text", "What the worked example is headed with."),
    Field("network", "inputs", "sizes", "How many inputs the network has; of several axes, the size of each.",
          "without [data] and with drawn weights: as many as the data give"),
    Field("network", "loss", "name", "The error that is made small; see the reference of losses.", required=True),
    Field("network", "loss_over_outputs", "text", "How the outputs' errors add up.", "the loss's own",
          choices=("sum", "mean")),
    Field("network", "loss_over_batch", "text", "How the samples' errors add up.", "the loss's own",
          choices=("sum", "mean")),
    Field("network", "loss_settings", "settings", "Numbers in the loss, such as huber_delta.", "the loss's own"),
    Field("network", "seed", "whole", "Start values that are drawn are the same for the same seed.", "0"),
    Field("layer", "kind", "text", "What kind of layer it is; the fields below are those of a dense one.", "dense"),
    Field("layer", "units", "count", "How many neurons the layer has.", required=True),
    Field("layer", "activation", "name", "What a neuron makes of its net input.", "identity"),
    Field("layer", "activation_parameters", "numbers", "The activation's own numbers, such as the slope of leaky_relu.",
          "the activation's own"),
    Field("layer", "weights", "weights", "One row for each neuron, with a weight for each of its inputs; or drawn: "
          f"{', '.join(row.name for row in INITIALISERS)}.", required=True),
    Field("layer", "bias", "bias", "A number is one bias shared by the layer; a list has one for each neuron.", "none"),
    Field("layer", "train_weights", "flag", "Whether training changes the weights.", "true"),
    Field("layer", "train_bias", "flag", "Whether training changes the bias.", "true"),
    Field("layer", "inputs", "names", "The layer that it takes in; input is the network's own.", "the layer before"),
    Field("layer", "share", "text", "The layer whose parameters it uses; then it has no weights of its own.", "none"),
    Field("layer", "name", "text", "The layer's name in formulas.", "h (or h1, h2, ...), and o for the last"),
    Field("formulas", "text", "text", "Formulas, one a line, instead of layers.", required=True),
    Field("formulas", "loss", "text", "The quantity that is differentiated.", "E_total"),
    Field("formulas", "trained", "text", "The parameters that training changes, separated by spaces.",
          "all parameters"),
    Field("inputs", "*", "arrays", "For own formulas: given quantities, by name."),
    Field("targets", "*", "arrays", "For own formulas: what the outputs should be, by name."),
    Field("parameters", "*", "arrays", "For own formulas: what is trained, by name."),
    Field("constants", "*", "arrays", "For own formulas: single numbers that stay as they are, by name."),
    Field("data", "inputs", "samples", "One row for each sample; of several axes, rows in rows.", required=True),
    Field("data", "targets", "samples", "One row for each sample: what the outputs should be.", required=True),
    Field("training", "optimizer", "name", "How the parameters change; see the reference of optimizers.",
          "gradient_descent"),
    Field("training", "learning_rate", "number", "How far each step goes.", "the optimizer's own"),
    Field("training", "settings", "settings", "The optimizer's own numbers, such as momentum or beta1.",
          "the optimizer's own"),
    Field("training", "weight_decay", "number", "Added to the gradient: this times the parameter.", "none"),
    Field("training", "clip_norm", "number", "The largest length that all gradients together may have.", "none"),
    Field("training", "clip_value", "number", "The largest size that any gradient may have.", "none"),
    Field("training", "batch", "batch", "How many samples a round takes; the next round takes the next ones.", "all"),
    Field("training", "rounds", "whole", "How many rounds the file's training has.", "1"),
)  # fmt: skip

TABLES = tuple(dict.fromkeys(field.table for field in FIELDS if field.table))


def fields_of(table: str) -> dict[str, Field]:
    """The fields of a table by key."""
    return {field.key: field for field in FIELDS if field.table == table}
