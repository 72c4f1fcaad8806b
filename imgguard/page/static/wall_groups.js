// The doubtful faces of a folder: those that look alike stand together and are decided in one touch.

import { alertUser, send } from "./base.js";
import { askWho } from "./people.js";
import { make } from "./viewer.js";
import { base, say, state, text, words } from "./wall_state.js";

const place = document.getElementById("tab-groups");
let shownAt = -1;

/** Show the groups as they are now. */
export async function drawGroups(through) {
  if (place.hidden || shownAt === state.version) return;
  if (place.contains(document.activeElement) && document.querySelector("dialog[open]")) return;
  const mine = (shownAt = state.version);
  try {
    const { groups } = await send(`${base}/groups`, { method: "GET" });
    if (mine !== shownAt) return;
    const at = [...place.querySelectorAll(".group")].indexOf(document.activeElement?.closest?.(".group"));
    place.replaceChildren(make("p", { className: "muted", text: text("groups_lead") }));
    if (!groups.length) place.append(make("p", { className: "empty", text: text(through ? "groups_none" : "groups_wait") }));
    else place.append(make("p", { className: "hint", text: text("group_hint") }), cards(groups));
    if (at >= 0) (place.querySelectorAll(".group")[at] ?? place.querySelector(".group"))?.querySelector(".decide")?.focus();
  } catch (error) {
    alertUser(error);
  }
}

function cards(groups) {
  const grid = make("div", { className: "groups" });
  grid.append(...groups.map(group));
  return grid;
}

function group({ faces, nobody: mayBeNobody }, index) {
  const alike = faces.length > 1 ? text("group", { count: faces.length }) : text("group_one");
  const title = text("group_title", { number: index + 1, title: alike });
  const card = make("section", { className: "card group", "aria-labelledby": `group-${index}` });
  const crops = make("div", { className: "crops" });
  for (const face of faces) {
    const label = text("group_face", { place: face.place, words: face.words });
    const button = make("button", { className: "crop", type: "button", "aria-pressed": "true", "aria-label": label, title: label });
    button.append(make("img", { src: face.crop, alt: "", loading: "lazy" }));
    button.addEventListener("click", () => button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true")));
    crops.append(button);
  }
  const chosen = () => faces.filter((_, n) => crops.children[n].getAttribute("aria-pressed") === "true");
  const who = make("button", { className: "button primary decide", type: "button", text: text("group_this_is") });
  const keep = make("button", { className: "button", type: "button", text: text("group_keep") });
  who.addEventListener("click", () => decide(chosen()));
  const nobody = make("button", { className: "button quiet", type: "button", text: text("group_nobody") });
  const sayAll = (kind) => chosen().length && say(chosen().map(({ key, box }) => ({ key, box, kind })));
  keep.addEventListener("click", () => sayAll("cover"));
  nobody.addEventListener("click", () => sayAll("nobody"));
  for (const button of [who, keep, nobody]) button.disabled = state.frozen;
  const row = make("div", { className: "row" });
  row.append(who, keep, ...(mayBeNobody ? [nobody] : []));
  card.append(make("h2", { id: `group-${index}`, text: title }), crops, row);
  return card;
}

async function decide(faces) {
  if (!faces.length) return;
  const [{ key, n }] = faces;
  const chosen = await askWho(`${base}/people/${key}`, { n: n + 1, version: 0 }, words);
  if (chosen) await say(faces.map((face) => ({ key: face.key, box: face.box, kind: "person", subject_id: chosen })));
}
