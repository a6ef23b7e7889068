"""A document made by hand that has everything a worked example may have, for the tests of the renderers."""

from dataclasses import replace

from chainrule.explain.document import (
    ELLIPSIS,
    Axis,
    Block,
    Diagram,
    Document,
    Edge,
    Equation,
    Equations,
    Grid,
    Grids,
    Heading,
    Layer,
    Neuron,
    Note,
    Paragraph,
    Partial,
    Symbol,
    Table,
)
from chainrule.formula.expression import Add, Call, Div, Expr, If, Max, Mul, Neg, Pow, Ref, Sum, letter, number
from chainrule.formula.expression import Test as Comparison

TOTAL = Symbol("E", "total")
SYMBOLS: dict[str, Symbol | Partial] = {
    **{f"w{i}": Symbol("w", str(i)) for i in range(1, 9)},
    **{f"w{i}+": Symbol("w", str(i), updated=True) for i in range(1, 9)},
    **{f"{base}{i}": Symbol(base, str(i)) for base in ("i", "b", "h", "o") for i in (1, 2)},
    **{f"{base}_{side}{i}": Symbol(base, f"{side}{i}") for base in ("net", "out") for side in "ho" for i in (1, 2)},
    **{f"{base}_o{i}": Symbol(base, f"o{i}") for base in ("target", "E", "delta") for i in (1, 2)},
    "delta_h1": Symbol("delta", "h1"),
    "E_total": TOTAL,
    "rate": Symbol("eta"),
    "net_h1^(2)": Symbol("net", "h1", sample="2"),
    "dE_total/dw5": Partial(TOTAL, Symbol("w", "5")),
    "dE_total/dw1": Partial(TOTAL, Symbol("w", "1")),
    "dE_total/dout_o1": Partial(TOTAL, Symbol("out", "o1")),
    "dE_total/dout_h1": Partial(TOTAL, Symbol("out", "h1")),
    "dout_o1/dnet_o1": Partial(Symbol("out", "o1"), Symbol("net", "o1")),
    "dnet_o1/dw5": Partial(Symbol("net", "o1"), Symbol("w", "5")),
    "dE_o1/dout_h1": Partial(Symbol("E", "o1"), Symbol("out", "h1")),
    "dE_o2/dout_h1": Partial(Symbol("E", "o2"), Symbol("out", "h1")),
}


def r(name: str) -> Ref:
    return Ref(name)


def times(*factors: Expr | str) -> Mul:
    return Mul(tuple(number(each) if isinstance(each, str) else each for each in factors))


def plus(*addends: Expr | str) -> Add:
    return Add(tuple(number(each) if isinstance(each, str) else each for each in addends))


def equation(*sides: Expr | str, note: str = "", final: bool = False) -> Equation:
    return Equation(tuple(number(each) if isinstance(each, str) else each for each in sides), note, final)


def neuron(name: str, edges: list[tuple[str, str, str]], bias: tuple[str, str]) -> Neuron:
    lines = tuple(Edge(r(source), r(weight), value) for source, weight, value in edges)
    return Neuron(name, lines, (r(bias[0]), bias[1]))


NETWORK = Diagram(
    (
        Layer("inputs", (Neuron("i1", value="0.05"), Neuron("i2", value="0.10"))),
        Layer(
            "hidden layer h (logistic)",
            (
                neuron("h1", [("i1", "w1", "0.15"), ("i2", "w2", "0.20")], ("b1", "0.35")),
                neuron("h2", [("i1", "w3", "0.25"), ("i2", "w4", "0.30")], ("b1", "0.35")),
            ),
        ),
        Layer(
            "output layer o (logistic)",
            (
                neuron("o1", [("out_h1", "w5", "0.40"), ("out_h2", "w6", "-0.45")], ("b2", "0.60")),
                neuron("o2", [("out_h1", "w7", "0.50"), ("out_h2", "w8", "0.55")], ("b2", "0.60")),
            ),
        ),
    )
)
LARGE_NETWORK = Diagram(
    (
        Layer("inputs", tuple(Neuron(f"i{i}", value=f"0.{i}") for i in range(1, 785))),
        Layer(
            "hidden layer h (tanh)",
            tuple(
                neuron(f"h{j}", [(f"i{i}", f"w_h[{j},{i}]", "-0.01") for i in range(1, 785)], (f"b_h{j}", "0"))
                for j in range(1, 129)
            ),
        ),
    )
)


def logistic(value: str) -> Div:
    return Div(number(1), plus("1", Call("exp", (number(value),))))


FORWARD: tuple[Block, ...] = (
    Heading(2, "The forward pass"),
    Paragraph(("Each net input is the weighted sum of what comes in; here the bias is ", r("b1"), ".")),
    Equations(
        (
            equation(
                r("net_h1"),
                plus(times(r("w1"), r("i1")), times(r("w2"), r("i2")), r("b1")),
                plus(times("0.15", "0.05"), times("0.20", "0.10"), "0.35"),
                "0.3775",
            ),
            equation(r("out_h1"), Call("logistic", (r("net_h1"),)), logistic("-0.3775"), "0.593269992"),
            equation(
                r("net_h2"),
                plus(times(r("w3"), r("i1")), times(r("w4"), r("i2")), r("b1")),
                plus(times("0.25", "0.05"), times("0.30", "0.10"), "0.35"),
                "0.3925",
            ),
            equation(r("out_h2"), Call("logistic", (r("net_h2"),)), "0.596884378"),
        )
    ),
    Heading(3, "The error"),
    Equations(
        (
            equation(
                r("E_o1"),
                times(Div(number(1), number(2)), Pow(plus(r("target_o1"), Neg(r("out_o1"))), number(2))),
                times(Div(number(1), number(2)), Pow(plus("0.01", "-0.751365070"), number(2))),
                "0.274811083",
            ),
            equation(r("E_o2"), "0.023560026"),
            equation(
                r("E_total"),
                plus(r("E_o1"), r("E_o2")),
                plus("0.274811083", "0.023560026"),
                "0.298371109",
                note="what the round sets out to lower",
                final=True,
            ),
        )
    ),
)
CHAIN = times(r("dE_total/dout_o1"), r("dout_o1/dnet_o1"), r("dnet_o1/dw5"))
BACKWARD: tuple[Block, ...] = (
    Heading(2, "The backward pass"),
    Heading(3, "w5"),
    Paragraph(("How much does a change of ", r("w5"), " change ", r("E_total"), "? The chain rule takes it in steps:")),
    equation(r("dE_total/dw5"), CHAIN),
    Equations(
        (
            equation(
                r("dE_total/dout_o1"),
                Neg(plus(r("target_o1"), Neg(r("out_o1")))),
                Neg(plus("0.01", "-0.751365070")),
                "0.741365070",
            ),
            equation(
                r("dout_o1/dnet_o1"),
                times(r("out_o1"), plus("1", Neg(r("out_o1")))),
                times("0.751365070", plus("1", "-0.751365070")),
                "0.186815602",
                note="the slope of the logistic function",
            ),
            equation(r("dnet_o1/dw5"), r("out_h1"), "0.593269992"),
        )
    ),
    equation(r("dE_total/dw5"), CHAIN, times("0.741365070", "0.186815602", "0.593269992"), "0.082167041", final=True),
    Heading(3, "The sum over paths"),
    Equations(
        (
            equation(
                r("dE_total/dout_h1"),
                plus(r("dE_o1/dout_h1"), r("dE_o2/dout_h1")),
                plus("0.055399425", "-0.019049118"),
                "0.036350306",
                note="both outputs feel out_h1",
            ),
            equation(
                r("delta_h1"), times(r("dE_total/dout_h1"), times(r("out_h1"), plus("1", Neg(r("out_h1"))))), "0.00877"
            ),
        )
    ),
    Heading(2, "The update"),
    Equations(
        tuple(
            equation(
                r(f"w{i}+"),
                plus(r(f"w{i}"), Neg(times(r("rate"), r(gradient)))),
                plus(old, Neg(times("0.5", slope))),
                new,
                final=True,
            )
            for i, gradient, old, slope, new in (
                (5, "dE_total/dw5", "0.40", "0.082167041", "0.358916480"),
                (1, "dE_total/dw1", "0.15", "-0.0217", "0.160850000"),
            )
        )
    ),
    Note(("Every gradient is taken at the weights before the round: ", r("w5"), " here is not yet ", r("w5+"), ".")),
)


def many(numbers: bool) -> Add:
    """A sum of 784 addends as the walkthrough gives it: three, the ellipsis, the last."""
    pairs = [("0.0231", "0.5"), ("-0.0117", "0.25"), ("0.4", "-0.125")]
    shown = [times(*pair) if numbers else times(r(f"w_h[1,{i}]"), r(f"i{i}")) for i, pair in enumerate(pairs, 1)]
    last = times("0.07", "0.9") if numbers else times(r("w_h[1,784]"), r("i784"))
    return Add((*shown, ELLIPSIS, last, number("0.1") if numbers else r("b_h1")))


def at(name: str, *letters: str) -> Ref:
    return Ref(name, tuple(map(letter, letters)))


X = r("x")
OTHERS: tuple[Block, ...] = (
    Heading(2, "Other formulas"),
    Equations(
        (
            equation(r("net_h1"), many(False), many(True), "1.2345"),
            equation(at("p", "j"), Div(Call("exp", (at("z", "j"),)), Sum(("k",), Call("exp", (at("z", "k"),))))),
            equation(r("relu"), If(Comparison(X, ">", number(0)), X, times("0.01", X)), "0.5"),
            equation(
                r("same"),
                times(
                    at("p", "i"), plus(If(Comparison(r("i"), "==", r("j")), number(1), number(0)), Neg(at("p", "j")))
                ),
            ),
            equation(r("m"), Max(("j",), at("z", "j")), "3"),
            equation(r("squares"), plus(Pow(number(-2), number(2)), Pow(plus(r("a"), r("b")), number(2))), "5"),
            equation(
                r("nested"),
                Div(plus("1", Div(number(1), X)), plus(Div(r("a"), r("b")), Neg(Div(number(1), number(3))))),
            ),
            equation(r("step"), Div(r("m"), plus(Call("sqrt", (r("v"),)), "1E-8")), "-1.5E-9"),
            equation(r("net_h1^(2)"), plus("-0.4", times("0.5", "-0.0217"), times("-0.3", "0.1")), "-0.44085"),
        )
    ),
    Paragraph(("A sum of 784 addends keeps its first three and its last. ", "The rate is ", r("rate"), " = 0.5.")),
    Table(
        ("quantity", "before", "after", "where it comes from"),
        (
            (r("w5"), "0.40", "0.358916480", "given"),
            (r("dE_total/dw5"), "0.082167041", "", "the chain rule: three factors, one a line"),
            (r("E_total"), "0.298371109", "0.291027774", "half the squared error | summed over both outputs"),
        ),
        (False, True, True, False),
    ),
)


NOTHING = Axis()


def grid(*rows: str, name: str = "", part: str = "", down: Axis = NOTHING, across: Axis = NOTHING) -> Grid:
    """A grid from its numbers in rows."""
    numbers = tuple(tuple(ELLIPSIS if each == "..." else number(each) for each in row.split()) for row in rows)
    return Grid(numbers, r(name) if name else None, part, down, across)


def part(label: str, *sides: Expr | str, final: bool = False) -> Equation:
    return replace(equation(*sides, final=final), label=label)


ROWS, COLUMNS = Axis("row", ("1", "2", "3")), Axis("column", ("1", "2", "3"))
SHIFTED = Axis("column", ("2", "3", "4"))
WINDOW = grid("0.5 0 0", "1 0 0.5", "1 0.5 0", name="x", down=ROWS, across=SHIFTED)
KERNEL = grid("1 0 -1", "0.5 0 -0.5", "1 0 -1", name="w_c", down=ROWS, across=COLUMNS)
WIDE = grid(*["0.123456789 " * 7] * 2, name="p", across=Axis("unit", tuple("1234567")))
ROOT = Div(number(1), Call("sqrt", (r("v"),)))
PARTS = Equations(
    (
        part("output 1", times(r("delta_o1"), r("w5")), times("0.138498562", "0.40"), "0.0553994249"),
        part("by v", times(r("dE_total/dout_o1"), ROOT), "-0.019"),
        part("sum", plus("0.0553994249", "-0.019"), "0.0363994249", final=True),
    )
)
ARRAYS: tuple[Block, ...] = (
    Heading(2, "Arrays"),
    Grids((WINDOW, KERNEL), "·"),
    Grids((grid("1 0 0", "0.742816685 0.257183315 ...", name="p", part="head 2"), WIDE)),
    Paragraph((r("dE_total/dout_h1"), " is a sum with a part for each output:")),
    PARTS,
)
SAMPLE = Document(
    "One round of backpropagation",
    (Heading(2, "The network"), NETWORK, *FORWARD, *BACKWARD, *OTHERS, *ARRAYS),
    SYMBOLS,
)
