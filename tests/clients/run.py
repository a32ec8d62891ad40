"""Other people's clients against this server, each in an environment of its own: their pins fight.

The one rule: the server is a process of this environment, as a user starts it; the clients share nothing with it but its
address. `python tests/clients/run.py` makes the environments, runs everything and prints one table; names run those alone,
`--envs DIR` keeps the environments there for the next time.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
KEY = "sk-of-the-tests"
PYTEST = "pytest>=8.2,<10"
SHARED = {"TOOLGLOT_KEY": KEY, "TOOLGLOT_PAGE": str(HERE.parent.parent / "docs/clients.md")}


@dataclass(frozen=True)
class Client:
    """`packages` are what pip installs, or npm where `file` is no Python; `shown` are those whose versions are told."""

    name: str
    file: str
    packages: tuple[str, ...]
    shown: tuple[str, ...]
    flags: tuple[str, ...] = ()          # for its runner

    @property
    def python(self) -> bool:
        return self.file.endswith(".py")


CLIENTS = (
    Client("openai", "client_openai.py", (PYTEST, "openai>=3.52,<4", "pydantic>=2.7,<3"), ("openai",)),
    Client("anthropic", "client_anthropic.py", (PYTEST, "anthropic>=2.11,<3", "pydantic>=2.7,<3"), ("anthropic",)),
    Client("langchain", "client_langchain.py", (PYTEST, "langchain-tests>=1.1,<2", "langchain-openai>=1.7,<2",
                                                "langchain-anthropic>=1.7,<2"),
           ("langchain-tests", "langchain-core", "langchain-openai", "langchain-anthropic"),
           ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=session", "-o",
            "asyncio_default_test_loop_scope=session")),         # it keeps its connections
    Client("agents", "client_agents.py", (PYTEST, "openai-agents>=0.24,<1"), ("openai-agents", "openai")),
    Client("schemathesis", "client_schemathesis.py", (PYTEST, "schemathesis>=4.32,<5"), ("schemathesis",)),
    Client("ai-sdk", "client_ai_sdk.mjs", ("ai@^7", "@ai-sdk/openai@^4", "@ai-sdk/anthropic@^4", "zod@^4"),
           ("ai", "@ai-sdk/openai", "@ai-sdk/anthropic")),
)


@dataclass(frozen=True)
class Outcome:
    """`why` is what a client was skipped for, or what failed before its tests."""

    client: Client
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    installing: float = 0.0
    running: float = 0.0
    versions: str = ""
    why: str = ""


# -- environments ----------------------------------------------------------------------------------------------


class NotHere(Exception):
    """A client that cannot be had on this machine, and why."""


def installed(client: Client, envs: Path) -> tuple[Path, float, str]:
    """The client's environment, the seconds that it took, and the versions of what is in it."""
    began, place = time.monotonic(), envs / client.name
    if client.python:
        if not (place / "bin" / "python").exists():
            call(sys.executable, "-m", "venv", str(place))
        call(str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             *client.packages)
        told = call(str(place / "bin" / "python"), "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check")
        versions = dict(line.split("==", 1) for line in told.splitlines() if "==" in line)
    else:
        for tool in ("node", "npm"):
            if shutil.which(tool) is None:
                raise NotHere(f"there is no {tool} here")
        if int(call("node", "--version").lstrip("v").split(".")[0]) < 20:
            raise NotHere("the node here is older than 20")
        place.mkdir(parents=True, exist_ok=True)
        call("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *client.packages, cwd=place)
        told = call("npm", "ls", "--depth=0", "--parseable", "--long", cwd=place)
        versions = dict(name.rsplit("@", 1) for name in re.findall(r":([^:\n]+@[\d.]+)", told))
    return place, time.monotonic() - began, ", ".join(f"{name} {versions.get(name, '?')}" for name in client.shown)


def call(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


# -- servers ---------------------------------------------------------------------------------------------------


@contextmanager
def serving(name: str, command: Sequence[str], state: Path) -> Iterator[str]:
    """The address of a server of this environment, as long as it is wanted."""
    keys = state / "keys"
    keys.write_text(f"{KEY}\n")
    with (state / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", "0", "--store", str(state / f"{name}.db"), "--keys-file", str(keys)], text=True,
            stdout=subprocess.PIPE, stderr=log, start_new_session=True, cwd=state,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE.parent.parent / "src", HERE, HERE.parent)))})
        try:
            assert process.stdout
            said = process.stdout.readline().strip()
            address = said.rpartition(" at ")[2].removesuffix("/v1")
            if not address.startswith("http"):
                raise RuntimeError(f"the {name} server did not start: {said} {Path(log.name).read_text()[-4000:]}")
            print(said, flush=True)
            yield address
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


SERVERS = {"TOOLGLOT_SCRIPTED": ("scripted", (sys.executable, str(HERE / "serving.py"))),
           "TOOLGLOT_EMBEDDED": ("embedded", (sys.executable, "-m", "toolglot", "serve"))}


# -- running ---------------------------------------------------------------------------------------------------


def tried(client: Client, place: Path, state: Path, environ: dict[str, str], more: Sequence[str]) -> tuple[int, int, int]:
    """Passed, failed and skipped. What fails is printed by the client's own runner."""
    report = state / f"{client.name}.xml"
    if client.python:
        command = [str(place / "bin" / "python"), "-m", "pytest", "-c", str(HERE / "pytest.ini"), "-p", "no:cacheprovider",
                   f"--junitxml={report}", str(HERE / client.file), *client.flags, *more]
    else:
        shutil.copy(HERE / client.file, place / client.file)     # modules are looked for from where the file is
        command = ["node", "--test", "--test-reporter=spec", "--test-reporter-destination=stdout", "--test-reporter=junit",
                   f"--test-reporter-destination={report}", str(place / client.file)]
    code = subprocess.run(command, env={**os.environ, **environ}, cwd=state, timeout=1200).returncode
    cases = list(ET.parse(report).getroot().iter("testcase")) if report.exists() else []
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - failed - skipped, failed or int(code != 0), skipped


def outcome(client: Client, coming: Future[tuple[Path, float, str]], state: Path, environ: dict[str, str],
            more: Sequence[str]) -> Outcome:
    try:
        place, installing, versions = coming.result()
    except NotHere as missing:
        return Outcome(client, skipped=1, why=str(missing))
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return Outcome(client, failed=1, why=str(error))
    print(f"\n-- {client.name}: {versions}", flush=True)
    began = time.monotonic()
    passed, failed, skipped = tried(client, place, state, environ, more)
    return Outcome(client, passed, failed, skipped, installing, time.monotonic() - began, versions)


def table(outcomes: Sequence[Outcome]) -> str:
    rows = [("client", "passed", "failed", "skipped", "pip/npm", "tests", "versions")]
    rows += [(o.client.name, str(o.passed), str(o.failed), str(o.skipped), f"{o.installing:.0f} s", f"{o.running:.0f} s",
              o.versions or o.why.splitlines()[0]) for o in outcomes]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return "\n".join("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
                     for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="CLIENT", help=", ".join(one.name for one in CLIENTS))
    parser.add_argument("--envs", type=Path, help="where the environments are kept")
    parser.add_argument("-k", help="which tests, as pytest knows it")
    given = parser.parse_args()
    if unknown := set(given.names) - {one.name for one in CLIENTS}:
        parser.error(f"no client is named {', '.join(sorted(unknown))}")
    wanted = [one for one in CLIENTS if not given.names or one.name in given.names]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))      # the servers end with it
    with ExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        envs = given.envs or state
        pool = stack.enter_context(ThreadPoolExecutor(1))        # one is installed while another is tried
        coming = [pool.submit(installed, one, envs.absolute()) for one in wanted]
        environ = {name: stack.enter_context(serving(*how, state)) for name, how in SERVERS.items()}
        outcomes = [outcome(one, its, state, {**environ, **SHARED}, ["-k", given.k] if given.k else [])
                    for one, its in zip(wanted, coming, strict=True)]
    for failed in outcomes:
        if failed.why:
            print(f"\n-- {failed.client.name}: {failed.why}")
    print(f"\n{table(outcomes)}")
    return int(any(one.failed for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
