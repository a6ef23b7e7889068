"""The course of training as a curve: in the terminal, with the dots of Braille characters, and as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, isfinite, log10

from chainrule.training.progress import Record

BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row and column of a character
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
SPREAD_FOR_LOG = 20.0  # the largest loss over the smallest, from which on the axis is a logarithm


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its name and its points (epoch, value)."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class _Axis:
    """A scale from values to the share of the axis' length, and its labelled places."""

    low: float
    high: float
    logarithmic: bool
    ticks: tuple[float, ...]


def lines_of(history: Sequence[Record]) -> tuple[Line, ...]:
    """The curves of a history: the error of training and, where there is one, that of validation."""
    found = [Line("training", tuple((each.epoch, each.loss) for each in history if isfinite(each.loss)))]
    watched = [(each.epoch, each.validation_loss) for each in history if each.validation_loss is not None]
    if watched:
        found.append(Line("validation", tuple((epoch, value) for epoch, value in watched if isfinite(value))))
    return tuple(line for line in found if line.points)


def curve_text(
    history: Sequence[Record], width: int = 72, height: int = 12, *, ascii_only: bool = False, each: str = "sample"
) -> str:
    """The curves as text, with the error upwards and the epochs to the right; empty where there is nothing to show.

    ``each`` says what the error is for. Where the errors are far apart their axis is a logarithm. Without Braille
    (``ascii_only``) a curve is drawn with one character for each column.
    """
    lines = lines_of(history)
    if not lines:
        return ""
    across, up = _axes(lines, max(2, width // 14), max(2, height // 3))
    labels = {tick: _number(tick) for tick in up.ticks}
    margin = max(map(len, labels.values())) + 2
    columns = max(8, width - margin)
    cells = _ascii(lines, across, up, columns, height) if ascii_only else _braille(lines, across, up, columns, height)
    named = {min(height - 1, int((1 - _share(up, tick)) * height)): label for tick, label in labels.items()}
    bar, corner, line = ("|", "+", "-") if ascii_only else ("┤", "└", "─")
    plain = "|" if ascii_only else "│"
    rows = [
        f"{named.get(row, ''):>{margin - 2}} {bar if row in named else plain}{''.join(cells[row]).rstrip()}"
        for row in range(height)
    ]
    axis = f"{'':>{margin - 1}}{corner}{line * columns}"
    return (
        "\n".join([_legend(lines, up, margin, ascii_only, each), *rows, axis, *_below(across, margin, columns)]) + "\n"
    )


def curve_svg(
    history: Sequence[Record], width: int = 640, height: int = 360, title: str = "", *, each: str = "sample"
) -> str:
    """The curves as an SVG picture that stands by itself; in light and dark, in colour and without.

    Raises ``ValueError`` for a history without any finite error.
    """
    lines = lines_of(history)
    if not lines:
        raise ValueError("there is no epoch to draw")
    across, up = _axes(lines, max(2, width // 90), max(2, height // 60))
    labels = [_number(tick) for tick in up.ticks]
    left, right, top, bottom = 22 + 8 * max(map(len, labels)), 16, 44 if title else 28, 44
    wide, high = width - left - right, height - top - bottom

    def x(value: float) -> float:
        return left + _share(across, value) * wide

    def y(value: float) -> float:
        return top + (1 - _share(up, value)) * high

    parts = [_head(width, height, title or _said(lines))]
    if title:
        parts.append(f'<text x="{left}" y="18" class="title">{escape(title)}</text>')
    for tick, label in zip(up.ticks, labels, strict=True):
        parts.append(f'<path d="M{left} {y(tick):.1f}H{width - right}" class="grid"/>')
        parts.append(f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{escape(label)}</text>')
    for tick in across.ticks:
        parts.append(f'<path d="M{x(tick):.1f} {height - bottom}v5" class="axis"/>')
        parts.append(f'<text x="{x(tick):.1f}" y="{height - bottom + 18}" text-anchor="middle">{_number(tick)}</text>')
    parts.append(f'<path d="M{left} {top}V{height - bottom}H{width - right}" class="axis"/>')
    parts.append(f'<text x="{left + wide / 2:.1f}" y="{height - 8}" text-anchor="middle">epoch</text>')
    scale = ", logarithmic" if up.logarithmic else ""
    parts.append(f'<text x="{left}" y="{top - 8}">error for each {each}{scale}</text>')
    for place, line in enumerate(lines):
        path = "M" + "L".join(f"{x(epoch):.1f} {y(value):.1f}" for epoch, value in line.points)
        if len(line.points) == 1:
            parts.append(f'<circle cx="{x(line.points[0][0]):.1f}" cy="{y(line.points[0][1]):.1f}" r="3"/>')
        parts.append(f'<path d="{path}" class="line{place}"/>')
        at = width - right - 96 * (len(lines) - place)
        parts.append(f'<path d="M{at} {top - 12}h18" class="line{place}"/>')
        parts.append(f'<text x="{at + 23}" y="{top - 8}">{line.name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


STYLE = """
text { font: 12px system-ui, sans-serif; fill: #222 } .title { font-size: 14px; font-weight: 600 }
.axis { stroke: #444; fill: none } .grid { stroke: #ddd } circle { fill: #0b62a8 }
.line0 { stroke: #0b62a8; stroke-width: 2; fill: none }
.line1 { stroke: #b34700; stroke-width: 2; fill: none; stroke-dasharray: 6 3 }
@media (prefers-color-scheme: dark) {
  svg { background: #16181c } text { fill: #e8e8e8 } .axis { stroke: #aaa } .grid { stroke: #33363c }
  .line0 { stroke: #6db8f2 } .line1 { stroke: #f2a56d } circle { fill: #6db8f2 }
}
""".strip()


def _head(width: int, height: int, said: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img">\n<title>{escape(said)}</title>\n<style>{STYLE}</style>'
    )


def _said(lines: Sequence[Line]) -> str:
    """The curves in words, for those who don't see them."""
    return "; ".join(
        f"{line.name}: from {line.points[0][1]:.4g} to {line.points[-1][1]:.4g} after {line.points[-1][0]:.0f} epochs"
        for line in lines
    )


def _axes(lines: Sequence[Line], most_across: int, most_up: int) -> tuple[_Axis, _Axis]:
    epochs = [epoch for line in lines for epoch, _ in line.points]
    values = [value for line in lines for _, value in line.points]
    across = _linear(min(epochs), max(epochs), most_across, whole=True)
    positive = [value for value in values if value > 0]
    if len(positive) == len(values) and max(values) > SPREAD_FOR_LOG * min(values):
        return across, _logarithmic(min(values), max(values), most_up)
    return across, _linear(min(values), max(values), most_up)


def _linear(low: float, high: float, most: int, *, whole: bool = False) -> _Axis:
    """Round numbers as labels. Epochs begin and end where they do; errors at a label."""
    if high <= low:
        low, high = (low - 0.5, high + 0.5) if whole else (low - abs(low) * 0.1 - 1e-12, high + abs(high) * 0.1 + 1e-12)
        return _Axis(low, high, False, ((low + high) / 2,))
    rough = (high - low) / most
    size = 10.0 ** floor(log10(rough))
    step = next(each * size for each in STEPS if each * size >= rough * (1 - 1e-9))
    if whole:
        step = max(1.0, float(ceil(step)))
        first = floor(low / step) * step + step
        further = tuple(first + place * step for place in range(int((high - first) / step + 1e-9) + 1))
        return _Axis(low, high, False, (low, *further))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = tuple(place * step for place in range(first, last + 1))
    return _Axis(ticks[0], ticks[-1], False, ticks)


def _logarithmic(low: float, high: float, most: int) -> _Axis:
    """Powers of ten as labels, or every second or third of them; from 1, 2 or 5 times one to another."""
    bottom = max(each for each in _round_ones(low) if each <= low * (1 + 1e-9))
    top = min(each for each in _round_ones(high) if each >= high * (1 - 1e-9))
    first, last = ceil(log10(bottom) - 1e-9), floor(log10(top) + 1e-9)
    step = max(1, ceil((last - first) / most))
    ticks = [10.0**power for power in range(first, last + 1, step)]
    apart = (top / bottom) ** 0.1  # labels nearer than that would touch
    if ticks[0] > bottom * apart:
        ticks.insert(0, bottom)
    if ticks[-1] < top / apart:
        ticks.append(top)
    return _Axis(bottom, top, True, tuple(ticks))


def _round_ones(value: float) -> list[float]:
    """1, 2 and 5 times the powers of ten around a value."""
    power = floor(log10(value))
    return [each * 10.0**exponent for exponent in (power - 1, power, power + 1) for each in (1, 2, 5)]


def _share(axis: _Axis, value: float) -> float:
    """Where a value stands, from 0 at the low end to 1 at the high end."""
    if axis.logarithmic:
        return (log10(value) - log10(axis.low)) / (log10(axis.high) - log10(axis.low))
    return (value - axis.low) / (axis.high - axis.low)


def _number(value: float) -> str:
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.1e}".replace(".0e", "e").replace("e-0", "e-").replace("e+0", "e")
    return f"{value:.6g}"


def _places(line: Line, across: _Axis, up: _Axis, columns: int, rows: int) -> list[tuple[int, int]]:
    """The dots of a curve on a grid, each column between two points filled."""
    found: list[tuple[int, int]] = []
    before: tuple[float, float] | None = None
    for epoch, value in line.points:
        now = (_share(across, epoch) * (columns - 1), (1 - _share(up, value)) * (rows - 1))
        steps = 1 if before is None else max(1, ceil(max(abs(now[0] - before[0]), abs(now[1] - before[1]))))
        begin = before or now
        for step in range(steps + 1):
            part = step / steps
            x, y = begin[0] + (now[0] - begin[0]) * part, begin[1] + (now[1] - begin[1]) * part
            found.append((round(x), round(y)))
        before = now
    return found


def _braille(lines: Sequence[Line], across: _Axis, up: _Axis, columns: int, rows: int) -> list[list[str]]:
    """Cells of two by four dots. The second curve has only every second dot, so that the two can be told apart."""
    dots = [[0] * columns for _ in range(rows)]
    for place, line in enumerate(lines):
        for x, y in _places(line, across, up, columns * 2, rows * 4):
            if place and x % 4 > 1:
                continue
            dots[y // 4][x // 2] |= DOTS[y % 4][x % 2]
    return [[chr(BRAILLE + each) if each else " " for each in row] for row in dots]


def _ascii(lines: Sequence[Line], across: _Axis, up: _Axis, columns: int, rows: int) -> list[list[str]]:
    cells = [[" "] * columns for _ in range(rows)]
    for mark, line in reversed(list(zip("*o", lines, strict=False))):
        for x, y in _places(line, across, up, columns, rows):
            cells[y][x] = mark
    return cells


def _legend(lines: Sequence[Line], up: _Axis, margin: int, ascii_only: bool, each: str) -> str:
    marks = ("*", "o") if ascii_only else ("⠒⠒", "⠒ ⠒")
    named = ", ".join(f"{mark} {line.name}" for mark, line in zip(marks, lines, strict=False))
    return f"{'':>{margin}}error for each {each}{' (logarithmic)' if up.logarithmic else ''}: {named}"


def _below(across: _Axis, margin: int, columns: int) -> list[str]:
    """The epochs under the axis, and what they are."""
    row = [" "] * (margin + columns)
    free = 0
    for tick in across.ticks:
        label = _number(tick)
        first = margin + round(_share(across, tick) * (columns - 1)) - len(label) // 2
        first = min(max(first, 0), len(row) - len(label))
        if first >= free:
            row[first : first + len(label)] = label
            free = first + len(label) + 1
    return ["".join(row).rstrip(), f"{'':>{margin}}{'epoch':^{columns}}".rstrip()]
