// The network as a picture: every weight on its own line, forward values in one colour, backward values in another.

import { h, s, setAttribute, setText } from "./dom.js";
import { numberText, rounded } from "./format.js";
import { toNumber } from "./arithmetic.js";
import { keyOf, nameOf, piecesOf, scalarOf, shortened, spokenOf, symbolOf } from "./names.js";
import { numberOf, textOf } from "./derive.js";
import { planned } from "./layout.js";

/** @typedef {import("./derive.js").Shown} Shown */
/** @typedef {import("./layout.js").Plan} Plan */
/**
 * @typedef {object} Look
 * @property {Shown} shown
 * @property {import("./network.js").Network} network
 * @property {number} sample
 * @property {(key: string) => boolean} visible whether a number may be seen yet
 * @property {string} selected a key
 * @property {Set<string>} lit the links that a gradient passed, `key of|key by`, and keys of quantities
 * @property {boolean} backward whether derivatives are shown
 * @property {boolean} updated whether the new weights are shown
 * @property {string[]} titles
 */

const DIGITS = 4;
const HINT = "Click a number to see where it comes from. Drag a weight, an input or a target to change it.";
const TINY = 1e-4; // below, a power of ten takes less room

/** A number as it fits into the picture. @param {Shown} shown @param {string} key */
function shortOf(shown, key) {
  const each = scalarOf(key);
  const text = textOf(shown, each);
  if (text.length <= 7) return numberText(text);
  const value = numberOf(shown, each);
  if (Math.abs(toNumber(value)) < TINY) return numberText(toNumber(value).toExponential(2).replace("e", "E"));
  const short = rounded(value, DIGITS);
  return numberText(short.length <= 8 ? short : rounded(value, DIGITS - 1));
}

/** Set an element to a number of the picture with what stands before it; the number alone bears its name. @param {Element} element @param {Shown} shown @param {string | null} key @param {string} [before] @param {string} [otherwise] */
function setNumber(element, shown, key, before = "", otherwise = "") {
  if (!key) {
    setText(element, otherwise);
    return;
  }
  if (!element.firstElementChild) element.replaceChildren(before, s("tspan", { class: "number" }));
  const number = /** @type {Element} */ (element.firstElementChild);
  setText(/** @type {Node} */ (element.firstChild), before);
  setText(number, shortOf(shown, key));
  setAttribute(number, "data-quantity", nameOf(shown, scalarOf(key)));
}

/** @param {Shown} shown @param {string} key */
const known = (shown, key) => shown.ledger[key.slice(0, key.lastIndexOf(":"))] !== undefined;

/** A name as text with its index set lower. @param {Element} text @param {Shown} shown @param {string} key @param {RegExp} [without] a part of the name that is left out */
function spell(text, shown, key, without = /^$/) {
  const symbol = symbolOf(shown, scalarOf(key));
  const { base, subscript } = piecesOf("by" in symbol ? symbol.by : symbol);
  const plain = without.test(base) && subscript;
  text.replaceChildren();
  const [, head, rest] = plain ? /** @type {string[]} */ (/^(\D*)(.*)$/su.exec(subscript)) : ["", base, subscript];
  text.append(s("tspan", { "font-style": "italic" }, shortened(head).slice(0, 18)));
  const low = rest.slice(0, 14); // which sample is shown is said beside the picture
  if (low) text.append(s("tspan", { dy: 4, "font-size": "0.75em" }, low));
}

/**
 * A picture in an element. `pick` is told what was clicked, `drag` how far a given number was dragged.
 * @param {HTMLElement} host
 * `nudge` by how many steps an arrow key changes it.
 * @param {{ pick: (key: string) => void, drag: (key: string, steps: number, done: boolean) => void, nudge: (key: string, steps: number) => void }} actions
 */
export function picture(host, actions) {
  let made = "";
  /** @type {((look: Look) => void)[]} */
  let updates = [];
  /** @type {any} */
  let svg = null;
  const readout = h("p", { class: "readout", "aria-hidden": "true" }, HINT); // for the eye: a screen reader says the label itself

  /** @param {any} group @param {() => string} key */
  function reachable(group, key) {
    group.addEventListener("click", () => !dragged && actions.pick(key()));
    group.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      actions.pick(key());
    });
    for (const kind of ["pointerleave", "blur"]) group.addEventListener(kind, () => setText(readout, HINT));
    for (const kind of ["pointerenter", "focus"]) group.addEventListener(kind, () => setText(readout, group.getAttribute("aria-label") ?? ""));
  }
  let dragged = false;
  /** @param {any} group @param {string} key */
  function draggable(group, key) {
    group.classList.add("given");
    group.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      event.preventDefault();
      actions.nudge(key, event.key === "ArrowUp" ? 1 : -1);
    });
    group.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      dragged = false;
      if (event.pointerType !== "mouse" || event.button) return;
      event.preventDefault();
      group.focus({ preventScroll: true });
      const start = event.clientX;
      let steps = 0;
      const move = (/** @type {PointerEvent} */ next) => {
        const now = Math.round((next.clientX - start) / 4);
        if (now === steps) return;
        dragged = true;
        actions.drag(key, now - steps, false);
        steps = now;
      };
      const up = () => {
        removeEventListener("pointermove", move);
        removeEventListener("pointerup", up);
        if (dragged) actions.drag(key, 0, true);
        setTimeout(() => (dragged = false));
      };
      addEventListener("pointermove", move);
      addEventListener("pointerup", up);
    });
  }

  /** @param {Plan} plan @param {{ full: boolean, upright: boolean }} how */
  function build(plan, { full, upright }) {
    updates = [];
    svg = s("svg", { viewBox: `0 0 ${Math.ceil(plan.width)} ${Math.ceil(plan.height)}`, class: `network ${full ? "full" : "lines"}`, role: "group", "aria-label": "The network: each weight on its line, each neuron with its net input and its output" });
    svg.style.maxWidth = `${Math.ceil(plan.width * 1.3)}px`;
    svg.style.minWidth = `${Math.ceil(plan.width * 0.6)}px`;
    for (const title of plan.titles) {
      const text = s("text", { class: "title", "aria-hidden": "true", x: title.x, y: title.y, "text-anchor": title.anchor });
      svg.append(text);
      updates.push(({ titles }) => setText(text, shortened(titles[title.layer] ?? "").slice(0, 44)));
    }
    // In the order of the forward pass, which is the order of the tab key.
    const pieces = [
      ...plan.links.map((link) => ({ at: upright ? link.y1 : link.x1, make: () => linkOf(link) })),
      ...plan.units.map((unit) => ({ at: upright ? unit.y - unit.h / 2 : unit.x - unit.w / 2, make: () => (full || unit.kind === "total" ? unitOf(unit) : spotOf(unit)) })),
      ...plan.edges.map((edge) => ({ at: upright ? edge.y1 : edge.x1, make: () => edgeOf(edge) })),
    ];
    for (const { make } of pieces.sort((a, b) => a.at - b.at)) svg.append(make());
    // Labels last, so that no line crosses them.
    for (const label of svg.querySelectorAll(".label")) svg.append(label);
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
      turned.addEventListener("click", () => !dragged && actions.pick(key));
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
      const part = s("g", { class: "pick", role: "button", tabindex: 0, "data-key": key }, s("path", { class: "half", d: rounding(from, top, wide, high, kind === "pill" ? 12 : 14, wide === w ? "both" : from === left ? "left" : "right") }), two ? s("text", { class: "caption", x: middle, y: y - 15, "text-anchor": "middle" }, caption) : null, number, under);
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
        if (under) setNumber(under, shown, backSeen ? back : null, caption === "net" ? "δ " : "∂ ");
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
      const part = half(keys.value ?? keys.net, left, w, "net", keys.delta ?? keys.back);
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

  /** @param {Look} look @param {{ full: boolean, upright: boolean }} how */
  function update(look, how) {
    const structure = JSON.stringify([how, look.sample, look.network.loss, [...look.shown.families.values()].map(({ name, shape }) => [name, shape])]);
    if (structure !== made) {
      made = structure;
      build(planned(look.network, { ...how, sample: look.sample }), how);
      host.replaceChildren(svg, readout);
    }
    sizes.clear();
    svg.classList.toggle("traced", look.lit.size > 0);
    for (const each of updates) each(look);
  }
  return { update, get svg() { return svg; }, clear: () => { made = ""; host.replaceChildren(); } };
}

/** A box with round corners on one side or on both. @param {number} x @param {number} y @param {number} w @param {number} h @param {number} r @param {"left" | "right" | "both"} side */
function rounding(x, y, w, h, r, side) {
  const [a, b] = [side === "right" ? 0 : r, side === "left" ? 0 : r];
  return `M${x + a} ${y}H${x + w - b}a${b} ${b} 0 0 1 ${b} ${b}V${y + h - b}a${b} ${b} 0 0 1 ${-b} ${b}H${x + a}a${a} ${a} 0 0 1 ${-a} ${-a}V${y + a}a${a} ${a} 0 0 1 ${a} ${-a}z`;
}

/** @type {Map<string, number>} */
const sizes = new Map();

/** The largest size in a family. @param {Shown} shown @param {string} family */
function largest(shown, family) {
  let most = sizes.get(family);
  if (most === undefined) sizes.set(family, (most = Math.max(...shown.ledger[family].map((value) => Math.abs(toNumber(value))))));
  return most;
}

/** A place in the network as people call it: h1, not net_h1. @param {Shown} shown @param {string} key */
const placeName = (shown, key) => spokenOf(shown, scalarOf(key)).replace(/^(net|out)_/, "");
