"""The network as a TikZ picture, for LaTeX."""

from chainrule.render.latex import latex_node, words
from chainrule.render.picture import Label, Line, Picture, Spot

POINTS = 0.62  # TeX points that a pixel of the picture is drawn as, before it is fitted to the page
STYLES = (
    r"every node/.style={inner sep=0pt, font=\small}, "
    r"neuron/.style={draw, fill=black!4, rounded corners=RADIUS}, "
    r"bias/.style={draw=black!45, fill=white, rounded corners=BIAS, font=\footnotesize}, "
    r"weight/.style={fill=white, inner xsep=2pt, inner ysep=1pt, font=\footnotesize, rotate=#1}, "
    r"weight/.default=0, title/.style={font=\footnotesize, text=black!65}"
)


def picture_tikz(picture: Picture) -> str:
    """The picture as a ``tikzpicture``, made narrower where it is wider than the page."""
    radius = max((spot.half_height for spot in picture.neurons), default=0) * POINTS
    styles = STYLES.replace("RADIUS", f"{radius:.1f}pt").replace("BIAS", f"{11 * POINTS:.1f}pt")
    lines = [
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tikzpicture}}[x={POINTS}pt, y=-{POINTS}pt, {styles}]",
        *(_line(line) for line in picture.lines),
        *(_spot(spot, "neuron") for spot in picture.neurons),
        *(_spot(spot, "bias") for spot in picture.biases),
        *(_label(label) for label in picture.labels),
        *(rf"\node[title] at ({x:.1f},{y:.1f}) {{{words(text)}}};" for text, x, y in picture.titles),
        r"\end{tikzpicture}}",
    ]
    return "\n".join(lines)


def _line(line: Line) -> str:
    (x1, y1), (x2, y2) = line.start, line.end
    return rf"\draw[black!55] ({x1:.1f},{y1:.1f}) -- ({x2:.1f},{y2:.1f});"


def _spot(spot: Spot, style: str) -> str:
    size = f"minimum width={2 * spot.half_width * POINTS:.1f}pt, minimum height={2 * spot.half_height * POINTS:.1f}pt"
    return rf"\node[{style}, {size}] at {_place(spot.label)} {{${latex_node(spot.label.text)}$}};"


def _label(label: Label) -> str:
    return rf"\node[weight={-label.angle:.1f}] at {_place(label)} {{${latex_node(label.text)}$}};"


def _place(label: Label) -> str:
    return f"({label.x:.1f},{label.y:.1f})"
