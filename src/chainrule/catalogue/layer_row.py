"""What a row of a layer is: its settings, and from settings and input shapes a plan of formulas."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule.catalogue.layers import activation_formula
from chainrule.catalogue.row import CatalogueError
from chainrule.formula.expression import Expr, Index, Ref, letter, rename_letters, transform
from chainrule.formula.parse import parse_expression
from chainrule.formula.unparse import to_text
from chainrule.program.program import Role


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that a network file may say about a layer of a kind; ``kind`` is that of a field of network files."""

    name: str
    kind: str
    meaning: str
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()


def setting_text(setting: Setting) -> str:
    """What a setting means, which values it may have, and what it is unless given.

    >>> setting_text(Setting("reset", "text", "Where the reset gate stands.", "after", choices=("after", "before")))
    'Where the reset gate stands. One of after, before. (default: after)'
    """
    choices = f" One of {', '.join(setting.choices)}." if setting.choices else ""
    default = str(setting.default).lower() if isinstance(setting.default, bool) else setting.default
    unless = " (needed)" if setting.required else "" if default is None else f" (default: {default})"
    return f"{setting.meaning}{choices}{unless}"


@dataclass(frozen=True, slots=True)
class Source:
    """What a layer takes in: a family, its letters and its shape, both without the samples."""

    family: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """A family of numbers that a layer is given: a parameter, or numbers that training doesn't change.

    ``name`` is what the plan's formulas call it, ``key`` what a network file does. ``start`` is the initialiser where
    nothing is given, ``fans`` how many numbers go into one and come out of it, for initialisers that ask: by the last
    axis and the first unless said. With ``by_sample`` the samples are its first axis, which ``axes`` and ``shape``
    leave out.
    """

    name: str
    key: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    start: str = "glorot_uniform"
    role: Role = Role.PARAMETER
    by_sample: bool = False
    fans: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class TaughtForm:
    """A shorter form of a derivative that is taught: ``d_score[n,t,s] = ...``, in which ``d_`` stands for the error by.

    It is what comes ``through`` these families of the plan, all of the derivative where the quantity is used by
    nothing else. ``condition`` says when it holds.
    """

    formula: str
    through: tuple[str, ...]
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A layer for its settings and its inputs' shapes, as formulas.

    In ``formulas`` the inputs are ``x``, or ``x1``, ``x2``, ... where there are several; ``out`` is the family that
    the next layer takes in. ``sizes`` are those of every letter, ``stable`` the forms without overflow by family.
    ``arithmetic`` says in words how the sizes come about. Where ``below`` isn't 0, what the layer takes in are whole
    numbers from 0 below it. ``running`` are numbers that training on data carries from round to round beside the
    parameters, and ``follow`` the formulas of their next values: ``mu_run_next[j]`` of ``mu_run``. ``taught`` are
    shorter forms of its derivatives.
    """

    formulas: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    given: tuple[Given, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    out: str = "out"
    stable: Mapping[str, str] = field(default_factory=dict)
    arithmetic: str = ""
    below: int = 0
    running: tuple[Given, ...] = ()
    follow: str = ""
    taught: tuple[TaughtForm, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """How people read a layer, as data; the names are the plan's own.

    ``letters`` says what a letter counts (``p``: "row"), and ``parts`` the same where another word is better for a
    part of a sum ("window"); ``inputs`` are the words for the last axes of what comes in. ``called`` is what a family
    is called ("weights"), ``ways`` what a derivative that comes through it is said to do ("through the mean"). The
    short view leaves out the derivatives by the families in ``omitted``.
    """

    letters: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    called: Mapping[str, str] = field(default_factory=dict)
    ways: Mapping[str, str] = field(default_factory=dict)
    omitted: tuple[str, ...] = ()


Settings = Mapping[str, Any]
Planner = Callable[[Settings, tuple[Source, ...]], Plan]


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A kind of layer. ``keys`` are the numbers that a network file may give it, with their meaning.

    ``plan`` makes the formulas from settings and inputs, and raises `CatalogueError` where they don't fit. ``short``
    is what such layers are named, numbered where there are several. ``inputs`` is how many other layers it takes in:
    1, 2 for two or more, or 0 where the row says itself. ``in_use`` are the settings that such a layer has after
    training on data, where it is given what was running. ``reading`` is how people read its formulas.
    """

    name: str
    title: str
    plan: Planner
    settings: tuple[Setting, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    short: str = ""
    inputs: int = 1
    aliases: tuple[str, ...] = ()
    source: str = ""
    in_use: tuple[tuple[str, Any], ...] = ()
    reading: Reading = Reading()


@dataclass(frozen=True, slots=True)
class LayerUse:
    """A layer of a network by its kind; ``settings`` are those that are not the row's own choice.

    ``inputs`` names the layers that it takes in (``input`` for the network's own inputs), none for the layer before.
    ``share`` names the layer whose parameters it uses.
    """

    kind: str
    settings: tuple[tuple[str, Any], ...] = ()
    name: str = ""
    inputs: tuple[str, ...] = ()
    trained: bool = True
    share: str = ""


ACTIVATION = Setting("activation", "name", "What is made of the net input.", "identity")


def activated(activation: str, axes: tuple[str, ...], parameters: tuple[str, ...] = ()) -> tuple[str, str | None]:
    """An activation of ``net`` with these letters, the samples' included, and its form without overflow.

    A softmax goes over the last letter.

    >>> activated("tanh", ("n", "t", "j"))[0]
    'tanh(net[n,t,j])'
    """
    out, stable = activation_formula(activation, parameters)
    return with_axes(out, axes), None if stable is None else with_axes(stable, axes)


def with_axes(formula: str, axes: tuple[str, ...]) -> str:
    """A formula in ``[n,j]`` with these letters: the last stands for ``j``, all others for ``n``."""

    def spread(node: Expr) -> Expr:
        if not isinstance(node, Ref) or len(node.indices) != 2 or node.indices[0] != letter("n"):
            return node
        last: tuple[Index, ...] = (node.indices[1],) if len(axes) > 1 else ()
        return Ref(node.name, (*map(letter, axes[: len(axes) - len(last)]), *last), node.why)

    return to_text(rename_letters(transform(parse_expression(formula), spread), {"j": axes[-1]}))


def letters(*groups: tuple[str, ...]) -> str:
    """Letters as they stand in brackets: ``n,c,p,q``."""
    return ",".join(each for group in groups for each in group)


def per_axis(value: Any, count: int, what: str) -> tuple[int, ...]:
    """A setting that is one number for all axes, or one for each. Raises `CatalogueError` for another count."""
    if isinstance(value, int):
        return (value,) * count
    if len(value) != count:
        raise CatalogueError(f"{what} has {len(value)} numbers, but there are {count} axes to go along")
    return tuple(value)


def sizes_text(shape: tuple[int, ...]) -> str:
    """``2 x 4 x 4``."""
    return " x ".join(map(str, shape))
