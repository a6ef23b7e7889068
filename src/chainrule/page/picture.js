// The network as a picture: every weight on its own line, forward values in one colour, backward values in another.

import { toNumber } from "./arithmetic.js";
import { gridElement } from "./cells.js";
import { numberOf, textOf } from "./derive.js";
import { h, s, setAttribute, setText } from "./dom.js";
import { numberText } from "./format.js";
import { handlesWith } from "./handles.js";
import { captionOf, forgetSizes, known, largest, placeName, setNumber, shortOf, spell } from "./lettering.js";
import { familyOf, hasDelta, keyOf, nameOf, scalarOf, shortened, spokenOf } from "./names.js";

/** @typedef {import("./derive.js").Shown} Shown */
/** @typedef {import("./layout.js").Plan} Plan */
/** @typedef {import("./arrange.js").Picture} Picture */
/**
 * @typedef {object} Look
 * @property {Shown} shown
 * @property {(key: string) => boolean} visible whether a number may be seen yet
 * @property {string} selected a key
 * @property {Set<string>} lit the links that a gradient passed, `key of|key by`, and keys of quantities
 * @property {Set<string>} near what stands in the formula of the number chosen
 * @property {(key: string) => boolean} idle whether no formula uses a number, or nothing goes into it
 * @property {Record<string, string[]>} words what each axis of a family counts
 * @property {boolean} backward whether derivatives are shown
 * @property {boolean} derivatives whether squares are those of the derivatives
 * @property {boolean} updated whether the new weights are shown
 * @property {Record<string, string>} titles of the layers by name; of the inputs by an empty one
 */
/** @typedef {{ full: boolean, upright: boolean }} How in full or small, from top to bottom or from left to right */

const NOTE_LETTER = 6.4; // pixels
const HINT = "Click a number to see where it comes from. Drag a weight, an input or a target to change it.";
const CELLS_HINT = "Click a number to see where it comes from, and again for its derivative. Drag a given one to change it.";

/** A picture in an element. @param {HTMLElement} host @param {import("./handles.js").Actions} actions */
export function picture(host, actions) {
  let made = "";
  /** @type {((look: Look) => void)[]} */
  let updates = [];
  /** @type {Set<string>} */
  let passed = new Set(); // the links that are lit, between numbers and between families
  let [hint, whole] = [HINT, false];
  /** @type {any} */
  let svg = null;
  const readout = h("p", { class: "readout", "aria-hidden": "true" }); // for the eye: a screen reader says the label itself
  const handles = handlesWith(actions, readout, () => hint);
  const { reachable, draggable } = handles;

  /** @param {Plan | Picture} plan @param {How} how */
  function build(plan, how) {
    updates = [];
    whole = "blocks" in plan && plan.whole;
    hint = "blocks" in plan ? CELLS_HINT : HINT;
    setText(readout, hint);
    const said = "blocks" in plan ? "The network: the numbers of each layer as grids, in the order in which they are calculated" : "The network: each weight on its line, each neuron with its net input and its output";
    svg = s("svg", { viewBox: `0 0 ${Math.ceil(plan.width)} ${Math.ceil(plan.height)}`, class: `network ${how.full ? "full" : "lines"}`, role: "group", "aria-label": said });
    svg.style.maxWidth = `${Math.ceil(plan.width * ("blocks" in plan ? 1.1 : 1.3))}px`;
    svg.style.minWidth = `${Math.ceil(plan.width * ("blocks" in plan ? 0.72 : 0.6))}px`;
    addTitles(plan);
    if ("blocks" in plan) addBlocks(plan, how);
    else addLayers(plan, how);
    // Labels last, so that no line crosses them.
    for (const label of svg.querySelectorAll(".label")) svg.append(label);
  }

  /** @param {Plan} plan */
  function addTitles(plan) {
    for (const title of plan.titles) {
      const text = s("text", { class: "title", "aria-hidden": "true", x: title.x, y: title.y, "text-anchor": title.anchor });
      svg.append(text);
      updates.push(({ titles }) => setText(text, shortened(titles[title.layer] ?? "").slice(0, 44)));
    }
  }

  /** Neurons and edges, in the order of the forward pass, which is the order of the tab key. @param {Plan} plan @param {How} how */
  function addLayers(plan, { full, upright }) {
    const pieces = [
      ...plan.links.map((link) => ({ at: upright ? link.y1 : link.x1, make: () => linkOf(link) })),
      ...plan.units.map((unit) => ({ at: upright ? unit.y - unit.h / 2 : unit.x - unit.w / 2, make: () => (full || unit.kind === "total" ? unitOf(unit) : spotOf(unit)) })),
      ...plan.edges.map((edge) => ({ at: upright ? edge.y1 : edge.x1, make: () => edgeOf(edge) })),
    ];
    for (const { make } of pieces.sort((a, b) => a.at - b.at)) svg.append(make());
  }

  /** Grids with the arrows between them, and the dense layers among them. @param {Picture} plan @param {How} how */
  function addBlocks({ blocks, arrows, notes }, how) {
    for (const arrow of [...arrows, ...blocks.flatMap((block) => block.arrows)]) svg.append(arrowOf(arrow));
    for (const { x, y, sources, before, room } of notes) {
      const text = s("text", { class: "note", "aria-hidden": "true", x, y });
      const listed = (/** @type {Shown} */ shown, /** @type {string[]} */ names) => names.map((name) => Object.values(captionOf(shown, name)).filter(Boolean).join("_")).join(", ");
      updates.push(({ shown }) => {
        const said = [sources.length && `from ${listed(shown, sources)}`, before.length && `with ${listed(shown, before)} of the step before`].filter(Boolean).join("; ");
        const most = Math.floor(room / NOTE_LETTER);
        setText(text, said.length > most ? `${said.slice(0, most - 1)}…` : said);
      });
      svg.append(text);
    }
    for (const { boxes, dense } of blocks) {
      for (const box of boxes) svg.append(gridElement(box, { handles, updates }));
      if (!dense) continue;
      addTitles(dense);
      addLayers(dense, { ...how, full: true });
    }
  }

  /** From a family to one that is made of it; lit where a number chosen came that way. @param {import("./blocks.js").Arrow} arrow */
  function arrowOf({ x1, y1, x2, y2, of, by, from, to, down }) {
    const bend = (to - from) / 2;
    const line = down ? `M${x1} ${y1}V${y2}` : `M${x1} ${y1}H${from}C${from + bend} ${y1} ${to - bend} ${y2} ${to} ${y2}H${x2}`;
    const head = down ? `m-3.5 -5l3.5 5l3.5 -5` : `m-5 -3.5l5 3.5l-5 3.5`;
    const path = s("path", { class: "link arrow", d: line + head });
    updates.push(() => path.classList.toggle("lit", by.some((each) => passed.has(`${of}|${each}`))));
    return path;
  }

  /** @param {import("./layout.js").Line & { from: string, to: string }} link */
  function linkOf({ from, to, ...ends }) {
    const line = s("line", { class: "link", ...ends });
    updates.push(({ lit }) => line.classList.toggle("lit", lit.has(`${to}|${from}`)));
    return line;
  }

  /** @param {import("./layout.js").Edge} edge */
  function edgeOf(edge) {
    const { x1, y1, x2, y2, key, label } = edge;
    const line = s("line", { class: "edge", x1, y1, x2, y2 });
    const group = s("g", { class: "pick weight", role: "button", tabindex: 0, "data-key": key }, s("line", { class: "hit", x1, y1, x2, y2 }), line);
    reachable(group, () => key);
    draggable(group, key);
    let [forward, back, paper] = /** @type {any[]} */ ([null, null, null]);
    if (label) {
      [forward, back] = [s("text", { class: "forward", y: -4, "text-anchor": "middle" }), s("text", { class: "backward", y: 14, "text-anchor": "middle" })];
      paper = s("rect", { class: "paper", x: -label.w / 2, y: -label.h / 2 - 1, width: label.w, height: label.h + 2, rx: 6 });
      const turned = s("g", { class: "label pick", "aria-hidden": "true", "data-key": key, transform: `translate(${label.x.toFixed(1)} ${label.y.toFixed(1)}) rotate(${label.angle.toFixed(1)})` }, paper, forward, back);
      turned.addEventListener("click", () => handles.pick(key));
      draggable(turned, key);
      group.append(turned);
      updates.push(({ selected }) => turned.classList.toggle("selected", selected === key || selected === `d_${key}`));
    }
    const weight = scalarOf(key);
    const gradient = `d_${key}`;
    updates.push((look) => {
      const { shown, lit, visible, selected } = look;
      const value = toNumber(numberOf(shown, weight));
      const most = largest(shown, weight.family);
      const link = lit.has(`${edge.to}|${edge.from}`);
      const own = lit.has(`${edge.to}|${key}`);
      setAttribute(line, "stroke-width", (1 + 4.5 * (most ? Math.abs(value) / most : 0)).toFixed(2));
      group.classList.toggle("negative", value < 0);
      group.classList.toggle("lit", link || own);
      group.classList.toggle("selected", selected === key || selected === gradient);
      const next = look.updated && known(shown, `${weight.family}_next:`) && visible(keyOf({ ...weight, family: `${weight.family}_next` }));
      const back1 = look.backward && known(shown, gradient) && visible(gradient);
      if (label) {
        spellNumber(forward, shown, key);
        if (next) setNumber(back, shown, keyOf({ ...weight, family: `${weight.family}_next` }), "→ ");
        else setNumber(back, shown, back1 ? gradient : null, "∂ ");
        back.classList.toggle("updated", Boolean(next));
        const two = back1 || next;
        setAttribute(paper, "height", two ? label.h + 2 : 21);
        setAttribute(paper, "y", two ? -label.h / 2 - 1 : -11);
        setAttribute(forward, "y", two ? -4 : 4.5);
      }
      const said = `${spokenOf(shown, weight)} = ${numberText(textOf(shown, weight))}, from ${placeName(shown, edge.from)} to ${placeName(shown, edge.to)}`;
      setAttribute(group, "aria-label", back1 ? `${said}; ${spokenOf(shown, scalarOf(gradient))} = ${shortOf(shown, gradient)}` : said);
    });
    return group;
  }

  /** @param {Element} text @param {Shown} shown @param {string} key */
  function spellNumber(text, shown, key) {
    const short = shortOf(shown, key);
    if (text.lastElementChild?.textContent === short) return;
    spell(text, shown, key);
    const lowered = text.children.length > 1;
    text.append(s("tspan", lowered ? { dy: -4 } : {}, " = "), s("tspan", { class: "number", "data-quantity": nameOf(shown, scalarOf(key)) }, short));
  }

  /** @param {import("./layout.js").Unit} unit */
  function unitOf(unit) {
    const { x, y, w, h: high, kind, keys } = unit;
    const group = s("g", { class: `unit ${kind}` });
    if (unit.line) group.append(s("line", { class: "stem", ...unit.line }));
    const left = x - w / 2;
    const top = y - high / 2;
    const half = (/** @type {string} */ key, /** @type {number} */ from, /** @type {number} */ wide, /** @type {string} */ caption, /** @type {string} */ back) => {
      const middle = from + wide / 2;
      const two = kind === "neuron";
      const number = s("text", { class: "forward", x: middle, y: two ? y + 3 : kind === "pill" ? y + 4.5 : y + 9, "text-anchor": "middle" });
      const under = two ? s("text", { class: "backward", x: middle, y: y + 23, "text-anchor": "middle" }) : null;
      const part = s("g", { class: "pick", role: "button", tabindex: 0, "data-key": key }, s("path", { class: "half", d: rounding(from, top, wide, high, kind === "pill" ? 12 : 14, wide === w ? "both" : from === left ? "left" : "right") }), two && wide < w ? s("text", { class: "caption", x: middle, y: y - 15, "text-anchor": "middle" }, caption) : null, number, under);
      reachable(part, () => key);
      under?.addEventListener("click", (/** @type {Event} */ event) => {
        event.stopPropagation();
        actions.pick(back);
      });
      updates.push((look) => {
        const { shown, visible, selected, lit } = look;
        const see = visible(key);
        if (kind === "pill") spellNumber(number, shown, key);
        else if (see) setNumber(number, shown, key);
        else setNumber(number, shown, null, "", "?");
        const backSeen = Boolean(back) && look.backward && known(shown, back) && visible(back);
        if (under) setNumber(under, shown, backSeen ? back : null, back && known(shown, back) && hasDelta(shown, familyOf(shown, scalarOf(back).family)) ? "δ " : "∂ ");
        part.classList.toggle("selected", selected === key || selected === back);
        part.classList.toggle("lit", lit.has(key));
        part.classList.toggle("unseen", !see);
        const said = `${spokenOf(shown, scalarOf(key))} ${see ? `= ${shortOf(shown, key)}` : "is not calculated yet"}`;
        setAttribute(part, "aria-label", backSeen ? `${said}; ${spokenOf(shown, scalarOf(back))} = ${shortOf(shown, back)}` : said);
      });
      return part;
    };
    if (kind === "neuron" && keys.net !== keys.out) {
      group.append(half(keys.net, left, w / 2, "net", keys.delta), half(keys.out, left + w / 2, w / 2, "out", keys.back));
      group.append(s("line", { class: "divider", x1: x, y1: top + 8, x2: x, y2: top + high - 8 }));
    } else {
      const part = half(keys.value ?? keys.net, left, w, /^net_/.test(keys.net) ? "net" : "out", keys.delta ?? keys.back);
      if (kind === "input" || kind === "pill") draggable(part, keys.value);
      group.append(part);
    }
    group.append(s("rect", { class: "outline", x: left, y: top, width: w, height: high, rx: kind === "pill" ? 12 : 14 }));
    if (kind !== "pill") group.append(badgeOf(unit, x, top));
    return group;
  }

  /** The name on the border. @param {import("./layout.js").Unit} unit @param {number} x @param {number} y */
  function badgeOf(unit, x, y) {
    const key = unit.keys.net ?? unit.keys.value;
    const text = s("text", { class: "badge", x, y: y + 5, "text-anchor": "middle" });
    const paper = s("rect", { class: "badge-paper", rx: 9, height: 20, y: y - 10 });
    let before = "";
    updates.push(({ shown }) => {
      const name = spokenOf(shown, scalarOf(key));
      if (name === before) return;
      before = name;
      spell(text, shown, key, /^(net|out)$/);
      const wide = Math.min(unit.w - 24, 14 + 8.2 * (text.textContent ?? "").length);
      setAttribute(paper, "width", wide);
      setAttribute(paper, "x", x - wide / 2);
    });
    return s("g", { class: "badge-group", "aria-hidden": "true" }, paper, text);
  }

  /** A neuron of a larger network: its colour says its value. @param {import("./layout.js").Unit} unit */
  function spotOf(unit) {
    const key = unit.keys.out ?? unit.keys.value;
    const spot = s("circle", { cx: unit.x, cy: unit.y, r: unit.w / 2, class: "spot" });
    const text = s("text", { x: unit.x, y: unit.y + 4, "text-anchor": "middle", class: "spot-name" });
    const group = s("g", { class: "pick", role: "button", tabindex: 0, "data-key": key }, spot, text);
    reachable(group, () => key);
    updates.push((look) => {
      const { shown, visible, selected, lit } = look;
      const each = scalarOf(key);
      const value = toNumber(numberOf(shown, each));
      const most = largest(shown, each.family);
      setAttribute(spot, "fill-opacity", visible(key) && most ? (0.08 + 0.6 * (Math.abs(value) / most)).toFixed(3) : "0.05");
      spot.classList.toggle("negative", value < 0);
      if (!text.firstChild) spell(text, shown, unit.keys.net ?? key, /^(net|out)$/);
      group.classList.toggle("selected", selected === key || selected === unit.keys.net);
      group.classList.toggle("lit", lit.has(key));
      setAttribute(group, "aria-label", `${spokenOf(shown, each)} ${visible(key) ? `= ${shortOf(shown, key)}` : "is not calculated yet"}`);
    });
    return group;
  }

  /** @param {Look} look @param {How & { planned: () => Plan | Picture, structure: unknown }} how what is planned anew where its structure is another */
  function update(look, { planned, structure, ...how }) {
    const now = JSON.stringify([how, structure, [...look.shown.families.values()].map(({ name, shape }) => [name, shape])]);
    if (now !== made) {
      made = now;
      build(planned(), how);
      host.replaceChildren(svg, readout);
    }
    forgetSizes();
    passed = withFamilies(look.lit);
    svg.classList.toggle("traced", look.lit.size > 0);
    for (const each of updates) each(look);
  }
  return { update, get allSamples() { return whole; }, get squares() { return Boolean(svg?.querySelector(".small")); }, get svg() { return svg; }, clear: () => { made = ""; host.replaceChildren(); } };
}

/** A box with round corners on one side or on both. @param {number} x @param {number} y @param {number} w @param {number} h @param {number} r @param {"left" | "right" | "both"} side */
function rounding(x, y, w, h, r, side) {
  const [a, b] = [side === "right" ? 0 : r, side === "left" ? 0 : r];
  return `M${x + a} ${y}H${x + w - b}a${b} ${b} 0 0 1 ${b} ${b}V${y + h - b}a${b} ${b} 0 0 1 ${-b} ${b}H${x + a}a${a} ${a} 0 0 1 ${-a} ${-a}V${y + a}a${a} ${a} 0 0 1 ${a} ${-a}z`;
}

/** Links between numbers, and those between their families. @param {Set<string>} lit */
function withFamilies(lit) {
  /** @type {Set<string>} */
  const found = new Set();
  for (const link of lit) {
    const [of, by] = link.split("|");
    if (!by) continue;
    const [upper, lower] = [of, by].map((key) => key.slice(0, key.lastIndexOf(":")));
    for (const each of [link, `${upper}|${by}`, `${of}|${lower}`, `${upper}|${lower}`]) found.add(each);
  }
  return found;
}
