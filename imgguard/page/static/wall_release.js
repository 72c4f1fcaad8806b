// The release: what would be published, what has to be told, who else agrees, and what came of it.

import { alertUser, send, sentence } from "./base.js";
import { make } from "./viewer.js";
import { base, counts, filters, state, text } from "./wall_state.js";

const place = document.getElementById("tab-release");
let seen = "";

/** Show the release as it is now; a form that is being filled in is left alone. */
export async function drawRelease(force = false) {
  if (place.hidden) return;
  try {
    const told = await send(`${base}/release`, { method: "GET" });
    const now = JSON.stringify([told, state.version]);
    if (now === seen || (!force && place.querySelector("form")?.dataset.busy)) return;
    const kept = values();
    const held = document.activeElement?.id;
    seen = now;
    place.replaceChildren(...parts(told));
    fill(kept);
    if (held) document.getElementById(held)?.focus();
  } catch (error) {
    alertUser(error);
  }
}

function values() {
  return [...place.querySelectorAll("input")].map((one) => [one.id, one.type, one.checked, one.value]);
}

function fill(kept) {
  for (const [id, type, checked, value] of kept) {
    const field = id && document.getElementById(id);
    if (!field) continue;
    if (["checkbox", "radio"].includes(type)) field.checked = checked;
    else field.value = value;
  }
  place.querySelector("form")?.dispatchEvent(new Event("change"));
}

function parts(told) {
  if (told.release) return result(told);
  if (told.state === "released") return [make("p", { className: "notice good", text: text("nothing_new") }), ...links(told)];
  if (told.state === "releasing") {
    return [make("p", { className: "notice warn", text: text("interrupted") }), button("go_on", "continue", !told.ready)];
  }
  if (!told.ready) return [make("p", { className: "notice", text: text("release_wait") })];
  if (!told.fresh) return [make("p", { className: "notice warn", text: text("release_stale") }), button("look_again", "go-on", false)];
  const [first] = told.releases;
  return first ? [summary(told), second(first)] : [summary(told), form(told)];
}

function summary(told) {
  const all = [...state.photos.values()];
  const counted = counts();
  const open = all.filter((one) => one.doubtful && one.verdict === "open" && one.state === "made").length;
  const refused = all.filter((one) => one.state === "refused" && one.verdict !== "left_out").length;
  const card = make("div", { className: "card" });
  const add = (name, count, className = "") => count && card.append(make("p", { className, text: text(name, { count }) }));
  for (const line of told.lines) card.append(make("p", { className: "muted", text: line }));
  add("release_ready", all.length - counted.left_out - refused - open || "0", "lead");
  add("release_open", open);
  add("release_contradicted", all.filter((one) => filters.contradicted(one) && one.verdict !== "left_out").length);
  add("release_left_out", counted.left_out);
  add("release_refused", refused);
  card.dataset.open = String(open);
  return card;
}

function field(label, attributes, hint) {
  const box = make("div", { className: "field" });
  const input = make("input", { autocomplete: "off", ...attributes });
  box.append(make("label", { text: label, for: attributes.id }), input);
  if (hint) box.append(make("p", { className: "hint", text: hint }));
  return box;
}

function check(label, attributes) {
  const line = make("label", { className: "check" });
  line.append(make("input", { type: "checkbox", ...attributes }), make("span", { text: label }));
  return line;
}

function where(suggested) {
  const box = make("fieldset", { className: "field" });
  box.append(make("legend", { text: text("where") }));
  for (const [value, id] of [["folder", "where-folder"], ["zip", "where-zip"]]) {
    const line = make("label", { className: "check" });
    const radio = make("input", { type: "radio", name: "where", value, id });
    radio.checked = value === "folder";
    line.append(radio, make("span", { text: text(`where_${value}`) }));
    box.append(line);
  }
  const out = field(text("out"), { id: "out", name: "out", spellcheck: "false" }, text("out_hint"));
  const row = make("div", { className: "row nowrap" });
  const browse = make("button", { className: "button", type: "button", text: text("browse") });
  browse.dataset.browse = "out";
  out.querySelector("input").replaceWith(row);
  row.append(make("input", { id: "out", name: "out", spellcheck: "false", autocomplete: "off", value: suggested }), browse);
  box.append(out);
  return box;
}

function form(told) {
  const found = make("form", { className: "card", id: "release-form" });
  const problem = make("p", { className: "problem", role: "alert", tabindex: "-1" });
  const open = [...state.photos.values()].some((one) => one.doubtful && one.verdict === "open" && one.state === "made");
  found.append(problem, make("p", { text: text("release_lead") }), where(told.suggested));
  if (open) found.append(check(text("with_open"), { id: "with-open", name: "with_open" }));
  for (const [n, statement] of told.asked.statements.entries()) found.append(check(text("attest", { statement }), { id: `attest-${n}`, name: "attest", required: "" }));
  for (const { role, words } of told.asked.roles) found.append(field(text("role", { role: words }), { id: `role-${role}`, name: `role:${role}`, required: "" }));
  if (told.asked.many) found.append(check(text("many", { clause: told.asked.many }), { id: "many", name: "confirm_batch", required: "" }));
  found.append(make("button", { className: "button primary", id: "release", text: text(told.asked.second ? "release_first" : "release") }));
  found.addEventListener("change", () => {
    const zip = found.querySelector("#where-zip").checked;
    found.querySelector("#out").closest(".field .field").hidden = zip;
    found.querySelector("#out").required = !zip;
  });
  found.addEventListener("submit", (event) => submit(event, "release", choices(found)));
  found.dispatchEvent(new Event("change"));
  return found;
}

function choices(found) {
  const box = (name) => found.querySelector(`[name="${name}"]`);
  const roles = [...found.querySelectorAll('[name^="role:"]')].map((one) => [one.name.slice(5), one.value]);
  const statements = [...found.querySelectorAll('[name="attest"]')];
  return () => ({
    out: found.querySelector("#where-zip").checked ? "" : found.querySelector("#out").value,
    folder: found.querySelector("#where-folder").checked,
    attested: statements.length > 0 && statements.every((one) => one.checked),
    confirm_batch: Boolean(box("confirm_batch")?.checked),
    with_open: Boolean(box("with_open")?.checked),
    agreed: Object.fromEntries(roles.map(([role]) => [role, found.querySelector(`[name="role:${role}"]`).value])),
  });
}

function second(first) {
  const found = make("form", { className: "card", id: "second-form" });
  found.append(
    make("h2", { text: text("second") }),
    make("p", { text: text("second_lead", { operator: first.operator }) }),
    make("p", { className: "muted", text: text("second_void") }),
    make("p", { className: "problem", role: "alert", tabindex: "-1" }),
    field(text("second_name"), { id: "second-name", name: "name", required: "" }),
    check(text("second_looked"), { id: "second-looked", required: "" }),
    make("button", { className: "button primary", id: "agree", text: text("second_agree") }),
  );
  const told = () => ({ name: found.querySelector("#second-name").value, looked: found.querySelector("#second-looked").checked });
  found.addEventListener("submit", (event) => submit(event, "second", told));
  return found;
}

async function submit(event, what, body) {
  event.preventDefault();
  const found = event.target;
  if (found.dataset.busy) return;
  found.dataset.busy = "yes";
  const problem = found.querySelector(".problem");
  problem.textContent = "";
  try {
    await send(`${base}/${what}`, { body: body() });
    delete found.dataset.busy;
    await drawRelease(true);
  } catch (error) {
    problem.textContent = sentence(error);
    problem.focus();
  } finally {
    delete found.dataset.busy;
  }
}

function button(name, what, disabled) {
  const found = make("button", { className: "button primary", type: "button", text: text(name), id: `do-${what}` });
  found.disabled = disabled;
  found.addEventListener("click", () => send(`${base}/${what}`, { body: {} }).then(() => drawRelease(true), alertUser));
  return found;
}

function links(told) {
  const found = [];
  if (told.out) found.push(make("p", { text: text("published_to", { out: told.out }) }));
  const row = make("p", { className: "row" });
  if (told.zip) {
    row.append(make("a", { className: "button primary", href: `${base}/zip`, download: "photos.zip", text: text("download") }));
    row.append(make("span", { className: "muted", text: text("download_hint") }));
  }
  if (told.run) row.append(make("a", { className: "button", href: `/reports/run/${told.run}`, text: text("report") }));
  return [...found, row];
}

function result(told) {
  const now = told.release;
  if (now.problem) {
    const line = make("p", { className: "notice bad", text: `${now.problem.what} ${now.problem.remedy}` });
    return [line, make("p", { text: text("interrupted") }), button("go_on", "continue", false)];
  }
  if (!now.finished) {
    const bar = make("progress", { max: String(now.total || 1), value: String(now.done), "aria-label": text("tab_release") });
    return [make("p", { role: "status", text: text("publishing", now) }), bar];
  }
  const found = [make("p", { className: "notice good", role: "status", text: text("published", { count: now.published }) }), ...links(told)];
  if (now.refused.length) found.push(make("h2", { text: text("not_published") }), table(now.refused));
  return found;
}

function table(refused) {
  const scroll = make("div", { className: "scroll", tabindex: "0", role: "region", "aria-label": text("not_published") });
  const found = make("table", { className: "table" });
  const head = make("tr");
  head.append(make("th", { scope: "col", text: text("place_photo") }), make("th", { scope: "col", text: text("reason") }));
  found.append(head);
  for (const one of refused) {
    const row = make("tr");
    row.append(make("th", { scope: "row", text: one.place }), make("td", { text: `${one.what} ${one.remedy}`.trim() }));
    found.append(row);
  }
  scroll.append(found);
  return scroll;
}
