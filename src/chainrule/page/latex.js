// Formulas as LaTeX, and the whole round as a document.

import { derivationOf, equationOf } from "./derive.js";
import { numberParts } from "./format.js";
import { piecesOf, scalarOf, symbolOf } from "./names.js";
import { isNumber } from "./tree.js";
import { PHASES } from "./walk.js";

/** @typedef {import("./tree.js").Expr} Expr */
/** @typedef {import("./derive.js").Shown} Shown */

const LOOSE = { add: 1, if: 0, mul: 2, neg: 2, sum: 2, max: 2 };
/** @type {Record<string, string>} */
const SPECIAL = { "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", $: "\\$", "&": "\\&", "#": "\\#", "^": "\\textasciicircum{}", _: "\\_", "~": "\\textasciitilde{}", "%": "\\%", "<": "\\textless{}", ">": "\\textgreater{}" };
/** @param {string} text */
export const texText = (text) => text.replace(/[\\{}$&#^_~%<>]/g, (each) => SPECIAL[each]);
const COMMANDS = Object.fromEntries("α alpha β beta γ gamma δ delta ε epsilon η eta θ theta λ lambda μ mu π pi ρ rho σ sigma τ tau φ phi ψ psi ω omega".split(" ").reduce((pairs, each, at, all) => (at % 2 ? pairs : [...pairs, [each, `\\${all[at + 1]}`]]), /** @type {string[][]} */ ([])));

/** @param {import("./names.js").Letter} letter */
function letterTex(letter) {
  const { base, subscript, above } = piecesOf(letter);
  const head = COMMANDS[base] ?? (base.length === 1 ? texText(base) : `\\mathrm{${texText(base)}}`);
  return head + (subscript ? `_{${subscript.length > 2 && /^\D+$/.test(subscript) ? `\\mathrm{${texText(subscript)}}` : texText(subscript)}}` : "") + (above ? `^{${above}}` : "");
}

/** @param {Shown} shown @param {import("./names.js").Quantity} of */
function quantityTex(shown, of) {
  const symbol = symbolOf(shown, of);
  return "by" in symbol ? `\\frac{\\partial ${letterTex(symbol.of)}}{\\partial ${letterTex(symbol.by)}}` : letterTex(symbol);
}

/** @param {string} text */
function numberTex(text) {
  const { negative, digits, exponent } = numberParts(text);
  const shown = digits === "Infinity" ? "\\infty" : digits === "NaN" ? "\\mathrm{NaN}" : digits;
  return (negative ? "-" : "") + shown + (exponent === null ? "" : ` \\cdot 10^{${exponent}}`);
}

/** A formula. @param {Shown} shown @param {Expr} expr @returns {string} */
export function texOf(shown, expr) {
  const args = expr.args ?? [];
  const plain = (/** @type {Expr} */ each) => texOf(shown, each);
  const level = (/** @type {Expr} */ each) => LOOSE[/** @type {keyof typeof LOOSE} */ (each.op)] ?? 3;
  const inside = (/** @type {Expr} */ each, /** @type {number} */ least) => (level(each) < least ? `\\left(${plain(each)}\\right)` : plain(each));
  switch (expr.op) {
    case "num": return numberTex(/** @type {string} */ (expr.value));
    case "ref": return expr.of ? quantityTex(shown, expr.of) : expr.name === "..." ? "\\cdots" : letterTex({ base: /** @type {string} */ (expr.name), subscript: (expr.at ?? []).join(","), sample: "", updated: false });
    case "neg": return `-${inside(args[0], 2)}`;
    case "add": return args.map((arg, place) => (place ? (arg.op === "neg" ? ` - ${inside(/** @type {Expr[]} */ (arg.args)[0], 2)}` : ` + ${inside(arg, 2)}`) : plain(arg))).join("");
    case "mul": return args.map((arg, place) => (arg.op === "neg" ? `\\left(${plain(arg)}\\right)` : inside(arg, place ? 2.5 : 2))).join(" \\cdot ");
    case "div": return `\\frac{${plain(args[0])}}{${plain(args[1])}}`;
    case "pow": return `{${args[0].op === "ref" && !("by" in (args[0].of ?? {})) ? plain(args[0]) : inside(args[0], 4)}}^{${plain(args[1])}}`;
    case "call": return expr.name === "exp" ? `e^{${plain(args[0])}}` : expr.name === "sqrt" ? `\\sqrt{${plain(args[0])}}` : expr.name === "pi" ? "\\pi" : `\\operatorname{${texText(String(expr.name))}}\\left(${args.map(plain).join(", ")}\\right)`;
    case "sum": case "max": return `${expr.op === "sum" ? "\\sum" : "\\max"}_{${/** @type {string[]} */ (expr.over).join(",")}} ${inside(args[0], 2)}`;
    default: return casesTex(shown, expr);
  }
}

/** @param {Shown} shown @param {Expr} expr */
function casesTex(shown, expr) {
  const [left, right, then, otherwise] = /** @type {Expr[]} */ (expr.args);
  const relation = { "<=": "\\le", ">=": "\\ge", "!=": "\\ne", "==": "=" }[/** @type {string} */ (expr.relation)] ?? expr.relation;
  const test = `${texOf(shown, left)} ${relation} ${texOf(shown, right)}`;
  if (isNumber(then, "1") && isNumber(otherwise, "0")) return `[${test}]`;
  return `\\begin{cases} ${texOf(shown, then)} & \\text{if } ${test} \\\\ ${texOf(shown, otherwise)} & \\text{otherwise} \\end{cases}`;
}

/** @param {Shown} shown @param {import("./derive.js").Equation} equation */
const lineTex = (shown, { sides: [left, ...others] }) => `${texOf(shown, left)} &= ${others.map((side) => texOf(shown, side)).join("\n  = ")}`;

/** The round as a LaTeX document. @param {string} title @param {Shown} shown @param {import("./walk.js").Walk} walk */
export function latexDocument(title, shown, walk) {
  const written = new Set(); // a factor that several derivatives have is written out once
  const parts = Object.entries(PHASES).flatMap(([phase, heading]) => {
    const lines = walk.steps.filter((step) => step.phase === phase).flatMap(({ keys: [key] }) => {
      const each = scalarOf(key);
      if (shown.families.get(each.family)?.role !== "adjoint") return [equationOf(shown, each)];
      const { paths, chain, factors, product, own } = derivationOf(shown, each);
      return [...paths, ...(chain ? [chain] : []), ...factors, ...(product ? [product] : []), ...(own ? [own] : [])];
    });
    const texts = lines.map((line) => lineTex(shown, line)).filter((line) => !written.has(line) && written.add(line));
    return texts.length ? [`\\section*{${heading}}`, "\\begin{align*}", texts.join(" \\\\\n"), "\\end{align*}", ""] : [];
  });
  return ["\\documentclass{article}", "\\usepackage[margin=2.2cm]{geometry}", "\\usepackage{amsmath}", "\\allowdisplaybreaks", "\\begin{document}", `\\section*{${texText(title)}}`, "", ...parts, "\\end{document}", ""].join("\n");
}
