// A page that is locked or ended must not go on showing pictures: this asks now and then, and blanks it.

import { send } from "./base.js";

const EVERY = 5000;
const AGAIN = 1000;
const ACTIVE_EVERY = 20000;
let missed = 0, told = 0, closed = false;

/** Take everything off the page; then show what the server has to say. */
function blank({ reload }) {
  if (closed) return;
  closed = true;
  const ended = document.body.dataset.ended;
  document.dispatchEvent(new Event("imgguard:closed"));
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  document.body.replaceChildren();
  document.title = "imgguard";
  if (reload) return location.reload();
  const main = document.createElement("main");
  main.className = "narrow";
  const notice = document.createElement("p");
  notice.className = "notice warn";
  notice.setAttribute("role", "alert");
  notice.textContent = ended;
  main.append(notice);
  document.body.append(main);
}

async function check() {
  if (closed) return;
  try {
    const answer = await fetch("/alive", { cache: "no-store" });
    missed = 0;
    if (!answer.ok) blank({ reload: true });
  } catch {
    // Once may be a hiccup; twice, and the program has ended.
    if (++missed > 1) blank({ reload: false });
    else setTimeout(check, AGAIN);
  }
}

/** Tell that somebody is there, now and then. */
function active() {
  const now = Date.now();
  if (closed || now - told < ACTIVE_EVERY) return;
  told = now;
  send("/active").catch(() => {});
}

if (document.body.hasAttribute("data-watched")) {
  setInterval(check, EVERY);
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"]) addEventListener(kind, active, { passive: true });
  document.addEventListener("visibilitychange", () => document.hidden || check());
  document.addEventListener("imgguard:closed", () => blank({ reload: true }));
  // A page that comes back from the browser's memory may be of a session that has ended.
  addEventListener("pageshow", (event) => event.persisted && check());
  // What was locked in one tab is locked in the others at once.
  const channel = new BroadcastChannel("imgguard");
  channel.onmessage = check;
  addEventListener("pagehide", (event) => event.persisted || channel.close());
} else {
  new BroadcastChannel("imgguard").postMessage("look");
}
