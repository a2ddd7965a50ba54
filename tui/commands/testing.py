"""`wharf test`."""

import argparse

from tui.commands.asking import passphrase_asker
from tui.commands.interruption import run_async
from tui.commands.opening import open_logged_engine
from tui.commands.output import exit_code, narrate, say, say_json
from tui.commands.progress import StepLine, can_refresh_a_line
from tui.domain.as_json import test_json
from tui.domain.figures import SIGNS, duration
from tui.domain.run import Event, Status
from tui.domain.text import printable
from tui.engine.inspection import TestReport, Watcher
from tui.paths import Paths


def test(args: argparse.Namespace, paths: Paths) -> int:
    """Try a connection; each step is shown as it ends. Raises UnknownConnection."""
    with StepLine(shown=can_refresh_a_line()) as at_work:

        def ended(event: Event) -> None:
            at_work.clear()
            if not args.json:
                _show_step(event)

        report = run_async(_test(paths, args.name, Watcher(at_work.show, ended), write=not args.no_write))
    if args.json:
        say_json(test_json(report.connection, report.ok, report.steps, report.failure, report.warnings))
        return exit_code(report.failure)
    for warning in report.warnings:
        narrate(f"! {printable(warning)}")
    if report.failure is not None:
        narrate(f"wharf: {printable(report.failure.message)}\n  {printable(report.failure.remedy)}")
    return exit_code(report.failure)


async def _test(paths: Paths, name: str, watcher: Watcher, *, write: bool) -> TestReport:
    async with open_logged_engine(paths, passphrase_asker()) as engine:
        return await engine.test(await engine.store.connection(name), watcher, write=write)


def _show_step(event: Event) -> None:
    sign = SIGNS[Status.COMPLETED if event.ok else Status.FAILED]
    took = duration(event.ms / 1000) if event.ms is not None else ""
    say(f"{sign} {event.step:<17} {took:>8}  {printable(event.detail)}")
