"""The layout holds: what may import what, and that no module has grown into several."""

import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_LONGEST = 500


def test_imports_point_one_way() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    ended = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=90)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_live_table_could_be_a_library() -> None:
    lines = chain.from_iterable(path.read_text().splitlines() for path in ROOT.glob("tui/console/livetable/*.py"))
    ours = {line.split()[1] for line in lines if re.match(r"\s*(from|import) tui\b", line)}
    others = {name for name in ours if not name.startswith("tui.console.livetable")}
    assert len(ours) > len(others)
    assert others <= {"tui.domain.text"}


def test_a_module_is_one_idea() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in ROOT.glob("tui/**/*.py")}
    assert len(lengths) > 50
    assert {path: length for path, length in lengths.items() if length > _LONGEST} == {}


def test_nothing_else_lies_at_the_top() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    agreed = {"tui", "tests", "screenshots", "pyproject.toml", "README.md"}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)
    found = {line.split("/", 1)[0] for line in tracked.stdout.splitlines()}
    assert {name for name in found if not name.startswith(".")} <= agreed
