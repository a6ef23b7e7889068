"""What several tests of training share: the data sets of scikit-learn as plain CSV, and networks for them."""

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

from chainrule.catalogue.build import Conventions, DenseLayer
from chainrule.catalogue.training import Update
from chainrule.spec.spec import Spec
from chainrule.training.programs import drawn_part


def write_csv(folder: Path, name: str, rows: slice = slice(None)) -> str:
    """The digits or the breast-cancer set as a CSV file with a header, the class in the last column."""
    from sklearn.datasets import load_breast_cancer, load_digits  # a second that others need not wait

    data: Any = {"digits": load_digits, "cancer": load_breast_cancer}[name]()
    path = folder / f"{name}{'' if rows == slice(None) else f'-{rows.start}'}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*data.feature_names, "class"])
        for x, target in list(zip(data.data.tolist(), data.target.tolist(), strict=True))[rows]:
            writer.writerow([*map(repr, x), data.target_names[target]])
    return str(path)


def spec_of(inputs: int, hidden: int, outputs: int, rate: str = "0.001", seed: int = 0) -> Spec:
    """A classifier with one hidden layer: softmax and cross-entropy, or one logistic output."""
    last, loss = ("softmax", "cross_entropy") if outputs > 1 else ("logistic", "binary_cross_entropy")
    layers = (DenseLayer(hidden, "relu"), DenseLayer(outputs, last))
    part = drawn_part(inputs, layers, Conventions(loss), seed)
    return Spec("A classifier", part, Update("adam", Decimal(rate)), None, 1)
