"""The connection form as a user sees it, over a real engine and store."""

import asyncio
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input, Select

from tui.console.app import WharfApp
from tui.console.dialogs.connection_form import ConnectionForm
from tui.console.forms.fields import Kind
from tui.console.widgets.form_choice import Choice
from tui.console.widgets.form_field import FormField
from tui.console.widgets.form_input import HiddenInput
from tui.console.widgets.form_secret import SecretInput
from tui.domain.connection import Connection

SECRET = "hunter2-canary"


def form(app: WharfApp) -> ConnectionForm:
    assert isinstance(app.screen, ConnectionForm)
    return app.screen


def row(app: WharfApp, path: str) -> FormField:
    return form(app).query_one(f"#field-{path.replace('.', '-')}", FormField)


async def fill(pilot: Pilot[Any], **values: str | bool) -> None:
    """Put values in; the keys are paths with `__` for the dot."""
    app = pilot.app
    assert isinstance(app, WharfApp)
    for key, value in values.items():
        field = row(app, key.replace("__", "."))
        if field.secret is not None:
            field.secret.query_one(Choice).value = "reference"
            field.secret.query_one(".secret-reference", Input).value = str(value)
        elif field.field.kind is Kind.SWITCH:
            field.query_one(Choice).value = "yes" if value else "no"
        elif field.field.kind is Kind.CHOICE:
            field.query_one(Choice).value = str(value)
        elif field.field.kind is Kind.OPEN_CHOICE:
            field.query_one(Select).value = value
        else:
            field.query_one(Input).value = str(value)
        await pilot.pause()


def problems(app: WharfApp) -> dict[str, str]:
    return {
        field.field.path: str(field.query(".form-problem").last().render())
        for field in form(app).query(FormField)
        if field.has_class("-wrong") and field.display
    }


async def type_secret(pilot: Pilot[Any], path: str) -> None:
    app = pilot.app
    assert isinstance(app, WharfApp)
    secret = row(app, path).query_one(SecretInput)
    secret.query_one(Choice).value = "typed"
    await pilot.pause()
    secret.query_one(HiddenInput).focus()
    await pilot.press(*SECRET)


async def save(pilot: Pilot[Any]) -> None:
    """Press the key and wait until the form has closed."""
    await pilot.press("ctrl+s")
    await until(pilot, lambda: not isinstance(pilot.app.screen, ConnectionForm))


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """What a thread does is not waited for by the pilot."""
    async with asyncio.timeout(10):
        while not condition():
            await pilot.pause()


def make(name: str, **changes: object) -> Connection:
    return Connection.model_validate(
        {
            "name": name,
            "direction": "inbound",
            "method": "sftp",
            "local_dir": "~/in",
            "sftp": {"host": "h", "username": "u", "secret": "env:X"},
        }
        | changes
    )
