"""Every key of the console, by screen.

Each binding has an id, so that a user can give it other keys (`App.set_keymap`). Only letters, F keys, ctrl with a
letter that has no other meaning in a plain terminal, and the arrows are used: they arrive through tmux and ssh.
One letter means the same wherever it works.
"""

from collections.abc import Mapping
from typing import NamedTuple

from textual.binding import Binding

_PLACES = range(1, 10)
"""Of saved filters that a digit recalls."""

APP = (
    Binding("question_mark", "help", "Help", id="app.help", key_display="?"),
    Binding("f1", "help_anywhere", "Help", id="app.help_anywhere", show=False),
    Binding("colon,ctrl+p", "command_palette", "Commands", id="app.commands", key_display=":", show=False),
    Binding("q", "leave", "Quit", id="app.quit"),
    Binding("ctrl+q", "quit", "Quit", id="app.quit_anywhere", show=False, priority=True),
    Binding("ctrl+c", "help_quit", "How to quit", id="app.help_quit", show=False, system=True),
    Binding("m", "messages", "Messages", id="app.messages", show=False),
    Binding("ctrl+z", "suspend", "Suspend", id="app.suspend", show=False, priority=True),
    Binding("f8", "save_screen", "Save the screen as SVG", id="app.save_screen", show=False),
)

TABLE = (
    Binding("j,down", "move(1)", "Next row", id="table.down", show=False),
    Binding("k,up", "move(-1)", "Previous row", id="table.up", show=False),
    Binding("g,home", "first", "First row", id="table.first", show=False),
    Binding("G,end", "last", "Last row", id="table.last", show=False),
    Binding("ctrl+f,pagedown", "page(1)", "Page down", id="table.page_down", show=False),
    Binding("ctrl+b,pageup", "page(-1)", "Page up", id="table.page_up", show=False),
    Binding("right", "sideways(1)", "Columns on the right", id="table.right", show=False),
    Binding("left", "sideways(-1)", "Columns on the left", id="table.left", show=False),
)

CONNECTIONS = (
    Binding("enter", "history", "History", id="connections.history"),
    Binding("e", "edit", "Edit", id="connections.edit"),
    Binding("n", "new", "New", id="connections.new"),
    Binding("r", "run", "Run", id="connections.run"),
    Binding("x", "cancel", "Cancel", id="connections.cancel"),
    Binding("p", "pause", "Pause/go on", id="connections.pause", show=False),
    Binding("P", "pause_all", "Pause all/go on with all", id="connections.pause_all", show=False),
    Binding("t", "test", "Test", id="connections.test"),
    Binding("c", "copy", "Copy", id="connections.copy", show=False),
    Binding("y", "copy_toml", "Copy as TOML", id="connections.copy_toml", show=False),
    Binding("w", "export", "Export to a file", id="connections.export", show=False),
    Binding("l", "local_folder", "Local folder", id="connections.local_folder", show=False),
    Binding("o", "toggle_enabled", "Switch on/off", id="connections.toggle", show=False),
    Binding("d", "delete", "Delete", id="connections.delete", show=False),
    Binding("space", "mark", "Mark", id="connections.mark", show=False),
    Binding("shift+down", "mark_along(1)", "Mark downwards", id="connections.mark_down", show=False),
    Binding("shift+up", "mark_along(-1)", "Mark upwards", id="connections.mark_up", show=False),
    Binding("a", "mark_all", "Mark all shown/none", id="connections.mark_all", show=False),
    Binding("slash", "filter", "Filter", id="connections.filter", key_display="/"),
    Binding("f", "facets", "Narrow down", id="connections.facets", show=False),
    Binding("F", "saved_filters", "Saved filters", id="connections.saved_filters", show=False),
    *(
        Binding(str(place), f"recall({place})", "Recall saved filter", id=f"connections.recall_{place}", show=False)
        for place in _PLACES
    ),
    Binding("s", "sort", "Sort", id="connections.sort", show=False),
    Binding("S", "sort_back", "Sort the other way", id="connections.sort_back", show=False),
    Binding("z", "group", "Group by type/method/status", id="connections.group", show=False),
    Binding("minus", "fold", "Fold/unfold the group", id="connections.fold", key_display="-", show=False),
    Binding("Z", "fold_all", "Fold/unfold all groups", id="connections.fold_all", show=False),
    Binding("C", "columns", "Columns", id="connections.columns", show=False),
    Binding("h", "all_history", "History of all", id="connections.all_history", show=False),
    Binding("T", "totals", "Totals of all", id="connections.totals", show=False),
    Binding("escape", "back", "One step back", id="connections.back", show=False),
)

GROUP = (Binding("enter", "toggle_group", "Fold/unfold", id="connections.toggle_group"),)
"""On the line of a group, in the place of what the key does on a connection."""

HISTORY = (
    Binding("enter", "open", "Open", id="history.open"),
    Binding("r", "retry", "Retry", id="history.retry"),
    Binding("R", "retry_failed", "Retry failed files only", id="history.retry_failed", show=False),
    Binding("p", "pause", "Pause/go on", id="history.pause", show=False),
    Binding("t", "test", "Test", id="history.test", show=False),
    Binding("x", "cancel", "Cancel", id="history.cancel"),
    Binding("slash", "filter", "Filter", id="history.filter", key_display="/"),
    Binding("f", "facets", "Narrow down", id="history.facets", show=False),
    Binding("F", "saved_filters", "Saved filters", id="history.saved_filters", show=False),
    *(
        Binding(str(place), f"recall({place})", "Recall saved filter", id=f"history.recall_{place}", show=False)
        for place in _PLACES
    ),
    Binding("C", "columns", "Columns", id="history.columns", show=False),
    Binding("y", "copy", "Copy", id="history.copy"),
    Binding("w", "export", "Export", id="history.export"),
    Binding("T", "totals", "Totals", id="history.totals"),
    Binding("escape", "back", "Back", id="history.back"),
)

RUN = (
    Binding("tab", "switch", "Next tab", id="run.switch"),
    Binding("enter", "in_full", "In full", id="run.in_full"),
    Binding("r", "retry", "Retry", id="run.retry"),
    Binding("R", "retry_failed", "Retry failed files only", id="run.retry_failed", show=False),
    Binding("p", "pause", "Pause/go on", id="run.pause", show=False),
    Binding("t", "test", "Test", id="run.test", show=False),
    Binding("x", "cancel", "Cancel", id="run.cancel"),
    Binding("y", "copy", "Copy", id="run.copy"),
    Binding("escape", "back", "Back", id="run.back"),
)

TOTALS = (
    Binding("plus", "period(1)", "Longer", id="totals.longer", key_display="+"),
    Binding("minus", "period(-1)", "Shorter", id="totals.shorter", key_display="-"),
    Binding("b", "measure", "Bytes/runs", id="totals.measure"),
    Binding("escape,T", "back", "Back", id="totals.back", key_display="esc"),
)

EXPORT = (
    Binding("enter", "write", "Write", id="export.write"),
    Binding("escape", "close", "Cancel", id="export.close"),
)

FORM = (
    Binding("ctrl+s,f2", "save", "Save", id="form.save"),
    Binding("ctrl+t,f5", "test", "Test", id="form.test"),
    Binding("escape", "cancel", "Cancel", id="form.cancel"),
)

# Priority: keys that arrive in one go, as over a slow line, are given to whatever has the focus when they arrive. A key
# that moves the focus must have done so before the next one is given, or a password is typed into the line above.
FIELD = (
    Binding("down,tab", "app.focus_next", "Next field", id="field.next", show=False, priority=True),
    Binding("up,shift+tab", "app.focus_previous", "Field before", id="field.previous", show=False, priority=True),
    Binding("enter", "app.focus_next", "Next field", id="field.done", show=False, priority=True),
)

CHOICE = (
    *FIELD,
    Binding("right,l,space", "step(1)", "Next choice", id="choice.next", show=False, priority=True),
    Binding("left,h", "step(-1)", "Choice before", id="choice.previous", show=False, priority=True),
)

OPEN_CHOICE = (
    Binding("down,tab", "leave(True)", "Next field", id="open_choice.next", show=False, priority=True),
    Binding("up,shift+tab", "leave(False)", "Field before", id="open_choice.previous", show=False, priority=True),
    Binding("enter,space", "show_overlay", "Open the list", id="open_choice.open", show=False, priority=True),
)

CONFIRM = (
    Binding("y", "answer(True)", "Yes", id="confirm.yes"),
    Binding("n", "answer(False)", "No", id="confirm.no"),
    Binding("escape", "answer(False)", "Close", id="confirm.close"),
    Binding("left,h,up,k", "app.focus_previous", "Other button", id="confirm.previous", show=False),
    Binding("right,l,down,j", "app.focus_next", "Other button", id="confirm.next", show=False),
)

CONFLICT = (
    Binding("y", "answer(True)", "Keep yours", id="conflict.keep"),
    Binding("t", "answer(False)", "Show theirs", id="conflict.theirs"),
    Binding("n,escape", "close", "Cancel", id="conflict.cancel"),
    *(binding for binding in CONFIRM if binding.action.startswith("app.")),
)

PASSPHRASE = (Binding("escape", "decline", "Leave it locked", id="passphrase.decline"),)

TEST = (
    Binding("t", "again", "Test again", id="test.again"),
    Binding("i", "look", "Who the server is", id="test.look"),
    Binding("w", "write", "With or without a test file", id="test.write"),
    Binding("escape,q,enter", "close", "Close", id="test.close", key_display="esc"),
)

CLOSE = (Binding("escape,q,question_mark,f1,enter", "close", "Close", id="dialog.close", key_display="esc"),)

MESSAGES = (
    Binding("y", "copy", "Copy", id="messages.copy"),
    Binding("Y", "copy_all", "Copy all", id="messages.copy_all"),
    Binding("escape,q,m", "close", "Close", id="messages.close", key_display="esc"),
    Binding("j", "move(1)", "Next", id="messages.down", show=False),
    Binding("k", "move(-1)", "Previous", id="messages.up", show=False),
)

FILTER = (
    Binding("enter,down", "keep", "Back to the table", id="filter.keep"),
    Binding("tab", "complete", "Complete", id="filter.complete"),
    Binding("escape", "clear", "Clear", id="filter.clear"),
)

SAVED_FILTERS = (
    Binding("s", "save", "Save", id="saved_filters.save"),
    Binding("d", "delete", "Delete", id="saved_filters.delete"),
    Binding("escape", "close", "Close", id="saved_filters.close", key_display="esc"),
    Binding("j", "move(1)", "Next", id="saved_filters.down", show=False),
    Binding("k", "move(-1)", "Previous", id="saved_filters.up", show=False),
    *(
        Binding(
            str(place),
            f"recall({place})",
            "Recall saved filter",
            id=f"saved_filters.recall_{place}",
            show=False,
        )
        for place in _PLACES
    ),
)

FACETS = (
    Binding("space", "mark", "Mark", id="facets.mark"),
    Binding("c", "clear", "Clear all", id="facets.clear"),
    Binding("escape,f,q", "close", "Close", id="facets.close", key_display="esc"),
    Binding("j", "move(1)", "Next", id="facets.down", show=False),
    Binding("k", "move(-1)", "Previous", id="facets.up", show=False),
)

COLUMNS = (
    Binding("space", "show_or_hide", "Show/hide", id="columns.toggle"),
    Binding("J", "shift(1)", "Move down", id="columns.later"),
    Binding("K", "shift(-1)", "Move up", id="columns.earlier"),
    Binding("r", "reset", "As at first", id="columns.reset"),
    Binding("escape,C,q", "close", "Close", id="columns.close", key_display="esc"),
    Binding("j", "move(1)", "Next", id="columns.down", show=False),
    Binding("k", "move(-1)", "Previous", id="columns.up", show=False),
)

_EVERYWHERE = tuple(binding for binding in APP if binding.priority)


class Context(NamedTuple):
    """Bindings that work at the same time, so that no key can have two meanings among them. With `typing`, letters are
    typed there as text.
    """

    own: tuple[Binding, ...]
    shared: tuple[Binding, ...] = _EVERYWHERE
    typing: bool = False


CONTEXTS = (
    Context(CONNECTIONS, (*APP, *TABLE)),
    Context(GROUP, (*(binding for binding in CONNECTIONS if binding.action != "history"), *APP, *TABLE)),
    Context(HISTORY, (*APP, *TABLE)),
    Context(RUN, (*APP, *TABLE)),
    Context(TOTALS, (*APP, *TABLE)),
    Context(FILTER, typing=True),
    Context((*FORM, *FIELD), typing=True),
    Context((*FORM, *CHOICE)),
    Context((*FORM, *OPEN_CHOICE)),
    Context(EXPORT, typing=True),
    Context(PASSPHRASE, typing=True),
    Context(FACETS),
    Context(COLUMNS),
    Context(SAVED_FILTERS),
    Context(MESSAGES),
    Context(TEST),
    Context(CONFIRM),
    Context(CONFLICT),
    Context(CLOSE),
)

HOMES: Mapping[str, str] = {
    "connections": "Connections",
    "history": "History",
    "run": "Run",
    "totals": "Totals",
    "test": "Test",
    "table": "Moving about",
    "filter": "Filter",
    "facets": "Narrow down",
    "columns": "Columns",
    "saved_filters": "Saved filters",
    "form": "Form",
    "field": "Form",
    "choice": "Form",
    "open_choice": "Form",
    "export": "Export",
    "messages": "Messages",
    "passphrase": "Passphrase",
    "confirm": "Questions",
    "conflict": "Questions",
    "dialog": "Dialogs",
    "app": "Everywhere",
}
"""What the part of a binding's id before the dot means to a user, in the order of the help."""
