"""Creates and edits a connection."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from pydantic import ValidationError
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import DescendantFocus
from textual.widgets import Button, Input, Static

from tui.console import keymap
from tui.console.dialogs.confirm import ConfirmDialog
from tui.console.dialogs.conflict import ConflictDialog, Kept
from tui.console.dialogs.testing import TestDialog
from tui.console.forms.fields import (
    Difference,
    Section,
    Value,
    Where,
    data_of,
    differences,
    is_asked,
    sections,
    values_of,
)
from tui.console.forms.saving import save_connection
from tui.console.one_frame import Dialog
from tui.console.widgets.form_field import FormField
from tui.domain.connection import Connection
from tui.domain.failure import ChangedElsewhere, NameTaken, TransferFailed, UnknownConnection, WharfError
from tui.domain.problems import Problem, problems_of
from tui.domain.terms import Method
from tui.domain.text import printable
from tui.engine import Engine

_LONGEST_NAME = 75
"""Characters of a name that leave room for what is put behind it."""


_TO_COME = "vault:typed"
"""Stands in for the reference to a typed secret until it is stored."""


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


class ConnectionForm(Dialog[Connection | None]):
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
            height: auto;
            min-height: 2;
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
        self._shown = connection
        self._original = None if copy else connection
        self._values = dict(values_of(connection)) if connection is not None else {}
        if connection is not None and copy:
            self._values["name",] = f"{connection.name[:_LONGEST_NAME]}-copy"
        self._untouched: dict[Where, Value] = {}
        self._taken: set[str] = set()
        self._judging = False
        self._saving = False

    def compose(self) -> ComposeResult:
        with Vertical(id="form"):
            yield Static(printable(self._title()), id="form-title", markup=False)
            yield Static("", id="form-problems", markup=False)
            with VerticalScroll(id="form-fields", can_focus=False):
                method = self._values.get(("method",), Method.SFTP.value)
                for section in sections():
                    if section.method in {None, method}:
                        yield _SectionRows(section, self._values)
            yield Static("", id="form-help", markup=False)
            with Horizontal(id="form-buttons"):
                yield Button("Test", id="test", compact=True)
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Save", id="save", variant="primary", compact=True)

    def _title(self) -> str:
        if self._original is not None:
            return f"Edit {self._original.name}"
        return "New connection" if self._shown is None else f"Copy of {self._shown.name}"

    async def on_mount(self) -> None:
        await self._begin()

    async def _begin(self) -> None:
        self._show_keys_on_buttons()
        await self._show_what_is_asked()
        self._untouched = self._collect()
        name = self._fields["name",]
        if self._original is None:
            name.ask_anew()
        else:
            name.ask()

    def _show_keys_on_buttons(self) -> None:
        bindings: dict[str, Binding] = {}
        for active in self.active_bindings.values():
            bindings.setdefault(active.binding.action, active.binding)
        for button in self.query("#form-buttons > Button").results(Button):
            if button.id in bindings:
                binding = bindings[button.id]
                button.label = Text(f"{binding.description} {self.app.get_key_display(binding)}")

    @property
    def _fields(self) -> dict[Where, FormField]:
        return {row.field.where: row for row in self.query(FormField)}

    # What is shown

    @on(FormField.Edited)
    async def _edited(self, event: FormField.Edited) -> None:
        event.stop()
        if event.field.field.where in {("method",), ("direction",), ("after",)}:
            await self._show_what_is_asked()
        if self._judging:
            self._mark(self._judged()[1])

    async def _show_what_is_asked(self) -> None:
        shape = {key: str(self._fields[key,].value) for key in ("method", "direction", "after")}
        await self._mount_section_of(shape["method"])
        for where, row in self._fields.items():
            row.display = is_asked(where, **shape)
        for group in self.query(_SectionRows):
            group.display = group.section.method in {None, shape["method"]}

    async def _mount_section_of(self, method: str) -> None:
        """A method's fields are made when they are asked for first: making widgets is what takes time here."""
        groups = list(self.query(_SectionRows))
        if any(group.section.method == method for group in groups):
            return
        missing = next(section for section in sections() if section.method == method)
        await self.query_one("#form-fields").mount(_SectionRows(missing, self._values), after=groups[0])

    @on(DescendantFocus)
    def _show_help(self, event: DescendantFocus) -> None:
        row = next((parent for parent in event.widget.ancestors_with_self if isinstance(parent, FormField)), None)
        self.query_one("#form-help", Static).update(row.field.help if row is not None else "")

    def _show_problems(self, problems: list[Problem]) -> None:
        """Mark every wrong field and go to the first. From now on the marks follow what is typed."""
        self._judging = True
        self._mark(problems)
        first = next((row for row in self._fields.values() if row.display and row.has_class("-wrong")), None)
        if first is not None:
            first.ask()
            first.scroll_visible()

    def _mark(self, problems: list[Problem]) -> None:
        """Mark the wrong fields and no others; what belongs to no field shown is told at the top."""
        sentences: dict[FormField, str] = {}
        elsewhere: list[str] = []
        for problem in problems:
            row = self._row_of(problem.where)
            if row is None:
                elsewhere.append(f"{problem.path or 'The connection'} {problem.sentence}.")
            else:
                sentences.setdefault(row, f"{_which(problem, row)}{problem.sentence}")
        for row in self._fields.values():
            row.tell(sentences.get(row))
        above = self.query_one("#form-problems", Static)
        above.display = bool(elsewhere)
        above.update(printable(" ".join(elsewhere)))

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

    def _judged(self) -> tuple[Connection | None, list[Problem]]:
        """The connection as typed, or what is wrong with it. A typed secret is not in it, only a reference."""
        data = data_of(self._collect(), self._shown)
        if self._typed_secret():
            data[data["method"]]["secret"] = _TO_COME
        taken = [Problem(("name",), "is taken: another connection has it")] if data.get("name") in self._taken else []
        try:
            connection = Connection.model_validate(data)
        except ValidationError as error:
            return None, taken + problems_of(error)
        return (None if taken else connection), taken

    # Actions

    async def _all_is_typed(self) -> None:
        """Until every line has taken the keys that have arrived for it."""
        for line in self.query(Input):
            taken = asyncio.Event()
            if line.call_later(taken.set):
                await taken.wait()

    async def action_save(self) -> None:
        await self._all_is_typed()
        connection, problems = self._judged()
        if connection is None:
            self._show_problems(problems)
        elif not self._saving:
            self._saving = True
            try:
                saved = await save_connection(self._engine, connection, self._original, self._typed_secret())
            except (ChangedElsewhere, UnknownConnection):
                self._ask_what_to_keep(connection)
            except NameTaken:
                self._taken.add(connection.name)
                self._show_problems(self._judged()[1])
            except WharfError as error:
                remedy = f" {error.failure.remedy}" if isinstance(error, TransferFailed) else ""
                self._show_problems([Problem((), f"was not saved: {error}{remedy}".rstrip("."))])
            else:
                self.dismiss(saved)
            finally:
                self._saving = False

    @work(description="ask what to keep of a connection that was changed elsewhere")
    async def _ask_what_to_keep(self, mine: Connection) -> None:
        """Keep what was typed or what is stored now. What is shown is what is overwritten: another change between the
        two is asked about once more.
        """
        original = self._original
        assert original is not None  # noqa: S101 - only what was stored before can have been changed
        try:
            theirs = await self._engine.store.connection(original.name)
        except UnknownConnection:
            theirs = None
        except WharfError as error:
            self._show_problems([Problem((), f"was not saved: {error}".rstrip("."))])
            return
        if theirs == mine:
            self.dismiss(theirs)
            return
        apart = None if theirs is None else _in_words(differences(mine, theirs))
        kept = await self.app.push_screen_wait(ConflictDialog(original.name, apart))
        if kept is Kept.THEIRS and theirs is not None:
            await self._start_from(theirs)
        elif kept is Kept.YOURS:
            self._original = theirs
            await self.action_save()

    async def _start_from(self, connection: Connection) -> None:
        """Show this connection instead, with nothing typed."""
        self._shown = self._original = connection
        self._values = dict(values_of(connection))
        self._judging = False
        await self.recompose()
        await self._begin()

    async def action_test(self) -> None:
        await self._all_is_typed()
        connection, problems = self._judged()
        if connection is None:
            self._show_problems(problems)
        else:
            typed = self._typed_secret() or None
            self.app.push_screen(TestDialog(self._engine, connection, typed, saved=False), self._take_over_pin)

    def _take_over_pin(self, tested: Connection | None) -> None:
        """What was accepted of the server while testing is part of what is typed."""
        if tested is None:
            return
        values = values_of(tested)
        for key in ("host_key", "fingerprint"):
            where = (tested.method.value, key)
            if where in self._fields and where in values:
                self._fields[where].put(str(values[where]))

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


def _in_words(apart: list[Difference]) -> list[Difference]:
    return [replace(each, one="typed here") if each.one == _TO_COME else each for each in apart]


def _which(problem: Problem, row: FormField) -> str:
    """Of several in one field, the one that is meant."""
    rest = problem.where[len(row.field.where) :]
    return f"no. {rest[0] + 1} " if rest and isinstance(rest[0], int) else ""
