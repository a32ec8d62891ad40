// The table of all dialects.

import { stars } from "./card.js";
import { $, calmly, el, marked } from "./dom.js";

export class Dialects {
  constructor(tiers, add) {
    this.rows = [];
    this.tiers = tiers;
    this.add = add;
    $("tier").append(...Object.keys(tiers).map((tier) => el("option", { value: tier }, tier)));
    $("filter").addEventListener("input", calmly(() => this.#filter(), 80));
    $("tier").addEventListener("change", () => this.#filter());
  }

  show(dialects) {
    this.rows = dialects.map((one) => {
      const row = el("tr", {},
        el("th", { scope: "row" }, el("button", { type: "button", class: "link", title: `Add a column of ${one.name}`,
          onclick: () => this.add(one.name) }, one.name)),
        el("td", {}, one.models), el("td", {}, el("span", { title: one.cost }, stars(one.stars)), " ", el("span", { title: one.why }, one.tier)),
        el("td", {}, el("pre", { class: "call" }, one.call)),
        el("td", {}, one.cannot.length ? el("ul", {}, one.cannot.map((what) => el("li", {}, marked(what)))) : el("span", { class: "hint" }, "—")));
      return { row, tier: one.tier, words: [one.name, one.models, one.tier, one.why, one.call, ...one.cannot].join("\n").toLowerCase() };
    });
    $("rows").replaceChildren(...this.rows.map(({ row }) => row));
    this.#filter();
  }

  #filter() {
    const wanted = $("filter").value.trim().toLowerCase(), tier = $("tier").value;
    let count = 0;
    for (const one of this.rows) {
      one.row.hidden = !(one.words.includes(wanted) && (!tier || one.tier === tier));
      count += !one.row.hidden;
    }
    $("count").textContent = `${count} of ${this.rows.length}`;
    $("tier-said").textContent = tier ? `${tier}: ${this.tiers[tier]}` : "";
  }
}
