"""How the name of a quantity is taken apart for typesetting: its letter, its subscript, its superscript."""

import unicodedata
from dataclasses import dataclass

from chainrule.explain.document import Partial, Symbol

GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "eps": "ε",
    "zeta": "ζ",
    "eta": "η",
    "theta": "θ",
    "iota": "ι",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "xi": "ξ",
    "pi": "π",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "upsilon": "υ",
    "phi": "φ",
    "chi": "χ",
    "psi": "ψ",
    "omega": "ω",
    "Gamma": "Γ",
    "Delta": "Δ",
    "Theta": "Θ",
    "Lambda": "Λ",
    "Xi": "Ξ",
    "Pi": "Π",
    "Sigma": "Σ",
    "Phi": "Φ",
    "Psi": "Ψ",
    "Omega": "Ω",
}

ASCII_FORMS = str.maketrans(
    {letter: name for name, letter in GREEK.items()}
    | {"′": "'", "″": "''", "‴": "'''", "ⁿ": "n"}
    | {"ε": "eps", "−": "-", "–": "-", "—": "-", "·": "*", "×": "x", "…": "...", "∂": "d", "√": "sqrt", "½": "1/2"}
    | {"→": "->", "≤": "<=", "≥": ">=", "≠": "!=", "‘": "'", "’": "'", "“": '"', "”": '"', "²": "^2", "³": "^3"}
)
SUPERSCRIPTS = str.maketrans("0123456789+-()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ")


@dataclass(frozen=True, slots=True)
class Pieces:
    """A symbol taken apart; ``greek`` is the letter of a Greek base (``δ``), else empty."""

    base: str
    greek: str
    subscript: str
    superscript: str  # "(2)" for the second sample, "+" for updated, or "(2)+"


def pieces(symbol: Symbol) -> Pieces:
    """A symbol's letter, subscript and superscript.

    >>> pieces(Symbol("delta", "o1", sample="2"))
    Pieces(base='delta', greek='δ', subscript='o1', superscript='(2)')
    """
    superscript = f"({symbol.sample})" * bool(symbol.sample) + "+" * symbol.updated
    return Pieces(symbol.base, GREEK.get(symbol.base, ""), symbol.subscript, superscript)


def ascii_name(symbol: Symbol, indices: str = "") -> str:
    """A symbol as people type it; ``indices`` in brackets stand before what is raised.

    >>> [ascii_name(each) for each in (Symbol("w", "5", updated=True), Symbol("net", "h1", "2"), Symbol("w", "1,2"))]
    ['w5+', 'net_h1^(2)', 'w[1,2]']
    """
    parts = pieces(symbol)
    return _joined(parts.base, parts.subscript) + indices + ("^" * bool(symbol.sample)) + parts.superscript


def unicode_name(symbol: Symbol, indices: str = "") -> str:
    """A symbol in a line of Unicode text; ``indices`` in brackets stand before what is raised.

    >>> [unicode_name(Symbol("w", "5", updated=True)), unicode_name(Symbol("delta", "h1", "2"))]
    ['w5⁺', 'δ_h1⁽²⁾']
    """
    parts = pieces(symbol)
    raisable = not symbol.sample or symbol.sample.isdecimal() or symbol.sample == "n"
    raised = parts.superscript.translate(SUPERSCRIPTS) if raisable else "^" + parts.superscript
    return _joined(parts.greek or parts.base, parts.subscript) + indices + raised


def partial_name(partial: Partial, indices: str = "") -> str:
    """A derivative as people type it, the indices those of the quantity below.

    >>> partial_name(Partial(Symbol("E", "total"), Symbol("w", "5")))
    'dE_total/dw5'
    """
    return f"d{ascii_name(partial.of)}/d{ascii_name(partial.by, indices)}"


def _joined(base: str, subscript: str) -> str:
    """``w`` and ``5`` make ``w5``, ``net`` and ``h1`` make ``net_h1``, ``w`` and ``1,2`` make ``w[1,2]``."""
    if not subscript:
        return base
    if "," in subscript and "[" not in subscript:
        return f"{base}[{subscript}]"
    return f"{base}{subscript}" if subscript.isdigit() and not base[-1:].isdigit() else f"{base}_{subscript}"


def ascii_text(text: str) -> str:
    """Any text in ASCII: Greek letters and signs spelled out, accents dropped, the rest as question marks.

    >>> ascii_text("δ − ½ naïve")
    'delta - 1/2 naive'
    """
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text.translate(ASCII_FORMS))
    return "".join(each for each in plain if not unicodedata.combining(each)).encode("ascii", "replace").decode()
