"""The colours: what a user can choose, and what the plain colour names of cells mean in each.

Every text has a contrast of at least 4.5 : 1 to what is behind it (WCAG 2.1, 1.4.3), in the theme of high contrast at
least 7 : 1 (1.4.6). The colours of the states in the colour-blind safe theme stay apart for red-, green- and blue-blind
eyes: blue, yellow and orange instead of green and red. The theme `terminal` has no colours of its own; it uses the 16
that the user's terminal has.

All this holds in 256 colours too, which is what tmux and most terminals behind ssh say they have. What stands behind
text is nearly grey for that reason: dark colours become grey there if they are, and navy or nothing if they are not.
"""

from collections.abc import Mapping
from typing import NamedTuple

from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

from tui.settings import THEME_NAMES, ThemeName

_PREFIX = "wharf-"


def textual_name(name: ThemeName) -> str:
    """A theme's name among all that Textual knows."""
    return f"{_PREFIX}{name}"


def setting_of(theme: str) -> ThemeName | None:
    """The name in the settings of a theme that Textual knows; None if it is not one of Wharf's."""
    return next((name for name in THEME_NAMES if textual_name(name) == theme), None)


class Look(NamedTuple):
    """The colours of one theme, as they are told apart on the screen."""

    background: str
    surface: str
    """Behind dialogs."""
    panel: str
    """Behind the first and the last line."""
    cursor: str
    """Behind the row or option under the cursor."""
    text: str
    accent: str
    """Keys, focus, and what is in progress."""
    good: str
    warning: str
    bad: str
    blue: str
    magenta: str
    dark: bool = True
    variables: Mapping[str, str] | None = None

    def theme(self, name: ThemeName) -> Theme:
        """The theme that Textual is given."""
        return Theme(
            name=textual_name(name),
            primary=self.accent,
            secondary=self.blue,
            accent=self.accent,
            foreground=self.text,
            background=self.background,
            surface=self.surface,
            panel=self.panel,
            success=self.good,
            warning=self.warning,
            error=self.bad,
            dark=self.dark,
            variables={
                "input-cursor-background": self.accent,
                "input-selection-background": self.accent,
                "input-selection-foreground": self.background,
                "footer-key-foreground": self.accent,
                "scrollbar-background": self.surface,
                "cursor": self.cursor,
                "cursor-blurred": f"{self.cursor} 60%",
                "cursor-text-style": "none",
                "option-text-style": "none",
                **(self.variables or {}),
            },
        )

    def palette(self) -> TerminalTheme:
        """What `green`, `red` and the other plain names mean in cells."""
        names = (self.panel, self.bad, self.good, self.warning, self.blue, self.magenta, self.accent, self.text)
        return TerminalTheme(_rgb(self.background), _rgb(self.text), [_rgb(colour) for colour in names])


LOOKS: Mapping[ThemeName, Look] = {
    "dark": Look(
        background="#131619",
        surface="#1a1f23",
        panel="#22282d",
        cursor="#2d363c",
        text="#d5dde3",
        accent="#4cb8c4",
        good="#63c08b",
        warning="#e0b050",
        bad="#f28585",
        blue="#7fb0e6",
        magenta="#c79ad6",
    ),
    "light": Look(
        background="#f6f8f8",
        surface="#ffffff",
        panel="#e4e8e9",
        cursor="#dbe1e2",
        text="#16222a",
        accent="#0b6571",
        good="#12602b",
        warning="#724a00",
        bad="#a3221b",
        blue="#1f4f90",
        magenta="#7a2d93",
        dark=False,
    ),
    "high-contrast": Look(
        background="#000000",
        surface="#000000",
        panel="#141414",
        cursor="#262c2e",
        text="#ffffff",
        accent="#5ff0ff",
        good="#6dff9e",
        warning="#ffe14d",
        bad="#ffa3a3",
        blue="#a8cdff",
        magenta="#ffb3ff",
        variables={"text-muted": "#e0e0e0", "text-disabled": "#d0d0d0"},
    ),
    "colour-blind": Look(
        background="#131519",
        surface="#1b1f24",
        panel="#22272d",
        cursor="#30373f",
        text="#d9dee4",
        accent="#f6f3c0",
        good="#6fb5ff",
        warning="#f3b6d8",
        bad="#ff9146",
        blue="#6fb5ff",
        magenta="#f3b6d8",
    ),
}

_TERMINAL = Theme(
    name=textual_name("terminal"),
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_blue",
    accent="ansi_cyan",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    dark=True,
    variables={
        "cursor": "ansi_default",
        "cursor-blurred": "ansi_default",
        "cursor-text-style": "reverse",
        # Textual draws no table within an option in reverse.
        "option-text-style": "bold underline",
        # What a terminal's default colours are is unknown; only their exchange is legible on all of them.
        "block-cursor-foreground": "ansi_default",
        "block-cursor-background": "ansi_default",
        "block-cursor-text-style": "reverse",
        "input-cursor-foreground": "ansi_default",
        "input-cursor-background": "ansi_default",
        "input-cursor-text-style": "reverse",
        "input-selection-foreground": "ansi_default",
        "input-selection-background": "ansi_default",
        "border": "ansi_cyan",
        "border-blurred": "ansi_default",
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
        "text-muted": "ansi_default",
        "text-disabled": "ansi_default",
        "text-warning": "ansi_yellow",
        "text-error": "ansi_red",
        "text-success": "ansi_green",
        "footer-key-foreground": "ansi_cyan",
        "scrollbar": "ansi_default",
    },
)

THEMES = (*(look.theme(name) for name, look in LOOKS.items()), _TERMINAL)


def palette_of(name: ThemeName | None) -> TerminalTheme:
    """What the plain colour names mean in a theme; Textual does not ask in that of the terminal."""
    return LOOKS.get(name or "dark", LOOKS["dark"]).palette()


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue
