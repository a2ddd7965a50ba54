"""`wharf demo --check` as its user runs it, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def demo(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui", "demo", *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "TMPDIR": str(home)},
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.timeout(110)
def test_every_connection_of_the_demo_ends_as_expected(tmp_path: Path) -> None:
    ended = demo("--check", home=tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0].split() == ["Connection", "Direction", "Method", "Files", "Bytes", "Expected", "Got"]
    table = {line.split()[0]: line.split() for line in lines[2:] if line}
    ways = {(cells[1], cells[2]) for cells in table.values() if len(cells) > 3}
    assert ways >= {(way, method) for way in ("Inbound", "Outbound") for method in ("SFTP", "FTP", "Email")}
    assert "Failed (host-key)" in ended.stdout
    assert "Failed (auth)" in ended.stdout
    assert [path for path in tmp_path.iterdir() if path.name.startswith("wharf-demo-")] == []


def test_a_folder_in_use_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "keep").mkdir()
    (tmp_path / "keep" / "mine.txt").write_text("mine")
    ended = demo("--check", "--keep", str(tmp_path / "keep"), home=tmp_path)
    assert ended.returncode == 2
    assert "not empty" in ended.stderr
