"""The colours: two themes of our own, and what the plain colour names of cells mean in dark and light ones."""

from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

DARK = Theme(
    name="wharf-dark",
    primary="#3f8f9b",
    secondary="#6f8fa8",
    accent="#4cb8c4",
    foreground="#d5dde3",
    background="#0f1519",
    surface="#172027",
    panel="#1d2830",
    success="#63c08b",
    warning="#e0b050",
    error="#ef6b6b",
    dark=True,
    variables={"input-cursor-background": "#4cb8c4", "footer-key-foreground": "#4cb8c4"},
)

LIGHT = Theme(
    name="wharf-light",
    primary="#1f6f7b",
    secondary="#4f6f88",
    accent="#0c7683",
    foreground="#1d2a31",
    background="#f6f8f8",
    surface="#ffffff",
    panel="#e3eaec",
    success="#1f7d47",
    warning="#8a5a00",
    error="#b3261e",
    dark=False,
    variables={"input-cursor-background": "#0c7683", "footer-key-foreground": "#0c7683"},
)

THEMES = (DARK, LIGHT)

DARK_PALETTE = TerminalTheme(
    (15, 21, 25),
    (213, 221, 227),
    [
        (29, 40, 48),
        (239, 107, 107),
        (99, 192, 139),
        (224, 176, 80),
        (111, 155, 208),
        (186, 138, 200),
        (76, 184, 196),
        (213, 221, 227),
    ],
)

LIGHT_PALETTE = TerminalTheme(
    (246, 248, 248),
    (29, 42, 49),
    [
        (29, 42, 49),
        (179, 38, 30),
        (31, 125, 71),
        (138, 90, 0),
        (38, 92, 160),
        (128, 60, 150),
        (12, 118, 131),
        (227, 234, 236),
    ],
)
