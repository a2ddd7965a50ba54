"""Keys of one's own: what the settings may ask for, and that it works on the screen."""

import re
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.binding import Binding
from textual.pilot import Pilot

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine
from tui.console import keymap
from tui.console.app import WharfApp
from tui.console.dialogs.help import HelpDialog
from tui.console.keys import as_keymap, key_problems, known_bindings
from tui.engine import Engine
from tui.settings import Settings

GROUPS = [
    group for group in vars(keymap).values() if isinstance(group, tuple) and group and isinstance(group[0], Binding)
]


def test_every_binding_can_be_given_other_keys() -> None:
    everywhere = {binding.id for context in keymap.CONTEXTS for binding in (*context.own, *context.shared)}
    for group in GROUPS:
        for binding in group:
            assert binding.id in everywhere, binding
            assert binding.id is not None
            assert binding.id.partition(".")[0] in keymap.HOMES


def test_an_id_names_one_binding() -> None:
    by_id: dict[str | None, set[str]] = {}
    for group in GROUPS:
        for binding in group:
            by_id.setdefault(binding.id, set()).add(binding.action)
    assert {name: actions for name, actions in by_id.items() if len(actions) > 1} == {}


def test_no_key_has_two_meanings_to_begin_with() -> None:
    for context in keymap.CONTEXTS:
        bindings = {binding.id: binding for binding in (*context.own, *context.shared)}
        keys = [key for binding in bindings.values() for key in binding.key.split(",")]
        assert len(keys) == len(set(keys)), context


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"connections.run": "R"},
        {"connections.run": "f6, ctrl+r"},
        {"connections.run": "e", "connections.edit": "r"},
        {"app.help": "!"},
        {"app.commands": ","},
        {"form.save": "f9"},
    ],
)
def test_what_can_be(changes: dict[str, str]) -> None:
    assert key_problems(changes) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"connection.run": "R"}, "there is no binding “connection.run”; did you mean connections.run?"),
        ({"zzz": "R"}, "there is no binding “zzz”; `wharf keys` prints all ids."),
        ({"connections.run": "contrl+r"}, "“contrl+r” is not a key that arrives through every terminal"),
        ({"connections.run": "ctrl+enter"}, "is not a key that arrives through every terminal"),
        ({"connections.run": "pgup"}, "did you mean pageup?"),
        ({"connections.run": ""}, "“” is not a key"),
        ({"connections.run": "ctrl+m"}, "ctrl+m cannot be told from enter"),
        ({"connections.run": "e"}, "e is the key of connections.edit already"),
        ({"history.retry": "q"}, "q is the key of app.quit already"),
        ({"app.quit": "j"}, "j is the key of table.down already"),
        ({"connections.run": "ctrl+q"}, "ctrl+q is the key of app.quit_anywhere already"),
        ({"form.save": "s"}, "s is typed there as text"),
    ],
)
def test_what_cannot_be_is_told(changes: dict[str, str], told: str) -> None:
    problems = key_problems(changes)
    assert problems
    assert told in problems[0]


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=20), min_size=1, max_size=4))
def test_no_unknown_id_is_taken_whatever_it_is(changes: dict[str, str]) -> None:
    known = {binding.id for binding in known_bindings()}
    problems = key_problems(changes)
    for name in changes:
        if name not in known:
            assert any("there is no binding" in problem for problem in problems)
    assert not re.search(r"[\x00-\x1f\x7f\u202e]", "".join(problems))


async def test_other_keys_work_and_the_old_ones_do_not(engine: FakeEngine) -> None:
    changes = {"connections.run": "e", "connections.edit": "r", "app.help": "!,f7"}
    assert key_problems(changes) == []
    await engine.add("acme")
    app = WharfApp(cast("Engine", engine), Settings(keys=changes))
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("e")
        await pilot.pause()
        assert engine.started == ["acme"]
        await pilot.press("question_mark")
        assert not isinstance(app.screen, HelpDialog)
        for key in ("exclamation_mark", "f7"):
            await pilot.press(key)
            assert isinstance(app.screen, HelpDialog)
            await pilot.press("escape")
        assert as_keymap({"app.commands": ","}) == {"app.commands": "comma"}


async def shown_after(pilot: Pilot[Any], *keys: str) -> str:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    await settle(pilot)
    return "\n".join(lines_of(pilot.app))


async def test_whatever_names_a_key_names_the_one_that_works(engine: FakeEngine) -> None:
    """The footer, the help, the palette, sentences, hints and buttons."""
    changes = {
        "connections.run": "f6",
        "connections.test": "ctrl+y",
        "connections.toggle": "O",
        "connections.delete": "f10,D",
        "connections.filter": "&",
        "facets.mark": "f9",
        "confirm.no": "f12",
        "confirm.yes": "Y",
        "app.help": "!",
    }
    assert key_problems(changes) == []
    await engine.add("acme")
    app = WharfApp(cast("Engine", engine), Settings(keys=changes))
    async with app.run_test(size=(140, 45)) as pilot:
        await settle(pilot)
        screen = await shown_after(pilot)
        assert "f6 runs it now, ^y tests it" in screen
        footer = lines_of(app)[-1]
        for said in ("f6 Run", "^y Test", "& Filter", "! Help"):
            assert said in footer
        shown = await shown_after(pilot, "exclamation_mark")
        for does, key in (("Run", "f6"), ("Switch on/off", "O"), ("Delete", "f10 D"), ("Filter", "&")):
            assert re.search(rf"│ +{re.escape(key)}  +{re.escape(does)} ", shown), does
        await pilot.press("escape")
        assert "f9 marks   c clears all" in await shown_after(pilot, "f")
        await pilot.press("escape")
        shown = await shown_after(pilot, "D")
        assert "Cancel (f12)" in shown
        assert "Delete (Y)" in shown
        await pilot.press("f12")
        assert "acme" in engine.store.all
        shown = await shown_after(pilot, "O")
        assert "(off: O switches it on)" in shown
        await shown_after(pilot, "f6")
        assert list(app.messages)[-1].sentence == "acme is switched off; O switches on."


@pytest.mark.parametrize("context", keymap.CONTEXTS)
def test_every_binding_has_a_way_to_be_written(context: keymap.Context) -> None:
    written = WharfApp(cast("Engine", FakeEngine())).shown_keys
    for binding in (*context.own, *context.shared):
        assert binding.id is not None
        assert written[binding.id].isprintable()
        assert "," not in written[binding.id]
