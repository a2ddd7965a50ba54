"""`wharf`: the screen."""

import argparse
from dataclasses import replace

from tui.commands.interruption import run_async
from tui.commands.opening import open_logged_engine
from tui.console import run_console, why_no_console
from tui.domain.failure import UsageProblem
from tui.paths import Paths
from tui.settings import Settings, WrongSettings, read_settings


def open_screen(args: argparse.Namespace, paths: Paths) -> int:
    """Show the Connections screen until it is left. Raises UsageProblem where no screen can be shown."""
    settings = screen_settings(args, paths)
    return run_async(_session(paths, settings))


def screen_settings(args: argparse.Namespace, paths: Paths) -> Settings:
    """The user's settings for the screen, with what the command line overrules. Raises UsageProblem when they ask for
    what cannot be, or no screen can be shown.
    """
    if (reason := why_no_console()) is not None:
        raise UsageProblem(reason)
    settings = read_settings(paths.settings)
    if settings.keys:
        from tui.console.keys import key_problems

        if problems := key_problems(settings.keys):
            raise WrongSettings(paths.settings, problems)
    if args.no_mouse:
        settings = replace(settings, mouse=False)
    return replace(settings, low_bandwidth=True) if args.low_bandwidth else settings


async def _session(paths: Paths, settings: Settings) -> int:
    async with open_logged_engine(paths) as engine:
        return await run_console(engine, settings, paths)
