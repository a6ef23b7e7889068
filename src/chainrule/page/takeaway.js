// What a reader takes away: the network file, the numbers as CSV, the formulas as LaTeX, the picture as SVG and PNG.

import { download, h } from "./dom.js";
import { textOf } from "./derive.js";
import { latexDocument } from "./latex.js";
import { keyName, keysOf } from "./model.js";
import { addressOf, scalarOf } from "./names.js";

/** @typedef {import("./model.js").View} View */

const STYLES = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity", "font-family", "font-size", "font-style", "font-weight", "text-anchor", "font-variant-numeric", "paint-order"];
const MARGIN = 16;

/** A file's name made of a title. @param {string} title */
const fileName = (title) => title.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40) || "network";

/** A field of CSV. A text that a spreadsheet would take for a formula begins with an apostrophe. @param {string} text */
function csvField(text) {
  const safe = /^[=@\t\r]|^[-+](?![\d.])/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/** All numbers, a row each. @param {View} view */
export function csvText({ shown }) {
  const rows = [["quantity", "address", "value"]];
  for (const family of shown.families.keys()) {
    for (const key of keysOf(shown, family)) rows.push([keyName(shown, key), addressOf(shown, scalarOf(key)), textOf(shown, scalarOf(key))]);
  }
  return `${rows.map((row) => row.map(csvField).join(",")).join("\r\n")}\r\n`;
}

/** A family's numbers as TOML: a number, or rows in brackets. @param {(string | number)[]} values @param {number[]} shape @returns {string} */
function tomlArray(values, shape) {
  const texts = values.map((each) => String(each).replace(/e\+?/i, "e").replace(/^(-?)\./, "$10."));
  const [size, ...inner] = shape;
  if (size === undefined) return texts[0];
  const wide = inner.reduce((a, b) => a * b, 1);
  return `[${[...Array(size).keys()].map((row) => tomlArray(texts.slice(row * wide, (row + 1) * wide), inner)).join(", ")}]`;
}

/** The network file with the numbers shown. @param {View} view */
export function networkText({ data, state, history, done, shown, task }) {
  const now = history.stateAt(done);
  return data.file.map((/** @type {any} */ piece) => {
    if (typeof piece === "string") return piece;
    if (piece.activation) return state.chosen[piece.activation] ?? data.activations[piece.activation]?.now ?? "";
    const values = now[piece.numbers] ?? state.data[piece.numbers] ?? state.fixed[piece.numbers];
    const shape = shown.families.get(piece.numbers)?.shape ?? [];
    return tomlArray(values, piece.numbers in state.data ? [task.samples, ...shape.slice(1)] : shape);
  }).join("");
}

/** The picture as a file of its own: with the styles and colours that it has on the page. @param {any} svg */
export function svgText(svg) {
  const copy = svg.cloneNode(true);
  const [originals, copies] = [[svg, ...svg.querySelectorAll("*")], [copy, ...copy.querySelectorAll("*")]];
  originals.forEach((each, place) => {
    const style = getComputedStyle(each);
    for (const name of STYLES) {
      const value = style.getPropertyValue(name);
      if (value) copies[place].setAttribute(name, value.replace(/px$/, ""));
    }
    for (const name of ["class", "tabindex", "role", "style", "data-key", "data-quantity"]) copies[place].removeAttribute(name);
  });
  const { width, height } = svg.viewBox.baseVal;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("viewBox", `${-MARGIN} ${-MARGIN} ${width + 2 * MARGIN} ${height + 2 * MARGIN}`);
  copy.setAttribute("width", String(width + 2 * MARGIN));
  copy.setAttribute("height", String(height + 2 * MARGIN));
  const ground = svg.ownerDocument.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ x: -MARGIN, y: -MARGIN, width: width + 2 * MARGIN, height: height + 2 * MARGIN, fill: getComputedStyle(svg).getPropertyValue("--card").trim() || "white" })) ground.setAttribute(name, String(value));
  copy.prepend(ground);
  return new XMLSerializer().serializeToString(copy);
}

/** The picture as PNG, three pixels to one. @param {string} text of the SVG @returns {Promise<Blob>} */
export function pngOf(text) {
  const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.width * 3, image.height * 3];
      canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
      URL.revokeObjectURL(url);
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture can't be drawn"))), "image/png");
    };
    image.onerror = () => reject(new Error("the picture can't be drawn"));
    image.src = url;
  });
}

/**
 * The menu of downloads.
 * @param {{ view: () => View, walk: () => import("./walk.js").Walk, svg: () => any, say: (text: string) => void }} page
 */
export function downloadMenu({ view, walk, svg, say }) {
  const name = () => fileName(view().data.title);
  const item = (/** @type {string} */ text, /** @type {() => void} */ act) => h("button", { type: "button", onclick: () => {
    menu.removeAttribute("open");
    act();
    say(`${text}: saved by your browser`);
  } }, text);
  const network = item("Network file (TOML)", () => download(networkText(view()), `${name()}.toml`, "application/toml"));
  const pictures = [item("Picture (SVG)", () => download(svgText(svg()), `${name()}.svg`, "image/svg+xml")), item("Picture (PNG)", () => pngOf(svgText(svg())).then((blob) => download(blob, `${name()}.png`, "image/png")))];
  const menu = h("details", { class: "menu" }, h("summary", {}, "Download"), h("div", { class: "items" },
    network,
    item("All numbers (CSV)", () => download(csvText(view()), `${name()}.csv`, "text/csv")),
    item("Formulas (LaTeX)", () => download(latexDocument(view().data.title, view().shown, walk()), `${name()}.tex`, "text/x-tex")),
    ...pictures,
  ));
  menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  });
  menu.addEventListener("focusout", (/** @type {FocusEvent} */ event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.removeAttribute("open");
  });
  const update = () => {
    network.hidden = !view().data.file?.length;
    for (const each of pictures) each.hidden = !svg();
  };
  return { element: menu, update };
}
