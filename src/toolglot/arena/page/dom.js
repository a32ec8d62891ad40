// Making elements. Text is always text: nothing that a model or a user wrote becomes markup here.

export const $ = (id) => document.getElementById(id);

/** el("p", {class: "note", onclick: f}, "words", another): attributes, listeners, and what is inside. */
export function el(tag, attributes = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...inside.flat().filter((one) => one !== null && one !== undefined && one !== ""));
  return made;
}

/** Words in Markdown, of which code spans alone are known. */
export function marked(text) {
  const out = [];
  let at = 0;
  for (const found of text.matchAll(/(`+)(.+?)\1(?!`)/gs)) {
    out.push(text.slice(at, found.index), el("code", {}, found[2].replace(/^ (.*) $/s, "$1")));
    at = found.index + found[0].length;
  }
  return [...out, text.slice(at)].filter(Boolean);
}

export const number = (n) => n.toLocaleString("en");

export const plural = (n, word) => `${number(n)} ${word}${n === 1 ? "" : "s"}`;

/** Says something to who cannot see it happen. */
export function say(words) {
  $("said").textContent = words;
}

/** Shows what went wrong with the page as a whole; nothing hides it. */
export function trouble(words = "") {
  $("trouble").textContent = words;
  $("trouble").hidden = !words;
}

/** Calls `f` once, `ms` after the last of many calls. */
export function calmly(f, ms = 150) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => f(...given), ms);
  };
}
