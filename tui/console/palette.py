"""What the command palette offers: every action that a key has now, every connection by name, and the themes.

Names begin with what they are about, so that a search groups them. What is not possible now is offered all the same,
and says why.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.binding import ActiveBinding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.fuzzy import FuzzySearch
from textual.markup import escape

from tui.console import connection_actions as acts
from tui.console import keymap
from tui.console.reasons import READ_ONLY, Explaining
from tui.console.themes import setting_of
from tui.domain.text import printable
from tui.settings import THEME_NAMES
from tui.store.base import ConnectionState

if TYPE_CHECKING:
    from tui.console.app import WharfApp

_NOT_OFFERED = ("table.", "app.commands", "app.help_anywhere", "app.quit_anywhere", "app.help_quit")
"""Ids of bindings, by their beginning, that make no sense as an entry of the palette."""

_BREATH = 256
"""Names that are looked at between two moments for other work."""


@dataclass(frozen=True, slots=True)
class Command:
    """One entry: its title, what stands below it, and what it does. With a `reason` it does nothing but tell that."""

    title: str
    about: str
    do: Callable[[], Awaitable[object] | object]
    reason: str | None = None


class _Commands(Provider):
    """Offers commands whose titles match what is typed."""

    @property
    def wharf(self) -> "WharfApp":
        return cast("WharfApp", self.app)

    def commands(self) -> Iterable[Command]:
        raise NotImplementedError

    async def discover(self) -> Hits:
        for command in self.commands():
            yield DiscoveryHit(_shown(command), self._doing(command), command.title, _about(command))

    async def search(self, query: str) -> Hits:
        fuzzy = FuzzySearch()
        could_match = _subsequence(query)
        for number, command in enumerate(self.commands()):
            if number % _BREATH == 0:
                await asyncio.sleep(0)
            # A look that costs next to nothing spares the search what cannot match.
            if not could_match(command.title):
                continue
            score, places = fuzzy.match(query, command.title)
            if score > 0:
                yield Hit(score, _shown(command, places), self._doing(command), command.title, _about(command))

    def _doing(self, command: Command) -> Callable[[], Awaitable[object] | object]:
        return command.do if command.reason is None else partial(self.wharf.tell, command.reason, "warning")


class ActionCommands(_Commands):
    """The actions of the screen beneath, and the themes."""

    def commands(self) -> Iterator[Command]:
        offered = set()
        for active in self.screen.active_bindings.values():
            command = self._command(active)
            if command is not None and command.title not in offered:
                offered.add(command.title)
                yield command
        now = setting_of(self.app.theme)
        for name in THEME_NAMES:
            about = "in use" if name == now else "use these colours from now on"
            yield Command(f"Theme: {name.replace('-', ' ')}", about, partial(self.wharf.use_theme, name))

    def _command(self, active: ActiveBinding) -> Command | None:
        binding, node = active.binding, active.node
        # Bindings without an id are Textual's own.
        if binding.id is None or binding.id.startswith(_NOT_OFFERED) or ".recall_" in binding.id:
            return None
        group = keymap.HOMES[binding.id.partition(".")[0]]
        title = f"{'Wharf' if group == 'Everywhere' else group}: {binding.description}"
        action = binding.action.partition("(")[0]
        reason = node.why_not(action) if isinstance(node, Explaining) else None
        return Command(
            title,
            f"key {self.app.get_key_display(binding)}",
            partial(self.app.run_action, binding.action, node),
            reason,
        )


class ConnectionCommands(_Commands):
    """Run, edit, history and test of every connection, from wherever one is. They are many, so one has to search."""

    _states: tuple[ConnectionState, ...] = ()

    async def startup(self) -> None:
        with self.wharf.telling():
            self._states = tuple(await self.wharf.engine.store.overview())

    async def discover(self) -> Hits:
        return
        yield  # nothing

    def commands(self) -> Iterator[Command]:
        live = self.wharf.engine.snapshot().live
        for state in self._states:
            name = state.connection.name
            shown = printable(name, 80)
            run, edit, test = acts.run_connection, acts.edit_connection, acts.test_connection
            no_run = self._why_no_run(state, running=name in live)
            yield Command(f"Run: {shown}", "run it now", partial(run, self.wharf, name), no_run)
            yield Command(f"Edit: {shown}", state.connection.address, partial(edit, self.wharf, name), self._read_only)
            yield Command(f"History: {shown}", state.status.value, partial(acts.open_history, self.wharf, name))
            yield Command(f"Test: {shown}", "try every step, move nothing", partial(test, self.wharf, name))

    def _why_no_run(self, state: ConnectionState, *, running: bool) -> str | None:
        name = printable(state.connection.name, 80)
        if self._read_only:
            return self._read_only
        if running:
            return f"{name} is running already."
        return None if state.connection.enabled else f"{name} is switched off."

    @property
    def _read_only(self) -> str | None:
        return READ_ONLY if self.wharf.engine.read_only else None


def _shown(command: Command, matched: Iterable[int] = ()) -> Text:
    """The title; never a plain string, which Textual would read as markup."""
    text = Text(command.title, style="dim" if command.reason else "")
    for place in matched:
        text.stylize("underline", place, place + 1)
    return text


def _about(command: Command) -> str:
    return escape(printable(command.reason or command.about, 120))


def _subsequence(query: str) -> Callable[[str], object]:
    """Whether a text holds the characters of the query in their order, with anything between them."""
    characters = [re.escape(character) for character in query if not character.isspace()]
    return re.compile(".*?".join(characters), re.IGNORECASE | re.DOTALL).search
