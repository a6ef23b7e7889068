"""The shipped network files."""

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from chainrule.spec.problems import Problem, SpecErrors


@cache
def example_names() -> tuple[str, ...]:
    """The names of the shipped examples: the tutorial first, then in order of the alphabet."""
    found = sorted(each.name.removesuffix(".toml") for each in _folder().iterdir() if each.name.endswith(".toml"))
    return tuple(sorted(found, key=lambda name: not name.startswith("mazur")))


def _folder() -> Traversable:
    return files("chainrule").joinpath("examples")


def example_text(name: str) -> str:
    """The text of an example's network file. Raises ``SpecErrors`` for an unknown name."""
    if name not in example_names():
        close = get_close_matches(name[:100], example_names(), 1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(example_names())}"
        raise SpecErrors(name[:100], [Problem(0, "", "there is no such file, and no example of that name", hint)])
    return str(_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def new_spec_text() -> str:
    """The commented network file that a person starts from."""
    return files("chainrule").joinpath("spec", "new.toml").read_text(encoding="utf-8")
