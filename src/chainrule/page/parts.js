// What is drawn of a program that is no plain chain of dense layers, found in its formulas: which numbers stand
// together, which parameters beside them, and in which order.

import { forwardDefinitions } from "./axes.js";
import { count } from "./evaluate.js";
import { denseLayer } from "./network.js";
import { nodes, refsOf } from "./tree.js";

/** @typedef {import("./axes.js").Axes} Axes */
/** @typedef {import("./axes.js").Structure} Structure */
/** @typedef {import("./evaluate.js").Definition} Definition */
/** @typedef {import("./evaluate.js").Family} Family */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {{ family: string, given: string[], sums: string[] }} Item a family, the given ones that it is made with first, and means and totals of it alone */
/**
 * @typedef {object} Part what stands in one place of the picture
 * @property {"stack" | "steps" | "dense"} kind one below the other; the same along one axis of time; neurons and edges
 * @property {Item[]} items of dense layers only what they take in, where it is calculated
 * @property {Network | null} network of dense layers
 * @property {number} depth how many parts come before, on the longest way
 * @property {string[]} sources the families of other parts that it is made from
 */
/**
 * @typedef {object} Uses
 * @property {Definition[]} definitions of the forward pass
 * @property {Map<string, number>} order
 * @property {(family: string) => string[]} of what a family is calculated from, the given numbers that go with it left out
 * @property {(family: string) => string[]} given the given numbers that a family is the first to use
 * @property {string[]} roots given numbers that the first formulas begin with: the inputs
 */

const LAYERS_TOGETHER = 3; // dense layers that are drawn as one
const MOST_EDGES = 6; // of a layer that is drawn with neurons among grids: each has its numbers on it

/** @param {Structure} shown @returns {Uses} */
function usesIn(shown) {
  const definitions = forwardDefinitions(shown);
  const order = new Map(definitions.map(({ target }, place) => [target, place]));
  const used = new Map(definitions.map(({ target, formula }) => {
    const names = new Set(refsOf(formula).map((node) => /** @type {string} */ (node.name)));
    return [target, [...names].filter((name) => shown.families.has(name) && shown.families.get(name)?.role !== "setting")];
  }));
  const isCalculated = (/** @type {string} */ name) => Boolean(used.get(name)?.length);
  /** @type {Map<string, string[]>} */
  const given = new Map();
  /** @type {string[]} */
  const roots = [];
  for (const { name, role } of shown.families.values()) {
    const first = isCalculated(name) ? null : definitions.find(({ target }) => used.get(target)?.includes(name))?.target;
    if (!first) continue;
    const afterOthers = used.get(first)?.some((each) => isCalculated(each) && Number(order.get(each)) < Number(order.get(first)));
    if (role === "input" && !afterOthers) roots.push(name);
    else given.set(first, [...(given.get(first) ?? []), name]);
  }
  return { definitions, order, roots, given: (family) => given.get(family) ?? [], of: (family) => (used.get(family) ?? []).filter((each) => isCalculated(each) || roots.includes(each)) };
}

/** @param {Network} network */
const familiesOf = ({ input, layers, error, loss }) => [input.name, ...layers.flatMap(({ net, out }) => [net.name, out?.name ?? net.name]), error?.name ?? "", loss].filter(Boolean);

/** The small dense layers, those that follow one another together, the last ones with the error. @param {Structure} shown @param {Axes} axes @param {Uses} uses @returns {Network[]} */
function denseChains(shown, axes, uses) {
  /** @type {Network[]} */
  const chains = [];
  for (const definition of uses.definitions) {
    const found = denseLayer(shown, definition);
    if (!found || count(found.layer.weights.shape) > MOST_EDGES) continue;
    const { layer, source } = found;
    if ([source, layer.net, layer.out].some((each) => each && axes.mixed.has(each.name))) continue;
    const last = chains[chains.length - 1];
    const end = last?.layers[last.layers.length - 1];
    if (end && (end.out ?? end.net) === source && last.layers.length < LAYERS_TOGETHER) last.layers.push(layer);
    else if (!chains.some((chain) => familiesOf(chain).includes(source.name))) chains.push({ input: source, layers: [layer], target: null, error: null, loss: "" });
  }
  for (const chain of chains) addError(shown, uses, chain);
  return chains;
}

/** The error of the outputs and the loss, where they are made of a chain's outputs alone. @param {Structure} shown @param {Uses} uses @param {Network} chain */
function addError(shown, uses, chain) {
  const { out, net } = chain.layers[chain.layers.length - 1];
  const output = out ?? net;
  const [term, ...others] = uses.of(shown.loss);
  if (others.length) return;
  const error = shown.families.get(term);
  const alike = (/** @type {Family | undefined} */ each) => (each && String(each.shape) === String(output.shape) ? each : null);
  if (term === output.name) chain.loss = shown.loss;
  if (!alike(error) || String(uses.of(term)) !== output.name || error?.role !== "value") return;
  const target = uses.given(term).map((name) => shown.families.get(name)).find((each) => each?.role === "target");
  Object.assign(chain, { error, target: alike(target), loss: shown.loss });
}

/** The definitions that are calculated together, step by step: from one that uses a later one up to that. @param {Uses} uses @returns {[number, number][]} */
function stepRanges({ definitions, order, of }) {
  /** @type {[number, number][]} */
  const ranges = [];
  for (const [place, { target }] of definitions.entries()) {
    const end = Math.max(-1, ...of(target).map((each) => Number(order.get(each) ?? -1)));
    if (end < place) continue;
    const last = ranges[ranges.length - 1];
    if (last && place <= last[1]) last[1] = Math.max(last[1], end);
    else ranges.push([place, end]);
  }
  return ranges;
}

/** The letters that a family stands with in a definition's formula, where they are the same everywhere. @param {Definition} definition @param {string} family @returns {string[] | null} */
function lettersOf({ formula }, family) {
  const all = new Set(refsOf(formula).filter((node) => node.name === family).map((node) => String(node.at ?? [])));
  const [only] = all;
  return all.size === 1 && !only.includes("[object") ? only.split(",").filter(Boolean) : null;
}

/** Whether a family is made entry by entry from one other of its layer. @param {Structure} shown @param {Uses} uses @param {Definition} definition */
function isEntryByEntry(shown, uses, definition) {
  const [source, ...others] = uses.of(definition.target);
  const layerOf = (/** @type {string} */ family) => shown.families.get(family)?.layer;
  return source && !others.length && layerOf(source) === layerOf(definition.target) && String(lettersOf(definition, source)) === String(definition.indices);
}

/** What a mean, a variance or a total is one of: a family with more axes, of which it sums up some. @param {Uses} uses @param {Definition} definition @param {Map<string, string>} sums those found before */
function summedBy(uses, definition, sums) {
  const { target, indices, formula } = definition;
  const [whole, ...others] = uses.of(target).filter((each) => !uses.of(target).includes(sums.get(each) ?? ""));
  if (!whole || others.length || ![...nodes(formula)].some(({ op }) => op === "sum" || op === "max")) return null;
  const letters = lettersOf(definition, whole);
  const goesOver = letters && letters.length > indices.length && indices.every((letter) => letters.includes(letter));
  return goesOver && !uses.given(target).length ? whole : null;
}

/** @param {Structure} shown @param {Axes} axes @returns {Part[]} in the order in which they are calculated */
export function partsOf(shown, axes) {
  const uses = usesIn(shown);
  const chains = denseChains(shown, axes, uses);
  const chainOf = new Map(chains.flatMap((chain) => familiesOf(chain).map((family) => [family, chain])));
  const ranges = stepRanges(uses);
  /** @type {Part[]} */
  const parts = [];
  /** @type {Map<string, Part>} */
  const partOf = new Map();
  /** @type {Map<string, Item>} */
  const itemOf = new Map();
  /** @type {Map<string, string>} */
  const sums = new Map();
  const opened = (/** @type {Part["kind"]} */ kind, /** @type {Network | null} */ network = null) => {
    parts.push({ kind, items: [], network, depth: 0, sources: [] });
    return parts[parts.length - 1];
  };
  const put = (/** @type {Part} */ part, /** @type {string} */ family) => {
    const item = { family, given: uses.given(family), sums: [] };
    part.items.push(item);
    itemOf.set(family, item);
    partOf.set(family, part);
  };
  /** Where the last one of a stack is this family. @param {string | undefined} family */
  const stackOn = (family) => {
    const part = partOf.get(family ?? "");
    return part?.kind === "stack" && part.items[part.items.length - 1].family === family ? part : null;
  };

  for (const root of uses.roots) if (!chainOf.has(root)) put(opened("stack"), root);
  for (const [place, definition] of uses.definitions.entries()) {
    const { target } = definition;
    if (!uses.of(target).length) continue;
    const chain = chainOf.get(target);
    const range = ranges.find(([first, last]) => first <= place && place <= last);
    const whole = summedBy(uses, definition, sums);
    if (whole) sums.set(target, whole);
    const brother = [...sums].reverse().find(([each, other]) => other === whole && each !== target)?.[0];
    if (chain) {
      const part = parts.find(({ network }) => network === chain) ?? opened("dense", chain);
      if (target === chain.input.name) part.items.push({ family: target, given: uses.given(target), sums: [] });
      partOf.set(target, part);
    } else if (range) put(partOf.get(uses.definitions[range[0]].target) ?? opened("steps"), target);
    else if (whole && itemOf.has(whole)) {
      itemOf.get(whole)?.sums.push(target);
      partOf.set(target, /** @type {Part} */ (partOf.get(whole)));
    } else if (whole) put(stackOn(brother) ?? opened("stack"), target);
    else put((isEntryByEntry(shown, uses, definition) && stackOn(uses.of(target)[0])) || opened("stack"), target);
  }
  for (const chain of chains) partOf.set(chain.input.name, /** @type {Part} */ (parts.find(({ network }) => network === chain)));
  connect(parts, partOf, uses);
  return parts.sort((a, b) => a.depth - b.depth);
}

/** What each part is made from, and how deep it stands. @param {Part[]} parts @param {Map<string, Part>} partOf @param {Uses} uses */
function connect(parts, partOf, uses) {
  for (const part of parts) {
    const own = [...partOf].filter(([, each]) => each === part).map(([family]) => family);
    part.sources = [...new Set(own.flatMap(uses.of))].filter((family) => partOf.get(family) !== part);
    part.depth = Math.max(0, ...part.sources.map((family) => 1 + Number(partOf.get(family)?.depth)));
  }
}
