"""`wharf run`."""

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.commands.asking import passphrase_asker
from tui.commands.interruption import run_async
from tui.commands.opening import open_logged_engine
from tui.commands.output import exit_code, narrate, run_duration, say, say_json, table, worst
from tui.commands.progress import can_refresh_a_line, progress_line
from tui.domain.as_json import run_json
from tui.domain.failure import Failure, FailureClass, TransferFailed, UnknownConnection, UsageProblem
from tui.domain.figures import SIGNS, count, size
from tui.domain.run import FileRecord, Run, Status, Trigger
from tui.domain.text import printable
from tui.engine import Engine
from tui.paths import Paths
from tui.store.base import Store

if TYPE_CHECKING:
    from tui.engine.inspection import Preview


@dataclass(frozen=True, slots=True)
class _Ended:
    """How the run of one connection came out. Without a run it was refused before it began."""

    name: str
    run: Run | None
    files: list[FileRecord]
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class _Previewed:
    """What a run of one connection would do, or why that cannot be told."""

    name: str
    preview: "Preview | None"
    failure: Failure | None


def run(args: argparse.Namespace, paths: Paths) -> int:
    """Run connections side by side and wait for all of them. Raises UsageProblem before anything runs when a name is
    wrong; what goes wrong later shows in the exit code.
    """
    names = list(dict.fromkeys(args.names))
    if args.dry_run:
        previews = run_async(_preview_all(paths, names))
        _show_previews(previews, as_json=args.json)
        return worst([exit_code(one.failure) for one in previews])
    ended = run_async(_run_all(paths, names, force=args.force))
    if args.json:
        say_json([_ended_json(one) for one in ended])
    else:
        for one in ended:
            _tell(one)
    return worst([exit_code(one.failure) for one in ended])


async def _run_all(paths: Paths, names: Sequence[str], *, force: bool) -> list[_Ended]:
    async with open_logged_engine(paths, passphrase_asker()) as engine:
        await _require_all(engine.store, names)
        await _ask_early(engine, names)
        on_terminal = can_refresh_a_line()
        async with progress_line(engine.snapshot, names) if on_terminal else nullcontext():
            runs = (_run_one(engine, name, told=not on_terminal, force=force) for name in names)
            return await asyncio.gather(*runs)


async def _ask_early(engine: Engine, names: Sequence[str]) -> None:
    """Ask for the passphrase of the vault, if it is needed and somebody can be asked, before progress is drawn over the
    question. Raises VaultProblem when they decline."""
    if engine.ask is not None:
        for name in names:
            await engine.prepare(await engine.store.connection(name))


async def _run_one(engine: Engine, name: str, *, told: bool, force: bool) -> _Ended:
    """`told`: begin and end get a line each on stderr."""
    try:
        run = await engine.start(name, Trigger.COMMAND_LINE, force=force)
    except TransferFailed as error:
        return _Ended(name, None, [], error.failure)
    except UsageProblem as error:
        return _Ended(name, None, [], TransferFailed(FailureClass.CONFIG, str(error)).failure)
    if told:
        narrate(f"{printable(name)}: run {run.run_id} started")
    run = await engine.wait(run.run_id)
    if told:
        narrate(f"{printable(name)}: run {run.run_id} {run.status.value} after {run_duration(run)}")
    return _Ended(name, run, await engine.store.files(run.run_id), run.failure)


async def _require_all(store: Store, names: Sequence[str]) -> None:
    """Raises UsageProblem that tells of every unknown name."""
    complaints = []
    for name in names:
        try:
            await store.connection(name)
        except UnknownConnection as error:
            complaints.append(str(error))
    if complaints:
        raise UsageProblem("\n".join(complaints))


def _tell(ended: _Ended) -> None:
    """One line on stdout for the outcome; for a failure a second one with what to do."""
    name = printable(ended.name)
    if ended.failure is not None:
        say(f"{SIGNS[Status.FAILED]} {name}: {printable(ended.failure.message)}\n    {printable(ended.failure.remedy)}")
    elif ended.run is not None:
        moved, took = size(ended.run.progress.bytes_done), run_duration(ended.run)
        say(f"{SIGNS[ended.run.status]} {name}: {printable(ended.run.message or '')} {moved} in {took}.")


def _ended_json(ended: _Ended) -> dict[str, object]:
    if ended.run is not None:
        return run_json(ended.run, ended.files)
    # What was refused has no run on record, but whoever reads the array looks for every name that was asked for.
    return {
        "run_id": None,
        "connection": ended.name,
        "trigger": Trigger.COMMAND_LINE.value,
        "status": Status.FAILED.value,
        "started": None,
        "ended": None,
        "bytes": 0,
        "attempts": 0,
        "failure": ended.failure.as_json() if ended.failure else None,
        "message": None,
        "files": [],
    }


async def _preview_all(paths: Paths, names: Sequence[str]) -> list[_Previewed]:
    async with open_logged_engine(paths, passphrase_asker()) as engine:
        await _require_all(engine.store, names)
        return await asyncio.gather(*(_preview_one(engine, name) for name in names))


async def _preview_one(engine: Engine, name: str) -> _Previewed:
    try:
        return _Previewed(name, await engine.preview(name), None)
    except TransferFailed as error:
        return _Previewed(name, None, error.failure)


def _show_previews(previews: Sequence[_Previewed], *, as_json: bool) -> None:
    if as_json:
        say_json([_preview_json(one) for one in previews])
        return
    for one in previews:
        if one.preview is None:
            _tell(_Ended(one.name, None, [], one.failure))
        else:
            _show_preview(one.name, one.preview)


def _show_preview(name: str, preview: "Preview") -> None:
    total = size(sum(entry.size for entry in preview.files))
    say(
        f"{printable(name)}: {count(len(preview.files), 'file')} would move ({total}), {len(preview.skipped)} would not"
    )
    rows = [("move", entry.target_name, size(entry.size), "") for entry in preview.files]
    rows += [("skip", entry.name, size(entry.size), reason) for entry, reason in preview.skipped]
    if rows:
        say(table(("", "Name", "Size", "Why not"), rows))


def _preview_json(one: _Previewed) -> dict[str, object]:
    from tui.engine.inspection import Preview

    preview = one.preview or Preview([], [])
    return {
        "connection": one.name,
        "files": [{"name": entry.target_name, "size": entry.size} for entry in preview.files],
        "skipped": [{"name": entry.name, "size": entry.size, "reason": why} for entry, why in preview.skipped],
        "failure": one.failure.as_json() if one.failure else None,
    }
