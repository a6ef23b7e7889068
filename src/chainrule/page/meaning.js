// What a number is, in words: "weight from h1 to o1".

import { familyOf, isRatio, keyOf, lineOf, scalar, shortened, spokenOf } from "./names.js";

/** @typedef {import("./derive.js").Shown} Shown */
/** @typedef {import("./network.js").Network | null} Drawing */

/** A neuron as people call it: h1, not net_h1. @param {Shown} shown @param {string} family @param {number} neuron */
export const neuronName = (shown, family, neuron) => lineOf(shown, scalar(family, [0, neuron])).replace(/^(net|out)_/, "").replace(/⁽.*⁾/, "");

/** @param {Shown} shown @param {Drawing} network @param {import("./names.js").Quantity} of @returns {string} */
export function meaningOf(shown, network, of) {
  if (isRatio(of)) return `how ${lineOf(shown, of.of)} changes with ${lineOf(shown, of.by)}`;
  const family = familyOf(shown, of.family);
  const below = family.of && shown.families.has(family.of) ? scalar(family.of, of.index) : null;
  if (family.role === "adjoint" && below) return `how the error changes with ${lineOf(shown, below)}`;
  if (family.role === "updated" && below) return `the new value of ${lineOf(shown, below)}`;
  if (family.role === "loss" || keyOf(of) === `${shown.loss}:`) return "the total error";
  if (family.role === "setting") return spokenOf(shown, of).replace(/ ?η$/, "");
  if (family.role === "input") return "an input";
  if (family.role === "target") return "a target: what the output should be";
  return drawnMeaning(shown, network, of, family) ?? (family.role === "parameter" ? "a parameter" : family.role === "state" ? "the optimizer's memory" : "");
}

/** @param {Shown} shown @param {Drawing} network @param {import("./names.js").Scalar} of @param {import("./evaluate.js").Family} family */
function drawnMeaning(shown, network, of, family) {
  let source = network?.input.name ?? "";
  for (const { net, out, weights, bias, name } of network?.layers ?? []) {
    const neuron = of.index[of.index.length - 1];
    if (family.name === weights.name) return `the weight from ${neuronName(shown, source, of.index[1])} to ${neuronName(shown, net.name, of.index[0])}`;
    if (bias && family.name === bias.name) return of.index.length ? `the bias of ${neuronName(shown, net.name, neuron)}` : `the bias that layer ${shortened(name)} shares`;
    if (family.name === net.name) return `the net input of ${neuronName(shown, net.name, neuron)}`;
    if (out && family.name === out.name) return `the output of ${neuronName(shown, net.name, neuron)}`;
    source = (out ?? net).name;
  }
  if (family.name !== network?.error?.name) return null;
  return `the error of ${neuronName(shown, network.layers[network.layers.length - 1].net.name, of.index[1])}`;
}
