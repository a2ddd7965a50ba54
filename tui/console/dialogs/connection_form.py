"""Creates and edits a connection."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import ValidationError
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import DescendantFocus
from textual.screen import ModalScreen
from textual.widgets import Button, Footer, Input, Static

from tui.console import keymap
from tui.console.dialogs.confirm import ConfirmDialog
from tui.console.dialogs.testing import TestDialog
from tui.console.forms.fields import Section, Value, Where, data_of, is_asked, sections, values_of
from tui.console.widgets.form_field import FormField
from tui.domain.connection import Connection, Method
from tui.domain.failure import NameTaken, WharfError
from tui.domain.problems import Problem, problems_of
from tui.domain.text import printable
from tui.engine import Engine


class _SectionRows(Vertical):
    """A heading and its fields."""

    DEFAULT_CSS = """
    _SectionRows {
        height: auto;
    }
    """

    def __init__(self, section: Section, values: Mapping[Where, Value]) -> None:
        super().__init__()
        self.section = section
        self._values = values

    def compose(self) -> ComposeResult:
        yield Static(self.section.heading, classes="form-heading", markup=False)
        for field in self.section.fields:
            yield FormField(field, self._values.get(field.where))


class ConnectionForm(ModalScreen[Connection | None]):
    """Saves to the store by itself and closes with the saved connection, or with None.

    The fields follow method and direction. Those that do not belong are hidden, not removed: what was typed for another
    method is still there when one comes back to it.
    """

    DEFAULT_CSS = """
    ConnectionForm {
        & #form {
            width: 100;
            max-width: 100%;
            height: 100%;
            max-height: 46;
            background: $surface;
            border: round $accent;
            padding: 0 1;
        }

        & #form-title {
            text-style: bold;
        }

        & #form-problems {
            height: auto;
            color: $text-error;
            display: none;
        }

        & #form-fields {
            height: 1fr;
            scrollbar-size-vertical: 1;
        }

        & .form-heading {
            margin: 1 0 0 0;
            color: $accent;
            text-style: bold;
        }

        & #form-help {
            height: 2;
            color: $text-muted;
            border-top: solid $panel;
        }

        & #form-buttons {
            height: 1;
            align-horizontal: right;
        }

        & #form-buttons Button {
            margin-left: 2;
        }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.FORM]

    def __init__(self, engine: Engine, connection: Connection | None, *, copy: bool = False) -> None:
        super().__init__()
        self._engine = engine
        self._original = connection
        self._is_new = connection is None or copy
        self._values = dict(values_of(connection)) if connection is not None else {}
        if connection is not None and copy:
            self._values["name",] = f"{connection.name}-copy"
        self._untouched: dict[Where, Value] = {}

    def compose(self) -> ComposeResult:
        with Vertical(id="form"):
            title = "New connection" if self._is_new else f"Edit {self._values['name',]}"
            yield Static(printable(title), id="form-title", markup=False)
            yield Static("", id="form-problems", markup=False)
            with VerticalScroll(id="form-fields", can_focus=False):
                method = self._values.get(("method",), Method.SFTP.value)
                for section in sections():
                    if section.method in {None, method}:
                        yield _SectionRows(section, self._values)
            yield Static("", id="form-help", markup=False)
            with Horizontal(id="form-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Test", id="test", compact=True)
                yield Button("Save", id="save", variant="primary", compact=True)
        yield Footer(compact=True, show_command_palette=False)

    async def on_mount(self) -> None:
        await self._show_what_is_asked()
        self._untouched = self._collect()
        self._fields["name",].ask()

    @property
    def _fields(self) -> dict[Where, FormField]:
        return {row.field.where: row for row in self.query(FormField)}

    # What is shown

    @on(FormField.Edited)
    async def _edited(self, event: FormField.Edited) -> None:
        event.stop()
        event.field.tell(None)
        if event.field.field.where in {("method",), ("direction",), ("after",)}:
            await self._show_what_is_asked()

    async def _show_what_is_asked(self) -> None:
        shape = {key: str(self._fields[key,].value) for key in ("method", "direction", "after")}
        await self._mount_section_of(shape["method"])
        for where, row in self._fields.items():
            row.display = is_asked(where, **shape)
        for group in self.query(_SectionRows):
            group.display = group.section.method in {None, shape["method"]}

    async def _mount_section_of(self, method: str) -> None:
        """A method's fields are made when they are asked for first: making widgets is what takes time here."""
        if any(group.section.method == method for group in self.query(_SectionRows)):
            return
        groups = list(self.query(_SectionRows))
        missing = next(section for section in sections() if section.method == method)
        await self.query_one("#form-fields").mount(_SectionRows(missing, self._values), after=groups[0])

    @on(DescendantFocus)
    def _show_help(self, event: DescendantFocus) -> None:
        row = next((parent for parent in event.widget.ancestors_with_self if isinstance(parent, FormField)), None)
        self.query_one("#form-help", Static).update(row.field.help if row is not None else "")

    @on(Input.Submitted)
    def _next_field(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next()

    def _show_problems(self, problems: list[Problem]) -> None:
        """Mark every wrong field and go to the first; what belongs to no field shown is told at the top."""
        for row in self._fields.values():
            row.tell(None)
        told: list[FormField] = []
        elsewhere: list[str] = []
        for problem in problems:
            wrong = self._row_of(problem.where)
            if wrong is None:
                elsewhere.append(f"{problem.path or 'The connection'} {problem.sentence}.")
            elif wrong not in told:
                wrong.tell(problem.sentence)
                told.append(wrong)
        above = self.query_one("#form-problems", Static)
        above.display = bool(elsewhere)
        above.update(printable(" ".join(elsewhere)))
        for row in self._fields.values():
            if row in told:
                row.ask()
                row.scroll_visible()
                break

    def _row_of(self, where: tuple[str | int, ...]) -> FormField | None:
        """The field shown that a place in the connection belongs to; `pattern.1` belongs to `pattern`."""
        texts = tuple(str(part) for part in where)
        for length in range(len(texts), 0, -1):
            row = self._fields.get(texts[:length])
            if row is not None and row.display:
                return row
        return None

    # What was typed

    def _collect(self) -> dict[Where, Value]:
        return {where: row.value for where, row in self._fields.items() if row.display}

    def _typed_secret(self) -> str:
        return next((row.secret.typed for row in self._fields.values() if row.display and row.secret is not None), "")

    def _is_changed(self) -> bool:
        return self._collect() != self._untouched or bool(self._typed_secret())

    def _validated(self) -> Connection | None:
        """The connection as typed; when something is wrong, that is shown and None returned."""
        data = data_of(self._collect(), self._original)
        if self._typed_secret():
            data[data["method"]]["secret"] = f"vault:{self._vault_name(data)}"
        try:
            connection = Connection.model_validate(data)
        except ValidationError as error:
            self._show_problems(problems_of(error))
            return None
        self._show_problems([])
        return connection

    def _vault_name(self, data: Mapping[str, Any]) -> str:
        return f"{data.get('name', '')}-{data['method']}"

    # Actions

    async def action_save(self) -> None:
        connection = self._validated()
        if connection is None:
            return
        try:
            await self._store(connection)
        except NameTaken as error:
            self._show_problems([Problem(("name",), f"is taken: {error}".rstrip("."))])
        except WharfError as error:
            self._show_problems([Problem((), f"was not saved: {error}".rstrip("."))])
        else:
            self.dismiss(connection)

    async def _store(self, connection: Connection) -> None:
        """Secret and connection are stored both or neither."""
        typed = self._typed_secret()
        if not typed:
            await self._save(connection)
            return
        vault, name = self._engine.vault, str(connection.endpoint.secret).removeprefix("vault:")
        before = await asyncio.to_thread(lambda: vault.get(name) if name in vault.names() else None)
        await asyncio.to_thread(vault.set, name, typed)
        try:
            await self._save(connection)
        except WharfError:
            if before is None:
                await asyncio.to_thread(vault.delete, name)
            else:
                await asyncio.to_thread(vault.set, name, before)
            raise

    async def _save(self, connection: Connection) -> None:
        replacing = None if self._is_new or self._original is None else self._original.name
        await self._engine.store.save(connection, replacing=replacing)

    def action_test(self) -> None:
        connection = self._validated()
        if connection is not None:
            self.app.push_screen(TestDialog(self._engine, connection, self._typed_secret() or None))

    def action_cancel(self) -> None:
        if not self._is_changed():
            self.dismiss(None)
            return
        self.app.push_screen(
            ConfirmDialog("Discard changes?", "What was typed has not been saved.", "Discard"),
            self._discard,
        )

    def _discard(self, sure: bool | None) -> None:
        if sure:
            self.dismiss(None)

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        await self.run_action(str(event.button.id))
