"""The tutorial's network, made in Python with something else in it."""

import chainrule as cr


def changed(
    weights: object = ([[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]),
    inputs: object = ((0.05, 0.10),),
    targets: object = ((0.01, 0.99),),
    biases: object = (0.35, 0.60),
    rate: float = 0.5,
    activations: tuple[str, str] = ("logistic", "logistic"),
) -> cr.Step:
    """Its first round, with other numbers where they are given."""
    layers = [
        cr.Dense(2, activations[place], weights[place], biases[place], train_bias=False)  # type: ignore[index]
        for place in range(2)
    ]
    return cr.Network(2, layers).step(inputs, targets, learning_rate=rate)
