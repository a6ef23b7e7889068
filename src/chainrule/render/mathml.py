"""Formulas in MathML Core, which browsers typeset by themselves."""

from html import escape
from typing import assert_never

from chainrule.explain.document import Document
from chainrule.formula.expression import Expr
from chainrule.render.typeset import (
    APPLY,
    Cases,
    Fence,
    Form,
    Fraction,
    Function,
    Italic,
    Limits,
    Node,
    Root,
    Row,
    Scripts,
    Sign,
    Upright,
    typeset,
)


def mathml_formula(expr: Expr, document: Document, inline: bool = False) -> str:
    """A formula as MathML, without the ``math`` element around it.

    >>> from chainrule.formula.expression import Ref
    >>> mathml_formula(Ref("net_h"), Document("", ()))
    '<msub><mi class="word">net</mi><mi mathvariant="normal">h</mi></msub>'
    """
    return mathml_node(typeset(expr, document, inline))


def mathml_node(node: Node) -> str:
    """What is set, in MathML."""
    match node:
        case Italic(text):
            return f"<mi>{_letters(text)}</mi>" if len(text) == 1 else f'<mi class="word">{_letters(text)}</mi>'
        case Upright(text):
            number = text.replace(".", "").isdigit()
            return f"<mn>{text}</mn>" if number else f'<mi mathvariant="normal">{_letters(text)}</mi>'
        case Sign(text, form):
            return _sign("⋯" if text == "…" else text, form)
        case Function(text):
            return f'<mi mathvariant="normal">{_letters(text)}</mi>'
        case Row(items):
            return f"<mrow>{''.join(mathml_node(each) for each in items)}</mrow>"
        case Fraction(top, bottom, small):
            fraction = f"<mfrac>{mathml_node(top)}{mathml_node(bottom)}</mfrac>"
            return f'<mstyle displaystyle="false">{fraction}</mstyle>' if small else fraction
        case Scripts(base, below, above):
            return _scripts(base, below, above)
        case Root(inner):
            return f"<msqrt>{mathml_node(inner)}</msqrt>"
        case Fence(left, inner, right, tall):
            stretch = "true" if tall else "false"
            sides = [f'<mo stretchy="{stretch}" form="{form}">{escape(side)}</mo>'
                     for side, form in ((left, "prefix"), (right, "postfix"))]  # fmt: skip
            return f"<mrow>{sides[0]}{mathml_node(inner)}{sides[1]}</mrow>"
        case Limits(base, below):
            sign = f'<mo movablelimits="false">{escape(base.text)}</mo>'
            return f"<munder>{sign}{mathml_node(below)}</munder>"
        case Cases(rows, otherwise):
            return _cases(rows, otherwise)
        case _:
            assert_never(node)


def _letters(text: str) -> str:
    """Text in which nothing is markup, and without characters that XML forbids."""
    return escape("".join(each for each in text if each.isprintable() or each == APPLY.text))


def _sign(text: str, form: Form) -> str:
    match form:
        case Form.ORDINARY:
            return f'<mo lspace="0" rspace="0">{_letters(text)}</mo>'
        case Form.PREFIX:
            return f'<mo form="prefix" lspace="0" rspace="0">{_letters(text)}</mo>'
        case Form.SEPARATOR:
            return f'<mo separator="true" lspace="0">{_letters(text)}</mo>'
        case Form.INFIX:
            return f'<mo form="infix">{_letters(text)}</mo>'
        case _:
            assert_never(form)


def _scripts(base: Node, below: Node | None, above: Node | None) -> str:
    parts = "".join(mathml_node(each) for each in (base, below, above) if each is not None)
    if below is None or above is None:
        return f"<msup>{parts}</msup>" if below is None else f"<msub>{parts}</msub>"
    return f"<msubsup>{parts}</msubsup>"


def _cases(rows: tuple[tuple[Node, Node], ...], otherwise: Node) -> str:
    lines = [f"<mtr><mtd>{mathml_node(value)}</mtd><mtd><mtext>if&#160;</mtext>{mathml_node(test)}</mtd></mtr>"
             for value, test in rows]  # fmt: skip
    lines.append(f"<mtr><mtd>{mathml_node(otherwise)}</mtd><mtd><mtext>otherwise</mtext></mtd></mtr>")
    return f'<mrow><mo stretchy="true" form="prefix">{{</mo><mtable class="cases">{"".join(lines)}</mtable></mrow>'
