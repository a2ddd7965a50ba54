"""Why something cannot be done with a connection now. Pure rules; the screen asks them for its keys."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tui.console.keys import ShownKeys
from tui.console.reasons import READ_ONLY
from tui.domain.figures import count
from tui.domain.summary import Summary
from tui.engine.live import LiveRun

Live: TypeAlias = Mapping[str, LiveRun]

_NEEDS_ONE = {
    "history": "shown",
    "edit": "edited",
    "copy": "copied",
    "copy_toml": "copied",
    "export": "exported",
    "test": "tested",
    "local_folder": "looked at",
    "mark": "marked",
    "run": "run",
    "cancel": "cancelled",
    "pause": "paused",
    "toggle_enabled": "switched on or off",
    "delete": "deleted",
}

ON_MARKS = frozenset({"copy_toml", "export", "run", "cancel", "pause", "toggle_enabled", "delete"})
"""Actions that are done with all marked connections, if some are marked."""

_CHANGES = frozenset({"new", "edit", "copy", "run", "cancel", "pause", "pause_all", "toggle_enabled", "delete"})


def why_not(
    action: str,
    targets: Sequence[str],
    connections: Mapping[str, Summary],
    live: Live,
    keys: ShownKeys,
    *,
    read_only: bool,
    on_group: bool = False,
) -> str | None:
    """One sentence; None when the action is possible. `targets` are the names that it would be done with, and there are
    none with the cursor `on_group`, the line of a group, unless some are marked.
    """
    if read_only and action in _CHANGES:
        return READ_ONLY
    if action in _NEEDS_ONE and not targets:
        return _no_connection_but_a_group(action, keys) if on_group else _no_connection(action, keys)
    running = [name for name in targets if name in live]
    match action:
        case "run":
            return _why_no_run(targets, connections, live, keys)
        case "pause_all" if not any(run.here for run in live.values()):
            return "Nothing is running here."
        case "cancel" | "pause" if not running:
            return f"{named(targets)} {'is' if len(targets) == 1 else 'are'} not running."
        case "delete" if running:
            return f"{named(running)} cannot be deleted while running; {_cancels(keys)}."
    return None


def _cancels(keys: ShownKeys) -> str:
    return f"{keys['connections.cancel']} cancels the run"


def _no_connection(action: str, keys: ShownKeys) -> str:
    return f"There is no connection to be {_NEEDS_ONE[action]}. {keys['connections.new']} describes a new one."


def _no_connection_but_a_group(action: str, keys: ShownKeys) -> str | None:
    if action == "mark":
        return None
    if action in ON_MARKS:
        return f"This is a group; {keys['connections.mark']} marks its connections."
    return "This is a group; choose one of its connections."


def _why_no_run(targets: Sequence[str], connections: Mapping[str, Summary], live: Live, keys: ShownKeys) -> str | None:
    """Of several that are marked, one that can run is enough."""
    if any(name not in live and name in connections and connections[name].enabled for name in targets):
        return None
    if all(name in live for name in targets):
        return f"{named(targets)} {'is' if len(targets) == 1 else 'are'} already running; {_cancels(keys)}."
    if len(targets) == 1 and targets[0] not in connections:
        return f"{targets[0]} cannot be read; replace it or delete it."
    off = f"{named(targets)} {'is' if len(targets) == 1 else 'are'} switched off"
    return f"{off}; {keys['connections.toggle']} switches on."


def named(names: Sequence[str]) -> str:
    """One name, or how many there are."""
    return names[0] if len(names) == 1 else count(len(names), "connection")
