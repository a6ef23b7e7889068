// The host of the page in a file of its own: its one element, and its data beside it.

import { unpacked } from "./packed.js";
import { start } from "./page.js";

start(document.getElementById("chainrule"), unpacked(JSON.parse(document.getElementById("network").textContent)));
