"""A trained directory as a GGUF file: for llama.cpp, and for toolglot's embedded engine.

    python examples/finetune/to_gguf.py tuned tuned.gguf

All but the weights (the vocabulary, the chat template, the sizes) is taken from the GGUF file that the model came from.
Matrices are written in 8 bits (Q8_0), the rest in 32. For models of llama.cpp's architecture "llama".
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import load_file

from toolglot.engines.weights import find_model

Q8_0 = gguf.GGMLQuantizationType.Q8_0
OWN = ("GGUF.", "general.file_type", "general.quantization_version", "general.architecture")     # said by the writer


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="a directory that train.py wrote")
    parser.add_argument("out", help="the GGUF file to write")
    parser.add_argument("--model", metavar="PATH",
                        help="the GGUF file that it was trained from; default: the embedded model")
    args = parser.parse_args(argv)
    source = gguf.GGUFReader(find_model(args.model))
    if (kind := source.fields["general.architecture"].contents()) != "llama":
        raise SystemExit(f"{args.folder}: expected a model of the architecture llama, found {kind}")
    writer = gguf.GGUFWriter(args.out, "llama")
    for key, field in source.fields.items():
        if not key.startswith(OWN):
            writer.add_key_value(key, field.contents(), field.types[0], field.types[-1] if len(field.types) > 1 else None)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    number = {key: int(source.fields[f"llama.{key}"].contents()) for key in ("block_count", "attention.head_count",
                                                                               "attention.head_count_kv")}
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, number["block_count"])
    for name, weights in load_file(Path(args.folder) / "model.safetensors").items():
        kept = names.get_name(name, try_suffixes=(".weight",))
        if kept is None:
            raise SystemExit(f"{args.folder}: expected the weights of a llama, found {name}")
        heads = number["attention.head_count" if "q_proj" in name else "attention.head_count_kv"]
        write(writer, kept, halves_together(weights, heads) if "q_proj" in name or "k_proj" in name else weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{args.out} is written")


def write(writer: Any, name: str, weights: np.ndarray) -> None:
    weights = weights.astype(np.float32)
    if weights.ndim == 2:
        writer.add_tensor(name, gguf.quants.quantize(weights, Q8_0), raw_dtype=Q8_0)
    else:
        writer.add_tensor(name, weights)


def halves_together(weights: np.ndarray, heads: int) -> np.ndarray:
    """Rotary positions pair the two halves of a head in transformers' order of rows, and neighbours in llama.cpp's."""
    rows, width = weights.shape
    return weights.reshape(heads, 2, rows // heads // 2, width).swapaxes(1, 2).reshape(rows, width)


if __name__ == "__main__":
    main()
