// What there is to draw: the layers of a network of dense layers, found in its formulas.

import { count } from "./evaluate.js";
import { isNetInput, scalar } from "./names.js";
import { refsOf } from "./tree.js";

/** @typedef {import("./evaluate.js").Family} Family */
/** @typedef {import("./names.js").Scalar} Scalar */
/**
 * @typedef {object} DrawnLayer
 * @property {string} name
 * @property {Family} net
 * @property {Family | null} out
 * @property {Family} weights
 * @property {Family | null} bias
 */
/** @typedef {{ input: Family, layers: DrawnLayer[], target: Family | null, error: Family | null, loss: string }} Network */

/**
 * The layers of a network whose net inputs have the form w x + b, one after the other; null for other programs.
 * @param {{ families: Map<string, Family>, definitions: Map<string, import("./evaluate.js").Definition>, loss: string }} shown
 * @returns {Network | null}
 */
export function networkOf(shown) {
  /** @type {DrawnLayer[]} */
  const layers = [];
  let source = /** @type {Family | null} */ (null);
  let input = /** @type {Family | null} */ (null);
  for (const definition of shown.definitions.values()) {
    const net = /** @type {Family} */ (shown.families.get(definition.target));
    if (!isNetInput(net) || net.role === "adjoint") continue;
    const used = [...new Set(refsOf(definition.formula).map((node) => node.name))].flatMap((name) => shown.families.get(/** @type {string} */ (name)) ?? []);
    const weights = used.filter((each) => each.role === "parameter" && each.shape.length === 2);
    const biases = used.filter((each) => each.role === "parameter" && each.shape.length < 2);
    const sources = used.filter((each) => each.role !== "parameter");
    if (weights.length !== 1 || sources.length !== 1 || biases.length > 1 || net.shape.length !== 2) return null;
    if (source && sources[0].name !== source.name) return null;
    if (weights[0].shape[0] !== net.shape[1] || weights[0].shape[1] !== sources[0].shape[1]) return null;
    input ??= sources[0];
    const name = net.name.slice(4);
    const out = shown.families.get(`out_${name}`) ?? null;
    layers.push({ name, net, out, weights: weights[0], bias: biases[0] ?? null });
    source = out ?? net;
  }
  if (!input || !source) return null;
  const width = source.shape[1];
  const alike = (/** @type {Family | undefined} */ each) => (each && each.shape.length === 2 && each.shape[1] === width ? each : null);
  return { input, layers, target: alike(shown.families.get("target")), error: alike(shown.families.get("E")), loss: shown.loss };
}

/** @param {Network} network */
export const edgeCount = (network) => network.layers.reduce((sum, layer) => sum + count(layer.weights.shape), 0);

/** How a network is drawn: in full with its numbers, as lines without numbers, or not at all. @param {Network} network @returns {"full" | "lines" | "none"} */
export function drawnAs(network) {
  const widths = [network.input.shape[1], ...network.layers.map((layer) => layer.net.shape[1])];
  const most = Math.max(...network.layers.map((layer) => count(layer.weights.shape)));
  if (most <= 12 && Math.max(...widths) <= 5 && network.layers.length <= 3) return "full";
  return edgeCount(network) <= 400 && Math.max(...widths) <= 40 ? "lines" : "none";
}

/** The bias of a neuron. @param {DrawnLayer} layer @param {number} neuron @returns {Scalar | null} */
export const biasOf = (layer, neuron) => (layer.bias ? scalar(layer.bias.name, layer.bias.shape.length ? [neuron] : []) : null);
