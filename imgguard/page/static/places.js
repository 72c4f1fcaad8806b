// A dialog that chooses a folder of this computer: it shows names of folders and how many photos are in them.

import { send, sentence } from "./base.js";

const dialog = document.getElementById("places");
const list = dialog.querySelector(".places");
let here = "";
let wanted = null;

/** Let somebody choose a folder for a text field. @param {HTMLInputElement} field */
export async function choosePlace(field) {
  wanted = field;
  dialog.showModal();
  if (!(await go(field.value.trim()))) await go("");
}

async function go(path) {
  const problem = dialog.querySelector(".problem");
  try {
    const told = await send(`/folder/places?path=${encodeURIComponent(path)}`, { method: "GET" });
    problem.textContent = "";
    here = told.here.path;
    const photos = told.here.photos === null ? "" : ` (${count(told.here.photos)})`;
    dialog.querySelector(".here").textContent = here + photos;
    const above = told.above ? [row(`↑ ${dialog.dataset.up}`, "", told.above)] : [];
    const below = told.below.map((one) => row(one.name, one.photos ? count(one.photos) : "", one.path));
    list.replaceChildren(...above, ...below);
    if (!below.length) list.append(line(dialog.dataset.none));
    list.querySelector("button")?.focus();
    return true;
  } catch (error) {
    if (path) problem.textContent = sentence(error);
    return false;
  }
}

function count(photos) {
  return dialog.dataset.photos.replace("{count}", photos);
}

function line(text) {
  const item = document.createElement("li");
  item.className = "muted";
  item.textContent = text;
  return item;
}

function row(name, note, path) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "place";
  const label = document.createElement("span");
  label.textContent = name;
  const told = document.createElement("span");
  told.className = "muted";
  told.textContent = note;
  button.append(label, told);
  button.addEventListener("click", () => go(path));
  item.append(button);
  return item;
}

dialog.querySelector("[value=no]").addEventListener("click", () => dialog.close());
dialog.querySelector("[value=yes]").addEventListener("click", () => {
  wanted.value = here;
  wanted.dispatchEvent(new Event("input", { bubbles: true }));
  dialog.close();
  wanted.focus();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-browse]");
  if (button) choosePlace(document.getElementById(button.dataset.browse));
});
