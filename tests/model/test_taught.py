"""The shorter forms that are taught for layers: equal to the derived derivatives, over random shapes."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import chainrule as cr
from catalogue.test_layer_rows import CASES, Case, numbers
from chainrule.catalogue.build import Conventions, LayerUse, forward_program, place_layers
from chainrule.formula.expression import refs
from chainrule.model.taught import layer_forms
from chainrule.numbers.evaluate import evaluate, run
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Definition, Role


def has_forms(case: Case) -> bool:
    rng = np.random.default_rng(0)
    return bool(place_layers(case.shape(rng), [case.layer(rng)])[0].plan.taught)


TAUGHT = [case for case in CASES if has_forms(case)]


def values(form: Definition, ledger: dict[str, NDArray[Any]]) -> NDArray[Any]:
    found = np.empty([form.sizes[name] for name in form.indices])
    for place in np.ndindex(found.shape):
        at = dict(zip(form.indices, place, strict=True))
        found[place] = evaluate(form.formula, ledger, at, form.sizes)
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", TAUGHT, ids=lambda case: case.name)
def test_a_taught_form_is_the_derivative(case: Case, seed: int) -> None:
    rng = np.random.default_rng([seed, len(case.name)])
    layer, shape = case.layer(rng), case.shape(rng)
    forward = forward_program(shape, [layer], Conventions("half_squared_error"), 2 + seed)
    wanted = [each.name for each in forward.families.values() if each.role == Role.PARAMETER] + ["x"]
    program = differentiate(forward, "E_total", wanted)
    ledger = dict(run(program, numbers(program, rng, 0)))
    forms = list(layer_forms(place_layers(shape, [layer])[0], program))
    assert forms
    compared = 0
    for form in forms:
        (derived,) = (each for each in program.definitions if each.target == form.definition.target)
        upstream = {node.name for node in refs(derived.formula) if node.name.startswith("d_")}
        if upstream <= form.through:  # else other ways lead to it too: below
            compared += 1
            found = values(form.definition, ledger)
            np.testing.assert_allclose(found, ledger[derived.target], rtol=1e-9, atol=1e-12)
    assert compared


def test_beside_a_branch_the_form_is_the_part_that_comes_through_the_layer() -> None:
    layers = [LayerUse("activation", (("activation", "tanh"),), "h"), LayerUse("layer_norm", (), "ln"),
              LayerUse("add", (), "s", ("ln", "h"))]  # fmt: skip
    program = differentiate(forward_program(3, layers, Conventions(), 2), "E_total", ["x"])
    rng = np.random.default_rng(0)
    ledger = dict(run(program, numbers(program, rng, 0)))
    (form,) = layer_forms(place_layers(3, layers)[1], program)
    np.testing.assert_allclose(
        values(form.definition, ledger), ledger["d_out_h"] - ledger["d_out_s"], rtol=1e-9, atol=1e-12
    )
    text = repr(
        cr.Network(
            3,
            [
                cr.Layer("activation", name="h", activation="tanh"),
                cr.Dense(3, "identity", [[1, 0, 0], [0, 1, 0], [0, 0, 1]], 0.0, name="k"),
                cr.Layer("layer_norm", name="ln"),
                cr.Layer("add", name="s", inputs=["ln", "k"]),
            ],
        )
        .step([[0.5, -1.0, 2.0]], [[0.1, 0.2, 0.3]], learning_rate=0.1)
        .explain("dE/dout_k1")
    )
    assert "Often taught in a shorter form, but for what comes by other ways" in text


@pytest.mark.parametrize("name", ["layer-norm", "batch-norm", "attention", "transformer-block"])
def test_a_taught_form_is_shown_once_for_each_family_it_is_of(name: str) -> None:
    step = cr.load(name)
    for detail in ("brief", "full"):
        text = repr(step.explain(detail=detail))  # type: ignore[arg-type]
        forms = step.round.shorter
        assert forms
        assert text.count("Often taught in a shorter form") == len(forms)
