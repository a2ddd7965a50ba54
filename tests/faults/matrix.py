"""Runs one case of the matrix: a run of the engine through the fault, a run without it, and the checks of the promises.

Whatever the fault was, after the second run both sides are equal, nothing was delivered twice, nothing unfinished is
left, and the history has told the truth all the time. During both runs no final name held anything but a complete file.
"""

import asyncio
import hashlib
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.faults.benches import DONE, Bench, Folder, Mailbox, Recipient, Workshop
from tests.faults.cases import HARMLESS, SURE, TAMPERING, Case, Kind
from tests.faults.servers import ServerFault
from tests.faults.watch import FolderWatch, watching
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass
from tui.domain.run import FileRecord, FileStatus, Run, Status
from tui.engine import Engine
from tui.engine.retry import Backoff
from tui.paths import Paths
from tui.store.sqlite import SqliteStore

_NAME = "partner"
_BENCHES = count(1)
_LARGE = "large.csv"

_BROKEN = {FailureClass.NETWORK, FailureClass.TIMEOUT, FailureClass.TLS, FailureClass.REFUSED, FailureClass.INTEGRITY}
_PLAUSIBLE: Mapping[Kind, set[FailureClass]] = {
    # An answer that belongs to something else can mean anything, but never that the password is wrong.
    Kind.DUPLICATE_REPLY: _BROKEN | {FailureClass.REJECTED, FailureClass.PERMISSION, FailureClass.NOT_FOUND},
    Kind.DISK_FULL: {FailureClass.SPACE, FailureClass.REJECTED},
    Kind.SHRINK: {FailureClass.INTEGRITY},
    Kind.GROW: {FailureClass.INTEGRITY},
    Kind.CHANGE: {FailureClass.INTEGRITY},
    Kind.LYING_SIZE: {FailureClass.INTEGRITY},
    Kind.STALE_226: {FailureClass.INTEGRITY},
    Kind.SHORT_READS: {FailureClass.INTEGRITY, FailureClass.REJECTED},
    Kind.LOST_ANSWER: {FailureClass.NETWORK},
}


@dataclass
class Result:
    """What became of a case."""

    case: Case
    bites: int = 0
    runs: list[Run] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    """Broken promises, in words. There must be none."""
    published_again: int = 0
    """How often a file got its final name once more: harmless with the same content, but seen by who looks."""
    seconds: float = 0.0

    @property
    def outcome(self) -> str:
        """`identical` after the first run, `told` when that said that it failed, `WRONG` when a promise is broken."""
        if self.violations:
            return "WRONG"
        first = self.runs[0]
        return "identical" if first.status is Status.COMPLETED and not _found_nothing(first) else "told"

    def __str__(self) -> str:
        first = self.runs[0] if self.runs else None
        said = first.failure.message if first and first.failure else first.message if first else "no run"
        return "\n    ".join([f"{self.case} [{self.bites} bites]", f"first run: {said}", *self.violations])


async def calibrate(workshop: Workshop, case: Case) -> None:
    """Learn how much traffic an undisturbed run makes."""
    bench = workshop.bench(f"calibration-{next(_BENCHES)}")
    for name, content in case.files().items():
        bench.source.put(name, content)
    workshop.proxy.arm(None)
    async with asyncio.timeout(30):
        engine = await _open_engine(workshop.folder / "stores" / f"calibration-{next(_BENCHES)}")
        try:
            await engine.store.save(_connection(case, bench))
            run = await engine.wait((await engine.start(_NAME)).run_id)
        finally:
            await engine.close()
    assert run.status is Status.COMPLETED, run
    workshop.passed = workshop.proxy.passed.copy()


async def run_case(workshop: Workshop, case: Case) -> Result:
    """Run the case on the workshop of its subject."""
    if not workshop.passed:
        await calibrate(workshop, case)
    began = time.monotonic()
    name = f"{case.number}-{next(_BENCHES)}"
    bench = workshop.bench(name)
    for file, content in case.files().items():
        bench.source.put(file, content)
    engine = await _open_engine(workshop.folder / "stores" / name)
    trial = _Trial(workshop, case, bench, engine)
    try:
        with _watched(case, bench) as watch, trial.hearing_faults():
            await trial.go()
        trial.judge_names(watch)
        await trial.judge_history()
    finally:
        await engine.close()
    trial.judge_ends()
    trial.result.seconds = time.monotonic() - began
    return trial.result


async def _open_engine(folder: Path) -> Engine:
    paths = Paths(folder, folder, folder)
    paths.prepare()
    store = SqliteStore(paths.database)
    await store.open()
    engine = Engine(store, paths, backoff=Backoff(fraction=lambda: 0.0))
    await engine.start_up()
    return engine


def _connection(case: Case, bench: Bench, **changes: object) -> Connection:
    options = {
        "name": _NAME,
        "pattern": "*.csv",
        "retries": case.retries,
        "stall_timeout": case.stall_timeout,
        "after": case.after,
        "move_to": DONE if case.after == "move" else None,
        "verify": case.verify,
    }
    fields = {**options, **bench.fields, **changes}
    if case.resend is not None:
        fields["email"] = {**bench.fields["email"], "resend": case.resend}
    return Connection.model_validate(fields)


@contextmanager
def _watched(case: Case, bench: Bench) -> Iterator[FolderWatch | None]:
    if not isinstance(bench.target, Folder):
        yield None
        return
    with watching(bench.target.path) as watch:
        for name, content in case.files().items():
            watch.allow(name, content)
        if case.kind in TAMPERING:
            watch.allow(_LARGE, case.tampered(case.files()[_LARGE]))
        yield watch


class _Trial:
    """The two runs of a case and what is to be said of them."""

    def __init__(self, workshop: Workshop, case: Case, bench: Bench, engine: Engine) -> None:
        self._workshop = workshop
        self._case = case
        self._bench = bench
        self._engine = engine
        self._expected = case.files()
        self._unknown = False
        """Whether a mail may have been delivered or not, and a person has to decide."""
        self._unconfirmed = False
        """Whether a run has told that a mail was not confirmed."""
        self.result = Result(case)

    def _blame(self, what: str) -> None:
        self.result.violations.append(what)

    @contextmanager
    def hearing_faults(self) -> Iterator[None]:
        """What fails in a callback or in a task that nobody waits for is a fault like any other."""

        def hear(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            error = context.get("exception")
            lines = traceback.format_exception(error)[-3:] if error else []
            self._blame(f"unhandled: {context['message']} {' '.join(lines)}")

        def hear_unraisable(event: Any) -> None:
            # Printed, it would spoil the screen.
            self._blame(f"unhandled: {event.exc_value!r} in {event.object!r}")

        loop = asyncio.get_running_loop()
        before, hook = loop.get_exception_handler(), sys.unraisablehook
        loop.set_exception_handler(hear)
        sys.unraisablehook = hear_unraisable
        try:
            yield
        finally:
            loop.set_exception_handler(before)
            sys.unraisablehook = hook

    async def go(self) -> None:
        """Both runs."""
        await self._engine.store.save(_connection(self._case, self._bench))
        with self._disturbed():
            first = await self._run(self._case.time_limit)
            self.result.bites = self._workshop.proxy.bites + self._workshop.trouble.bites
        if self._case.kind in SURE and not self.result.bites:
            self._blame("the fault did not strike, so the case proves nothing")
        self._judge_first(first)
        self._workshop.proxy.arm(None)
        await self._engine.store.save(_connection(self._case, self._bench, stall_timeout=20), replacing=_NAME)
        second = await self._run(60)
        if self._unknown:
            if second.failure is None or second.failure.failure_class is not FailureClass.INTERRUPTED:
                self._blame("the second run did not leave the unconfirmed mail to a person")
        elif second.status is not Status.COMPLETED:
            self._blame(f"the second run failed: {second.failure}")

    @contextmanager
    def _disturbed(self) -> Iterator[None]:
        """The fault is there within the body."""
        proxy, trouble = self._workshop.proxy, self._workshop.trouble
        fault = self._case.fault(self._workshop.passed)
        proxy.arm(None if isinstance(fault, ServerFault) else fault)
        proxy.meanwhile = self._tamper
        trouble.order(fault if isinstance(fault, ServerFault) else None)
        try:
            yield
        finally:
            proxy.fault = trouble.fault = None

    def _tamper(self) -> None:
        """The source file changes. Once it is gone, nobody can change it any more."""
        assert isinstance(self._bench.source, Folder)
        if _LARGE in self._bench.source.contents():
            self._expected[_LARGE] = self._case.tampered(self._case.files()[_LARGE])
            self._bench.source.change(_LARGE, self._expected[_LARGE])

    async def _run(self, limit: float) -> Run:
        run = await self._engine.start(_NAME)
        waiting = asyncio.create_task(self._engine.wait(run.run_id))
        done, _ = await asyncio.wait({waiting}, timeout=limit)
        if not done:
            self._blame(f"the run had not ended after {limit:.0f} s")
            await self._engine.cancel(run.run_id)
        run = await waiting
        self.result.runs.append(run)
        return run

    def _judge_first(self, run: Run) -> None:
        case, failure = self._case, run.failure
        if failure is None:
            self._judge_success(run)
            return
        if "Wharf itself failed" in failure.message:
            self._blame(f"a fault of Wharf itself: {failure.message}")
        elif not self.result.bites:
            self._blame("the first run failed although the fault did not strike")
        elif case.kind in HARMLESS:
            self._blame(f"the first run failed although nothing was lost: {failure.message}")
        elif "not confirmed" in failure.message:
            self._unknown = self._case.resend != "always"
        elif failure.failure_class not in _PLAUSIBLE.get(case.kind, _BROKEN):
            self._blame(f"the failure class {failure.failure_class} does not tell what happened: {failure.message}")

    def _judge_success(self, run: Run) -> None:
        arrived = self._bench.target.contents()
        if _found_nothing(run) and self._case.kind is Kind.EMPTY_LISTING:
            # SFTP and IMAP have no second way to list. FTP has.
            if self._case.subject.method in ("ftp", "ftps"):
                self._blame(f"an empty listing was believed: {run.message}")
        elif not self._is_complete(arrived):
            self._blame(f"the first run is Completed, but {_differences(self._expected, arrived)}")

    def _is_complete(self, arrived: Mapping[str, bytes]) -> bool:
        versions = [self._expected]
        if self._case.kind in TAMPERING:
            # What changes after it was delivered was complete when it was.
            versions.append(self._case.files())
        return arrived in versions

    def judge_names(self, watch: FolderWatch | None) -> None:
        """What was seen under final names."""
        if watch is None:
            return
        for violation in watch.violations:
            self._blame(violation)
        versions = 2 if self._case.kind in TAMPERING else 1
        self.result.published_again = sum(max(0, times - versions) for times in watch.published.values())

    async def judge_history(self) -> None:
        """What is on record."""
        store = self._engine.store
        if await store.runs(_NAME, status=Status.IN_PROGRESS):
            self._blame("a run is still in progress")
        recorded = await store.runs(_NAME)
        if [run.run_id for run in recorded] != [run.run_id for run in reversed(self.result.runs)]:
            self._blame(f"the history has {len(recorded)} runs")
        delivered: Counter[tuple[str, str | None]] = Counter()
        for run in recorded:
            files = await store.files(run.run_id)
            self._judge_records(run, files)
            events = await store.events(run.run_id)
            self._unconfirmed |= any("not confirmed" in event.detail for event in events)
            delivered.update((file.name, file.sha256) for file in files if file.status is FileStatus.COMPLETED)
        twice = [f"{name} ({times} times)" for (name, _), times in delivered.items() if times > 1]
        if twice:
            self._blame(f"on record as delivered more than once: {', '.join(twice)}")
        if self._unknown:
            return
        missing = [
            name for name, content in self._expected.items() if not delivered[name, hashlib.sha256(content).hexdigest()]
        ]
        if missing:
            self._blame(f"not on record as delivered: {', '.join(missing)}")

    def _judge_records(self, run: Run, files: list[FileRecord]) -> None:
        open_ones = [file.name for file in files if file.status in (FileStatus.WAITING, FileStatus.IN_PROGRESS)]
        if open_ones:
            self._blame(f"run {run.run_id} has ended, but not its files {', '.join(open_ones)}")
        failed = [file.name for file in files if file.status is FileStatus.FAILED]
        if run.status is Status.COMPLETED and failed:
            self._blame(f"run {run.run_id} is Completed, but its files {', '.join(failed)} failed")

    def judge_ends(self) -> None:
        """Both sides after the second run."""
        arrived = self._bench.target.contents()
        if arrived != self._expected and not (self._unknown and not arrived):
            self._blame(f"after the second run {_differences(self._expected, arrived)}")
        if isinstance(self._bench.target, Recipient):
            self._judge_mails(self._bench.target)
        for side, end in (("source", self._bench.source), ("target", self._bench.target)):
            if isinstance(end, Folder) and (partials := end.partials()):
                self._blame(f"left behind at the {side}: {', '.join(partials)}")
        self._judge_source(self._bench.source)

    def _judge_mails(self, target: Recipient) -> None:
        told = self._case.resend == "always" and self._unconfirmed
        copies: dict[tuple[str, bytes], list[str]] = {}
        for name, content, message_id in target.attachments():
            copies.setdefault((name, content), []).append(message_id)
        for (name, _), ids in copies.items():
            if len(ids) > 1 and not told:
                self._blame(f"{name} was sent {len(ids)} times, and no run said that it may be")
            elif len(set(ids)) > 1:
                self._blame(f"{name} was sent {len(ids)} times in mails with different Message-IDs")

    def _judge_source(self, source: Folder | Mailbox) -> None:
        kept = self._expected if self._case.after == "keep" or self._unknown else {}
        if source.contents() != kept:
            self._blame(f"after = {self._case.after}, and at the source {_differences(kept, source.contents())}")
        if self._case.after == "move" and not self._unknown:
            assert isinstance(source, Folder)
            moved = set(source.contents(DONE).values())
            if not moved >= set(self._expected.values()):
                self._blame(f"not all of it is in the folder for what is done: {', '.join(source.contents(DONE))}")


def _found_nothing(run: Run) -> bool:
    return (run.message or "").startswith("0 files")


def _differences(expected: Mapping[str, bytes], found: Mapping[str, bytes]) -> str:
    lines = []
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            lines.append(f"{name} is missing")
        elif name not in expected:
            lines.append(f"{name} should not be there")
        elif expected[name] != found[name]:
            lines.append(f"{name} has {len(found[name])} bytes that differ from the {len(expected[name])} expected")
    return ", ".join(lines) or "all is as expected"
