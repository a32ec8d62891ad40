// Vercel's AI SDK: its providers for Chat Completions, Responses and Messages, streamed and not.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, Output, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

globalThis.AI_SDK_LOG_WARNINGS = false;
const { TOOLGLOT_SCRIPTED: SCRIPTED, TOOLGLOT_EMBEDDED: EMBEDDED, TOOLGLOT_KEY: KEY, TOOLGLOT_PAGE: PAGE } = process.env;
const WORDS = "It is sunny, \u{1f31e} and 3 < 4.";
const OSLO = 'Os"lo\n\u2603';
const call = (name, args = {}) => `!call ${name} ${JSON.stringify(args)}`;
const lines = (...parts) => parts.join("\n");
const TWO_CALLS = lines(call("get_weather", { city: "Paris" }), call("get_weather", { city: OSLO }));

const models = (address, name) => {
  const openai = createOpenAI({ baseURL: `${address}/v1`, apiKey: KEY });
  const anthropic = createAnthropic({ baseURL: `${address}/v1`, apiKey: KEY });
  return { chat: openai.chat(name), responses: openai.responses(name), anthropic: anthropic(name) };
};
const tools = (seen = []) => ({
  get_weather: tool({
    description: "The weather in a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => { seen.push(city); return `${seen.length} degrees`; },
  }),
  get_time: tool({ inputSchema: z.object({}), execute: async () => "noon" }),
});
const unexpected = ({ error }) => { throw error; };

for (const [name, model] of Object.entries(models(SCRIPTED, "scripted"))) {
  test(`${name}: words`, async () => {
    const { text, finishReason, usage } = await generateText({ model, prompt: `!say ${WORDS}`, maxRetries: 0 });
    assert.equal(text, WORDS);
    assert.equal(finishReason, "stop");
    assert.equal(usage.outputTokens, Math.ceil([...WORDS].length / 4));
    assert.ok(usage.inputTokens > 0);
  });

  test(`${name}: streamed words`, async () => {
    const result = streamText({ model, prompt: `!say ${WORDS}`, maxRetries: 0, onError: unexpected });
    let text = "";
    for await (const delta of result.textStream) text += delta;
    assert.equal(text, WORDS);
    assert.equal(await result.finishReason, "stop");
    assert.equal((await result.usage).outputTokens, Math.ceil([...WORDS].length / 4));
  });

  test(`${name}: two steps of tools`, async () => {
    const seen = [];
    const prompt = lines("!say Let me look.", TWO_CALLS, "!then", call("get_time"));
    const { text, steps } = await generateText({ model, prompt, tools: tools(seen), stopWhen: stepCountIs(5), maxRetries: 0 });
    assert.deepEqual(seen.toSorted(), [OSLO, "Paris"]);
    assert.equal(steps.length, 3);
    assert.equal(steps[0].text, "Let me look.");
    assert.equal(steps[0].finishReason, "tool-calls");
    assert.deepEqual(steps[0].toolCalls.map((one) => [one.toolName, one.input]),
      [["get_weather", { city: "Paris" }], ["get_weather", { city: OSLO }]]);
    assert.deepEqual(steps[1].toolCalls.map((one) => [one.toolName, one.input]), [["get_time", {}]]);
    assert.match(text, /^It said: .*noon"?\.$/s);
  });

  test(`${name}: two steps of tools, streamed`, async () => {
    const prompt = lines(TWO_CALLS, "!then", call("get_time"));
    const result = streamText({ model, prompt, tools: tools(), stopWhen: stepCountIs(5), maxRetries: 0, onError: unexpected });
    const inputs = {};
    const made = [];
    for await (const part of result.fullStream) {
      if (part.type === "tool-input-delta") inputs[part.id] = (inputs[part.id] ?? "") + part.delta;
      if (part.type === "tool-call") made.push(part);
      assert.notEqual(part.type, "error");
    }
    assert.deepEqual(made.map((one) => one.input), [{ city: "Paris" }, { city: OSLO }, {}]);
    assert.equal(new Set(made.map((one) => one.toolCallId)).size, 3);
    for (const one of made) assert.deepEqual(JSON.parse(inputs[one.toolCallId] || "{}"), one.input);
    assert.match(await result.text, /^It said: /);
  });

  test(`${name}: a tool that must be called`, async () => {
    const { toolCalls } = await generateText({
      model, prompt: "Hello!", tools: tools(), toolChoice: { type: "tool", toolName: "get_time" }, maxRetries: 0 });
    assert.deepEqual(toolCalls.map((one) => one.toolName), ["get_time"]);
  });

  test(`${name}: a shape`, async () => {
    const output = Output.object({ schema: z.object({ setup: z.string(), stars: z.number() }) });
    const whole = await generateText({ model, prompt: "A joke, 5 stars", output, maxRetries: 0 });
    assert.deepEqual(whole.output, { setup: "setup", stars: 5 });
    const streamed = streamText({ model, prompt: "A joke, 4 stars", output, maxRetries: 0, onError: unexpected });
    assert.deepEqual(await streamed.output, { setup: "setup", stars: 4 });
  });

  test(`${name}: a limit`, async () => {
    const { text, finishReason } = await generateText({ model, prompt: "!say 0123456789abcdef", maxOutputTokens: 2, maxRetries: 0 });
    assert.deepEqual([text, finishReason], ["01234567", "length"]);
  });

  test(`${name}: an engine that fails`, async () => {
    await assert.rejects(generateText({ model, prompt: "!fail", maxRetries: 0 }),
      (error) => APICallError.isInstance(error) && error.statusCode === 502 && error.isRetryable);
    const again = await generateText({ model, prompt: `!busy 429 ${crypto.randomUUID()}\n!say Here.`, maxRetries: 2 });
    assert.equal(again.text, "Here.");
    const errors = [];
    const result = streamText({
      model, prompt: "!say one two\n!fail", maxRetries: 0, onError: ({ error }) => errors.push(error) });
    for await (const part of result.fullStream) if (part.type === "error") errors.push(part.error);
    assert.ok(errors.length > 0);
  });
}

const thinking = {
  responses: { openai: { reasoningEffort: "low", forceReasoning: true } },
  anthropic: { anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } } },
};
for (const [name, providerOptions] of Object.entries(thinking)) {
  test(`${name}: reasoning there and back`, async () => {
    const model = models(SCRIPTED, "scripted")[name];
    const prompt = lines("!think They want the weather.", call("get_weather", { city: "Paris" }));
    const { steps, text } = await generateText({
      model, prompt, tools: tools(), providerOptions, stopWhen: stepCountIs(3), maxRetries: 0 });
    if (name === "anthropic") assert.equal(steps[0].reasoningText, "They want the weather.");
    assert.deepEqual(steps[0].toolCalls.map((one) => one.input), [{ city: "Paris" }]);
    assert.match(text, /^It said: /);
  });
}

for (const [name, model] of Object.entries(models(EMBEDDED, "SmolLM2-135M-Instruct"))) {
  test(`${name}: the small model calls what it must`, async () => {
    const { get_weather } = tools();
    const { toolCalls } = await generateText({
      model, prompt: "What is the weather in Paris?", tools: { get_weather }, toolChoice: "required", maxOutputTokens: 60 });
    assert.deepEqual(toolCalls.map((one) => [one.toolName, typeof one.input.city]), [["get_weather", "string"]]);
  });
}

test("what the page shows", () => {
  const code = readFileSync(PAGE, "utf8").split("```js\n")[1].split("```")[0]
    .replaceAll("http://127.0.0.1:8000", EMBEDDED).replaceAll('"none"', JSON.stringify(KEY));
  const file = new URL("shown.mjs", import.meta.url);
  writeFileSync(file, code);
  const said = execFileSync(process.execPath, [file.pathname], { encoding: "utf8" });
  assert.equal(said.split("toolName: 'get_weather'").length, 4);
});
