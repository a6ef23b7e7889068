"""Make the pictures of the live page for README and docs, in docs/images.

Needs Chromium (Debian: chromium) and what the tests need, and Pillow (pip install pillow):

    python scripts/screenshots.py
"""

import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

import chainrule as cr

TARGETS = Path(__file__).parent.parent / "docs" / "images"
COLOURS = 128  # of each picture: a third of the size, and no difference to be seen
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@dataclass(frozen=True)
class Picture:
    """A page in a state: what is done with it before it is taken, and which part of it is taken."""

    name: str
    step: Callable[[], cr.Step]
    does: Callable[[Page], None] = lambda page: None
    part: str = ""
    view: str = "wide"
    scheme: str = "light"
    title: str = ""


def tutorial() -> cr.Step:
    return cr.load("mazur")


def digits() -> cr.Step:
    """A network of the size that reads small digits, on four samples of noise."""
    chance = np.random.default_rng(1)
    net = cr.Network(64, [cr.Dense(32, "relu"), cr.Dense(10, "softmax")], "cross_entropy", seed=1)
    return net.step(chance.random((4, 64)).round(2), np.eye(10)[[1, 3, 7, 2]], learning_rate=0.1)


def explain_w1(page: Page) -> None:
    page.get_by_role("button", name="w1, explain", exact=True).click()
    page.evaluate("scrollTo(0, 0)")


def walk_back(page: Page) -> None:
    page.get_by_role("button", name="Backward pass", exact=True).click()
    for _ in range(8):
        page.get_by_role("button", name="Next", exact=True).click()


def train(page: Page) -> None:
    page.get_by_role("button", name="Run to 10,000").click()
    expect(page.get_by_role("region", name="Training").get_by_text("10,000 rounds done")).to_be_visible(timeout=60_000)


def try_it(page: Page) -> None:
    page.get_by_role("button", name="Hide the numbers").click()
    typed = {
        "net_h1": "0.3775",
        "out_h1": "0.5933",
        "net_o1": "1.1059",
        "out_o1": "0.7514",
        "delta_o1": "-0.1385",
        "dE_total/dw5": "-0.08217",
        "dE_total/dw6": "0.0826",
    }
    for name, text in typed.items():
        field = page.get_by_label(f"your number for {name}", exact=True)
        field.fill(text)
        field.press("Enter")
    expect(page.locator("[data-verdict]")).to_have_count(len(typed))
    page.evaluate("document.activeElement.blur()")


def choose(name: str) -> Callable[[Page], None]:
    """A cell of the picture."""

    def does(page: Page) -> None:
        page.locator(f'.cell[aria-label^="{name} "]').click()
        page.mouse.move(0, 0)

    return does


PICTURES = (
    Picture("page", tutorial),
    Picture("page-dark", tutorial, explain_w1, scheme="dark"),
    Picture("page-walk", tutorial, walk_back, part="Picture of the network"),
    Picture("page-training", tutorial, train, part="Training"),
    Picture("page-try", tutorial, try_it, part="All numbers"),
    Picture("page-phone", tutorial, view="phone"),
    Picture("page-large", digits, title="A network that reads small digits"),
    Picture("page-conv", lambda: cr.load("conv"), choose("net_c[1,2]"), part="Picture of the network"),
    Picture("page-attention", lambda: cr.load("attention"), choose("attn_a[3,2]"), part="Picture of the network"),
)


def main() -> None:
    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser_path is None:
        sys.exit("chromium is not installed (Debian: chromium)")
    TARGETS.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[1:]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        for picture in PICTURES:
            if not wanted or picture.name in wanted:
                take(browser, picture, Path(folder))
        browser.close()


def take(browser: Browser, picture: Picture, folder: Path) -> None:
    path = picture.step().page(picture.title).save(folder / f"{picture.name}.html")
    page = browser.new_page(
        viewport=PHONE if picture.view == "phone" else WIDE,  # type: ignore[arg-type]
        color_scheme=picture.scheme,  # type: ignore[arg-type]
        device_scale_factor=2 if picture.view == "phone" else 1.5,
        reduced_motion="reduce",
    )
    page.goto(path.as_uri())
    picture.does(page)
    page.wait_for_timeout(500)  # the lists follow a moment later
    part = page.get_by_role("region", name=picture.part, exact=True) if picture.part else None
    taken = part.screenshot() if part else page.screenshot()
    page.close()
    image = Image.open(io.BytesIO(taken)).convert("RGB")
    image = image.quantize(COLOURS, kmeans=2, dither=Image.Dither.NONE)
    target = TARGETS / f"{picture.name}.png"
    image.save(target, optimize=True)
    print(f"{target.name:20}{image.width:6} x {image.height:<6}{target.stat().st_size / 1000:6.0f} kB")


if __name__ == "__main__":
    main()
