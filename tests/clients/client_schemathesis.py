"""Schemathesis: requests of every shape that the server's own OpenAPI document allows, and of many that it does not.

Of its checks one is left out, that whatever fits the document is accepted: that a tool_choice names a tool, or that a
result answers a call, is nothing that a schema can say.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from asked import KEY, SCRIPTED

HERE = Path(__file__).parent
EXAMPLES = os.environ.get("TOOLGLOT_CLIENT_EXAMPLES", "20")
POSTS = ("POST /v1/chat/completions", "POST /v1/messages", "POST /v1/responses", "POST /v1/messages/count_tokens",
         "POST /v1/responses/input_tokens")
KEPT = "/v1/responses/{response_id}"
OTHERS = ("GET /v1/models", "GET /v1/models/{model}", f"GET {KEPT}", f"DELETE {KEPT}", f"GET {KEPT}/input_items",
          "GET /health", "GET /metrics")


@pytest.mark.parametrize(("phases", "least"), [("examples,coverage", 1000), ("fuzzing", 100)])
def test_the_server_keeps_to_its_document(phases: str, least: int, tmp_path: Path) -> None:
    answered = tmp_path / "answered"
    flags = {"header": f"Authorization: Bearer {KEY}", "phases": phases, "max-examples": EXAMPLES, "seed": "1",
             "exclude-checks": "positive_data_acceptance"}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "st"), "run", f"{SCRIPTED}/openapi.json", "--generation-deterministic",
         "--continue-on-failure", "--no-color", *(word for name, value in flags.items() for word in (f"--{name}", value))],
        cwd=tmp_path, capture_output=True, text=True, timeout=600,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE), "ANSWERED": str(answered)})
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
    seen = Counter((label, status) for label, status in map(json.loads, answered.read_text().splitlines()))
    assert sum(seen.values()) > least
    for label in (*POSTS, *OTHERS):                      # it came past the doors: what is there was used, and refused
        assert seen[label, 200], f"{label} was never answered: {seen}"
    for label in POSTS:
        assert seen[label, 400], f"{label} was never refused: {seen}"
