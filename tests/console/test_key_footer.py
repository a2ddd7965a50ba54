"""The line of keys says what the keys do now, is not drawn again to say the same, and can be clicked."""

from collections.abc import Sequence

import pytest
from rich.console import RenderableType
from textual import events
from textual.screen import Screen
from textual.widgets import Input

from tests.console.conftest import lines_of, place_of, settle
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.screens.history import HistoryScreen
from tui.console.widgets.key_footer import FooterKey, KeyFooter


def wheel(turned: type[events.MouseEvent]) -> events.MouseEvent:
    return turned(None, 0, 0, 0, 0, 0, False, False, False)


def footer(app: WharfApp) -> KeyFooter:
    return app.screen.query_one(KeyFooter)


async def test_the_first_frame_has_keys_and_facts(
    app: WharfApp, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.add("acme")
    frames: list[list[str]] = []
    display = WharfApp._display

    def noting(app: WharfApp, screen: Screen[object], renderable: RenderableType | None) -> None:
        frames.append(lines_of(app))
        display(app, screen, renderable)

    monkeypatch.setattr(WharfApp, "_display", noting)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
    assert frames[0][0].startswith(" Wharf  Connections   ")
    assert frames[0][0].endswith("   1 connection ")
    assert [line.split()[0] for line in frames[0][2:4]] == ["Name▲", "acme"]
    assert "q Quit" in frames[0][-1]


async def test_it_is_drawn_again_only_to_say_something_else(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.ran("acme")
    async with app.run_test(size=(120, 30)) as pilot:
        await app.push_screen(HistoryScreen(app.engine, "acme"))
        await settle(pilot)
        drawn: list[Sequence[FooterKey]] = []

        def note(keys: Sequence[FooterKey]) -> None:
            drawn.append(keys)

        footer(app).watch(footer(app), "keys", note, init=False)
        said = lines_of(app)[-1]
        assert "Retry" in said
        app.screen.refresh_bindings()
        await settle(pilot)
        assert drawn == []
        await pilot.press("slash")
        await settle(pilot)
        assert "Retry" not in lines_of(app)[-1]
        assert "Clear" in lines_of(app)[-1]
        await pilot.press("escape")
        await settle(pilot)
        assert lines_of(app)[-1] == said
        assert len(drawn) == 2


async def test_a_click_is_the_key_and_beside_it_nothing(app: WharfApp) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        x, y = place_of(app, "/ Filter", line="Quit")
        await pilot.click(offset=(x - 1, y))
        await settle(pilot)
        assert not isinstance(app.focused, Input)
        await pilot.click(offset=(x + len("/ Filter") - 1, y))
        await settle(pilot)
        assert isinstance(app.focused, Input)


async def test_what_has_no_room_is_reached_with_the_wheel(app: WharfApp) -> None:
    async with app.run_test(size=(40, 24)) as pilot:
        await settle(pilot)
        begin = lines_of(app)[-1]
        last = footer(app).keys[-1]
        assert last.does not in begin
        for _ in range(50):
            footer(app).post_message(wheel(events.MouseScrollDown))
        await settle(pilot)
        assert lines_of(app)[-1].endswith(f"{last.shown} {last.does} ")
        assert last.does == "Quit"
        for _ in range(50):
            footer(app).post_message(wheel(events.MouseScrollUp))
        await settle(pilot)
        assert lines_of(app)[-1] == begin


async def test_the_key_under_the_mouse_is_another_colour(app: WharfApp) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        before = footer(app).render_line(0)
        await pilot.hover(offset=place_of(app, "Filter", line="Quit"))
        await settle(pilot)
        pointed_at = footer(app).render_line(0)
        assert pointed_at.text == before.text
        assert pointed_at != before
        await pilot.hover(offset=(0, 5))
        await settle(pilot)
        assert footer(app).render_line(0) == before


def test_a_key_is_as_wide_as_it_is_shown() -> None:
    assert FooterKey("f5", "f5", "日本", possible=True).width == len("f5 ") + 4
