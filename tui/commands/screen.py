"""`wharf`: the screen."""

import argparse

from tui.commands.interruption import run_async
from tui.commands.opening import open_logged_engine
from tui.console import run_console, why_no_console
from tui.domain.failure import UsageProblem
from tui.paths import Paths


def open_screen(args: argparse.Namespace, paths: Paths) -> int:
    """Show the Connections screen until it is left. Raises UsageProblem where no screen can be shown."""
    if (reason := why_no_console()) is not None:
        raise UsageProblem(reason)
    return run_async(_session(paths, mouse=not args.no_mouse))


async def _session(paths: Paths, *, mouse: bool) -> int:
    async with open_logged_engine(paths) as engine:
        return await run_console(engine, mouse=mouse)
