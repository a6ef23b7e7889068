// The likely mistake behind a wrong number: one small change of one line's formula that gives just this number.

import { FLOATS, toNumber } from "./arithmetic.js";
import { answerOf } from "./answer.js";
import { lineOf, scalarOf } from "./names.js";
import { numberText } from "./format.js";
import { quantityOf } from "./model.js";
import { lineValue, sourcesOf } from "./sheet.js";
import { ONE, isNumber, withArgs } from "./tree.js";
import { agreement, noiseOf } from "./verdicts.js";

/** @typedef {import("./tree.js").Expr} Expr */
/** @typedef {import("./derive.js").Shown} Shown */
/** @typedef {{ formula: Expr, likely: number, say: (text: (expr: Expr) => string) => string }} Edit */

const FEWEST_DIGITS = 3; // with fewer, too many changes give the number by accident
const MOST_LINES = 12;

/**
 * What a person may have done to get a wrong number; empty where no single change gives it.
 * @param {Shown} shown @param {import("./verdicts.js").Marking} marking @param {string} key
 */
export function likelySlip(shown, marking, key) {
  const { sheet, own, right, replaced, answers, tight } = marking;
  const answer = answers.get(key);
  if (!answer || answer.significant < FEWEST_DIGITS) return "";
  const slack = noiseOf(tight[key]);
  const fits = (/** @type {number} */ value) => agreement(answer, value, slack) !== null;
  if (fits(-toNumber(own[key]))) return "the sign is turned round";
  const stop = new Set([...answers.keys()].filter((each) => each !== key));
  /** @type {Record<string, number>[]} the person's own numbers, and the right ones, from which they were perhaps only copied down in short */
  const bases = [
    Object.fromEntries(Object.keys(own).map((name) => [name, toNumber(name !== key && replaced.has(name) ? replaced.get(name) : own[name])])),
    Object.fromEntries(Object.keys(right).map((name) => [name, toNumber(right[name])])),
  ];
  const lines = sourcesOf(sheet, key, stop).filter((name) => sheet.lines.has(name) && !stop.has(name));
  if (bases.some((values) => fits(withUpdated(sheet, values, lines, key)))) return "the weights were already updated: the backward pass uses those from before";
  let best = { likely: 0, text: "" };
  for (const [far, line] of lines.slice(0, MOST_LINES).entries()) {
    const between = lines.filter((name) => Number(sheet.order.get(name)) > Number(sheet.order.get(line))).sort((a, b) => Number(sheet.order.get(a)) - Number(sheet.order.get(b)));
    for (const { formula, likely, say } of edits(/** @type {Expr} */ (sheet.lines.get(line)), (name) => kinOf(shown, sheet, name, line))) {
      if (likely - 0.02 * far <= best.likely) continue;
      const gives = (/** @type {Record<string, number>} */ values) => {
        const used = { ...values, [line]: lineValue(formula, values, FLOATS, sheet.functions) };
        if (line !== key) for (const name of between) used[name] = lineValue(/** @type {Expr} */ (sheet.lines.get(name)), used, FLOATS, sheet.functions);
        return used[key];
      };
      if (!bases.some((values) => fits(gives(values)))) continue;
      const where = line === key ? "" : `in ${lineOf(shown, quantityOf(line))} `;
      best = { likely: likely - 0.02 * far, text: where + say((expr) => plainText(shown, expr)) };
    }
  }
  return best.text || pointMoved(answer.text, toNumber(own[key]));
}

/** A number of the backward pass with all parameters as they are after the update; NaN where that is no other number. @param {import("./sheet.js").Sheet} sheet @param {Record<string, number>} values @param {string[]} lines @param {string} key */
function withUpdated(sheet, values, lines, key) {
  const used = { ...values };
  for (const name of sheet.given.keys()) {
    const after = name.replace(":", "_next:");
    if (after in values) used[name] = values[after];
  }
  const backward = lines.filter((name) => name.includes("/") || name.startsWith("d_"));
  for (const name of backward.sort((a, b) => Number(sheet.order.get(a)) - Number(sheet.order.get(b)))) {
    used[name] = lineValue(/** @type {Expr} */ (sheet.lines.get(name)), used, FLOATS, sheet.functions);
  }
  return backward.includes(key) && used[key] !== values[key] ? used[key] : NaN;
}

/** @param {string} text @param {number} value */
function pointMoved(text, value) {
  const answer = answerOf(text);
  const shift = [-3, -2, -1, 1, 2, 3].find((each) => answer && agreement(answer, value * 10 ** each, 0));
  return shift === undefined ? "" : `the decimal point is ${Math.abs(shift)} place${Math.abs(shift) > 1 ? "s" : ""} too far to the ${shift > 0 ? "right" : "left"}`;
}

/** What a quantity is taken for: its neighbours, and a weight for its updated value. @param {Shown} shown @param {import("./sheet.js").Sheet} sheet @param {string} key @param {string} line */
function kinOf(shown, sheet, key, line) {
  if (key.includes("/")) {
    const below = quantityOf(key);
    const whole = "by" in below ? `d_${below.by.family}:${below.by.index.join(",")}` : "";
    return [...sheet.lines.keys()].filter((name) => name !== key && (name === whole || sameKind(name, key)));
  }
  const { family, index } = scalarOf(key);
  const own = shown.families.get(family);
  const early = (/** @type {string} */ name) => name !== key && (sheet.given.has(name) || name.startsWith(`${family}_next:`) || Number(sheet.order.get(name)) < Number(sheet.order.get(line)));
  const alike = [...shown.families.values()].filter((each) => each.role !== "setting" && String(each.shape) === String(own?.shape) && each.name !== family).map((each) => `${each.name}:${index.join(",")}`);
  const same = [...sheet.order.keys()].filter((name) => !name.includes("/") && scalarOf(name).family === family);
  const roles = own?.role === "parameter" ? ["parameter"] : own?.role === "input" ? ["input", "target"] : [];
  const given = [...sheet.given.keys()].filter((name) => roles.includes(shown.families.get(scalarOf(name).family)?.role ?? ""));
  return [...new Set([...alike, ...same, ...given])].filter((name) => sheet.order.has(name) && early(name));
}

/** Whether two slopes are between the same families. @param {string} first @param {string} second */
function sameKind(first, second) {
  const families = (/** @type {string} */ key) => key.split("/").map((each) => scalarOf(each).family).join("/");
  return first.includes("/") && families(first) === families(second);
}

/** @param {Expr} expr @returns {Expr} */
const negated = (expr) => (expr.op === "neg" ? /** @type {Expr[]} */ (expr.args)[0] : { op: "neg", args: [expr] });
/** @param {Expr} expr @param {Expr[]} args @returns {Expr} */
const joinedArgs = (expr, args) => (args.length === 1 ? args[0] : withArgs(expr, args));

/** Every single change of a formula. @param {Expr} expr @param {(name: string) => string[]} kin @returns {Generator<Edit>} */
function* edits(expr, kin) {
  yield* ownEdits(expr, kin);
  for (const [place, arg] of (expr.args ?? []).entries()) {
    for (const edit of edits(arg, kin)) {
      const args = [.../** @type {Expr[]} */ (expr.args)];
      args[place] = edit.formula;
      yield { ...edit, formula: withArgs(expr, args) };
    }
  }
}

/** The changes of a node itself. @param {Expr} expr @param {(name: string) => string[]} kin @returns {Generator<Edit>} */
function* ownEdits(expr, kin) {
  const args = expr.args ?? [];
  const without = (/** @type {number} */ place) => args.filter((_, at) => at !== place);
  switch (expr.op) {
    case "ref":
      for (const name of kin(/** @type {string} */ (expr.name))) {
        const now = /** @type {Expr} */ ({ op: "ref", name });
        const updated = name.split(":")[0] === `${/** @type {string} */ (expr.name).split(":")[0]}_next`;
        yield { formula: now, likely: updated ? 0.6 : name.includes("/") ? 0.4 : 0.5, say: (text) => (updated ? `${text(expr)} was already updated: ${text(now)} stands in its place` : `${text(now)} stands where ${text(expr)} belongs`) };
      }
      return;
    case "add":
      for (const [place, arg] of args.entries()) {
        yield { formula: joinedArgs(expr, without(place)), likely: 0.45, say: (text) => `the term ${text(arg)} is left out` };
        yield { formula: withArgs(expr, args.map((each, at) => (at === place ? negated(each) : each))), likely: 0.45, say: (text) => `the sign of ${text(arg)} is turned round` };
      }
      return;
    case "mul":
      for (const [place, arg] of args.entries()) {
        yield { formula: joinedArgs(expr, without(place)), likely: 0.45, say: (text) => `the factor ${text(arg)} is left out` };
        yield { formula: withArgs(expr, [...args, arg]), likely: 0.2, say: (text) => `the factor ${text(arg)} stands there twice` };
      }
      yield { formula: { ...expr, op: "add" }, likely: 0.15, say: (text) => `${text({ ...expr, op: "add" })} stands in place of ${text(expr)}: added instead of multiplied` };
      return;
    case "neg":
      yield { formula: args[0], likely: 0.45, say: (text) => `the sign of ${text(args[0])} is turned round` };
      return;
    case "div":
      if (!isNumber(args[0], "1")) yield { formula: args[0], likely: 0.45, say: (text) => `the division by ${text(args[1])} is left out` };
      yield { formula: withArgs(expr, [args[1], args[0]]), likely: 0.15, say: (text) => `${text(expr)}: the division is the wrong way round` };
      return;
    case "pow":
      yield { formula: args[0], likely: 0.4, say: (text) => `${text(expr)} without its exponent` };
      return;
    case "call":
      if (args.length === 1) yield { formula: args[0], likely: 0.3, say: (text) => `${text(args[0])} stands in place of ${text(expr)}` };
      return;
    case "if":
      yield { formula: args[2], likely: 0.3, say: (text) => `the other case of ${text(expr)} is taken` };
      yield { formula: args[3], likely: 0.3, say: (text) => `the other case of ${text(expr)} is taken` };
      return;
    default:
  }
}

/** A formula of the sheet in a line of text. @param {Shown} shown @param {Expr} expr @returns {string} */
function plainText(shown, expr) {
  const args = (expr.args ?? []).map((each) => (["add", "if"].includes(each.op) && expr.op !== "add" && expr.op !== "call" ? `(${plainText(shown, each)})` : plainText(shown, each)));
  switch (expr.op) {
    case "num": return numberText(/** @type {string} */ (expr.value));
    case "ref": return lineOf(shown, quantityOf(/** @type {string} */ (expr.name)));
    case "neg": return `−${args[0]}`;
    case "add": return args.reduce((sum, each) => (each.startsWith("−") ? `${sum} − ${each.slice(1)}` : `${sum} + ${each}`));
    case "mul": return args.join(" · ");
    case "div": return isNumber(/** @type {Expr[]} */ (expr.args)[0], "1") && isNumber(/** @type {Expr[]} */ (expr.args)[1], "2") ? "½" : `${args[0]} / ${args[1]}`;
    case "pow": return `${args[0]}${args[1] === "2" ? "²" : `^${args[1]}`}`;
    case "call": return `${expr.name}(${args.join(", ")})`;
    default: return plainText(shown, /** @type {Expr[]} */ (expr.args)[2] ?? ONE);
  }
}
