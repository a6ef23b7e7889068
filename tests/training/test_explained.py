"""What is trained is what is explained: a real row, with dropout and its weight, as a worked example."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from chainrule.model.step import Step
from chainrule.model.task import Task
from chainrule.training.data import Choices
from chainrule.training.programs import fixed_numbers, training_round
from chainrule.training.progress import Options
from chainrule.training.readers import Data
from chainrule.training.session import train
from chainrule.training.use import predict, row_of, sample_round
from training.network import spec_of, write_csv


def test_a_row_of_a_trained_network_is_explained(tmp_path: Path) -> None:
    data = Data(write_csv(tmp_path, "cancer"))
    spec = spec_of(30, 3, 1)
    dropout = {"h": Decimal("0.5")}
    options = Options(2, class_weight={"malignant": 2.0, "benign": 1.0})
    trained = train(spec, data, Choices(("class",)), options, dropout=dropout)
    row = row_of(trained, data, 17)
    chosen = {**row, "sample_weight": np.array([2.0]), "mask_h": np.array([[1.0, 0.0, 1.0]])}
    task = Task(
        "Row 17", lambda samples: training_round(trained.net, samples), trained.parameters, chosen,
        fixed_numbers(trained.net), trained.net.update,
    )  # fmt: skip
    step = Step(task)
    step_text = str(step)
    assert "mask_h" in step_text
    assert "sample_weight" in step_text
    kept = step["out_h1"] / 0.5
    assert step["dropped_h1"] == pytest.approx(kept)
    assert step["dropped_h2"] == 0
    assert step["dE_total/dw_h[2,1]"] == 0
    assert step["E_total"] == pytest.approx(2 * step["E_o1"])
    one = sample_round(trained, data, 17)
    task = Task("Row 17", one.program_for, one.parameters, one.data, one.fixed, one.net.update)
    used = Step(task, one.rounds, state=one.state)
    assert used["out_o1"] == pytest.approx(float(predict(trained, data).outputs[16, 0]), rel=1e-12)
    ledger = used.round.ledger
    assert float(ledger["round"]) == one.rounds + 1
    np.testing.assert_array_equal(ledger["m_w_o"].astype(float), trained.progress.state["m_w_o"])
