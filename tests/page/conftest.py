"""The browser that the page is tried in, and what a test does with a page in it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

import chainrule as cr
from page.screen import Screen

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Show = Callable[..., Screen]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium. Without it a test is skipped, but fails in CI, where it has to run."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        reason = "chromium is not installed (Debian: chromium)"
        if IN_CI:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """``show(step)`` opens the live page of a step, from disk. At the end nothing may have gone wrong in any page."""
    screens: list[Screen] = []
    contexts = []

    def opened(step: cr.Step | str | None = None, *, title: str = "", state: str = "", **options: object) -> Screen:
        made = cr.load("mazur") if step is None else step
        path = tmp_path / f"page{len(screens)}.html"
        path.write_text(made if isinstance(made, str) else made.page(title).html, encoding="utf-8")
        settings = {"viewport": {"width": 1280, "height": 800}} | options
        context = browser.new_context(**settings)  # type: ignore[arg-type]
        contexts.append(context)
        screens.append(Screen(context.new_page(), f"{path.as_uri()}{state}"))
        return screens[-1]

    yield opened
    for screen in screens:
        assert screen.troubles() == []
        outside = [url for url in screen.requests if not url.startswith("blob:")]
        assert outside == [screen.address.partition("#")[0]]
    for context in contexts:
        context.close()
