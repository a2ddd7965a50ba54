import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.samples import dead_process
from tui.domain.run import Owner
from tui.store import process
from tui.store.process import is_gone, this_process


def _owner_of(pid: int) -> Owner:
    stat = process._stat(pid)
    assert stat is not None
    here = this_process()
    return Owner(pid, here.host, f"{here.started.rpartition('/')[0]}/{stat.ticks}")


def test_this_process_lives() -> None:
    assert this_process() == this_process()
    assert this_process().pid == os.getpid()
    assert is_gone(this_process()) is False


def test_a_pid_given_to_another_process_is_gone() -> None:
    assert is_gone(dead_process()) is True


def test_a_killed_process_is_gone_even_before_it_is_reaped() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        owner = _owner_of(child.pid)
        assert is_gone(owner) is False
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(owner) is True
    finally:
        child.kill()
        child.communicate()
    assert is_gone(owner) is True


def test_a_process_from_before_the_restart_is_gone() -> None:
    here = this_process()
    assert is_gone(here._replace(started="another-boot/" + here.started.partition("/")[2])) is True


def test_a_process_on_another_host_or_in_another_container_cannot_be_seen() -> None:
    here = this_process()
    boot, _, ticks = here.started.split("/")
    assert is_gone(here._replace(host="elsewhere")) is None
    assert is_gone(here._replace(started=f"{boot}/pid:[1]/{ticks}")) is None


def test_without_proc_only_a_missing_pid_is_certain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    monkeypatch.setattr(process, "_PROC", tmp_path)
    assert this_process() == Owner(os.getpid(), socket.gethostname(), "")
    assert is_gone(this_process()) is None
    assert is_gone(Owner(child.pid, socket.gethostname(), "")) is True


def test_a_command_name_with_parentheses_is_understood() -> None:
    fields = ["S", *map(str, range(4, 22)), "12345", "0"]
    stat = process._Stat(f"7 (a) Z (b c) {' '.join(fields)}\n")
    assert (stat.ended, stat.ticks) == (False, "12345")
