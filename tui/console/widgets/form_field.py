"""One line of a form: label, the widget that takes the value, and below it what is wrong."""

from collections.abc import Iterator

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.console.forms.fields import Field, Kind, Value
from tui.console.widgets.form_choice import Choice
from tui.console.widgets.form_input import TextInput
from tui.console.widgets.form_open_choice import OpenChoice
from tui.console.widgets.form_secret import SecretInput
from tui.domain.text import printable

_YES, _NO = "yes", "no"


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
        }

        & Input, & SelectCurrent {
            background: $panel;
        }

        & SelectCurrent > .arrow {
            color: $text-muted;
        }

        &.-asking .form-label {
            color: $accent;
            text-style: bold;
        }

        &.-wrong .form-label {
            color: $text-error;
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
        self._problem: str | None = None

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static(self.field.label, classes="form-label", markup=False)
            yield self._editor

    @property
    def secret(self) -> SecretInput | None:
        return self._editor if isinstance(self._editor, SecretInput) else None

    @property
    def value(self) -> Value:
        match self._editor:
            case Choice() as choice:
                return choice.value == _YES if self.field.kind is Kind.SWITCH else choice.value
            case Input() | OpenChoice() as line:
                return line.value
            case SecretInput() as secret:
                return secret.reference
            case _:
                raise AssertionError(self._editor)

    def put(self, text: str) -> None:
        """Put a text into the line of the field, as if it were typed."""
        self.query_one(Input).value = text

    def ask(self) -> None:
        """Give the field the focus."""
        next(_focusable(self._editor)).focus()

    def ask_anew(self) -> None:
        """Give the field the focus, with its text selected: what is typed takes its place."""
        self.ask()
        if isinstance(self._editor, Input):
            self._editor.select_all()

    def tell(self, problem: str | None) -> None:
        """Mark the field as wrong with a sentence, or as right with None."""
        if problem == self._problem:
            return
        self._problem = problem
        self.set_class(problem is not None, "-wrong")
        self.query(".form-problem").remove()
        if problem is not None:
            self.mount(Static(f"✗ {self.field.label} {printable(problem)}.", classes="form-problem", markup=False))

    # A class of our own: the pseudo class :focus-within is not always looked at again when the focus leaves.
    @on(events.DescendantFocus)
    def _entered(self) -> None:
        self.add_class("-asking")

    @on(events.DescendantBlur)
    def _left(self) -> None:
        self.remove_class("-asking")

    @on(Input.Changed)
    @on(Choice.Changed)
    @on(OpenChoice.Changed)
    @on(SecretInput.Edited)
    def _edited(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Edited(self))


def _focusable(widget: Widget) -> Iterator[Widget]:
    for candidate in (widget, *widget.query("*").results(Widget)):
        if candidate.can_focus and candidate.display:
            yield candidate


def _make_editor(field: Field, value: Value | None) -> Widget:
    match field.kind:
        case Kind.SECRET:
            return SecretInput(str(value or ""), classes="form-editor")
        case Kind.SWITCH:
            on = value if isinstance(value, bool) else field.default == "True"
            return Choice([(_YES, _YES), (_NO, _NO)], _YES if on else _NO, classes="form-editor")
        case Kind.CHOICE:
            return Choice(field.choices, str(value or field.default or field.choices[0][0]), classes="form-editor")
        case Kind.OPEN_CHOICE:
            return OpenChoice(field.choices, str(value or field.default), classes="form-editor")
        case _:
            return TextInput(str(value or ""), placeholder=field.default, classes="form-editor")
