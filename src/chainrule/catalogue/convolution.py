"""Convolutions and poolings: windows that go along the last one or two axes."""

from dataclasses import dataclass
from math import prod

from chainrule.catalogue.layer_row import (
    ACTIVATION,
    Given,
    LayerRow,
    Plan,
    Planner,
    Reading,
    Setting,
    Settings,
    Source,
    activated,
    letters,
    per_axis,
    sizes_text,
)
from chainrule.catalogue.row import CatalogueError

PLACES = ("p", "q")  # of a window among the outputs
INSIDE = ("u", "v")  # of an entry in its window


@dataclass(frozen=True, slots=True)
class Windows:
    """How windows lie on the axes that they go along."""

    sizes: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    counts: tuple[int, ...]  # of windows along each axis

    @property
    def places(self) -> tuple[str, ...]:
        return PLACES[: len(self.sizes)]

    @property
    def inside(self) -> tuple[str, ...]:
        return INSIDE[: len(self.sizes)]


def windows(settings: Settings, sizes: tuple[int, ...], what: str = "kernel") -> Windows:
    """The windows along axes of these sizes. Raises `CatalogueError` where no window fits, with the arithmetic.

    ``what`` is what a window is called.
    """
    count = len(sizes)
    kernel = per_axis(settings["kernel"], count, "kernel")
    stride = per_axis(settings.get("stride") or 1, count, "stride")
    dilation = per_axis(settings.get("dilation") or 1, count, "dilation")
    padding = _padding(settings.get("padding", 0), kernel, stride, dilation)
    found = []
    for size, width, step, pad, apart in zip(sizes, kernel, stride, padding, dilation, strict=True):
        fits = (size + 2 * pad - apart * (width - 1) - 1) // step + 1
        if fits < 1:
            said = _said(size, width, step, pad, apart, max(fits, 0), what)
            raise CatalogueError(f"{said}: the {what} is too large")
        found.append(fits)
    return Windows(sizes, kernel, stride, padding, dilation, tuple(found))


def _padding(
    value: object, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[int, ...]:
    if value != "same":
        return per_axis(value, len(kernel), "padding")
    if any(step != 1 for step in stride):
        raise CatalogueError('padding = "same" needs stride 1; give the number of zeros on each side instead')
    whole = [apart * (width - 1) for width, apart in zip(kernel, dilation, strict=True)]
    if any(each % 2 for each in whole):
        raise CatalogueError('padding = "same" needs an odd kernel; give the number of zeros on each side instead')
    return tuple(each // 2 for each in whole)


def _said(size: int, width: int, step: int, pad: int, apart: int, fits: int, what: str) -> str:
    padded = f"padding {pad}" if pad else "no padding"
    dilated = f", dilation {apart}" if apart > 1 else ""
    return f"{size} with {what} {width}, stride {step}{dilated} and {padded} gives {fits}"


def arithmetic(found: Windows, what: str = "kernel") -> str:
    """How many windows there are along each axis, in words: ``28 with kernel 5, stride 2 and no padding gives 12``."""
    rows = zip(found.sizes, found.kernel, found.stride, found.padding, found.dilation, found.counts, strict=True)
    said = [_said(size, width, step, pad, apart, fits, what) for size, width, step, pad, apart, fits in rows]
    return "; ".join(dict.fromkeys(said))


def entry(found: Windows, family: str, before: str) -> str:
    """The window's entry as a formula, 0 in the padding: ``x[n,c,2*p + u - 1] if 0 <= 2*p + u - 1 < 28 else 0``."""
    places, tests = [], []
    rows = zip(found.places, found.inside, found.stride, found.dilation, found.padding, found.sizes, strict=True)
    for place, inside, step, apart, pad, size in rows:
        first = place if step == 1 else f"{step}*{place}"
        second = inside if apart == 1 else f"{apart}*{inside}"
        index = f"{first} + {second}" + (f" - {pad}" if pad else "")
        places.append(index)
        if pad:
            tests.append(f"0 <= {index} < {size}")
    read = f"{family}[{before},{','.join(places)}]"
    return f"({read} if {' and '.join(tests)} else 0)" if tests else read


def _split(x: Source, along: int, what: str) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
    """The channel letter and size, if there are channels, and the sizes of the axes to go along."""
    if len(x.shape) not in (along, along + 1):
        axes = "one axis" if along == 1 else "two axes"
        raise CatalogueError(f"{what} goes along {axes}, with or without channels before; its input is "
                             f"{sizes_text(x.shape) or 'a single number'}")  # fmt: skip
    channels = x.shape[: len(x.shape) - along]
    return ("c",) * len(channels), channels, x.shape[len(channels) :]


def _convolution(along: int) -> Planner:
    def plan(settings: Settings, sources: tuple[Source, ...]) -> Plan:
        channel, channels, sizes = _split(sources[0], along, f"convolution_{along}d")
        found = windows(settings, sizes)
        filters = () if settings.get("filters") is None else (settings["filters"],)
        out = ("o",) * len(filters)
        own = (*out, *found.places)
        area = prod(found.kernel)
        fans = (prod(channels) * area, prod(filters) * area)
        kernel = Given("k", "weights", (*out, *channel, *found.inside), (*filters, *channels, *found.kernel), fans=fans)
        given: tuple[Given, ...] = (kernel,)
        bias = ""
        if "bias" not in settings["without"]:
            given = (kernel, Given("b", "bias", out, filters, "zeros"))
            bias = f" + b[{out[0]}]" if out else " + b"
        window = entry(found, "x", letters(("n",), channel))
        over = letters(channel, found.inside)
        after, stable = activated(settings["activation"], ("n", *own))
        net = f"net[n,{letters(own)}] = sum[{over}](k[{letters(kernel.axes)}] * {window}){bias}"
        sizes_of = dict(zip((*own, *channel, *found.inside), (*filters, *found.counts, *channels, *found.kernel),
                            strict=True))  # fmt: skip
        return Plan(
            f"{net}\nout[n,{letters(own)}] = {after}", own, (*filters, *found.counts), given, sizes_of,
            stable={"out": stable} if stable else {}, arithmetic=arithmetic(found),
        )  # fmt: skip

    return plan


def _pooling(formula: str, along: int) -> Planner:
    def plan(settings: Settings, sources: tuple[Source, ...]) -> Plan:
        channel, channels, sizes = _split(sources[0], along, "pooling")
        kernel = per_axis(settings["window"], along, "window")
        found = windows({"kernel": kernel, "stride": settings["stride"] or kernel, "padding": 0}, sizes, "window")
        own = (*channel, *found.places)
        window = entry(found, "x", letters(("n",), channel))
        sizes_of = dict(zip((*own, *found.inside), (*channels, *found.counts, *kernel), strict=True))
        right = formula.format(over=letters(found.inside), window=window)
        return Plan(f"out[n,{letters(own)}] = {right}", own, (*channels, *found.counts), (), sizes_of,
                    arithmetic=arithmetic(found, "window"))  # fmt: skip

    return plan


CONVOLVED = (
    Setting("kernel", "sizes", "How large a window is: one number, or one for each axis.", required=True),
    Setting("filters", "count", "How many filters, the channels of its output.", None),
    Setting("stride", "sizes", "How far from one window to the next.", 1),
    Setting("padding", "padding", "How many zeros are put on each side; same keeps the size.", 0),
    Setting("dilation", "sizes", "How far apart the entries of a window lie.", 1),
    ACTIVATION,
)
POOLED = (
    Setting("window", "sizes", "How large a window is: one number, or one for each axis.", required=True),
    Setting("stride", "sizes", "How far from one window to the next; as far as a window is wide.", None),
)
NUMBERS = (
    ("weights", "the kernel: filter, channel of the input, place in the window"),
    ("bias", "one for each filter, or none"),
)
LARGEST = "max[{over}]({window})"
AVERAGE = "mean[{over}]({window})"
LARGEST_SOURCE = "Ranzato, Boureau and LeCun 2007; where entries tie for the largest they share its slope"


def _reading(along: tuple[str, ...], called: dict[str, str]) -> Reading:
    count = len(along)
    return Reading(
        {"c": "channel", "o": "filter"} | dict(zip((*PLACES[:count], *INSIDE[:count]), along * 2, strict=True)),
        dict.fromkeys(PLACES[:count], "window"), ("channel", *along), called,
    )  # fmt: skip


LINE, PICTURE = ("place",), ("row", "column")
OF_CONVOLUTION = {"k": "kernel", "b": "bias", "net": "net inputs", "out": "outputs"}
OF_LARGEST, OF_AVERAGE = {"out": "the largest of each window"}, {"out": "the mean of each window"}

CONVOLUTIONS = (
    LayerRow("convolution_1d", "convolution along one axis", _convolution(1), CONVOLVED, NUMBERS, "c",
             reading=_reading(LINE, OF_CONVOLUTION),
             aliases=("conv1d", "convolution1d"), source="LeCun, Boser and others 1989"),
    LayerRow("convolution_2d", "convolution along two axes", _convolution(2), CONVOLVED, NUMBERS, "c",
             reading=_reading(PICTURE, OF_CONVOLUTION),
             aliases=("convolution", "conv", "conv2d", "convolution2d"), source="LeCun, Boser and others 1989"),
    LayerRow("max_pooling_1d", "max pooling along one axis", _pooling(LARGEST, 1), POOLED, (), "p",
             reading=_reading(LINE, OF_LARGEST),
             aliases=("maxpool1d",), source=LARGEST_SOURCE),
    LayerRow("max_pooling_2d", "max pooling along two axes", _pooling(LARGEST, 2), POOLED, (), "p",
             reading=_reading(PICTURE, OF_LARGEST),
             aliases=("max_pooling", "maxpool", "max_pool", "maxpool2d", "pooling"), source=LARGEST_SOURCE),
    LayerRow("average_pooling_1d", "average pooling along one axis", _pooling(AVERAGE, 1), POOLED, (), "p",
             reading=_reading(LINE, OF_AVERAGE),
             aliases=("avgpool1d",), source="LeCun, Boser and others 1989"),
    LayerRow("average_pooling_2d", "average pooling along two axes", _pooling(AVERAGE, 2), POOLED, (), "p",
             reading=_reading(PICTURE, OF_AVERAGE),
             aliases=("average_pooling", "avgpool", "avg_pool", "avgpool2d"), source="LeCun, Boser and others 1989"),
)  # fmt: skip
