"""What people write in a formula that can't be read, with what to write instead."""

import keyword
import re
import unicodedata

from chainrule.formula.functions import function_row

DEEPEST = 60  # parentheses within parentheses, and nodes below nodes
CLOSING = {"(": ")", "[": "]"}
EQUALS = re.compile(r"(?<![<>=!])=(?![=<>])")
WORDS = frozenset({"if", "else", "and", "or", "not", "in", "is"})
RESERVED = frozenset(keyword.kwlist) - WORDS - {"True", "False", "None"}
PRODUCT = "write * for a product: 2 * x"
POWER = "write ** for a power: x**2"
DECIMAL = "write it like 0.5 or 1e-3"
# What people write that Python reads otherwise or not at all, with what to write instead.
SLIPS: tuple[tuple[str, str, str], ...] = (
    (r"[\\$]", "LaTeX is not read", "write a / b, sqrt(x), x**2"),
    (r"\^", "^ is not a power here", POWER),
    (r"[⁰¹²³⁴-⁹⁺⁻ⁿ]", "a raised sign is not a power here", POWER),
    (r"[·×∙⋅]", "this sign is not read as a product", "write * for a product"),
    (r"÷", "this sign is not read as a quotient", "write / for a quotient"),
    (r"[−–—]", "this is a typographic minus or dash", "write - for minus"),
    (r"[Σ∑]", "this sign is not read as a sum", "write sum[i](...) for a sum"),
    (r"[Π∏]", "this sign is not read", "write the factors of a product with *"),
    (r"√", "this sign is not read as a root", "write sqrt(...) for a root"),
    (r"[∂∇∫]", "this sign is not read", "a formula needs no derivatives: the chain rule finds them"),
    (r"[≤≥≠]|=[<>]|<>", "this comparison is not read", "write <=, >= or !="),
    (r"∞", "there is no infinity in a formula", "write a number"),
    (EQUALS.pattern, "= stands inside the formula", "a comparison is ==; a formula with a name has its own line"),
    (r"@", "@ is not a product here", "write sum[i](w[j,i] * x[i])"),
    (r"//", "// has no meaning in a formula", "write / for a quotient"),
    (r"#", "a comment stands inside the formula", "leave it out"),
    (r"[\"'`‘’“”′]", "a quotation mark stands here", "write names without one: x, or x_new for x'"),
    (r"\|", "| has no meaning in a formula", "write abs(x) for |x|"),
    (r"[{}]", "a brace has no meaning in a formula", "write ( ), or [ ] around indices"),
    (r"&", "& has no meaning in a formula", "write and between two tests"),
    (r":", "a colon has no meaning in a formula", "an index like i runs over its whole range: sum[i](x[i])"),
    (r";", "a semicolon has no meaning in a formula", "write each formula on its own line"),
    (r"%", "% has no meaning in a formula", "write 0.1 for 10%"),
    (r"[?~]|!(?!=)|<<|>>", "this character has no meaning in a formula", "leave it out"),
    (r"\.\.", "dots are not read", "write every part, or sum[i](...)"),
    (r"\d{1001}", "a number has more than 1000 digits", "write fewer"),
    (r"(?<![\w.])0(?:[xX][\da-fA-F]|[oObB]\d)", "a number is not written in decimal digits", DECIMAL),
    (r"(?<![\w.])\d[\d.]*+_", "a number has a _ in it", DECIMAL),
    (r"(?<![\w.])(?<![\d.][eE][+-])0++[1-9]\d*+(?![.eE])", "a number begins with a 0", "leave the 0 out"),
    (
        r"(?<![\w.])(?>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(?:\s++(?!(?:if|else|and|or|not|in|is)\b))?+(?=[^\W\d_]|\()",
        "a number stands right before a name or a parenthesis",
        PRODUCT,
    ),
)
# Greek letters whose own name can't be written for them.
SPELLED = {"λ": "lam", "π": "pi()"}


class FormulaError(ValueError):
    """A formula that can't be read: what is wrong, where, and what to write instead.

    ``column`` counts from 0 in ``text``; ``line`` is that of the text it came from, 0 for a formula by itself.
    """

    def __init__(self, problem: str, hint: str, text: str, column: int = 0, line: int = 0) -> None:
        self.problem, self.hint, self.text, self.column, self.line = problem, hint, text, column, line
        super().__init__(problem, hint, text, column, line)

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        begin = self.text.rfind("\n", 0, self.column) + 1
        start = max(begin, self.column - 50)
        row = self.text[start : start + 100].split("\n", 1)[0]
        shown = "".join(each if each.isprintable() else " " for each in row)
        return f"{where}{self.problem}\n    {shown}\n    {' ' * _width(shown[: self.column - start])}^ {self.hint}"


def _width(text: str) -> int:
    """The places that a text takes in a terminal."""
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return len(text) + wide - sum(bool(unicodedata.combining(each)) for each in text)


def check_text(text: str) -> None:
    """Raise `FormulaError` for what can be seen before the formula is read."""
    _check_brackets(text)
    _check_words(text)
    for pattern, problem, hint in SLIPS:
        found = re.search(pattern, text)
        if found:
            raise FormulaError(problem, hint, text, found.start())
    check_characters(text, text)
    _check_neighbours(text)


def check_characters(part: str, text: str) -> None:
    """Raise `FormulaError` for a character outside ASCII in ``part``, with which ``text`` begins.

    A function may have such a name: ``σ(x)``.
    """
    part = re.sub(r"\b\w++(?=\s*+\()", lambda word: "f" * len(word[0]) if function_row(word[0]) else word[0], part)
    for column, each in enumerate(part):
        if not (each.isascii() and each.isprintable()) and not each.isspace():
            shown = each if each.isprintable() else f"U+{ord(each):04X}"
            raise FormulaError(f"the character {shown} can't stand in a formula", _spelled(each), text, column)


def _check_brackets(text: str) -> None:
    opened: list[int] = []
    for column, each in enumerate(text):
        if each in CLOSING:
            opened.append(column)
            if len(opened) > DEEPEST:
                raise FormulaError(f"more than {DEEPEST} parentheses are open here", "split the formula", text, column)
        elif each in CLOSING.values():
            if not opened:
                raise FormulaError(f"this {each} closes nothing", "open it before, or leave it out", text, column)
            wanted = CLOSING[text[opened.pop()]]
            if each != wanted:
                raise FormulaError(f"{each} stands where {wanted} must close", f"write {wanted} first", text, column)
    if opened:
        last = text[opened[-1]]
        raise FormulaError(f"this {last} is never closed", f"add the missing {CLOSING[last]}", text, opened[-1])


def _check_words(text: str) -> None:
    for word in re.finditer(r"\b[a-z]++\b", text):
        if word[0] in RESERVED:
            raise FormulaError(*reserved(word[0]), text, word.start())


def reserved(name: str) -> tuple[str, str]:
    """The problem and the hint for a name that is a word of Python's."""
    if name == "for":
        return "for is a reserved word and can't stand here", "write sum[i](...) for a sum"
    other = "lam" if name == "lambda" else f"{name}_"
    return f"{name} is a reserved word and can't be a name", f"choose another name, such as {other}"


def _check_neighbours(text: str) -> None:
    """Two values without a sign between them."""
    for pair in re.finditer(r"(?:(\b\w++)\s++|[\])]\s*+)(?=(\w++))", text):
        if WORDS & {pair[1], pair[2]}:
            continue
        over = re.search(r"\b(sum|max|mean)\s*\[[^\[\]]*\]\s*$", text[: pair.end()])
        if over:
            problem, hint = f"the formula after {over[1]}[...] needs parentheses", f"write {over[1]}[i](...)"
        elif pair[1] and function_row(pair[1]):
            problem, hint = f"the argument of {pair[1]} needs parentheses", f"write {pair[1]}(...)"
        else:
            problem, hint = "two values stand side by side", "write * for a product: w * x"
        raise FormulaError(problem, hint, text, pair.end())


def _spelled(character: str) -> str:
    """What to write for a character outside ASCII: ``eta`` for a Greek one."""
    if character in SPELLED:
        return f"write {SPELLED[character]}"
    plain = unicodedata.normalize("NFKC", character).replace("\u2044", "/")
    if plain.isascii() and plain.isprintable():
        return f"write {plain}"
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(plain[0], ""))
    if greek is None:
        return "names are made of the letters a to z, digits and _"
    return f"write {greek[2].lower() if greek[1] == 'SMALL' else greek[2].capitalize()}"


def why_unreadable(problem: SyntaxError, text: str, column: int) -> tuple[str, str]:
    """What is wrong with a text that isn't even Python's syntax, and what to do. Its parentheses fit together."""
    sign = re.match(r"\s*(\*\*|[<>=!]=|[a-z]+|\S)", text[column:])
    if "'else'" in problem.msg or (sign and sign[1] in ("if", "else")):
        return "an if needs a value before it, and else with another", "write x if a > b else y"
    if sign is None:
        return "the formula ends where a value is missing", "write the value, or leave out the last sign"
    if sign[1] in WORDS:
        return f"{sign[1]} can't stand here", "tests are joined like this: x if a > b and c > d else y"
    if sign[1] in ("**", "==", "!=", "<=", ">=") or sign[1] in "*/+-<>=,)]":
        return f"a value is missing before this {sign[1]}", "write it, or leave out what is too much"
    return "this can't be read as a formula", "use names, numbers, + - * / ** and functions"
