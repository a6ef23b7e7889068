"""The lines of a network file's parts, against documents in which every value is the number of its own line."""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.spec.examples import example_names, example_text, new_spec_text
from chainrule.spec.lines import Path, line_of, locate

KEYS = ("a", "w-1", "3", '"b c"', '"x.y"', "'[q] = #'", '"tab\\t\\"\\u00e9"', '""', '"\\U0001F600"')


class Writer:
    """A document that grows; each value that it writes is the line on which it stands, in some shape."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.text = ""
        self.choose = lambda *options: draw(st.sampled_from(options))
        self.maybe = lambda: draw(st.booleans())

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def gap(self) -> None:
        """Anything that may stand between the elements of an array."""
        self.text += self.choose("", " ", "\n", "\n\n  ", " # ] } \" ''' a = [1]\n", "\r\n\t")

    def scalar(self) -> None:
        line = self.line
        shape = self.choose(
            "{}", "+{}", "{}.50", '"{} # ] \\" , }}"', "'{} \" ]'",
            '"""{}\n ] \\""" "" # \n""""', "'''{}\n[''\n''''", "'''\n{} ] '''", '"""\\\n  {}"""',
        )  # fmt: skip
        self.text += shape.format(line)

    def value(self, depth: int, inline: bool = False) -> None:
        kind = self.choose("scalar", "array", "table") if depth else "scalar"
        if kind == "scalar":
            self.scalar()
        elif kind == "array":
            self.array(depth)
        else:
            self.inline_table(depth)

    def array(self, depth: int) -> None:
        self.text += "["
        for _ in range(self.choose(0, 1, 2, 3)):
            self.gap()
            self.value(depth - 1)
            self.gap()
            self.text += ","
        if self.text[-1] == "," and self.maybe():
            self.text = self.text[:-1]
        self.gap()
        self.text += "]"

    def inline_table(self, depth: int) -> None:
        self.text += "{"
        for place in range(self.choose(0, 1, 2)):
            self.text += ", " * bool(place) + f" k{place}" + self.choose("", ".deep", ' . "deep er"') + " = "
            self.value(depth - 1)
        self.text += " }"

    def pairs(self) -> None:
        keys = [key for key in KEYS if self.choose(True, False, False)]
        for key in keys:
            self.text += self.choose("", "\t") + key + self.choose("", ".sub", " . 'sub'.sub") + self.choose("=", " = ")
            self.value(3)
            self.text += self.choose("\n", " # [x]\n", "\r\n\n")


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A TOML text with tables, arrays of tables, tables inside these, and values of every shape."""
    writer = Writer(draw)
    writer.text += writer.choose("", "# [no] = 1\n", "\n\n")
    writer.pairs()
    for place in range(writer.choose(0, 1, 2, 3)):
        name = writer.choose("t", '"t u"', "'t.v'") + f".n{place}"
        repeated = writer.maybe()
        for _ in range(writer.choose(1, 2) if repeated else 1):
            writer.text += f"[[ {name} ]] # ]\n" if repeated else f"[{name}]\n"
            writer.pairs()
            if writer.maybe():
                writer.text += f"  [{name}.inner]\n"
                writer.pairs()
            for _ in range(writer.choose(0, 0, 2)):
                writer.text += f"[[{name}.each]]\n"
                writer.pairs()
    return writer.text


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(each, (*path, key))
    else:
        yield path, value


def own_line(value: Any) -> int:
    found = re.search(r"\d+", str(value))
    assert found
    return int(found[0])


@given(documents())
def test_every_value_of_a_generated_document_is_found_on_its_line(text: str) -> None:
    lines = locate(text)
    for path, value in leaves(tomllib.loads(text)):
        assert line_of(lines, path) == own_line(value), path


@given(documents())
def test_nothing_is_found_that_is_not_there(text: str) -> None:
    data: Any = tomllib.loads(text)
    for path in locate(text):
        part = data
        for key in path:
            part = part.split("\n")[key] if isinstance(part, str) else part[key]


@given(documents(), st.integers(0, 500), st.sampled_from(["", "[", "{", '"', "'''", "=", "\n", "]", "\\"]))
def test_a_damaged_text_does_no_harm(text: str, at: int, put: str) -> None:
    locate(text[:at] + put + text[at + 1 :])


NESTED = st.recursive(
    st.just(7777),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b c", 'é"\\', "😀"]), inner),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["x", "y"]), NESTED), st.sampled_from([None, 0, 2]), st.booleans())
def test_json_has_lines_too(value: dict[str, Any], indent: int | None, ascii_only: bool) -> None:
    text = "\n" + json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    shown = text.splitlines()
    lines = locate(text)
    expected = [number for number, line in enumerate(shown, 1) for _ in range(line.count("7777"))]
    assert [line_of(lines, path) for path, _ in leaves(value)] == expected


@pytest.mark.parametrize(
    ("path", "line"),
    [(("layer",), 2), (("layer", 1), 4), (("layer", 1, "units"), 5), (("layer", 1, "units", 1), 5), (("no",), 0)],
)
def test_the_nearest_thing_around_has_the_line(path: Path, line: int) -> None:
    assert line_of(locate("title = 'x'\n[[layer]]\nunits = 1\n[[layer]]\nunits = [1, 2]"), path) == line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a = "1\\n1"', [1, 1]),
        ('a = """1\n2\n3"""', [1, 2, 3]),
        ('a = """\n2\n\n4\n"""', [2, 3, 4, 5]),
        ("\na = '''\r\n3 \\\r\n4'''", [3, 4]),
        ('a = """\n2 \\\n  goes on\n4"""', [2, 4]),
        ('a = """\\\n  \n  3\n4"""', [3, 4]),
        ('a = {b = 1, c = """\n2\n3"""}', [2, 3]),
    ],
)
def test_the_lines_of_a_text_over_several_lines(text: str, expected: list[int]) -> None:
    path = ("a", "c") if "{" in text else ("a",)
    lines = locate(text)
    assert [line_of(lines, (*path, place)) for place in range(len(expected))] == expected
    assert (*path, len(expected)) not in lines


@pytest.mark.parametrize("text", [new_spec_text(), *map(example_text, example_names())])
def test_the_lines_of_the_shipped_files(text: str) -> None:
    lines, shown = locate(text), text.splitlines()
    for path, _ in leaves(tomllib.loads(text)):
        keys = [part for part in path if isinstance(part, str)]
        first = lines[path[: path.index(keys[-1]) + 1]]
        assert re.search(rf"\b{keys[-1]} *=", shown[first - 1])
