"""The network as a diagram: which weight goes from where to where."""

from math import prod

from chainrule.explain.document import Diagram, Edge, Layer, Neuron, Symbol
from chainrule.explain.names import NUMBERED_AT_MOST, Scalar, is_net_input
from chainrule.explain.writing import Writing, quantity_ref, shown
from chainrule.formula.expression import Call, Neg, Num, Ref, refs, walk
from chainrule.program.program import Definition, Family, Role, definition_of, with_role


def diagram(writing: Writing) -> Diagram | None:
    """The picture of a network of dense layers; None for other programs and for networks too large to draw."""
    program = writing.names.program
    weights = [family for family in with_role(program, Role.PARAMETER) if len(family.shape) == 2]
    if not weights or sum(prod(family.shape) for family in weights) > NUMBERED_AT_MOST:
        return None
    layers: list[Layer] = []
    for definition in program.definitions:
        if not is_net_input(program.families[definition.target]):
            continue
        found = _layer(writing, definition)
        if found is None:
            return None
        source, layer = found
        if not layers:
            layers.append(_inputs(writing, source))
        layers.append(layer)
    return Diagram(tuple(layers)) if layers else None


def drawn(writing: Writing) -> frozenset[str]:
    """The parameters that the picture of a network shows: those that net inputs are made with."""
    program = writing.names.program
    nets = [each for each in program.definitions if is_net_input(program.families[each.target])]
    used = {node.name for each in nets for node in refs(each.formula)}
    return frozenset(each.name for each in with_role(program, Role.PARAMETER) if each.name in used)


def _layer(writing: Writing, definition: Definition) -> tuple[Family, Layer] | None:
    """A layer, and the family that it takes its inputs from, where its net input has the form w x + b."""
    program = writing.names.program
    used = {
        node.name: program.families[node.name]
        for node in refs(definition.formula)
        if node.indices or node.name in program.families
    }
    weights = [family for family in used.values() if family.role == Role.PARAMETER and len(family.shape) == 2]
    biases = [family for family in used.values() if family.role == Role.PARAMETER and len(family.shape) < 2]
    sources = [family for family in used.values() if family.role != Role.PARAMETER]
    if len(weights) != 1 or len(sources) != 1 or len(biases) > 1 or len(sources[0].shape) != 2:
        return None
    weight, source, family = weights[0], sources[0], program.families[definition.target]
    if weight.shape != (family.shape[-1], source.shape[-1]):
        return None
    neurons = []
    for to in range(weight.shape[0]):
        edges = tuple(
            Edge(_neuron(writing, source, at), *_labelled(writing, Scalar(weight.name, (to, at))))
            for at in range(weight.shape[1])
        )
        bias = _labelled(writing, Scalar(biases[0].name, (to,) if biases[0].shape else ())) if biases else None
        neurons.append(Neuron(_neuron(writing, family, to).name, edges, bias))
    return source, Layer(_title(writing, definition), tuple(neurons))


def _title(writing: Writing, definition: Definition) -> str:
    program = writing.names.program
    layer = definition.target.removeprefix("net_")
    out = definition_of(program, f"out_{layer}")
    function = ""
    if out is not None:
        functions = [node.function for node in [out.formula] if isinstance(node, Call)]
        function = f" ({functions[0].replace('_', ' ')})" if functions else ""
        if not functions and not isinstance(out.formula, Ref):
            function = " (softmax)" if "exp" in {n.function for n in _calls(out)} else ""
    return f"layer {layer}{function}"


def _calls(definition: Definition) -> list[Call]:
    return [node for node in walk(definition.formula) if isinstance(node, Call)]


def _neuron(writing: Writing, family: Family, position: int) -> Ref:
    """A neuron by name: the scalar's own name without the ``net_`` or ``out_`` in front."""
    label = writing.names.labels[family.name]
    plain = f"{label.base}{position + 1}" if not label.address else f"{family.name}[{position + 1}]"
    plain = plain.removeprefix("net_").removeprefix("out_")
    head = plain.rstrip("0123456789")
    writing.symbols.setdefault(plain, Symbol(head.rstrip("_") or head, plain[len(head) :]))
    return Ref(plain)


def _labelled(writing: Writing, scalar: Scalar) -> tuple[Ref, str]:
    value = shown(writing, scalar)
    text = (
        f"-{value.arg.value}"
        if isinstance(value, Neg) and isinstance(value.arg, Num)
        else str(getattr(value, "value", value))
    )
    return quantity_ref(writing, scalar), text


def _inputs(writing: Writing, source: Family) -> Layer:
    neurons = []
    for position in range(source.shape[-1]):
        scalar = Scalar(source.name, (0, position))
        value = _labelled(writing, scalar)[1] if source.shape[0] == 1 else ""
        neurons.append(Neuron(_neuron(writing, source, position).name, value=value))
    return Layer("inputs", tuple(neurons))
