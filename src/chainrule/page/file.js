// The host of the page in a file of its own: its one element, and its data beside it.

import { start } from "./page.js";

start(document.getElementById("chainrule"), JSON.parse(document.getElementById("network").textContent));
