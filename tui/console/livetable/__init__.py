"""A table for lists that change while they are shown, drawn by line.

Only lines that are seen are ever put into words, and only those that look different are sent to the terminal: what
happens costs what changed, whether there are ten rows or a million. The cursor and the marks belong to the key of an
item, never to its place, so that nothing that comes, goes or is sorted can put an action on the wrong row.

Knows nothing of Wharf but how a text from outside is made safe to show.
"""

from tui.console.livetable.cells import Cell, Signs, clickable
from tui.console.livetable.columns import Column
from tui.console.livetable.table import LiveTable

__all__ = ["Cell", "Column", "LiveTable", "Signs", "clickable"]
