"""Names that differ only in case: on a disk that tells them apart, and on a real one that does not (NTFS)."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.conftest import MakeConnection
from tests.engine.peer import Partner
from tests.servers.debian import find_program
from tui.domain.failure import FailureClass
from tui.domain.run import Status
from tui.engine import Engine
from tui.methods import case_twins as module
from tui.methods.case_twins import case_twins


@pytest.fixture(params=["tells them apart", "takes them for one"])
def blind(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "takes them for one")


@pytest.fixture
def folder(tmp_path: Path, blind: bool) -> Iterator[Path]:
    """The local folder, on the disk that is asked for."""
    place = tmp_path / "local"
    place.mkdir()
    if not blind:
        yield place
        return
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("mounting a disk needs root and /dev/fuse, which containers lack unless it is given to them")
    make, mount = find_program("mkntfs", "ntfs-3g"), find_program("lowntfs-3g", "ntfs-3g")
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(16 * 1024 * 1024)
    subprocess.run([make, "-q", "-F", image], check=True, capture_output=True, timeout=30)
    subprocess.run([mount, "-o", "ignore_case", image, place], check=True, capture_output=True, timeout=30)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True, timeout=30)


async def test_no_file_takes_the_place_of_its_twin(
    engine: Engine, partner: Partner, make_connection: MakeConnection, folder: Path, blind: bool
) -> None:
    partner.files = {"Batch.csv": b"first", "batch.csv": b"second", "other.csv": b"third"}
    await engine.store.save(make_connection())
    ended = await engine.wait((await engine.start("acme")).run_id)
    arrived = {path.name: path.read_bytes() for path in folder.iterdir()}
    if not blind:
        assert ended.status is Status.COMPLETED
        assert arrived == partner.files
        return
    # This disk also writes all names in lower case.
    assert arrived == {"batch.csv": b"first", "other.csv": b"third"}
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.UNSAFE_NAME
    assert "batch.csv" in ended.failure.message
    assert "Batch.csv" in ended.failure.message

    partner.files = {"OTHER.csv": b"a twin of what an earlier run has delivered"}
    again = await engine.wait((await engine.start("acme")).run_id)
    assert again.failure is not None
    assert (folder / "other.csv").read_bytes() == b"third"


def test_it_takes_nothing_to_find_that_there_are_no_twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").touch()
    monkeypatch.setattr(module, "_folds_case", lambda _: pytest.fail("no file is written without need"))
    assert case_twins(tmp_path, ["a.csv", "b.csv"]) == {}


@given(st.lists(st.sampled_from(["a", "A", "b", "B", "straße", "STRASSE", "ı", "I"]), unique=True))
def test_of_twins_one_remains(names: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_folds_case", lambda _: True)
        patch.setattr(Path, "iterdir", lambda _: iter(()))
        twins = case_twins(Path("/nowhere"), names)
    kept = [name for name in names if name not in twins]
    assert len({name.casefold() for name in kept}) == len(kept) == len({name.casefold() for name in names})
    assert all(other in kept and other.casefold() == name.casefold() for name, other in twins.items())
