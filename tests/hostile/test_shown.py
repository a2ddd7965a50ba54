"""No name, text or row from outside reaches the terminal with a control character or as markup: whatever hypothesis
puts into runs, files, events and connections, on every screen and in what every command prints."""

import asyncio
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine
from tests.console.fakes import connection as make_connection
from tests.hostile.texts import harmful, names, texts
from tui.cli import main
from tui.console.app import WharfApp
from tui.domain.failure import Failure, FailureClass
from tui.domain.run import Event, FileRecord, FileStatus, Outcome, Progress, Status, Trigger
from tui.engine import Engine
from tui.paths import Paths
from tui.store.process import this_process
from tui.store.sqlite import SqliteStore

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)

failures = st.builds(Failure, st.sampled_from(FailureClass), texts, texts)
events = st.builds(Event, st.just(NOW), texts, texts, st.booleans(), st.none() | st.just(3.0))
files = st.builds(
    FileRecord,
    names,
    st.integers(0, 10**9),
    status=st.sampled_from(FileStatus),
    failure=st.none() | failures,
    proof=st.none() | texts,
    bytes=st.integers(0, 10**9),
    sha256=st.none(),
    records=st.none() | st.integers(0, 10**6),
    rejected=st.none() | st.integers(0, 10**6),
)


@dataclass(frozen=True)
class Happening:
    """A run with everything that others have written into it."""

    failure: Failure
    files: list[FileRecord]
    events: list[Event]
    message: str


arguments = names.filter(lambda word: "\0" not in word and word != "-")
"""What a shell can pass on; a dash would be stdin."""

happenings = st.builds(
    Happening, failures, st.lists(files, min_size=1, max_size=8), st.lists(events, min_size=1, max_size=8), texts
)


def look(app: WharfApp, seen: list[str]) -> None:
    """Every cell of the screen; a control character in one is an escape in the picture's source as well."""
    for line in lines_of(app):
        assert harmful(line) == set(), line
        seen.append(line)


async def _shown(happening: Happening, size: tuple[int, int]) -> list[str]:
    engine = FakeEngine()
    await engine.add("acme", local_dir="/batches/[red]x[/red]", pattern=["[b]*.csv"])
    await engine.ran("acme", Status.FAILED, failure=happening.failure, files=happening.files, events=happening.events)
    app = WharfApp(cast("Engine", engine))
    seen: list[str] = []
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        look(app, seen)
        # History, the run with its files, one file in full, its events, one event in full.
        for key in ("enter", "enter", "enter", "escape", "tab", "enter"):
            await pilot.press(key)
            await settle(pilot)
            look(app, seen)
    return seen


@given(happening=happenings)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_on_every_screen(happening: Happening) -> None:
    asyncio.run(_shown(happening, (100, 30)))


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_markup_is_shown_as_it_is_written(size: tuple[int, int]) -> None:
    marked = "[b]x[/b].csv"
    failure = Failure(FailureClass.REJECTED, "[red]no[/red]", "[link=x]do[/link]")
    happening = Happening(failure, [FileRecord(marked, 1, failure=failure)], [Event(NOW, "[i]step", "[u]told[/u]")], "")
    seen = "\n".join(await _shown(happening, size))
    for text in (marked, "[red]no[/red]", "[u]told[/u]", "[i]step"):
        assert text in seen


async def test_a_test_dialog_shows_steps_as_they_are_written() -> None:
    engine = FakeEngine()
    await engine.add("acme")
    hostile = "\x1b]0;owned\x07[red]x[/red]\r\n\u202e"
    engine.test_steps = [Event(NOW, "greeting", hostile, ms=1.0), Event(NOW, "login", hostile, ok=False)]
    engine.test_failure = Failure(FailureClass.AUTH, hostile, hostile)
    app = WharfApp(cast("Engine", engine))
    seen: list[str] = []
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("t")
        await settle(pilot)
        look(app, seen)
    assert "[red]x[/red]" in "\n".join(seen)


# Commands


@contextmanager
def home(folder: Path) -> Iterator[Paths]:
    """Wharf's folders for one example, of which hypothesis makes many in one test."""
    before = os.environ["WHARF_HOME"]
    os.environ["WHARF_HOME"] = str(folder)
    try:
        paths = Paths.from_environment()
        paths.prepare()
        yield paths
    finally:
        os.environ["WHARF_HOME"] = before


async def _record(paths: Paths, happening: Happening) -> None:
    store = SqliteStore(paths.database)
    await store.open()
    try:
        await store.save(make_connection("acme", local_dir="/batches/[red]x[/red]"))
        run = await store.begin_run("acme", Trigger.MANUAL, this_process())
        await store.record_files(run.run_id, dict(enumerate(happening.files)))
        await store.record_events(run.run_id, happening.events)
        await store.end_run(run.run_id, Outcome(Status.FAILED, happening.failure, happening.message), Progress())
    finally:
        await store.close()


def said(*argv: str) -> str:
    """Everything that a command writes, on both streams."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        main(list(argv))
    return "".join(each.buffer.getvalue().decode() for each in (out, err))


@given(happening=happenings, words=st.lists(arguments, min_size=1, max_size=2))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_in_what_commands_print(
    tmp_path_factory: pytest.TempPathFactory, happening: Happening, words: list[str]
) -> None:
    with home(tmp_path_factory.mktemp("home")) as paths:
        asyncio.run(_record(paths, happening))
        commands = [("history",), ("history", "acme"), ("list",), ("show", "acme"), ("export",)]
        # What is typed comes from outside too: a script passes on what it was given.
        commands += [(command, "--", word) for command in ("show", "run", "delete", "import") for word in words]
        for argv in commands:
            shown = said(*argv)
            assert harmful(shown, lines=True) == set(), (argv, shown)
        for argv in (("history", "--json"), ("show", "acme", "--json")):
            shown = said(*argv)
            json.loads(shown)
            assert harmful(shown, lines=True) == set(), (argv, shown)
