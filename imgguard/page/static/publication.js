// The form of templates/_publication.html: only what the chosen way of publishing asks for is there to fill in.

/** Make the form inside an element work. */
export class PublicationForm {
  /** @param {HTMLFormElement} form the form around the partial */
  constructor(form) {
    this.form = form;
    this.where = form.elements.where;
    this.where.addEventListener?.("change", () => this.#show());
    this.#show();
  }

  /** Whether everything that is asked for is filled in. */
  get complete() {
    return this.form.checkValidity();
  }

  /** What was filled in, as plain texts by name. */
  get fields() {
    return Object.fromEntries(new FormData(this.form));
  }

  #show() {
    for (const asked of this.form.querySelectorAll(".asked")) {
      const chosen = asked.dataset.way === this.where.value;
      asked.hidden = !chosen;
      asked.disabled = !chosen;
    }
  }
}
