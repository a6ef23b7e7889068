"""Three examples in each text format, to the character."""

import re
from collections.abc import Callable

import pytest

from chainrule.model import load, render, text

EXAMPLES = ("mazur", "softmax-classifier", "adam")
SUFFIX = {"markdown": "md", "latex": "tex", "typst": "typ", "json": "json", "notebook": "ipynb"}


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("kind", SUFFIX)
def test_format(name: str, kind: str, golden: Callable[[str, str], None]) -> None:
    rendered = render(load(name).documents([]), kind)
    assert isinstance(rendered, str)
    golden(f"{name}.{SUFFIX[kind]}", rendered)


@pytest.mark.parametrize("name", EXAMPLES)
def test_html(name: str, golden: Callable[[str, str], None]) -> None:
    """Without the fonts, which are the same in each."""
    page = render(load(name).documents([]), "html")
    assert isinstance(page, str)
    golden(f"{name}.html", re.sub(r"base64,[^)]*", "base64,", page))


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize(("width", "ascii_only"), [(80, False), (50, False), (80, True)])
def test_text(name: str, width: int, ascii_only: bool, golden: Callable[[str, str], None]) -> None:
    page = text(load(name).documents([]), width, ascii_only, False)
    assert max(map(len, page.splitlines())) <= width
    golden(f"{name}-{width}{'-ascii' if ascii_only else ''}.txt", page)


@pytest.mark.parametrize(("name", "width"), [("attention", 80), ("conv", 60), ("layer-norm", 80)])
def test_brief(name: str, width: int, golden: Callable[[str, str], None]) -> None:
    page = text(load(name).documents([], detail="brief"), width, False, False)
    assert max(map(len, page.splitlines())) <= width
    golden(f"{name}-brief-{width}.txt", page)


@pytest.mark.parametrize("name", EXAMPLES)
def test_values(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.csv", load(name).listing("csv", 12))
