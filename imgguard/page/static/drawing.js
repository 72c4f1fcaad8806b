// Draw a box over a picture: with the mouse, a finger, or the keyboard.

const STEP = 0.02;
const LEAST = 0.01;
const BEGIN = { left: 0.4, top: 0.4, width: 0.2, height: 0.2 };
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const within = (value, least, most) => Math.min(Math.max(value, least), most);

export class BoxDrawing {
  /**
   * @param {HTMLElement} stage what is drawn on
   * @param {DOMStringMap} words "drawHelp" and "drawing"
   * @param {(share: {left: number, top: number, width: number, height: number}) => void} drawn gets shares of the stage
   * @param {() => void} changed called when drawing begins or ends
   */
  constructor(stage, words, drawn, changed) {
    Object.assign(this, { stage, words, drawn, changed, active: false, share: null, from: null });
    this.layer = document.createElement("div");
    this.layer.className = "viewer-drawing";
    this.layer.hidden = true;
    this.layer.tabIndex = 0;
    this.layer.setAttribute("role", "application");
    this.layer.setAttribute("aria-label", words.drawHelp);
    this.box = document.createElement("div");
    this.box.className = "viewer-box";
    this.help = document.createElement("p");
    this.help.className = "viewer-help";
    this.help.textContent = words.drawHelp;
    this.told = document.createElement("p");
    this.told.className = "visually-hidden";
    this.told.setAttribute("aria-live", "polite");
    this.layer.append(this.box, this.help, this.told);
    stage.append(this.layer);
    this.#listen();
  }

  /** Begin or end drawing; with the keyboard there is a box to move at once. */
  toggle({ keyboard = false } = {}) {
    if (this.active) return this.stop();
    this.active = true;
    this.before = document.activeElement;
    this.layer.hidden = false;
    this.#set(keyboard ? { ...BEGIN } : null);
    this.layer.focus();
    this.changed();
  }

  /** End drawing without a box. */
  stop() {
    if (!this.active) return;
    this.active = false;
    this.layer.hidden = true;
    this.from = null;
    this.#set(null);
    this.before?.focus?.();
    this.changed();
  }

  #set(share) {
    this.share = share;
    this.box.hidden = share === null;
    if (share === null) return;
    for (const [name, value] of Object.entries(share)) this.box.style[name] = `${100 * value}%`;
    const round = (value) => String(Math.round(100 * value));
    const values = { x: share.left, y: share.top, w: share.width, h: share.height };
    const said = this.words.drawing.replaceAll(/\{(\w)\}/g, (_, name) => round(values[name]));
    if (this.from === null) this.told.textContent = said;
  }

  #finish() {
    const share = this.share;
    this.stop();
    if (share && share.width >= LEAST && share.height >= LEAST) this.drawn(share);
  }

  #at(event) {
    const room = this.stage.getBoundingClientRect();
    return [
      within((event.clientX - room.left) / room.width, 0, 1),
      within((event.clientY - room.top) / room.height, 0, 1),
    ];
  }

  #key(event) {
    if (event.key === "Escape") return this.stop();
    if (event.key === "Enter") return this.#finish();
    const way = KEYS[event.key];
    if (!way) return false;
    const { left, top, width, height } = this.share ?? BEGIN;
    const [across, down] = way.map((direction) => direction * STEP);
    if (event.shiftKey) {
      const wide = within(width + across, LEAST, 1 - left);
      const high = within(height + down, LEAST, 1 - top);
      return this.#set({ left, top, width: wide, height: high });
    }
    const x = within(left + across, 0, 1 - width);
    const y = within(top + down, 0, 1 - height);
    return this.#set({ left: x, top: y, width, height });
  }

  #listen() {
    this.layer.addEventListener("keydown", (event) => {
      if (this.#key(event) === false) return;
      event.preventDefault();
      event.stopPropagation();
    });
    this.layer.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.layer.setPointerCapture(event.pointerId);
      this.from = this.#at(event);
    });
    this.layer.addEventListener("pointermove", (event) => {
      if (!this.from) return;
      const [x, y] = this.#at(event);
      const [fromX, fromY] = this.from;
      const width = Math.abs(x - fromX);
      this.#set({ left: Math.min(x, fromX), top: Math.min(y, fromY), width, height: Math.abs(y - fromY) });
    });
    this.layer.addEventListener("pointerup", () => this.from && this.#finish());
    this.layer.addEventListener("pointercancel", () => this.stop());
  }
}
