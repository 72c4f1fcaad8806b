// What every view needs: requests that prove where they come from, forms, alerts, questions and streams of events.

const words = document.body.dataset;

/** What is wrong and what to do, as the server says it. */
export class Refused extends Error {
  constructor({ what, remedy }, status = 0) {
    super(what);
    this.remedy = remedy;
    this.status = status;
  }
}

/**
 * Send a request to the page's own server.
 * @returns its JSON; or goes where the server says.
 * @throws {Refused} with what is wrong and what to do.
 */
export async function send(url, { method = "POST", body, signal } = {}) {
  const json = body !== undefined && !(body instanceof FormData) && !(body instanceof Blob);
  const csrf = document.querySelector('meta[name="csrf"]').content;
  const headers = { "X-CSRF-Token": csrf, ...(json ? { "Content-Type": "application/json" } : {}) };
  const answer = await asked(url, { method, headers, signal, body: json ? JSON.stringify(body) : body });
  const told = answer.headers.get("content-type")?.startsWith("application/json") ? await answer.json() : null;
  if (answer.status === 401 || answer.status === 423) document.dispatchEvent(new Event("imgguard:closed"));
  if (!answer.ok || told?.error) throw new Refused(told?.error ?? { what: words.failed, remedy: "" }, answer.status);
  if (told?.go) location.assign(told.go);
  if (told?.again) location.reload();
  return told;
}

async function asked(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused({ what: words.failed, remedy: words.ended });
  }
}

/** What an error says to a person. */
export function sentence(error) {
  return error instanceof Refused ? `${error.message} ${error.remedy}`.trim() : words.failed;
}

/** Say what went wrong, to those who listen as well; it stays until it is closed. */
export function alertUser(error) {
  if (!(error instanceof Refused)) console.error(error);
  const line = document.createElement("div");
  const text = document.createElement("span");
  const close = document.createElement("button");
  text.textContent = sentence(error);
  close.className = "button";
  close.textContent = words.close;
  close.addEventListener("click", () => line.remove());
  line.append(text, close);
  document.getElementById("alerts").replaceChildren(line);
}

let quiet;
/** Say that something was done, to those who listen as well; it goes by itself. */
export function tell(text, milliseconds = 3000) {
  const line = document.createElement("p");
  line.textContent = text;
  document.getElementById("told").replaceChildren(line);
  clearTimeout(quiet);
  quiet = setTimeout(() => line.remove(), milliseconds);
}

/**
 * Ask before something is done.
 * @param {{title: string, text?: string, confirm?: string, danger?: boolean}} question
 * @returns {Promise<boolean>} whether it was confirmed; Escape and Cancel are no.
 */
export function ask({ title, text = "", confirm, danger = false }) {
  const dialog = document.getElementById("ask").content.firstElementChild.cloneNode(true);
  const [heading, line, yes] = ["h2", "p", "[value=yes]"].map((part) => dialog.querySelector(part));
  heading.textContent = title;
  heading.id = `ask-${Math.random().toString(36).slice(2)}`;
  dialog.setAttribute("aria-labelledby", heading.id);
  line.textContent = text;
  line.hidden = !text;
  if (confirm) yes.textContent = confirm;
  if (danger) yes.classList.replace("primary", "danger");
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

/**
 * Follow a stream of server-sent events; begins again by itself when it breaks.
 * @param {string} url
 * @param {(message: any) => void} onMessage gets the JSON of each message
 * @param {{onBreak?: () => void}} [options] is told when the stream broke
 * @returns {() => void} ends it
 */
export function listen(url, onMessage, { onBreak } = {}) {
  let source, timer, ended = false, wait = 1000;
  const begin = () => {
    source = new EventSource(url);
    source.onopen = () => (wait = 1000);
    source.onmessage = (event) => onMessage(JSON.parse(event.data));
    source.onerror = () => {
      onBreak?.();
      // A browser goes on by itself after a broken connection, but gives up when it is refused.
      if (ended || source.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(begin, wait);
      wait = Math.min(wait * 2, 15000);
    };
  };
  const end = () => {
    ended = true;
    clearTimeout(timer);
    source.close();
  };
  begin();
  document.addEventListener("imgguard:closed", end, { once: true });
  return end;
}

// A form with data-send is sent by `send`; what is wrong is told in its element of the class "problem", or as an alert.
// A button with data-ask asks that first.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-send]")) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  const { ask: title, askText: text, askConfirm: confirm } = event.submitter?.dataset ?? {};
  const place = form.querySelector(".problem");
  const body = new FormData(form, event.submitter);
  form.dataset.busy = "yes";
  if (title && !(await ask({ title, text, confirm, danger: true }))) return void delete form.dataset.busy;
  event.submitter?.setAttribute("aria-busy", "true");
  try {
    place?.replaceChildren();
    await send(form.getAttribute("action"), { body });
  } catch (error) {
    if (!place) return alertUser(error);
    place.textContent = sentence(error);
    place.tabIndex = -1;
    place.focus();
  } finally {
    delete form.dataset.busy;
    event.submitter?.removeAttribute("aria-busy");
  }
});
