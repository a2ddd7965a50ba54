"""The colours: contrast measured where text stands, and states that stay apart for every eye."""

import math
from itertools import combinations
from pathlib import Path
from typing import cast

import pytest
from rich.color import Color, ColorSystem, ColorType
from textual.pilot import Pilot

from tests.console.colours import RGB, faint, rgb, texts_of
from tests.console.conftest import lines_of, settle
from tests.console.every_view import make_busy
from tests.console.fakes import FakeEngine
from tests.console.form_support import until
from tui.console.app import WharfApp
from tui.console.themes import LOOKS, textual_name
from tui.engine import Engine
from tui.paths import Paths
from tui.settings import THEME_NAMES, Settings, ThemeName, read_settings


@pytest.fixture
async def busy(engine: FakeEngine, tmp_path: Path) -> FakeEngine:
    await make_busy(engine, tmp_path)
    return engine


async def at(pilot: Pilot[int], keys: tuple[str, ...]) -> None:
    await settle(pilot)
    for key in keys:
        await pilot.press(key)
    await settle(pilot)


@pytest.mark.parametrize("theme", LOOKS)
def test_the_planes_of_the_screen_are_told_apart_in_256_colours(theme: ThemeName) -> None:
    look = LOOKS[theme]
    planes = [Color.parse(colour).downgrade(ColorSystem.EIGHT_BIT) for colour in (look.background, look.cursor)]
    shown = [rgb(colour) for colour in (*planes, Color.parse(look.panel).downgrade(ColorSystem.EIGHT_BIT))]
    assert len(set(shown[:2])) == 2
    assert all(len(set(colour)) == 1 for colour in shown), "grey, without a tint that the theme does not have"


@pytest.mark.parametrize("theme", LOOKS)
async def test_every_command_has_contrast(busy: FakeEngine, theme: ThemeName) -> None:
    """The palette is drawn once, in the theme that it was opened in: a choice in it closes it."""
    app = WharfApp(cast("Engine", busy), Settings(theme=theme))
    async with app.run_test(size=(120, 36)) as pilot:
        await at(pilot, ("colon",))
        assert any("Connections: New" in segment.text for segment in texts_of(app))
        assert faint(app, theme) == set()


# Two kinds of missing cones, and weak ones of the third: linear RGB as such an eye sees it
# (Machado, Oliveira, Fernandes 2009, severity 1.0).
BLINDNESS: dict[str, tuple[RGB, RGB, RGB]] = {
    "none": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(colour: RGB) -> RGB:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return red, green, blue


def seen_by(eye: str, colour: RGB) -> RGB:
    """Linear RGB."""
    red, green, blue = (sum(a * b for a, b in zip(row, linear(colour), strict=True)) for row in BLINDNESS[eye])
    return min(max(red, 0), 1), min(max(green, 0), 1), min(max(blue, 0), 1)


def lab(colour: RGB) -> RGB:
    """CIE L*a*b* of linear sRGB, D65."""
    red, green, blue = colour
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116 for value in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def hex_rgb(colour: str) -> RGB:
    return rgb(Color.parse(colour))


@pytest.mark.parametrize("eye", BLINDNESS)
def test_states_stay_apart_for_colour_blind_eyes(eye: str) -> None:
    """At least 20 apart (CIE 1976), where 2.3 is just noticeable."""
    look = LOOKS["colour-blind"]
    states = {"completed": look.good, "failed": look.bad, "in progress": look.accent, "warning": look.warning}
    seen = {state: lab(seen_by(eye, hex_rgb(colour))) for state, colour in states.items()}
    apart = {pair: math.dist(seen[pair[0]], seen[pair[1]]) for pair in combinations(states, 2)}
    assert {pair: round(distance) for pair, distance in apart.items() if distance < 20} == {}


def test_the_measure_tells_colours_that_are_not_safe() -> None:
    """Red and green of the same lightness, for eyes that cannot tell them apart."""
    red, green = (lab(seen_by("deutan", hex_rgb(colour))) for colour in ("#d07050", "#8f9450"))
    assert math.dist(red, green) < 20


@pytest.mark.parametrize("theme", THEME_NAMES)
async def test_every_theme_shows_states_in_words(busy: FakeEngine, theme: ThemeName) -> None:
    app = WharfApp(cast("Engine", busy), Settings(theme=theme))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        shown = "\n".join(lines_of(app))
        assert app.theme == textual_name(theme)
    for state in ("✓ Completed", "✗ Failed", "▶ In Progress", "· None"):
        assert state in shown


async def test_the_terminal_theme_has_no_colours_of_its_own(busy: FakeEngine) -> None:
    app = WharfApp(cast("Engine", busy), Settings(theme="terminal"))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        colours = {colour for part in texts_of(app) if part.style for colour in (part.style.color, part.style.bgcolor)}
    assert {colour.type for colour in colours if colour is not None} <= {ColorType.DEFAULT, ColorType.STANDARD}


@pytest.mark.parametrize(
    ("keys", "under_cursor", "beside"), [((), "acme", "beta"), (("f",), "Conversion data", "Inbound")]
)
async def test_no_color_means_none(
    busy: FakeEngine, monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...], under_cursor: str, beside: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = WharfApp(cast("Engine", busy), Settings(theme="light"))
    async with app.run_test(size=(120, 36)) as pilot:
        await at(pilot, keys)
        parts = list(texts_of(app))
    styles = {part.text.strip(): part.style for part in reversed(parts) if part.style is not None}
    assert all(
        colour is None or colour.is_default for style in styles.values() for colour in (style.color, style.bgcolor)
    )
    # Without any colour it is seen where the cursor is.
    here, there = styles[under_cursor], styles[beside]
    assert (here.reverse, here.underline) != (there.reverse, there.underline)


@pytest.mark.parametrize(
    ("term", "settings", "theme"),
    [
        ("xterm-256color", Settings(), "dark"),
        ("screen-256color", Settings(), "dark"),
        ("xterm", Settings(), "terminal"),
        ("linux", Settings(), "terminal"),
        ("linux", Settings(theme="light"), "light"),
    ],
)
def test_a_terminal_of_16_colours_shows_its_own_unless_others_are_chosen(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, term: str, settings: Settings, theme: ThemeName
) -> None:
    monkeypatch.delenv("COLORTERM")
    monkeypatch.setenv("TERM", term)
    assert WharfApp(cast("Engine", engine), settings).theme == textual_name(theme)


async def test_a_theme_that_is_chosen_is_remembered(busy: FakeEngine, paths: Paths) -> None:
    app = WharfApp(cast("Engine", busy))
    async with app.run_test(size=(120, 36)) as pilot:
        await at(pilot, ("colon", *"theme high"))
        await until(pilot, lambda: any("Theme: high contrast" in line for line in lines_of(app)))
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == "wharf-high-contrast" and paths.settings.exists())
    assert read_settings(paths.settings).theme == "high-contrast"


async def test_settings_that_are_wrong_by_now_do_not_keep_one_from_a_theme(busy: FakeEngine, paths: Paths) -> None:
    paths.settings.write_text("thema = 1\n")
    app = WharfApp(cast("Engine", busy))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await app.use_theme("light")
        assert app.theme == "wharf-light"
        assert "could not be remembered" in [message.sentence for message in app.messages][-1]
    assert paths.settings.read_text() == "thema = 1\n"


async def test_a_theme_is_remembered_beside_the_store_of_the_engine(
    busy: FakeEngine, paths: Paths, tmp_path: Path
) -> None:
    busy.paths = Paths(tmp_path / "other-config", tmp_path / "other-data", tmp_path / "other-state")
    busy.paths.prepare()
    app = WharfApp(cast("Engine", busy))
    async with app.run_test(size=(120, 36)):
        await app.use_theme("light")
    assert read_settings(busy.paths.settings).theme == "light"
    assert not paths.settings.exists()


async def test_read_only_a_theme_is_used_and_not_remembered(busy: FakeEngine, paths: Paths) -> None:
    busy.read_only = True
    app = WharfApp(cast("Engine", busy))
    async with app.run_test(size=(120, 36)):
        await app.use_theme("light")
        assert app.theme == "wharf-light"
    assert not paths.settings.exists()
