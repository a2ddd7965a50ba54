"""The colours: contrast measured where text stands, and states that stay apart for every eye."""

import math
from collections.abc import Iterator
from itertools import combinations, product
from typing import cast

import pytest
from rich.color import Color, ColorSystem, ColorType
from rich.segment import Segment
from textual.geometry import Region
from textual.pilot import Pilot

from tests.console.conftest import lines_of, settle
from tests.console.fakes import NOW, FakeEngine
from tests.console.form_support import until
from tui.console.app import WharfApp
from tui.console.themes import LOOKS, textual_name
from tui.domain.failure import Failure, FailureClass
from tui.domain.run import Event, FileRecord, FileStatus, Progress, Status
from tui.engine import Engine
from tui.paths import Paths
from tui.settings import THEME_NAMES, Settings, ThemeName, read_settings

RGB = tuple[float, float, float]

SIGNS = "✓✗▶·●"

STEPS = {
    "connections": (),
    "marked": ("space",),
    "history": ("enter",),
    "run": ("j", "j", "enter", "enter"),
    "form": ("n", "ctrl+s"),
    "help": ("question_mark",),
    "facets": ("f", "space"),
    "filter": ("slash", *"status:failed"),
    "wrong filter": ("slash", *"status:x"),
    "confirm": ("d",),
    "messages": ("x", "m"),
    "test": ("t",),
}
"""What is pressed to see every kind of text."""


@pytest.fixture
async def busy(engine: FakeEngine) -> FakeEngine:
    """Connections in every state, with files and events of every kind."""
    await engine.add("acme", "beta", "delta", "gamma")
    failure = Failure(FailureClass.NETWORK, "The line is cut.", "Mend it.")
    await engine.ran("beta")
    files = [FileRecord(status.value, 10, 10, status=status, failure=failure) for status in FileStatus]
    events = [Event(NOW, "plan", "3 to move"), Event(NOW, "copy", "The line is cut.", ok=False)]
    await engine.ran("gamma", Status.FAILED, failure=failure, files=files, events=events)
    await engine.start("delta")
    engine.progress("delta", Progress(1, 3, 500, 1000, "a.csv"))
    return engine


def luminance(colour: RGB) -> float:
    """Relative luminance (WCAG 2.1)."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: RGB, other: RGB) -> float:
    """From 1, none, to 21, black on white."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def rgb(colour: Color | None, depth: ColorSystem = ColorSystem.TRUECOLOR) -> RGB:
    """The colour as a terminal of that depth shows it."""
    assert colour is not None
    red, green, blue = colour.downgrade(depth).get_truecolor()
    return red / 255, green / 255, blue / 255


def texts_of(app: WharfApp) -> Iterator[Segment]:
    """What can be read on the screen: letters, digits and signs, but no bars and lines.

    What a dialog covers is greyed on purpose, and its keys do not work.
    """
    seen = app.screen.region
    if app.screen.is_modal:
        visible = app.screen._compositor.visible_widgets
        parts = [region.intersection(clip) for widget, (region, clip) in visible.items() if widget is not app.screen]
        seen = Region.from_union([part for part in parts if part])
    for strip in app.screen._compositor.render_strips()[seen.y : seen.bottom]:
        yield from (
            part for part in strip.crop(seen.x, seen.right) if any(c.isalnum() or c in SIGNS for c in part.text)
        )


async def at(pilot: Pilot[int], keys: tuple[str, ...]) -> None:
    await settle(pilot)
    for key in keys:
        await pilot.press(key)
    await settle(pilot)


def faint(app: WharfApp, theme: ThemeName) -> set[tuple[str, float, str]]:
    """The texts on the screen that are hard to read, in all colours or in 256: with their style and contrast."""
    least = 7.0 if theme == "high-contrast" else 4.5
    found = set()
    for segment, depth in product(texts_of(app), (ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT)):
        style = segment.style
        assert style is not None
        seen = contrast(rgb(style.color, depth), rgb(style.bgcolor, depth))
        if seen < least:
            found.add((f"{style} in {depth.name}", round(seen, 1), segment.text.strip()))
    return found


@pytest.mark.parametrize("name", STEPS)
async def test_every_text_has_contrast(busy: FakeEngine, name: str) -> None:
    """In each theme, the screen being there already when it is chosen."""
    app = WharfApp(cast("Engine", busy))
    looks = set()
    async with app.run_test(size=(120, 36)) as pilot:
        await at(pilot, STEPS[name])
        for theme in LOOKS:
            app.theme = textual_name(theme)
            await settle(pilot)
            assert faint(app, theme) == set(), theme
            looks.add(tuple(str(segment.style) for segment in texts_of(app)))
    assert len(looks) == len(LOOKS)


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
