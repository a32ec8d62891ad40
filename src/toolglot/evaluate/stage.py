"""The process on the other side of `replay`: the leaderboard's classes, for the model's calls and for the right ones.

The one rule: what a model wrote is data. A call is a public method's name, looked up, and JSON arguments; the process may
open no socket, start no program and write no file, and has so much time and memory. It is run as a script, and imports
nothing of toolglot. A line of JSON comes in, one goes out.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import inspect
import json
import os
import sys
from typing import Any

MEMORY, SECONDS = 2 << 30, 60
PACKAGE = "bfcl_eval.eval_checker.multi_turn_eval.func_source_code."
REFUSED = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile",
           "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink", "os.kill",
           "os.chmod", "os.chown", "shutil.", "ctypes.", "pty.", "ftplib.", "smtplib.", "urllib.", "http.", "webbrowser.")
Worlds = dict[str, dict[str, Any]]          # of "model" and "truth": class -> its instance


def limit() -> None:
    """So much time and memory, where the system can hold a process to it."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook, which nothing can take off again."""
    if event.startswith(REFUSED):
        raise PermissionError(f"{event} is not allowed here")
    if event == "open" and len(arguments) > 2 and isinstance(flags := arguments[2], int) and \
            flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND):
        raise PermissionError("files can only be read here")


def made(given: dict[str, Any]) -> Worlds:
    sys.path[:0] = [given["folder"]] if given["folder"] else []
    kinds = {name: getattr(importlib.import_module(PACKAGE + module), name) for module, name in given["classes"]}
    worlds: Worlds = {}
    for side in ("model", "truth"):
        worlds[side] = {name: kind() for name, kind in kinds.items()}
        for name, one in worlds[side].items():
            if hasattr(one, "_load_scenario"):
                one._load_scenario(copy.deepcopy(given["config"].get(name, {})), long_context=given["long"])
    return worlds


def run(instances: dict[str, Any], name: str, arguments: dict[str, Any]) -> str:
    """What a call comes to, in words. The last class that has the method is meant."""
    methods = [dict(inspect.getmembers(one, inspect.ismethod)) for one in instances.values()]
    method = next((found[name] for found in reversed(methods) if name in found and not name.startswith("_")), None)
    if method is None:
        return f"Error: no function is named {name!r}"
    try:
        result = method(**arguments)
    except MemoryError:
        return "Error: out of memory"
    except Exception as error:
        return f"Error: {error}"
    if isinstance(result, str):
        return result
    with contextlib.suppress(TypeError, ValueError):
        return json.dumps(result) if isinstance(result, dict) else str(result)
    return str(result)


def differences(worlds: Worlds) -> list[str]:
    """What of the state is not the same on both sides: class and attribute."""
    return [f"{name}.{key}" for name, right in worlds["truth"].items() for key, value in vars(right).items()
            if not key.startswith("_") and getattr(worlds["model"][name], key, None) != value]


def answer(worlds: Worlds, asked: dict[str, Any]) -> dict[str, Any]:
    if "side" in asked:
        return {"results": [run(worlds[asked["side"]], *call) for call in asked["calls"]]}
    return {"differences": differences(worlds)}


def main() -> None:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout = sys.stderr                 # what a class prints is no answer
    sys.path.pop(0)                         # the folder of this file
    worlds: Worlds = {}
    for line in sys.stdin:
        asked, told = json.loads(line), dict[str, Any]()
        if not worlds:
            try:
                worlds, told = made(asked), {"ready": True}
            except Exception as error:
                told = {"failed": f"{type(error).__name__}: {error}"}
            limit()
            sys.addaudithook(refuse)
        else:
            told = answer(worlds, asked)
        out.write(json.dumps(told) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
