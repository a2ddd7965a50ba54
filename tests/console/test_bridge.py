"""The bridge: one message per change, to the screen on top, and none without a change."""

from typing import Any, cast

from textual.screen import ModalScreen, Screen

from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.bridge import Bridge, SnapshotTaken
from tui.domain.run import Progress


class _Listener:
    """Stands for a screen: keeps what is posted to it."""

    def __init__(self) -> None:
        self.messages: list[SnapshotTaken] = []

    def post_message(self, message: SnapshotTaken) -> None:
        self.messages.append(message)


def _bridge(engine: FakeEngine, screen: _Listener) -> Bridge:
    return Bridge(engine, lambda: cast("Screen[Any]", screen))


async def test_posts_only_when_the_revision_changed(engine: FakeEngine) -> None:
    await engine.add("acme")
    listener = _Listener()
    bridge = _bridge(engine, listener)
    for _ in range(5):
        bridge.sample()
    assert len(listener.messages) == 1
    await engine.start("acme")
    bridge.sample()
    bridge.sample()
    assert len(listener.messages) == 2
    assert listener.messages[-1].snapshot.live.keys() == {"acme"}


async def test_says_whether_the_store_changed(engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.start("acme")
    listener = _Listener()
    bridge = _bridge(engine, listener)
    bridge.sample()
    engine.progress("acme", Progress(0, 1, 10, 100))
    bridge.sample()
    await engine.end("acme")
    bridge.sample()
    assert [message.store_changed for message in listener.messages] == [True, False, True]


async def test_a_covered_screen_gets_the_newest_state_when_uncovered(engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.start("acme")
    home, modal = _Listener(), _Listener()
    top = home
    bridge = Bridge(engine, lambda: cast("Screen[Any]", top))
    bridge.sample()
    top = modal
    engine.progress("acme", Progress(0, 1, 10, 100))
    bridge.sample()
    engine.progress("acme", Progress(0, 1, 90, 100))
    bridge.sample()
    assert len(home.messages) == 1
    top = home
    bridge.sample()
    assert len(home.messages) == 2
    assert home.messages[-1].snapshot.live["acme"].progress.bytes_done == 90


async def test_no_screen_is_no_error(engine: FakeEngine) -> None:
    Bridge(engine, lambda: None).sample()
    assert engine.snapshots == 0


async def test_the_app_samples_by_itself(engine: FakeEngine, app: WharfApp) -> None:
    await engine.add("acme")
    heard: list[object] = []
    async with app.run_test(message_hook=heard.append) as pilot:
        await pilot.pause()
        await app.push_screen(ModalScreen())
        await pilot.pause()
    assert sum(isinstance(message, SnapshotTaken) for message in heard) >= 1
