// Ask who a face is: the likeliest people first, a search, and with each what would follow.

import { alertUser, send } from "./base.js";
import { make } from "./viewer.js";

const dialog = document.getElementById("who");
const [search, list, none] = ["who-search", "who-list", "who-none"].map((id) => document.getElementById(id));
const TYPING = 200;

/**
 * @param {string} url gives {people} for ?n, version and q
 * @param {{n: number, version: number}} face
 * @param {DOMStringMap} words "noneFound"
 * @returns {Promise<string>} the number of whoever was chosen; empty for nobody
 */
export function askWho(url, face, words) {
  let turn = 0;
  let timer;
  const look = async () => {
    const mine = ++turn;
    try {
      const query = new URLSearchParams({ n: face.n, version: face.version, q: search.value });
      const { people } = await send(`${url}?${query}`, { method: "GET" });
      if (mine !== turn) return;
      list.replaceChildren(...people.map(person));
      none.textContent = people.length ? "" : words.noneFound;
    } catch (error) {
      dialog.close("");
      alertUser(error);
    }
  };
  const typed = () => {
    clearTimeout(timer);
    timer = setTimeout(look, TYPING);
  };
  const cancel = () => dialog.close("");
  search.value = "";
  list.replaceChildren();
  none.textContent = "";
  dialog.returnValue = "";
  search.addEventListener("input", typed);
  document.getElementById("who-cancel").addEventListener("click", cancel);
  dialog.showModal();
  look();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        clearTimeout(timer);
        search.removeEventListener("input", typed);
        document.getElementById("who-cancel").removeEventListener("click", cancel);
        resolve(dialog.returnValue);
      },
      { once: true },
    );
  });
}

function person({ subject_id: number, name, about, like, shown, follows }) {
  const item = make("li");
  const button = make("button", { className: "button", type: "button" });
  const told = like ? `${about} · ${like}` : about;
  button.append(
    make("span", { text: name }),
    make("span", { className: "about", text: told }),
    make("span", { className: `chip ${shown ? "kept" : "covered"} follows`, text: follows }),
  );
  button.addEventListener("click", () => dialog.close(number));
  item.append(button);
  return item;
}
