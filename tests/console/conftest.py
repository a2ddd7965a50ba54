"""The application over an engine that does what the test says."""

from typing import TYPE_CHECKING, cast

import pytest

from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp

if TYPE_CHECKING:
    from tui.engine import Engine


@pytest.fixture(autouse=True)
def _no_animations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def app(engine: FakeEngine) -> WharfApp:
    return WharfApp(cast("Engine", engine))
