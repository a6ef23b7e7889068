"""Initialisers, a row each: how start values are drawn."""

from dataclasses import dataclass

from chainrule.catalogue.row import find_row


@dataclass(frozen=True, slots=True)
class Initialiser:
    """How start values are drawn.

    ``distribution`` is constant, uniform, normal or orthogonal. ``low`` and ``high`` bound a uniform one, ``mean`` and
    ``deviation`` are those of a normal one, as formulas in ``fan_in``, ``fan_out`` (the neurons on either side of the
    weights) and the settings.
    """

    name: str
    distribution: str
    title: str
    mean: str = "0"
    deviation: str = ""
    high: str = ""
    low: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    aliases: tuple[str, ...] = ()
    source: str = ""


INITIALISERS = (
    Initialiser("zeros", "constant", "all 0", mean="0"),
    Initialiser("ones", "constant", "all 1", mean="1"),
    Initialiser("constant", "constant", "all the same", mean="value", settings=(("value", "0.1"),)),
    Initialiser("uniform", "uniform", "uniform", low="low", high="high", settings=(("low", "-0.5"), ("high", "0.5"))),
    Initialiser(
        "normal", "normal", "normal", mean="mean", deviation="deviation", settings=(("mean", "0"), ("deviation", "0.1"))
    ),
    Initialiser(
        "glorot_uniform",
        "uniform",
        "Glorot's, uniform",
        low="-sqrt(6 / (fan_in + fan_out))",
        high="sqrt(6 / (fan_in + fan_out))",
        aliases=("xavier_uniform", "glorot", "xavier"),
        source="Glorot and Bengio 2010",
    ),
    Initialiser(
        "glorot_normal",
        "normal",
        "Glorot's, normal",
        deviation="sqrt(2 / (fan_in + fan_out))",
        aliases=("xavier_normal",),
        source="Glorot and Bengio 2010; not truncated, as in PyTorch (Keras truncates)",
    ),
    Initialiser(
        "he_uniform",
        "uniform",
        "He's, uniform",
        low="-sqrt(6 / fan_in)",
        high="sqrt(6 / fan_in)",
        aliases=("kaiming_uniform",),
        source="He, Zhang, Ren and Sun 2015",
    ),
    Initialiser(
        "he_normal",
        "normal",
        "He's, normal",
        deviation="sqrt(2 / fan_in)",
        aliases=("kaiming_normal", "he", "kaiming"),
        source="He, Zhang, Ren and Sun 2015; not truncated, as in PyTorch (Keras truncates)",
    ),
    Initialiser(
        "lecun_uniform",
        "uniform",
        "LeCun's, uniform",
        low="-sqrt(3 / fan_in)",
        high="sqrt(3 / fan_in)",
        source="LeCun, Bottou, Orr and Müller 1998",
    ),
    Initialiser(
        "lecun_normal",
        "normal",
        "LeCun's, normal",
        deviation="sqrt(1 / fan_in)",
        aliases=("lecun",),
        source="LeCun, Bottou, Orr and Müller 1998; not truncated, as in PyTorch (Keras truncates)",
    ),
    Initialiser(
        "orthogonal",
        "orthogonal",
        "orthogonal rows or columns",
        mean="gain",
        settings=(("gain", "1"),),
        source="Saxe, McClelland and Ganguli 2013",
    ),
)


def find_initialiser(name: str) -> Initialiser:
    """The initialiser of that name. Raises ``CatalogueError``."""
    return find_row(INITIALISERS, name, "initialiser")
