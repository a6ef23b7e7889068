// Formulas as MathML that browsers typeset themselves; each quantity in one can be clicked and reached by tab.

import { m } from "./dom.js";
import { numberParts } from "./format.js";
import { keyOf, nameOf, piecesOf, shortened, spokenOf, symbolOf } from "./names.js";
import { isNumber } from "./tree.js";

/** @typedef {import("./tree.js").Expr} Expr */
/** @typedef {import("./derive.js").Shown} Shown */
/** @typedef {{ el: Element, tall?: boolean, width: number }} Set something that is set, whether it is tall, and about how wide */

const LEVEL = { condition: 0, sum: 1, big: 2, product: 3, fraction: 4, power: 5, atom: 6 };
// The loosest formula that may stand at a place without parentheses, and whether it may begin with a minus sign.
/** @type {Record<string, [number, boolean]>} */
const BARE = {
  firstAddend: [LEVEL.big, true],
  addend: [LEVEL.big, false],
  firstFactor: [LEVEL.product, true],
  factor: [LEVEL.fraction, false],
  lastFactor: [LEVEL.fraction, false],
  base: [LEVEL.atom, false],
  body: [LEVEL.big, false],
};
/** @type {Record<string, string>} */
const RELATIONS = { "<=": "≤", ">=": "≥", "!=": "≠", "==": "=" };

/** @param {string} text @param {"infix"|"prefix"|"plain"|"separator"} [form] @returns {Set} */
const sign = (text, form = "infix") => ({
  el: m("mo", form === "infix" ? { form } : form === "prefix" ? { form, lspace: 0, rspace: 0 } : form === "plain" ? { lspace: 0, rspace: 0 } : { separator: "true", lspace: 0 }, text),
  width: form === "infix" ? (text === "·" ? 1.6 : 2.6) : text === "\u2061" ? 0 : 1,
});
/** @param {string} text @returns {Set} */
const italic = (text) => ({ el: m("mi", text.length > 1 ? { class: "word" } : {}, text), width: text.length });
/** @param {string} text @returns {Set} */
const upright = (text) => ({ el: /^[\d.]+$/.test(text) ? m("mn", {}, text) : m("mi", { mathvariant: "normal" }, text), width: text.length });
/** @param {Set[]} items @returns {Set} */
const row = (items) =>
  items.length === 1 ? items[0] : { el: m("mrow", {}, ...items.map((each) => each.el)), tall: items.some((each) => each.tall), width: items.reduce((sum, each) => sum + each.width, 0) };
/** @param {Set} inner @param {string} [left] @param {string} [right] @returns {Set} */
const fenced = (inner, left = "(", right = ")") => {
  const stretchy = String(Boolean(inner.tall));
  return { el: m("mrow", {}, m("mo", { stretchy, form: "prefix" }, left), inner.el, m("mo", { stretchy, form: "postfix" }, right)), tall: inner.tall, width: inner.width + 1.6 };
};

/** @param {Expr} expr */
const isIndicator = (expr) => isNumber(/** @type {Expr[]} */ (expr.args)[2], "1") && isNumber(/** @type {Expr[]} */ (expr.args)[3], "0");
/** @param {Expr} expr */
const isSigned = (expr) => expr.op === "neg";

/** @param {Shown} shown @param {Expr} expr @returns {number} */
function levelOf(shown, expr) {
  const args = expr.args ?? [];
  switch (expr.op) {
    case "num": return numberParts(/** @type {string} */ (expr.value)).exponent === null ? LEVEL.atom : LEVEL.fraction;
    case "ref": {
      const symbol = expr.of ? symbolOf(shown, expr.of) : null;
      return symbol && "by" in symbol ? LEVEL.fraction : symbol && (symbol.updated || symbol.sample) ? LEVEL.power : LEVEL.atom;
    }
    case "neg": return levelOf(shown, args[0]) === LEVEL.big ? LEVEL.big : LEVEL.product;
    case "add": return LEVEL.sum;
    case "mul": return ["sum", "max"].includes(args[args.length - 1].op) ? LEVEL.big : LEVEL.product;
    case "div": return LEVEL.fraction;
    case "pow": return LEVEL.power;
    case "call": return expr.name === "exp" ? LEVEL.power : LEVEL.atom;
    case "sum": case "max": return LEVEL.big;
    default: return isIndicator(expr) ? LEVEL.atom : LEVEL.condition;
  }
}

/** @param {Shown} shown @param {Expr} expr @returns {boolean} */
function leadsWithSign(shown, expr) {
  const first = expr.args?.[0];
  if (expr.op === "neg") return true;
  if (expr.op !== "add" && expr.op !== "mul") return false;
  const place = expr.op === "add" ? "firstAddend" : "firstFactor";
  return leadsWithSign(shown, /** @type {Expr} */ (first)) && !needsParentheses(shown, /** @type {Expr} */ (first), place);
}

/** @param {Shown} shown @param {Expr} expr @param {string} place @returns {boolean} */
function needsParentheses(shown, expr, place) {
  if (place === "lastFactor" && (expr.op === "sum" || expr.op === "max")) return false;
  if (place === "firstFactor" && expr.op === "neg" && expr.args?.[0].op === "num") return true;
  const [loosest, signed] = BARE[place];
  return levelOf(shown, expr) < loosest || (!signed && leadsWithSign(shown, expr));
}

/** @param {Shown} shown @param {Expr} expr @param {string} place @returns {Set} */
function placed(shown, expr, place) {
  const inner = typeset(shown, expr);
  return needsParentheses(shown, expr, place) ? fenced(inner) : inner;
}

/** @param {Shown} shown @param {Expr} expr @returns {Set} */
function typeset(shown, expr) {
  const args = expr.args ?? [];
  const set = (/** @type {Expr} */ each) => typeset(shown, each);
  switch (expr.op) {
    case "num": return picked(shown, numberSet(/** @type {string} */ (expr.value)), expr, false);
    case "ref": return expr.of ? picked(shown, quantitySet(shown, expr.of), expr, true) : expr.name === "..." ? sign("⋯", "plain") : letterSet({ base: /** @type {string} */ (expr.name), subscript: "", sample: "", updated: false }, expr.at);
    case "neg": {
      const inner = row([sign("−", "prefix"), placed(shown, args[0], "addend")]);
      return expr.of ? picked(shown, inner, expr, false) : inner;
    }
    case "add": return row(addends(shown, expr));
    case "mul": return row(factorsSet(shown, expr));
    case "div": {
      const [top, bottom] = [set(args[0]), set(args[1])];
      const small = args.every((each) => each.op === "num" && /** @type {string} */ (each.value).length === 1);
      const el = m("mfrac", {}, top.el, bottom.el);
      return { el: small ? m("mstyle", { displaystyle: "false" }, el) : el, tall: !small, width: Math.max(top.width, bottom.width) + 0.5 };
    }
    case "pow": {
      const [base, above] = [placed(shown, args[0], "base"), set(args[1])];
      return { el: m("msup", {}, base.el, above.el), tall: base.tall, width: base.width + 0.75 * above.width };
    }
    case "call": return calledSet(shown, /** @type {string} */ (expr.name), args.map(set));
    case "sum": case "max": {
      const under = subscriptSet(/** @type {string[]} */ (expr.over).join(","));
      const big = expr.op === "sum" ? m("mo", { movablelimits: "false" }, "∑") : m("mo", { movablelimits: "false" }, "max");
      return row([{ el: m("munder", {}, big, under.el), tall: true, width: 3 }, placed(shown, args[0], "body")]);
    }
    default: return conditionSet(shown, expr);
  }
}

/** A part that can be picked: by click, and where it is a name by tab and Enter too. @param {Shown} shown @param {Set} inner @param {Expr} expr @param {boolean} tab @returns {Set} */
function picked(shown, inner, expr, tab) {
  if (!expr.of) return inner;
  const goal = /** @type {any} */ (expr).target ?? expr.of;
  const key = "by" in goal ? `${keyOf(goal.of)}/${keyOf(goal.by)}` : keyOf(goal);
  const reach = tab ? { role: "button", tabindex: 0, "aria-label": spokenOf(shown, expr.of) } : { "data-quantity": nameOf(shown, expr.of) };
  return { ...inner, el: m("mrow", { class: tab ? "pick name" : "pick", "data-key": key, ...reach }, inner.el) };
}

/** @param {string} text @returns {Set} */
function numberSet(text) {
  const { digits, exponent } = numberParts(text);
  const plain = digits === "Infinity" ? sign("∞", "plain") : upright(digits);
  if (exponent === null) return plain;
  const power = row([...(exponent < 0 ? [sign("−", "prefix")] : []), upright(String(Math.abs(exponent)))]);
  return row([plain, sign("×"), { el: m("msup", {}, m("mn", {}, "10"), power.el), width: 2 + power.width }]);
}

/** @param {Shown} shown @param {import("./names.js").Quantity} of @returns {Set} */
function quantitySet(shown, of) {
  const symbol = symbolOf(shown, of);
  if (!("by" in symbol)) return letterSet(symbol);
  const [top, bottom] = [row([sign("∂", "plain"), letterSet(symbol.of)]), row([sign("∂", "plain"), letterSet(symbol.by)])];
  return { el: m("mfrac", {}, top.el, bottom.el), tall: true, width: Math.max(top.width, bottom.width) };
}

/** A name with its subscript and superscript. @param {import("./names.js").Letter} letter @param {import("./tree.js").Index[]} [at] @returns {Set} */
export function letterSet(letter, at = []) {
  const { base, subscript, above } = piecesOf(letter);
  const under = [subscript, ...at.map(indexText)].filter(Boolean).join(",");
  const main = italic(base);
  if (!under && !above) return main;
  const [low, high] = [under ? subscriptSet(under) : null, above ? upright(above) : null];
  const tag = low && high ? "msubsup" : low ? "msub" : "msup";
  return { el: m(tag, {}, main.el, low?.el, high?.el), width: main.width + 0.75 * Math.max(low?.width ?? 0, high?.width ?? 0) };
}

/** @param {import("./tree.js").Index} index */
function indexText(index) {
  if (typeof index !== "object") return String(index);
  const text = index.terms.map(([name, times]) => (times < 0 ? "-" : "+") + (Math.abs(times) === 1 ? "" : Math.abs(times)) + name).join("").replace(/^\+/, "");
  return index.constant ? `${text}${index.constant > 0 ? "+" : ""}${index.constant}` : text;
}

/** @param {string} text @returns {Set} */
function subscriptSet(text) {
  const runs = text.match(/\p{L}+|\d+|,|_(?=\d)|./gsu) ?? [];
  return row(runs.map((run, place) => run === "," || (run === "_" && place) ? sign(",", "separator") : /^\p{L}$/u.test(run) ? italic(run) : upright(run)));
}

/** @param {Shown} shown @param {Expr} expr @returns {Set[]} */
function addends(shown, expr) {
  return /** @type {Expr[]} */ (expr.args).map((arg, place) => {
    const negative = isSigned(arg);
    const bare = negative ? /** @type {Expr[]} */ (arg.args)[0] : arg;
    const inner = placed(shown, bare, place || negative ? "addend" : "firstAddend");
    const first = place ? [sign(negative ? "−" : "+")] : negative ? [sign("−", "prefix")] : [];
    return row([...first, inner]);
  });
}

/** @param {Shown} shown @param {Expr} expr @returns {Set[]} */
function factorsSet(shown, expr) {
  const args = /** @type {Expr[]} */ (expr.args);
  return args.map((arg, place) => {
    const inner = placed(shown, arg, place === 0 ? "firstFactor" : place === args.length - 1 ? "lastFactor" : "factor");
    return place ? row([sign("·"), inner]) : inner;
  });
}

/** @param {Shown} shown @param {string} name @param {Set[]} args @returns {Set} */
function calledSet(shown, name, args) {
  const [only] = args;
  if (name === "exp" && !only.tall && only.width <= 12) return { el: m("msup", {}, m("mi", {}, "e"), only.el), width: 1 + 0.75 * only.width };
  if (name === "sqrt") return { el: m("msqrt", {}, only.el), tall: only.tall, width: only.width + 2 };
  if (name === "abs") return fenced(only, "|", "|");
  if (name === "pi") return upright("π");
  const symbol = { el: m("mi", { mathvariant: "normal" }, shortened(shown.functions[name]?.symbol ?? name)), width: name.length };
  return row([symbol, sign("\u2061", "plain"), fenced(row(args.flatMap((arg, place) => (place ? [sign(",", "separator"), arg] : [arg]))))]);
}

/** @param {Shown} shown @param {Expr} expr @returns {Set} */
function conditionSet(shown, expr) {
  const compared = (/** @type {Expr} */ each) => {
    const [left, right] = /** @type {Expr[]} */ (each.args);
    return row([typeset(shown, left), sign(RELATIONS[/** @type {string} */ (each.relation)] ?? each.relation), typeset(shown, right)]);
  };
  if (isIndicator(expr)) return fenced(compared(expr), "[", "]");
  const lines = [];
  let rest = expr;
  let wide = 0;
  while (rest.op === "if" && !isIndicator(rest)) {
    const [value, test] = [typeset(shown, /** @type {Expr[]} */ (rest.args)[2]), compared(rest)];
    wide = Math.max(wide, value.width + test.width);
    lines.push(m("mtr", {}, m("mtd", {}, value.el), m("mtd", {}, m("mtext", {}, "if\u00a0"), test.el)));
    rest = /** @type {Expr[]} */ (rest.args)[3];
  }
  lines.push(m("mtr", {}, m("mtd", {}, typeset(shown, rest).el), m("mtd", {}, m("mtext", {}, "otherwise"))));
  return { el: m("mrow", {}, m("mo", { stretchy: "true", form: "prefix" }, "{"), m("mtable", { class: "cases" }, ...lines)), tall: true, width: wide + 6 };
}

/** A formula. @param {Shown} shown @param {Expr} expr @returns {Element} */
export const mathOf = (shown, expr) => m("math", {}, typeset(shown, expr).el);

/** A formula in pieces, between which a line may be broken: its addends, or the factors of a long product. @param {Shown} shown @param {Expr} expr @returns {Element[]} */
export function mathPieces(shown, expr) {
  const parts = expr.op === "add" ? addends(shown, expr) : expr.op === "mul" && typeset(shown, expr).width > 22 ? factorsSet(shown, expr) : [typeset(shown, expr)];
  return parts.map((part) => m("math", {}, part.el));
}
