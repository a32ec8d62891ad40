// Asking this server. A key, where one is needed, is asked for once and kept in this tab.

import { $, trouble } from "./dom.js";

const KEPT = "toolglot-key";
let waiting = null;                     // the promise of a key that is being asked for

/** What a path answers, as JSON. Throws an Error with the server's words. */
export async function ask(path, body, signal) {
  const answer = await fetched(path, body, signal);
  return answer.json();
}

/** The events of a stream, {kind, data}, as they come. */
export async function* listen(path, body, signal) {
  const answer = await fetched(path, body, signal);
  let held = "";
  for await (const text of chunks(answer.body.pipeThrough(new TextDecoderStream()))) {
    held += text;
    for (let end; (end = held.indexOf("\n\n")) >= 0; held = held.slice(end + 2)) {
      const lines = held.slice(0, end).split("\n");
      const field = (name) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      if (field("event")) yield { kind: field("event"), data: JSON.parse(field("data")) };
    }
  }
}

async function* chunks(stream) {
  const reader = stream.getReader();
  try {
    for (let part; !(part = await reader.read()).done;) yield part.value;
  } finally {
    await reader.cancel();
  }
}

async function fetched(path, body, signal) {
  for (;;) {
    const key = sessionStorage.getItem(KEPT);
    const answer = await reach(path, {
      method: body === undefined ? "GET" : "POST", signal, credentials: "omit",
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(key ? { authorization: `Bearer ${key}` } : {}) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (answer.ok) {
      trouble();
      return answer;
    }
    const said = await words(answer);
    if (answer.status !== 401) throw new Error(said);
    if (key !== sessionStorage.getItem(KEPT)) continue;       // another request was given one in the meantime
    if (!(await another(key ? said : "Its prompts, its readings and its model are for those who have one."))) throw new Error(said);
  }
}

async function reach(path, how) {
  try {
    return await fetch(path, how);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the server does not answer; is it still running?");
  }
}

async function words(answer) {
  try {
    return (await answer.json()).error.message;
  } catch {
    return `the server answered ${answer.status}`;
  }
}

/** Asks for a key; whether there is one now. */
export function another(said) {
  waiting ??= new Promise((done) => {
    const dialog = $("keying");
    $("key").hidden = false;
    $("keying-said").textContent = said;
    $("secret").value = "";
    dialog.addEventListener("close", () => {
      const given = dialog.returnValue === "used";
      if (given) sessionStorage.setItem(KEPT, $("secret").value.trim());
      waiting = null;
      done(given);
    }, { once: true });
    dialog.returnValue = "";
    dialog.showModal();
  });
  return waiting;
}
