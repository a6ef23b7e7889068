"""Names in typeset formulas: a layer's name is told from the indices behind it."""

import pytest

from chainrule.explain.document import Document, Partial, Symbol
from chainrule.formula.expression import Index, Ref
from chainrule.render.latex import latex_formula
from chainrule.render.mathml import mathml_formula
from chainrule.render.typst import typst_formula

P, Q = (Index(((name, 1),)) for name in "pq")
NUMBERED = {
    "w5": (Symbol("w", "5"), "w_5"),
    "out_o1": (Symbol("out", "o1"), r"\mathit{out}_{o1}"),
    "net_h2_1": (Symbol("net", "h2_1"), r"\mathit{net}_{h2,1}"),
    "E_total": (Symbol("E", "total"), r"E_{\mathrm{total}}"),
    "w5+": (Symbol("w", "5", updated=True), "w_5^{+}"),
}
BRACKETED = {
    "k_c[1,2]": (Symbol("k", "c[1,2]"), r"k_{\mathrm{c}}[1,2]"),
    "w_a_q[1,2]+": (Symbol("w", "a_q[1,2]", updated=True), r"{w_{\mathrm{a},\mathrm{q}}[1,2]}^{+}"),
    "w[1,2]": (Symbol("w", "1,2"), "w[1,2]"),
    "net_c[1,2]^(2)": (Symbol("net", "c[1,2]", "2"), r"{\mathit{net}_{\mathrm{c}}[1,2]}^{(2)}"),
}


@pytest.mark.parametrize("name", NUMBERED | BRACKETED)
def test_numbers(name: str) -> None:
    symbol, latex = (NUMBERED | BRACKETED)[name]
    assert latex_formula(Ref(name), Document("", (), {name: symbol})) == latex


def test_letters_stand_in_brackets_behind_the_layer() -> None:
    document = Document("", (), {"dE/dk_c": Partial(Symbol("E"), Symbol("k", "c"))})
    assert latex_formula(Ref("net_c", (P, Q)), document) == r"\mathit{net}_{\mathrm{c}}[p,q]"
    assert latex_formula(Ref("dE/dk_c", (P,)), document) == r"\frac{\partial E}{\partial k_{\mathrm{c}}[p]}"
    assert latex_formula(Ref("b_c"), document) == r"b_{\mathrm{c}}"
    assert typst_formula(Ref("k_c", (P, Q)), document) == r'attach(k, b: upright("c")) bracket.l p \, q bracket.r'
    assert mathml_formula(Ref("k_c", (P,)), document) == (
        '<mrow><msub><mi>k</mi><mi mathvariant="normal">c</mi></msub>'
        '<mrow><mo stretchy="false" form="prefix">[</mo><mi>p</mi>'
        '<mo stretchy="false" form="postfix">]</mo></mrow></mrow>'
    )
