// An answer of the engine, twice: held to the tools while it is written, and free.

import { $, el, number, plural, say } from "./dom.js";
import { stretch } from "./pieces.js";
import { reply } from "./reply.js";
import { listen } from "./server.js";

const SIDES = [[true, "Held to the tools"], [false, "Free"]];

export class Asking {
  /** `talk` gives what is asked, `read` shows a text in the reader. */
  constructor(engine, talk, read) {
    Object.assign(this, { engine, talk, read, stopping: null });
    $("asking-body").replaceChildren(...(engine ? this.#controls() : nobody()));
  }

  #controls() {
    const field = (label, id, attributes, after) => el("span", { class: "pair" }, el("label", { for: id }, label),
      el("input", { id, type: "number", ...attributes }), after);
    const chat = this.engine.dialect === null;
    this.sides = SIDES.filter(([held]) => !held || !chat).map(([held, title]) => new Side(held, title, this));
    this.button = el("button", { type: "button", class: "main", onclick: () => this.ask() }, "Ask ", el("kbd", {}, "Ctrl Enter"));
    this.stopper = el("button", { type: "button", disabled: true, onclick: () => this.stop() }, "Stop");
    return [
      el("p", { class: "lead" }, "The conversation is given to ", el("strong", {}, this.engine.name),
        chat ? ", a chat API, which writes its own prompts and is held to nothing." : `, which speaks ${this.engine.dialect}.`),
      el("div", { class: "row wrap" }, this.button, this.stopper,
        el("span", { class: "pair" }, el("label", { for: "choice" }, "It"), el("select", { id: "choice" },
          [["", "as suits it"], ["auto", "may call"], ["required", "must call"], ["none", "may not call"]].map(([value, words]) =>
            el("option", { value }, words)))),
        field("At most", "most", { min: 1, max: 4096, value: 200 }, "tokens"),
        field("Temperature", "temperature", { min: 0, max: 2, step: 0.1, value: 0 }), field("Seed", "seed", { min: 0, value: 0 })),
      el("div", { class: "panes" }, this.sides.map((side) => side.root)),
    ];
  }

  async ask() {
    if (!this.engine || this.stopping) return;
    this.stopping = new AbortController();
    this.button.disabled = true;
    this.stopper.disabled = false;
    const body = { ...this.talk(), choice: $("choice").value || null, max_tokens: Number($("most").value) || 200,
      temperature: Number($("temperature").value) || 0, seed: Number($("seed").value) || 0 };
    await Promise.all(this.sides.map((side) => side.ask(body, this.stopping.signal)));
    this.stopping = null;
    this.button.disabled = false;
    this.stopper.disabled = true;
    say("The answers are there");
  }

  stop() {
    this.stopping?.abort();
  }
}

class Side {
  constructor(held, title, asking) {
    Object.assign(this, { tied: held, title, asking, held: null });
    this.status = el("p", { class: "counts" }, "Nothing was asked yet.");
    this.text = el("pre", { class: "pieces", tabindex: "0", role: "group", "aria-label": `${title}: the text` });
    this.wrong = el("ul", { class: "marks" });
    this.reply = el("div", { class: "reply" });
    this.rules = el("details", { hidden: true }, el("summary", {}), el("pre", { tabindex: "0" }));
    this.again = el("button", { type: "button", class: "link", hidden: true, onclick: () => asking.read(this.said) }, "Read it step by step");
    this.root = el("div", { class: "pane answer" }, el("h3", {}, title), this.status, this.text, this.wrong, this.reply, this.again, this.rules);
  }

  async ask(body, signal) {
    this.status.textContent = "Reading the prompt …";
    this.again.hidden = this.rules.hidden = true;
    for (const one of [this.text, this.wrong, this.reply]) one.replaceChildren();
    try {
      for await (const { kind, data } of listen("arena/ask", { ...body, constrain: this.tied }, signal)) this.#take(kind, data);
    } catch (error) {
      if (error.name === "AbortError") this.status.textContent = "Stopped.";
      else this.#fail(error.message);
    }
  }

  #take(kind, data) {
    if (kind === "prompted") {
      this.status.textContent = data.unheld ? `Held to nothing: ${data.unheld}` : "Writing …";
      this.rules.hidden = !data.rules;
      this.rules.firstElementChild.textContent = `The constraint, in ${data.notation}`;
      this.rules.lastElementChild.textContent = data.rules ?? "";
    } else if (kind === "written") {
      this.#write(data.stretches, data.held);
    } else if (kind === "replied") {
      this.#write(data.stretches);
      this.said = data.text;
      this.again.hidden = !data.text;
      this.status.textContent = `${plural(data.read, "token")} read, ${number(data.written)} written`
        + (data.finish === "length" ? "; cut there" : "") + (data.seconds ? `, ${data.seconds.toFixed(1)} s` : "");
      this.wrong.replaceChildren(...data.broken.map((one) => el("li", { class: "problem" }, el("b", {}, "broken"), " ", one)));
      this.reply.replaceChildren(reply(data.reply));
    } else if (kind === "error") {
      this.#fail(data.message);
    }
  }

  #write(stretches, held = "") {
    this.held?.remove();
    for (const [text, kind] of stretches) {
      const last = this.text.lastElementChild;
      if (last?.dataset.kind === kind) last.append(text);
      else this.text.append(stretch(text, kind));
    }
    this.held = stretch(held, "held");
    if (held) this.text.append(this.held);
    this.text.scrollTop = this.text.scrollHeight;
  }

  #fail(words) {
    this.status.textContent = "It failed.";
    this.wrong.replaceChildren(el("li", { class: "problem" }, el("b", {}, "error"), " ", words));
  }
}

function nobody() {
  return [el("p", { class: "lead" }, "No engine stands behind this page, so nobody answers here. Start it with one, and the answer that is "
    + "held to the tools stands beside the one that is not:"),
    el("pre", { class: "shell" }, "toolglot arena --engine default\ntoolglot arena --engine http://127.0.0.1:8080")];
}
