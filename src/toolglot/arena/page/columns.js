// The models side by side: a column each, which keeps its place and its focus while what it shows is replaced.

import { card, stars } from "./card.js";
import { el, marked, plural } from "./dom.js";
import { piece, shares } from "./pieces.js";

export class Columns {
  /** `changed` is called when other columns, or others of their templates, are to be shown; `read` for a reply to be read. */
  constructor(place, changed, read) {
    Object.assign(this, { place, changed, read, all: [] });
  }

  /** A column by model, or by template; one that came by a link runs no template until it is allowed to. */
  add(which, { allowed = true, quietly = false } = {}) {
    const column = { ...which, allowed };
    this.#make(column);
    this.all.push(column);
    this.place.append(column.root);
    if (!quietly) this.changed();
    return column;
  }

  clear() {
    this.all = [];
    this.place.replaceChildren();
  }

  /** The columns as the state keeps them. */
  get state() {
    return this.all.map(({ model, template }) => template === undefined ? { model } : { template });
  }

  /** Those that the server is asked for. */
  get shown() {
    return this.all.filter((one) => one.template === undefined ? one.model : one.allowed && one.template.trim());
  }

  asked() {
    return this.shown.map(({ model, template }) => template === undefined ? { model } : { template });
  }

  /** What the server answered for those that it was asked for. */
  show(asked, answers) {
    asked.forEach((column, i) => answers[i] && this.#fill(column, answers[i]));
    this.stale(false);
  }

  /** Opens the report cards, or closes them. */
  open(is) {
    this.opened = is;
    for (const { report } of this.all) report.open = is;
  }

  /** Whether what is shown belongs to messages and tools that have since been made wrong. */
  stale(is) {
    this.place.classList.toggle("stale", is);
  }

  #make(column) {
    const of = `column-${Math.random().toString(36).slice(2)}`;
    const remove = el("button", { type: "button", class: "quiet", title: "Remove", onclick: () => this.#remove(column) },
      "×", el("span", { class: "visually-hidden" }, " Remove this column"));
    Object.assign(column, {
      meta: el("p", { class: "meta" }), counts: el("p", { class: "counts" }), bar: el("div"), wrong: el("p", { class: "wrong" }),
      prompt: el("pre", { class: "pieces", tabindex: "0", role: "group", "aria-label": "prompt" }),
      report: el("details", { hidden: true, open: this.opened ?? false }, el("summary", {}, "Report card"), el("div")),
    });
    const name = column.template === undefined ? this.#name(column, of) : el("strong", { class: "grow" }, "Your chat template");
    const reads = el("button", { type: "button", class: "link", onclick: () => this.read(column) }, "Read a reply of it");
    column.root = el("article", { class: "column" }, el("header", {}, name, remove),
      column.template === undefined ? null : this.#template(column),
      column.meta, column.counts, column.bar, column.wrong, column.prompt, column.report, el("p", { class: "foot" }, reads));
  }

  #name(column, of) {
    const field = el("input", { id: of, list: "models", value: column.model, spellcheck: "false", autocomplete: "off",
      "aria-label": "Model of this column" });
    field.addEventListener("change", () => {
      column.model = field.value.trim();
      this.changed();
    });
    return field;
  }

  #template(column) {
    const field = el("textarea", { rows: 4, spellcheck: "false", "aria-label": "Jinja chat template",
      placeholder: "A Jinja chat template, as in tokenizer_config.json" });
    field.value = column.template;
    field.addEventListener("input", () => {
      column.template = field.value;
      this.changed();
    });
    if (column.allowed) return field;
    const run = el("button", { type: "button", onclick: () => {
      column.allowed = true;
      run.parentElement.remove();
      this.changed();
    } }, "Run it");
    return [field, el("p", { class: "note" }, "This template came with a link. A template is a program: look at it first. ", run)];
  }

  #remove(column) {
    const at = this.all.indexOf(column), next = this.all[at + 1] ?? this.all[at - 1];
    this.all.splice(at, 1);
    column.root.remove();
    (next?.root.querySelector("input, textarea") ?? document.getElementById("model")).focus();
    this.changed();
  }

  #fill(column, answer) {
    column.root.classList.toggle("failed", Boolean(answer.error));
    column.wrong.textContent = answer.error ?? "";
    if (answer.error) return;
    const report = answer.card;
    column.dialect = answer.name;
    column.meta.replaceChildren(stars(report.stars), ` ${answer.name}`, el("span", { class: "hint" }, answer.by ? ` · ${answer.by}` : ""),
      ...(answer.note ? [el("br"), el("span", { class: "hint" }, "Not verified: ", marked(answer.note))] : []));
    column.counts.replaceChildren(...counts(answer));
    column.bar.replaceChildren(shares(answer.sizes, answer.characters));
    column.prompt.setAttribute("aria-label", `Prompt of ${answer.name}, ${plural(answer.characters, "character")}`);
    const top = column.prompt.scrollTop;
    column.prompt.replaceChildren(...answer.pieces.map(piece));
    column.prompt.scrollTop = top;
    column.report.hidden = false;
    column.report.lastElementChild.replaceChildren(card(report));
  }
}

function counts({ characters, tokens, uncounted }) {
  const size = plural(characters, "character");
  if (tokens) return [el("span", { title: `Counted by ${tokens.by}` }, el("strong", {}, plural(tokens.count, "token")), ` · ${size}`)];
  return [el("span", { title: uncounted ?? "Tokens are counted where the model behind this page speaks this dialect." },
    size, ", tokens not known")];
}
