// What the wall knows: the photos as the server tells them, what is shown of them, and what is selected.

import { alertUser, Refused, send, tell } from "./base.js";

const root = document.getElementById("review");
const known = JSON.parse(root.dataset.words);

export const base = `/folder/${root.dataset.id}`;
export const words = root.dataset;

/** Give a text with its places filled in; for one thing in its own words, where there are some. */
export function text(name, values = {}) {
  const one = [values.count ?? values.total].includes(1) ? known[`${name}_one`] : undefined;
  return Object.entries(values).reduce((said, [key, value]) => said.replace(`{${key}}`, value), one ?? known[name] ?? name);
}

/**
 * @typedef {object} Photo
 * @property {string} key
 * @property {string} place
 * @property {number} v
 * @property {"waiting"|"made"|"refused"} state
 * @property {"open"|"confirmed"|"left_out"} verdict
 */

export const state = {
  /** @type {Map<string, Photo>} */
  photos: new Map(),
  version: 0,
  total: 0,
  filter: "eyes",
  sort: "eyes",
  found: null,
  query: "",
  /** @type {Set<string>} */
  selected: new Set(),
  frozen: false,
};

const needsEyes = (one) => one.verdict === "open" && (one.doubtful || one.many || one.state === "refused" || one.often);

/** What the chips show, by name. */
export const filters = {
  eyes: needsEyes,
  doubtful: (one) => one.doubtful > 0,
  contradicted: (one) => one.contradicted > 0,
  many: (one) => one.many,
  often: (one) => one.often > 0,
  refused: (one) => one.state === "refused",
  marked: (one) => one.marks > 0,
  confirmed: (one) => one.verdict === "confirmed",
  left_out: (one) => one.verdict === "left_out",
  fresh: (one) => one.new,
  all: () => true,
};

// Contradictions and doubts first, then what could not be cleaned, then what has many covers.
const urgency = (one) =>
  (needsEyes(one) ? 1000 : 0) + 300 * Boolean(one.contradicted) + 200 * Boolean(one.doubtful) + 150 * (one.state === "refused") +
  50 * Boolean(one.often) + 20 * Boolean(one.many) + Math.min(one.covered + one.doubtful, 19);

const byName = (a, b) => a.place.localeCompare(b.place, undefined, { numeric: true });
const orders = {
  eyes: (a, b) => urgency(b) - urgency(a) || byName(a, b),
  name: byName,
  covers: (a, b) => b.covered - a.covered || byName(a, b),
};

/** The photos to show, in order. */
export function shown() {
  const query = state.query.toLocaleLowerCase();
  const matches = (one) => !query || state.found?.has(one.key) || one.place.toLocaleLowerCase().includes(query);
  return [...state.photos.values()].filter((one) => filters[state.filter](one) && matches(one)).sort(orders[state.sort]);
}

/** How many photos each chip would show. */
export function counts() {
  const all = [...state.photos.values()];
  return Object.fromEntries(Object.entries(filters).map(([name, has]) => [name, all.filter(has).length]));
}

let loading = null;
/** Get what has changed; several askers get one answer. */
export function refresh() {
  loading ??= load().finally(() => (loading = null));
  return loading;
}

async function load() {
  const told = await send(`${base}/photos?since=${state.version}`, { method: "GET" });
  for (const one of told.photos) state.photos.set(one.key, one);
  state.version = told.version;
  state.total = told.total;
  return told;
}

/** Say something, as one step. @param {object[]} things @returns {Promise<boolean>} whether anything of it was kept */
export async function say(things) {
  try {
    const { refused } = await send(`${base}/say`, { body: { things } });
    if (refused.length) alertUser(new Refused({ ...refused[0], what: text("some_refused", { count: refused.length, what: refused[0].what }) }));
    document.dispatchEvent(new Event("imgguard:said"));
    return true;
  } catch (error) {
    alertUser(error);
    return false;
  }
}

/** Say one thing of several photos. */
export async function sayOf(keys, kind) {
  if (!keys.length) return false;
  const done = await say(keys.map((key) => ({ key, kind })));
  if (done) tell(text(`done_${kind}`, { count: keys.length }));
  return done;
}

/** Take the last step back. @returns {Promise<string[]>} the photos it was about */
export async function undo() {
  try {
    const { keys } = await send(`${base}/undo`, { body: {} });
    tell(text(keys.length ? "undone" : "nothing_to_undo"));
    document.dispatchEvent(new Event("imgguard:said"));
    return keys;
  } catch (error) {
    alertUser(error);
    return [];
  }
}
