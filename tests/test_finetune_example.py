"""The recipe of examples/finetune runs: a few steps on a model of random weights, and what it writes can be asked."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

import toolglot
from toolglot.data.synthesize import synthesize
from toolglot.engines import Chunk, PromptPiece, Request
from toolglot.message import Assistant, Call

for needed in ("torch", "transformers", "trl", "peft", "datasets", "accelerate"):
    pytest.importorskip(needed, reason=f"{needed} is not installed")

sys.path.append(str(Path(__file__).resolve().parents[1] / "examples" / "finetune"))

import train  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of random weights, and a tokenizer whose tokens are bytes."""
    import tokenizers
    import torch
    import transformers

    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    backend = tokenizers.Tokenizer(tokenizers.models.BPE({one: i for i, one in enumerate(alphabet)}, []))
    backend.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = tokenizers.decoders.ByteLevel()
    backend.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    path = tmp_path_factory.mktemp("random")
    transformers.PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<|im_start|>", eos_token="<|im_end|>",
                                         pad_token="<|im_end|>").save_pretrained(path)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(vocab_size=258, hidden_size=32, intermediate_size=32, num_hidden_layers=2,
                                      num_attention_heads=2, max_position_embeddings=8192, bos_token_id=256,
                                      eos_token_id=257, pad_token_id=257)
    transformers.LlamaForCausalLM(config).save_pretrained(path)
    return path


def test_the_loss_is_on_what_the_model_writes(folder: Path) -> None:
    _, tokenizer = train.opened(str(folder))
    model, row = toolglot.model("hermes"), next(synthesize(rows=1, kinds=["session"]))
    (record,) = train.encoded(iter([row]), model, tokenizer, 100_000)
    learned = tokenizer.decode([label for label in record["labels"] if label != -100])
    replies = [turn for turn in row.turns if isinstance(turn, Assistant)]
    assert learned.count("<|im_end|>") == len(replies)
    assert learned.count("<tool_call>") == sum(isinstance(part, Call) for turn in replies for part in turn.parts)
    assert learned == "".join(model.write(turn.parts) + "<|im_end|>" for turn in replies)
    assert list(train.encoded(iter([row]), model, tokenizer, 10)) == []


def test_a_few_steps_change_the_weights_and_leave_a_model_that_can_be_asked(
        folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from safetensors.torch import load_file

    from toolglot.engines.transformers import open_model

    out = tmp_path / "tuned"
    train.main(["--model", str(folder), "--out", str(out), "--rows", "3", "--kinds", "single,missing", "--steps", "2",
                "--most-tools", "1", "--longest", "9000", "--rank", "2"])
    assert "is written" in capsys.readouterr().out
    before, after = (load_file(path / "model.safetensors") for path in (folder, out))
    assert before.keys() == after.keys()
    changed = {name for name in before if not before[name].equal(after[name])}
    assert changed == {name for name in before if any(layer in name for layer in train.LAYERS)}

    async def asked(engine: Any) -> list[Any]:
        request = Request([PromptPiece("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", True)], max_tokens=4)
        return [one async for one in engine.generate(request)]

    with open_model(out, device="cpu") as engine:
        said = asyncio.run(asked(engine))
    assert said[-1].completion_tokens <= 4 and all(isinstance(one, Chunk) for one in said[:-1])
