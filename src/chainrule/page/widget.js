// The host of the page in a notebook: an anywidget, which has its data from Python.

import { start } from "./page.js";

export default {
  render({ model, el }) {
    const main = document.createElement("div");
    main.addEventListener("keydown", (event) => event.stopPropagation()); // in JupyterLab a b would add a cell
    el.append(main);
    const page = start(main, { ...model.get("network"), address: false });
    return () => page.stop();
  },
};
