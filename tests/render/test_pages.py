"""The typeset formats: they compile, they are well formed, and a hostile name does no harm."""

import hashlib
import json
import re
import subprocess
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typst

from chainrule.explain.document import (
    Axis,
    Diagram,
    Document,
    Edge,
    Equation,
    Grid,
    Grids,
    Heading,
    Layer,
    Neuron,
    Note,
    Paragraph,
    Symbol,
    Table,
)
from chainrule.formula.expression import Add, Expr, Mul, Neg, Num, Ref, number
from chainrule.model import load
from chainrule.render.article import render_latex
from chainrule.render.html import policy, render_html
from chainrule.render.json import render_json
from chainrule.render.notebook import render_notebook
from chainrule.render.typst import render_pdf, render_typst
from render.sample import SAMPLE

HOSTILE = (
    "<script>alert(1)</script>", r"\input{/etc/passwd}", "$x$ #eval %", '"); #panic() //', "a" * 10_000, "&amp; ]]>",
    "\\", "~^_{}", "Δοκιμή − ∂ 中文", "*bold* [link](x) `code`",
)  # fmt: skip


def hostile_document(name: str) -> Document:
    """A document in which everything that a file can choose is that name."""
    symbol, ref = {name: Symbol(name)}, Ref(name)
    diagram = Diagram(
        (
            Layer(name, (Neuron(name, value=name[:20]),)),
            Layer(name, (Neuron(f"{name}2", (Edge(ref, ref, "0.5"),), (ref, "1")),)),
        )
    )
    sides: tuple[Expr, ...] = (ref, Add((Mul((ref, number(2))), Neg(ref))), number(-1))
    blocks = (Heading(2, name), Paragraph((name, ref)), Note((name,)), Equation(sides, note=name[:60]),
              Table((name,), ((name,), (ref,))), diagram,
              Grids((Grid(((number(1), ref),), ref, name, Axis(name, (name,)), Axis(name, (name, "2"))),), "·"),
              Equation(sides, label=name[:60]))  # fmt: skip
    return Document(name, blocks, symbol)


DOCUMENTS = [
    SAMPLE,
    *(example for name in ("mazur", "softmax-classifier", "mini-batch") for example in load(name).documents([])),
    *(example for name in ("conv", "attention", "layer-norm") for example in load(name).documents([], detail="brief")),
    *load("conv").documents([], detail="full"),
]
TITLES = ["sample", "mazur", "softmax-classifier", "mini-batch", "conv", "attention", "layer-norm", "conv in full"]


def compiled(pdflatex: str, source: str, folder: Path) -> str:
    (folder / "page.tex").write_text(source, encoding="utf-8")
    command = [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "page.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    log = run.stdout.decode("utf-8", errors="replace")
    assert run.returncode == 0, "\n".join(line for line in log.splitlines() if line.startswith(("!", "l.")))
    return log


@pytest.mark.parametrize("document", DOCUMENTS, ids=TITLES)
def test_latex_compiles(document: Document, pdflatex: str, tmp_path: Path) -> None:
    log = compiled(pdflatex, render_latex(document), tmp_path)
    assert "undefined" not in log
    too_wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(too_wide, default=0) < 30  # a letter or two into a margin of 65 points


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_only_text_in_latex(name: str, pdflatex: str, tmp_path: Path) -> None:
    log = compiled(pdflatex, render_latex(hostile_document(name)), tmp_path)
    assert "passwd" not in log


@pytest.mark.parametrize("document", DOCUMENTS, ids=TITLES)
def test_pdf(document: Document) -> None:
    assert render_pdf(document).startswith(b"%PDF-")


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_only_text_in_typst(name: str) -> None:
    assert typst.compile(render_typst(hostile_document(name)).encode()).startswith(b"%PDF-")


class Tags(HTMLParser):
    """The tags of a page, and whether each is closed in its turn."""

    VOID = frozenset({"meta", "br", "wbr", "line", "rect"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def tags_of(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    return tags


@pytest.mark.parametrize("document", DOCUMENTS, ids=TITLES)
def test_the_page_is_whole_and_asks_for_nothing(document: Document) -> None:
    page = render_html(document)
    tags = tags_of(page)
    assert "script" not in tags.seen
    assert not {name for name, _ in tags.attributes} & {"src", "href", "onclick", "onload"}
    assert f'content="{policy()}"' in page
    assert not re.findall(r"url\((?!data:)", page)
    assert "style" not in {name for name, _ in tags.attributes}  # the policy knows the style sheet only
    assert len(page.encode()) < 400_000


@pytest.mark.parametrize("document", DOCUMENTS, ids=TITLES)
def test_every_formula_is_well_formed(document: Document) -> None:
    found = re.findall(r"<math.*?</math>", render_html(document), re.DOTALL)
    assert found
    for formula in found:
        ElementTree.fromstring(formula.replace("&nbsp;", " "))


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_only_text_in_html(name: str) -> None:
    page = render_html(hostile_document(name))
    tags = tags_of(page)
    assert "script" not in tags.seen
    for part in re.findall(r"<svg.*?</svg>|<math.*?</math>", page, re.DOTALL):
        ElementTree.fromstring(part)


def test_a_network_too_large_for_labels_has_its_weights_beside_the_picture() -> None:
    layer = Layer(
        "out", tuple(Neuron(f"o{k}", tuple(Edge(Ref(f"i{i}"), Ref("w"), "1") for i in range(9))) for k in range(9))
    )
    diagram = Diagram((Layer("in", tuple(Neuron(f"i{i}") for i in range(9))), layer))
    document = Document("large", (diagram,))
    assert "o8" in render_html(document)
    assert typst.compile(render_typst(document).encode())


def test_the_policy_allows_the_style_sheet_of_the_page_and_no_other() -> None:
    page = render_html(SAMPLE)
    style = page.partition("<style>")[2].partition("</style>")[0]
    expected = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{expected}'" in page


def test_json_is_plain_data() -> None:
    data = json.loads(render_json(SAMPLE))
    assert data["schema"] == 1
    kinds = {block["kind"] for block in data["blocks"]}
    assert {"heading", "equations", "diagram", "table", "note", "grids"} <= kinds
    grids = next(block for block in data["blocks"] if block["kind"] == "grids")
    assert grids["sign"] == "·"
    assert grids["grids"][0]["numbers"] == [["0.5", "0", "0"], ["1", "0", "0.5"], ["1", "0.5", "0"]]
    assert grids["grids"][0]["columns"] == {"word": "column", "marks": ["2", "3", "4"]}
    labels = [each.get("label") for block in data["blocks"] for each in block.get("equations", [])]
    assert labels[-3:] == ["output 1", "by v", "sum"]


def test_a_notebook_is_the_same_each_time_and_has_a_cell_for_each_section() -> None:
    text = render_notebook(SAMPLE)
    assert text == render_notebook(SAMPLE)
    notebook = json.loads(text)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["cells"][0]["cell_type"] == "code"
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])


def test_a_long_sum_is_broken_into_lines() -> None:
    terms: list[Expr] = [Mul((Num(number("0.123456789").value), number(place + 1))) for place in range(12)]
    document = Document("", (Equation((Ref("net_o1"), Add(tuple(terms)), number(1))),), {"net_o1": Symbol("net", "o1")})
    rows = render_html(document).count('<div class="further">')
    assert rows >= 1
    assert len([line for line in render_latex(document).splitlines() if line.rstrip().endswith(r"\\")]) >= 3
