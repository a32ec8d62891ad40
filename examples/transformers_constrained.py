"""A `model.generate` of your own, held to a valid call, with what the reply means while it is written.

    pip install 'toolglot[transformers]'
    python examples/transformers_constrained.py Qwen/Qwen2.5-0.5B-Instruct "What is the weather in Paris?"

The model is whatever `from_pretrained` takes: an id of the Hugging Face hub, which is fetched, or a directory.
"""

import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from weather import get_time_difference, get_weather

import toolglot
from toolglot.ask import model_for
from toolglot.engines.transformers import ConstrainedLogits, EventStreamer, Transformers, encode


def main(name: str, question: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name)
    ends = model.generation_config.eos_token_id
    glot = model_for(Transformers(model, tokenizer).facts)      # or name the family: toolglot.model("hermes")
    print("dialect:", glot.dialect.name)

    tools = [get_weather, get_time_difference]
    prompt = glot.prompt([{"role": "user", "content": question}], tools)
    ids = torch.tensor([encode(prompt, tokenizer, ends=ends)])
    streamer = EventStreamer(glot.stream(tools, prompt=prompt), tokenizer, print, ends=ends)
    rules = ConstrainedLogits(glot.constrain(tools, "required", parallel=False), tokenizer, ends=ends)
    model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=100,
                   logits_processor=[rules], streamer=streamer)
    for call in toolglot.fold(streamer.events).calls:
        print(call.name, call.arguments)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
