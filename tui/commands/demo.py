"""`wharf demo`: the screen, or a check of everything, on servers of this machine."""

import argparse
import logging

from tui.commands.interruption import run_async
from tui.commands.screen import screen_settings
from tui.console import run_console
from tui.demo.main import run_demo
from tui.engine import Engine
from tui.paths import Paths


def demo(args: argparse.Namespace, paths: Paths) -> int:
    """Run the demo in folders of its own. Raises UsageProblem where no screen can be shown, unless it only checks."""
    if args.check:
        return run_async(run_demo(args.keep))
    settings = screen_settings(args, paths)
    # The demo keeps no log; without a handler Python would write warnings of libraries over the screen.
    logging.getLogger().addHandler(logging.NullHandler())

    async def show(engine: Engine) -> int:
        return await run_console(engine, settings, paths)

    return run_async(run_demo(args.keep, show))
