"""What a trained network says of data, and how well it does, as text for people and programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from io import StringIO
from typing import Any

import numpy as np

from chainrule.model.train import TrainedNetwork
from chainrule.training import use
from chainrule.training.measure import Measures
from chainrule.training.readers import Data

WIDEST = 24  # characters of a class in the confusion matrix
MOST_CLASSES = 20  # in a matrix that is printed


def predicted(network: TrainedNetwork, data: Data, kind: str) -> str:
    """Each row's answer, one for each target column; and beside a single class its outputs: as csv or json."""
    found = use.predict(network.trained, data)
    preparation = network.trained.preparation
    targets = [each.name for each in preparation.targets]
    plain = _plain if preparation.classes else float
    answers = [[plain(each) for each in row] for row in found.answers.reshape(-1, len(targets)).tolist()]
    names: list[str] = []
    outputs: list[list[float]] = [[] for _ in found.rows]
    if preparation.classes and not preparation.places:
        names, outputs = list(found.names), found.outputs.tolist()
    if kind == "json":
        rows = [
            {"row": int(row), **dict(zip(targets, answer, strict=True))}
            | ({"outputs": dict(zip(names, each, strict=True))} if names else {})
            for row, answer, each in zip(found.rows, answers, outputs, strict=True)
        ]
        lines = ",\n".join(f"    {json.dumps(each, ensure_ascii=False)}" for each in rows)
        return f'{{\n  "schema": 1,\n  "rows": [\n{lines}\n  ]\n}}\n'
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", *targets, *(f"{targets[0]}={name}" for name in names)])
    for row, answer, each in zip(found.rows, answers, outputs, strict=True):
        writer.writerow([int(row), *answer, *each])
    return text.getvalue()


def _plain(value: Any) -> Any:
    """A class as people write it: 3 and not 3.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def evaluated(network: TrainedNetwork, data: Data, kind: str) -> str:
    """The measures on data whose targets are known: as text or json."""
    found = use.evaluate(network.trained, data)
    targets = [each.name for each in network.trained.preparation.targets]
    if kind == "json":
        return json.dumps(_as_data(network, found, targets), indent=2, ensure_ascii=False) + "\n"
    lines = [f"samples   {found.samples}", f"error     {found.loss:.6g} for each {network.each}"]
    if found.confusion is not None and found.accuracy is not None:
        right, count = int(np.trace(found.confusion)), int(found.confusion.sum())
        lines.append(f"accuracy  {found.accuracy:.4f} ({right} of {count}{' places' * (count > found.samples)})")
        if len(network.classes) <= MOST_CLASSES:
            lines += ["", *_matrix(network.classes, found.confusion.tolist())]
        else:
            lines.append(f"the confusion matrix of {len(network.classes)} classes is in --format json")
    if found.r2 is not None and found.rmse is not None:
        lines.append(f"R2        {found.r2:.6g}")
        lines.append(f"RMSE      {_rmse_text(targets, found.rmse)}")
    return "\n".join(lines) + "\n"


def _rmse_text(targets: Sequence[str], rmse: Sequence[float]) -> str:
    """That of each target; of many that of all together, and the largest."""
    if len(rmse) <= MOST_CLASSES:
        return ", ".join(f"{each:.6g} ({name})" for name, each in zip(targets, rmse, strict=True))
    whole, worst = float(np.sqrt(np.mean(np.square(rmse)))), int(np.argmax(rmse))
    return f"{whole:.6g} over {len(rmse)} numbers, at most {rmse[worst]:.6g} ({targets[worst]})"


def _as_data(network: TrainedNetwork, found: Measures, targets: Sequence[str]) -> dict[str, Any]:
    data: dict[str, Any] = {"schema": 1, "samples": found.samples, "error": found.loss}
    if found.confusion is not None:
        data |= {"accuracy": found.accuracy, "classes": list(network.classes), "confusion": found.confusion.tolist()}
    if found.rmse is not None:
        data |= {"r2": found.r2, "rmse": dict(zip(targets, found.rmse, strict=True))}
    return data


def _matrix(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> list[str]:
    """A row for each true class, a column for each predicted one."""
    short = [each if len(each) <= WIDEST else f"{each[: WIDEST - 3]}..." for each in classes]
    first = max(len("true"), *map(len, short))
    wide = [max(len(name), *(len(str(row[place])) for row in confusion)) for place, name in enumerate(short)]
    head = "  ".join(f"{name:>{width}}" for name, width in zip(short, wide, strict=True))
    lines = [f"{'':{first}}  predicted", f"{'true':{first}}  {head}"]
    for name, row in zip(short, confusion, strict=True):
        lines.append(f"{name:{first}}  " + "  ".join(f"{each:>{width}}" for each, width in zip(row, wide, strict=True)))
    return lines
