"""What the page must never do: ask for anything, run what a file contains, or touch the page around it."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, expect

import chainrule as cr
from chainrule.model import new_file, parse_spec, task_of
from chainrule.page.html import style_text
from chainrule.page.modules import joined
from chainrule.page.program_json import live_data
from page.conftest import Show

HOSTILE = (
    "<script>window.harmed = true; alert(1)</script>",
    "</script><script>window.harmed = true</script><!--",
    '"><img src=x onerror="window.harmed = true">',
    "x" * 10_000,
    "\u202e\u2028${window.harmed = true}`&lt;b&gt;\\",
)


def titled(title: str) -> cr.Step:
    text = f"title = {json.dumps(title)}\n" + re.sub(r"^title.*\n", "", new_file("mazur"), flags=re.MULTILINE)
    return cr.Step(task_of(parse_spec(text)))


@pytest.mark.parametrize("title", HOSTILE, ids=lambda title: title[:12])
def test_a_title_does_no_harm(show: Show, title: str) -> None:
    screen = show(titled(title))
    heading = screen.page.get_by_role("heading", level=1).inner_text()
    assert heading == title or "<" not in title  # what turns the direction of text, and what is too long, is left out
    assert len(heading) <= 400
    assert screen.page.evaluate("window.harmed") is None
    assert screen.page.locator("script").count() == 2
    assert screen.page.locator("main img").count() == 0
    assert screen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    screen.assert_all(cr.load("mazur").values())


def test_a_layer_with_a_name_of_ten_thousand_characters(show: Show) -> None:
    name = "h" * 10_000
    step = cr.Network(2, [cr.Dense(2, "tanh", name=name), cr.Dense(1, "logistic")]).step([[1, 2]], [[1]])
    screen = show(step)
    assert screen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    screen.assert_all(step.values())


def test_own_formulas_with_names_from_everywhere(show: Show) -> None:
    names = ("constructor", "toString", "__proto__", "valueOf", "E")
    values = "\n".join(f"{name} = {place + 1}.5" for place, name in enumerate(names[:4]))
    formula = "E = (constructor * toString - valueOf) ** 2 + __proto__"
    text = f'[formulas]\ntext = "{formula}"\nloss = "E"\n[parameters]\n{values}'
    step = cr.Step(task_of(parse_spec(text)))
    screen = show(step)
    assert {*names} <= {*screen.numbers()} <= {*step.values()}
    screen.train("One round", 1)
    assert screen.numbers("Training")["E"]


def test_nothing_else_may_run(show: Show) -> None:
    """The policy stops a script, a style and a request, even where something had found a way to add them."""
    screen = show()
    screen.page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.harmed = true";
        const image = document.createElement("img");
        image.src = "https://example.org/x.png";
        document.body.append(script, image);
        return fetch("https://example.org/").catch(() => null);
    }""")
    assert screen.page.evaluate("window.harmed") is None
    stopped = {*screen.page.evaluate("window.violations")}
    assert stopped == {"script-src-elem", "img-src", "connect-src"}
    screen.forget()


def test_it_works_from_disk_with_a_session_of_everything(show: Show, tmp_path: Path) -> None:
    """Every download, and much else: the fixture then looks for requests, errors and what the policy stopped."""
    screen = show(accept_downloads=True)
    saved = {}
    for name in ("Network file (TOML)", "All numbers (CSV)", "Formulas (LaTeX)", "Picture (SVG)", "Picture (PNG)"):
        screen.page.get_by_text("Download", exact=True).click()
        with screen.page.expect_download() as found:
            screen.button(name).click()
        path = tmp_path / found.value.suggested_filename
        found.value.save_as(path)
        saved[path.suffix] = path
    step = cr.load("mazur")
    assert cr.load(str(saved[".toml"])).values() == step.values()
    rows = saved[".csv"].read_text(encoding="utf-8").splitlines()
    assert len(rows) > len(screen.numbers())
    assert "w5+," in "".join(rows)
    assert saved[".png"].read_bytes().startswith(b"\x89PNG")
    assert saved[".svg"].read_text(encoding="utf-8").startswith("<svg")
    assert "\\begin{document}" in saved[".tex"].read_text(encoding="utf-8")


def test_a_changed_network_is_what_its_file_says(show: Show, tmp_path: Path) -> None:
    screen = show(cr.load("adam"), accept_downloads=True)
    for select in screen.page.get_by_role("combobox").all():
        select.select_option("tanh")
    screen.explain("w1")
    screen.type("Change w1", "-1.25e-3")
    screen.page.get_by_text("Download", exact=True).click()
    with screen.page.expect_download() as found:
        screen.button("Network file (TOML)").click()
    found.value.save_as(tmp_path / "changed.toml")
    step = cr.load(str(tmp_path / "changed.toml"))
    assert step["w1"] == -0.00125
    screen.assert_all(step.values())


@pytest.mark.parametrize("script", [True, False])
def test_without_javascript_it_says_what_it_needs(browser: Browser, tmp_path: Path, script: bool) -> None:
    path = tmp_path / "page.html"
    cr.load("mazur").page().save(path)
    context = browser.new_context(java_script_enabled=script)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.title() == cr.load("mazur").page().title
    assert page.locator("noscript p").is_visible() is not script
    context.close()


def test_in_a_frame_it_sees_nothing_of_the_page_around_it(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "notebook.html"
    frame = cr.load("mazur").page()._repr_html_()
    path.write_text(f"<!doctype html><title>host</title><p id=secret>secret</p>{frame}", encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    inside = page.frame_locator("iframe")
    inside.get_by_role("button", name="Ten rounds").click()
    expect(inside.get_by_role("region", name="Training").get_by_text("10 rounds done")).to_be_visible()
    assert said == []
    with pytest.raises(Error, match="SecurityError"):
        page.frames[1].evaluate("parent.document.title")
    context.close()


AROUND = """["html", "body", "#other"].map((each) => {
    const { color, backgroundColor, font, margin, lineHeight } = getComputedStyle(document.querySelector(each));
    return [color, backgroundColor, font, margin, lineHeight].join();
})"""
HOST = """async ({ module, css, data }) => {
    document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
    const found = await import(URL.createObjectURL(new Blob([module], { type: "text/javascript" })));
    const model = { get: (name) => ({ network: data })[name] };
    window.leave = found.default.render({ model, el: document.getElementById("here") });
}"""


def test_the_widget(browser: Browser, tmp_path: Path) -> None:
    """The module that anywidget loads, in a host that does as a notebook does; twice in one document."""
    (tmp_path / "host.html").write_text('<!doctype html><p id="other">a</p><div id="here"></div>', encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.goto((tmp_path / "host.html").as_uri())
    before = page.evaluate(AROUND)
    given = {"module": joined("widget"), "css": style_text(), "data": live_data(cr.load("mazur").page().live)}
    page.evaluate(HOST, given)
    page.evaluate(HOST, given)
    regions = page.get_by_role("region", name="Training")
    expect(regions).to_have_count(2)
    regions.nth(1).get_by_role("button", name="One round").click()
    expect(regions.nth(1).locator('[data-quantity="E_total"]')).to_have_text("0.291027774")
    expect(regions.nth(0).locator('[data-quantity="E_total"]')).to_have_text("0.298371109")
    assert page.url.endswith("host.html")
    assert page.evaluate(AROUND) == before
    page.evaluate("document.addEventListener('keydown', () => { window.heard = true })")
    regions.nth(1).get_by_role("button", name="One round").press("b")
    assert page.evaluate("window.heard") is None
    page.evaluate("window.leave()")
    expect(regions).to_have_count(1)
    context.close()
