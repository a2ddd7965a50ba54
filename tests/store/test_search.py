"""A search finds what the filter accepts, all of it and nothing else, a slice at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.samples import connection
from tui.domain.failure import Failure, FailureClass, UnknownConnection
from tui.domain.filter import Facts, Filter, parse_filter
from tui.domain.filter_facts import RUN_VOCABULARY, is_stored, run_facts
from tui.domain.run import Run, Status, Trigger
from tui.store import connections, rows, runs, search
from tui.store.base import Found
from tui.store.database import open_database, transaction

NAMES = ("acme", "Borealis ÄÖ", "KELVIN \u212a", "today's", "mb")
TEXTS = [
    "The line is cut.",
    "Straße zu",
    "GROSS ß",
    "\u0130stanbul",
    "nul\0after it",
    "bad \udcff name",
    "a\nb",
    "10 MB",
]
PIECES = [
    "acme",
    "BOREALIS",
    "äö",
    "kel",
    "kelvin k",
    "line",
    "straße",
    "stanbul",
    "after",
    "name",
    "today",
    "day",
    "yester",
]
PIECES += [
    "12:00 today",
    "mb",
    "1.2 mb",
    "0/0",
    "1/3",
    "2026",
    "cut",
    "schedule",
    "comp",
    "auth",
    "zzz",
    "er t",
    "'",
    "%",
    "_",
]
_PUT = """
    INSERT INTO runs (connection_id, connection_name, trigger, status, started, ended, owner_pid, owner_host,
        owner_started, heartbeat, files_done, files_total, bytes_done, bytes_total,
        failure_class, failure_message, failure_remedy, message)
    VALUES (?, ?, ?, ?, ?, ?, 1, 'h', 's', 0, ?, 3, ?, ?, ?, ?, ?, ?)
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apsw.Connection]:
    database = open_database(tmp_path_factory.mktemp("search") / "wharf.db", 5.0)
    with transaction(database, "BEGIN IMMEDIATE"):
        for name in NAMES:
            connections.add(database, connection(name))
    yield database
    database.close()


@st.composite
def lines(draw: st.DrawFn) -> str:
    word = st.sampled_from(PIECES).map(lambda text: f'"{text}"' if " " in text else text)
    term = st.one_of(
        st.builds("status:{}".format, st.sampled_from(["failed", "comp", "fa,comp", "in"])),
        st.builds("trigger:{}".format, st.sampled_from(["man", "sch,ret", "c"])),
        st.builds("failure:{}".format, st.sampled_from(["auth", "n", "tls,auth"])),
        st.builds("{}:{}{}".format, st.sampled_from(["bytes", "files", "run"]), _SIGNS, st.integers(0, 8)),
        st.builds("{}:{}{}s".format, st.just("took"), _SIGNS, st.integers(0, 9)),
        st.builds("last:{}{}d".format, st.sampled_from(["<", ">"]), st.sampled_from([0.5, 3.5, 90])),
    )
    parts = draw(st.lists(st.tuples(st.sampled_from(["", "", "-"]), word | term), max_size=3))
    return draw(word) if draw(st.booleans()) else " ".join(f"{minus}{part}" for minus, part in parts)


_Made = tuple[int, Trigger, Status, int, int, int, int, Failure | None, str | None]
_SIGNS = st.sampled_from(["", "<", "<=", ">", ">="])
_FAILURES = st.none() | st.builds(
    Failure,
    st.sampled_from([FailureClass.AUTH, FailureClass.NETWORK, FailureClass.TLS]),
    st.sampled_from(TEXTS),
    st.just(""),
)
_RUNS = st.tuples(
    st.integers(1, len(NAMES)),
    st.sampled_from(Trigger),
    st.sampled_from([Status.COMPLETED, Status.FAILED]),
    st.sampled_from([0, 1, 4, 9]),
    st.integers(0, 9),
    st.integers(0, 3),
    st.sampled_from([0, 1, 5, 8, 1_200_000]),
    _FAILURES,
    st.none() | st.sampled_from(TEXTS),
)


def put(database: apsw.Connection, made: list[_Made]) -> None:
    now = datetime.now(UTC)
    database.execute("DELETE FROM runs")
    for number, trigger, status, days, took, files, moved, failure, message in made:
        began = now - timedelta(days=days)
        database.execute(
            _PUT,
            (
                number,
                NAMES[number - 1],
                trigger.value,
                status.value,
                rows.to_micros(began),
                rows.to_micros(began) + took * 1_000_000,
                files,
                moved,
                moved,
                *rows.outcome_values(failure, message),
            ),
        )


def whole(database: apsw.Connection, wanted: Filter, name: str | None, limit: int) -> list[int]:
    """What a search finds, from its first slice to its last; none of them may go back to where another has been."""
    found: list[int] = []
    before = None
    while True:
        slice_ = search.search(database, name, wanted, before=before, limit=limit)
        assert len(slice_.runs) <= limit
        found += [run.run_id for run in slice_.runs]
        if slice_.reached is None:
            return found
        assert before is None or slice_.reached < before
        before = slice_.reached


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(_RUNS, max_size=20),
    lines(),
    st.sampled_from([None, None, None, *NAMES]),
    st.integers(1, 5),
    st.integers(1, 5),
    st.integers(1, 3),
)
def test_it_finds_exactly_what_the_filter_accepts(
    database: apsw.Connection, made: list[_Made], line: str, name: str | None, span: int, looks: int, limit: int
) -> None:
    wanted = parse_filter(line, RUN_VOCABULARY)
    with pytest.MonkeyPatch.context() as patch, transaction(database, "BEGIN IMMEDIATE"):
        patch.setattr(search, "_SPAN", span)
        patch.setattr(search, "_LOOKS", looks)
        put(database, made)
        everything = runs.page(database, name, before=None, limit=100, status=None)
        expected = [run.run_id for run in everything if wanted.accepts(run_facts(run))]
        assert whole(database, wanted, name, limit) == expected


@pytest.mark.parametrize(
    ("word", "stored"),
    [
        *((word, True) for word in ("acme", "todays", "äöü", "12 todays")),
        *((word, False) for word in ("today", "yesterd", "12:00 today", "ab", "mb", "1.2 mb", "10/12", "2026-03")),
    ],
)
def test_a_word_that_may_stand_in_a_text_made_of_numbers_is_left_to_the_filter(word: str, stored: bool) -> None:
    assert is_stored(word) is stored


def test_what_surely_has_not_the_word_is_not_looked_at(
    database: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str | None] = []

    def noted(run: Run) -> Facts:
        looked_at.append(run.message)
        return run_facts(run)

    with transaction(database, "BEGIN IMMEDIATE"):
        put(
            database,
            [(1, Trigger.MANUAL, Status.FAILED, 0, 1, 1, 5, None, text) for text in ("plain", "Wanted", "Größe")],
        )
        monkeypatch.setattr(search, "run_facts", noted)
        found = search.search(database, None, parse_filter("wanted", RUN_VOCABULARY), before=None, limit=9)
    assert [run.message for run in found.runs] == ["Wanted"]
    # SQLite cannot tell of a text beyond ASCII how it would be in small letters.
    assert looked_at == ["Größe", "Wanted"]


def test_a_slice_ends_though_nothing_was_found(database: apsw.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_SPAN", 4)
    with transaction(database, "BEGIN IMMEDIATE"):
        put(database, [(1, Trigger.MANUAL, Status.FAILED, 0, 1, 1, 5, None, None)] * 10)
        newest = runs.page(database, None, before=None, limit=4, status=None)
        found = search.search(database, None, parse_filter("zzz", RUN_VOCABULARY), before=None, limit=9)
    assert found == Found([], newest[3].run_id, newest[3].started)


@pytest.mark.parametrize("name", [None, "acme"])
@pytest.mark.parametrize(
    "line", ["zzz", "zzz status:failed", "zzz status:failed,comp bytes:>5 failure:auth -acme last:<2d"]
)
def test_a_slice_is_one_range_of_an_index(database: apsw.Connection, name: str | None, line: str) -> None:
    statements: list[tuple[str, Any]] = []

    def note(_: apsw.Cursor, statement: str, values: Any) -> bool:
        statements.append((statement, values))
        return True

    with transaction(database, "BEGIN IMMEDIATE"):
        put(database, [(1, Trigger.MANUAL, Status.FAILED, 0, 1, 1, 5, None, None)] * 3)
        wanted = parse_filter(line, RUN_VOCABULARY)
        database.exec_trace = note
        search.search(database, name, wanted, before=1_000_000, limit=9)
        database.exec_trace = None
        searches = [(text, values) for text, values in statements if "runs" in text]
        assert len(searches) == 2
        for text, values in searches:
            plan = "\n".join(row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {text}", values))
            assert "TEMP B-TREE" not in plan
            assert "SCAN runs" not in plan


def test_a_name_that_is_not_there(database: apsw.Connection) -> None:
    with transaction(database, "BEGIN"), pytest.raises(UnknownConnection):
        search.search(database, "nobody", Filter(), before=None, limit=9)
