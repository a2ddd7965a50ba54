"""The application: it owns the screens and the bridge, and never the transfers."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, cast

from rich.console import RenderableType
from rich.text import Text
from textual import events, on
from textual.actions import ActionParseResult, parse
from textual.app import App
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.filter import LineFilter
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import Input

from tui.console import crash, keymap
from tui.console.bridge import Bridge
from tui.console.filters import AsciiFilter, needs_ascii
from tui.console.frames import Frames
from tui.console.keys import ShownKeys, as_keymap, first_keys
from tui.console.messages import MessageLog, Severity
from tui.console.pace import INTERVAL, Pace
from tui.console.reasons import Explaining
from tui.console.remembered import Remembered
from tui.console.screens.connections import ConnectionsScreen
from tui.console.terminal import TerminalDriver
from tui.console.themes import THEMES, palette_of, setting_of, textual_name
from tui.domain.failure import WharfError
from tui.domain.figures import count
from tui.domain.run import Status
from tui.domain.text import printable
from tui.engine import Engine
from tui.paths import Paths
from tui.settings import Settings, ThemeName, remember_theme

if TYPE_CHECKING:
    from tui.console.palette import ActionCommands, ConnectionCommands

_READING_TIME = {"information": 5, "warning": 8, "error": 12}
"""Seconds that a notification stays; all can be read again with the key for messages."""


_SEVERITY_SIGNS = {"information": "", "warning": "! ", "error": "✗ "}
"""What a notification begins with: Textual tells them apart by colour alone."""

_TITLE_INTERVAL = 1.0
"""Seconds between two looks at whether the title of the terminal still holds."""


def _action_commands() -> "type[ActionCommands]":
    from tui.console.palette import ActionCommands

    return ActionCommands


def _connection_commands() -> "type[ConnectionCommands]":
    from tui.console.palette import ConnectionCommands

    return ConnectionCommands


class WharfApp(App[int], inherit_bindings=False):
    """Shows what the engine does and passes on what the user wants. Whoever starts it closes the engine afterwards."""

    TITLE = "Wharf"
    CSS_PATH = "styles.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.APP]
    COMMANDS = {_action_commands, _connection_commands}  # noqa: RUF012 - Textual declares it without ClassVar
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (120, "-wide")]  # noqa: RUF012 - as above

    badges: reactive[tuple[str, ...]] = reactive(())
    """What holds for the whole console, for the first line of every screen."""

    def __init__(self, engine: Engine, settings: Settings | None = None, paths: Paths | None = None) -> None:
        # NO_COLOR (https://no-color.org): Textual would turn colours into greys, and only those of the terminal into
        # none at all.
        without_colour = bool(os.environ.get("NO_COLOR"))
        super().__init__(driver_class=TerminalDriver, ansi_color=True if without_colour else None)
        self.engine = engine
        self.settings = settings or Settings()
        self.messages = MessageLog()
        self._paths = paths or engine.paths
        self.remembered = Remembered(engine.paths.view, read_only=engine.read_only)
        self._ascii = [AsciiFilter()] if needs_ascii(self.settings.ascii) else []
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = textual_name("terminal" if without_colour else self.settings.theme or self._usual_theme)
        self.set_keymap(as_keymap(self.settings.keys))
        self._pace = Pace(self.settings.low_bandwidth)
        self._titled_version: int | None = None
        self._titled_at = monotonic()
        self._next_glance: asyncio.TimerHandle | None = None
        self.bridge = Bridge(engine, self._screen_on_top)
        self._frames = Frames()

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
        self.engine.ask = self._ask_passphrase
        self.app_resume_signal.subscribe(self, self._draw_anew)
        self._glance()

    def on_ready(self) -> None:
        # Posted with the first frame, which does not wait for it.
        self.look()

    @on(events.DescendantFocus)
    def _keep_cursor_still(self, event: events.DescendantFocus) -> None:
        # One that blinks would be sent twice a second while nothing happens.
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False

    def on_unmount(self) -> None:
        if self._next_glance is not None:
            self._next_glance.cancel()

    async def _ask_passphrase(self, complaint: str) -> str | None:
        """Asked by the engine, in a task of its own: the dialog opens in the application's."""
        from tui.console.dialogs.passphrase import PassphraseDialog

        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

        def answered(passphrase: str | None) -> None:
            if not answer.done():
                answer.set_result(passphrase)

        self.call_later(self.push_screen, PassphraseDialog(complaint), answered)
        return await answer

    def _glance(self) -> None:
        """Look, but only if there is something to be seen: this costs next to nothing, a timer of Textual does not."""
        self._next_glance = asyncio.get_running_loop().call_later(INTERVAL, self._glance)
        if self._congested or self._pace.slow or self.bridge.is_behind:
            self.call_later(self.look)
        if self.settings.title and self._is_title_due():
            self.call_later(self._show_title)

    @property
    def _congested(self) -> bool:
        return isinstance(self._driver, TerminalDriver) and self._driver.is_congested

    def look(self) -> None:
        """Let the screen on top follow the engine, as often as the line allows."""
        if self._pace.is_due(congested=self._congested):
            self.bridge.sample()
        badges = {"READ-ONLY": self.engine.read_only, "SLOW LINE": self._pace.slow}
        self.badges = tuple(badge for badge, holds in badges.items() if holds)

    def _is_title_due(self) -> bool:
        changed = self.engine.snapshot().store_version != self._titled_version
        return changed and monotonic() - self._titled_at >= _TITLE_INTERVAL

    async def _show_title(self) -> None:
        """Tell the terminal how many connections run and have failed."""
        version, self._titled_at = self.engine.snapshot().store_version, monotonic()
        if not isinstance(self._driver, TerminalDriver):
            return
        try:
            numbers = await self.engine.store.statuses()
        except WharfError:
            # Told by whichever screen reads the store; the next look tries again.
            return
        self._titled_version = version
        told = [
            f"{numbers[status]} {word}"
            for status, word in ((Status.IN_PROGRESS, "running"), (Status.FAILED, "failed"))
            if numbers.get(status)
        ]
        self._driver.show_title(f"Wharf: {', '.join(told)}" if told else "Wharf")

    # Colours and signs

    @property
    def _usual_theme(self) -> ThemeName:
        # In 16 colours those of a theme are far from what they are meant to be; the terminal's own are legible.
        return "terminal" if self.console.color_system == "standard" else "dark"

    def watch_theme(self, theme: str) -> None:
        """Give the plain colour names of cells the meaning that they have in this theme."""
        palette = palette_of(setting_of(theme))
        if self.current_theme.dark:
            self.ansi_theme_dark = palette
        else:
            self.ansi_theme_light = palette

    def refresh_css(self, animate: bool = True) -> None:
        """Before there is a screen, the colours of the theme are only taken over: each change of them would read the
        whole style sheet again, with nothing yet to show for it.
        """
        if self.screen_stack:
            super().refresh_css(animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    def get_line_filters(self) -> list[LineFilter]:
        return [*super().get_line_filters(), *self._ascii]

    def get_key_display(self, binding: Binding) -> str:
        shown = super().get_key_display(binding)
        # Its sign has no likeness in ASCII; what stands for unknown signs would be another key.
        return "enter" if self._ascii and shown == "⏎" else shown

    @cached_property
    def shown_keys(self) -> ShownKeys:
        """What sentences call the keys."""
        written = {name: self.get_key_display(binding) for name, binding in first_keys(self.settings.keys).items()}
        return {name: "enter" if key == "⏎" else key for name, key in written.items()}

    async def use_theme(self, name: ThemeName) -> None:
        """Use these colours now and, as the settings say from here on, the next time; read-only, only now."""
        self.theme = textual_name(name)
        if self.engine.read_only:
            return
        try:
            await asyncio.to_thread(remember_theme, self._paths.settings, name)
        except (WharfError, OSError) as error:
            self.tell(f"The theme is used now, but could not be remembered: {error}", "warning")

    # What is told

    def tell(self, sentence: str, severity: Severity = "information") -> None:
        """Show a sentence for a while. It may hold text from outside."""
        self.notify(printable(sentence), severity=severity, timeout=_READING_TIME[severity], markup=False)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What Wharf says on purpose is shown and does not end the application."""
        try:
            yield
        except WharfError as error:
            self.tell(str(error), "error")

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Severity = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        self.messages.add(f"{title}: {message}" if title else message, severity)
        super().notify(
            f"{_SEVERITY_SIGNS[severity]}{message}", title=title, severity=severity, timeout=timeout, markup=markup
        )

    def action_messages(self) -> None:
        from tui.console.dialogs.messages import MessagesDialog

        self.push_screen(MessagesDialog(self.messages))

    # Leaving, and coming back

    async def action_quit(self) -> None:
        """Leave; asks first when transfers run in this process, because they end with it."""
        from tui.console.dialogs.confirm import ConfirmDialog

        here = self._running_here()
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

    def action_help_quit(self) -> None:
        leave, anywhere = self.shown_keys["app.quit"], self.shown_keys["app.quit_anywhere"]
        self.tell(f"ctrl+c does not quit Wharf; {leave} does, or {anywhere} from anywhere.")

    def action_suspend(self) -> None:
        """Give the terminal back to the shell until `fg`. Not while transfers run: they would stand still with it."""
        if here := self._running_here():
            self.tell(
                f"{count(here, 'transfer')} would stand still while Wharf is suspended, until the partner hangs up; "
                "wait for the end or cancel first.",
                "warning",
            )
        else:
            self.action_suspend_process()

    def _running_here(self) -> int:
        return sum(run.here for run in self.engine.snapshot().live.values())

    # Help

    def action_help(self) -> None:
        self.action_help_anywhere()

    def action_help_anywhere(self) -> None:
        from tui.console.dialogs.help import HelpDialog

        if not isinstance(self.screen, HelpDialog):
            self.push_screen(HelpDialog(self.screen))

    # Keys

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
        if action in {"help", "leave", "messages"} and isinstance(self.focused, Input):
            return False
        return super().check_action(action, parameters)

    async def run_action(
        self,
        action: "str | ActionParseResult",
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do it; what is shown as not possible says why instead."""
        if isinstance(default_namespace, Explaining):
            _, name, parameters = parse(action) if isinstance(action, str) else action
            if default_namespace.check_action(name, parameters) is None and (reason := default_namespace.why_not(name)):
                self.tell(reason, "warning")
                return True
        return await super().run_action(action, default_namespace, namespaces)

    # The terminal

    @property
    def _background_screens(self) -> list[Screen[object]]:
        """The screens that shine through. Textual counts the one below an opaque screen among them, and for each
        change in it sends all of the screen on top again.
        """
        top = self._screen_stack[-1:]
        return [] if top and top[0].styles.background.a == 1 else super()._background_screens

    def _draw_anew(self, _app: object) -> None:
        """After a suspension the terminal shows nothing of what it was sent before."""
        self._frames = Frames()
        self.refresh(layout=True)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        # While updates are batched, Textual sends nothing.
        sent = renderable if self._batch_count else self._frames.reduced(renderable)
        super()._display(screen, cast("RenderableType | None", sent))

    # Faults

    def _fatal_error(self) -> None:
        """Textual would print the local variables of every frame, and with them a secret that is being typed."""
        report = crash.write_report(self._paths.state, self._exception) if self._exception else None
        self.panic(Text(crash.sentence(self._exception, report)))

    def action_save_screen(self) -> None:
        path = Path(self.save_screenshot(f"wharf-{datetime.now().astimezone():%Y%m%d-%H%M%S}.svg"))
        self.tell(f"The screen is saved as {path}")
