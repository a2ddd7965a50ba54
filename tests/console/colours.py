"""Colours of the console as they are seen, and how well texts in them can be read."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any, TypeAlias

from rich.color import Color, ColorSystem
from rich.segment import Segment
from textual.app import App
from textual.geometry import Region

from tui.settings import ThemeName

RGB: TypeAlias = tuple[float, float, float]

_DRAWN = re.compile(r"[\s\u2500-\u259f]*")
"""Lines, bars and nothing."""


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


def texts_of(app: App[Any]) -> Iterator[Segment]:
    """What can be read on the screen: letters, digits and signs, but no bars and lines.

    What a dialog covers is greyed on purpose, and its keys do not work.
    """
    seen = app.screen.region
    if app.screen.is_modal:
        visible = app.screen._compositor.visible_widgets
        parts = [region.intersection(clip) for widget, (region, clip) in visible.items() if widget is not app.screen]
        seen = Region.from_union([part for part in parts if part])
    for strip in app.screen._compositor.render_strips()[seen.y : seen.bottom]:
        yield from (part for part in strip.crop(seen.x, seen.right) if not _DRAWN.fullmatch(part.text))


def faint(app: App[Any], theme: ThemeName) -> set[tuple[str, float, str]]:
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
