"""What all clients share: where the servers are, and what the model behind the scripted one is told to write."""

import json
import os
from pathlib import Path

SCRIPTED, EMBEDDED = os.environ["TOOLGLOT_SCRIPTED"], os.environ["TOOLGLOT_EMBEDDED"]
KEY = os.environ["TOOLGLOT_KEY"]
SMALL = "SmolLM2-135M-Instruct"          # the embedded model

WEATHER_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
                  "additionalProperties": False}
WEATHER = {"name": "get_weather", "description": "The weather in a city.", "parameters": WEATHER_SCHEMA}
TIME = {"name": "get_time", "description": "What time it is.", "parameters": {"type": "object", "properties": {}}}
OSLO = 'Os"lo\n\u2603'
WORDS = "It is sunny, \U0001f31e and 3 < 4."


def say(text: str) -> str:
    return "!say " + text


def call(name: str, **arguments: object) -> str:
    return f"!call {name} {json.dumps(arguments)}"


def think(text: str) -> str:
    return "!think " + text


def lines(*parts: str) -> str:
    return "\n".join(parts)


TWO_CALLS = lines(call("get_weather", city="Paris"), call("get_weather", city=OSLO))


def code_on_the_page(title: str, language: str = "py") -> str:
    """What docs/clients.md shows under a title, for the server of the embedded model."""
    page = Path(os.environ["TOOLGLOT_PAGE"]).read_text(encoding="utf-8")
    section = page.split(f"\n## {title}\n")[1].split("\n## ")[0]
    code = section.split(f"```{language}\n")[1].split("```")[0]
    return code.replace("http://127.0.0.1:8000", EMBEDDED).replace('"none"', repr(KEY))
