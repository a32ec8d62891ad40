// A reply, read as it comes. What is shown after so many characters is what the server's parser had said by then.

import { $, calmly, el, number, say } from "./dom.js";
import { stretch } from "./pieces.js";
import { ask } from "./server.js";
import { reply } from "./reply.js";

const WHOLE = 33;                       // the slider's last place
const BEAT = 90;                        // milliseconds between two pieces
const MOST = 300;                       // events that are shown, the last ones

export class Reading {
  /** `tools` gives the text of the tools, `column` what to ask the server for by the name of a reader. */
  constructor(tools, column, changed) {
    Object.assign(this, { tools, column, changed, sample: "words and a call", found: null, fed: Infinity, timer: 0, asking: null });
    const again = () => {
      this.changed();
      this.refresh();
    };
    const soon = calmly(again);
    $("output").addEventListener("input", () => {
      this.sample = "";
      $("sample").value = "";
      soon();
    });
    $("sample").addEventListener("change", () => {
      this.sample = $("sample").value;
      this.#take();
      again();
    });
    for (const id of ["reader", "rescue", "strict"]) $(id).addEventListener("change", again);
    $("size").addEventListener("input", () => {
      this.#size();
      soon();
    });
    $("fed").addEventListener("input", () => this.#go(Number($("fed").value)));
    $("rewind").addEventListener("click", () => this.rewind());
    $("whole").addEventListener("click", () => this.#go(Infinity));
    $("step").addEventListener("click", () => this.step());
    $("play").addEventListener("click", () => this.play());
    this.#size();
  }

  get state() {
    return { as: $("reader").value, text: this.sample ? "" : $("output").value, sample: this.sample, size: Number($("size").value),
      rescue: $("rescue").checked, strict: $("strict").checked };
  }

  set state({ as, text, sample, size, rescue, strict }) {
    this.sample = text ? "" : sample ?? this.sample;
    $("reader").value = as ?? "";
    $("output").value = text ?? "";
    $("size").value = size ?? 4;
    $("rescue").checked = rescue ?? false;
    $("strict").checked = strict ?? false;
    this.#size();
  }

  /** Reads a text as a model's, or an example of what that model writes. */
  open(as, text) {
    $("reader").value = as;
    if (text !== undefined) {
      this.sample = "";
      $("output").value = text;
    } else if (!this.sample) {
      this.sample = "words and a call";
    }
    $("reading").scrollIntoView();
    $("reading").focus({ preventScroll: true });
    this.changed();
    this.refresh();
  }

  async refresh() {
    this.asking?.abort();
    this.asking = new AbortController();
    const size = Number($("size").value), signal = this.asking.signal;
    try {
      const found = await ask("arena/parse", { column: this.column($("reader").value.trim()), tools: this.tools(), text: $("output").value,
        size: size === WHOLE ? null : size, strict: $("strict").checked, rescue: $("rescue").checked }, signal);
      if (found.wrong.length) {
        this.#wrong(found.wrong);
        return;
      }
      this.#samples(found.samples);
      if (this.sample && this.#take()) {
        await this.refresh();
        return;
      }
      const same = this.found && this.characters.join("") === $("output").value;
      this.found = found;
      this.characters = [...$("output").value];
      $("reading").dataset.size = found.size;
      $("fed").max = String(found.length + 1);
      this.#go(same ? this.fed : Infinity);
    } catch (error) {
      if (error.name !== "AbortError") this.#wrong([error]);
    }
  }

  rewind() {
    this.#go(0);
    say("At the beginning");
  }

  step() {
    this.stop();
    if (this.found) this.#go(this.fed > this.found.length ? 0 : this.fed + this.found.size);
    const last = $("events").lastElementChild;
    say(last ? last.textContent : "Nothing is certain yet");
  }

  play() {
    if (this.timer || !this.found) {
      this.stop();
      return;
    }
    if (this.fed > this.found.length) this.#draw(0);
    $("play").firstChild.textContent = "Pause ";
    this.timer = setInterval(() => {
      this.#draw(this.fed + this.found.size);
      if (this.fed > this.found.length) this.stop();
    }, BEAT);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    $("play").firstChild.textContent = "Play ";
  }

  #go(fed) {
    this.stop();
    this.#draw(fed);
  }

  #draw(fed) {
    const { found } = this;
    if (!found) return;
    this.fed = fed = fed >= found.length ? (this.fed === found.length || fed > found.length ? found.length + 1 : found.length) : fed;
    $("fed").value = String(fed);
    $("fed-said").textContent = fed > found.length ? "all, and the end" : `${number(fed)} of ${number(found.length)}`;
    const marks = found.marks.filter((mark) => mark.fed <= fed);
    $("read").replaceChildren(...drawn(found.stretches, this.characters, marks, fed));
    $("marks").replaceChildren(...marks.map((mark) => el("li", { class: mark.what }, el("b", {}, mark.what), " ", mark.words)));
    const said = found.steps.filter(([at]) => at <= fed).flatMap(([at, events]) => events.map((one) => [at, one]));
    const hidden = Math.max(0, said.length - MOST);
    $("events").replaceChildren(...(hidden ? [el("li", { class: "hint" }, `${number(hidden)} before these`)] : []),
      ...said.slice(hidden).map(([at, one]) => event(at, one)));
    $("happening").scrollTop = $("happening").scrollHeight;
    $("reply").replaceChildren(fed > found.length ? reply({ ...found.reply, problems: [], repairs: [] }) : el("p", { class: "hint" }, "It is whole when the text has ended."));
  }

  #size() {
    const size = Number($("size").value);
    $("size-said").textContent = size === WHOLE ? "the whole" : `${size} character${size === 1 ? "" : "s"}`;
  }

  #samples(samples) {
    const titles = samples.map(([title]) => title);
    this.samples = new Map(samples);
    $("sample").replaceChildren(el("option", { value: "" }, "your own text"), ...titles.map((title) => el("option", { value: title }, title)));
    if (this.sample && !this.samples.has(this.sample)) this.sample = titles[0] ?? "";
    $("sample").value = this.sample;
  }

  /** Puts the example that is chosen into the field; whether that was another text. */
  #take() {
    const text = this.samples.get(this.sample);
    if (text === undefined || text === $("output").value) return false;
    $("output").value = text;
    return true;
  }

  #wrong(errors) {
    this.stop();
    $("marks").replaceChildren(...errors.map((one) => el("li", { class: "problem" }, el("b", {}, one.field ?? "server"), " ", one.message)));
  }
}

function event(at, { event: name, ...fields }) {
  const { index, ...rest } = fields;
  const faults = { Problem: () => `${rest.kind}: expected ${rest.expected}, found ${rest.found}`,
    Repair: () => `${rest.kind}: ${rest.before || "nothing"} became ${rest.after || "nothing"}` };
  const kind = { Text: "content", Reasoning: "reasoning", Problem: "problem", Repair: "result" }[name] ?? "call";
  const quoted = ["Text", "Reasoning", "CallArgs"].includes(name);       // white space counts there
  const words = faults[name] ? [faults[name]()]
    : Object.values(rest).map((value) => typeof value === "string" && !quoted ? value : JSON.stringify(value));
  return el("li", {}, el("b", { "data-kind": kind }, name + (index === undefined ? "" : ` ${index}`)), " ",
    el("span", { class: "said" }, words.join(" · ")), el("small", {}, ` at ${number(at)}`));
}

/** The text up to `fed`: what is known by its kind, the rest held back, then what is still to come. */
function drawn(stretches, characters, marks, fed) {
  const out = [], cuts = new Set(marks.flatMap(({ at, start, end }) => [at, start, end]));
  let at = 0;
  const pins = () => marks.forEach((mark, i) => mark.at === at && out.push(el("sup", { class: `pin ${mark.what}`, title: mark.words },
    el("span", { class: "visually-hidden" }, mark.what), String(i + 1))));
  for (const [text, kind, known] of stretches) {
    const end = at + [...text].length;
    while (at < end) {
      pins();
      let to = at + 1;
      const shown = at >= fed ? "unfed" : known === 0 || known <= fed ? kind : "held";
      while (to < end && to !== fed && !cuts.has(to)) to++;
      const about = marks.find((mark) => mark.start <= at && at < mark.end)?.what ?? "";
      const words = characters.slice(at, to).join(""), last = out.at(-1);
      if (last?.dataset.kind === shown && last.dataset.about === about) {
        last.append(words);
      } else {
        const made = stretch(words, shown);
        made.dataset.about = about;
        out.push(made);
      }
      at = to;
    }
  }
  pins();
  return out;
}
