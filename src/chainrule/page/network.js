// What there is to draw: the layers of a network of dense layers, found in its formulas.

import { forwardDefinitions } from "./axes.js";
import { count } from "./evaluate.js";
import { isNetInput, scalar } from "./names.js";
import { refsOf } from "./tree.js";

/** @typedef {import("./evaluate.js").Family} Family */
/** @typedef {import("./evaluate.js").Definition} Definition */
/** @typedef {import("./axes.js").Structure} Structure */
/** @typedef {import("./tree.js").Expr} Expr */
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
 * A layer of net inputs w x + b with its outputs, and what it takes in; null for any other definition.
 * @param {Structure} shown @param {Definition} definition @returns {{ layer: DrawnLayer, source: Family } | null}
 */
export function denseLayer(shown, { target, indices: [sample, neuron, ...others], formula }) {
  const net = /** @type {Family} */ (shown.families.get(target));
  if (!isNetInput(net) || net.role === "adjoint" || !neuron || others.length) return null;
  const [sum, ...added] = formula.op === "add" ? /** @type {Expr[]} */ (formula.args) : [formula];
  const factors = sum.op === "sum" && sum.args?.[0].op === "mul" ? /** @type {Expr[]} */ (sum.args[0].args) : [];
  const [place] = sum.over ?? [];
  const taken = (/** @type {string[]} */ ...at) => factors.flatMap((each) => (each.op === "ref" && String(each.at) === String(at) && shown.families.get(/** @type {string} */ (each.name))) || []);
  const [weights, source] = [...taken(neuron, place), ...taken(sample, place)];
  const bias = added.map((each) => shown.families.get(each.op === "ref" ? /** @type {string} */ (each.name) : ""));
  if (factors.length !== 2 || weights?.role !== "parameter" || !source || added.length > 1) return null;
  if (added.length && (bias[0]?.role !== "parameter" || String(added[0].at ?? neuron) !== neuron)) return null;
  const name = net.name.slice(4);
  const out = shown.families.get(`out_${name}`);
  const after = shown.definitions.get(`out_${name}`);
  const made = new Set(after && refsOf(after.formula).map((node) => node.name).filter((each) => shown.definitions.has(String(each))));
  const own = out && made.size === 1 && made.has(net.name) && String(out.shape) === String(net.shape);
  return { layer: { name, net, out: own ? out : null, weights, bias: bias[0] ?? null }, source };
}

/**
 * The layers of a network that is a chain of dense ones; null for other programs.
 * @param {Structure} shown @returns {Network | null}
 */
export function networkOf(shown) {
  /** @type {DrawnLayer[]} */
  const layers = [];
  let [input, source] = /** @type {(Family | null)[]} */ ([null, null]);
  for (const definition of forwardDefinitions(shown)) {
    if (definition.target === source?.name || ["E", shown.loss].includes(definition.target)) continue;
    const found = denseLayer(shown, definition);
    if (!found || (source && found.source.name !== source.name)) return null;
    input ??= found.source;
    layers.push(found.layer);
    source = found.layer.out ?? found.layer.net;
  }
  if (!input || !source || shown.definitions.has(input.name)) return null;
  const width = source.shape[1];
  const alike = (/** @type {Family | undefined} */ each) => (each && each.shape.length === 2 && each.shape[1] === width ? each : null);
  return { input, layers, target: alike(shown.families.get("target")), error: alike(shown.families.get("E")), loss: shown.loss };
}

/** @param {Network} network */
export const edgeCount = (network) => network.layers.reduce((sum, layer) => sum + count(layer.weights.shape), 0);

/** Whether there is room for every number of a layer. @param {DrawnLayer} layer */
const isDrawnInFull = ({ weights }) => count(weights.shape) <= 12 && Math.max(...weights.shape) <= 5;

/** How a network is drawn: in full with its numbers, as lines without numbers, or not at all. @param {Network} network @returns {"full" | "lines" | "none"} */
export function drawnAs(network) {
  const widths = [network.input.shape[1], ...network.layers.map((layer) => layer.net.shape[1])];
  if (network.layers.every(isDrawnInFull) && network.layers.length <= 3) return "full";
  return edgeCount(network) <= 400 && Math.max(...widths) <= 40 ? "lines" : "none";
}

/** The bias of a neuron. @param {DrawnLayer} layer @param {number} neuron @returns {Scalar | null} */
export const biasOf = (layer, neuron) => (layer.bias ? scalar(layer.bias.name, layer.bias.shape.length ? [neuron] : []) : null);
