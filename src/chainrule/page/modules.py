"""The page's hand-written modules as one: in order, without the lines that import one from the other."""

import re
from functools import cache
from importlib.resources import files

IMPORT = re.compile(r'^import \{[^}]*\} from "\./([a-z]+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:const|let|function|class)\b)", re.MULTILINE)
COMMENT = re.compile(r"^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
TYPE = re.compile(r"/\*\* @(?:type|param)\b(?:(?!\*/).)*\*/ ?")
TRAILING = re.compile(r"(?<=[;{,)\]]) // [^\n\"'`]*$", re.MULTILINE)
INDENT = re.compile(r"^[ \t]+", re.MULTILINE)


def module_text(name: str) -> str:
    """The source of one module."""
    return files("chainrule").joinpath("page", f"{name}.js").read_text(encoding="utf-8")


def module_order(name: str) -> list[str]:
    """A module and all that it needs, each after what it needs itself.

    >>> module_order("format")
    ['double', 'arithmetic', 'format']
    """
    found: list[str] = []

    def visit(each: str) -> None:
        if each not in found:
            for needed in IMPORT.findall(module_text(each)):
                visit(needed)
            found.append(each)

    visit(name)
    return found


@cache
def joined(name: str = "page") -> str:
    """One module with everything that module ``name`` needs; only what it exports by default stays exported.

    No two modules use the same name at their top level, so nothing has to be renamed. Types, comments and the space
    before lines, a third of it, are left out: no text in the modules goes over several lines.
    """
    texts = [EXPORT.sub("", IMPORT.sub("", module_text(each))) for each in module_order(name)]
    for blank in (COMMENT, TYPE, TRAILING, INDENT):
        texts = [blank.sub("", text) for text in texts]
    parts = [text.strip() for text in texts]
    return "\n".join(part for part in parts if part) + "\n"
