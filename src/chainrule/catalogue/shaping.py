"""Layers that arrange, choose and join numbers: flatten, embedding, dropout, sums and products of branches."""

from math import prod

from chainrule.catalogue.layer_row import (
    ACTIVATION,
    Given,
    LayerRow,
    Plan,
    Planner,
    Reading,
    Setting,
    Settings,
    Source,
    activated,
    letters,
    sizes_text,
)
from chainrule.catalogue.row import CatalogueError
from chainrule.program.program import Role


def _flatten(_settings: Settings, sources: tuple[Source, ...]) -> Plan:
    """``out[n,i] = sum[c,p](x[n,c,p] if i == 4*c + p else 0)``: the entry whose place in the list is i."""
    x = sources[0]
    if not x.shape:
        raise CatalogueError("a single number can't be flattened")
    steps = [prod(x.shape[place + 1 :]) for place in range(len(x.shape))]
    place = " + ".join(each if step == 1 else f"{step}*{each}" for each, step in zip(x.axes, steps, strict=True))
    own = next(each for each in "ijkl" if each not in x.axes)
    width = prod(x.shape)
    return Plan(
        f"out[n,{own}] = sum[{letters(x.axes)}](x[n,{letters(x.axes)}] if {own} == {place} else 0)",
        (own,), (width,), (), dict(zip(x.axes, x.shape, strict=True)) | {own: width},
        arithmetic=f"{sizes_text(x.shape)} flattened gives {width}",
    )  # fmt: skip


def _embedding(settings: Settings, sources: tuple[Source, ...]) -> Plan:
    x, width, words = sources[0], settings["units"], settings["words"]
    own = (*x.axes, "d")
    table = Given("w", "weights", ("v", "d"), (words, width), "normal")
    line = f"out[n,{letters(own)}] = sum[v](w[v,d] if v == x[n,{letters(x.axes)}] else 0)"
    return Plan(
        line, own, (*x.shape, width), (table,), dict(zip(own, (*x.shape, width), strict=True)) | {"v": words},
        below=words,
    )  # fmt: skip


def _dropout(settings: Settings, sources: tuple[Source, ...]) -> Plan:
    x, share = sources[0], settings["rate"]
    if not 0 <= share < 1:
        raise CatalogueError(f"the share of dropout is from 0 up to but not 1, not {share}")
    own = letters(("n",), x.axes)
    mask = Given("mask", "mask", x.axes, x.shape, "ones", Role.INPUT, by_sample=True)
    return Plan(f"out[{own}] = mask[{own}] * x[{own}] / (1 - {share})", x.axes, x.shape, (mask,),
                dict(zip(x.axes, x.shape, strict=True)))  # fmt: skip


def _activation(settings: Settings, sources: tuple[Source, ...]) -> Plan:
    x = sources[0]
    own = ("n", *x.axes)
    out, stable = (each and each.replace("net[", "x[") for each in activated(settings["activation"], own))
    return Plan(f"out[{letters(own)}] = {out}", x.axes, x.shape, (), dict(zip(x.axes, x.shape, strict=True)),
                stable={"out": stable} if stable else {})  # fmt: skip


def _joined(sign: str) -> Planner:
    def plan(_settings: Settings, sources: tuple[Source, ...]) -> Plan:
        first = sources[0]
        for other in sources[1:]:
            if other.shape != first.shape:
                raise CatalogueError(
                    f"{first.family} is {sizes_text(first.shape)} but {other.family} is {sizes_text(other.shape)}; "
                    "branches that are joined entry by entry have one shape"
                )
        own = letters(("n",), first.axes)
        right = f" {sign} ".join(f"x{place}[{own}]" for place in range(1, len(sources) + 1))
        return Plan(f"out[{own}] = {right}", first.axes, first.shape, (), dict(zip(first.axes, first.shape,
                    strict=True)))  # fmt: skip

    return plan


def _concatenated(_settings: Settings, sources: tuple[Source, ...]) -> Plan:
    """Side by side along the last axis: each place of the output belongs to one of the inputs."""
    first = sources[0]
    for other in sources[1:]:
        if other.shape[:-1] != first.shape[:-1] or not other.shape:
            raise CatalogueError(
                f"{first.family} is {sizes_text(first.shape)} but {other.family} is {sizes_text(other.shape)}; "
                "branches that are put side by side differ in their last axis only"
            )
    before, own = letters(("n",), first.axes[:-1]), first.axes[-1]
    right, start = "", 0
    for place, source in enumerate(sources, 1):
        shift = f"{own} - {start}" if start else own
        start += source.shape[-1]
        last = place == len(sources)
        right += f"x{place}[{before},{shift}]" + ("" if last else f" if {own} < {start} else (")
    right += ")" * (len(sources) - 1)
    shape = (*first.shape[:-1], start)
    said = " + ".join(str(each.shape[-1]) for each in sources)
    return Plan(f"out[{before},{own}] = {right}", first.axes, shape, (), dict(zip(first.axes, shape, strict=True)),
                arithmetic=f"{said} side by side gives {start}")  # fmt: skip


SHAPING = (
    LayerRow("flatten", "all numbers of a sample in one list", _flatten, short="f",
             reading=Reading(dict.fromkeys("ijkl", "number"), inputs=("row", "column"), called={"out": "in one list"})),
    LayerRow(
        "embedding", "a row of a table for each whole number", _embedding,
        (Setting("words", "count", "How many rows the table has: words, characters, classes.", required=True),
         Setting("units", "count", "How many numbers a row has.", required=True)),
        (("weights", "the table, a row for each word"),), "e",
        source="Bengio, Ducharme, Vincent and Jauvin 2003; a one-hot vector times the table",
        reading=Reading({"v": "word", "d": "unit"}, inputs=("place",), called={"w": "table", "out": "the chosen rows"}),
    ),
    LayerRow(
        "dropout", "some outputs set to 0, the others made larger", _dropout,
        (Setting("rate", "number", "The share that is set to 0; what is left is divided by 1 less this.",
                 required=True),),
        (("mask", "1 where a number is kept and 0 where not, for each sample; all kept unless given"),), "d",
        source="Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014",
        reading=Reading(inputs=("input",), called={"mask": "mask", "out": "what is left"}),
    ),
    LayerRow("activation", "an activation on its own", _activation, (ACTIVATION,), short="s"),
    LayerRow("add", "the sum of two branches", _joined("+"), short="s", inputs=2,
             aliases=("residual", "sum"), source="He, Zhang, Ren and Sun 2016, for a branch around layers"),
    LayerRow("multiply", "the product of two branches, entry by entry", _joined("*"), short="s", inputs=2),
    LayerRow("concatenate", "branches side by side", _concatenated, short="s", inputs=2, aliases=("concat",)),
)  # fmt: skip
