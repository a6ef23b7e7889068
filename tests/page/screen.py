"""A live page as a reader has it before the eyes: what stands on it, and what can be done."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar

from playwright.sync_api import Locator, Page, expect

from chainrule.explain.writing import DIGITS, rounded

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE = 10.0  # seconds
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
# Told by the browser itself, from before the page's own script runs.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""


def number(text: str) -> Decimal:
    """A number as it stands on the page: ``−0.0226`` and ``3.51×10⁻⁵``."""
    digits, _, power = text.replace("−", "-").partition("×10")
    return Decimal(f"{digits}e{power.translate(SUPERSCRIPTS)}" if power else digits)


def shown(value: Any, digits: int = DIGITS) -> Decimal:
    """What the page should show of a value."""
    return Decimal(rounded(value, digits))


def is_listed(name: str) -> bool:
    """Whether it is a quantity, and not a factor or a part of one, nor a derivative that is 1 in any network."""
    return "/" not in name or (name.startswith("dE_total/") and not name.startswith("dE_total/dE"))


class Screen:
    """One page in the browser."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.requests: list[str] = []
        self._said: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self._said.append(str(error)))
        page.on("console", lambda message: self._said.append(message.text))
        page.on("dialog", lambda dialog: (self._said.append(dialog.message), dialog.dismiss()))
        page.add_init_script(WATCH)
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()

    def troubles(self) -> list[str]:
        """Errors, messages on the console, dialogs, and what the content security policy stopped."""
        return self._said + list(self.page.evaluate("window.violations"))

    def forget(self) -> None:
        """What was said so far was expected, and so were the requests."""
        self._said.clear()
        del self.requests[1:]
        self.page.evaluate("window.violations.length = 0")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def region(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name, exact=True)

    def numbers(self, region: str = "All numbers") -> dict[str, str]:
        """The text of each number of a part of the page, by its quantity's name."""
        pairs = (
            self.region(region)
            .locator("[data-quantity]")
            .evaluate_all("all => all.map((each) => [each.dataset.quantity, each.textContent])")
        )
        return dict(pairs)

    def explain(self, name: str) -> None:
        """Choose a quantity in the list of all numbers."""
        item = (
            self.region("All numbers")
            .get_by_role("listitem")
            .filter(has=self.page.locator(f'[data-quantity="{name}"]'))
        )
        item.get_by_role("button").click()

    def type(self, field: str, text: str) -> None:
        """Type a number into a field, as one does."""
        found = self.page.get_by_label(field, exact=True).and_(self.page.locator("input"))
        found.fill(text)
        found.press("Enter")

    def train(self, button: str, until: int) -> None:
        """Press one of the buttons for rounds, and wait for the last of them."""
        self.button(button).click()
        done = "1 round done" if until == 1 else f"{until:,} rounds done"
        expect(self.region("Training").get_by_text(done)).to_be_visible(timeout=60_000)

    def eventually(self, check: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """What a check gives as soon as it holds: the page draws what moves at once, and long lists a moment later."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return check(*given, **named)
            except AssertionError:
                if time.monotonic() > end:
                    raise
            self.page.wait_for_timeout(20)

    def assert_all(self, values: dict[str, Any]) -> None:
        """Every number of the list is Python's, to all digits shown; none of Python's is missing."""
        self.eventually(self._compare, values)

    def _compare(self, values: dict[str, Any]) -> None:
        found = self.numbers()
        assert {*found} == {name for name in values if is_listed(name)}
        wrong = {
            name: (text, str(shown(values[name])))
            for name, text in found.items()
            if number(text) != shown(values[name])
        }
        assert wrong == {}
