"""A process ends at once, but not before what must come first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
_LEAVING = """
import atexit, sys, threading
from tui.commands.leaving import Leaving

class Object:
    def __del__(self):
        sys.stderr.write("taken apart ")

leaving = Leaving()
kept = Object()
atexit.register(lambda: sys.stdout.write("called at the end, "))
working = threading.Event()
threading.Thread(target=lambda: (working.wait(), sys.stdout.write("thread ended, "))).start()
threading.Timer(0.05, working.set).start()
sys.stdout.write("said, ")
{end}
"""


def _end(with_: str) -> tuple[int, str, str]:
    command = [sys.executable, "-c", _LEAVING.format(end=with_)]
    done = subprocess.run(command, env=_BUFFERED, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def test_threads_end_and_what_was_said_is_written_before_a_process_leaves_at_once() -> None:
    code, out, err = _end("leaving.code = 3; sys.exit(3)")
    assert (code, out, err) == (3, "said, thread ended, called at the end, ", "")


def test_without_an_exit_code_a_process_ends_as_ever() -> None:
    code, out, err = _end("raise SystemExit(5)")
    assert (code, out, err) == (5, "said, thread ended, called at the end, ", "taken apart ")


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux has /dev/full, to which no byte can be written"
)
def test_what_cannot_be_written_at_the_end_shows_in_the_exit_code() -> None:
    command = [sys.executable, "-c", _LEAVING.format(end="leaving.code = 0; sys.exit(0)")]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, env=_BUFFERED, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 120
    assert b"No space left" in done.stderr
