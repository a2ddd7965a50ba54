"""The frame: leaving, help, commands, and where no screen can be shown."""

import pytest

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine
from tui.console import keymap, why_no_console
from tui.console.app import WharfApp
from tui.console.dialogs.confirm import ConfirmDialog
from tui.console.dialogs.help import HelpDialog


async def test_q_leaves_at_once_when_nothing_runs(app: WharfApp) -> None:
    async with app.run_test() as pilot:
        await pilot.press("q")
        await pilot.pause()
    assert app.return_code == 0
    assert not app.is_running


async def test_q_asks_while_transfers_run_here(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.start("acme")
    async with app.run_test() as pilot:
        await pilot.press("q")
        assert isinstance(app.screen, ConfirmDialog)
        assert "1 transfer still running here" in "\n".join(lines_of(app))
        assert app.focused is not None
        assert app.focused.id == "cancel"
        await pilot.press("enter")
        assert not isinstance(app.screen, ConfirmDialog)
        assert app.is_running
        await pilot.press("q", "y")
        await pilot.pause()
        assert not app.is_running


async def test_runs_of_other_processes_do_not_keep_anyone(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    run = await engine.start("acme")
    engine.progress("acme", run.progress, here=False)
    async with app.run_test() as pilot:
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running


async def test_escape_never_leaves(app: WharfApp) -> None:
    async with app.run_test() as pilot:
        await pilot.press("escape", "escape", "escape")
        assert app.is_running
        assert len(app.screen_stack) == 1


@pytest.mark.parametrize("close", ["escape", "q", "question_mark", "enter"])
async def test_help_shows_the_live_keys_and_closes(app: WharfApp, engine: FakeEngine, close: str) -> None:
    await engine.add("acme")
    app.set_keymap({"connections.run": "u"})
    async with app.run_test(size=(80, 50)) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpDialog)
        shown = "\n".join(lines_of(app))
        for binding in keymap.CONNECTIONS:
            assert binding.description in shown
        assert any(line.strip("│ ").split()[:2] == ["u", "Run"] for line in lines_of(app))
        await pilot.press(close)
        assert not isinstance(app.screen, HelpDialog)
        assert app.is_running
        await pilot.press("r")
        assert engine.started == []
        await pilot.press("u")
        await pilot.pause()
        assert engine.started == ["acme"]


@pytest.mark.parametrize(
    ("terminal", "term", "told"),
    [(True, "xterm-256color", None), (True, "dumb", "TERM"), (True, "", "TERM"), (False, "xterm", "needs a terminal")],
)
def test_a_terminal_is_needed(terminal: bool, term: str, told: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: terminal, raising=False)
    monkeypatch.setenv("TERM", term)
    reason = why_no_console()
    if told is None:
        assert reason is None
    else:
        assert reason is not None
        assert told in reason
