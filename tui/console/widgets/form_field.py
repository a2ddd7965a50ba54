"""One line of a form: label, the widget that takes the value, and below it what is wrong."""

from collections.abc import Iterator

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Select, Static

from tui.console.forms.fields import Field, Kind, Value
from tui.console.widgets.form_secret import SecretInput
from tui.domain.connection import TYPE_TITLES


class FormField(Vertical):
    """Asks for one field. `value` is what was typed, for every kind but a secret, whose widget is `secret`."""

    DEFAULT_CSS = """
    FormField {
        height: auto;

        & > Horizontal {
            height: auto;
        }

        & .form-label {
            width: 18;
            padding: 0 1 0 0;
            text-align: right;
            color: $text-muted;
        }

        & .form-editor {
            width: 1fr;
        }

        & .form-problem {
            height: auto;
            margin: 0 0 0 18;
            color: $text-error;
            display: none;
        }

        &.-wrong .form-label {
            color: $text-error;
            text-style: bold;
        }

        &.-wrong .form-problem {
            display: block;
        }

        & Input, & SelectCurrent {
            background: $boost;
        }

        &:focus-within .form-label {
            color: $accent;
            text-style: bold;
        }
    }
    """

    class Edited(Message):
        """The value has changed."""

        def __init__(self, field: "FormField") -> None:
            super().__init__()
            self.field = field

        @property
        def control(self) -> "FormField":
            return self.field

    def __init__(self, field: Field, value: Value | None) -> None:
        super().__init__(id=f"field-{field.path.replace('.', '-')}")
        self.field = field
        self._editor = _make_editor(field, value)

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static(self.field.label, classes="form-label", markup=False)
            yield self._editor
        yield Static("", classes="form-problem", markup=False)

    @property
    def secret(self) -> SecretInput | None:
        return self._editor if isinstance(self._editor, SecretInput) else None

    @property
    def value(self) -> Value:
        match self._editor:
            case Checkbox() as box:
                return box.value
            case Select() as choice:
                return "" if choice.is_blank() else str(choice.value)
            case Input() as line:
                return line.value
            case SecretInput() as secret:
                return secret.reference
            case _:
                raise AssertionError(self._editor)

    def set_value(self, text: str) -> None:
        """Put a text in, as if it had been typed."""
        if isinstance(self._editor, Input):
            self._editor.value = text

    def ask(self) -> None:
        """Give the field the focus."""
        next(_focusable(self._editor), self._editor).focus()

    def tell(self, problem: str | None) -> None:
        """Mark the field as wrong with a sentence, or as right with None."""
        self.set_class(problem is not None, "-wrong")
        self.query_one(".form-problem", Static).update(f"{self.field.label} {problem}." if problem else "")

    @on(Input.Changed)
    @on(Select.Changed)
    @on(Checkbox.Changed)
    @on(SecretInput.Edited)
    def _edited(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Edited(self))


class _Switch(Checkbox):
    """Says in a word whether it is on: the library's own sign differs in colour only."""

    def __init__(self, value: bool) -> None:
        super().__init__("yes" if value else "no", value, compact=True, classes="form-editor")

    def watch_value(self) -> None:
        super().watch_value()
        self.label = "yes" if self.value else "no"


def _focusable(widget: Widget) -> Iterator[Widget]:
    for candidate in (widget, *widget.query("*").results(Widget)):
        if candidate.can_focus and candidate.display:
            yield candidate


def _make_editor(field: Field, value: Value | None) -> Widget:
    match field.kind:
        case Kind.SECRET:
            return SecretInput(str(value or ""), classes="form-editor")
        case Kind.SWITCH:
            checked = value if isinstance(value, bool) else field.default == "True"
            return _Switch(checked)
        case Kind.CHOICE:
            chosen = str(value or field.default or field.choices[0])
            options = [(str(choice), str(choice)) for choice in field.choices]
            return Select(options, value=chosen, allow_blank=False, compact=True, classes="form-editor")
        case _:
            known = list(TYPE_TITLES) if field.where == ("type",) else []
            return Input(
                str(value or ""),
                placeholder=field.default,
                suggester=SuggestFromList(known) if known else None,
                compact=True,
                classes="form-editor",
            )
