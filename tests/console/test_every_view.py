"""Every screen and dialog can be read: in each theme, without colours, in the terminal's own, and in ASCII."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from rich.color import ColorType
from textual.pilot import Pilot
from textual.screen import Screen

import tui.console
from tests.console.colours import faint, texts_of
from tests.console.conftest import lines_of, settle
from tests.console.every_view import VIEWS, make_busy
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.themes import LOOKS, textual_name
from tui.engine import Engine
from tui.settings import Settings


@pytest.fixture
async def busy(engine: FakeEngine, tmp_path: Path) -> Engine:
    folder = tmp_path / "batches"
    folder.mkdir()
    await make_busy(engine, folder)
    return cast("Engine", engine)


async def bring_about(pilot: Pilot[Any], view: str) -> None:
    await settle(pilot)
    shown, come_about = VIEWS[view]
    await come_about(pilot)
    await settle(pilot)
    assert type(pilot.app.screen) is shown


@pytest.mark.parametrize("view", VIEWS)
async def test_every_text_has_contrast(busy: Engine, view: str) -> None:
    """In each theme, the screen being there already when it is chosen; that of the terminal has only its colours."""
    app = WharfApp(busy)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await bring_about(pilot, view)
        looks = set()
        for theme in LOOKS:
            app.theme = textual_name(theme)
            await settle(pilot)
            assert faint(app, theme) == set(), theme
            looks.add(tuple(str(segment.style) for segment in texts_of(app)))
        assert len(looks) == len(LOOKS)
        app.theme = textual_name("terminal")
        await settle(pilot)
        colours = {colour for part in texts_of(app) if part.style for colour in (part.style.color, part.style.bgcolor)}
        assert {colour.type for colour in colours if colour is not None} <= {ColorType.DEFAULT, ColorType.STANDARD}


@pytest.mark.parametrize("view", VIEWS)
async def test_neither_colours_nor_more_than_ascii_are_needed(
    busy: Engine, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = WharfApp(busy, Settings(ascii=True, theme="light"))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await bring_about(pilot, view)
        assert [line for line in lines_of(app) if not line.isascii()] == []
        colours = {colour for part in texts_of(app) if part.style for colour in (part.style.color, part.style.bgcolor)}
    assert [colour for colour in colours if colour is not None and not colour.is_default] == []


_STATES = re.compile(
    r"[✓✗▶⏸●⚠!]|completed|failed|running|matches|unfinished|error|warning|success|network|status: is none|%",
    re.IGNORECASE,
)
_BARS = re.compile(r"▌|█+|[\u2801-\u28ff]+")
"""Of the plot, where each state has its own; and the edges of notifications, which begin with a sign."""


@pytest.mark.parametrize("view", VIEWS)
async def test_no_state_is_told_by_its_colour_alone(busy: Engine, view: str) -> None:
    """Whatever has the colour of a state has a sign, a word or a number of it in its line or below."""
    look = LOOKS["dark"]
    app = WharfApp(busy)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await bring_about(pilot, view)
        lines = [*lines_of(app), ""]
        for place, strip in enumerate(app.screen._compositor.render_strips()):
            line = f"{lines[place]}\n{lines[place + 1]}"
            for part in strip:
                colour = part.style.color if part.style is not None else None
                if colour is not None and colour.get_truecolor().hex in {look.good, look.warning, look.bad}:
                    said = not part.text.strip() or _BARS.fullmatch(part.text.strip()) or _STATES.search(line)
                    assert said, (part.text, line)


def test_no_screen_and_no_dialog_is_left_out() -> None:
    for module in pkgutil.walk_packages(tui.console.__path__, "tui.console."):
        importlib.import_module(module.name)
    every = {each for each in _subclasses(Screen) if each.__module__.startswith("tui.") and not each.__subclasses__()}
    assert every == {shown for shown, _ in VIEWS.values()}


def _subclasses(base: type[Screen[Any]]) -> Iterator[type[Screen[Any]]]:
    for each in base.__subclasses__():
        yield each
        yield from _subclasses(each)
