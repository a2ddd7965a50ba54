"""Every screen and dialog of the console, with every kind of text that it can show, as a test brings it about."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias, cast

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Select
from textual.widgets._toast import Toast

from tests import sample_tests
from tests.console.fakes import NOW, FakeEngine
from tests.console.form_support import fill, until
from tui.console.app import WharfApp
from tui.console.dialogs.columns import ColumnsDialog
from tui.console.dialogs.confirm import ConfirmDialog
from tui.console.dialogs.conflict import ConflictDialog
from tui.console.dialogs.connection_export import ConnectionExport
from tui.console.dialogs.connection_form import ConnectionForm
from tui.console.dialogs.facets import FacetDialog
from tui.console.dialogs.help import HelpDialog
from tui.console.dialogs.history_export import HistoryExport
from tui.console.dialogs.local_folder import LocalFolderDialog
from tui.console.dialogs.messages import MessagesDialog
from tui.console.dialogs.passphrase import PassphraseDialog
from tui.console.dialogs.saved_filters import SavedFiltersDialog
from tui.console.dialogs.testing import TestDialog
from tui.console.dialogs.trusting import TrustDialog
from tui.console.forms.fields import Difference
from tui.console.screens.connections import ConnectionsScreen
from tui.console.screens.history import HistoryScreen
from tui.console.screens.run import RunScreen
from tui.console.screens.totals import TotalsScreen
from tui.domain.failure import Failure, FailureClass
from tui.domain.run import Event, FileRecord, FileStatus, Progress, Status
from tui.engine.inspection import TestReport

View: TypeAlias = Callable[[Pilot[Any]], Awaitable[None]]
"""Brings something about on the screen of connections."""

FAILURE = Failure(FailureClass.NETWORK, "The line is cut.", "Mend it.")


async def make_busy(engine: FakeEngine, folder: Path) -> None:
    """Connections in every state, with files and events of every kind, and a local folder with every kind of entry."""
    for name in ("a.csv", "b.tmp", "c.txt", "d.csv.wharf-part"):
        (folder / name).write_text("x")
    (folder / "sub").mkdir()
    await engine.add("acme", skip=["*.tmp"], local_dir=str(folder))
    await engine.add("beta", "delta", "epsilon", "gamma")
    await engine.add("off", enabled=False)
    await engine.ran("beta")
    files = [FileRecord(status.value, 10, 10, status=status, failure=FAILURE) for status in FileStatus]
    events = [Event(NOW, "plan", "3 to move"), Event(NOW, "copy", "The line is cut.", ok=False)]
    await engine.ran("gamma", Status.FAILED, failure=FAILURE, files=files, events=events)
    for name in ("delta", "epsilon"):
        await engine.start(name)
        engine.progress(name, Progress(1, 3, 500, 1000, "a.csv"))
    engine.store.certificates["acme"] = datetime(2026, 1, 1, tzinfo=UTC)
    engine.test_steps.append(Event(NOW, "login", "wharf is refused", ok=False, ms=12.0))
    engine.test_failure = FAILURE
    engine.test_warnings = ["The clock is wrong."]


def pressing(*keys: str) -> View:
    async def press(pilot: Pilot[Any]) -> None:
        for key in keys:
            await pilot.press(key)
            await pilot.pause()

    return press


async def told(pilot: Pilot[Any]) -> None:
    app = cast("WharfApp", pilot.app)
    app.tell("It is done.")
    app.tell("Something is odd.", "warning")
    app.tell("Something went wrong.", "error")
    await until(pilot, lambda: len(pilot.app.screen.query(Toast)) == 3)


async def every_message(pilot: Pilot[Any]) -> None:
    log = cast("WharfApp", pilot.app).messages
    log.add("It is done.", "information")
    log.add("Something is odd.", "warning")
    log.add("Something went wrong.", "error")
    await pressing("m")(pilot)


async def totals(pilot: Pilot[Any]) -> None:
    runs = cast("FakeEngine", cast("WharfApp", pilot.app).engine).store.all_runs
    now = datetime.now(UTC)
    runs |= {run_id: run._replace(started=now, ended=now) for run_id, run in runs.items() if run.ended is not None}
    await pressing("T")(pilot)


async def wrong_form(pilot: Pilot[Any]) -> None:
    await pressing("n", "ctrl+s")(pilot)


def form_of(method: str) -> View:
    async def show(pilot: Pilot[Any]) -> None:
        await pressing("n")(pilot)
        await fill(pilot, method=method, direction="outbound", after="move")
        await pressing("ctrl+s")(pilot)

    return show


async def open_choice(pilot: Pilot[Any]) -> None:
    await pressing("n")(pilot)
    pilot.app.screen.query_one(Select).focus()
    await pressing("enter", "down")(pilot)


async def discarding(pilot: Pilot[Any]) -> None:
    await pressing("n", "x", "escape")(pilot)


def shown_identity(find: Callable[[str], TestReport]) -> View:
    async def show(pilot: Pilot[Any]) -> None:
        identity = find("acme").identity
        assert identity is not None
        pilot.app.push_screen(TrustDialog("acme", identity, sample_tests.KNOWN_HOSTS))

    return show


async def conflict(pilot: Pilot[Any]) -> None:
    pilot.app.push_screen(ConflictDialog("acme", [Difference("Retries", "3", "7")]))


async def passphrase(pilot: Pilot[Any]) -> None:
    pilot.app.push_screen(PassphraseDialog("This is not its passphrase."))


async def saved_filters(pilot: Pilot[Any]) -> None:
    await pressing("slash", *"status:failed", "enter", "F", "s", *"bad", "enter")(pilot)
    await until(pilot, lambda: bool(pilot.app.screen.query_one("#saved-list").display))


async def local_folder(pilot: Pilot[Any]) -> None:
    await pressing("l")(pilot)
    await until(pilot, lambda: "Reading" not in str(pilot.app.screen.query_one("#local-told").render()))


VIEWS: dict[str, tuple[type[Screen[Any]], View]] = {
    "connections": (ConnectionsScreen, pressing()),
    "marked": (ConnectionsScreen, pressing("space")),
    "off": (ConnectionsScreen, pressing("G")),
    "failed": (ConnectionsScreen, pressing(*"jjjj")),
    "paused": (ConnectionsScreen, pressing("j", "j", "p")),
    "sorted": (ConnectionsScreen, pressing("s", "s")),
    "grouped": (ConnectionsScreen, pressing("z", "z", "z", "space", "g")),
    "folded": (ConnectionsScreen, pressing("z", "Z")),
    "facets": (FacetDialog, pressing("f", "space")),
    "columns": (ColumnsDialog, pressing("C", "j", "space")),
    "filter": (ConnectionsScreen, pressing("slash", *"status:failed")),
    "half a filter": (ConnectionsScreen, pressing("slash", *"status:f")),
    "wrong filter": (ConnectionsScreen, pressing("slash", *"status:x")),
    "nothing found": (ConnectionsScreen, pressing("slash", *"zzz", "enter")),
    "saved filters": (SavedFiltersDialog, saved_filters),
    "confirm": (ConfirmDialog, pressing("g", "d")),
    "quit": (ConfirmDialog, pressing("q")),
    "export": (ConnectionExport, pressing("w")),
    "local folder": (LocalFolderDialog, local_folder),
    "help": (HelpDialog, pressing("question_mark")),
    "told": (ConnectionsScreen, told),
    "messages": (MessagesDialog, every_message),
    "history": (HistoryScreen, pressing(*"jjjj", "enter")),
    "history of all": (HistoryScreen, pressing("h")),
    "history of none": (HistoryScreen, pressing("enter")),
    "history columns": (ColumnsDialog, pressing("h", "C")),
    "history export": (HistoryExport, pressing("h", "w")),
    "run files": (RunScreen, pressing(*"jjjj", "enter", "enter")),
    "run events": (RunScreen, pressing(*"jjjj", "enter", "enter", "tab", "G")),
    "run attempts": (RunScreen, pressing(*"jjjj", "enter", "enter", "tab", "tab")),
    "run in progress": (RunScreen, pressing("j", "j", "enter", "enter")),
    "totals": (TotalsScreen, totals),
    "form": (ConnectionForm, pressing("e")),
    "form, wrong": (ConnectionForm, wrong_form),
    "form of FTP": (ConnectionForm, form_of("ftp")),
    "form of mail": (ConnectionForm, form_of("email")),
    "form, choice": (ConnectionForm, open_choice),
    "form, discard": (ConfirmDialog, discarding),
    "conflict": (ConflictDialog, conflict),
    "test": (TestDialog, pressing("t")),
    "unknown key": (TrustDialog, shown_identity(sample_tests.unknown_key)),
    "changed key": (TrustDialog, shown_identity(sample_tests.changed_key)),
    "passphrase": (PassphraseDialog, passphrase),
}
"""By name: what is on top then, and how it comes about."""
