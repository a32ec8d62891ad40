"""What it costs to read a reply as it streams: one call with one long string argument, in pieces of four characters.

Per dialect: microseconds a piece at three sizes, how much more one costs at the largest than at the smallest (the law:
nothing), and megabytes a second where the whole text is there at once. Each number is the fastest of several runs
in processor time.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import common

from toolglot.message import Call
from toolglot.model import Model
from toolglot.registry import dialects
from toolglot.spec import Json, Pythonic, encoding_of
from toolglot.tools import as_tools

PIECE = 4                                   # characters: about what a token has
SIZES = (1_000, 64_000, 1_000_000)          # characters of the argument
TARGET = {"JSON": 3.0, "tagged": 8.0}       # µs a piece
FLAT = 1.5                                  # the largest to the smallest, at most
TOOLS = as_tools({"name": "write_file", "description": "Write a file.", "parameters": {"type": "object", "properties": {
    "path": {"type": "string"}, "content": {"type": "string"}}, "required": ["path", "content"]}})
WORDS = ("the", "reader", "of", "a", "model's", "reply", "says", '"call"', "x = f(1, 2)", "Größe", "and", "so on;\n")


def prose(size: int) -> str:
    """So many characters of words, quotes, brackets and line breaks, always the same."""
    return " ".join(random.Random(7).choices(WORDS, k=size // 2))[:size - 1] + "."


def kind(model: Model) -> str:
    match encoding_of(model.dialect.calls):
        case Json():
            return "JSON"
        case Pythonic():
            return "Python"
        case _:
            return "tagged"


def feeding(model: Model, pieces: list[str]) -> Callable[[], object]:
    def feed() -> None:
        parser = model.stream(TOOLS)
        for piece in pieces:
            parser.feed(piece)
        parser.close()

    return feed


def measure(model: Model, sizes: tuple[int, ...], runs: int, step: Callable[[str], None]) -> list[str]:
    """A row of the table: µs a piece at each size, how flat, and MB/s of the middle size in one go."""
    costs, speed = [], 0.0
    for size in sizes:
        call = Call("write_file", {"path": "notes.txt", "content": prose(size)}, "abcdefgh1")
        text = model.write([call])
        assert [c.arguments for c in model.parse(text, TOOLS).calls] == [call.arguments], model.dialect.name
        pieces = [text[i:i + PIECE] for i in range(0, len(text), PIECE)]
        times = max(runs, min(50, runs * sizes[-1] // (size * 5)))
        costs.append(common.best(feeding(model, pieces), times=times)[0] / len(pieces) * 1e6)
        if size == sizes[len(sizes) // 2]:
            speed = len(text.encode()) / common.best(lambda t=text: model.parse(t, TOOLS), times=runs)[0] / 1e6
        step(model.dialect.name)
    what = kind(model)
    ratio = costs[-1] / costs[0]
    met = ratio <= FLAT and costs[len(sizes) // 2] <= TARGET.get(what, float("inf"))
    goal = f"{TARGET[what]:.0f}" if what in TARGET else "–"
    return [model.dialect.name, what, *(f"{c:.2f}" for c in costs), goal, f"{ratio:.2f}", "yes" if met else "**no**",
            f"{speed:.0f}"]


def name(size: int) -> str:
    return f"{size // 10**6} M" if size >= 10**6 else f"{size / 1_000:g} k"


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument("--dialect", action="append", choices=dialects(), metavar="NAME", help="default: all")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="at the largest size; default: 5")
    parser.add_argument("--sizes", type=int, nargs=3, default=SIZES, metavar="N", help="characters; default: 1k 64k 1M")
    given = parser.parse_args()
    common.pin()
    names, sizes = given.dialect or list(dialects()), tuple(given.sizes)
    with common.progress(len(names) * len(sizes), "reading") as step:
        rows = [measure(Model(dialects()[n]), sizes, given.runs, step) for n in names]
    small, middle, large = map(name, sizes)
    head = ["dialect", "arguments", f"µs a piece, {small}", middle, large, f"target at {middle}", f"{large} / {small}",
            "met", f"MB/s whole, {middle}"]
    body = common.table(head, rows) + f"\n\nFlat means at most {FLAT} from the smallest to the largest."
    common.publish("reading", f"Reading a reply in pieces of {PIECE} characters", body, [], given.write)


if __name__ == "__main__":
    main()
