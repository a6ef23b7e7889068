// Where everything in the picture goes. Lengths are in CSS pixels of a picture that is not scaled.

import { biasOf } from "./network.js";
import { keyOf, scalar } from "./names.js";

/** @typedef {{ x: number, y: number, w: number, h: number }} Box its middle and its size */
/** @typedef {Box & { kind: "input" | "neuron" | "error" | "total" | "pill", keys: Record<string, string>, badge: string, line?: Line }} Unit */
/** @typedef {{ x1: number, y1: number, x2: number, y2: number }} Line */
/** @typedef {Box & { angle: number }} Label */
/** @typedef {Line & { key: string, from: string, to: string, label: Label | null }} Edge */
/** @typedef {{ width: number, height: number, units: Unit[], edges: Edge[], links: (Line & { from: string, to: string })[], titles: { x: number, y: number, layer: string, anchor: string }[] }} Plan */
/** @typedef {{ full: boolean, upright: boolean, sample: number, calculated?: boolean }} How in full or small, from top to bottom, of which sample; and whether what it takes in is calculated too */

const NEURON = { w: 176, h: 68 };
const INPUT = { w: 96, h: 48 };
const SOURCE = { w: 112, h: 68 };
const ERROR = { w: 112, h: 48 };
const PILL = { h: 24 };
const SPOT = { w: 34, h: 34 };
const LABEL = { w: 96, h: 36 };

/**
 * The plan of a network: from left to right, or for a narrow page from top to bottom.
 * @param {import("./network.js").Network} network @param {How} how
 * @returns {Plan}
 */
export function planned(network, how) {
  for (const room of how.full ? [0, 30, 60, 100, 150] : [0]) {
    const plan = planWith(network, how, room);
    if (!how.full || plan.edges.every((edge) => edge.label) || room === 150) return plan;
  }
  throw new Error("unreachable");
}

/** @param {import("./network.js").Network} network @param {How} how @param {number} room @returns {Plan} */
function planWith(network, { full, upright, sample, calculated }, room) {
  const n = sample;
  const at = (/** @type {string} */ family, /** @type {number} */ place) => keyOf(scalar(family, [n, place]));
  /** @type {{ units: Omit<Unit, "x"|"y">[], size: {w: number, h: number} }[]} */
  const columns = [];
  const column = (/** @type {Omit<Unit, "x"|"y">[]} */ units) => columns.push({ units, size: { w: Math.max(...units.map((unit) => unit.w)), h: Math.max(...units.map((unit) => unit.h)) } });
  const range = (/** @type {number} */ size) => [...Array(size).keys()];
  column(range(network.input.shape[1]).map((place) => {
    const value = at(network.input.name, place);
    const back = at(`d_${network.input.name}`, place);
    return /** @type {Omit<Unit, "x"|"y">} */ (calculated ? { kind: "neuron", ...SOURCE, badge: "neuron", keys: { net: value, out: value, delta: back, back } } : { kind: "input", ...(full ? INPUT : SPOT), badge: "value", keys: { value } });
  }));
  for (const layer of network.layers) {
    column(range(layer.net.shape[1]).map((place) => {
      const out = layer.out ?? layer.net;
      return { kind: "neuron", ...(full ? NEURON : SPOT), badge: "neuron", keys: { net: at(layer.net.name, place), out: at(out.name, place), delta: at(`d_${layer.net.name}`, place), back: at(`d_${out.name}`, place) } };
    }));
  }
  if (network.error) column(range(network.error.shape[1]).map((place) => ({ kind: "error", ...(full ? ERROR : SPOT), badge: "value", keys: { value: at(/** @type {any} */ (network.error).name, place), back: at(`d_${/** @type {any} */ (network.error).name}`, place) } })));
  if (network.loss) column([{ kind: "total", ...(full ? ERROR : { w: 84, h: 40 }), badge: "value", keys: { value: `${network.loss}:` } }]);

  const along = full ? (upright ? [124, 124] : [176, 204]) : upright ? [96, 110] : [150, 170];
  const across = full ? (upright ? 28 : 96 + room) : upright ? 10 : 12;
  const pills = full && network.layers.some((layer) => layer.bias);
  const head = upright ? 26 : 44;
  const deep = columns.map(({ size }) => (upright ? size.h : size.w));
  const margin = upright ? 14 : 12;
  let place = upright ? head + deep[0] / 2 : margin + deep[0] / 2;
  const depth = [place];
  for (let next = 1; next < columns.length; next += 1) {
    const isError = next > network.layers.length;
    const gap = isError ? (upright ? (next === network.layers.length + 1 && network.target && full ? 66 : 40) : 44) : along[Math.min(next - 1, 1)] + (upright ? room : room / 3);
    place += deep[next - 1] / 2 + gap + deep[next] / 2;
    depth.push(place);
  }
  const wide = columns.map(({ units }) => units.reduce((sum, unit) => sum + (upright ? unit.w : unit.h), 0) + across * (units.length - 1));
  const breadth = Math.max(...wide) + (upright ? 2 * margin : head + (pills ? 34 : 8) + 22);
  /** @type {Unit[]} */
  const units = [];
  const placed = columns.map(({ units: inColumn }, number) => {
    const spread = upright ? (Math.max(...wide) + across) / inColumn.length : 0;
    let start = upright ? (breadth - Math.max(...wide) - across) / 2 + (spread - inColumn[0].w) / 2 : head + (pills ? 34 : 8) + (Math.max(...wide) - wide[number]) / 2;
    return inColumn.map((unit) => {
      const size = upright ? unit.w : unit.h;
      const middle = start + size / 2;
      start += upright ? spread : size + across;
      const whole = /** @type {Unit} */ ({ ...unit, x: upright ? middle : depth[number], y: upright ? depth[number] : middle });
      units.push(whole);
      return whole;
    });
  });
  const whole = depth[depth.length - 1] + deep[deep.length - 1] / 2 + margin;
  if (full) units.push(...pillsOf(network, placed, upright, n));

  const titles = placed.slice(0, network.layers.length + 1).map((_, layer) =>
    ({ layer: layer ? network.layers[layer - 1].name : calculated ? network.input.layer : "", ...(upright ? { x: margin, y: depth[layer] - deep[layer] / 2 - (layer && pills ? 54 : 10), anchor: "start" } : { x: depth[layer], y: 16, anchor: "middle" }) }),
  );
  /** @type {Unit[]} */
  const obstacles = upright ? [...units, ...titles.map(({ x, y }) => ({ x: x + 50, y: y - 4, w: 104, h: 18, kind: /** @type {"pill"} */ ("pill"), keys: {}, badge: "" }))] : units;

  /** @type {Edge[]} */
  const edges = [];
  network.layers.forEach((layer, number) => {
    const inGap = placed[number + 1].flatMap((to, row) =>
      placed[number].map((from, col) => ({ key: keyOf(scalar(layer.weights.name, [row, col])), from: from.keys.out ?? from.keys.value, to: to.keys.net, ...between(from, to, upright), label: null })),
    );
    edges.push(...(full ? labelled(inGap, obstacles, upright) : inGap));
  });
  const links = [];
  const errors = network.error ? placed[network.layers.length + 1] : [];
  for (const [row, from] of network.loss ? placed[network.layers.length].entries() : []) {
    const to = errors[row] ?? placed[placed.length - 1][0];
    links.push({ from: from.keys.out, to: to.keys.value, ...between(from, to, upright) });
  }
  for (const from of errors) links.push({ from: from.keys.value, to: `${network.loss}:`, ...between(from, placed[placed.length - 1][0], upright) });
  return upright ? { width: breadth, height: whole, units, edges, links, titles } : { width: whole, height: breadth, units, edges, links, titles };
}

/** The biases and targets, small beside what they go into. @param {import("./network.js").Network} network @param {Unit[][]} placed @param {boolean} upright @param {number} n @returns {Unit[]} */
function pillsOf(network, placed, upright, n) {
  /** @type {Unit[]} */
  const found = [];
  network.layers.forEach((layer, number) => {
    placed[number + 1].forEach((unit, row) => {
      const bias = biasOf(layer, row);
      if (!bias) return;
      const x = upright ? unit.x - unit.w / 2 + 44 : unit.x - unit.w / 4;
      const y = unit.y - unit.h / 2 - 34;
      found.push({ kind: "pill", x, y, w: 84, ...PILL, badge: "", keys: { value: keyOf(bias), into: unit.keys.net }, line: { x1: x, y1: y + 12, x2: x, y2: unit.y - unit.h / 2 } });
    });
  });
  const { target } = network;
  if (target && network.error) {
    placed[network.layers.length + 1].forEach((unit, row) => {
      const y = unit.y - unit.h / 2 - 34;
      found.push({ kind: "pill", x: unit.x + (upright ? 14 : 0), y, w: 118, ...PILL, badge: "", keys: { value: keyOf(scalar(target.name, [n, row])), into: unit.keys.value }, line: { x1: unit.x + (upright ? 14 : 0), y1: y + 12, x2: unit.x + (upright ? 14 : 0), y2: unit.y - unit.h / 2 } });
    });
  }
  return found;
}

/** @param {Box} from @param {Box} to @param {boolean} upright @returns {Line} */
const between = (from, to, upright) =>
  upright ? { x1: from.x, y1: from.y + from.h / 2, x2: to.x, y2: to.y - to.h / 2 } : { x1: from.x + from.w / 2, y1: from.y, x2: to.x - to.w / 2, y2: to.y };

/** Lines with their labels, each where it is farthest from everything else; null where there is no room. @param {Edge[]} edges @param {Unit[]} units @param {boolean} upright @returns {Edge[]} */
function labelled(edges, units, upright) {
  const shares = [...Array(16).keys()].map((step) => 0.2 + step * 0.04);
  /** @type {{ least: number, labels: Label[] }} */
  let best = { least: 2, labels: [] };
  for (const share of shares) {
    const labels = edges.map((edge) => labelOn(edge, share, upright));
    const least = Math.min(...labels.map((label, place) => clearance(label, place, labels, edges, units)));
    if (least > best.least) best = { least, labels };
    if (least >= 8) break;
  }
  if (best.labels.length) return edges.map((edge, place) => ({ ...edge, label: best.labels[place] }));
  const found = searched(edges, units, shares.map((share) => edges.map((edge) => labelOn(edge, share, upright))));
  if (found) return edges.map((edge, place) => ({ ...edge, label: found[place] }));
  /** @type {Label[]} */
  const placed = [];
  return edges.map((edge, place) => {
    const choices = shares.map((share) => labelOn(edge, share, upright)).map((label) => ({ label, room: clearance(label, place, [...placed, label], edges, units, placed.length) }));
    const found = choices.reduce((a, b) => (b.room > a.room ? b : a));
    placed.push(found.label);
    return { ...edge, label: found.room > 0.5 ? found.label : null };
  });
}

/** A place for each label, found by trying: as far apart as can be, within some patience. @param {Edge[]} edges @param {Unit[]} units @param {Label[][]} choices by share, then by edge @returns {Label[] | null} */
function searched(edges, units, choices) {
  const rooms = edges.map((_, place) => choices.map((labels) => clearance(labels[place], place, [], edges, units)));
  const outlines = choices.map((labels) => labels.map(cornersOf));
  for (const least of [9, 6, 3, 1]) {
    const free = rooms.map((room) => choices.map((_, share) => share).filter((share) => room[share] >= least).sort((a, b) => room[b] - room[a]));
    const order = edges.map((_, place) => place).sort((a, b) => free[a].length - free[b].length);
    /** @type {number[]} */
    const taken = [];
    let patience = 4000;
    const place = (/** @type {number} */ depth) => {
      if (depth === order.length) return true;
      for (const share of free[order[depth]]) {
        if ((patience -= 1) < 0) return false;
        const fits = taken.every((other, before) => apart(outlines[share][order[depth]], outlines[other][order[before]]) >= least);
        if (!fits) continue;
        taken.push(share);
        if (place(depth + 1)) return true;
        taken.pop();
      }
      return false;
    };
    if (place(0)) return edges.map((_, edge) => choices[taken[order.indexOf(edge)]][edge]);
  }
  return null;
}

/** @param {Line} line @param {number} share @param {boolean} upright @returns {Label} */
function labelOn(line, share, upright) {
  const [dx, dy] = [line.x2 - line.x1, line.y2 - line.y1];
  const angle = upright ? 0 : (Math.atan2(dy, dx) * 180) / Math.PI;
  return { x: line.x1 + share * dx, y: line.y1 + share * dy, w: upright ? 84 : LABEL.w, h: LABEL.h, angle };
}

/** @param {Label} label @param {number} place @param {Label[]} labels @param {Edge[]} edges @param {Unit[]} units @param {number} [own] its place among the labels */
function clearance(label, place, labels, edges, units, own = place) {
  const line = edges[place];
  const reach = label.angle || line.y1 === line.y2 ? label.w / 2 : label.h / 2;
  if (Math.min(Math.hypot(line.x1 - label.x, line.y1 - label.y), Math.hypot(line.x2 - label.x, line.y2 - label.y)) < reach + 8) return 0;
  let least = Infinity;
  const outline = cornersOf(label);
  edges.forEach((other, number) => {
    if (number !== place) least = Math.min(least, toLine(outline, other));
  });
  labels.forEach((other, number) => {
    if (number !== own) least = Math.min(least, apart(outline, cornersOf(other)));
  });
  for (const unit of units) least = Math.min(least, apart(outline, cornersOf({ ...unit, angle: 0 })));
  return least;
}

/** @typedef {[number, number][]} Outline */

/** @param {Label} label @returns {Outline} */
function cornersOf({ x, y, w, h, angle }) {
  const [c, s] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  return [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([a, b]) => [x + (a * w * c - b * h * s) / 2, y + (a * w * s + b * h * c) / 2]);
}

/** How far two convex outlines are apart along the best of their sides' directions; 0 where they meet. @param {Outline} a @param {Outline} b */
function apart(a, b) {
  let most = 0;
  for (const [first, second] of [[a, b], [b, a]]) {
    for (let side = 0; side < first.length; side += 1) {
      const [p, q] = [first[side], first[(side + 1) % first.length]];
      const length = Math.hypot(q[0] - p[0], q[1] - p[1]);
      if (!length) continue;
      const normal = [(q[1] - p[1]) / length, (p[0] - q[0]) / length];
      const on = (/** @type {Outline} */ each) => each.map(([x, y]) => x * normal[0] + y * normal[1]);
      most = Math.max(most, Math.min(...on(second)) - Math.max(...on(first)), Math.min(...on(first)) - Math.max(...on(second)));
    }
  }
  return most;
}

/** @param {Outline} outline @param {Line} line */
const toLine = (outline, line) => apart(outline, [[line.x1, line.y1], [line.x2, line.y2]]);
