"""Real disks that fill up in the midst of a large file, which is written past their caches."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.methods.filling import MEGABYTE, Told
from tui.domain.failure import FailureClass

DISK = 190 * MEGABYTE
UNSHARED = ("unshare", "--mount", *(("--user", "--map-root-user") if os.geteuid() else ()))
MOUNT = {
    "tmpfs": f"mount -t tmpfs -o size={DISK} wharf disk",
    "ext4": f"truncate -s {DISK} image && mkfs.ext4 -q -m 0 image && mount -o loop image disk",
}


@pytest.mark.parametrize("kind", MOUNT)
def test_what_was_safe_on_a_full_disk_is_built_on_once_there_is_room(kind: str, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    in_folder = f"cd {shlex.quote(str(tmp_path))} && {MOUNT[kind]}"
    if _run(in_folder).returncode:
        pytest.skip(f"A disk of the kind {kind} can only be mounted by root, and not in every container.")
    filling = shlex.join((sys.executable, "-m", "tests.methods.filling", str(tmp_path / "disk")))
    ran = _run(f"({in_folder}) && {filling}")

    assert ran.returncode == 0, ran.stderr
    told = Told(**json.loads(ran.stdout))
    assert told.failure == FailureClass.SPACE
    assert 16 * MEGABYTE < told.stored < DISK
    assert told.good
    assert told.identical
    assert tuple(told.past_the_cache) == (True, True)


def _run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*UNSHARED, "sh", "-c", script], capture_output=True, text=True, check=False, timeout=120)
