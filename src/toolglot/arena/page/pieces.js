// Text by what its stretches are. Colour is never alone: kinds differ in weight, slant and ground, what the model is trained
// to write is underlined, each stretch has a title, and the names can be shown in the text itself.

import { el, number } from "./dom.js";

let words = {};                         // what each kind is, in a sentence
const EXTRA = { held: "not certain yet", problem: "what could not be read", trained: "what the model is trained to write" };

export function learn(kinds) {
  words = kinds;
}

export function legend() {
  return [...Object.entries(words), ["trained", EXTRA.trained]].map(([kind, what]) =>
    el("li", { title: what }, kind === "trained" ? el("span", { class: "trained" }, kind) : el("span", { "data-kind": kind }, kind)));
}

/** A stretch of a prompt: [text, role, kind, trained, special]. */
export function piece([text, role, kind, trained, special]) {
  const title = [role && `${role}'s turn`, kind, trained && "trained", special && "special tokens"].filter(Boolean).join(" · ");
  return stretch(text, kind, title, trained);
}

/** A stretch of text of one kind. */
export function stretch(text, kind, title = "", trained = false) {
  return el("span", { "data-kind": kind, title: title || `${kind}: ${words[kind] ?? EXTRA[kind] ?? ""}`, class: trained ? "trained" : null },
    el("span", { class: "name" }, `${kind}${trained ? ", trained" : ""}`), text);
}

/** How much of a prompt is what, as a bar and in words. */
export function shares(sizes, whole) {
  const parts = Object.keys(words).filter((kind) => sizes[kind]).map((kind) => [kind, sizes[kind]]);
  const said = parts.map(([kind, size]) => `${kind} ${Math.round(100 * size / whole)} %`).join(", ");
  return el("div", { class: "shares", role: "img", "aria-label": `Of its characters: ${said}`, title: said }, parts.map(([kind, size]) => {
    const part = el("i", { "data-kind": kind });
    part.style.flexGrow = String(size);
    return part;
  }));
}

export function characters(n) {
  return `${number(n)} character${n === 1 ? "" : "s"}`;
}
