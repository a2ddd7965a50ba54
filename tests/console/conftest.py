"""The application over an engine that does what the test says."""

import sys
from collections.abc import AsyncIterator, Callable
from types import ModuleType
from typing import Any, cast

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from tests.console.fakes import FakeEngine
from tests.engine.conftest import open_test_engine
from tui.console.app import WharfApp
from tui.engine import Engine
from tui.paths import Paths

Opened = list[tuple[Any, ...]]


@pytest.fixture(autouse=True)
def _same_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setenv("COLORTERM", "truecolor")


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def app(engine: FakeEngine) -> WharfApp:
    return WharfApp(cast("Engine", engine))


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Opened]:
    """Puts a blank screen in the place of one; returns the list of what it is opened with."""

    def replace(module: str, name: str) -> Opened:
        opened: Opened = []

        class Blank(Screen[object]):
            def __init__(self, _engine: object, *args: object, **options: object) -> None:
                super().__init__()
                opened.append((*args, *options.values()))

        double = ModuleType(module)
        setattr(double, name, Blank)
        monkeypatch.setitem(sys.modules, module, double)
        return opened

    return replace


@pytest.fixture
async def real_engine(paths: Paths) -> AsyncIterator[Engine]:
    """With a store and a vault of its own."""
    engine = await open_test_engine(paths)
    yield engine
    await engine.close()


@pytest.fixture
def form_app(real_engine: Engine) -> WharfApp:
    return WharfApp(real_engine)


async def settle(pilot: Pilot[Any]) -> None:
    """Let what happened reach the screen, without waiting for the next regular sample."""
    await pilot.pause()
    cast("WharfApp", pilot.app).bridge.sample()
    await pilot.pause()


def lines_of(app: App[Any]) -> list[str]:
    """What stands on the screen, line by line."""
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]


def place_of(app: App[Any], text: str, *, line: str = "") -> tuple[int, int]:
    """Where a text stands, as a mouse would point at it; `line` is something that the same line contains."""
    for y, shown in enumerate(lines_of(app)):
        if line in shown and text in shown:
            return shown.index(text), y
    raise AssertionError(f"{text!r} is not on the screen:\n" + "\n".join(lines_of(app)))
