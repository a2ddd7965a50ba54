"""The application: it owns the screens and the bridge, and never the transfers."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Input, TextArea

from tui.console import keymap
from tui.console.bridge import INTERVAL, Bridge
from tui.console.dialogs.confirm import ConfirmDialog
from tui.console.dialogs.help import HelpDialog
from tui.console.dialogs.passphrase import PassphraseDialog
from tui.console.screens.connections import ConnectionsScreen
from tui.console.terminal import TerminalDriver
from tui.console.themes import DARK, DARK_PALETTE, LIGHT_PALETTE, THEMES
from tui.domain.figures import count
from tui.engine import Engine

_NOT_OFFERED = ("table.", "app.commands")
"""Ids of bindings, by their beginning, that make no sense as an entry of the palette."""


_log = logging.getLogger(__name__)


class WharfApp(App[int], inherit_bindings=False):
    """Shows what the engine does and passes on what the user wants. Whoever starts it closes the engine afterwards."""

    TITLE = "Wharf"
    CSS_PATH = "styles.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.APP]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (120, "-wide")]  # noqa: RUF012 - Textual declares it without ClassVar

    def __init__(self, engine: Engine, *, mouse: bool = True) -> None:
        super().__init__(driver_class=TerminalDriver)
        self.engine = engine
        self.mouse = mouse
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name
        self.ansi_theme_dark = DARK_PALETTE
        self.ansi_theme_light = LIGHT_PALETTE
        self.bridge = Bridge(engine, self._screen_on_top)

    def get_default_screen(self) -> Screen[None]:
        return ConnectionsScreen(self.engine)

    def _screen_on_top(self) -> Screen[object] | None:
        # There is none any more while the application ends, and a timer may still strike then.
        stack = self.screen_stack
        # What a terminal does not read now would only pile up; it gets the newest state once it reads again.
        behind = isinstance(self._driver, TerminalDriver) and self._driver.is_behind
        return stack[-1] if stack and not behind else None

    def on_load(self) -> None:
        # Textual makes tasks eager where Python can (3.12). The engine shares the loop, and not all that it uses stands
        # that: asyncio's own race for the first address that answers fails with an AssertionError up to 3.13.0.
        asyncio.get_running_loop().set_task_factory(None)

    def on_mount(self) -> None:
        self.engine.opener.ask = self._ask_passphrase
        self.set_interval(INTERVAL, self.bridge.sample)
        self.call_after_refresh(self.bridge.sample)

    async def _ask_passphrase(self, complaint: str) -> str | None:
        """Asked by the engine, in a task of its own: the dialog opens in the application's."""
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

        def answered(passphrase: str | None) -> None:
            if not answer.done():
                answer.set_result(passphrase)

        self.call_later(self.push_screen, PassphraseDialog(complaint), answered)
        return await answer

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every command that a key has now, and the theme."""
        offered = set()
        for active in screen.active_bindings.values():
            binding = active.binding
            # Bindings without an id are Textual's own.
            if binding.id is None or binding.id.startswith(_NOT_OFFERED) or binding.description in offered:
                continue
            offered.add(binding.description)
            yield SystemCommand(
                binding.description,
                f"Key: {self.get_key_display(binding)}",
                partial(self.run_action, binding.action, active.node),
            )
        yield SystemCommand("Theme", "Choose other colours", self.action_change_theme)

    async def action_quit(self) -> None:
        """Leave; asks first when transfers run in this process, because they end with it."""
        here = sum(run.here for run in self.engine.snapshot().live.values())
        if not here:
            self.exit(0)
            return
        if isinstance(self.screen, ConfirmDialog):
            return
        self.push_screen(
            ConfirmDialog(
                "Quit?",
                f"{count(here, 'transfer')} still running here. Quitting stops {'it' if here == 1 else 'them'}; "
                "the next run goes on where that is safe.",
                "Quit",
            ),
            lambda sure: self.exit(0) if sure else None,
        )

    async def action_leave(self) -> None:
        await self.action_quit()

    def action_help(self) -> None:
        self.action_help_anywhere()

    def action_help_anywhere(self) -> None:
        if not isinstance(self.screen, HelpDialog):
            self.push_screen(HelpDialog(self.screen))

    def on_key(self, event: events.Key) -> None:
        """Let a text that arrives in one go, as over a slow line, be typed where its first key has put the focus.

        A field keeps what is typed into it; what comes here all the same was sent on its way before the field had the
        focus.
        """
        if isinstance(self.focused, Input) and event.is_printable and event.character is not None:
            event.prevent_default().stop()
            self.focused.insert_text_at_cursor(event.character)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is typed, letters are letters; the footer says so by not showing them."""
        if action in {"help", "leave"} and isinstance(self.focused, Input | TextArea):
            return False
        return super().check_action(action, parameters)

    def _fatal_error(self) -> None:
        """Textual would print the local variables of every frame, and with them a secret that is being typed."""
        _log.error("the console has a fault", exc_info=self._exception)
        self.panic(
            Text(
                f"Wharf has a fault ({type(self._exception).__name__}). Runs of this screen are put on record as "
                "interrupted. The log file, which `wharf locate` names, has the details."
            )
        )

    def action_save_screen(self) -> None:
        path = self.save_screenshot(f"wharf-{datetime.now().astimezone():%Y%m%d-%H%M%S}.svg")
        self.notify(f"The screen is saved as {path}", markup=False)
