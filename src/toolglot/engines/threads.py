"""A generation in a thread of its own, and what it gives as it comes.

The one rule: whatever happens in the thread, its reader is told, and does not wait for ever; and a reader who leaves is
told to the thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Union

from . import Chunk, Done, EngineError

Post = Callable[[Chunk], None]
Work = Callable[[Post, Callable[[], bool]], Union[Done, EngineError]]


async def threaded(work: Work, name: str, jobs: set[threading.Thread],
                   closed: threading.Event) -> AsyncGenerator[Chunk | Done, None]:
    """What `work` posts, and what it returns at the end; an EngineError is raised. It is given what tells whether it is to
    stop: nobody reads any more, or the engine is closed. `jobs` holds the threads that run."""
    loop, left = asyncio.get_running_loop(), threading.Event()
    items: asyncio.Queue[Chunk | Done | EngineError] = asyncio.Queue()

    def post(item: Chunk | Done | EngineError) -> None:
        if not left.is_set() and not loop.is_closed():
            loop.call_soon_threadsafe(items.put_nowait, item)

    def job() -> None:
        last: Done | EngineError = EngineError(f"{name} failed; the traceback says why")
        try:
            last = work(post, lambda: left.is_set() or closed.is_set())
        except EngineError as error:
            last = error
        finally:
            jobs.discard(thread)
            post(last)

    thread = threading.Thread(target=job, name=f"toolglot-{name}")
    jobs.add(thread)
    thread.start()
    try:
        while True:
            item = await items.get()
            if isinstance(item, EngineError):
                raise item
            yield item
            if isinstance(item, Done):
                return
    finally:
        left.set()


__all__ = ["Post", "threaded"]
