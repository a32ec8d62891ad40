// The page: what is typed, what is asked of the server for it, and the state in the address.

import { Asking } from "./asking.js";
import { Columns } from "./columns.js";
import { Dialects } from "./dialects.js";
import { $, calmly, el, say, trouble } from "./dom.js";
import { Editor } from "./editor.js";
import * as keys from "./keys.js";
import { learn, legend } from "./pieces.js";
import { Reading } from "./reading.js";
import { another, ask } from "./server.js";
import * as state from "./state.js";

const FIRST = 3;                        // columns to begin with
const ENGINE = "@engine";
const typed = (value) => JSON.stringify(value, null, 2);

let address = "";                       // the fragment that the page itself wrote last
const keep = calmly(async () => {
  address = await state.written(shown());
  history.replaceState(null, "", address);
}, 400);

keys.theme();
const messages = new Editor($("messages-editor"), "messages", 10, changed);
const tools = new Editor($("tools-editor"), "tools", 13, changed);
const columns = new Columns($("columns"), changed, (column) => reading.open(named(column)));
const reading = new Reading(() => tools.text, which, keep);
const soon = calmly(refresh, 120);
let start, asking, waiting;

function templates() {
  return columns.all.filter((one) => one.template !== undefined);
}

function named(column) {
  return column.template === undefined ? column.model : `template ${templates().indexOf(column) + 1}`;
}

/** What the server is asked for by the name of a model, or of a template that is pasted above. */
function which(name) {
  const pasted = templates()[Number(/^template (\d+)$/.exec(name)?.[1]) - 1];
  return pasted ? { template: pasted.template } : { model: name };
}

/** What is asked: the conversation, as it is typed. */
function talk() {
  const thinking = $("thinking").value;
  return { messages: messages.text, tools: tools.text, thinking: thinking === "" ? null : thinking === "true" };
}

// -- the state

function shown() {
  return { messages: messages.text, tools: tools.text, thinking: $("thinking").value, form: $("form").value,
    columns: columns.state, reading: reading.state };
}

function show(found, stranger) {
  const first = start.examples[0];
  messages.text = text(found.messages, typed(first.messages));
  tools.text = text(found.tools, typed(first.tools));
  $("thinking").value = text(found.thinking, "");
  $("form").value = text(found.form, "faithful");
  columns.clear();
  const given = Array.isArray(found.columns) ? found.columns.slice(0, 24) : null;
  const own = [...(start.engine?.dialect ? [ENGINE] : []), ...start.shown].slice(0, FIRST).map((model) => ({ model }));
  for (const one of given ?? own) {
    if (typeof one?.template === "string") columns.add({ template: one.template }, { allowed: !stranger, quietly: true });
    else if (typeof one?.model === "string") columns.add({ model: one.model }, { quietly: true });
  }
  reading.state = { as: columns.all[0]?.model ?? start.shown[0], ...(found.reading ?? {}) };
}

function text(value, otherwise) {
  return typeof value === "string" ? value : otherwise;
}

async function opened() {
  if (location.hash === address) return;
  show(await state.read(location.hash) ?? {}, true);
  refresh();
  reading.refresh();
}

// -- the prompts

function changed() {
  offer();
  keep();
  soon();
}

async function refresh() {
  waiting?.abort();
  waiting = new AbortController();
  const asked = columns.shown;
  try {
    const found = await ask("arena/prompt", { ...talk(), prompts: $("form").value, columns: columns.asked() }, waiting.signal);
    const wrong = (field) => found.wrong.find((one) => one.field === field) ?? null;
    messages.show(wrong("messages"));
    tools.show(wrong("tools"));
    if (found.wrong.length) columns.stale(true);
    else columns.show(asked, found.columns);
  } catch (error) {
    if (error.name !== "AbortError") trouble(`The prompts are not shown: ${error.message}`);
  }
}

/** The models that the example was first compared on, and are not shown yet. */
function offer() {
  const there = columns.all.map((one) => one.model);
  const missing = start.shown.filter((name) => !there.includes(name));
  const chip = (name) => el("button", { type: "button", class: "chip", onclick: () => columns.add({ model: name }) }, `+ ${name}`);
  const all = el("button", { type: "button", class: "chip", onclick: () => {
    missing.forEach((model) => columns.add({ model }, { quietly: true }));
    changed();
  } }, "all of these");
  $("offered").replaceChildren(...(missing.length ? [...missing.map(chip), ...(missing.length > 1 ? [all] : [])] : []));
}

// -- the page

function controls() {
  $("legend").append(...legend());
  if (start.engine?.dialect) $("models").append(el("option", { value: ENGINE }, `${start.engine.name}, behind this page`));
  $("models").append(...start.shown.map((name) => el("option", { value: name })),
    ...start.models.map(([name, title]) => el("option", { value: name }, title)));
  $("example").append(...start.examples.map(({ title }, i) => el("option", { value: String(i) }, title)));
  $("example").addEventListener("change", () => {
    const one = start.examples[Number($("example").value)];
    messages.text = typed(one.messages);
    tools.text = one.tools.length ? typed(one.tools) : "";
    changed();
    reading.refresh();
  });
  for (const id of ["thinking", "form"]) $(id).addEventListener("change", changed);
  $("tools").addEventListener("change", () => reading.refresh());
  $("add").addEventListener("submit", (event) => {
    event.preventDefault();
    if ($("model").value.trim()) columns.add({ model: $("model").value.trim() });
    $("model").value = "";
  });
  $("template").hidden = !start.templates;
  $("template").addEventListener("click", () => columns.add({ template: "" }).root.querySelector("textarea").focus());
  $("labels").addEventListener("change", () => document.body.classList.toggle("named", $("labels").checked));
  $("cards").addEventListener("change", () => columns.open($("cards").checked));
  $("share").addEventListener("click", share);
  $("theme").addEventListener("click", keys.turn);
  $("key").addEventListener("click", () => another("").then((given) => given && location.reload()));
  keys.listen([
    ["?", "shows these keys", keys.help],
    ["m", "goes to the messages", () => $("messages").focus()],
    ["t", "goes to the tools", () => $("tools").focus()],
    ["a", "goes to where models are added", () => $("model").focus()],
    ["r", "goes to the reading of a reply", () => keys.go("reading")],
    ["p", "plays the stream, or stops it", () => reading.play()],
    [".", "feeds the next piece of it", () => reading.step()],
    ["0", "begins it again", () => reading.rewind()],
    ["f", "goes to the table of dialects", () => $("filter").focus()],
    ["c", "opens the report cards, or closes them", () => $("cards").click()],
    ["l", "names the pieces of prompts", () => $("labels").click()],
    ["d", "turns the page dark, or light", keys.turn],
    ["ctrl enter", "asks the model", () => asking.ask()],
  ]);
}

async function share() {
  address = await state.written(shown());
  history.replaceState(null, "", address);
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is copied");
    $("share").textContent = "Copied";
  } catch {
    $("share").textContent = "It is in the address";
  }
  setTimeout(() => ($("share").textContent = "Copy link"), 2000);
}

async function begin() {
  try {
    start = await ask("arena/start");
  } catch (error) {
    trouble(`The page cannot begin: ${error.message}`);
    return;
  }
  learn(start.kinds);
  controls();
  const dialects = new Dialects(start.tiers, (name) => {
    columns.add({ model: name });
    keys.go("prompts");
  });
  asking = new Asking(start.engine, talk, (text) => reading.open(start.engine.dialect ? ENGINE : $("reader").value, text));
  $("conversation").open = matchMedia("(min-width: 68rem)").matches;
  show(await state.read(location.hash) ?? {}, true);
  offer();
  await Promise.all([refresh(), reading.refresh()]);
  document.body.classList.add("ready");
  addEventListener("hashchange", opened);
  dialects.show((await ask("arena/dialects")).dialects);
}

begin();
