"""A document: plain blocks that every renderer can show. Whoever makes one has decided everything but the looks.

A formula in a document is an ordinary expression in which each ``Ref`` is one scalar or one family without indices,
its name a key of ``Document.symbols``, and each ``Num`` a number already rounded for display: a renderer shows the
digits that it finds. Sums over a few values are already written out as ``Add``; ``Sum`` and ``Max`` may still stand
in a formula that speaks of a whole family. A ``Ref`` named ``"..."`` marks addends that are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chainrule.formula.expression import Expr, Ref

ELLIPSIS = Ref("...")


@dataclass(frozen=True, slots=True)
class Symbol:
    """How a quantity is written: ``net_h1`` is base ``net``, subscript ``h1``.

    ``sample`` is written as a superscript in parentheses (``net_h1^(2)``: the second sample), ``updated`` as a
    superscript plus (``w5+``). A base that is a Greek name (``delta``, ``eta``, ``beta``) is written as that letter.
    """

    base: str
    subscript: str = ""
    sample: str = ""
    updated: bool = False


@dataclass(frozen=True, slots=True)
class Partial:
    """A partial derivative as a symbol: ``dE_total/dw5``."""

    of: Symbol
    by: Symbol


@dataclass(frozen=True, slots=True)
class Heading:
    level: int  # 1 is the title's own level; sections are 2, parts of a section 3
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; an ``Expr`` among the parts is a formula in the line."""

    parts: tuple[str | Expr, ...]


@dataclass(frozen=True, slots=True)
class Equation:
    """``sides[0] = sides[1] = ...``: the name, the formula, the same with numbers, the value.

    Shown with one line a side, aligned at the equals signs, where it doesn't fit on one line.
    """

    sides: tuple[Expr, ...]
    note: str = ""  # a few words beside it: what this line says
    final: bool = False  # a result that the eye should find
    label: str = ""  # a word or two before it: which part of a sum this line is, "window 1,2"


@dataclass(frozen=True, slots=True)
class Equations:
    """Equations that belong together: one below the other, their equals signs aligned."""

    equations: tuple[Equation, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of text and formulas; ``numeric`` says which columns hold numbers (aligned right)."""

    header: tuple[str, ...]
    rows: tuple[tuple[str | Expr, ...], ...]
    numeric: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Axis:
    """What stands beside the rows of a grid, or above its columns: a word, ``filter``, and a number for each."""

    word: str = ""
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """Numbers in rows and columns, as people draw them.

    ``name`` is whose numbers they are, and ``part`` says which of them where there are more: ``filter 2``. An axis
    without marks has nothing beside it. Where rows or columns are left out, ``ELLIPSIS`` stands in their place.
    """

    numbers: tuple[tuple[Expr, ...], ...]
    name: Expr | None = None
    part: str = ""
    rows: Axis = Axis()
    columns: Axis = Axis()


@dataclass(frozen=True, slots=True)
class Grids:
    """Grids that belong together, beside each other where there is room; ``sign`` stands between two of them."""

    grids: tuple[Grid, ...]
    sign: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A weight into a neuron: where it comes from, its symbol, its value as shown."""

    source: Ref
    weight: Ref
    value: str


@dataclass(frozen=True, slots=True)
class Neuron:
    """A neuron with all that goes into it. ``bias`` is None where it has none; an input has no edges, but a value."""

    name: str  # as people call it: i1, h1, o2
    edges: tuple[Edge, ...] = ()
    bias: tuple[Ref, str] | None = None
    value: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    title: str  # "inputs", "hidden layer h (logistic)"
    neurons: tuple[Neuron, ...]


@dataclass(frozen=True, slots=True)
class Diagram:
    """The network as a picture that leaves no doubt which weight goes where; layers from the inputs onwards."""

    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A remark set apart from the main text: a convention, a shorter form and its condition, a warning."""

    parts: tuple[str | Expr, ...]


Block = Heading | Paragraph | Equation | Equations | Table | Grids | Diagram | Note


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    blocks: tuple[Block, ...]
    symbols: Mapping[str, Symbol | Partial] = field(default_factory=dict)
