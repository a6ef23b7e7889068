"""A document as Markdown: formulas between dollars, tables that hold together, text that stays text."""

import re

from chainrule.explain.document import Block, Document, Equations, Heading, Note, Paragraph, Table
from chainrule.formula.expression import Call, number
from chainrule.render.latex import latex_formula
from chainrule.render.markdown import render_markdown
from render.sample import NETWORK, SAMPLE, SYMBOLS, equation, plus, r


def shown(*blocks: Block) -> str:
    return render_markdown(Document("", blocks, SYMBOLS))


def latex(name: str) -> str:
    return latex_formula(r(name), Document("", (), SYMBOLS))


def test_the_sample_has_every_block() -> None:
    text = render_markdown(SAMPLE)
    assert text.startswith("# One round of backpropagation\n\n## The network\n\n```text\ninputs\n")
    assert text.count("```") == 2
    displays = re.findall(r"^\$\$\n(.*?)\n\$\$$", text, re.MULTILINE | re.DOTALL)
    assert len(displays) == text.count("$$\n") // 2
    assert all(display.startswith((r"\begin{aligned}", r"\begin{array}", "p")) for display in displays)
    assert all(display.count(r"\begin{") == display.count(r"\end{") for display in displays)
    assert not re.search(r"[ \t]\n", text)
    assert "\n\n\n" not in text


def test_running_text_is_escaped() -> None:
    assert shown(Paragraph(("net_h1 costs $5 *today*, <b>",))) == "net\\_h1 costs \\$5 \\*today\\*, \\<b\\>\n"
    assert shown(Paragraph(("1. first",)), Paragraph(("# no",))) == "1\\. first\n\n\\# no\n"
    assert shown(Heading(3, "E_total")) == "### E\\_total\n"


def test_formulas_in_a_line() -> None:
    assert shown(Note(("Here ", r("w5"), " is old."))) == f"> Here ${latex('w5')}$ is old.\n"


def test_equations_are_aligned_at_the_first_equals_sign() -> None:
    group = Equations((equation(r("b1"), "1", "2", note="100 % sure"), equation(r("net_h1"), "3")))
    assert shown(group) == (
        "$$\n\\begin{aligned}\n"
        f"{latex('b1')} &= 1 = 2 \\qquad \\text{{(100 \\% sure)}} \\\\\n"
        f"{latex('net_h1')} &= 3\n"
        "\\end{aligned}\n$$\n"
    )


def test_a_long_equation_has_a_row_a_side() -> None:
    long = plus(*["0.123456789"] * 8)
    rows = shown(equation(r("b1"), r("b2"), long, "1")).splitlines()
    assert [row.count("&=") for row in rows] == [0, 0, 1, 1, 1, 0, 0]


def test_a_table_keeps_its_columns() -> None:
    table = Table(("a|b", "value"), ((Call("abs", (r("w5"),)), number("-0.5")), ("x | y", "2")), (False, True))
    lines = shown(table).splitlines()
    assert lines[0] == "| a\\|b | value |"
    assert lines[1] == "| --- | ---: |"
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in lines)
    assert lines[2].endswith("| −0.5 |")


def test_a_number_that_is_negative_is_a_number_in_a_table() -> None:
    assert shown(Table(("n",), ((number("-1.5E-9"),),))).splitlines()[-1] == "| −1.5×10⁻⁹ |"


def test_the_diagram_is_code() -> None:
    assert "  i1 = 0.05 ──── w1 = 0.15 ───╮\n" in shown(NETWORK)
