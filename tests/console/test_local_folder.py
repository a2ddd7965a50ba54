"""The listing of a connection's local folder."""

import os
from pathlib import Path

import pytest

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine, connection
from tui.console.app import WharfApp
from tui.console.dialogs.local_folder import LocalFolderDialog, read_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "batches"
    path.mkdir()
    return path


def test_each_entry_is_told_as_what_it_is_to_the_connection(folder: Path) -> None:
    for place, name in enumerate(["a.csv", "a.csv.wharf-part", "b.tmp", "c.txt"]):
        (folder / name).write_bytes(b"x" * place)
        os.utime(folder / name, (place, place))
    (folder / "sub.csv").mkdir()
    (folder / "dangling.csv").symlink_to(folder / "nowhere")
    (folder / "circle.csv").symlink_to(folder / "circle.csv")
    (folder / "d.csv.wharf-gone").write_bytes(b"xxxx")
    wanted = connection("acme", local_dir=str(folder), pattern=["*.csv", "*.tmp"])
    listing = read_folder(wanted)
    assert {file.name: file.what for file in listing.files} == {
        "a.csv": "matches",
        "a.csv.wharf-part": "unfinished",
        "b.tmp": "skipped",
        "c.txt": "no match",
        "sub.csv": "not a file",
        "dangling.csv": "not a file",
        "circle.csv": "not a file",
        "d.csv.wharf-gone": "delivered",
    }
    plain = [(file.name, file.bytes) for file in listing.files if file.what != "not a file"]
    assert plain == [("d.csv.wharf-gone", 4), ("c.txt", 3), ("b.tmp", 2), ("a.csv.wharf-part", 1), ("a.csv", 0)]
    assert not listing.more


def test_of_a_huge_folder_only_so_much_is_looked_at(folder: Path) -> None:
    for place in range(5):
        (folder / f"{place}.csv").touch()
    wanted = connection("acme", local_dir=str(folder))
    assert (len(read_folder(wanted, 4).files), read_folder(wanted, 4).more) == (4, True)
    assert (len(read_folder(wanted, 5).files), read_folder(wanted, 5).more) == (5, False)


@pytest.mark.parametrize(
    "name", [b"a[red].csv", b"\x1b]0;owned\x07.csv", b"\xff\xfe.csv", b"two\nlines.csv", b"n" * 250 + b".csv"]
)
async def test_hostile_names_are_shown_as_data(app: WharfApp, engine: FakeEngine, folder: Path, name: bytes) -> None:
    (folder / os.fsdecode(name)).touch()
    await engine.add("acme", local_dir=str(folder))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("l")
        await app.workers.wait_for_complete()
        await settle(pilot)
        text = "\n".join(lines_of(app))
        assert "1 entry, 1 matching *.csv" in text
        assert "\x1b" not in text
        assert "matches" in text
        await pilot.press("escape")
        assert not isinstance(app.screen, LocalFolderDialog)


async def test_a_folder_that_is_not_there_is_told(app: WharfApp, engine: FakeEngine, tmp_path: Path) -> None:
    await engine.add("acme", local_dir=str(tmp_path / "gone"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("l")
        await app.workers.wait_for_complete()
        await settle(pilot)
        assert "cannot be read: No such file or directory." in "\n".join(lines_of(app))
