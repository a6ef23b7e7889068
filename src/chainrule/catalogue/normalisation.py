"""Normalisations: numbers less their mean, divided by their deviation, then scaled and shifted."""

from decimal import Decimal

from chainrule.catalogue.layer_row import (
    Given,
    LayerRow,
    Plan,
    Planner,
    Reading,
    Setting,
    Settings,
    Source,
    TaughtForm,
    letters,
)
from chainrule.catalogue.row import CatalogueError
from chainrule.program.program import Role

NUMBERS = (("gamma", "the scale, one for each feature"), ("beta", "the shift, one for each feature"))


def _scaled(settings: Settings, feature: tuple[str, ...], shape: tuple[int, ...]) -> tuple[str, str, list[Given]]:
    """What stands before and behind the normalised number, and what it is given."""
    without = settings["without"]
    own = f"[{letters(feature)}]" if feature else ""
    given = [Given("gamma", "gamma", feature, shape, "ones"), Given("beta", "beta", feature, shape, "zeros")]
    scale = "" if "gamma" in without else f"gamma{own} * "
    shift = "" if "beta" in without else f" + beta{own}"
    return scale, shift, [each for each in given if each.key not in without]


def _normalised(mean_over: tuple[str, ...], kept: tuple[str, ...], every: str, eps: object) -> list[str]:
    """Mean, variance and the normalised number; ``kept`` are the letters of what is normalised together."""
    own, over = f"[{letters(kept)}]" if kept else "", letters(mean_over)
    return [
        f"mu{own} = mean[{over}](x[{every}])",
        f"var{own} = mean[{over}]((x[{every}] - mu{own})**2)",
        f"hat[{every}] = (x[{every}] - mu{own}) / sqrt(var{own} + {eps})",
    ]


EXACT = "it is exact, for the number in the root is the same on the way back"


def _taught(mean_over: tuple[str, ...], kept: tuple[str, ...], axes: tuple[str, ...], eps: object) -> TaughtForm:
    """The three ways to a number in one: its own slope, less the mean of all, less its share of the spread."""
    every, spread = letters(("n",), axes), f"[{letters(kept)}]" if kept else ""
    (over, each), (over2, each2) = (_others(mean_over, axes, place) for place in (2, 3))
    return TaughtForm(
        f"d_x[{every}] = 1 / sqrt(var{spread} + {eps}) * "
        f"(d_hat[{every}] - 1 / count[{over}] * sum[{over}](d_hat[{each}]) - "
        f"hat[{every}] * (1 / count[{over2}]) * sum[{over2}](d_hat[{each2}] * hat[{each2}]))",
        ("mu", "var", "hat"), EXACT,
    )  # fmt: skip


def _others(mean_over: tuple[str, ...], axes: tuple[str, ...], place: int) -> tuple[str, str]:
    """Letters of their own for what a mean goes over, and all letters with them: ``j2`` and ``n,j2``."""
    others = {name: f"{name}{place}" for name in mean_over}
    return letters(tuple(others.values())), letters(tuple(others.get(name, name) for name in ("n", *axes)))


def _batch(settings: Settings, sources: tuple[Source, ...]) -> Plan:
    x = sources[0]
    if not 0 <= Decimal(settings["momentum"]) <= 1:
        raise CatalogueError(f"momentum is a share from 0 to 1, not {settings['momentum']}")
    ways = {"first": x.axes[:1], "last": x.axes[-1:], "none": ()}
    feature = ways[settings["channels"]]
    shape = tuple(size for name, size in zip(x.axes, x.shape, strict=True) if name in feature)
    others = tuple(name for name in x.axes if name not in feature)
    every = letters(("n",), x.axes)
    scale, shift, given = _scaled(settings, feature, shape)
    statistics = (
        Given("mu_run", "mean", feature, shape, "zeros", Role.SETTING),
        Given("var_run", "variance", feature, shape, "ones", Role.SETTING),
    )
    out = f"out[{every}] = {scale}hat[{every}]{shift}"
    sizes = dict(zip(x.axes, x.shape, strict=True))
    if settings["mode"] == "evaluation":
        own = f"[{letters(feature)}]" if feature else ""
        hat = f"hat[{every}] = (x[{every}] - mu_run{own}) / sqrt(var_run{own} + {settings['eps']})"
        return Plan(f"{hat}\n{out}", x.axes, x.shape, (*given, *statistics), sizes)
    together = ("n", *others)
    lines = [*_normalised(together, feature, every, settings["eps"]), out]
    follow = _followed(feature, together, settings["momentum"])
    taught = (_taught(together, feature, x.axes, settings["eps"]),)
    return Plan(
        "\n".join(lines), x.axes, x.shape, tuple(given), sizes, running=statistics, follow=follow, taught=taught
    )


def _followed(feature: tuple[str, ...], together: tuple[str, ...], momentum: object) -> str:
    """What training on data carries along: the running variance follows the unbiased one, as in PyTorch."""
    own, count = f"[{letters(feature)}]" if feature else "", f"count[{letters(together)}]"
    return (
        f"mu_run_next{own} = (1 - {momentum}) * mu_run{own} + {momentum} * mu{own}\n"
        f"var_run_next{own} = (1 - {momentum}) * var_run{own} + {momentum} * var{own} * {count} / ({count} - 1)"
    )


def _over(settings: Settings, x: Source) -> tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...]]:
    """The letters and sizes that one mean goes over, and the letters of the means."""
    if not x.axes:
        raise CatalogueError("a single number can't be normalised")
    count = len(x.axes) if settings["over"] == "all" else 1
    return x.axes[-count:], x.shape[-count:], ("n", *x.axes[:-count])


def _layer(settings: Settings, sources: tuple[Source, ...]) -> Plan:
    x = sources[0]
    feature, shape, kept = _over(settings, x)
    every = letters(("n",), x.axes)
    scale, shift, given = _scaled(settings, feature, shape)
    lines = [*_normalised(feature, kept, every, settings["eps"]), f"out[{every}] = {scale}hat[{every}]{shift}"]
    sizes = dict(zip(x.axes, x.shape, strict=True))
    taught = (_taught(feature, kept, x.axes, settings["eps"]),)
    return Plan("\n".join(lines), x.axes, x.shape, tuple(given), sizes, taught=taught)


def _rms(settings: Settings, sources: tuple[Source, ...]) -> Plan:
    x = sources[0]
    feature, shape, kept = _over(settings, x)
    every, own = letters(("n",), x.axes), letters(kept)
    scale, _, given = _scaled({**settings, "without": (*settings["without"], "beta")}, feature, shape)
    lines = [
        f"rms[{own}] = sqrt(mean[{letters(feature)}](x[{every}]**2) + {settings['eps']})",
        f"out[{every}] = {scale}x[{every}] / rms[{own}]",
    ]
    over, each = _others(feature, x.axes, 2)
    scaled = scale and f"gamma[{over}] * "
    taught = TaughtForm(
        f"d_x[{every}] = 1 / rms[{own}] * ({scale}d_out[{every}] - x[{every}] / rms[{own}] * "
        f"(1 / count[{over}]) * sum[{over}]({scaled}d_out[{each}] * x[{each}] / rms[{own}]))",
        ("rms", "out"), EXACT,
    )  # fmt: skip
    sizes = dict(zip(x.axes, x.shape, strict=True))
    return Plan("\n".join(lines), x.axes, x.shape, tuple(given), sizes, taught=(taught,))


READING = Reading(
    inputs=("feature",),
    ways={"mu": "through the mean", "var": "through the variance", "hat": "directly",
          "rms": "through the root mean square", "out": "directly"},
    called={"mu": "mean", "var": "variance", "hat": "normalised", "rms": "root mean square",
            "out": "scaled and shifted", "gamma": "scale", "beta": "shift"},
)  # fmt: skip


def _row(name: str, title: str, plan: Planner, short: str, aliases: tuple[str, ...], source: str,
         settings: tuple[Setting, ...], keys: tuple[tuple[str, str], ...],
         in_use: tuple[tuple[str, str], ...] = ()) -> LayerRow:  # fmt: skip
    return LayerRow(name, title, plan, settings, keys, short, aliases=aliases, source=source, in_use=in_use,
                    reading=READING)  # fmt: skip


EPS = Setting("eps", "number", "Added to the variance, so that no division is by 0.", "0.00001")
OVER = Setting("over", "text", "What is normalised together: the last axis, or all of a sample.", "last",
               choices=("last", "all"))  # fmt: skip

NORMALISATIONS = (
    _row(
        "batch_normalisation", "batch normalisation", _batch, "bn", ("batch_norm", "batchnorm", "batch_normalization"),
        "Ioffe and Szegedy 2015; the variance divides by the number of samples",
        (Setting("mode", "text", "With the statistics of the batch, or with given ones.", "training",
                 choices=("training", "evaluation")),
         Setting("channels", "text", "Which axis has a mean of its own.", "first", choices=("first", "last", "none")),
         EPS,
         Setting("momentum", "number", "In training on data: the share of the batch in the running statistics, which "
                 "the layer has in use. The running variance follows the unbiased one, divided by one less than the "
                 "number of samples, as in PyTorch.", "0.1")),
        (*NUMBERS, ("mean", "for evaluation: the mean of each feature; else what the running one begins with, 0"),
         ("variance", "for evaluation: the variance of each feature; else what the running one begins with, 1")),
        (("mode", "evaluation"),),
    ),
    _row("layer_normalisation", "layer normalisation", _layer, "ln", ("layer_norm", "layernorm",
         "layer_normalization"), "Ba, Kiros and Hinton 2016", (OVER, EPS), NUMBERS),
    _row("rms_normalisation", "root mean square normalisation", _rms, "rn", ("rms_norm", "rmsnorm",
         "rms_normalization"), "Zhang and Sennrich 2019", (OVER, EPS), NUMBERS[:1]),
)  # fmt: skip
