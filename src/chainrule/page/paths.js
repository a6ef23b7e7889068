// An adjoint's formula taken apart into its paths, each upstream x slope.
// @ts-check

import { ONE, refsOf } from "./tree.js";

/** @typedef {import("./tree.js").Expr} Expr */
/** @typedef {import("./evaluate.js").Definition} Definition */

/** The addends of an adjoint's formula: upstream x slope, over the letters that pass the tests. @param {Definition} adjoint */
export function pathsOf(adjoint) {
  const { formula } = adjoint;
  return (formula.op === "add" ? /** @type {Expr[]} */ (formula.args) : [formula]).map((addend) => {
    /** @type {string[]} */
    let over = [];
    const tests = [];
    let negative = false;
    for (;;) {
      const [first, second, third] = addend.args ?? [];
      if (addend.op === "neg") [negative, addend] = [!negative, first];
      else if (addend.op === "sum") [over, addend] = [[...over, .../** @type {string[]} */ (addend.over)], first];
      else if (addend.op === "if" && refsOf(third).some((node) => node.why === "upstream")) {
        tests.push({ left: first, relation: /** @type {string} */ (addend.relation), right: second });
        addend = third;
      } else break;
    }
    const { upstream, slope } = split(addend);
    return { over, tests, upstream, slope: negative ? /** @type {Expr} */ ({ op: "neg", args: [slope] }) : slope };
  });
}

/** @param {Expr} addend @returns {{ upstream: Expr | null, slope: Expr }} */
function split(addend) {
  if (addend.why === "upstream") return { upstream: addend, slope: ONE };
  const args = addend.args ?? [];
  const place = addend.op === "mul" ? args.findIndex((each) => each.why === "upstream") : -1;
  if (place < 0) return { upstream: null, slope: addend };
  const rest = args.filter((_, at) => at !== place);
  return { upstream: args[place], slope: rest.length === 1 ? rest[0] : { op: "mul", args: rest } };
}
