// The faces of a photo as a list, with the same actions as in the picture: for small faces and for screen readers.

import { make } from "./viewer.js";

export class FaceList {
  /**
   * @param {HTMLOListElement} element
   * @param {import("./viewer.js").Viewer} viewer
   * @param {DOMStringMap} words "noFaces"
   */
  constructor(element, viewer, words) {
    Object.assign(this, { element, viewer, words });
  }

  /** @param {import("./viewer.js").Face[]} faces */
  show(faces) {
    const held = document.activeElement?.closest?.("#list button");
    const { n, kind } = { n: held?.closest("li").dataset.n, kind: held?.dataset.kind };
    const items = faces.map((face) => this.#item(face));
    this.element.replaceChildren(...(items.length ? items : [make("li", { text: this.words.noFaces })]));
    if (!held) return;
    const item = this.element.querySelector(`li[data-n="${n}"]`);
    (item?.querySelector(`[data-kind="${kind}"]`) ?? item?.querySelector("button"))?.focus();
  }

  #item(face) {
    const item = make("li");
    item.dataset.n = String(face.n);
    const state = this.viewer.words[`state${face.state[0].toUpperCase()}${face.state.slice(1)}`];
    const clause = face.clause ? ` (${face.clause})` : "";
    const why = face.name ? `${face.name} · ${face.words}` : face.words;
    const row = make("div", { className: "row" });
    for (const button of this.viewer.actions(face)) {
      button.classList.add("small");
      button.setAttribute("aria-label", `${button.textContent}: ${face.label}`);
      row.append(button);
    }
    item.append(
      make("span", { className: "number", text: String(face.n) }),
      make("span", { className: `chip ${face.state}`, text: state }),
      make("span", { className: "why", text: why + clause }),
      row,
    );
    item.addEventListener("pointerenter", () => this.viewer.point(face.n));
    item.addEventListener("pointerleave", () => this.viewer.point(null));
    item.addEventListener("focusin", () => this.viewer.point(face.n));
    item.addEventListener("focusout", () => this.viewer.point(null));
    return item;
  }
}
