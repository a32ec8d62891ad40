// Keys, light and dark, dialogs and links inside of the page: what has nothing to do with models.

import { $, el, say } from "./dom.js";

const THEME = "toolglot-theme", SINGLE = "toolglot-single-keys";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** `shortcuts` are [keys, what they do, function]; one key alone counts outside of text fields, and can be turned off. */
export function listen(shortcuts) {
  $("shortcuts").replaceChildren(...shortcuts.flatMap(([key, what]) => [el("dt", {}, el("kbd", {}, shown(key))), el("dd", {}, what)]));
  $("single").checked = localStorage.getItem(SINGLE) !== "no";
  $("single").addEventListener("change", () => localStorage.setItem(SINGLE, $("single").checked ? "yes" : "no"));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=checkbox], [type=range]), textarea, select");
    if (event.key === "Escape" && typing) event.target.blur();
    const key = (event.ctrlKey || event.metaKey ? "ctrl " : "") + event.key.toLowerCase();
    const alone = !key.startsWith("ctrl ");
    if (event.altKey || document.querySelector("dialog[open]") || (alone && (typing || !$("single").checked))) return;
    const found = shortcuts.find(([one]) => one === key);
    if (!found) return;
    event.preventDefault();
    found[2]();
  });
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  }
  $("help").addEventListener("click", help);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link) return;
    event.preventDefault();              // the fragment is the state's
    go(link.getAttribute("href").slice(1));
  });
}

function shown(key) {
  return key.replace("ctrl enter", "Ctrl Enter").replace(/^\w$/, (letter) => letter.toUpperCase());
}

export function go(id) {
  $(id).scrollIntoView();
  $(id).focus({ preventScroll: true });
}

export function help() {
  $("helping").showModal();
}

/** As the system has it, until someone says otherwise. */
export function theme() {
  const chosen = localStorage.getItem(THEME);
  const now = chosen ?? (dark.matches ? "dark" : "light");
  if (chosen) document.documentElement.dataset.theme = chosen;
  $("theme").textContent = now === "dark" ? "Light" : "Dark";
  $("theme").title = `Turn the page ${now === "dark" ? "light" : "dark"}`;
}

export function turn() {
  const next = $("theme").textContent.toLowerCase();
  localStorage.setItem(THEME, next);
  theme();
  say(`The page is ${next}`);
}

dark.addEventListener("change", theme);
