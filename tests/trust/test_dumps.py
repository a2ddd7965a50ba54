"""No core dump of ours: a process that is made to abort leaves none, and says why it cannot."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

_ABORT = """
import os, resource, sys
from tui.trust.dumps import forbid_dumps
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
if sys.argv[1] == "forbid":
    forbid_dumps()
print(resource.getrlimit(resource.RLIMIT_CORE)[0], flush=True)
os.abort()
"""


def aborted(folder: Path, how: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", _ABORT, how], cwd=folder, capture_output=True, text=True, check=False)


def test_the_limit_is_zero(tmp_path: Path) -> None:
    ended = aborted(tmp_path, "forbid")
    assert ended.returncode == -signal.SIGABRT
    assert ended.stdout == "0\n"
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == []


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is of Linux")
def test_the_memory_belongs_to_root_also_where_dumps_are_piped() -> None:
    asking = "import ctypes; from tui.trust.dumps import forbid_dumps; forbid_dumps(); "
    looking = f"{asking} print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"  # 3 is PR_GET_DUMPABLE
    assert subprocess.check_output([sys.executable, "-c", looking], text=True).strip() == "0"


def test_the_command_forbids_them() -> None:
    asking = "import resource; from tui.cli import main; main(['locate']); "
    looking = f"{asking} print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    shown = subprocess.check_output([sys.executable, "-c", looking], text=True)
    assert shown.splitlines()[-1] == "0"
