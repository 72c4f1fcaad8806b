// What every view needs: requests that prove where they come from, forms that are sent by them, and alerts.

const csrf = document.querySelector('meta[name="csrf"]').content;

/** Send a request to the page's own server; gives its JSON, or throws Refused with what is wrong and what to do. */
export async function send(url, { method = "POST", body, signal } = {}) {
  const json = body !== undefined && !(body instanceof FormData) && !(body instanceof Blob);
  const headers = { "X-CSRF-Token": csrf, ...(json ? { "Content-Type": "application/json" } : {}) };
  const answer = await fetch(url, { method, headers, signal, body: json ? JSON.stringify(body) : body });
  const told = answer.headers.get("content-type")?.startsWith("application/json") ? await answer.json() : null;
  if (!answer.ok || told?.error) throw new Refused(told?.error ?? { what: document.body.dataset.failed, remedy: "" });
  if (told?.go) location.assign(told.go);
  return told;
}

export class Refused extends Error {
  constructor({ what, remedy }) {
    super(what);
    this.remedy = remedy;
  }
}

/** Say something to everybody, those who listen included. */
export function alertUser(error) {
  const line = document.createElement("p");
  line.textContent = error instanceof Refused ? `${error.message} ${error.remedy}` : String(error);
  document.getElementById("alerts").replaceChildren(line);
}

// A form with data-send is sent by `send`; what is wrong is told in its element of the class "problem", or as an alert.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-send]")) return;
  event.preventDefault();
  const place = form.querySelector(".problem");
  try {
    place?.replaceChildren();
    await send(form.action, { body: new FormData(form, event.submitter) });
  } catch (error) {
    if (!place) return alertUser(error);
    place.textContent = error instanceof Refused ? `${error.message} ${error.remedy}` : String(error);
    place.focus();
  }
});
