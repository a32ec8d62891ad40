"""What it costs to write a prompt, side by side with jinja2 and the model's own published chat template.

The template is compiled once, in the environment that transformers compiles it in. Both sides are first held to be
equal to the byte; then they are timed in turn, in one process. toolglot remembers how tools and past replies are told,
so it matters what it has seen. With ten messages and ten tools: `new`, a conversation that nobody has seen, the tools
given as dicts; `tools read once`, the same with `as_tools(tools)`; `told again`, the very same prompt as before.
`growing`: ten prompts of a new conversation, each longer by a question, a call, its result and an answer, by a facade
that has not even seen the tools. Numbers are the fastest of several runs, each with words of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import common

sys.path.append(str(common.HERE.parent / "tests"))      # the judges of law 6: which template, run how

import jinja2

import published
import test_published
from toolglot.model import Model
from toolglot.registry import dialects
from toolglot.tools import as_tools

TARGET = 5.0            # times as fast
CITIES = ("Paris", "Köln", "Lima", "Oslo", "Quito", "Rome", "São Paulo", "Tōkyō", "Ulm", "Wien")


def conversation(rounds: int, words: bool = True, run: int = 0) -> list[dict[str, Any]]:
    """So many rounds of a question, a call, its result and an answer, then a question. `words`: also as arguments.

    No two runs have a question, a call, a result or an answer in common.
    """
    out: list[dict[str, Any]] = [{"role": "system", "content": "You are a travel agent. Be brief, and say where facts "
                                                               "come from."}]
    for i in range(rounds + 1):
        city = CITIES[i % len(CITIES)]
        arguments = {"days": run * 100 + i, **({"city": city, "unit": "celsius"} if words else {"hourly": True})}
        call = {"id": f"call{run % 1000:03}{i:02}", "type": "function",
                "function": {"name": "get_weather_0", "arguments": arguments}}
        out += [{"role": "user", "content": f"What will the weather be like in {city} over the next {run}.{i} days, "
                                            f"and what should I pack for a walk through the old town?"},
                {"role": "assistant", "content": "", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": call["id"], "name": "get_weather_0",
                 "content": f'{{"city": "{city}", "temperature": {run}.{i}, "conditions": "light rain, then sun"}}'},
                {"role": "assistant", "content": f"About {run}.{i} °C in {city}, with light rain at first: pack a thin "
                                                 f"coat and an umbrella."}]
    return out[:-3]


def equal(row: test_published.Row, size: int) -> tuple[Callable[..., str], Callable[..., str], list[dict[str, Any]]]:
    """jinja2's way to a prompt, ours, and the tools; raises AssertionError if they differ on what is to be timed."""
    template = published.stored(row.template, row.flatten)
    tools = common.tools(size)

    def theirs(messages: list[dict[str, Any]]) -> str:
        return published.render(template, messages, tools, add_generation_prompt=True, **row.given)

    def ours(model: Model, messages: list[dict[str, Any]], given: Any = tools) -> str:
        return str(model.prompt(messages, given, today=test_published.DATE, thinking=row.thinking))

    for rounds in range(10):
        talk = conversation(rounds, "args" not in row.talk)
        assert ours(Model(dialects()[row.dialect]), talk) == theirs(talk), f"{row.dialect}: not equal, {rounds} rounds"
    return theirs, ours, tools


def measure(row: test_published.Row, runs: int) -> list[str]:
    """A row of the table: jinja2, ours and how many times as fast, for each of the jobs."""
    theirs, ours, tools = equal(row, 10)
    model, words, read = Model(dialects()[row.dialect]), "args" not in row.talk, as_tools(tools)
    talks = [iter([conversation(2, words, 3 * run + i) for run in range(1, runs + 1)]) for i in range(3)]
    long_runs = max(3, runs // 10)
    grown = [iter([[conversation(rounds, words, 10**6 + 2 * run + i) for rounds in range(10)]
                   for run in range(long_runs)]) for i in range(2)]
    old = conversation(2, words)
    assert len(old) == 10

    def grow() -> None:
        fresh = Model(dialects()[row.dialect])
        for messages in next(grown[1]):
            ours(fresh, messages)

    jinja, *mine = common.best(lambda: theirs(next(talks[0])), lambda: ours(model, next(talks[1])),
                               lambda: ours(model, next(talks[2]), read), lambda: ours(model, old, read), times=runs)
    jinja_grows, grows = common.best(lambda: [theirs(messages) for messages in next(grown[0])], grow, times=long_runs)
    return [row.dialect, micro(jinja), *(cell for one in mine for cell in (micro(one), ratio(jinja, one))),
            micro(jinja_grows), micro(grows), ratio(jinja_grows, grows)]


def micro(seconds: float) -> str:
    return f"{seconds * 1e6:.0f}"


def ratio(theirs: float, ours: float) -> str:
    return f"{theirs / ours:.1f}×" if theirs / ours >= TARGET else f"**{theirs / ours:.1f}×**"


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument("--dialect", action="append", metavar="NAME", help="default: each that has a template")
    parser.add_argument("--runs", type=int, default=300, metavar="N", help="default: 300, growing a tenth of it")
    given = parser.parse_args()
    common.pin()
    rows, absent = [], ["json (it has no template of its own)"]
    wanted = [row for row in test_published.ROWS if row.n == 0 and (given.dialect is None or row.dialect in given.dialect)]
    with common.progress(len(wanted), "writing") as step:
        for row in wanted:
            try:
                rows.append(measure(row, given.runs))
            except OSError:
                absent.append(f"{row.dialect} (its template is not here)")
            except (AssertionError, jinja2.TemplateError):
                absent.append(f"{row.dialect} (its template is asked otherwise)")
            step(row.dialect)
    head = ["dialect", "jinja2, µs", "new, µs", "faster", "tools read once, µs", "faster", "told again, µs", "faster",
            "growing, jinja2, µs", "toolglot, µs", "faster"]
    body = (f"{common.table(head, rows)}\n\nPrompts equal to the byte in all of these. Bold: under the target of "
            f"{TARGET:.0f} times as fast. Left out: {', '.join(absent)}.")
    common.publish("writing", "Writing a prompt of ten messages and ten tools", body, ["jinja2"], given.write)


if __name__ == "__main__":
    main()
