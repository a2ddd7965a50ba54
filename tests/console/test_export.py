"""Runs as CSV and JSON: what is written, what a spreadsheet makes of it, and what is never overwritten."""

import asyncio
import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.console.fakes import NOW, OWNER, FakeEngine, FakeStore
from tui.console.export import COLUMNS, Format, formula_safe, suggested_name
from tui.console.new_file import FileExists
from tui.console.screens.history_export import write_history
from tui.domain.as_json import run_json
from tui.domain.failure import Failure, FailureClass, UsageProblem
from tui.domain.filter import Filter, parse_filter
from tui.domain.filter_facts import RUN_VOCABULARY
from tui.domain.run import FileRecord, FileStatus, Progress, Run, Status, Trigger
from tui.store.base import Found

ALL = Filter()
FILE = FileRecord("a.csv", 10, 10, FileStatus.COMPLETED, "ab" * 32, "sizes equal")


def run(run_id: int = 1, name: str = "acme", message: str = "Cut.") -> Run:
    failure = Failure(FailureClass.NETWORK, message, "=Mend it.")
    ended = NOW + timedelta(seconds=1.5)
    return Run(run_id, name, Trigger.RETRY, Status.FAILED, NOW, ended, OWNER, 2, Progress(1, 2, 10, 20), failure)


def as_csv(*runs: Run) -> list[dict[str, str]]:
    text = Format.CSV.opening + Format.CSV.page([(each, []) for each in runs], first=True) + Format.CSV.closing
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_has_a_line_per_run() -> None:
    (line,) = as_csv(run())
    assert tuple(line) == COLUMNS
    assert line["run_id"] == "1"
    assert line["trigger"] == "retry"
    assert line["seconds"] == "1.500"
    assert line["started"] == "2026-03-04T12:00:00Z"
    assert (line["files_done"], line["files_total"], line["bytes"], line["attempts"]) == ("1", "2", "10", "2")
    assert (line["failure_class"], line["message"], line["remedy"]) == ("network", "Cut.", "'=Mend it.")


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "＝", "  =", "\t", "\r", "\n"])
def test_no_text_from_outside_is_a_formula(beginning: str) -> None:
    text = beginning + 'cmd|"/C calc"!A0\r\n,x'
    (line,) = as_csv(run(name=text, message=text))
    assert line["connection"] == line["message"] == f"'{text}"


@given(st.text())
def test_any_text_comes_back_and_never_begins_a_formula(text: str) -> None:
    (line,) = as_csv(run(message=text))
    assert line["message"] == formula_safe(text)
    assert line["message"].removeprefix("'") == text.removeprefix("'")
    assert line["message"][:1] not in {"=", "+", "-", "@", "\t", "\r"}


@pytest.mark.parametrize("pages", [[], [1], [2], [1, 0, 2]])
def test_json_is_that_of_the_command_line(pages: list[int]) -> None:
    runs = [[(run(page * 10 + place), [FILE]) for place in range(number)] for page, number in enumerate(pages)]
    text = Format.JSON.opening
    number = 0
    for page in runs:
        text += Format.JSON.page(page, first=number == 0)
        number += len(page)
    text += Format.JSON.closing
    assert json.loads(text) == [run_json(each, files) for page in runs for each, files in page]


@given(st.text(st.characters(codec=None, categories=None), max_size=40))
def test_any_name_survives_json_without_an_effect_on_a_terminal(name: str) -> None:
    text = Format.JSON.page([(run(1), [FILE._replace(name=name)])], first=True)
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(f"[{text}]")[0]["files"][0]["name"] == name


def test_a_name_cannot_leave_the_folder_through_the_suggestion() -> None:
    assert suggested_name("../../etc/x\x1b[2J", NOW) == "wharf-------etc-x--2J-20260304-120000"
    assert suggested_name("all", NOW) == "wharf-all-20260304-120000"
    assert len(suggested_name("n" * 4000, NOW)) < 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder to write to."""
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


@pytest.fixture
async def store(engine: FakeEngine) -> FakeStore:
    """230 runs of two connections, every fifth failed."""
    await engine.add("acme", "globex")
    for number in range(230):
        failed = number % 5 == 0
        failure = Failure(FailureClass.AUTH, "No entry.", "Ask.") if failed else None
        status = Status.FAILED if failed else Status.COMPLETED
        await engine.ran(("acme", "globex")[number % 2], status, failure=failure, files=[FILE])
    return engine.store


async def test_every_run_is_written_also_beyond_the_first_page(store: FakeStore, folder: Path) -> None:
    path = folder / "all.json"
    assert await write_history(store, None, ALL, path, Format.JSON, replace=False) == 230
    expected = [run_json(each, await store.files(each.run_id)) for each in await store.runs(limit=1000)]
    assert json.loads(path.read_text()) == expected
    assert len(expected) == 230
    assert [each.name for each in folder.iterdir()] == ["all.json"]


async def test_only_what_the_filter_lets_through(store: FakeStore, folder: Path) -> None:
    path = folder / "failed.csv"
    wanted = parse_filter("status:failed failure:auth", RUN_VOCABULARY)
    assert await write_history(store, "acme", wanted, path, Format.CSV, replace=False) == 23
    lines = list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert len(lines) == 23
    assert {(line["connection"], line["status"]) for line in lines} == {("acme", "Failed")}


async def test_a_file_is_replaced_only_on_request(store: FakeStore, folder: Path) -> None:
    path = folder / "mine.csv"
    path.write_text("precious")
    with pytest.raises(FileExists):
        await write_history(store, None, ALL, path, Format.CSV, replace=False)
    assert path.read_text() == "precious"
    await write_history(store, None, ALL, path, Format.CSV, replace=True)
    assert path.read_text().startswith("run_id,")
    assert [each.name for each in folder.iterdir()] == ["mine.csv"]


async def test_a_file_that_appears_while_writing_is_kept(
    store: FakeStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "mine.csv"
    search = store.search

    async def slow_search(*args: object, **options: object) -> Found:
        path.write_text("precious")
        return await search(*args, **options)  # type: ignore[arg-type]  # a stand-in hands on what it is called with, whatever the signature is

    monkeypatch.setattr(store, "search", slow_search)
    with pytest.raises(FileExists):
        await write_history(store, None, ALL, path, Format.CSV, replace=False)
    assert path.read_text() == "precious"
    assert [each.name for each in folder.iterdir()] == ["mine.csv"]


async def test_where_nothing_can_be_written_it_says_so(store: FakeStore, folder: Path) -> None:
    with pytest.raises(UsageProblem, match="cannot be written: No such file or directory"):
        await write_history(store, None, ALL, folder / "nowhere" / "a.csv", Format.CSV, replace=False)


async def test_a_cancelled_export_leaves_nothing_behind(
    store: FakeStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()

    async def never(*_args: object, **_options: object) -> Found:
        reached.set()
        await asyncio.Event().wait()
        return Found([], None, None)

    monkeypatch.setattr(store, "search", never)
    task = asyncio.create_task(write_history(store, None, ALL, folder / "a.csv", Format.CSV, replace=False))
    await reached.wait()
    assert list(folder.iterdir()) != []
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(folder.iterdir()) == []
