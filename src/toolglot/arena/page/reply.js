// A reply as its parts: words, thoughts, calls with their arguments, and what was wrong with it.

import { el } from "./dom.js";

export function reply({ content, reasoning, calls, problems, repairs = [] }) {
  const part = (title, kind, ...inside) => el("div", { class: "part" }, el("h4", {}, title), el("div", { "data-kind": kind }, ...inside));
  const list = (title, items) => items.length ? [el("h4", {}, title), el("ul", {}, items.map((item) => el("li", {}, item)))] : [];
  return el("div", {},
    reasoning ? part("Reasoning", "reasoning", reasoning) : null,
    content ? part("Words", "content", content) : null,
    calls.map((call) => part(`Call${call.id ? ` ${call.id}` : ""}`, "call", el("code", {}, `${call.name}(`),
      el("pre", {}, JSON.stringify(call.arguments, null, 2)), el("code", {}, ")"))),
    content || reasoning || calls.length ? null : el("p", { class: "hint" }, "Nothing: no words, no call."),
    list("Problems", problems), list("Repairs", repairs));
}
