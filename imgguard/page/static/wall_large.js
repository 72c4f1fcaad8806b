// One photo of the wall in large: looked at, marked, confirmed, and on to the next.

import { alertUser, send } from "./base.js";
import { FaceList } from "./facelist.js";
import { askWho } from "./people.js";
import { make, Viewer } from "./viewer.js";
import { focusOn, ordered } from "./wall_cards.js";
import { base, say, sayOf, state, text, undo, words } from "./wall_state.js";

const by = (id) => document.getElementById(id);
const dialog = by("large");
const viewer = new Viewer(dialog.querySelector(".viewer"));
const list = new FaceList(by("list"), viewer, words);
let key = "";
let photo = null;
let turn = 0;
// As the wall was when the photo was opened: what is confirmed would go from under one's feet otherwise.
let trail = [];

/** Open a photo. */
export async function openLarge(wanted) {
  if (!state.photos.get(wanted) || state.photos.get(wanted).state === "waiting") return;
  if (!dialog.open) {
    trail = [...ordered()];
    dialog.showModal();
  }
  key = wanted;
  if (!trail.includes(key)) trail.push(key);
  await load();
  viewer.hold.focus();
}

/** Whether a photo is open. */
export const isOpen = () => dialog.open;

/** Show the photo again if it has changed. */
export async function redraw() {
  if (!dialog.open || !key) return;
  const now = state.photos.get(key);
  if (now && now.v !== photo?.v) await load();
}

async function load() {
  const mine = ++turn;
  const known = state.photos.get(key);
  by("large-name").textContent = known.place;
  by("large-problem").textContent = known.problem ? `${known.problem.what} ${known.problem.remedy}` : "";
  try {
    const told = await send(`${base}/photo/${key}`, { method: "GET" });
    if (mine !== turn) return;
    photo = told;
    show();
  } catch (error) {
    // A file that is no photo has nothing to show but its reason.
    if (mine === turn) {
      photo = { ...known, faces: [], history: [] };
      show();
    }
  }
}

function show() {
  const there = photo.size?.[0] > 0 && !photo.problem;
  viewer.element.hidden = !there;
  by("large-working").textContent = "";
  if (there) viewer.show(photo);
  list.show(photo.faces);
  const chip = { confirmed: "chip kept", left_out: "chip cropped" }[photo.verdict];
  by("large-state").className = chip ?? "";
  by("large-state").textContent = chip ? text(photo.verdict) : "";
  dialog.querySelector('[data-large="open"]').hidden = photo.verdict === "open";
  for (const button of dialog.querySelectorAll("[data-large], #large-undo")) button.disabled = state.frozen;
  const lines = photo.history.map((one) =>
    make("li", { text: `${text(`said_${one.kind}`)}: ${one.operator}, ${new Date(one.at).toLocaleString(document.documentElement.lang)}` }),
  );
  by("large-history").hidden = !lines.length;
  by("large-history").querySelector("ul").replaceChildren(...lines);
  const at = trail.indexOf(key);
  by("previous").disabled = at <= 0;
  by("next").disabled = at >= trail.length - 1;
}

function step(by) {
  const next = trail[trail.indexOf(key) + by];
  if (next) openLarge(next);
  else if (by > 0) dialog.close();
}

async function sayHere(things) {
  if (state.frozen) return;
  by("large-working").textContent = text("working");
  if (!(await say(things.map((one) => ({ key, ...one }))))) by("large-working").textContent = "";
}

/** Say something of the photo; what is confirmed or left out is done with, so that the next one comes. */
export async function sayLarge(kind) {
  if (state.frozen) return;
  const here = key;
  if (!(await sayOf([here], kind))) return;
  if (["confirmed", "left_out"].includes(kind) && here === key) step(1);
}

/** Undo, and go to where it was. */
export async function undoLarge() {
  const [first] = await undo();
  if (dialog.open && first && first !== key) await openLarge(first);
}

viewer.addEventListener("cover", ({ detail }) => sayHere([{ kind: "cover", box: detail.face.box }]));
viewer.addEventListener("nobody", ({ detail }) => sayHere([{ kind: "nobody", box: detail.face.box }]));
viewer.addEventListener("back", ({ detail }) => sayHere([{ kind: "back", box: detail.face.box }]));
viewer.addEventListener("box", ({ detail }) => sayHere([{ kind: "cover", box: detail.box }]));
viewer.addEventListener("person", async ({ detail }) => {
  const who = await askWho(`${base}/people/${key}`, { n: detail.face.n, version: photo.v }, words);
  if (who) await sayHere([{ kind: "person", box: detail.face.box, subject_id: who }]);
});
by("previous").addEventListener("click", () => step(-1));
by("next").addEventListener("click", () => step(1));
by("large-close").addEventListener("click", () => dialog.close());
by("large-undo").addEventListener("click", () => undoLarge().catch(alertUser));
dialog.addEventListener("click", (event) => {
  const kind = event.target.closest("[data-large]")?.dataset.large;
  if (kind) sayLarge(kind);
});
dialog.addEventListener("close", () => focusOn(key));
dialog.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, .viewer-menu")) return;
  const onButton = event.target.closest("button, summary, a");
  if (event.key === "ArrowLeft" && !viewer.drawing.active) step(-1);
  else if (event.key === "ArrowRight" && !viewer.drawing.active) step(1);
  else if (event.key === "Enter" && (!onButton || onButton === viewer.hold)) step(1);
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);
