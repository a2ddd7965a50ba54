"""A screen opens with a single frame, and that one has everything."""

import pytest
from rich.console import RenderableType
from textual._compositor import CompositorUpdate, LayoutUpdate

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine
from tests.pty.picture import Picture
from tui.console.app import WharfApp
from tui.console.frames import Frames
from tui.console.screens.history import HistoryScreen
from tui.domain.failure import Failure, FailureClass
from tui.domain.run import Status


class Watched(Frames):
    """Keeps what is sent, and what a terminal shows of it."""

    def __init__(self, app: WharfApp) -> None:
        super().__init__()
        self._app = app
        self.sent: list[CompositorUpdate] = []
        self.picture = Picture(*app.size)

    def reduced(self, update: RenderableType | CompositorUpdate | None) -> RenderableType | CompositorUpdate | None:
        left = super().reduced(update)
        if isinstance(left, CompositorUpdate):
            self.sent.append(left)
            self.picture.feed(left.render_segments(self._app.console).encode())
        return left


async def _engine_with_runs(engine: FakeEngine) -> None:
    await engine.add("acme", "other")
    failure = Failure(FailureClass.AUTH, "The login was refused.", "Check the username.")
    for _ in range(40):
        await engine.start("acme")
        await engine.end("acme", Status.FAILED, failure)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize(
    ("first", "key"),
    [
        ([], "enter"),
        ([], "h"),
        (["enter"], "enter"),
        (["h"], "T"),
        ([], "d"),
        ([], "f"),
        ([], "F"),
        ([], "C"),
        ([], "m"),
        ([], "question_mark"),
        (["enter"], "w"),
    ],
)
async def test_one_frame_shows_all(
    app: WharfApp, engine: FakeEngine, size: tuple[int, int], first: list[str], key: str
) -> None:
    await _engine_with_runs(engine)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for each in first:
            await pilot.press(each)
            await settle(pilot)
        before = app.screen
        watched = app._frames = Watched(app)
        await pilot.press(key)
        await settle(pilot)
        assert app.screen is not before
        kinds = [type(update) for update in watched.sent]
        assert kinds == [LayoutUpdate], f"{kinds} for {lines_of(app)}"
        assert [line.rstrip() for line in watched.picture.lines] == [line.rstrip() for line in lines_of(app)]


async def test_of_a_second_that_passes_below_a_dialog_only_what_is_seen_is_sent(
    app: WharfApp, engine: FakeEngine
) -> None:
    await engine.add("acme")
    await engine.start("acme")
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        history = app.screen
        assert isinstance(history, HistoryScreen)
        await pilot.press("m")
        await settle(pilot)
        assert app.screen is not history
        history._tick()
        await settle(pilot)
        watched = app._frames = Watched(app)
        for _ in range(3):
            history._tick()
            await settle(pilot)
        sent = [type(update) for update in watched.sent]
        assert LayoutUpdate not in sent, sent
