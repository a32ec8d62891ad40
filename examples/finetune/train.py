"""Teaches the embedded model to call tools: LoRA with TRL, on conversations that toolglot makes, in a dialect you choose.

    python examples/finetune/train.py --out tuned            # a few minutes of a CPU; on a GPU the same, faster
    python examples/finetune/train.py --rows 0 --out base    # the same weights as a directory, untrained: to compare with

Needs what requirements.txt names. What was trained is a directory of transformers; `to_gguf.py` makes a GGUF file of it.
What is trained on is the text that toolglot itself will show the model and read from it: the same prompt, the same ids.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

import toolglot
from toolglot.data.row import Row
from toolglot.data.synthesize import synthesize
from toolglot.data.tokens import encoder_of
from toolglot.data.writers import writer
from toolglot.engines.weights import find_model
from toolglot.tools import load_tools

LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main(argv: Sequence[str] | None = None) -> None:
    args = arguments(argv)
    torch.manual_seed(args.seed)
    model, tokenizer = opened(args.model)
    if args.rows:
        tools = load_tools(args.tools) if args.tools else None
        rows = synthesize(tools, args.rows, seed=args.seed, kinds=args.kinds, most=args.most_tools)
        data = Dataset.from_list(list(encoded(rows, toolglot.model(args.dialect), tokenizer, args.longest)))
        began = time.perf_counter()
        model = trained(model, tokenizer, data, args)
        tokens = sum(map(len, data["input_ids"])) * args.epochs
        print(f"{len(data)} rows, {tokens:,} tokens read, {time.perf_counter() - began:.0f} seconds")
    model.float().save_pretrained(args.out)
    tokenizer.save_pretrained(args.out)
    print(f"{args.out} is written: toolglot evaluate --engine {args.out} --dialect {args.dialect}")


def opened(file: str | None) -> tuple[Any, Any]:
    """The model and its tokenizer out of a GGUF file, or out of a directory."""
    path = Path(file) if file and Path(file).is_dir() else find_model(file)
    named: dict[str, Any] = {} if path.is_dir() else {"gguf_file": path.name}
    where = str(path if path.is_dir() else path.parent)
    read = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32, **named)
    if hasattr(read.config, "quantization_config"):
        del read.config.quantization_config              # its weights are plain numbers now, and may be saved as such
    model = AutoModelForCausalLM.from_config(read.config, dtype=torch.float32)
    model.load_state_dict(read.state_dict())
    model.generation_config = read.generation_config
    return model, AutoTokenizer.from_pretrained(where, **named)


def encoded(rows: Iterator[Row], model: toolglot.Model, tokenizer: Any, longest: int) -> Iterator[dict[str, list[int]]]:
    """Token ids and labels: the loss is on what the model writes, and on nothing else. Longer rows are left out."""
    tokens = writer("tokens", model=model, encoder=encoder_of(tokenizer), check=True)
    for row in rows:
        for record in tokens.take(row):
            if len(record["input_ids"]) <= longest:
                yield {"input_ids": record["input_ids"], "labels": record["labels"]}


def trained(model: Any, tokenizer: Any, data: Dataset, args: argparse.Namespace) -> Any:
    on_gpu = torch.cuda.is_available()
    lora = LoraConfig(r=args.rank, lora_alpha=2 * args.rank, lora_dropout=0.0, target_modules=LAYERS, task_type="CAUSAL_LM")
    with tempfile.TemporaryDirectory() as scratch:
        config = SFTConfig(
            scratch, num_train_epochs=args.epochs, learning_rate=args.rate, lr_scheduler_type="cosine", warmup_steps=0.05,
            per_device_train_batch_size=args.batch, gradient_accumulation_steps=args.accumulate, max_grad_norm=1.0,
            bf16=on_gpu, use_cpu=not on_gpu, max_length=args.longest, dataset_kwargs={"skip_prepare_dataset": True},
            save_strategy="no", report_to="none", logging_steps=5, seed=args.seed,
            dataloader_pin_memory=on_gpu, max_steps=args.steps)
        trainer = SFTTrainer(model, config, train_dataset=data, processing_class=tokenizer, peft_config=lora)
        trainer.train()
        return trainer.model.merge_and_unload()


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--out", required=True, metavar="FOLDER", help="where the merged model goes, as a directory of transformers")
    add("--model", metavar="PATH",
        help="a GGUF file or a directory of transformers; default: SmolLM2-135M-Instruct, fetched once")
    add("--tools", metavar="FILE", help="tools to make conversations of; default: toolglot's own catalogue")
    add("--kinds", type=lambda text: text.split(","), default=("session",),
        help="kinds of conversation; default: session, which has most to learn from in the fewest tokens")
    add("--most-tools", type=int, default=2, help="tools in a conversation's list; default: 2")
    add("--dialect", default="hermes", help="default: hermes")
    add("--rows", type=int, default=36, help="conversations; 0 trains nothing; default: 36")
    add("--epochs", type=int, default=1, help="default: 1")
    add("--steps", type=int, default=-1, help="steps at most; default: all rows")
    add("--rank", type=int, default=16, help="of LoRA; default: 16")
    add("--rate", type=float, default=1e-3, help="learning rate; default: 0.001")
    add("--batch", type=int, default=1, help="rows at a time: more on a GPU; default: 1")
    add("--accumulate", type=int, default=1, help="batches a step; default: 1")
    add("--longest", type=int, default=1300, help="tokens; longer rows are left out; default: 1300")
    add("--seed", type=int, default=1, help="of the rows and of training; default: 1")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
