"""A week at an operations desk, as data: the connections, their runs, and what is running at this moment.

Everything is fixed, so that what a screen shows of it is the same everywhere and at any time.
"""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from unittest.mock import patch

from tui.domain.connection import Connection
from tui.domain.failure import Failure, FailureClass, TransferFailed
from tui.domain.run import Event, FileRecord, FileStatus, Outcome, Progress, Run, Status, Trigger
from tui.engine.live import LiveRun
from tui.store.base import Store
from tui.store.process import this_process

NOW = datetime(2026, 3, 4, 14, 5, 30, tzinfo=UTC)
"""The moment at which somebody looks at the screen. A Wednesday."""


class Clock:
    """What `datetime.now` says while it is stopped."""

    def __init__(self, now: datetime) -> None:
        self.now = now


@contextmanager
def stopped_clock() -> Iterator[Clock]:
    """In the body it is NOW, or what the clock is set to, for all of Wharf that is imported by then."""
    clock = Clock(NOW)

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Stopped":
            return cls.fromtimestamp(clock.now.timestamp(), tz)

    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith("tui.") and vars(module).get("datetime") is datetime:
                stack.enter_context(patch.object(module, "datetime", Stopped))
        yield clock


# Connections

_SFTP = {"username": "wharf", "key": "~/.ssh/partners_ed25519"}


def _connection(name: str, kind: str, direction: str, method: str, pattern: str, **more: object) -> Connection:
    partner = name.partition("-")[0]
    host = {"sftp": "sftp", "ftp": "ftp", "email": "mail"}[method] + f".{partner}.example"
    folder = "/outgoing" if direction == "inbound" else "/incoming"
    mail: dict[str, object] = {"host": host, "username": "wharf@us.example", "secret": f"vault:{name}-email"}
    if direction == "outbound":
        mail |= {"sender": "batches@us.example", "recipients": [f"in@{partner}.example"], "subject": "{file}"}
    endpoints: dict[str, dict[str, object]] = {
        "sftp": {**_SFTP, "host": host, "directory": folder},
        "ftp": {"host": host, "username": "wharf", "secret": f"vault:{name}-ftp", "directory": folder},
        "email": mail,
    }
    return Connection.model_validate(
        {
            "name": name,
            "type": kind,
            "direction": direction,
            "method": method,
            "local_dir": f"~/batches/{partner}",
            "pattern": pattern,
            method: endpoints[method],
        }
        | more
    )


CONNECTIONS = (
    _connection("acme-conversions", "conversions", "inbound", "sftp", "Conversions_*.csv"),
    _connection(
        "acme-modifications", "modifications", "outbound", "sftp", "Modifications_*.csv", after="move", move_to="sent"
    ),
    _connection("adlink-performance", "performance", "inbound", "ftp", "Performance_*.csv"),
    _connection("blueharbor-catalog", "catalog", "inbound", "ftp", "Catalog_*.xml.gz"),
    _connection("borealis-reversals", "reversals", "outbound", "email", "Reversals_*.csv"),
    _connection("cargomart-conversions", "conversions", "inbound", "email", "*.csv"),
    _connection("delta-catalog", "catalog", "outbound", "sftp", "Catalog_*.xml.gz"),
    _connection("eastwind-performance", "performance", "inbound", "sftp", "Performance_*.csv"),
    _connection("fjordmedia-conversions", "conversions", "inbound", "sftp", "Conversions_*.csv"),
    _connection("glenmoor-modifications", "modifications", "outbound", "ftp", "Modifications_*.csv"),
    _connection("harvest-reversals", "reversals", "inbound", "email", "Reversals_*.csv", enabled=False),
    _connection("ironbridge-invoices", "invoices", "inbound", "sftp", "INV-*.pdf"),
    _connection("juniper-catalog", "catalog", "inbound", "sftp", "Catalog_*.xml.gz"),
    _connection("kestrel-performance", "performance", "outbound", "email", "Performance_*.csv"),
)


# Runs


@dataclass(frozen=True, slots=True)
class _Past:
    """A run that has ended, or has not when `seconds` is None. Of the files, `done` were delivered."""

    connection: str
    minutes_ago: float
    seconds: float | None
    files: Sequence[tuple[str, int]] = ()
    done: int | None = None
    trigger: Trigger = Trigger.COMMAND_LINE
    failure: Failure | None = None
    message: str | None = None
    attempts: int = 1


def _failure(failure_class: FailureClass, message: str, remedy: str | None = None) -> Failure:
    return TransferFailed(failure_class, message, remedy=remedy).failure


_NOTHING_NEW = "Nothing to move: everything that matches was delivered before."
_LOGIN_REFUSED = _failure(FailureClass.AUTH, "sftp.fjordmedia.example:22 has refused the login.")
_NO_SPACE = _failure(
    FailureClass.SPACE,
    "Writing /incoming/Catalog_20260304_02.xml.gz.wharf-part failed: sftp.delta.example:22 has 50,118,656 bytes free, "
    "161,886,115 more are needed.",
)
_SILENT = _failure(FailureClass.TIMEOUT, "The other side was silent for 30 s; the connection was dropped.")


def _batch(kind: str, day: str, *sizes: int, suffix: str = "csv") -> list[tuple[str, int]]:
    return [(f"{kind}_2026{day}_{part:02}.{suffix}", size) for part, size in enumerate(sizes, start=1)]


_DAY = 24 * 60

_PAST = (
    _Past("ironbridge-invoices", 6 * _DAY + 40, 3.2, [("INV-2026-0211.pdf", 184_220), ("INV-2026-0212.pdf", 96_410)]),
    _Past("acme-conversions", 5 * _DAY + 65, 21.4, _batch("Conversions", "0227", 18_240_112, 17_993_004)),
    _Past("acme-conversions", 4 * _DAY + 65, 19.8, _batch("Conversions", "0228", 16_020_876, 15_402_119)),
    _Past("kestrel-performance", 3 * _DAY + 15, 4.6, _batch("Performance", "0301", 2_204_118)),
    _Past(
        "acme-conversions",
        3 * _DAY + 65,
        34.9,
        _batch("Conversions", "0301", 9_118_220),
        0,
        failure=_SILENT,
        attempts=4,
    ),
    _Past("acme-conversions", 3 * _DAY + 20, 11.2, _batch("Conversions", "0301", 9_118_220), trigger=Trigger.RETRY),
    _Past("acme-conversions", 2 * _DAY + 65, 24.0, _batch("Conversions", "0302", 19_771_004, 18_220_931, 4_201_733)),
    _Past("juniper-catalog", 2 * _DAY + 5, 142.0, _batch("Catalog", "0302", 1_204_882_190, suffix="xml.gz")),
    _Past("glenmoor-modifications", _DAY + 180, 6.1, _batch("Modifications", "0303", 812_004, 790_336)),
    _Past("acme-conversions", _DAY + 65, 20.3, _batch("Conversions", "0303", 18_002_771, 17_604_238)),
    _Past("acme-conversions", _DAY + 5, 1.1, message=_NOTHING_NEW, trigger=Trigger.MANUAL),
    _Past("borealis-reversals", _DAY + 4, 2.9, _batch("Reversals", "0303", 44_107)),
    _Past("adlink-performance", 305, 8.8, _batch("Performance", "0304", 6_112_090, 5_981_446, 5_770_203)),
    _Past("cargomart-conversions", 190, 5.4, [("orders-0304.csv", 731_902), ("orders-0304-late.csv", 12_044)]),
    _Past("acme-modifications", 128, 7.7, _batch("Modifications", "0304", 2_118_409, 1_992_311)),
    _Past("fjordmedia-conversions", 74, 1.9, failure=_LOGIN_REFUSED),
    _Past("acme-conversions", 65, 22.6, _batch("Conversions", "0304", 18_771_020, 18_113_906)),
    _Past(
        "delta-catalog",
        31,
        71.3,
        _batch("Catalog", "0304", 398_220_114, 212_004_771, 9_310_448, suffix="xml.gz"),
        1,
        Trigger.MANUAL,
        _NO_SPACE,
    ),
)

_LIVE = (
    (
        _Past(
            "blueharbor-catalog", 2.25, None, _batch("Catalog", "0304", 884_120_338, 212_004_771, suffix="xml.gz"), 0
        ),
        LiveRun(0, "", NOW, Progress(), 6_412_000.0, 37.0, None, here=True),
        862_118_912,
    ),
    (
        _Past(
            "acme-conversions",
            0.4,
            None,
            _batch("Conversions", "0304", 18_771_020, 18_113_906, 19_002_447, 3_120_118)[2:],
            1,
            Trigger.MANUAL,
        ),
        LiveRun(0, "", NOW, Progress(), 1_204_000.0, 2.0, None, here=True),
        19_724_288,
    ),
)


async def fill(store: Store, clock: Clock) -> dict[str, LiveRun]:
    """Put the week into the store; returns what the engine would know of the runs in progress."""
    await store.save_all(CONNECTIONS, replace=False)
    for past in sorted(_PAST, key=lambda past: -past.minutes_ago):
        await _record(store, clock, past)
    live = {}
    for past, shape, bytes_done in _LIVE:
        run = await _record(store, clock, past)
        live[past.connection] = shape._replace(
            run_id=run.run_id,
            connection=past.connection,
            started=run.started,
            progress=_progress(past)._replace(bytes_done=bytes_done, current=past.files[past.done or 0][0]),
        )
    clock.now = NOW
    return live


async def _record(store: Store, clock: Clock, past: _Past) -> Run:
    began = clock.now = NOW - timedelta(minutes=past.minutes_ago)
    run = await store.begin_run(past.connection, past.trigger, this_process())
    connection = await store.connection(past.connection)
    await store.record_files(run.run_id, {place: _file(past, place) for place in range(len(past.files))})
    await store.record_events(run.run_id, _events(connection, past, began))
    await store.pulse(run.run_id, _progress(past), past.attempts)
    if past.seconds is None:
        return run
    clock.now = began + timedelta(seconds=past.seconds)
    status = Status.COMPLETED if past.failure is None else Status.FAILED
    return await store.end_run(run.run_id, Outcome(status, past.failure, past.message), _progress(past))


def _delivered(past: _Past) -> int:
    return len(past.files) if past.done is None else past.done


def _progress(past: _Past) -> Progress:
    sizes = [size for _, size in past.files]
    done = _delivered(past)
    return Progress(done, len(sizes), sum(sizes[:done]), sum(sizes))


def _file(past: _Past, place: int) -> FileRecord:
    name, size = past.files[place]
    if place >= _delivered(past):
        return FileRecord(name, size)
    digest = hashlib.sha256(name.encode()).hexdigest()
    return FileRecord(name, size, size, FileStatus.COMPLETED, digest, "SHA-256 computed by the server with sha256sum")


def _events(connection: Connection, past: _Past, began: datetime) -> list[Event]:
    """The log of the run, as far as it came."""
    server = connection.address.partition("@")[2].partition("/")[0]
    steps = [
        ("resolve", f"{server.partition(':')[0]} is 192.0.2.{len(connection.name)}", 12.4),
        ("connect", f"{server} answers", 31.8),
        ("identity", "ssh-ed25519, known", 44.0),
        ("login", "as wharf", 118.6),
        ("folder", "/outgoing", 9.7),
        ("list", f"{len(past.files)} files, {len(past.files)} match", 22.1),
        ("plan", f"{len(past.files)} to move, 0 delivered before", None),
        *(
            (step, name, 800.0)
            for name, _ in past.files[: _delivered(past)]
            for step in ("transfer", "verify", "publish")
        ),
    ]
    if past.failure is not None:
        reached = 3 if past.failure.failure_class is FailureClass.AUTH else len(steps)
        steps = [*steps[:reached], ("login" if reached == 3 else "transfer", past.failure.message, 640.0)]
    events = []
    at = began
    for place, (step, detail, ms) in enumerate(steps, start=1):
        at += timedelta(milliseconds=ms or 1)
        events.append(Event(at, step, detail, ok=past.failure is None or place < len(steps), ms=ms))
    return events
