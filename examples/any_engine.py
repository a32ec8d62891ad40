"""The main job in a program: `python examples/any_engine.py [URL or PATH [MODEL]]`; without a place, a script is played."""

import asyncio
import sys

from weather import get_weather

from toolglot.ask import Answered, Ran, Stopped, ask, model_for
from toolglot.engines import Chat
from toolglot.engines.opening import open_engine
from toolglot.engines.scripted import Scripted

SCRIPT = ['{"name": "get_weather", "arguments": {"city": "Paris"}}', "It is 18 °C and sunny in Paris."]


async def main(place: str = "", name: str | None = None) -> None:
    engine = await open_engine(place, model=name) if place else Scripted(SCRIPT)
    model = None if isinstance(engine, Chat) else model_for(engine.facts)
    try:
        async for step in ask(model, engine, [{"role": "user", "content": "What is the weather in Paris?"}], [get_weather]):
            match step:
                case Ran(call, result):
                    print(f"{call.name}({call.arguments}) -> {result}")
                case Answered(words) | Stopped(words):
                    print(words)
    finally:
        engine.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
