"""What people write in a formula that can't be read, with what to write instead."""

import keyword
import re
import unicodedata

DEEPEST = 60  # parentheses within parentheses, and nodes below nodes
EQUALS = re.compile(r"(?<![<>=!])=(?!=)")
WORDS = frozenset({"if", "else", "and", "or", "not", "in", "is"})
RESERVED = frozenset(keyword.kwlist) - WORDS - {"True", "False", "None"}
# What people write that Python reads otherwise or not at all, with what to write instead.
SLIPS: tuple[tuple[str, str, str], ...] = (
    (r"\^", "^ is not a power here", "write ** for a power: x**2"),
    (r"[²³⁴⁵⁶⁷⁸⁹]", "a raised digit is not a power here", "write ** for a power: x**2"),
    (r"[·×∙⋅]", "this sign is not read as a product", "write * for a product"),
    (r"÷", "this sign is not read as a quotient", "write / for a quotient"),
    (r"[−–—]", "this is a typographic minus or dash", "write - for minus"),
    (r"[ΣΠ∑∏√∂∫]", "this sign is not read", "write sum[i](...) for a sum, sqrt(...) for a root"),
    (r"[≤≥≠]", "this sign is not read", "write <=, >= or !="),
    (r"@", "@ is not a product here", "write sum[i](w[j,i] * x[i])"),
    (r"//", "// has no meaning in a formula", "write / for a quotient"),
    (r"#", "a comment stands inside the formula", "leave it out"),
    (r"[\"'`\\$;:?~&|%{}]|!(?!=)|<<|>>", "this character has no meaning in a formula", "leave it out"),
    (
        r"(?<![\w.])(?>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(?:\s++(?!(?:if|else|and|or|not|in|is)\b))?+(?=[^\W\d_]|\()",
        "a number stands right before a name or a parenthesis",
        "write * for a product: 2 * x",
    ),
)


class FormulaError(ValueError):
    """A formula that can't be read: what is wrong, where, and what to write instead.

    ``column`` counts from 0 in ``text``; ``line`` is that of the text it came from, 0 for a formula by itself.
    """

    def __init__(self, problem: str, hint: str, text: str, column: int = 0, line: int = 0) -> None:
        self.problem, self.hint, self.text, self.column, self.line = problem, hint, text, column, line
        super().__init__(problem)

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        start = max(0, self.column - 50)
        shown = self.text[start : start + 100].replace("\n", " ")
        return f"{where}{self.problem}\n    {shown}\n    {' ' * (self.column - start)}^ {self.hint}"


def check_text(text: str) -> None:
    """Raise `FormulaError` for what can be seen before the formula is read."""
    _check_depth(text)
    _check_slips(text)


def check_characters(part: str, text: str) -> None:
    """Raise `FormulaError` for a character outside ASCII in ``part``, with which ``text`` begins."""
    for column, each in enumerate(part):
        if not (each.isascii() and each.isprintable()) and not each.isspace():
            shown = each if each.isprintable() else f"U+{ord(each):04X}"
            raise FormulaError(f"the character {shown} can't stand in a formula", _spelled(each), text, column)


def _check_depth(text: str) -> None:
    depth = 0
    for column, each in enumerate(text):
        depth += (each in "([") - (each in ")]")
        if depth > DEEPEST:
            raise FormulaError(f"more than {DEEPEST} parentheses are open here", "split the formula", text, column)


def _check_slips(text: str) -> None:
    for pattern, problem, hint in SLIPS:
        found = re.search(pattern, text)
        if found:
            raise FormulaError(problem, hint, text, found.start())
    check_characters(text, text)
    for word in re.finditer(r"\b[a-z]++\b", text):
        if word[0] in RESERVED:
            hint = "write sum[i](...) for a sum" if word[0] == "for" else "choose another name"
            raise FormulaError(f"{word[0]} is a reserved word and can't be a name", hint, text, word.start())
    for pair in re.finditer(r"(?:(\b\w++)\s++|[\])]\s*+)(?=(\w++))", text):
        if not WORDS & {pair[1], pair[2]}:
            raise FormulaError("two values stand side by side", "write * for a product: w * x", text, pair.end())


def _spelled(character: str) -> str:
    """What to write for a character outside ASCII: ``eta`` for a Greek one."""
    names = [unicodedata.name(each, "") for each in unicodedata.normalize("NFKC", character)]
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", names[0])
    if greek is None:
        return "names are made of the letters a to z, digits and _"
    return f"write {greek[2].lower() if greek[1] == 'SMALL' else greek[2].capitalize()}"


def why_unreadable(problem: SyntaxError, text: str) -> str:
    """What is wrong with a text that isn't even Python's syntax."""
    opened, closed = (sum(text.count(each) for each in kind) for kind in ("([", ")]"))
    if opened > closed:
        return f"{opened - closed} of the opened parentheses or brackets are never closed"
    if closed > opened:
        return "a parenthesis or bracket is closed that was never opened"
    if EQUALS.search(text):
        return "= stands inside the formula; a comparison is =="
    return "this can't be read as a formula" + (f" ({problem.msg})" if "invalid syntax" not in problem.msg else "")
