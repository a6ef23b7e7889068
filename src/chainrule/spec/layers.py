"""Reading layers of every kind but dense, by their rows, and whether all layers of a network fit together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chainrule.catalogue.kinds import LAYER_ROWS, find_kind
from chainrule.catalogue.layer_row import Given, LayerRow, LayerUse, Setting, sizes_text
from chainrule.catalogue.layers import activation_formula
from chainrule.catalogue.place import Inputs, LayerError, Placed, arithmetic_of, place_layers
from chainrule.catalogue.row import CatalogueError
from chainrule.spec.fields import Field
from chainrule.spec.lines import Path
from chainrule.spec.problems import Report, did_you_mean, nearest
from chainrule.spec.spec import Drawn, KindPart, LayerPart
from chainrule.spec.values import drawn, nested, read_value, shape_of, shown

DENSE = "dense"
COMMON = (
    Setting("kind", "text", "What kind of layer it is; dense unless given."),
    Setting("name", "text", "The layer's name in formulas."),
    Setting("inputs", "names", "The layers that it takes in; the one before unless given."),
    Setting("train", "flag", "Whether training changes its parameters.", True),
    Setting("share", "text", "The layer whose parameters it uses."),
)


def is_dense(table: Mapping[str, Any]) -> bool:
    """Whether a table of a network file is a dense layer: it says so, or says nothing."""
    return bool(table.get("kind", DENSE) == DENSE)


def read_kind(report: Report, path: Path, table: Mapping[str, Any]) -> KindPart | None:
    """A layer of some kind: its settings and its numbers, each problem at its own place."""
    try:
        row = find_kind(str(table["kind"]))
    except CatalogueError as problem:
        known = [DENSE, *(each.name for each in LAYER_ROWS)]
        report.add((*path, "kind"), str(problem).split(";")[0], did_you_mean(str(table["kind"]), known))
        return None
    settings: dict[str, Any] = {}
    values: dict[str, Any] = {}
    without: list[str] = []
    meant: set[str] = set()  # by a name that is nearly right: not missing besides
    ways = {setting.name: setting for setting in (*COMMON, *row.settings)}
    keys = dict(row.keys)
    for key, value in table.items():
        where = (*path, key)
        if key in ways:
            settings[key] = read_value(report, where, as_field(ways[key]), value)
        elif key not in keys:
            report.add(where, f"{row.name} has no field {shown(key)}", did_you_mean(key, [*ways, *keys]))
            meant.add(nearest(key, [*ways, *keys]))
        elif value == "none":
            without.append(key)
        else:
            values[key] = drawn(report, where, value) if isinstance(value, str | dict) else nested(report, where, value)
    for setting in row.settings:
        if setting.required and setting.name not in table and setting.name not in meant:
            report.add((*path, setting.name), f"{setting.name} is missing", setting.meaning[0].lower()
                       + setting.meaning[1:].rstrip("."))  # fmt: skip
    if settings.get("share"):
        not_shared(report, path, settings["share"], list(values))
    if settings.get("activation"):
        _checked_activation(report, (*path, "activation"), settings["activation"])
    kept = {key: each for key, each in values.items() if each is not None}
    return KindPart(_use(row, settings, tuple(without)), kept)


def not_shared(report: Report, path: Path, owner: str, keys: Sequence[str]) -> None:
    """Numbers that a layer is given although it uses those of another: nobody would read them."""
    for key in keys:
        report.add((*path, key), f"the layer uses the {key} of {owner}", f"leave {key} out, or leave share out")


def as_field(setting: Setting) -> Field:
    """A setting as a field of a network file."""
    return Field("layer", setting.name, setting.kind, setting.meaning, required=setting.required,
                 choices=setting.choices)  # fmt: skip


def setting_value(row: LayerRow, setting: Setting, value: Any) -> Any:
    """A setting that was given elsewhere than in a file, held to the same rules. Raises `CatalogueError`.

    >>> from decimal import Decimal
    >>> row = find_kind("dropout")
    >>> setting_value(row, row.settings[0], Decimal("0.5"))
    Decimal('0.5')
    """
    report = Report("", {})
    found = read_value(report, (setting.name,), as_field(setting), value)
    for problem in report.problems:
        raise CatalogueError(f"{row.name}, {problem.place}: {problem.message}")
    return found


def _checked_activation(report: Report, path: Path, name: str) -> None:
    try:
        activation_formula(name)
    except CatalogueError as problem:
        report.add(path, str(problem))


def _use(row: LayerRow, settings: Mapping[str, Any], without: tuple[str, ...]) -> LayerUse:
    own = {setting.name for setting in row.settings}
    chosen = tuple((name, value) for name, value in settings.items() if name in own and value is not None)
    return LayerUse(
        row.name, (*chosen, ("without", without)) if without else chosen, settings.get("name") or "",
        tuple(settings.get("inputs") or ()), settings.get("train") is not False, settings.get("share") or "",
    )  # fmt: skip


def check_fit(
    report: Report, inputs: Inputs, layers: Sequence[LayerPart | KindPart], place: Callable[[str], Path]
) -> tuple[Placed, ...]:
    """Whether the layers fit together and their numbers fit them; ``place`` is where a layer stands in the file."""
    try:
        placed = place_layers(inputs, [each.layer for each in layers])
    except LayerError as problem:
        report.add(place(problem.layer), problem.problem)
        return ()
    except CatalogueError as problem:
        report.add(("layer",), str(problem))
        return ()
    for part, each in zip(layers, placed, strict=True):
        for given in (*each.plan.given, *each.plan.running):
            value = start_value(part, given)
            if value is None or isinstance(value, Drawn):
                continue
            found = shape_of(value)
            if given.by_sample and found[1:] == given.shape:
                continue
            if found != given.shape and not (found == () and given.key == "bias"):
                _misfit(report, (*place(each.name), given.key), given, found, arithmetic_of(placed, each.name))
    return placed


def _misfit(report: Report, path: Path, given: Given, found: tuple[int, ...], why: str) -> None:
    wanted = "a single number"
    if given.shape:
        wanted = sizes_text(given.shape) if len(given.shape) > 1 else f"a list of {given.shape[0]}"
    whole = f"{wanted} for each sample" if given.by_sample else wanted
    what = "numbers are" if found else "is a single number, which is"
    said = f"these {sizes_text(found)} {what}" if found else f"this {what}"
    report.add(path, f"{said} not {whole}, as {given.key} must be here", why)


def start_value(part: LayerPart | KindPart, given: Given) -> Any:
    """What a network file says that a layer is given: numbers, how they are drawn, or None where it says nothing."""
    if isinstance(part, KindPart):
        return part.values.get(given.key)
    return part.weights if given.key == "weights" else part.bias
