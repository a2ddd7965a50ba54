"""Shows what a server has shown, and asks whether it is to be trusted. Something that has changed is only shown."""

import shlex
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Static

from tui.console import keymap
from tui.console.dialogs.heights import DIALOG_HEIGHTS
from tui.console.keys import shown_keys
from tui.console.one_frame import Dialog
from tui.console.widgets.identity import drawn_identity
from tui.domain.text import printable
from tui.trust.identity import Doubt, Identity


class TrustDialog(Dialog[bool]):
    """True only for the confirming button or `y`, and only for what nothing speaks against. Cancel has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.CONFIRM]
    AUTO_FOCUS = "#cancel"
    VERTICAL_BREAKPOINTS = DIALOG_HEIGHTS

    def __init__(self, connection: str, identity: Identity, kept_in: str) -> None:
        """`kept_in` is where it would stand that this is trusted."""
        super().__init__()
        self._connection = connection
        self._identity = identity
        self._kept_in = kept_in

    @property
    def _asks(self) -> bool:
        return self._identity.doubt is Doubt.UNKNOWN

    def compose(self) -> ComposeResult:
        alarm = " -alarm" if self._identity.doubt in {Doubt.CHANGED, Doubt.REVOKED} else ""
        with Vertical(id="trust", classes="dialog"):
            yield Static(_title(self._identity), classes=f"dialog-title{alarm}", markup=False)
            with VerticalScroll(id="trust-shown", can_focus=False):
                yield Static(printable(_sentence(self._identity)), classes="dialog-body", markup=False)
                yield Static(drawn_identity(self._identity, self._kept_in), markup=False)
                if advice := _advice(self._identity, self._connection):
                    yield Static(printable(advice), id="trust-advice", markup=False)
            with Horizontal(classes="dialog-buttons"):
                if self._asks:
                    yield Button(f"Cancel ({shown_keys(self.app)['confirm.no']})", id="cancel", compact=True)
                    yield Button(f"Trust it ({shown_keys(self.app)['confirm.yes']})", id="accept", compact=True)
                else:
                    yield Button(f"Close ({shown_keys(self.app)['confirm.close']})", id="cancel", compact=True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_answer(event.button.id == "accept")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer and self._asks)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._asks or (action, parameters) != ("answer", (True,))


def _thing(identity: Identity) -> str:
    return "host key" if identity.is_host_key else "certificate"


def _title(identity: Identity) -> str:
    match identity.doubt:
        case Doubt.UNKNOWN:
            return f"Trust this {_thing(identity)}?"
        case Doubt.CHANGED:
            return f"✗ The {_thing(identity)} has changed"
        case Doubt.REVOKED:
            return f"✗ The {_thing(identity)} is revoked"
        case _:
            return f"✓ The {_thing(identity)} is trusted"


def _sentence(identity: Identity) -> str:
    match identity.doubt:
        case Doubt.UNKNOWN if identity.is_host_key:
            return f"{identity.where} shows a host key that is not known here."
        case Doubt.CHANGED:
            return f"{identity.where} shows another one than was trusted until now."
        case None:
            return f"This is what {identity.where} shows."
        case _:
            return f"{identity.where} shows a {_thing(identity)} that is not trusted: {identity.reason}."


def _advice(identity: Identity, connection: str) -> str | None:
    match identity.doubt:
        case Doubt.UNKNOWN if identity.is_host_key:
            return (
                "Compare the fingerprint, or the picture, with what the partner tells you by another channel, such as "
                "the telephone."
            )
        case Doubt.UNKNOWN:
            return (
                "Compare the fingerprint with what the partner tells you by another channel. Exactly this certificate "
                "is trusted then, and no other, whoever has signed it."
            )
        case Doubt.CHANGED:
            return (
                "Nothing was sent to it. Ask the partner by another channel: if it was not changed there, somebody may "
                f"be in between. Only if it was: wharf trust {shlex.quote(connection)} --fingerprint, with what the "
                "partner tells you."
            )
        case Doubt.REVOKED:
            return "Do not connect. Ask the partner by another channel what has happened."
        case _:
            return None
