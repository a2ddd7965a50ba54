"""What is not possible now: greyed in the footer, and with its reason in the palette, the help, and when pressed."""

from typing import cast

import pytest
from textual.binding import Binding
from textual.pilot import Pilot

from tests.console.conftest import lines_of, place_of, settle
from tests.console.fakes import NOW, FakeEngine, connection
from tui.console import keymap
from tui.console.app import WharfApp
from tui.console.keys import first_keys
from tui.console.palette import ActionCommands
from tui.console.reasons import READ_ONLY
from tui.console.screens.connection_reasons import why_not
from tui.console.widgets.key_footer import KeyFooter
from tui.domain.run import Progress, Status
from tui.engine import Engine, LiveRun

KEYS = {name: binding.key for name, binding in first_keys({}).items()}


def last_told(app: WharfApp) -> str:
    return list(app.messages)[-1].sentence


def greyed(app: WharfApp) -> set[str]:
    """What the footer shows as not possible."""
    return {key.does for key in app.screen.query_one(KeyFooter).keys if not key.possible}


async def arrived(pilot: Pilot[int]) -> None:
    """The footer is drawn after the rest."""
    await settle(pilot)
    await pilot.pause()


async def test_the_footer_greys_what_is_not_possible_and_follows(app: WharfApp, engine: FakeEngine) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        await arrived(pilot)
        assert greyed(app) == {"History", "Edit", "Run", "Cancel", "Test"}
        await engine.add("acme")
        await arrived(pilot)
        assert greyed(app) == {"Cancel"}
        await engine.start("acme")
        await arrived(pilot)
        assert greyed(app) == {"Run"}
        await engine.end("acme")
        await arrived(pilot)
        assert greyed(app) == {"Cancel"}


async def test_a_key_that_is_not_possible_says_why(app: WharfApp, engine: FakeEngine) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("e")
        assert last_told(app) == "There is no connection to be edited. n describes a new one."
        await engine.add("off", enabled=False)
        await settle(pilot)
        await pilot.press("r")
        assert last_told(app) == "off is switched off; o switches on."
        await pilot.press("x")
        assert last_told(app) == "off is not running."
    assert engine.started == []


async def test_a_click_on_what_is_not_possible_says_why_as_the_key_does(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    async with app.run_test(size=(120, 30)) as pilot:
        await arrived(pilot)
        await pilot.click(offset=place_of(app, "Cancel", line="Run"))
        await settle(pilot)
        assert last_told(app) == "acme is not running."
        assert len(app.messages) == 1
        await pilot.click(offset=place_of(app, "Run", line="Cancel"))
        await settle(pilot)
        assert engine.started == ["acme"]


async def test_read_only_is_on_every_screen_and_says_so(engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.ran("acme", Status.FAILED)
    engine.read_only = True
    app = WharfApp(cast("Engine", engine))
    async with app.run_test(size=(120, 30)) as pilot:
        await arrived(pilot)
        for keys in ((), ("enter",), ("enter",)):
            await pilot.press(*keys)
            await arrived(pilot)
            assert "READ-ONLY" in lines_of(app)[0]
            changing = {"r", "x"} if keys else {"n", "e", "r", "x", "c", "o", "d"}
            for key in changing:
                await pilot.press(key)
                assert last_told(app) == READ_ONLY
        commands = {command.title: command.reason for command in ActionCommands(app.screen).commands()}
        assert commands["Run: Retry"] == READ_ONLY
        assert commands["Run: Back"] is None
    assert engine.started == []


async def test_help_shows_what_is_not_possible_with_its_reason(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        *lines, _footer = lines_of(app)
        (cancel,) = [line for line in lines if "Cancel" in line and " x " in line]
        assert "acme is not running." in cancel
        (run,) = [line for line in lines if " r " in line and "Run" in line]
        assert run.rstrip("│ ").endswith("Run")


async def test_without_read_only_there_is_no_badge(app: WharfApp) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        assert "READ-ONLY" not in lines_of(app)[0]


@pytest.mark.parametrize("binding", keymap.CONNECTIONS, ids=lambda binding: str(binding.id))
def test_every_action_on_a_connection_has_a_sentence_or_is_possible(binding: Binding) -> None:
    reason = why_not(binding.action, [], {}, {}, KEYS, read_only=False)
    assert reason is None or reason.endswith(".")


def test_of_several_marked_one_that_can_run_is_enough() -> None:
    run = LiveRun(1, "a", NOW, Progress(), 0.0, None, None, True)
    one, both = {"a": run}, {"a": run, "b": run}
    connections = {name: connection(name).summary for name in "ab"}
    assert why_not("run", ["a", "b"], connections, one, KEYS, read_only=False) is None
    assert why_not("run", ["a", "b"], connections, both, KEYS, read_only=False) == (
        "2 connections are already running; x cancels the run."
    )
    assert why_not("delete", ["a", "b"], connections, one, KEYS, read_only=False) == (
        "a cannot be deleted while running; x cancels the run."
    )
    assert why_not("pause_all", [], connections, {}, KEYS, read_only=False) == "Nothing is running here."
    assert why_not("pause_all", [], connections, one, KEYS, read_only=False) is None


async def test_the_first_line_tells_the_way(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.ran("acme")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert lines_of(app)[0].startswith(" Wharf  Connections ")
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert lines_of(app)[0].startswith(" Wharf  Connections › acme › run 1 ")
        await pilot.press("escape", "escape", "h")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert lines_of(app)[0].startswith(" Wharf  Connections › all › run 1 of acme")


async def test_a_long_way_loses_its_beginning(app: WharfApp, engine: FakeEngine) -> None:
    name = "a" * 70
    await engine.add(name)
    await engine.ran(name)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert lines_of(app)[0].startswith(" Wharf  … › run 1")
