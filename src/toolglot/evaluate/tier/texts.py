"""Requests with texts that are hard to write down: quotes, backslashes, line ends, code, markup, scripts and emoji.

The one rule: what a text is, to the last quote, stands in the request, on lines of its own, and is right letter by letter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .drawn import Dice, Drawn, Scenario, call, text, tool

T = TypeVar("T")

MESSAGE = tool("send_message", "Send a message, word for word.", {"to": text("Who it is for"), "text": text("The message")})
MESSAGES = ("Grüße aus Köln – bis später!", "明日の会議は10時です。", "¿Dónde está el café?", "On y va 🎉🎉",
            "Привет, как дела?", 'She said "no", twice.', "It's 5 o'clock; don't be late", "100% sure? {yes} [no] <maybe>")


def message(dice: Dice, words: str) -> Drawn:
    who = dice.pick(("Zoë", "José", "Łukasz", "Anaïs"))
    return Drawn(MESSAGE, f"send {who} a message with exactly this text:\n{words}", call(MESSAGE, to=who, text=words))


FILE = tool("read_file", "Read a file.", {"path": text("Path of the file")})
PATHS = (r"C:\Users\new\table.txt", "/home/ann/Über uns/readme (2).md", r"\\server\share\q&a.csv")


def path(dice: Dice, words: str) -> Drawn:
    return Drawn(FILE, f"read the file with this path:\n{words}", call(FILE, path=words))


QUERY = tool("run_query", "Run a query against the database.", {"sql": text("The query")})
QUERIES = ("SELECT name FROM users WHERE city = 'São Paulo' AND note <> ''",
           'SELECT "order", total FROM sales WHERE name LIKE \'%O\'\'Neil%\'')


def query(dice: Dice, words: str) -> Drawn:
    return Drawn(QUERY, f"run exactly this query:\n{words}", call(QUERY, sql=(words, f"{words};")))


WRITE = tool("write_file", "Write a text into a file.", {
    "path": text("Path of the file"), "content": text("What it holds")})
CONTENTS = (("hello.py", 'def hello(name):\n    print(f"Hello, {name}!")'), ("data.json", '{"a": [1, 2], "b": "x\\"y"}'),
            ("tag.txt", '<tool_call>{"name": "x"}</tool_call>'))


def content(dice: Dice, words: tuple[str, str]) -> Drawn:
    return Drawn(WRITE, f"write exactly the following into the file {words[0]}:\n{words[1]}",
                 call(WRITE, path=words[0], content=(words[1], words[1] + "\n")))


def _of(draw: Callable[[Dice, T], Drawn], words: T) -> Scenario:
    return lambda dice: draw(dice, words)


WRITTEN: tuple[Scenario, ...] = (*(_of(message, one) for one in MESSAGES), *(_of(path, one) for one in PATHS),
                                 *(_of(query, one) for one in QUERIES), *(_of(content, one) for one in CONTENTS))
