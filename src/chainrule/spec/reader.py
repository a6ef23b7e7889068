"""From a network file to a `Spec`, with every problem of the file at once."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from keyword import iskeyword
from math import prod
from typing import Any

from chainrule.catalogue.build import Conventions, DenseLayer, Inputs, activation_of, layer_names, place_layers
from chainrule.catalogue.layer_row import sizes_text
from chainrule.catalogue.layers import activation_formula, find_activation
from chainrule.catalogue.losses import find_loss
from chainrule.catalogue.optimizers import find_optimizer
from chainrule.catalogue.place import chooses_below, input_shape, no_row
from chainrule.catalogue.row import CatalogueError
from chainrule.catalogue.training import Update, setting_values
from chainrule.formula.parse import FormulaError, FormulaErrors, parse_formulas
from chainrule.spec.fields import TABLES, fields_of
from chainrule.spec.layers import check_fit, is_dense, not_shared, read_kind
from chainrule.spec.lines import Path, line_of
from chainrule.spec.problems import Report, did_you_mean, nearest
from chainrule.spec.spec import OWN, Drawn, FormulaPart, KindPart, LayerPart, Nested, NetworkPart, Spec
from chainrule.spec.text import plain_data, read_text
from chainrule.spec.values import counted, nested, numbers_in, numbers_text, read_value, shape_of, shown

Table = dict[str, Any]


def read_spec(path: str) -> Spec:
    """A network file, or standard input for ``-``. Raises ``SpecErrors`` with all its problems."""
    return parse_spec(read_text(path), "standard input" if path == "-" else path)


def parse_spec(text: str, source: str = "network") -> Spec:
    """The text of a network file, TOML or JSON. Raises ``SpecErrors`` with all its problems."""
    data, lines = plain_data(text, source)
    report = Report(source, lines)
    tables = _tables(report, data)
    if "formulas" in tables and ("network" in tables or "layer" in data):
        report.add(("formulas",), "a file has either [formulas] or [network] with layers", "leave one of them out")
    part: NetworkPart | FormulaPart | None
    if "formulas" in tables:
        part = _formulas(report, data, tables)
    else:
        part = _network(report, data, tables)
    update, batch, rounds = _training(report, tables.get("training", {}), part)
    report.raise_any()
    assert part is not None  # every way to None has left a problem
    return Spec(data.get("title", source), part, update, batch, rounds, source, lines)


def _tables(report: Report, data: Table) -> dict[str, Table]:
    """The tables with their values read by kind; unknown keys and wrong values are reported."""
    top = fields_of("")
    found: dict[str, Table] = {}
    for key, value in data.items():
        if key in top:
            read_value(report, (key,), top[key], value)
        elif key not in TABLES:
            report.add((key,), "there is no such table", did_you_mean(key, [*TABLES, *top]))
        elif key == "layer":
            continue
        elif not isinstance(value, dict):
            once = "with one pair of brackets, once" if isinstance(value, list) else "on a line of its own"
            report.add((key,), f"{key} is a table", f"write [{key}] {once}")
        else:
            found[key] = value if key in OWN else _table(report, (key,), key, value)
    return found


def _table(report: Report, path: Path, name: str, table: Table) -> Table:
    """One table: its known keys with their values, and a problem for each unknown or missing one."""
    known = fields_of(name)
    values: Table = {}
    meant: set[str] = set()  # by a name that is nearly right: not missing besides
    for key, value in table.items():
        if key not in known:
            report.add((*path, key), "there is no such field", _meant(name, key, table, list(known)))
            meant.add(nearest(key, list(known)))
            continue
        values[key] = read_value(report, (*path, key), known[key], value)
    for key, field in known.items():
        if field.required and key not in table and key not in meant and not (key == "weights" and "share" in table):
            report.add((*path, key), f"{key} is missing", field.meaning[0].lower() + field.meaning[1:].rstrip("."))
    return values


def _meant(name: str, key: str, table: Table, known: list[str]) -> str:
    """What to do about an unknown field; an optimizer's own numbers have a place of their own."""
    optimizer = table.get("optimizer", "gradient_descent")
    try:
        own = dict(find_optimizer(optimizer).settings) if name == "training" and isinstance(optimizer, str) else {}
    except CatalogueError:
        own = {}
    if key in own:
        return f"write it in settings = {{ {key} = {shown(table[key])} }}"
    return did_you_mean(key, known)


def _checked(report: Report, path: Path, check: Callable[[], Any]) -> Any:
    """What the catalogue says of a name, as a problem of this file."""
    try:
        return check()
    except CatalogueError as problem:
        report.add(path, str(problem))
        return None


def _network(report: Report, data: Table, tables: Mapping[str, Table]) -> NetworkPart | None:
    if "network" not in tables and "network" not in data:
        report.add((), "there is no [network]", "`chainrule new` writes a file that has all it needs")
    for name in OWN:
        if name in tables:
            report.add((name,), f"[{name}] belongs to own formulas", "numbers of a network of layers stand in [data]")
    table = tables.get("network", {})
    inputs = table.get("inputs")
    layers = _layers(report, data.get("layer"), inputs)
    if "network" in tables and "inputs" not in data["network"]:
        _check_without_inputs(report, data, layers)
    conventions = Conventions(
        table.get("loss") or "half_squared_error",
        table.get("loss_over_outputs"),
        table.get("loss_over_batch"),
        table.get("loss_settings") or {},
    )
    loss = _checked(report, ("network", "loss"), lambda: find_loss(conventions.loss))
    if loss is not None:
        for key in conventions.loss_settings:
            if key not in dict(loss.settings):
                report.add(("network", "loss_settings", key), f"{loss.name} has no setting {key}",
                           f"it has {', '.join(dict(loss.settings)) or 'none'}")  # fmt: skip
    if loss is not None and layers:
        _check_loss_fits(report, layers[-1], loss.on, loss.name)
    known = tables.get("data", {})
    data_inputs, data_targets = known.get("inputs"), known.get("targets")
    _check_data(report, data_inputs, data_targets, inputs, _output_shape(inputs, layers))
    _check_choices(report, data_inputs, inputs, layers)
    if not layers or ("data" in data and not (inputs and data_inputs and data_targets)):
        return None
    seed = table.get("seed") or 0
    return NetworkPart(inputs or 0, tuple(layers), conventions, seed, data_inputs or (), data_targets or ())


def _check_without_inputs(report: Report, data: Table, layers: Sequence[LayerPart | KindPart]) -> None:
    """The data that a network is trained on can say how many inputs it has, where nothing in the file depends on it."""
    if any(nearest(key, list(fields_of("network"))) == "inputs" for key in data["network"]):
        return  # a slip of the fingers, which is reported
    hint = "how many inputs the network has"
    if "data" in data:
        report.add(("network", "inputs"), "inputs is missing", hint)
    elif layers and isinstance(layers[0], KindPart):
        report.add(("network", "inputs"), "inputs is missing", f"{hint}; of several axes, the size of each: [8, 8]")
    elif layers and isinstance(layers[0], LayerPart) and not isinstance(layers[0].weights, Drawn):
        report.add(("network", "inputs"), "inputs is missing", f"{hint}; it may be left out where weights are drawn")


def _layers(report: Report, tables: Any, inputs: Inputs | None) -> list[LayerPart | KindPart]:
    if not isinstance(tables, list) or not tables or not all(isinstance(each, dict) for each in tables):
        report.add(("layer",), "there is no [[layer]]", "write [[layer]] and its units, activation and weights")
        return []
    found: list[LayerPart | KindPart] = []
    width = inputs if isinstance(inputs, int) else inputs[0] if inputs and len(inputs) == 1 else None
    problems = len(report.problems)
    for place, table in enumerate(tables):
        path: Path = ("layer", place)
        if not is_dense(table):
            kind = read_kind(report, path, table)
            if kind is not None:
                found.append(kind)
            width = None
            continue
        values = _table(report, path, "layer", table)
        layer = _layer(report, path, values, width)
        if layer is not None:
            found.append(layer)
        width = values.get("units")
    if len(found) < len(tables):
        return []
    named = _checked(report, ("layer",), lambda: layer_names([each.layer for each in found]))
    if named and inputs and len(report.problems) == problems:
        check_fit(report, inputs, found, lambda name: ("layer", named.index(name)))
    return found


def _layer(report: Report, path: Path, values: Table, width: int | None) -> LayerPart | None:
    units, activation = values.get("units"), values.get("activation") or "identity"
    parameters = values.get("activation_parameters") or ()
    _checked(report, (*path, "activation"), lambda: activation_formula(activation, tuple(map(str, parameters))))
    weights, bias = values.get("weights"), values.get("bias")
    if isinstance(weights, tuple) and units:
        rows, columns = len(weights), len(weights[0])
        if rows != units or (width is not None and columns != width):
            wanted = f"{units} x {width}" if width is not None else counted(units, "row")
            inputs = counted(width, "input") if width is not None else "their inputs"
            report.add(
                (*path, "weights"),
                f"these are {rows} x {columns} weights, but {counted(units, 'neuron')} with {inputs} need {wanted}",
                "they look transposed: write a row for each neuron" if (columns, rows) == (units, width) else
                "write a row for each neuron, with a weight for each input",
            )  # fmt: skip
    if isinstance(bias, tuple) and units and len(bias) != units:
        report.add((*path, "bias"), f"there are {counted(len(bias), 'bias', 'biases')} for {counted(units, 'neuron')}",
                   "write one for each neuron, or a single number that they share")  # fmt: skip
    if values.get("share"):
        not_shared(report, path, values["share"], [key for key in ("weights", "bias") if values.get(key) is not None])
    elif bias is None and values.get("train_bias"):
        report.add((*path, "train_bias"), "there is no bias to train", "give the layer a bias, or leave this out")
    if weights is None and values.get("share"):
        weights = Drawn("zeros")  # never drawn: the weights are those of another layer
    if not units or weights is None:
        return None
    kind = "none" if bias is None else "shared" if isinstance(bias, Decimal) else "per_neuron"
    layer = DenseLayer(
        units, activation, parameters, kind,
        values.get("train_weights") is not False, values.get("train_bias") is not False, values.get("name") or "",
        values.get("inputs") or (), values.get("share") or "",
    )  # fmt: skip
    return LayerPart(layer, weights, bias)


def _check_loss_fits(report: Report, last: LayerPart | KindPart, on: str, loss: str) -> None:
    """A loss on logits after an activation that makes probabilities takes the activation twice."""
    try:
        activation = find_activation(activation_of(last.layer)).name
    except CatalogueError:
        return
    if on == "logits" and activation in ("softmax", "logistic", "log_softmax"):
        said = f"{loss} takes net inputs, but the last layer's {activation} is applied before"
        other = loss.removesuffix("_on_logits")
        report.add(("network", "loss"), said, f'use activation = "identity" in the last layer, or the loss {other}')


def _output_shape(inputs: Inputs | None, layers: Sequence[LayerPart | KindPart]) -> tuple[int, ...] | None:
    """The shape of a sample's outputs; None where the layers don't fit together, which is told elsewhere."""
    if layers and not isinstance(inputs, tuple) and all(isinstance(each, LayerPart) for each in layers):
        last = layers[-1]
        return (last.layer.units,) if isinstance(last, LayerPart) else None
    try:
        return place_layers(inputs, [each.layer for each in layers])[-1].out.shape if inputs and layers else None
    except CatalogueError:
        return None


def _check_data(
    report: Report,
    inputs: tuple[Nested, ...] | None,
    targets: tuple[Nested, ...] | None,
    wanted: Inputs | None,
    outputs: tuple[int, ...] | None,
) -> None:
    if inputs and wanted:
        shape, own = input_shape(wanted), shape_of(inputs)[1:]
        if own not in (shape, (prod(shape),)):
            needs = counted(shape[0], "input") if len(shape) == 1 else f"{sizes_text(shape)} inputs"
            said = f"each sample has {numbers_text(own)}, but the network has {needs}"
            report.add(("data", "inputs"), said, "change network.inputs or the data")
    if targets and outputs is not None:
        own = shape_of(targets)[1:]
        if own not in (outputs, (prod(outputs),)):
            has = numbers_text(own, "target")
            wanted_text = (
                counted(outputs[0], "neuron") if len(outputs) == 1 else f"{sizes_text(outputs) or 'a single'} outputs"
            )
            said = f"each sample has {has}, but the last layer has {wanted_text}"
            report.add(("data", "targets"), said, "one target for each output")
    if inputs and targets and len(inputs) != len(targets):
        said = f"there are {counted(len(inputs), 'row')} of inputs but {len(targets)} of targets"
        report.add(("data", "targets"), said, "one row of each for every sample")


def _check_choices(
    report: Report,
    inputs: tuple[Nested, ...] | None,
    wanted: Inputs | None,
    layers: Sequence[LayerPart | KindPart],
) -> None:
    """Inputs that choose rows of a table must be numbers of rows."""
    try:
        below = chooses_below(wanted, [each.layer for each in layers]) if wanted and inputs else 0
    except CatalogueError:  # which is told elsewhere
        return
    if below and (problem := no_row(below, numbers_in(inputs or ()))):
        report.add(("data", "inputs"), problem)


def _formulas(report: Report, data: Table, tables: Mapping[str, Table]) -> FormulaPart | None:
    table = tables["formulas"]
    if "data" in tables:
        report.add(
            ("data",), "[data] belongs to a network of layers", "give the numbers by name in [inputs] and [targets]"
        )
    arrays = {
        name: {key: nested(report, (name, key), value) for key, value in tables.get(name, {}).items()} for name in OWN
    }
    for name in ("parameters", "constants", "inputs", "targets"):
        for key in arrays[name]:
            if not key.isidentifier() or iskeyword(key) or key.startswith("d_") or key.endswith("_next"):
                taken = "it is made of letters, digits and _; d_..., ..._next and words such as if are taken"
                report.add((name, key), f"{shown(key)} can't be a quantity's name", taken)
    if table.get("text") is None:
        return None
    _check_formulas(report, table["text"])
    trained = tuple(table["trained"].replace(",", " ").split()) if table.get("trained") is not None else None
    for each in trained or ():
        if each not in arrays["parameters"]:
            report.add(("formulas", "trained"), f"there is no parameter {shown(each)}",
                       did_you_mean(each, list(arrays["parameters"])))  # fmt: skip
    clean: dict[str, dict[str, Any]] = {
        name: {key: value for key, value in values.items() if value is not None} for name, values in arrays.items()
    }
    return FormulaPart(
        table["text"], table.get("loss") or "E_total", trained,
        clean["inputs"], clean["targets"], clean["parameters"], clean["constants"],
    )  # fmt: skip


def _check_formulas(report: Report, text: str) -> None:
    """Every formula that can't be read, on its own line of the file."""
    try:
        if not parse_formulas(text):
            report.add(("formulas", "text"), "there are no formulas in it", "write one on each line: y[n] = 2 * x[n]")
    except FormulaErrors as problems:
        for each in problems.errors:
            line = line_of(report.lines, ("formulas", "text", each.line - 1))
            alone = FormulaError(each.problem, each.hint, each.text, each.column)  # without its line in the text
            report.add(("formulas",), str(alone), line=line)


def _training(report: Report, table: Table, part: NetworkPart | FormulaPart | None) -> tuple[Update, int | None, int]:
    update = Update(
        table.get("optimizer") or "gradient_descent",
        table.get("learning_rate"),
        table.get("settings") or {},
        table.get("weight_decay"),
        table.get("clip_norm"),
        table.get("clip_value"),
    )
    if _checked(report, ("training", "optimizer"), lambda: find_optimizer(update.optimizer)) is not None:
        _checked(report, ("training", "settings"), lambda: setting_values(update))
    for key in ("clip_norm", "clip_value"):
        if table.get(key) is not None and table[key] <= 0:
            report.add(("training", key), f"{table[key]} is not above 0")
    batch = table.get("batch")
    size = batch if isinstance(batch, int) else None
    if size is not None and isinstance(part, NetworkPart) and 0 < len(part.data_inputs) < size:
        said = f"a batch of {size}, but the data have {counted(len(part.data_inputs), 'sample')}"
        report.add(("training", "batch"), said, 'write batch = "all"')
    if size is not None and isinstance(part, FormulaPart):
        report.add(("training", "batch"), "own formulas take all samples at once", "leave batch out")
    rounds = table.get("rounds")
    return update, size, 1 if rounds is None else rounds
