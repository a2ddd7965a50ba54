"""How tables are set up: remembered in a file that may be damaged, of another version, or written by two at once."""

import asyncio
import stat
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.console.column_choice import ColumnChoice
from tui.console.livetable import Column
from tui.console.remembered import Remembered, TableView
from tui.domain.failure import UsageProblem
from tui.paths import Paths


async def loaded(path: Path) -> Remembered:
    remembered = Remembered(path)
    await remembered.load()
    return remembered


async def test_what_was_set_up_is_there_the_next_time(paths: Paths) -> None:
    remembered = await loaded(paths.view)
    assert remembered.of("connections") == TableView()
    remembered.change("connections", columns=("name", "host"))
    remembered.change("connections", sorted_by="host", backwards=True)
    await remembered.save("connections")
    expected = TableView(columns=("name", "host"), sorted_by="host", backwards=True)
    assert (await loaded(paths.view)).of("connections") == expected
    assert stat.S_IMODE(paths.view.stat().st_mode) == 0o600
    remembered.change("connections", columns=None, sorted_by=None, backwards=False)
    await remembered.save("connections")
    assert (await loaded(paths.view)).of("connections") == TableView()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[connections", "is not valid TOML"),
        (b"\xff\xfe\x00", "is not valid TOML"),
        (b"connections = 1", "connections"),
        (b"[connections]\ncolumns = 5", "columns"),
        (b"[connections]\nbackwards = 'sideways'", "backwards"),
        (b"[connections]\ncolumns = ['x\\u001b]0;']\nsorted_by = 1", "sorted_by"),
    ],
)
async def test_a_damaged_file_is_told_and_replaced_by_the_next_change(paths: Paths, content: bytes, told: str) -> None:
    paths.view.write_bytes(content)
    remembered = Remembered(paths.view)
    with pytest.raises(UsageProblem, match=told) as problem:
        await remembered.load()
    assert str(paths.view) in str(problem.value)
    assert remembered.of("connections") == TableView()
    assert paths.view.read_bytes() == content
    remembered.change("connections", sorted_by="name")
    await remembered.save("connections")
    assert (await loaded(paths.view)).of("connections") == TableView(sorted_by="name")


async def test_what_another_version_has_put_there_stays(paths: Paths) -> None:
    paths.view.write_text("[connections]\ncolumns = ['name', 'moon']\ntide = 'low'\n[weather]\nsorted_by = 'wind'\n")
    remembered = await loaded(paths.view)
    remembered.change("connections", sorted_by="name")
    await remembered.save("connections")
    assert tomllib.loads(paths.view.read_text()) == {
        "connections": {"columns": ["name", "moon"], "tide": "low", "sorted_by": "name"},
        "weather": {"sorted_by": "wind"},
    }


async def test_of_two_processes_each_keeps_its_table_and_the_last_writer_counts(paths: Paths) -> None:
    one, other = await loaded(paths.view), await loaded(paths.view)
    for place in range(10):
        one.change("connections", sorted_by=f"a{place}")
        other.change("history", columns=(f"b{place}",))
        await asyncio.gather(one.save("connections"), other.save("history"))
    other.change("connections", sorted_by="last")
    await other.save("connections")
    now = await loaded(paths.view)
    assert (now.of("connections").sorted_by, now.of("history").columns) == ("last", ("b9",))


async def test_writings_that_wait_for_each_other_end_with_the_last_change(paths: Paths) -> None:
    remembered = await loaded(paths.view)
    saves = []
    for place in range(20):
        remembered.change("connections", sorted_by=str(place))
        saves.append(asyncio.create_task(remembered.save("connections")))
    await asyncio.gather(*saves)
    assert (await loaded(paths.view)).of("connections").sorted_by == "19"


async def test_read_only_reads_and_writes_nothing(paths: Paths) -> None:
    paths.view.write_text("[connections]\nsorted_by = 'type'\n")
    remembered = Remembered(paths.view, read_only=True)
    await remembered.load()
    before = {path: path.stat().st_mtime_ns for path in paths.state.iterdir()}
    remembered.change("connections", sorted_by="name")
    await remembered.save("connections")
    assert remembered.of("connections").sorted_by == "name"
    assert {path: path.stat().st_mtime_ns for path in paths.state.iterdir()} == before


async def test_what_cannot_be_written_is_told_and_holds_all_the_same(paths: Paths) -> None:
    remembered = await loaded(paths.view)
    paths.view.mkdir()
    remembered.change("connections", sorted_by="name")
    with pytest.raises(UsageProblem, match="could not be remembered"):
        await remembered.save("connections")
    assert remembered.of("connections").sorted_by == "name"


def as_toml(document: dict[str, str]) -> bytes:
    return tomli_w.dumps(document).encode()


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.dictionaries(st.text(max_size=8), st.text(max_size=8)).map(as_toml))
async def test_no_file_whatever_ends_the_program(paths: Paths, content: bytes) -> None:
    paths.view.write_bytes(content)
    remembered = Remembered(paths.view)
    with suppress(UsageProblem):
        await remembered.load()
    remembered.change("connections", sorted_by="name")
    await remembered.save("connections")
    assert tomllib.loads(paths.view.read_text())["connections"] == {"sorted_by": "name"}


def column(key: str, *, fixed: bool = False) -> Column[object]:
    return Column(key, key, lambda *_: "", 5, fixed=fixed)


CHOICE = ColumnChoice((column("name", fixed=True), column("a"), column("b"), column("c")), (column("x"), column("y")))


def keys(columns: tuple[Column[object], ...]) -> str:
    return " ".join(each.key for each in columns)


@pytest.mark.parametrize(
    ("chosen", "shown", "listed"),
    [
        (None, "name a b c", "name a b c x y"),
        (("name", "c", "x"), "name c x", "name a b c x y"),
        (("c", "name", "a"), "c name a", "c x y name a b"),
        ((), "name", "name a b c x y"),
        (("y", "moon", "y"), "name y", "name a b c x y"),
    ],
)
def test_the_columns_of_a_choice(chosen: tuple[str, ...] | None, shown: str, listed: str) -> None:
    assert keys(CHOICE.shown(chosen)) == shown
    assert keys(CHOICE.listed(chosen)) == listed


@given(st.lists(st.sampled_from(["name", "a", "b", "c", "x", "y", "moon"])))
def test_a_choice_is_what_was_named_with_what_is_fixed_and_all_are_listed(chosen: list[str]) -> None:
    shown = [each.key for each in CHOICE.shown(chosen)]
    assert set(shown) == {"name", *chosen} - {"moon"}
    assert len(shown) == len(set(shown))
    listed = [each.key for each in CHOICE.listed(chosen)]
    assert sorted(listed) == sorted(["name", "a", "b", "c", "x", "y"])
    assert [key for key in listed if key in shown] == shown
    remembered = CHOICE.remembered(shown)
    assert [each.key for each in CHOICE.shown(remembered)] == shown
