"""From what a person writes to the quantity that is meant: ``dE/dw5``, ``δo1``, ``new w5``, ``w_o[1,1]``."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import islice
from math import prod

from chainrule.explain.names import Label, Names, Ratio, Scalar, is_net_input, name, scalars
from chainrule.program.program import Role, adjoint_name, updated_name


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole family, asked for by its name."""

    family: str


Quantity = Scalar | Whole | Ratio


class UnknownQuantity(KeyError):
    """A name that no quantity of the program has; says which ones are near, once it is asked what it says."""

    def __init__(self, text: str, names: Names) -> None:
        super().__init__(text)
        self.names = names

    def __str__(self) -> str:
        text = self.args[0]
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        close = _close(self.names, _plain_text(text))
        hint = f"did you mean {' or '.join(close)}?" if close else f"some that there are: {_examples(self.names)}"
        return f"there is no quantity {shown!r}; {hint}"


DERIVED = (Role.ADJOINT, Role.UPDATED)
GREEK = {
    "∂": "d",
    "δ": "delta",
    "η": "rate",
    "α": "rate",
    "σ": "logistic",
    "β": "beta",
    "ε": "eps",
    "μ": "mu",
    "θ": "theta",
}
LATEX = re.compile(r"\\(?:mathrm|mathit|text|operatorname|left|right|,|;|!)")
FRACTION = re.compile(r"\\[td]?frac\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}")
SETTINGS = {"eta": "rate", "lr": "rate", "learningrate": "rate", "alpha": "rate", "stepsize": "rate"}
LOSSES = frozenset({"e", "l", "j", "c", "loss", "cost", "error", "totalerror", "etotal", "totalloss", "errortotal"})
GRADIENT_OF = re.compile(r"^(?:grad(?:ient)?|derivative)(?:_|\s+)?(?:of\s+|by\s+|wrt\s+)?(.+)$", re.IGNORECASE)
NEW = re.compile(
    r"^(?:new|updated|next)[\s_]+(.+)$|^(.+?)(?:[\s_]+(?:new|updated|next)|\^?\{?[+⁺]\}?|['′])$", re.IGNORECASE
)

NEW_ARRAY = re.compile(r"^(.+?)(\^?\{?\+\}?|['′])\s*(\[[\d\s,]+\])$")  # w_o+[1,2], for w_o[1,2]+


def find(names: Names, text: str) -> Quantity:
    """The quantity that a text means. Raises `UnknownQuantity`, with the nearest names.

    Understood are the names and addresses that the program shows, derivatives by ``d`` or ``∂`` or as LaTeX, Greek
    letters, spaces and underscores left out, ``new w5`` and ``w5+``, ``grad w5``, ``net_h1^(2)`` for the second
    sample, and a family's own name for all of it.
    """
    return find_short(names, text)[0]


def find_short(names: Names, text: str) -> tuple[Quantity, bool]:
    """As `find`; and whether the text is only understood because one layer alone has such a quantity."""
    plain = _plain_text(text)
    if (found := _find(names, plain)) is not None:
        return found, False
    if (found := _find(_without_layers(names), plain)) is not None:
        return found, True
    raise UnknownQuantity(text.strip(), names)


def _without_layers(names: Names) -> Names:
    """The names with the layer left out, where only one layer has such a family: ``h2`` is step 2 of ``h_r``."""
    families = names.program.families
    short = {name: _stem(name, families[name].layer) for name in names.labels if families[name].role not in DERIVED}
    stems = list(short.values())
    one = {name: stem for name, stem in short.items() if stem and stem not in families and stems.count(stem) == 1}
    labels = {name: replace(names.labels[name], base=stem, first=0) for name, stem in one.items()}
    return replace(names, labels={**names.labels, **labels})


def _stem(name: str, layer: str) -> str:
    return name.replace(f"_{layer}", "", 1) if layer and f"_{layer}" in name else ""


def _plain_text(text: str) -> str:
    text = unicodedata.normalize("NFKC", "".join(GREEK.get(each, each) for each in text.strip().strip("$")))
    text = FRACTION.sub(r"(\1)/(\2)", text).replace(r"\partial", "d")
    text = LATEX.sub("", text).replace("\\", "")
    return " ".join(text.replace("−", "-").split())


def _find(names: Names, text: str) -> Quantity | None:
    text = NEW_ARRAY.sub(r"\1\3\2", text)
    found = _exact(names, text) or _derivative(names, text)
    if found is None and (match := NEW.match(text)):
        found = _of_role(names, _find(names, match[1] or match[2]), Role.UPDATED)
    if found is None and (match := re.match(r"^delta[\s_]*(.*)$", text, re.IGNORECASE)):
        found = _delta(names, match[1])
    if found is None and (match := GRADIENT_OF.match(text) or re.match(r"^(.+)\.grad$", text)):
        found = _of_role(names, _find(names, match[1]), Role.ADJOINT)
    if found is None and re.match(r"^d[\s_]*[A-Za-z]", text):
        found = _of_role(names, _find(names, text[1:].lstrip(" _")), Role.ADJOINT)
    return found


def _exact(names: Names, text: str) -> Quantity | None:
    """A plain quantity: no derivative and no update."""
    squeezed = _squeeze(text)
    if text in names.labels and prod(names.program.families[text].shape) == 1:
        return _whole(names, text)
    if _is_loss(names, text):
        return names.loss
    squeezed = SETTINGS.get(squeezed, squeezed)
    text, sample = _sample_of(text)
    for family in names.labels:
        if sample is None and text == family:
            return _whole(names, family)
    found = [each for family, label in names.labels.items() if (each := _scalar(names, family, label, text, sample))]
    if found:
        return found[0]
    for family, label in names.labels.items():
        own = (_squeeze(family),) if label.first else (_squeeze(family), _squeeze(label.base))
        if sample is None and squeezed in own:
            return _whole(names, family)
    return None


def _is_loss(names: Names, text: str) -> bool:
    return _squeeze(text) in LOSSES and names.loss.family in names.labels


def _whole(names: Names, family: str) -> Scalar | Whole:
    """A family by its own name: its only scalar, where it has one."""
    shape = names.program.families[family].shape
    return Scalar(family, (0,) * len(shape)) if prod(shape) == 1 else Whole(family)


def _squeeze(text: str) -> str:
    return re.sub(r"[\s_{}()*·]", "", text).lower()


def _sample_of(text: str) -> tuple[str, int | None]:
    """``net_h1^(2)`` or ``net_h1#2`` -> ``net_h1`` and the sample 2."""
    match = re.match(
        r"^(.*?)\s*(?:\^\s*\{?\(\s*(\d{1,9})\s*\)\}?|[#@]\s*(\d{1,9})|\s+sample\s+(\d{1,9})|\((\d{1,9})\))$", text
    )
    if not match:
        return text, None
    return match[1], int(next(group for group in match.groups()[1:] if group))


def _scalar(names: Names, family: str, label: Label, text: str, sample: int | None) -> Scalar | None:
    """The scalar of one family that a text names, by name or by address."""
    shape = names.program.families[family].shape
    match = re.match(r"^(.*?)[\s_]*(?:\[([\d\s,]+)\]|\{([\d\s,]+)\}|((?<=[^\d])\d+(?:,\d+)*))?$", text)
    if not match:
        return None
    inside = next((group for group in match.groups()[1:] if group), "")
    if len(inside) > 100:
        return None
    numbers = tuple(int(each) for each in inside.replace(" ", "").strip(",").split(",") if each)
    head = _squeeze(match[1])
    for index in _possible(shape, label, head, numbers, sample, _squeeze(family), _squeeze(text)):
        if len(index) == len(shape) and all(0 <= each < size for each, size in zip(index, shape, strict=True)):
            return Scalar(family, index)
    return None


def _possible(
    shape: tuple[int, ...],
    label: Label,
    head: str,
    numbers: tuple[int, ...],
    sample: int | None,
    family: str,
    squeezed: str,
) -> Iterator[tuple[int, ...]]:
    """The indices that the numbers behind a name can stand for; they may not fit the shape."""
    counted = tuple(each - 1 for each in numbers)
    base = _squeeze(label.base)
    samples: tuple[int, ...] = ((sample or 1) - 1,) if label.sampled else ()
    if label.sampled and label.samples and sample is None:
        samples = (-1,)  # which sample is meant must be said
    if head == family:
        yield counted  # the address
        yield samples + counted
    if not label.first and base == squeezed and sample is None and not shape[len(samples) :]:
        yield samples
    if label.first and head == base and len(numbers) == 1:
        yield _unposition(numbers[0] - label.first, shape)
    # Digits that belong to the base may stand right before the index: net_h2_1.
    if not label.first and squeezed.startswith(base):
        rest = squeezed[len(base) :].strip("[]")
        if re.fullmatch(r"\d{1,9}(,\d{1,9})*", rest):
            yield samples + tuple(int(each) - 1 for each in rest.split(","))
        if rest.isdigit() and 1 < len(rest) == len(shape) - len(samples):  # net_c12 is row 1, column 2
            yield samples + tuple(int(each) - 1 for each in rest)
    if base == squeezed and prod(shape[len(samples) :]) == 1:
        yield samples + (0,) * len(shape[len(samples) :])  # net_o, where there is only one output


def _unposition(position: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    if position < 0:
        return (-1,) * len(shape)
    index: list[int] = []
    for size in reversed(shape[1:]):
        position, last = divmod(position, size)
        index.insert(0, last)
    return (position, *index)


def _derivative(names: Names, text: str) -> Quantity | None:
    """``dA/dB``: an adjoint where A is the loss, else the derivative of one scalar by another."""
    sides = text.split("/")
    if len(sides) == 1 and (match := re.match(r"^(d_?[A-Za-z]\w*?)_+(d_?[A-Za-z].*)$", text)):
        sides = [match[1], match[2]]  # dE_dw5, where a slash can't stand in a name
    if len(sides) != 2:
        return None
    above, below = (re.match(r"^d\s*_?\s*(.+)$", _without_parentheses(side)) for side in sides)
    if above is None or below is None:
        return None
    by = _find(names, below[1])
    of = names.loss if _is_loss(names, above[1]) else _find(names, above[1])
    if by is None or of is None:
        return None
    if of == names.loss and (adjoint := _of_role(names, by, Role.ADJOINT)) is not None:
        return adjoint
    return Ratio(of, by) if isinstance(of, Scalar) and isinstance(by, Scalar) else None


def _without_parentheses(text: str) -> str:
    text = text.strip()
    return text[1:-1].strip() if text.startswith("(") and text.endswith(")") else text


def _delta(names: Names, text: str) -> Quantity | None:
    for prefix in ("net_", ""):
        below = _find(names, prefix + text)
        if isinstance(below, Scalar | Whole) and is_net_input(names.program.families[below.family]):
            return _of_role(names, below, Role.ADJOINT)
    return None


def _of_role(names: Names, quantity: Quantity | None, role: Role) -> Quantity | None:
    """The adjoint or the update of a quantity, where the program has one."""
    if quantity is None or isinstance(quantity, Ratio):
        return None
    family = (adjoint_name if role == Role.ADJOINT else updated_name)(quantity.family)
    if family not in names.program.families:
        return None
    return replace(quantity, family=family)


def _examples(names: Names) -> str:
    return ", ".join(islice(_all_names(names), 0, 40, 8))


def _all_names(names: Names) -> Iterator[str]:
    for family in names.program.families.values():
        yield from (name(names, scalar) for scalar in islice(scalars(family), 200))


def _close(names: Names, text: str) -> list[str]:
    return get_close_matches(text[:100], list(islice(_all_names(names), 2000)), 3, 0.6)
