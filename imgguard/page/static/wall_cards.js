// The wall itself: a list of photos to move in, to select from and to open.

import { base, filters, shown, state, text, counts } from "./wall_state.js";
import { make } from "./viewer.js";

const wall = document.getElementById("wall");
const cards = new Map();
let order = [];
let current = "";
let anchor = "";
let open = () => {};

/** Set what opens a photo. */
export function onOpen(work) {
  open = work;
}

/** The photos as they are shown, in order. */
export const ordered = () => order;

/** Those that a key is about: the selected ones, else the one that has the focus. */
export function meant() {
  const seen = new Set(order);
  const chosen = [...state.selected].filter((key) => seen.has(key));
  return chosen.length ? chosen : current && seen.has(current) && wall.contains(document.activeElement) ? [current] : [];
}

/** Show the photos again; cards that have not changed are kept. */
export function draw() {
  const photos = shown();
  order = photos.map((one) => one.key);
  const seen = new Set(order);
  for (const key of state.selected) if (!seen.has(key)) state.selected.delete(key);
  const held = wall.contains(document.activeElement);
  const next = photos.map(card);
  const now = wall.children;
  if (now.length !== next.length || next.some((one, index) => now[index] !== one)) wall.replaceChildren(...next);
  if (!seen.has(current)) current = order[Math.min(lastIndex, order.length - 1)] ?? "";
  mark(held);
  const empty = document.getElementById("empty");
  empty.hidden = order.length > 0;
  empty.textContent = text(state.filter === "eyes" && state.photos.size && !state.query ? "nothing_left" : "nothing");
  wall.hidden = !order.length;
  drawFilters();
  drawSelection();
}

let lastIndex = 0;

function card(photo) {
  const before = cards.get(photo.key);
  if (before?.v === photo.v && before.often === photo.often) return before.element;
  const element = before?.element ?? make("li", { role: "option", tabindex: "-1" });
  element.dataset.key = photo.key;
  element.className = `photo ${photo.state} ${photo.verdict}`;
  const picture =
    photo.state === "made"
      ? make("img", { alt: "", loading: "lazy", decoding: "async", src: `${base}/picture/${photo.key}/thumbnail?v=${photo.v}` })
      : make("span", { className: "blank", text: photo.state === "refused" ? "✕" : "", "aria-hidden": "true" });
  element.replaceChildren(picture, make("span", { className: "place", text: photo.place }), chips(photo));
  if (photo.problem) element.append(make("span", { className: "why small", text: photo.problem.what }));
  cards.set(photo.key, { v: photo.v, often: photo.often, element });
  return element;
}

function chips(photo) {
  const row = make("span", { className: "chips" });
  const add = (className, name, values) => row.append(make("span", { className: `chip ${className}`, text: text(name, values) }), " ");
  if (photo.verdict === "confirmed") add("kept said", "confirmed");
  if (photo.verdict === "left_out") add("cropped said", "left_out");
  if (photo.state === "refused") add("refused", "refused");
  if (photo.state === "waiting") add("", "waiting");
  if (photo.contradicted) add("doubtful", "contradicted");
  else if (photo.doubtful) add("doubtful", "doubtful", { count: photo.doubtful });
  if (photo.kept) add("kept", "kept", { count: photo.kept });
  if (photo.covered > photo.doubtful) add("covered", "covered", { count: photo.covered - photo.doubtful });
  if (photo.often) add("", "often", { count: photo.often });
  if (photo.marks) add("", "changed");
  if (photo.new) add("", "fresh");
  return row;
}

function mark(focus) {
  for (const key of order) {
    const { element } = cards.get(key);
    element.tabIndex = key === current ? 0 : -1;
    element.setAttribute("aria-selected", String(state.selected.has(key)));
  }
  if (focus && current) cards.get(current)?.element.focus();
  lastIndex = Math.max(0, order.indexOf(current));
}

function drawFilters() {
  const counted = counts();
  const row = document.querySelector(".filters");
  const buttons = Object.keys(filters)
    .filter((name) => counted[name] || ["eyes", "all"].includes(name) || name === state.filter)
    .map((name) => {
      const button = make("button", { className: "button small filter", type: "button", "aria-pressed": String(name === state.filter) });
      button.dataset.filter = name;
      button.append(`${text(`filter_${name}`)} `, make("span", { className: "count", text: String(counted[name]) }));
      return button;
    });
  const held = document.activeElement?.dataset?.filter;
  row.replaceChildren(...buttons);
  if (held) row.querySelector(`[data-filter="${held}"]`)?.focus();
}

export function drawSelection() {
  const count = state.selected.size;
  document.getElementById("selection").hidden = !count || state.frozen;
  document.getElementById("selected").textContent = text("selected", { count });
}

/** Select all that are shown, or none. */
export function selectAll() {
  const all = order.every((key) => state.selected.has(key));
  state.selected = new Set(all ? [] : order);
  mark(false);
  drawSelection();
}

/** Take the focus to a photo. */
export function focusOn(key) {
  if (!cards.has(key) || !order.includes(key)) key = order[Math.min(lastIndex, order.length - 1)];
  if (!key) return;
  current = key;
  mark(true);
}

function toggle(key) {
  if (!state.selected.delete(key)) state.selected.add(key);
}

function range(to) {
  const [from, until] = [order.indexOf(anchor || current), order.indexOf(to)].sort((a, b) => a - b);
  state.selected = new Set(order.slice(Math.max(from, 0), until + 1));
}

function columns() {
  const [first, ...rest] = wall.children;
  const next = rest.findIndex((one) => one.offsetTop > first.offsetTop);
  return next < 0 ? wall.children.length : next + 1;
}

const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: () => -columns(), ArrowDown: columns };

wall.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = order.indexOf(current);
  if (event.key === "Enter") open(current);
  else if (event.key === " ") toggle(current);
  else if (event.key === "Escape") state.selected.clear();
  else if (event.key in STEPS || event.key === "Home" || event.key === "End") {
    const to = event.key === "Home" ? 0 : event.key === "End" ? order.length - 1 : at + STEPS[event.key]();
    if (to < 0 || to >= order.length) return event.preventDefault();
    if (event.shiftKey) {
      anchor ||= current;
      range(order[to]);
    } else anchor = "";
    current = order[to];
    mark(true);
    cards.get(current).element.scrollIntoView({ block: "nearest" });
  } else return;
  event.preventDefault();
  mark(false);
  drawSelection();
});

wall.addEventListener("click", (event) => {
  const key = event.target.closest("[role=option]")?.dataset.key;
  if (!key) return;
  const several = document.getElementById("several").getAttribute("aria-pressed") === "true";
  if (event.shiftKey) range(key);
  else if (several || event.ctrlKey || event.metaKey) toggle(key);
  current = key;
  if (!event.shiftKey) anchor = key;
  mark(true);
  drawSelection();
  if (!event.shiftKey && !several && !event.ctrlKey && !event.metaKey) open(key);
});
