"""What `import toolglot` costs: time in fresh processes, and what it brings in besides the standard library."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import common

import toolglot

TARGET = 50.0           # ms
TIMED = """
import time
began = time.process_time()
import toolglot
print((time.process_time() - began) * 1000)
"""
FOREIGN = """
import sys
before = set(sys.modules)
import toolglot
new = set(sys.modules) - before
print(len(new), *sorted({name.partition(".")[0] for name in new} - set(sys.stdlib_module_names) - {"toolglot"}))
"""


def environment(compiled: str) -> dict[str, str]:
    """Where children find the same toolglot as this process does, compiled once as it is where it is installed."""
    mine = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    source = str(Path(toolglot.__file__).parents[1])
    return {**mine, "PYTHONPATH": os.pathsep.join(filter(None, [source, mine.get("PYTHONPATH")])),
            "PYTHONPYCACHEPREFIX": compiled}


def child(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True, env=env)


def wall(env: dict[str, str]) -> float:
    """Milliseconds of one import with all that it imports, as `-X importtime` counts them."""
    report = child(env, "-X", "importtime", "-c", "import toolglot").stderr
    return int(re.findall(r"\|\s*(\d+) \| toolglot$", report, re.MULTILINE)[0]) / 1000


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument("--runs", type=int, default=20, metavar="N", help="processes; default: 20")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as compiled, common.progress(given.runs, "importing") as step:
        env, walls, busy = environment(compiled), list[float](), list[float]()
        child(env, "-c", "import toolglot")         # compiles it
        for _ in range(given.runs):
            walls.append(wall(env))
            busy.append(float(child(env, "-c", TIMED).stdout))
            step("")
        count, *foreign = child(env, "-c", FOREIGN).stdout.split()
    rows = [[f"{what}, {pick}", f"{of(times):.1f} ms", f"< {TARGET:.0f} ms"]
            for what, times in (("`-X importtime`", walls), ("processor time", busy))
            for pick, of in (("fastest", min), ("median", statistics.median))]
    rows += [["modules imported", count, "–"], ["not of the standard library", ", ".join(foreign) or "none", "none"]]
    common.publish("imports", f"`import toolglot`, {given.runs} fresh processes",
                   common.table(["", "measured", "target"], rows), [], given.write)


if __name__ == "__main__":
    main()
