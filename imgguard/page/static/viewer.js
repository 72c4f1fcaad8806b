// A picture with touchable outlines of its faces, the original to compare it with, and boxes drawn over anything.
// It only shows and asks: what is to be done goes out as events, and the server says what comes of it.

import { BoxDrawing } from "./drawing.js";

/**
 * @typedef {object} Face
 * @property {number} n
 * @property {number[]} box x1, y1, x2, y2 in pixels of the original
 * @property {"kept"|"covered"|"doubtful"|"cropped"} state
 * @property {string} words
 * @property {string} clause
 * @property {string} name
 * @property {boolean} by_operator
 * @property {string[]} can
 * @property {string} label
 *
 * @typedef {object} Shown
 * @property {string} cleaned address of the cleaned picture
 * @property {string} original address of the original
 * @property {number[]} size width and height of the original
 * @property {number[]} frame the part of the original that the cleaned picture shows
 * @property {Face[]} faces
 */

/** Make an element with a class, a text and attributes. */
export function make(tag, { className = "", text = "", ...attributes } = {}) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/**
 * Events, each a CustomEvent: "cover", "nobody", "person" and "back" with `detail.face`; "box" with `detail.box` in
 * pixels of the original. The element is the one of templates/_viewer.html, which brings the words.
 */
export class Viewer extends EventTarget {
  /** @param {HTMLElement} element */
  constructor(element) {
    super();
    this.element = element;
    this.words = element.dataset;
    this.shown = null;
    this.stage = make("div", { className: "viewer-stage" });
    this.picture = make("img", { alt: this.words.picture, className: "viewer-cleaned" });
    this.original = make("img", { alt: this.words.original, className: "viewer-original", hidden: "" });
    this.outlines = make("div", { className: "viewer-faces", role: "group", "aria-label": this.words.faces });
    this.stage.append(this.picture, this.original, this.outlines);
    this.bar = make("div", { className: "viewer-bar" });
    this.hold = make("button", { className: "button", text: this.words.hold, type: "button", "aria-pressed": "false" });
    this.draw = make("button", { className: "button", text: this.words.draw, type: "button", "aria-pressed": "false" });
    this.bar.append(this.hold, this.draw);
    this.menu = null;
    element.replaceChildren(this.stage, this.bar);
    this.drawing = new BoxDrawing(this.stage, this.words, (share) => this.#drawn(share), () => this.#pressed());
    this.#listen();
  }

  /** Show a photo; the outlines that had the focus keep it. @param {Shown} shown */
  show(shown) {
    const focused = document.activeElement?.closest?.(".viewer-faces button")?.dataset.n;
    this.closeMenu();
    this.shown = shown;
    // An address that stays is not loaded again.
    if (this.picture.getAttribute("src") !== shown.cleaned) this.picture.src = shown.cleaned;
    if (this.original.getAttribute("src") !== shown.original) this.original.src = shown.original;
    this.#layOut();
    if (focused) this.outlines.querySelector(`[data-n="${focused}"]`)?.focus();
  }

  /** Mark the outline of a face, as while something else points to it. */
  point(n) {
    for (const outline of this.outlines.children) outline.classList.toggle("pointed", outline.dataset.n === String(n));
  }

  /** Show the original, or the cleaned picture again. */
  compare(original) {
    this.original.hidden = !original;
    this.element.classList.toggle("comparing", original);
    this.hold.setAttribute("aria-pressed", String(original));
    if (this.shown) this.#layOut();
  }

  /** Do for a face what a touch does: cover it where it is visible, else ask what to do. */
  touch(face, beside = null) {
    if (face.state === "kept" && face.can.includes("cover")) return this.tell("cover", { face });
    return this.openMenu(face, beside ?? this.outlines.querySelector(`[data-n="${face.n}"]`));
  }

  /** Send an event. */
  tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  /** The buttons for what may be said about a face, for here and for lists beside the picture. @param {Face} face */
  actions(face) {
    const kinds = face.can.filter((kind) => kind !== "cover" || face.state === "kept");
    return kinds.map((kind) => {
      const button = make("button", { className: "button", text: this.words[kind], type: "button" });
      button.dataset.kind = kind;
      button.addEventListener("click", () => {
        this.closeMenu();
        this.tell(kind, { face });
      });
      return button;
    });
  }

  /** Ask what to do with a face. */
  openMenu(face, beside) {
    this.closeMenu();
    const menu = make("div", { className: "viewer-menu card", role: "dialog", "aria-label": face.label });
    const close = make("button", { className: "button", text: this.words.close, type: "button" });
    close.addEventListener("click", () => this.closeMenu());
    const clause = face.clause ? ` (${face.clause})` : "";
    menu.append(make("p", { text: face.label + clause }), ...this.actions(face), close);
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.closeMenu();
    });
    this.menu = { menu, beside };
    this.element.append(menu);
    this.#place(menu, face);
    menu.querySelector("button").focus();
  }

  /** Close the question; the focus goes back to the face. */
  closeMenu() {
    if (!this.menu) return;
    const { menu, beside } = this.menu;
    const held = menu.contains(document.activeElement);
    this.menu = null;
    menu.remove();
    if (held && beside?.isConnected) beside.focus();
  }

  #place(menu, face) {
    const [x1, y1, x2, y2] = this.#frame();
    const room = this.stage.getBoundingClientRect();
    const left = ((face.box[0] - x1) / (x2 - x1)) * room.width;
    const top = ((face.box[3] - y1) / (y2 - y1)) * room.height + 8;
    menu.style.left = `${Math.max(0, Math.min(left, room.width - menu.offsetWidth))}px`;
    menu.style.top = `${Math.max(0, Math.min(top, room.height - menu.offsetHeight))}px`;
  }

  #frame() {
    return this.original.hidden ? this.shown.frame : [0, 0, ...this.shown.size];
  }

  #layOut() {
    const [x1, y1, x2, y2] = this.#frame();
    this.stage.style.aspectRatio = `${x2 - x1} / ${y2 - y1}`;
    this.stage.style.setProperty("--ratio", String((x2 - x1) / (y2 - y1)));
    const inside = this.shown.faces.filter(({ box }) => box[2] > x1 && box[0] < x2 && box[3] > y1 && box[1] < y2);
    this.outlines.replaceChildren(...inside.map((face) => this.#outline(face, [x1, y1, x2, y2])));
  }

  #outline(face, [x1, y1, x2, y2]) {
    const outline = make("button", { className: `face ${face.state}`, type: "button", "aria-label": face.label });
    outline.dataset.n = String(face.n);
    if (face.by_operator) outline.classList.add("by-operator");
    const [left, top, right, bottom] = face.box;
    const percent = (value, whole) => `${(100 * value) / whole}%`;
    outline.style.left = percent((left + right) / 2 - x1, x2 - x1);
    outline.style.top = percent((top + bottom) / 2 - y1, y2 - y1);
    outline.style.width = percent(right - left, x2 - x1);
    outline.style.height = percent(bottom - top, y2 - y1);
    const tag = make("span", { className: "face-tag", text: face.name || String(face.n), "aria-hidden": "true" });
    outline.append(tag);
    outline.addEventListener("click", () => this.touch(face, outline));
    return outline;
  }

  #drawn({ left, top, width, height }) {
    const [x1, y1, x2, y2] = this.#frame();
    const across = x2 - x1;
    const down = y2 - y1;
    const box = [x1 + left * across, y1 + top * down, x1 + (left + width) * across, y1 + (top + height) * down];
    this.tell("box", { box: box.map((value) => Math.round(value * 10) / 10) });
  }

  #pressed() {
    this.draw.setAttribute("aria-pressed", String(this.drawing.active));
    this.element.classList.toggle("drawing", this.drawing.active);
  }

  #listen() {
    const hold = (on) => (event) => {
      event.preventDefault();
      this.compare(on);
    };
    this.hold.addEventListener("pointerdown", (event) => {
      this.hold.setPointerCapture(event.pointerId);
      this.compare(true);
    });
    for (const end of ["pointerup", "pointercancel", "blur"]) this.hold.addEventListener(end, () => this.compare(false));
    this.hold.addEventListener("contextmenu", (event) => event.preventDefault());
    this.hold.addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && hold(true)(event));
    this.hold.addEventListener("keyup", (event) => [" ", "Enter"].includes(event.key) && hold(false)(event));
    this.draw.addEventListener("click", (event) => this.drawing.toggle({ keyboard: event.detail === 0 }));
    document.addEventListener("pointerdown", (event) => {
      if (this.menu && !this.menu.menu.contains(event.target)) this.closeMenu();
    });
  }
}
