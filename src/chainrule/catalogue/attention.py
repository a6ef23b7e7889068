"""Attention, positional encodings, and the blocks of a transformer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chainrule.catalogue.layer_row import (
    Given,
    LayerRow,
    Plan,
    Reading,
    Setting,
    Settings,
    Source,
    TaughtForm,
    activated,
    letters,
    sizes_text,
)
from chainrule.catalogue.normalisation import NORMALISATIONS
from chainrule.catalogue.normalisation import READING as NORMALISED
from chainrule.catalogue.row import CatalogueError
from chainrule.formula.expression import Expr, Ref, transform
from chainrule.formula.parse import parse_expression, parse_formulas
from chainrule.formula.unparse import statement_text, to_text
from chainrule.program.program import adjoint_name


def _sequence(x: Source, what: str) -> tuple[int, int]:
    if len(x.shape) != 2:
        raise CatalogueError(f"{what} goes along time, with several features at each time; its input is "
                             f"{sizes_text(x.shape) or 'a single number'}")  # fmt: skip
    return x.shape[0], x.shape[1]


def _mixed(heads: tuple[str, ...], width: int, causal: bool, names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Scores, weights and mix of queries, keys and values by name; and the weights' form without overflow.

    A masked place has the weight 0, and stands in no sum: nothing is set to minus infinity.
    """
    q, k, v = names
    own = letters(("n",), heads)

    def seen(place: str) -> str:
        return f"(exp(score[{own},t,{place}]) if {place} <= t else 0)" if causal else f"exp(score[{own},t,{place}])"

    def safe(place: str, top: str) -> str:
        first = f"score[{own},t,{top}] if {top} <= t else score[{own},t,0]" if causal else f"score[{own},t,{top}]"
        power = f"exp(score[{own},t,{place}] - max[{top}]({first}))"
        return f"({power} if {place} <= t else 0)" if causal else power

    lines = [
        f"score[{own},t,s] = sum[d]({q}[{own},t,d] * {k}[{own},s,d]) / sqrt({width})",
        f"attn[{own},t,s] = {seen('s')} / sum[m]({seen('m')})",
        f"mix[{own},t,d] = sum[s](attn[{own},t,s] * {v}[{own},s,d])",
    ]
    return "\n".join(lines), {"attn": f"{safe('s', 'a')} / sum[m]({safe('m', 'b')})"}


def _taught(heads: tuple[str, ...]) -> tuple[TaughtForm, ...]:
    """The way back through the softmax, as it is taught."""
    own = letters(("n",), heads, ("t",))
    form = f"d_score[{own},s] = attn[{own},s] * (d_attn[{own},s] - sum[s2](attn[{own},s2] * d_attn[{own},s2]))"
    return (TaughtForm(form, ("attn",), "it holds for every softmax"),)


def _dot_product(settings: Settings, sources: tuple[Source, ...]) -> Plan:
    """Attention without weights: queries, keys and values are the layer's inputs."""
    if len(sources) not in (1, 3):
        raise CatalogueError("attention takes in queries, keys and values: three layers, or one for all of them")
    q, k, v = sources * (3 // len(sources))
    (steps, width), (others, deep), (last, out) = (_sequence(each, "attention") for each in (q, k, v))
    if width != deep or others != last:
        shapes = [sizes_text(each.shape) for each in (q, k, v)]
        said = "queries are {}, keys {} and values {}".format(*shapes)
        raise CatalogueError(f"{said}: queries and keys have one width, keys and values one length")
    if settings["causal"] and steps != others:
        raise CatalogueError("a causal mask needs as many queries as keys")
    names = ("x1", "x2", "x3") if len(sources) == 3 else ("x", "x", "x")
    text, stable = _mixed((), width, settings["causal"], names)
    sizes = {"t": steps} | dict.fromkeys(("s", "m", "a", "b"), others)
    return Plan(text, ("t", "d"), (steps, out), (), sizes, "mix", stable, taught=_taught(()))


def _multi_head(settings: Settings, sources: tuple[Source, ...]) -> Plan:
    """Attention with weights. What is looked at, from which keys and values are made, may be another layer."""
    if len(sources) > 2:
        raise CatalogueError("attention takes in one layer, or two: that which looks, and that which is looked at")
    (steps, features), (others, deep) = (_sequence(each, "attention") for each in (sources[0], sources[-1]))
    if settings["causal"] and steps != others:
        raise CatalogueError("a causal mask needs as many places that look as are looked at")
    # The letters of a layer's place and feature; other ones for the second layer, whose sizes may differ.
    looking = ("x" if len(sources) == 1 else "x1", "t", "e", features)
    seen = looking if len(sources) == 1 else ("x2", "s", "g", deep)
    count = settings["heads"] or 1
    units = settings["units"] or features
    if units % count:
        raise CatalogueError(f"{units} units can't be shared by {count} heads; {units} / {count} is no whole number")
    width = units // count
    heads, sizes_of_heads = (("h",), (count,)) if settings["heads"] else ((), ())
    given: list[Given] = []
    lines: list[str] = []
    for name, key, (x, place, feature, size) in (
        ("q", "query", looking), ("k", "key", seen), ("v", "value", seen),
    ):  # fmt: skip
        own = letters(heads, ("d",))
        given.append(
            Given(f"w_{name}", f"{key}_weights", (*heads, "d", feature), (*sizes_of_heads, width, size),
                  fans=(size, units))
        )  # fmt: skip
        bias = ""
        if f"{key}_bias" not in settings["without"]:
            given.append(Given(f"b_{name}", f"{key}_bias", (*heads, "d"), (*sizes_of_heads, width), "zeros"))
            bias = f" + b_{name}[{own}]"
        product = f"sum[{feature}](w_{name}[{own},{feature}] * {x}[n,{place},{feature}])"
        lines.append(f"{name}[{letters(('n',), heads, (place, 'd'))}] = {product}{bias}")
    mixed, stable = _mixed(heads, width, settings["causal"], ("q", "k", "v"))
    lines.append(mixed)
    over = letters(heads, ("d",))
    fans = (units, features)
    given.append(Given("w_o", "output_weights", ("f", *heads, "d"), (features, *sizes_of_heads, width), fans=fans))
    bias = ""
    if "output_bias" not in settings["without"]:
        given.append(Given("b_o", "output_bias", ("f",), (features,), "zeros"))
        bias = " + b_o[f]"
    lines.append(f"out[n,t,f] = sum[{over}](w_o[f,{over}] * mix[{letters(('n',), heads, ('t', 'd'))}]){bias}")
    sizes = {"t": steps} | dict.fromkeys(("s", "m", "a", "b"), others) | {"d": width, "e": features, "f": features}
    sizes |= {"g": deep} if len(sources) > 1 else {}
    sizes |= {"h": count} if heads else {}
    said = f"{units} units in {count} heads gives {width} for each" if heads else ""
    return Plan("\n".join(lines), ("t", "f"), (steps, features), tuple(given), sizes, stable=stable, arithmetic=said,
                taught=_taught(heads))  # fmt: skip


def _position(settings: Settings, sources: tuple[Source, ...]) -> Plan:
    x = sources[0]
    steps, features = _sequence(x, "a positional encoding")
    sizes = {"t": steps, "e": features, "p": (features + 1) // 2}
    if settings["learned"]:
        own = Given("pe", "weights", ("t", "e"), (steps, features), "normal")
        return Plan("out[n,t,e] = x[n,t,e] + pe[t,e]", ("t", "e"), x.shape, (own,), {"t": steps, "e": features})
    angle = f"t / {settings['base']}**(2*p / {features})"
    even, odd = f"sin({angle}) if e == 2*p else 0", f"cos({angle}) if e == 2*p + 1 else 0"
    text = f"pe[t,e] = sum[p](({even}) + ({odd}))\nout[n,t,e] = x[n,t,e] + pe[t,e]"
    return Plan(text, ("t", "e"), x.shape, (), sizes)


def _feed_forward(settings: Settings, sources: tuple[Source, ...]) -> Plan:
    x = sources[0]
    before, last, width = x.axes[:-1], x.axes[-1], x.shape[-1]
    units = settings["units"] or 4 * width
    hidden, own = (next(each for each in names if each not in x.axes) for names in ("jkl", "ogh"))
    inside, seen, left = (letters(("n",), before, (each,)) for each in (hidden, last, own))
    out, stable = activated(settings["activation"], ("n", *before, hidden))
    text = (
        f"net_1[{inside}] = sum[{last}](w_1[{hidden},{last}] * x[{seen}]) + b_1[{hidden}]\n"
        f"mid[{inside}] = {out.replace('net[', 'net_1[')}\n"
        f"out[{left}] = sum[{hidden}](w_2[{own},{hidden}] * mid[{inside}]) + b_2[{own}]"
    )
    given = (
        Given("w_1", "weights_1", (hidden, last), (units, width)), Given("b_1", "bias_1", (hidden,), (units,), "zeros"),
        Given("w_2", "weights_2", (own, hidden), (width, units)), Given("b_2", "bias_2", (own,), (width,), "zeros"),
    )  # fmt: skip
    sizes = dict(zip(before, x.shape[:-1], strict=True)) | {hidden: units, last: width, own: width}
    safe = {"mid": stable.replace("net[", "net_1[")} if stable else {}
    return Plan(text, (*before, own), x.shape, given, sizes, stable=safe)


def renamed(plan: Plan, tag: str, inputs: Mapping[str, str]) -> Plan:
    """A plan as a part of another: its names end with ``tag``, and its inputs are families of the whole."""
    statements = parse_formulas(plan.formulas)
    own = {each.target for each in statements} | {each.name for each in plan.given}
    names = {name: f"{name}_{tag}" for name in own} | dict(inputs)

    def rename(node: Expr) -> Expr:
        return replace(node, name=names[node.name]) if isinstance(node, Ref) and node.name in names else node

    lines = [statement_text(names[each.target], each.indices, transform(each.formula, rename)) for each in statements]
    given = tuple(replace(each, name=f"{each.name}_{tag}", key=f"{tag}_{each.key}") for each in plan.given)
    stable = {names[name]: to_text(transform(parse_expression(text), rename)) for name, text in plan.stable.items()}
    taught = tuple(_renamed_form(form, names) for form in plan.taught)
    return replace(plan, formulas="\n".join(lines), given=given, stable=stable, out=names[plan.out], taught=taught)


def _renamed_form(form: TaughtForm, names: Mapping[str, str]) -> TaughtForm:
    both = dict(names) | {adjoint_name(old): adjoint_name(new) for old, new in names.items()}

    def rename(node: Expr) -> Expr:
        return replace(node, name=both[node.name]) if isinstance(node, Ref) and node.name in both else node

    (line,) = parse_formulas(form.formula)
    text = statement_text(both[line.target], line.indices, transform(line.formula, rename))
    return replace(form, formula=text, through=tuple(names[each] for each in form.through))


def _chained(parts: Sequence[Plan], out: Plan) -> Plan:
    """Plans one after the other, the shape and the output those of the last."""
    return Plan(
        "\n".join(each.formulas for each in parts), out.axes, out.shape,
        tuple(given for each in parts for given in each.given),
        {name: size for each in parts for name, size in each.sizes.items()}, out.out,
        {name: text for each in parts for name, text in each.stable.items()}, out.arithmetic,
        taught=tuple(form for each in parts for form in each.taught),
    )  # fmt: skip


def _block(settings: Settings, sources: tuple[Source, ...]) -> Plan:
    """Attention and a feed-forward part, each with a branch around it and a normalisation before or after."""
    x = Source("x", ("t", "e"), sources[0].shape)
    _sequence(sources[0], "a transformer block")
    norm = next(each for each in NORMALISATIONS if each.name == settings["norm"])
    of_norm = {each.name: each.default for each in norm.settings} | {"without": (), "eps": settings["eps"]}
    first = settings["order"] == "pre"
    parts: list[Plan] = []

    def added(plan: Plan, tag: str, family: str) -> str:
        parts.append(renamed(plan, tag, {"x": family}))
        return parts[-1].out

    def joined(name: str, one: str, two: str) -> str:
        parts.append(Plan(f"{name}[n,t,e] = {one}[n,t,e] + {two}[n,t,e]", x.axes, x.shape, (), {}, name))
        return name

    inner = {"heads": settings["heads"], "units": None, "causal": settings["causal"], "without": settings["without"]}
    forward = {"units": settings["units"], "activation": settings["activation"], "without": ()}
    now = "x"
    for place, (plan, tag) in enumerate(((_multi_head(inner, (x,)), "attn"), (_feed_forward(forward, (x,)), "ff")), 1):
        normal = norm.plan(of_norm, (x,))
        before = added(normal, f"norm{place}", now) if first else now
        now = joined(f"sum_{place}" if not first or place == 1 else "out", now, added(plan, tag, before))
        if not first:
            now = added(normal, f"norm{place}", now)
    return _chained(parts, replace(parts[-1], axes=x.axes, shape=x.shape))


CAUSAL = Setting("causal", "flag", "Whether a place sees only itself and the places before it.", False)
HEADS = Setting("heads", "count", "How many heads; one without an axis of its own unless given.", None)
HIDDEN = Setting("units", "count", "How many hidden units; four times the width unless given.", None)
PARTS = (("query", "queries"), ("key", "keys"), ("value", "values"))
ATTENTION_KEYS = (
    *(
        (f"{key}_{what}", f"of the {word}: {axes}")
        for key, word in PARTS
        for what, axes in (
            ("weights", "head, number in it, feature of the input"),
            ("bias", "head, number in it, or none"),
        )
    ),
    ("output_weights", "from the mixed values to the output: feature of the output, head, number in it"),
    ("output_bias", "one for each feature of the output, or none"),
)
FORWARD_KEYS = (("weights_1", "to the hidden units"), ("bias_1", "of the hidden units"),
                ("weights_2", "from the hidden units"), ("bias_2", "of the output"))  # fmt: skip
BLOCK_KEYS = (
    *((f"attn_{key}", meaning) for key, meaning in ATTENTION_KEYS),
    *((f"ff_{key}", meaning) for key, meaning in FORWARD_KEYS),
    *((f"norm{place}_{key}", f"the {word} of normalisation {place}")
      for place in (1, 2) for key, word in (("gamma", "scale"), ("beta", "shift"))),
)  # fmt: skip
SOURCE = "Vaswani and others 2017"
SEQUENCE = ("place", "feature")
ATTENDING = Reading(
    {"t": "place", "s": "seen place", "h": "head", "d": "unit", "e": "feature", "f": "feature", "g": "feature"},
    inputs=SEQUENCE,
    called={"q": "queries", "k": "keys", "v": "values", "score": "scores", "attn": "weights", "mix": "mix",
            "out": "output"},
    ways={"q": "through the query", "k": "through the key", "v": "through the value"},
)  # fmt: skip
ENCODING = Reading({"t": "place", "e": "feature"}, inputs=SEQUENCE, called={"pe": "positions", "out": "sum"})
FORWARD = Reading(
    dict.fromkeys("jkl", "hidden unit") | dict.fromkeys("ogh", "feature"), inputs=("feature",),
    called={"net_1": "hidden net inputs", "mid": "hidden units", "out": "output"},
)  # fmt: skip


def _tagged(words: Mapping[str, str], tag: str) -> dict[str, str]:
    return {f"{name}_{tag}": word for name, word in words.items()}


def _of_parts(what: str) -> dict[str, str]:
    """What the parts of a block say of their families, under the names that these have in the block."""
    parts = ((ATTENDING, "attn"), (FORWARD, "ff"), (NORMALISED, "norm1"), (NORMALISED, "norm2"))
    return {name: word for each, tag in parts for name, word in _tagged(getattr(each, what), tag).items()}


JOINED = ("sum_1", "sum_2", "out")
BLOCK = Reading(
    dict(ATTENDING.letters) | {"j": "hidden unit", "o": "feature"}, inputs=SEQUENCE,
    called=_of_parts("called") | dict.fromkeys(JOINED, "with what came in"),
    ways=_of_parts("ways") | dict.fromkeys(JOINED, "by the branch around"),
    omitted=("mu_norm1", "var_norm1", "mu_norm2", "var_norm2"),
)  # fmt: skip

ATTENTIONS = (
    LayerRow("scaled_dot_product_attention", "scaled dot-product attention", _dot_product, (CAUSAL,), (), "a",
             inputs=0, aliases=("dot_product_attention",), source=SOURCE, reading=ATTENDING),
    LayerRow("attention", "attention with weights for queries, keys and values", _multi_head,
             (HEADS, Setting("units", "count", "The width of all heads together; as wide as the input unless given.",
                             None), CAUSAL),
             ATTENTION_KEYS, "a", inputs=0,
             aliases=("multi_head_attention", "self_attention", "multihead_attention", "cross_attention"),
             source=SOURCE, reading=ATTENDING),
    LayerRow("positional_encoding", "where in the sequence each place stands, added", _position,
             (Setting("learned", "flag", "Whether it is learned, not made of sines and cosines.", False),
              Setting("base", "number", "The longest wave is this times 2 pi.", 10000)),
             (("weights", "for a learned one: a row for each place"),), "p", source=SOURCE,
             reading=ENCODING),
    LayerRow("feed_forward", "two dense layers at each place", _feed_forward,
             (HIDDEN, Setting("activation", "name", "What is made of the hidden net input.", "relu")), FORWARD_KEYS,
             "ff", source=SOURCE, reading=FORWARD),
    LayerRow("transformer_block", "a transformer block", _block,
             (HEADS, HIDDEN, CAUSAL,
              Setting("order", "text", "The normalisations before or after the branches.", "pre",
                      choices=("pre", "post")),
              Setting("norm", "text", "The normalisation.", "layer_normalisation",
                      choices=("layer_normalisation", "rms_normalisation")),
              Setting("activation", "name", "What is made of the hidden net input.", "relu"),
              Setting("eps", "number", "Added to the variance, so that no division is by 0.", "0.00001")),
             BLOCK_KEYS, "t", aliases=("transformer",),
             source=f"{SOURCE}; normalised before as in Xiong and others 2020", reading=BLOCK),
)  # fmt: skip
