// The roster: an export is dropped or chosen; on the form about its columns only what matters is shown.

import { send, sentence } from "/static/base.js";

const drop = document.getElementById("drop");

async function upload(file) {
  const place = drop.querySelector(".problem");
  place.textContent = "";
  drop.setAttribute("aria-busy", "true");
  try {
    // Its bytes as they are, so that nothing has to be taken apart and put into a file on the way.
    await send(`${drop.dataset.url}?name=${encodeURIComponent(file.name)}`, { body: file });
  } catch (error) {
    place.textContent = sentence(error);
    place.tabIndex = -1;
    place.focus();
  } finally {
    drop.removeAttribute("aria-busy");
    drop.querySelector("input").value = "";
  }
}

if (drop) {
  drop.addEventListener("submit", (event) => event.preventDefault());
  drop.querySelector("input").addEventListener("change", ({ target }) => target.files.length && upload(target.files[0]));
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length) upload(event.dataTransfer.files[0]);
  });
}

const aspects = new Set(["photo", "work", "first_name", "full_name", "names"]);

function fit(item) {
  const kind = item.querySelector("[data-kind]").value;
  for (const part of item.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== kind;
  const about = item.querySelector("[data-about]");
  if (about) item.querySelector("[data-purposes]").hidden = !aspects.has(about.value);
}

for (const item of document.querySelectorAll("[data-item]")) {
  fit(item);
  item.addEventListener("change", () => fit(item));
}

// Parts of a form that only one choice needs: data-with="what=some".
for (const part of document.querySelectorAll("[data-with]")) {
  const [name, value] = part.dataset.with.split("=");
  const form = part.closest("form");
  const show = () => (part.hidden = new FormData(form).get(name) !== value);
  show();
  form.addEventListener("change", show);
}
