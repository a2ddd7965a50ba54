"""The pictures of the README: the real console over a fixed week.

    python -m tests.screenshots     writes them to screenshots/

They come out the same everywhere, so a difference is a change of the console.
"""

import asyncio
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from textual.pilot import Pilot

# Imported by the console when they are needed; here before the clock is stopped, which reaches only what is imported.
import tui.console.dialogs.connection_form
import tui.console.screens.history
import tui.console.screens.run
import tui.console.screens.totals  # noqa: F401 - see above
from tests import sample_tests
from tests.sample_week import fill, stopped_clock
from tui.console.app import WharfApp
from tui.domain.connection import Connection
from tui.engine import Engine, LiveRun, Snapshot
from tui.engine.inspection import TestReport, Watcher
from tui.paths import Paths
from tui.settings import Settings
from tui.store.sqlite import SqliteStore
from tui.trust.identity import Identity

FOLDER = Path(__file__).parents[1] / "screenshots"

Steps = Callable[[Pilot[Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: the size of the terminal in cells, and what is pressed before it is taken."""

    size: tuple[int, int]
    steps: Steps
    theme: str = "wharf-dark"
    ascii: bool = False
    filled: bool = True
    """Whether there is the sample week to be seen, or nothing yet."""
    finds: Callable[[str], TestReport] = sample_tests.passing
    """What a test of a connection finds."""


class StillEngine(Engine):
    """An engine whose runs stand still."""

    live: Mapping[str, LiveRun] = {}
    finds: Callable[[str], TestReport]

    async def test(
        self,
        connection: Connection,
        watcher: Watcher | None = None,
        *,
        typed_secret: str | None = None,
        write: bool = True,
    ) -> TestReport:
        report = self.finds(connection.name)
        for step in report.steps:
            if watcher is not None:
                watcher.ended(step)
        return report

    def place_for(self, connection: Connection, identity: Identity) -> str:
        return sample_tests.KNOWN_HOSTS

    def snapshot(self) -> Snapshot:
        return Snapshot(1, 1, self.live)


def pressing(*keys: str) -> Steps:
    """Steps that are only keys, each of which takes effect before the next."""

    async def press(pilot: Pilot[Any]) -> None:
        for key in keys:
            await pilot.press(key)
            await pilot.pause()

    return press


_TEST = ("j", "t")
_WIDE, _NARROW = (140, 45), (80, 24)

SHOTS = {
    "connections-wide": Shot(_WIDE, pressing()),
    "connections-80x24": Shot((80, 24), pressing("j", "j")),
    "connections-light": Shot(_WIDE, pressing(*"jjjjjj"), theme="wharf-light"),
    "connections-contrast": Shot(_WIDE, pressing(), theme="wharf-high-contrast"),
    "connections-colour-blind": Shot(_WIDE, pressing("j"), theme="wharf-colour-blind"),
    "connections-terminal": Shot(_NARROW, pressing("j"), theme="wharf-terminal"),
    "connections-ascii": Shot(_NARROW, pressing("space", "j"), ascii=True),
    "connections-grouped": Shot(_WIDE, pressing("z", "minus")),
    "first-run-80x24": Shot(_NARROW, pressing(), filled=False),
    "columns": Shot(_NARROW, pressing("C", "j", "space", *"jjjjj", "space", "K", "K")),
    "help": Shot(_WIDE, pressing("question_mark")),
    "palette": Shot(_WIDE, pressing("colon", *"run acme")),
    "history-days": Shot(_WIDE, pressing("h", "j", "j")),
    "history-days-80x24": Shot(_NARROW, pressing("h", "j", "j")),
    "form-errors": Shot(_WIDE, pressing("n", *"nova-conversions", "ctrl+s")),
    "history-live": Shot(_WIDE, pressing("enter")),
    "test-passing": Shot(_WIDE, pressing(*_TEST)),
    "test-passing-80x24": Shot(_NARROW, pressing(*_TEST)),
    "test-identity": Shot(_WIDE, pressing(*_TEST, "n"), finds=sample_tests.unknown_key),
    "test-identity-80x24": Shot(_NARROW, pressing(*_TEST, "n"), finds=sample_tests.unknown_key),
    "test-login": Shot(_WIDE, pressing(*_TEST), finds=sample_tests.refused_login),
    "test-login-80x24": Shot(_NARROW, pressing(*_TEST), finds=sample_tests.refused_login),
    "trust-unknown": Shot(_WIDE, pressing(*_TEST), finds=sample_tests.unknown_key),
    "trust-unknown-80x24": Shot(_NARROW, pressing(*_TEST), finds=sample_tests.unknown_key),
    "trust-changed": Shot(_WIDE, pressing(*_TEST), finds=sample_tests.changed_key),
    "trust-changed-80x24": Shot(_NARROW, pressing(*_TEST), finds=sample_tests.changed_key),
    "totals": Shot(_WIDE, pressing("T")),
    "run-failed": Shot((110, 30), pressing("slash", *"delta", "enter", "enter", "enter")),
}


async def take(name: str) -> str:
    """The picture as SVG."""
    shot = SHOTS[name]
    async with _still_engine(filled=shot.filled) as engine:
        engine.finds = shot.finds
        app = WharfApp(engine, Settings(ascii=shot.ascii))
        app.theme = shot.theme
        async with app.run_test(size=shot.size) as pilot:
            await _settle(pilot)
            await shot.steps(pilot)
            await _settle(pilot)
            return _tidy(app.export_screenshot(), name)


@asynccontextmanager
async def _still_engine(*, filled: bool) -> AsyncIterator[StillEngine]:
    with tempfile.TemporaryDirectory() as folder, _same_everywhere(), stopped_clock() as clock:
        home = Path(folder)
        paths = Paths(home / "config", home / "data", home / "state")
        paths.prepare()
        store = SqliteStore(paths.database)
        await store.open()
        engine = StillEngine(store, paths)
        try:
            if filled:
                engine.live = await fill(store, clock)
            yield engine
        finally:
            # Not by the engine, which has none of these runs; they are nobody's but the picture's.
            await store.close()


@contextmanager
def _same_everywhere() -> Iterator[None]:
    """The same time zone and no movement, whatever the machine has; and the last minute is but a moment."""
    with (
        patch.dict(os.environ, TZ="UTC", TEXTUAL_ANIMATIONS="none"),
        patch("tui.console.sparkline.monotonic", lambda: 0.0),
    ):
        time.tzset()
        yield
    time.tzset()


async def _settle(pilot: Pilot[Any]) -> None:
    """Until nothing changes any more."""
    app = pilot.app
    assert isinstance(app, WharfApp)
    app.bridge.sample()
    await pilot.pause()
    while _is_busy(app):
        await pilot.pause()
    await pilot.pause()


def _is_busy(app: WharfApp) -> bool:
    """Whether there is work under way for what is on top; beneath a dialog, work may wait for what it is told."""
    return any(not worker.is_finished and worker.node.screen is app.screen for worker in app.workers)


_TEXT = re.compile(r'(<text [^>]*? x=")([\d.]+)(" [^>]*? textLength=")([\d.]+)("[^>]*>)([^<]*)(</text>)')
_CELL = 12.2
"""Width of a cell in an SVG by Rich."""


def _tidy(svg: str, name: str) -> str:
    """The SVG with ids that depend on nothing but the name, and without what some viewers get wrong.

    Rich derives the prefix of ids from how Python writes a segment, which differs between versions of Python. Viewers
    that drop the spaces at the ends of a text would stretch the rest over the whole length.
    """
    svg = _TEXT.sub(_without_outer_spaces, re.sub(r"terminal-\d+", f"wharf-{name}", svg))
    return "".join(line.rstrip() + "\n" for line in svg.splitlines())


def _without_outer_spaces(found: re.Match[str]) -> str:
    before, x, between, length, after, text, end = found.groups()
    shown = text.replace("&#160;", "\u00a0").rstrip("\n")
    kept = shown.strip("\u00a0")
    if not kept:
        return ""
    left = float(x) + _CELL * (len(shown) - len(shown.lstrip("\u00a0")))
    width = float(length) - _CELL * (len(shown) - len(kept))
    return f"{before}{_number(left)}{between}{_number(width)}{after}{kept.replace(chr(0xA0), '&#160;')}{end}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in SHOTS:
        path = FOLDER / f"{name}.svg"
        path.write_text(asyncio.run(take(name)), encoding="utf-8")
        print(path.relative_to(FOLDER.parent))


if __name__ == "__main__":
    main()
