#!/usr/bin/env bash
# Trains the embedded model and measures it before and after, as the README tells: bash examples/finetune/run.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?a folder for the models and the journals}
mkdir -p "$out"
python "$here/train.py" --rows 0 --out "$out/base"
python "$here/train.py" --out "$out/tuned"
for one in base tuned; do
  python "$here/to_gguf.py" "$out/$one" "$out/$one.gguf"
  toolglot evaluate --model "$out/$one.gguf" --dialect hermes --limit 60 --max-tokens 160 --concurrency 1 \
    --journal "$out/$one.jsonl" --resume
done
python "$here/report.py" "$out/base.jsonl" "$out/tuned.jsonl" | tee "$out/report.md"
