"""Whole commands from a cold start, beside a script in plain Python of the kind that tutorials have, and PyTorch's.

The scripts train the tutorial's 2-2-2 network for 10,000 rounds; the plain one has objects for neurons and prints the
error after each round, as the tutorial's does. ``chainrule values`` does the same and prints every number of the last
round. Each is a process of its own, and they take turns. Also the memory of
training a larger network on data, at its peak and in a process of its own. Prints Markdown tables.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from statistics import median

from _turns import CORES, figure, head, machine

PLAIN = """
import math
class Neuron:
    def __init__(self, weights, bias):
        self.weights, self.bias = weights, bias
    def activate(self, inputs):
        self.inputs = inputs
        net = sum(w * x for w, x in zip(self.weights, inputs)) + self.bias
        self.output = 1 / (1 + math.exp(-net))
        return self.output
    def slope(self):
        return self.output * (1 - self.output)
    def move(self, delta, rate):
        for i, x in enumerate(self.inputs):
            self.weights[i] -= rate * delta * x
hidden = [Neuron([0.15, 0.20], 0.35), Neuron([0.25, 0.30], 0.35)]
outputs = [Neuron([0.40, 0.45], 0.60), Neuron([0.50, 0.55], 0.60)]
inputs, targets = [0.05, 0.10], [0.01, 0.99]
def feed():
    between = [each.activate(inputs) for each in hidden]
    return [each.activate(between) for each in outputs]
for number in range(10000):
    out = feed()
    deltas = [(o - t) * each.slope() for o, t, each in zip(out, targets, outputs)]
    below = [
        sum(delta * each.weights[h] for delta, each in zip(deltas, outputs)) * neuron.slope()
        for h, neuron in enumerate(hidden)
    ]
    for each, delta in zip([*outputs, *hidden], [*deltas, *below]):
        each.move(delta, 0.5)
    print(number, round(sum((t - o) ** 2 / 2 for t, o in zip(targets, feed())), 9))
"""
TORCH = """
import torch
w1 = torch.tensor([[0.15, 0.20], [0.25, 0.30]], requires_grad=True)
w2 = torch.tensor([[0.40, 0.45], [0.50, 0.55]], requires_grad=True)
x, target = torch.tensor([0.05, 0.10]), torch.tensor([0.01, 0.99])
optimizer = torch.optim.SGD([w1, w2], lr=0.5)
for _ in range(10000):
    error = ((target - torch.sigmoid(w2 @ torch.sigmoid(w1 @ x + 0.35) + 0.60)) ** 2).sum() / 2
    optimizer.zero_grad()
    error.backward()
    optimizer.step()
print(float(error))
"""
CHAINRULE = [sys.executable, "-m", "chainrule"]
PROCESSES = {
    "python that does nothing": [sys.executable, "-c", ""],
    "chainrule --help": [*CHAINRULE, "--help"],
    "chainrule explain mazur": [*CHAINRULE, "explain", "mazur"],
    "chainrule values mazur --after 10000": [*CHAINRULE, "values", "mazur", "--after", "10000"],
    "a plain Python script": [sys.executable, "-c", PLAIN],
    "a PyTorch script": [sys.executable, "-c", TORCH],
}
TRAINERS = ("chainrule", "JAX by hand", "PyTorch", "Keras")
MEMORY = (784, 512, 512, 10), 1024, 8192


def seconds(command: list[str], bytecode: str) -> float:
    """A process's time, with compiled modules in a folder; on one core that of the processor, as ``_turns`` has it."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    own = {"PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run(command, check=True, capture_output=True, env=os.environ | own)
    if CORES > 1:
        return time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def starts(turns: int) -> None:
    taken: dict[str, list[float]] = {name: [] for name in PROCESSES}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(turns + 1):
            for name, command in PROCESSES.items():
                took = seconds(command, folder)
                if turn:  # the first one compiles the modules
                    taken[name].append(took)
    print(head(("from a cold start", "seconds", "beside the plain script")))
    plain = taken["a plain Python script"]
    for name, each in taken.items():
        ratio = median(a / b for a, b in zip(each, plain, strict=True))
        print(f"| {name} | {median(each):.2f} | {figure(ratio)} |", flush=True)


def memory() -> None:
    sizes, batch, rows = MEMORY
    print(f"\nPeak memory of three epochs, {'-'.join(map(str, sizes))}, batch {batch}, {rows} samples, float32:\n")
    print(head(("trainer", "peak", "of which before training", "beside JAX by hand")))
    found = {}
    for name in TRAINERS:
        said = subprocess.run([sys.executable, __file__, "--train", name], check=True, capture_output=True, text=True)
        found[name] = [int(each) / 1024 for each in said.stdout.split()]
    for name, (before, peak) in found.items():
        ratio = peak / found["JAX by hand"][1]
        print(f"| {name} | {peak:,.0f} MiB | {before:,.0f} MiB | {figure(ratio)} |")


def train(name: str) -> None:
    """In a process of its own: prints the kilobytes with the data and libraries at hand, and those at the peak."""
    import jax
    from trainers import PEERS, Task, start_of

    jax.devices()
    if name == "PyTorch":
        import torch

        torch.ones(1)
    begin = start_of(Task(*MEMORY))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    PEERS[name][1](begin).run(2)
    print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="few turns; the numbers mean little")
    parser.add_argument("--train", help="for itself: train with this one and say how much memory it took")
    given = parser.parse_args()
    if given.train:
        os.environ.setdefault("KERAS_BACKEND", "jax")
        train(given.train)
        return
    print(f"{machine('jax', 'torch', 'keras')}\n")
    starts(2 if given.quick else 9)
    memory()


if __name__ == "__main__":
    main()
