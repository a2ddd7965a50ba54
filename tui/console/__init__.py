"""The console: everything that is shown, and nothing that moves a file.

Data flows one way: the engine's snapshot and store, through `bridge`, to the screens; keys go the other way, as calls
to the engine. Importing this package does not import Textual; `run_console` does.
"""

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.console.app import WharfApp
    from tui.engine import Engine
    from tui.paths import Paths
    from tui.settings import Auto, Settings

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def why_no_console() -> str | None:
    """One sentence on why no screen can be shown here, or None when it can."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return "The screen needs a terminal for input and output; `wharf list` and `wharf run` work without one."
    if os.environ.get("TERM", "dumb") in {"", "dumb", "unknown"}:
        return "This terminal cannot show a screen (TERM is not set or dumb); `wharf list` and `wharf run` work here."
    return None


def uses_mouse(setting: "Auto") -> bool:
    """Whether to ask the terminal for what the mouse does: as the setting says, or else everywhere but in GNU screen.

    Once screen is asked for that, it holds an escape back until the next key, and then gives both as one.
    """
    if setting != "auto":
        return setting
    # tmux gives itself out as screen where it is set up so; over ssh neither variable arrives.
    is_screen = "STY" in os.environ or "TMUX" not in os.environ
    return not (is_screen and os.environ.get("TERM", "").startswith("screen"))


def _leave(app: "WharfApp", code: int) -> None:
    # Of several signals the first counts.
    if app.return_code is None:
        app.exit(code, return_code=code)


async def run_console(engine: "Engine", settings: "Settings", paths: "Paths") -> int:
    """Show the console until the user leaves it; returns the exit code. The caller closes the engine afterwards.

    SIGTERM and SIGHUP end it in order, so that the terminal is restored and the caller can put runs on record.
    """
    if (reason := why_no_console()) is not None:
        print(reason, file=sys.stderr)  # noqa: T201 - the command's own narration
        return 2

    from tui.console.app import WharfApp

    app = WharfApp(engine, settings, paths)
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        # Under nohup SIGHUP is ignored and must stay so. The handlers stay in place afterwards: a second signal must
        # not cut short the closing of the engine.
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, _leave, app, 128 + number)
    await app.run_async(mouse=uses_mouse(settings.mouse))
    return app.return_code or 0
