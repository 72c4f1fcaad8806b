// The reports: a digest is copied at a touch.

import { tell } from "/static/base.js";

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(text.textContent);
      tell(button.dataset.done);
    } catch {
      // Where the browser does not allow it, it can still be copied by hand.
      getSelection().selectAllChildren(text);
    }
  });
}
