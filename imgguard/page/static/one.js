// The view "One photo": bring one, look, say what is to be different, save.

import { alertUser, ask, Refused, send, sentence, tell } from "./base.js";
import { bringing } from "./bringing.js";
import { FaceList } from "./facelist.js";
import { askWho } from "./people.js";
import { PublicationForm } from "./publication.js";
import { make, Viewer } from "./viewer.js";

const root = document.getElementById("one");
const words = root.dataset;
const by = (id) => document.getElementById(id);
const form = new PublicationForm(by("choice"));
const viewer = new Viewer(root.querySelector(".viewer"));
const list = new FaceList(by("list"), viewer, words);
const state = { photo: null, choice: null, file: null, asked: 0, busy: false };

/** Take what the photo is for; the server is ready for the photo then. */
async function choose() {
  const problem = by("choice").querySelector(".problem");
  problem.textContent = "";
  state.choice = null;
  const turn = ++state.asked;
  if (!form.complete) return;
  try {
    const told = await send("/one/choice", { body: form.fields });
    if (turn === state.asked) state.choice = told.choice;
  } catch (error) {
    if (turn === state.asked) problem.textContent = sentence(error);
    return;
  }
  if (state.file && turn === state.asked) await upload();
}

/** Take a file that was dropped, chosen or pasted. */
async function take(file) {
  state.file = file;
  refuse(null);
  if (state.photo) await leave();
  if (state.choice) return upload();
  by("waiting").textContent = words.firstChoose;
  by("choice").elements.where.focus?.();
  return form.complete ? choose() : undefined;
}

async function upload() {
  const file = state.file;
  state.file = null;
  by("waiting").textContent = words.looking;
  by("drop").setAttribute("aria-busy", "true");
  try {
    const query = new URLSearchParams({ choice: state.choice, name: file.name ?? "" });
    show(await send(`/one/photos?${query}`, { body: file }));
    by("photo-told").focus();
  } catch (error) {
    refuse(error);
  } finally {
    by("waiting").textContent = "";
    by("drop").removeAttribute("aria-busy");
  }
}

function refuse(error) {
  by("refusal").textContent = error ? sentence(error) : "";
  if (error && !(error instanceof Refused)) console.error(error);
}

function show(photo) {
  const fresh = state.photo?.id !== photo.id;
  if (!fresh && photo.version < state.photo.version) return;
  const counted = fresh || photo.version !== state.photo.version;
  state.photo = photo;
  root.querySelector(".begin").hidden = true;
  root.querySelector(".look").hidden = false;
  by("photo-name").textContent = photo.name;
  by("counted").textContent = photo.told;
  showState(photo);
  showBefore(photo);
  viewer.show(photo);
  list.show(photo.faces);
  by("undo").disabled = !photo.undo;
  by("redo").disabled = !photo.redo;
  showSaved(photo.saved);
  showQuestion(photo.ask);
  if (counted) wait(photo);
}

function showState(photo) {
  const chip = by("state");
  chip.className = `chip ${{ ready: "kept", saved: "kept", checking: "doubtful", refused: "refused" }[photo.state]}`;
  chip.textContent = words[photo.state === "saved" ? "stateSaved" : photo.state];
  by("save").setAttribute("aria-disabled", String(!["ready", "saved"].includes(photo.state)));
  by("save").textContent = photo.saved ? words.again : words.save;
  // What comes next is the button that stands out.
  by("save").classList.toggle("primary", !photo.saved);
  by("next").classList.toggle("primary", Boolean(photo.saved));
  by("more").hidden = !photo.more;
  by("more").textContent = photo.more;
  by("problem").hidden = !photo.refusal;
  by("problem-what").textContent = photo.refusal?.what ?? "";
  by("problem-do").textContent = photo.refusal?.remedy ?? "";
}

/** The original beside it, of which the same part is shown. */
function showBefore({ original, size, frame }) {
  const [x1, y1, x2, y2] = frame;
  const image = by("before");
  if (image.getAttribute("src") !== original) image.src = original;
  const room = image.parentElement;
  room.style.aspectRatio = `${x2 - x1} / ${y2 - y1}`;
  room.style.setProperty("--ratio", String((x2 - x1) / (y2 - y1)));
  Object.assign(image.style, {
    position: "absolute",
    width: `${(100 * size[0]) / (x2 - x1)}%`,
    height: `${(100 * size[1]) / (y2 - y1)}%`,
    left: `${(-100 * x1) / (x2 - x1)}%`,
    top: `${(-100 * y1) / (y2 - y1)}%`,
    maxWidth: "none",
  });
}

function showSaved(saved) {
  by("saved").hidden = !saved;
  by("next").hidden = !saved;
  by("close").hidden = Boolean(saved);
  if (!saved) return;
  by("saved-as").textContent = words.saved.replace("{name}", saved.name);
  by("printed").textContent = saved.printed.join(", ") || words.noNames;
  by("copy").hidden = !saved.printed.length;
  by("notes").hidden = !saved.notes.length;
  by("notes").replaceChildren(...saved.notes.map((text) => make("li", { text })));
}

function showQuestion(question) {
  const asked = Boolean(question) && !state.photo.saved;
  by("question").hidden = !asked;
  if (!asked) return;
  by("question-title").textContent = question.question;
  by("question-text").textContent = question.text;
}

/** Wait for the check of what is shown. */
async function wait({ id, version, state: found }) {
  if (found !== "checking") return;
  try {
    const told = await send(`/one/photos/${id}/checked?version=${version}`, { method: "GET" });
    if (state.photo?.id === id && told.version === state.photo.version) show(told);
  } catch (error) {
    if (state.photo?.id === id) alertUser(error);
  }
}

/** Ask the server to change something, and show what comes of it. */
async function change(what, body) {
  if (!state.photo || state.busy) return;
  state.busy = true;
  root.setAttribute("aria-busy", "true");
  try {
    show(await send(`/one/photos/${state.photo.id}/${what}`, { body: body ?? {} }));
  } catch (error) {
    alertUser(error);
    await again();
  } finally {
    state.busy = false;
    root.removeAttribute("aria-busy");
  }
}

async function again() {
  try {
    show(await send(`/one/photos/${state.photo.id}`, { method: "GET" }));
  } catch {
    // What went wrong was told already.
  }
}

const meant = (face) => ({ n: face.n, version: state.photo.version });

async function sayNobody(face) {
  const sure = await ask({ title: words.nobodySure, text: words.nobodySureText, confirm: words.nobodyYes });
  if (sure) await change("say", { kind: "nobody", ...meant(face) });
}

async function sayWho(face) {
  const who = await askWho(`/one/photos/${state.photo.id}/people`, meant(face), words);
  if (who) await change("say", { kind: "person", subject_id: who, ...meant(face) });
}

async function save() {
  if (by("save").getAttribute("aria-disabled") === "true" || state.busy) return;
  const first = !state.photo.saved;
  by("save").setAttribute("aria-busy", "true");
  await change("save", { version: state.photo.version });
  by("save").removeAttribute("aria-busy");
  if (!state.photo?.saved) return;
  try {
    await download(state.photo);
    if (first) by("next").focus();
  } catch (error) {
    alertUser(error);
  }
}

/** Give the finished file to the browser, which asks where it goes or puts it with the other downloads. */
async function download({ id, saved }) {
  const answer = await fetch(`/one/photos/${id}/file`);
  if (!answer.ok) throw new Refused({ what: document.body.dataset.failed, remedy: "" }, answer.status);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = saved.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function leave() {
  const { id } = state.photo;
  state.photo = null;
  root.querySelector(".look").hidden = true;
  root.querySelector(".begin").hidden = false;
  by("file").focus();
  await send(`/one/photos/${id}/close`, { body: {} }).catch(() => undefined);
}

function keys(event) {
  const typing = event.target.closest?.("input:not([type=checkbox]), select, textarea, dialog");
  if (!state.photo || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === "z") change(event.shiftKey ? "redo" : "undo");
  else if (key === "b") viewer.drawing.toggle({ keyboard: true });
  else if (key === "o") viewer.compare(true);
  else if (key === "s") save();
  else return;
  event.preventDefault();
}

viewer.addEventListener("cover", ({ detail }) => change("say", { kind: "cover", ...meant(detail.face) }));
viewer.addEventListener("nobody", ({ detail }) => sayNobody(detail.face));
viewer.addEventListener("person", ({ detail }) => sayWho(detail.face));
viewer.addEventListener("back", ({ detail }) => change("unsay", meant(detail.face)));
viewer.addEventListener("box", ({ detail }) => change("say", { kind: "cover", box: detail.box }));
by("undo").addEventListener("click", () => change("undo"));
by("redo").addEventListener("click", () => change("redo"));
by("save").addEventListener("click", save);
by("next").addEventListener("click", leave);
by("close").addEventListener("click", leave);
by("question-yes").addEventListener("click", () => change("reference", { yes: true, ...meant(state.photo.ask) }));
by("question-no").addEventListener("click", () => change("reference", { yes: false, ...meant(state.photo.ask) }));
by("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(by("printed").textContent);
  tell(words.copied);
});
by("choice").addEventListener("submit", (event) => event.preventDefault());
by("choice").addEventListener("change", choose);
document.addEventListener("keydown", keys);
document.addEventListener("keyup", (event) => event.key.toLowerCase() === "o" && viewer.compare(false));
bringing({ inputs: [by("file"), by("camera")], overlay: by("overlay"), words, take, refuse: (what) => refuse(new Refused({ what, remedy: "" })) });
choose();
