// The wall of a folder: follows the work, shows the photos, and takes what is said of them.

import { alertUser, listen, send } from "./base.js";
import "./places.js";
import { make } from "./viewer.js";
import { draw, drawSelection, focusOn, meant, onOpen, selectAll } from "./wall_cards.js";
import { drawGroups } from "./wall_groups.js";
import { isOpen, openLarge, redraw, sayLarge, undoLarge } from "./wall_large.js";
import { drawRelease } from "./wall_release.js";
import { base, counts, refresh, sayOf, state, text, undo } from "./wall_state.js";

const by = (id) => document.getElementById(id);
const KINDS = { c: "cover_all", k: "confirmed", x: "left_out" };
const GOING = ["planning", "examining", "cleaning"];
let stage = "";
let chosen = false;
const released = by("review").dataset.state === "released";

onOpen(openLarge);

async function update() {
  const told = await refresh();
  if (!chosen && ["done", "stopped"].includes(stage) && !counts().eyes) state.filter = "all";
  draw();
  notes(told);
  by("doubtful-count").textContent = [...state.photos.values()].reduce((sum, one) => sum + (one.verdict === "open" ? one.doubtful : 0), 0) || "";
  await redraw();
  await drawGroups(stage === "done");
  await drawRelease();
}

function notes(told) {
  const lines = [["others", told.others], ["gone", told.gone], ["new", told.new]].filter(([, count]) => count);
  by("notes").replaceChildren(...lines.map(([name, count]) => make("p", { className: "muted small", text: text(name, { count }) })));
}

function follow(told) {
  stage = told.stage;
  const bar = by("bar");
  bar.hidden = ![...GOING, "paused"].includes(stage);
  bar.max = told.total || 1;
  bar.value = told.done ?? 0;
  by("stage").textContent = told.problem ? `${told.problem.what} ${told.problem.remedy}` : line(told);
  state.frozen = released || (Boolean(told.release) && !told.release.problem);
  by("pause").hidden = !GOING.includes(stage);
  by("stop").hidden = ![...GOING, "paused"].includes(stage);
  by("undo").hidden = state.frozen;
  by("go-on").hidden = !["paused", "stopped", "failed"].includes(stage) || state.frozen;
  drawSelection();
  if (stage !== "stopped" && (told.version > state.version || !state.photos.size)) update().catch(alertUser);
  else drawRelease().catch(alertUser);
}

function line(told) {
  const said = [text(`stage_${told.stage}`, told)];
  if (GOING.includes(told.stage) && told.left !== null && told.rate) {
    const minutes = Math.round(told.left / 60);
    said.push(minutes > 1 ? text("left_minutes", { minutes }) : text("left_seconds", { seconds: told.left }));
    said.push(text("rate", told));
  }
  if (told.again) said.push(text("again", { count: told.again }));
  return said.join(" · ");
}

const post = (what, body = {}) => send(`${base}/${what}`, { body }).catch(alertUser);

by("pause").addEventListener("click", () => post("pause", { paused: true }));
by("stop").addEventListener("click", () => post("stop"));
by("go-on").addEventListener("click", async () => {
  if (stage === "paused") return post("pause", { paused: false });
  // The work begins anew, and so does what is known of it.
  state.version = 0;
  state.photos.clear();
  await post("go-on");
});

for (const tab of document.querySelectorAll("[data-tab]")) {
  tab.addEventListener("click", () => {
    for (const other of document.querySelectorAll("[data-tab]")) {
      other.setAttribute("aria-pressed", String(other === tab));
      by(`tab-${other.dataset.tab}`).hidden = other !== tab;
    }
    drawGroups(stage === "done");
    drawRelease(true);
  });
}

document.querySelector(".filters").addEventListener("click", (event) => {
  const button = event.target.closest("[data-filter]");
  if (!button) return;
  chosen = true;
  state.filter = button.dataset.filter;
  draw();
});
by("sort").addEventListener("change", () => {
  state.sort = by("sort").value;
  draw();
});
let typing;
by("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(find, 200);
});

async function find() {
  const query = by("search").value.trim();
  state.query = query;
  state.found = null;
  if (query && state.filter === "eyes") state.filter = "all";
  draw();
  if (!query) return;
  try {
    const { keys } = await send(`${base}/find?q=${encodeURIComponent(query)}`, { method: "GET" });
    if (state.query === query) state.found = new Set(keys);
    draw();
  } catch (error) {
    alertUser(error);
  }
}

by("several").addEventListener("click", () => {
  const on = by("several").getAttribute("aria-pressed") !== "true";
  by("several").setAttribute("aria-pressed", String(on));
  if (!on) state.selected.clear();
  draw();
});
by("select-all").addEventListener("click", selectAll);
by("selection").addEventListener("click", (event) => {
  const kind = event.target.closest("[data-say]")?.dataset.say;
  if (kind) sayWall(kind, [...state.selected]);
});
by("undo").addEventListener("click", () => undoWall());
by("help").addEventListener("click", () => by("keys").showModal());

async function sayWall(kind, keys) {
  if (state.frozen || !(await sayOf(keys, kind))) return;
  state.selected.clear();
  await update();
}

async function undoWall() {
  const [first] = await undo();
  await update();
  if (first) focusOn(first);
}

document.addEventListener("imgguard:said", () => update().catch(alertUser));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox], [type=radio]), select")) return;
  const inDialog = document.querySelector("dialog[open]:not(#large)");
  const key = event.key.toLowerCase();
  if (inDialog) return;
  if (event.key === "?") by("keys").showModal();
  else if (key === "z") isOpen() ? undoLarge() : undoWall();
  else if (key in KINDS && isOpen()) sayLarge(KINDS[key]);
  else if (key in KINDS && !by("tab-photos").hidden && meant().length) sayWall(KINDS[key], meant());
  else return;
  event.preventDefault();
});

if (["released", "releasing"].includes(by("review").dataset.state)) document.querySelector("[data-tab=release]").click();
listen(`${base}/events`, follow);
