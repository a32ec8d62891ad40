// A text field that shows what is wrong with its text at its place: a copy of the text lies behind it, with the place marked.

import { el } from "./dom.js";

export class Editor {
  /** `name` is the field's id; what is in `place` already is its label. */
  constructor(place, name, rows, changed) {
    this.behind = el("div", { class: "behind", "aria-hidden": "true" });
    this.field = el("textarea", { id: name, rows, spellcheck: "false", autocapitalize: "off", autocomplete: "off" });
    this.said = el("p", { class: "wrong", id: `${name}-wrong`, role: "status" });
    place.append(el("div", { class: "field" }, this.behind, this.field), this.said);
    this.field.addEventListener("scroll", () => this.#follow());
    this.field.addEventListener("input", () => {
      this.#copy();
      changed();
    });
  }

  get text() {
    return this.field.value;
  }

  set text(text) {
    this.field.value = text;
    this.show(null);
  }

  /** Shows what is wrong, {message, start, end, line, column}; null: nothing is. */
  show(wrong) {
    this.field.setAttribute("aria-invalid", String(Boolean(wrong)));
    this.field.setAttribute("aria-describedby", wrong ? this.said.id : "");
    this.said.replaceChildren(...(wrong ? [
      wrong.message, " ", el("button", { type: "button", class: "link", onclick: () => this.#go(wrong) },
        `Go to line ${wrong.line}, column ${wrong.column}`)] : []));
    this.#copy(wrong);
  }

  #copy(wrong = null) {
    const text = this.text, start = points(text, wrong?.start ?? 0), end = points(text, wrong?.end ?? 0);
    this.behind.replaceChildren(...(wrong ? [text.slice(0, start), el("mark", {}, text.slice(start, end) || " "), text.slice(end)] : []), "\n");
    this.#follow();
  }

  #follow() {
    this.behind.scrollTop = this.field.scrollTop;
  }

  #go(wrong) {
    this.field.focus();
    this.field.setSelectionRange(points(this.text, wrong.start), points(this.text, wrong.end));
  }
}

/** The index in a text of the character that a server, which counts code points, calls number `n`. */
export function points(text, n) {
  let at = 0;
  for (; n > 0 && at < text.length; n--) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return at;
}
