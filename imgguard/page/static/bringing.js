// Ways to bring a photo: drop it anywhere, choose it, take it with the camera, paste it.

/**
 * @param {object} how
 * @param {HTMLInputElement[]} how.inputs
 * @param {HTMLElement} how.overlay shown while something is dragged over the page
 * @param {DOMStringMap} how.words
 * @param {(file: File) => void} how.take
 * @param {(what: string) => void} how.refuse
 */
export function bringing({ inputs, overlay, words, take, refuse }) {
  const one = (files) => {
    const photos = [...files];
    if (photos.length > 1) return refuse(words.several);
    if (!photos.length) return refuse(words.notFile);
    return take(photos[0]);
  };
  for (const input of inputs) {
    input.addEventListener("change", () => {
      if (input.files.length) one(input.files);
      // The same file can be chosen again.
      input.value = "";
    });
  }
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    overlay.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) overlay.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    overlay.hidden = true;
    if (!holdsFiles(event)) return;
    event.preventDefault();
    one(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (event.target.closest?.("input, textarea") && !event.clipboardData.files.length) return;
    one(event.clipboardData.files);
  });
}
