"""Normalisations: numbers less their mean, divided by their deviation, then scaled and shifted."""

from chainrule.catalogue.layer_row import Given, LayerRow, Plan, Planner, Setting, Settings, Source, letters
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


def _batch(settings: Settings, sources: tuple[Source, ...]) -> Plan:
    x = sources[0]
    ways = {"first": x.axes[:1], "last": x.axes[-1:], "none": ()}
    feature = ways[settings["channels"]]
    shape = tuple(size for name, size in zip(x.axes, x.shape, strict=True) if name in feature)
    others = tuple(name for name in x.axes if name not in feature)
    every = letters(("n",), x.axes)
    scale, shift, given = _scaled(settings, feature, shape)
    lines = _normalised(("n", *others), feature, every, settings["eps"])
    if settings["mode"] == "evaluation":
        own = Role.SETTING
        given += [Given("mu", "mean", feature, shape, "zeros", own), Given("var", "variance", feature, shape, "ones",
                                                                          own)]  # fmt: skip
        lines = lines[2:]
    lines.append(f"out[{every}] = {scale}hat[{every}]{shift}")
    return Plan("\n".join(lines), x.axes, x.shape, tuple(given), dict(zip(x.axes, x.shape, strict=True)))


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
    return Plan("\n".join(lines), x.axes, x.shape, tuple(given), dict(zip(x.axes, x.shape, strict=True)))


def _rms(settings: Settings, sources: tuple[Source, ...]) -> Plan:
    x = sources[0]
    feature, shape, kept = _over(settings, x)
    every, own = letters(("n",), x.axes), letters(kept)
    scale, _, given = _scaled({**settings, "without": (*settings["without"], "beta")}, feature, shape)
    lines = [
        f"rms[{own}] = sqrt(mean[{letters(feature)}](x[{every}]**2) + {settings['eps']})",
        f"out[{every}] = {scale}x[{every}] / rms[{own}]",
    ]
    return Plan("\n".join(lines), x.axes, x.shape, tuple(given), dict(zip(x.axes, x.shape, strict=True)))


def _row(name: str, title: str, plan: Planner, short: str, aliases: tuple[str, ...], source: str,
         settings: tuple[Setting, ...], keys: tuple[tuple[str, str], ...]) -> LayerRow:  # fmt: skip
    return LayerRow(name, title, plan, settings, keys, short, aliases=aliases, source=source)


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
         EPS),
        (*NUMBERS, ("mean", "for evaluation: the mean of each feature"),
         ("variance", "for evaluation: the variance of each feature")),
    ),
    _row("layer_normalisation", "layer normalisation", _layer, "ln", ("layer_norm", "layernorm",
         "layer_normalization"), "Ba, Kiros and Hinton 2016", (OVER, EPS), NUMBERS),
    _row("rms_normalisation", "root mean square normalisation", _rms, "rn", ("rms_norm", "rmsnorm",
         "rms_normalization"), "Zhang and Sennrich 2019", (OVER, EPS), NUMBERS[:1]),
)  # fmt: skip
