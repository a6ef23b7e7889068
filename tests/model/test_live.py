"""The live page as a file, in a notebook, and by the commands."""

import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.model import PROBLEMS
from chainrule.page.html import embedded
from chainrule.page.modules import joined
from chainrule.page.packed import packed
from chainrule.page.problems import PageError
from chainrule.page.program_json import live_data


def chainrule(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chainrule", *args], capture_output=True, text=True, encoding="utf-8", timeout=120,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment}, check=False,
    )  # fmt: skip


def data_of(page: str) -> dict[str, object]:
    """The data in a page, its repeated parts in their places."""
    found = re.search(r'<script type="application/json" id="network">(.*?)</script>', page, re.DOTALL)
    assert found
    whole: list[Any] = []
    for part in json.loads(found[1]):
        whole.append(json.loads(json.dumps(part), object_hook=lambda each: whole[each["$"]] if "$" in each else each))
    data: dict[str, object] = whole[-1]
    return data


def test_what_repeats_is_written_once() -> None:
    """Packed and unpacked the data are the same, and the parts don't repeat."""
    data = live_data(cr.load("conv").page().live)
    parts = packed(data)
    assert data_of(f'<script type="application/json" id="network">{embedded(parts)}</script>') == json.loads(
        json.dumps(data)
    )
    texts = [json.dumps(part) for part in parts]
    assert len(texts) == len({*texts})
    assert sum(map(len, texts)) < 0.75 * len(json.dumps(data))


@pytest.mark.parametrize("example", [name for name, _ in cr.examples()])
def test_every_example_has_a_page(example: str) -> None:
    page = cr.load(example).page().html
    assert len(page.encode()) < 400_000
    assert data_of(page)["title"] == cr.load(example).page().title


def test_the_policy_names_the_script_and_the_style() -> None:
    page = cr.load("mazur").page().html
    policy = unescape(re.search(r'Content-Security-Policy" content="(.*?)"', page)[1])  # type: ignore[index]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag, text in (("script-src", r'<script type="module">(.*?)</script>'), ("style-src", "<style>(.*?)</style>")):
        (inline,) = re.findall(text, page, re.DOTALL)
        digest = b64encode(sha256(inline.encode()).digest()).decode()
        assert f"{tag} 'sha256-{digest}'" in policy


def test_no_script_of_ours_can_end_its_element() -> None:
    for name in ("file", "widget"):
        assert not re.search(r"</script|<!--|<script", joined(name), re.IGNORECASE)
        assert all(line.count("`") % 2 == 0 for line in joined(name).splitlines())  # no text over lines: see `joined`


def test_a_file_is_complete_or_not_there(tmp_path: Path) -> None:
    path = cr.load("mazur").page("My class").save(tmp_path / "mazur.html")
    assert "<title>My class</title>" in path.read_text(encoding="utf-8")
    assert [each.name for each in tmp_path.iterdir()] == ["mazur.html"]


def test_the_frame_is_shut_off() -> None:
    frame = cr.load("mazur").page()._repr_html_()
    assert 'sandbox="allow-scripts allow-downloads"' in frame
    assert len(frame) < 1.05 * len(cr.load("mazur").page().html)
    inside = unescape(re.search(r"srcdoc='(.*?)'", frame, re.DOTALL)[1])  # type: ignore[index]
    assert data_of(inside)["address"] is False
    assert frame.endswith("</html>\n'></iframe>")


def test_the_round_that_is_shown() -> None:
    later = data_of(cr.load("mazur").after(100).page().html)
    assert later["settings"] == {"digits": 9, "state": {"round": 100, "until": 100}}
    following = data_of(cr.load("mazur").next().page().html)
    assert following["settings"] == {"digits": 9, "state": {"first": 1, "round": 1, "until": 1}}
    assert data_of(cr.load("mazur").after(0, digits=40).page().html)["settings"] == {"digits": 15}


def test_a_batch_that_does_not_fit_has_a_program_of_its_own() -> None:
    step = cr.Network(1, [cr.Dense(1)]).step([[1], [2], [3]], [[1], [2], [3]], learning_rate=0.1, batch=2)
    programs = data_of(step.page().html)["programs"]
    assert [each["samples"] for each in programs] == [2, 1]  # type: ignore[attr-defined]


@pytest.mark.parametrize("shape", [(200, 100, 10, 2), (20, 5, 2, 1000)])
def test_what_is_too_large_is_refused(shape: tuple[int, int, int, int]) -> None:
    inputs, hidden, outputs, samples = shape
    net = cr.Network(inputs, [cr.Dense(hidden, "tanh"), cr.Dense(outputs)])
    step = net.step(np.zeros((samples, inputs)), np.zeros((samples, outputs)))
    with pytest.raises(PageError, match=r"up to 10,000 given numbers; this one has .* Instead, "):
        step.page()
    assert PageError in PROBLEMS


def test_the_widget_has_its_module_and_its_data() -> None:
    widget = cr.load("mazur").widget()
    assert widget.network == data_of(cr.load("mazur").page().html)
    assert "export default" in widget._esm


def test_without_anywidget_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainrule.page import widget

    widget._widget_class.cache_clear()
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ImportError, match=r'pip install "chainrule\[notebook\]"'):
        cr.load("mazur").widget()


def test_page_writes_a_file_or_to_standard_output(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    done = chainrule("page", "mazur", "--title", "A & B", "--after", "3", "--digits", "5", "-o", str(path))
    assert (done.returncode, done.stdout) == (0, "")
    assert "<title>A &amp; B</title>" in path.read_text(encoding="utf-8")
    assert [each.name for each in tmp_path.iterdir()] == ["a.html"]
    assert chainrule("page", "mazur", "-o", "-").stdout == cr.load("mazur").page().html


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing.toml", "-o", "x.html"], "nothing.toml: no such file"),
        (["mazur", "--after", "1000000", "-o", "x.html"], "up to 100,000 rounds"),
        (["mazur", "--row", "1", "-o", "x.html"], "--row and --data are for the folder of a trained network"),
        (["mazur", "-o", "no/such/folder/x.html"], "can't write no/such/folder/x.html"),
    ],
)
def test_one_line_says_what_is_wrong(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chainrule", "page", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("chainrule: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert [*tmp_path.iterdir()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="a script as the browser")
def test_open_shows_the_page_in_the_browser(tmp_path: Path) -> None:
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f"#!/bin/sh\necho \"$1\" > '{seen}'\n")
    browser.chmod(0o755)
    done = chainrule("open", "mazur", BROWSER=str(browser), XDG_CACHE_HOME=str(tmp_path))
    page = tmp_path / "chainrule" / "pages" / "mazur.html"
    assert done.stderr == f"opened {page}\n"
    assert seen.read_text() == f"{page.as_uri()}\n"
    assert page.read_text(encoding="utf-8") == cr.load("mazur").page().html


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a screen")
def test_open_without_a_browser_says_where_the_page_is(tmp_path: Path) -> None:
    done = chainrule("open", "mazur", DISPLAY="", WAYLAND_DISPLAY="", BROWSER="", XDG_CACHE_HOME=str(tmp_path))
    page = tmp_path / "chainrule" / "pages" / "mazur.html"
    assert done.returncode == 0
    assert done.stderr == f"there is no browser to open; the page is {page}\n"
    assert page.exists()
