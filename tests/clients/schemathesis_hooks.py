"""What schemathesis cannot know: which model there is, and which responses are kept. It notes what was answered, too."""

import json
import os
from typing import Any

import requests
import schemathesis
from asked import KEY, SCRIPTED


def keep() -> str:
    made = requests.post(f"{SCRIPTED}/v1/responses", json={"model": "scripted", "input": "!say Kept."}, timeout=30,
                         headers={"authorization": f"Bearer {KEY}"})
    return str(made.json()["id"])


KEPT_ID = keep()


def name_what_there_is(body: dict[str, Any]) -> None:
    known = {"model": "scripted", "previous_response_id": KEPT_ID}
    body.update({name: value for name, value in known.items() if isinstance(body.get(name), str)})


def take_out_what_must_agree(body: dict[str, Any]) -> None:
    """So that some requests come through whole: a result needs its call, a choice its tool."""
    for name in ("tool_choice", "function_call", "functions", "tools", "thread", "background", "conversation",
                 "top_logprobs", "response_format", "text", "output_config", "prompt"):
        body.pop(name, None)
    if "messages" not in body and not isinstance(body.get("input"), (str, list)):
        body["input"] = "Hello!"
    for name in ("messages", "input"):
        if isinstance(body.get(name), list):
            body[name] = [one for one in body[name] if one.get("role") == "user" and isinstance(one["content"], str)]
            body[name].append({"role": "user", "content": "Hello!"})


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Requests that are right name what there is; those that are wrong stay as wrong as they are."""
    if case.meta is None or case.meta.generation.mode.value != "positive":
        return
    if isinstance(case.body, dict):
        name_what_there_is(case.body)
        if case.meta.phase.name.value == "fuzzing" or len(repr(case.body)) % 2:
            take_out_what_must_agree(case.body)
    if "response_id" in (case.path_parameters or {}):
        case.path_parameters["response_id"] = keep() if case.method == "DELETE" else KEPT_ID
    if "model" in (case.path_parameters or {}):
        case.path_parameters["model"] = "scripted"


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    with open(os.environ["ANSWERED"], "a") as file:
        file.write(json.dumps([case.operation.label, response.status_code]) + "\n")
