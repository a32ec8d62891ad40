// A report card, whatever it is about: {title, stars, facts: [[name, value]], for, against}, and it may have `rating` and `cannot`.

import { el, marked } from "./dom.js";

export function stars(count) {
  const whole = Math.round(count);
  if (!whole) return el("span", { class: "stars" }, "not rated");
  return el("span", { class: "stars", role: "img", "aria-label": `${count} of 5 stars` }, "★".repeat(whole), el("span", {}, "★".repeat(5 - whole)));
}

export function card(report) {
  const list = (title, kind, items) => items?.length
    ? [el("h3", {}, title), el("ul", { class: kind }, items.map((item) => el("li", {}, marked(item))))] : [];
  return el("div", { class: "card" },
    el("p", {}, stars(report.stars), " ", marked(report.rating ?? "")),
    el("dl", {}, report.facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, marked(value))])),
    list("For it", "merits", report.for), list("Against it", "faults", report.against),
    list("It cannot say", "cannot", report.cannot));
}
