"""chainrule: every number of backpropagation, for any network.

>>> import chainrule as cr
>>> step = cr.load("mazur")
>>> step["w5+"]
0.35891647971788465
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from chainrule.model import Dense, Explanation, Layer, Network, Step, examples, load, load_results, load_trained
    from chainrule.training.estimators import NetworkClassifier, NetworkRegressor

__all__ = [
    "Dense",
    "Explanation",
    "Layer",
    "Network",
    "NetworkClassifier",
    "NetworkRegressor",
    "Step",
    "__version__",
    "examples",
    "load",
    "load_results",
    "load_trained",
]


def __getattr__(name: str) -> Any:
    """The facade is imported when it is first used, so that commands which need no numbers start at once."""
    if name in ("NetworkClassifier", "NetworkRegressor"):
        from chainrule.training import estimators

        return getattr(estimators, name)
    if name in __all__:
        from chainrule import model

        return getattr(model, name)
    raise AttributeError(f"module 'chainrule' has no attribute {name!r}")


def __dir__() -> list[str]:
    """What there is, imported or not, for those who complete names."""
    return sorted(__all__)
