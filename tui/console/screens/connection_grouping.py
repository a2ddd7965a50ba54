"""Connections in groups: by what they are grouped, and which groups are folded."""

from textual import on

from tui.console.screens.connection_view import ConnectionView
from tui.console.widgets.group_text import FOLD, Group, GroupKey
from tui.console.widgets.row_table import RowTable


class ConnectionGrouping(ConnectionView):
    """Keys and clicks that group, fold and unfold. The cursor stays on its connection, or goes to what hides it."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # One key folds a group and opens the history of a connection; only what it does now is shown of it.
        if (
            self.is_mounted
            and action in {"history", "toggle_group"}
            and (action == "toggle_group") == (self._group is None)
        ):
            return False
        return super().check_action(action, parameters)

    def why_not(self, action: str) -> str | None:
        if action in {"fold", "fold_all"} and not any(isinstance(row, Group) for row in self._table.items[:1]):
            return f"There are no groups; {self._keys['connections.group']} makes some."
        return super().why_not(action)

    def action_group(self) -> None:
        """Group by the next thing, or no longer."""
        row = self._table.current
        keep = self._list.members(row.key)[0] if isinstance(row, Group) else self._chosen
        self._list.groups.group_by_next()
        self._show_groups()
        if keep is not None:
            self._table.move_to(self._list.folded_into(keep) or keep)

    def action_toggle_group(self) -> None:
        """Fold the group under the cursor, or unfold it."""
        if self._group is not None:
            self._toggle(self._group.key)

    def action_fold(self) -> None:
        """The same, also from within the group."""
        state = self._list.state(self._chosen)
        if state is None:
            self.action_toggle_group()
        elif (key := self._list.groups.key_of(state)) is not None:
            self._toggle(key)

    def action_fold_all(self) -> None:
        """Fold all groups that are shown or, if they are folded already, unfold them."""
        self._list.groups.toggle_all({row.key for row in self._table.items if isinstance(row, Group)})
        self._show_groups()

    @on(RowTable.WordClicked)
    def _sign_clicked(self, event: RowTable.WordClicked) -> None:
        if event.word == FOLD:
            self._toggle(event.key)

    @on(RowTable.Opened)
    def _line_opened(self, event: RowTable.Opened) -> None:
        if isinstance(event.key, GroupKey):
            self._toggle(event.key)

    def _toggle(self, key: GroupKey) -> None:
        self._list.groups.toggle(key)
        self._show_groups()
