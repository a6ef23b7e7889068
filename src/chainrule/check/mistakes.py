"""The mistakes that people make everywhere in a calculation, a row each.

A row bends the formulas of some families the way the mistake bends them; numbers that the bent formulas give are
its numbers. What can only go wrong in one place is in ``edits``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chainrule.check.backward_bends import (
    delta_by_weight_only,
    error_for_delta,
    gradient_doubled,
    incoming_left_out,
    mean_left_out,
    mean_twice,
    net_for_out,
    one_path,
    own_output_incoming,
    sign_of_error,
    transposed_backward,
    updated_weights,
    weight_left_out,
)
from chainrule.check.bends import Bend
from chainrule.check.forward_bends import (
    activation_left_out,
    bias_left_out,
    half_left_out,
    log_base,
    other_activation,
    softmax_twice,
    transposed_forward,
)
from chainrule.check.slope_bends import (
    cross_entropy_slope,
    elementwise_softmax,
    extra_net,
    other_slope,
    slope_at_net,
    slope_at_output,
    slope_left_out,
    slope_twice,
    tanh_slope_plus,
)
from chainrule.check.update_bends import (
    correction_left_out,
    correction_without_power,
    epsilon_inside,
    power_left_out,
    previous_state,
    rate_left_out,
    sign_of_update,
    sum_for_gradient,
)
from chainrule.program.program import Program


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake: what it is, why it is wrong, and how it bends the formulas.

    ``bend`` gives the ways in which it can be made in a program; none where it can't be made. ``plausible`` orders
    mistakes that explain the same numbers. ``example`` is a network of ``chainrule list`` and a quantity that it
    spoils. ``source`` says who made it.
    """

    id: str
    text: str
    why: str
    bend: Callable[[Program], Iterator[Bend]]
    example: tuple[str, str]
    plausible: float = 0.5
    source: str = ""


MISTAKES = (
    Mistake(
        "slope-left-out",
        "the slope of the activation is left out of delta",
        "The error reaches a net input through the activation function: dE/dnet = dE/dout * dout/dnet.",
        slope_left_out,
        ("mazur", "delta_o1"),
        0.9,
        source="Bot-Academy/NeuralNetworkFromScratch, pull request 3",
    ),
    Mistake(
        "error-for-delta",
        "dE/dout stands where delta, dE/dnet, belongs",
        "A weight or bias acts on the net input, so its gradient has the derivative by the net input in it.",
        error_for_delta,
        ("mazur-biases", "dE/db_o1"),
        0.8,
        source="a reader of the tutorial: 0.5242935348737783 for dE/db2",
    ),
    Mistake(
        "updated-weights",
        "the backward pass uses weights that had already been updated",
        "All derivatives of a round belong to one point: the weights before the round. Update when all are known.",
        updated_weights,
        ("mazur", "dE/dout_h1"),
        0.9,
        source="the tutorial's own figure 0.291027924",
    ),
    Mistake(
        "transposed-backward",
        "the weights of the backward pass are transposed: w[k,j] is read as w[j,k]",
        "The error of neuron k comes back along the weight from j to k, the one that it went forward on.",
        transposed_backward,
        ("mazur", "dE/dout_h1"),
        0.7,
        source="a reader of the tutorial: w6 where w7 belongs",
    ),
    Mistake(
        "transposed-forward",
        "the weights of the forward pass are transposed: w[j,i] is read as w[i,j]",
        "The first index is the neuron that the weight goes into, the second where it comes from.",
        transposed_forward,
        ("mazur", "net_h1"),
        0.7,
        source="three readers of the tutorial: 0.15 * 0.05 + 0.25 * 0.1 + 0.35",
    ),
    Mistake(
        "slope-at-output",
        "the slope is taken at the output instead of the net input: f'(out)",
        "y * (1 - y) is already the slope at the net input, with y = f(net); f is not applied once more.",
        slope_at_output,
        ("mazur", "delta_o1"),
        0.7,
        source="rasmusbergpalm/DeepLearnToolbox, issue 165",
    ),
    Mistake(
        "slope-of-net-input",
        "the formula y * (1 - y) got the net input in place of the output y",
        "The slope in terms of y needs y = f(net), not net.",
        slope_at_net,
        ("mazur", "delta_o1"),
        0.6,
    ),
    Mistake(
        "other-slope",
        "the slope is that of another activation function",
        "Each activation has a slope of its own: y * (1 - y) for the logistic, 1 - y**2 for tanh.",
        other_slope,
        ("mazur", "delta_o1"),
        0.6,
    ),
    Mistake(
        "tanh-slope-plus",
        "the slope of tanh has a plus: 1 + y**2",
        "tanh' = 1 - tanh**2; 1 + tan**2 belongs to tan.",
        tanh_slope_plus,
        ("mini-batch", "delta_h1^(1)"),
        0.6,
        source="nicodjimenez/lstm, issue 41",
    ),
    Mistake(
        "slope-twice",
        "the slope is multiplied twice",
        "One activation between output and net input means one slope.",
        slope_twice,
        ("mazur", "delta_o1"),
        0.5,
    ),
    Mistake(
        "cross-entropy-slope",
        "delta is multiplied by the slope of the output, which it has in it already",
        "For logistic or softmax outputs with cross-entropy the slope cancels: out - target is all but a mean's 1/N.",
        cross_entropy_slope,
        ("binary-cross-entropy", "delta_o"),
        0.8,
    ),
    Mistake(
        "net-times-slope",
        "delta is multiplied by the net input as well: f'(z) read as a product",
        "f'(z) means the slope of f at z; z itself is no factor.",
        extra_net,
        ("mazur", "delta_h1"),
        0.5,
        source="community.deeplearning.ai, topic 85937",
    ),
    Mistake(
        "elementwise-softmax",
        "softmax is differentiated as if each output depended on its own net input alone: p * (1 - p)",
        "Each net input changes every output of a softmax: dp_i/dz_j = -p_i * p_j for the others.",
        elementwise_softmax,
        ("softmax-classifier", "delta_o1"),
        0.8,
        source="deeplearning4j/libnd4j, issue 440",
    ),
    Mistake(
        "softmax-twice",
        "softmax is applied twice",
        "A loss that takes logits applies softmax itself.",
        softmax_twice,
        ("softmax-classifier", "out_o1"),
        0.6,
    ),
    Mistake(
        "one-path",
        "only one path is counted, where the derivative is the sum over all of them",
        "A neuron acts on the loss through every neuron that it feeds: the parts by path add up.",
        one_path,
        ("mazur", "dE/dout_h1"),
        0.6,
    ),
    Mistake(
        "bias-left-out",
        "the bias is forgotten",
        "net = sum of weight times input, plus the bias.",
        bias_left_out,
        ("mazur", "net_h1"),
        0.8,
    ),
    Mistake(
        "activation-left-out",
        "the activation function is left out",
        "out = f(net): the next layer sees the output, not the net input.",
        activation_left_out,
        ("mazur", "out_h1"),
        0.6,
    ),
    Mistake(
        "other-activation",
        "another activation function is used",
        "The network says which function each layer has.",
        other_activation,
        ("mazur", "out_h1"),
        0.4,
    ),
    Mistake(
        "net-for-output",
        "the net input stands where the output of that neuron belongs",
        "The value that travels along a weight is the neuron's output.",
        net_for_out,
        ("mazur", "dE/dw5"),
        0.6,
    ),
    Mistake(
        "own-output",
        "the weight's gradient uses the output of the neuron that it goes into",
        "dnet/dw is the value that comes in along the weight: the output of the neuron where it begins.",
        own_output_incoming,
        ("mazur", "dE/dw5"),
        0.4,
    ),
    Mistake(
        "incoming-left-out",
        "the incoming value is left out of the weight's gradient",
        "dE/dw = delta * the value that comes in along the weight.",
        incoming_left_out,
        ("mazur", "dE/dw5"),
        0.5,
    ),
    Mistake(
        "weight-left-out",
        "the weight is left out on the way back",
        "Each delta comes back multiplied by the weight that it comes along.",
        weight_left_out,
        ("mazur", "dE/dout_h1"),
        0.4,
    ),
    Mistake(
        "delta-left-out",
        "the weight alone is taken on the way back, without the delta",
        "dE/dout = sum of delta times weight: the slope dnet/dout is only one of its factors.",
        delta_by_weight_only,
        ("mazur", "dE/dout_h1"),
        0.3,
    ),
    Mistake(
        "half-left-out",
        "the constant factor of the error, such as 1/2 or 1/N, is left out",
        "The constant belongs to the error as it was defined.",
        half_left_out,
        ("mazur", "E_total"),
        0.8,
    ),
    Mistake(
        "factor-two",
        "the derivative of the error is twice what it is, or half of it",
        "d(1/2 * x**2)/dx = x and d(x**2)/dx = 2 * x: the half and the 2 go together.",
        gradient_doubled,
        ("mazur", "dE/dout_o1"),
        0.7,
    ),
    Mistake(
        "mean-twice",
        "the 1/N of the mean is applied twice",
        "Once the error is a mean, its derivatives are means as well.",
        mean_twice,
        ("mini-batch", "dE/dw_o[1,1]"),
        0.7,
        source="Open-Deep-ML/DML-OpenProblem, commit 8e51732",
    ),
    Mistake(
        "mean-left-out",
        "the derivatives are added up over the samples where their mean belongs",
        "The error is a mean over the samples, so each sample's derivative counts 1/N.",
        mean_left_out,
        ("mini-batch", "dE/dw_o[1,1]"),
        0.7,
    ),
    Mistake(
        "sign-of-error",
        "the sign of the error's derivative is turned round",
        "For half the squared error d(1/2 * (target - out)**2)/dout = -(target - out) = out - target.",
        sign_of_error,
        ("mazur", "dE/dout_o1"),
        0.8,
    ),
    Mistake(
        "sign-of-update",
        "the update is added instead of subtracted",
        "The gradient points uphill; descent goes against it.",
        sign_of_update,
        ("mazur", "w5+"),
        0.8,
    ),
    Mistake(
        "rate-left-out",
        "the learning rate is left out",
        "The learning rate says how much of the gradient goes into a step: w+ = w - learning rate * gradient.",
        rate_left_out,
        ("mazur", "w5+"),
        0.8,
    ),
    Mistake(
        "delta-in-update",
        "the update uses dE/dout or delta in place of the gradient of the weight",
        "A weight is changed by its own derivative, dE/dw.",
        sum_for_gradient,
        ("mazur", "w5+"),
        0.4,
    ),
    Mistake(
        "no-bias-correction",
        "the moments are used without their bias correction",
        "m and v begin at 0; dividing by 1 - beta**t takes that out.",
        correction_left_out,
        ("adam", "w1+"),
        0.7,
    ),
    Mistake(
        "correction-without-power",
        "the bias correction divides by 1 - beta instead of 1 - beta**t",
        "In round t the correction is 1 - beta**t, which goes to 1; 1 - beta is that of the first round.",
        correction_without_power,
        ("adam", "w1+ after 1"),
        0.7,
        source="eriklindernoren/ML-From-Scratch, issue 35",
    ),
    Mistake(
        "square-left-out",
        "the square is forgotten",
        "The error, the slope of tanh and the second moment of a gradient have a square in their formulas.",
        power_left_out,
        ("adam", "v_w1+"),
        0.6,
        source="Open-Deep-ML/DML-OpenProblem, question 87",
    ),
    Mistake(
        "epsilon-inside-the-root",
        "epsilon stands inside the root",
        "sqrt(v) + eps and sqrt(v + eps) differ most where v is small.",
        epsilon_inside,
        ("adam", "w1+"),
        0.3,
    ),
    Mistake(
        "previous-state",
        "the state from before the round is used where the new one belongs",
        "The state is brought up to date first, then the weight is moved with it.",
        previous_state,
        ("momentum", "w_o[1,1]+ after 1"),
        0.5,
    ),
    Mistake(
        "log-base",
        "the logarithm has another base",
        "Cross-entropy is defined with the natural logarithm; the base 2 or 10 changes it by a constant factor.",
        log_base,
        ("binary-cross-entropy", "E_total"),
        0.6,
    ),
)


def find_mistake(name: str) -> Mistake:
    """The row with that id. Raises ``KeyError``."""
    return next(row for row in MISTAKES if row.id == name) if any(r.id == name for r in MISTAKES) else _unknown(name)


def _unknown(name: str) -> Mistake:
    raise KeyError(name)
