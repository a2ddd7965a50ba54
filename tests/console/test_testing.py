"""The dialogs that test a connection and ask whether its server is to be trusted."""

import asyncio
import socket
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from textual.pilot import Pilot

from tests import sample_tests
from tests.console.conftest import lines_of, settle
from tests.console.fakes import NOW, FakeEngine
from tests.console.fakes import connection as fake_connection
from tests.console.form_support import fill, row, until
from tui.console.app import WharfApp
from tui.console.dialogs.connection_form import ConnectionForm
from tui.console.dialogs.testing import TestDialog
from tui.console.dialogs.trusting import TrustDialog
from tui.console.screens.connections import ConnectionsScreen
from tui.console.screens.run import RunScreen
from tui.domain.connection import Connection
from tui.domain.failure import Failure, FailureClass, ReadOnly
from tui.domain.run import Event, Status
from tui.engine import Engine
from tui.engine.inspection import TestReport, Watcher
from tui.engine.trusting import Accepted
from tui.trust.certificate import CertificateFacts
from tui.trust.identity import Doubt, Identity

SIZES = [(80, 24), (140, 45)]
FACTS = CertificateFacts(
    "CN=ftp.acme.example\x1b]0;",
    "CN=[red]Some CA",
    ("ftp.acme.example", "192.0.2.7"),
    datetime(2025, 1, 1, tzinfo=UTC),
    datetime(2025, 3, 1, tzinfo=UTC),
)
CERTIFICATE = Identity(
    "ftp.acme.example:21",
    "certificate",
    "SHA256:" + "a" * 42 + "A",
    "it has expired",
    Doubt.UNKNOWN,
    certificate=FACTS,
)
TLS = Failure(FailureClass.TLS, "The certificate is not trusted: it has expired.", "Ask the partner.")


def screen_text(app: WharfApp) -> str:
    return "\n".join(lines_of(app))


def flowing(app: WharfApp) -> str:
    """What stands on the screen, without the frame and the ends of lines."""
    return " ".join(" ".join(line.strip("│ ") for line in lines_of(app)).split())


def shows(engine: FakeEngine, report: TestReport) -> None:
    """From now on a test of the connection finds this."""
    engine.test_steps, engine.test_failure = report.steps, report.failure
    engine.test_identity = engine.identity = report.identity


async def open_test(app: WharfApp, pilot: Pilot[Any]) -> None:
    await settle(pilot)
    await pilot.press("t")
    await pilot.pause()
    await pilot.pause()


async def ended(app: WharfApp, pilot: Pilot[Any]) -> None:
    await app.workers.wait_for_complete()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_what_passes_is_told_with_its_warnings(app: WharfApp, engine: FakeEngine, size: tuple[int, int]) -> None:
    await engine.add("a", direction="outbound")
    shows(engine, sample_tests.passing("a"))
    engine.test_warnings = ["The server's certificate ends in 12 days[/]"]
    async with app.run_test(size=size) as pilot:
        await open_test(app, pilot)
        await ended(app, pilot)
        text = screen_text(app)
        assert "✓ Every step passed." in text
        assert "! The server's certificate ends in 12 days[/]" in text
        assert "esc close" in text
        assert engine.written == [True]


async def test_the_step_at_work_is_shown_until_it_has_ended(
    app: WharfApp, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.add("a")
    ends = asyncio.Event()

    async def test(connection: Connection, watcher: Watcher, **_: object) -> TestReport:
        watcher.begun("resolve")
        await ends.wait()
        event = Event(NOW, "resolve", "192.0.2.7", ms=3.0)
        watcher.ended(event)
        return TestReport(connection.name, True, [event], None)

    monkeypatch.setattr(engine, "test", test)
    async with app.run_test() as pilot:
        await open_test(app, pilot)
        assert "▶ resolve" in screen_text(app)
        ends.set()
        await ended(app, pilot)
        assert "▶" not in screen_text(app)
        assert "✓ resolve" in screen_text(app)


async def test_closing_the_dialog_ends_a_test_of_a_silent_server(form_app: WharfApp, real_engine: Engine) -> None:
    heard: list[Event] = []
    tested = real_engine.test

    async def test(connection: Connection, watcher: Watcher, **options: Any) -> TestReport:
        def ended(event: Event) -> None:
            heard.append(event)
            watcher.ended(event)

        return await tested(connection, Watcher(watcher.begun, ended), **options)

    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.MonkeyPatch.context() as patch:
        patch.setattr(real_engine, "test", test)
        endpoint = {"host": "127.0.0.1", "port": silent.getsockname()[1], "username": "u", "agent": True}
        await real_engine.store.save(fake_connection("a", local_dir="/tmp", sftp=endpoint))
        async with form_app.run_test() as pilot:
            await open_test(form_app, pilot)
            await until(pilot, lambda: "▶ identity" in screen_text(form_app))
            await pilot.press("escape")
            async with asyncio.timeout(2):
                while not heard or heard[-1].ok:
                    await pilot.pause()
            assert (heard[-1].step, heard[-1].detail) == ("identity", "cancelled")
            assert isinstance(form_app.screen, ConnectionsScreen)
            assert not form_app.workers


@pytest.mark.parametrize("size", SIZES)
async def test_an_unknown_key_is_accepted_only_by_a_decision(
    app: WharfApp, engine: FakeEngine, size: tuple[int, int]
) -> None:
    await engine.add("a")
    shows(engine, sample_tests.unknown_key("a"))
    async with app.run_test(size=size) as pilot:
        await open_test(app, pilot)
        assert isinstance(app.screen, TrustDialog)
        text = screen_text(app)
        identity = engine.identity
        assert identity is not None
        assert identity.fingerprint in text
        assert all(line in text for line in identity.picture)
        assert "/wharf/known_hosts" in text
        # Cancel has the focus.
        await pilot.press("enter")
        await ended(app, pilot)
        assert isinstance(app.screen, TestDialog)
        assert "✗ Failed at identity (host-key)." in screen_text(app)
        assert (engine.accepted, len(engine.tested)) == ([], 1)
        await pilot.press("t")
        await pilot.pause()
        await pilot.pause()
        await pilot.press("y")
        await ended(app, pilot)
        assert engine.accepted == [identity]
        assert "✓ Every step passed." in screen_text(app)
        assert len(engine.tested) == 3


@pytest.mark.parametrize("size", SIZES)
async def test_a_changed_key_is_shown_beside_the_old_one_and_no_key_accepts_it(
    app: WharfApp, engine: FakeEngine, size: tuple[int, int]
) -> None:
    await engine.add("a")
    shows(engine, sample_tests.changed_key("a"))
    async with app.run_test(size=size) as pilot:
        await open_test(app, pilot)
        text = screen_text(app)
        identity = engine.identity
        assert identity is not None
        (old,) = identity.known
        for before, now in zip(old.picture, identity.picture, strict=True):
            assert f"{before}  {now}" in text
        flat = "".join(line.strip("│ ") for line in lines_of(app))
        assert "line 4" in flat
        assert "--fingerprint" in text
        assert "Close (esc)" in text
        for key in ("y", "enter"):
            if not isinstance(app.screen, TrustDialog):
                await pilot.press("i")
                await pilot.pause()
            await pilot.press(key)
            await pilot.pause()
        await pilot.press("escape")
        await ended(app, pilot)
        assert engine.accepted == []


@pytest.mark.parametrize("doubt", [Doubt.CHANGED, Doubt.REVOKED, None])
async def test_only_what_nothing_speaks_against_can_be_accepted(
    app: WharfApp, engine: FakeEngine, doubt: Doubt | None
) -> None:
    await engine.add("a")
    shown = sample_tests.unknown_key("a").identity
    assert shown is not None
    async with app.run_test() as pilot:
        answers: list[bool | None] = []
        app.push_screen(TrustDialog("a", replace(shown, doubt=doubt), "/k"), answers.append)
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
        assert "(y)" not in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert answers == [False]


async def test_a_bad_certificate_is_shown_and_pinned_in_the_stored_connection(
    app: WharfApp, engine: FakeEngine
) -> None:
    await engine.add("a", method="ftp")
    engine.test_failure, engine.identity = TLS, CERTIFICATE
    async with app.run_test(size=(80, 24)) as pilot:
        await open_test(app, pilot)
        assert isinstance(app.screen, TrustDialog)
        text = screen_text(app)
        for words in (
            "CN=ftp.acme.example\\x1b]0;",
            "CN=[red]Some CA",
            "ftp.acme.example, 192.0.2.7",
        ):
            assert words in text
        assert "is not trusted: it has expired." in flowing(app)
        assert "! certificate has ended on 2025-03-01" in text
        assert CERTIFICATE.fingerprint in text
        await pilot.press("y")
        await ended(app, pilot)
        stored = engine.store.all["a"].ftp
        assert stored is not None
        assert stored.fingerprint == CERTIFICATE.fingerprint
        assert "✓ Every step passed." in screen_text(app)


async def test_a_failure_of_tls_that_is_not_about_the_certificate_asks_nothing(
    app: WharfApp, engine: FakeEngine
) -> None:
    await engine.add("a", method="ftp")
    engine.test_failure = TLS
    async with app.run_test() as pilot:
        await open_test(app, pilot)
        await ended(app, pilot)
        assert isinstance(app.screen, TestDialog)
        assert "✗ Failed at resolve (tls)." in screen_text(app)


async def test_a_host_certificate_that_is_not_trusted_asks_for_no_other_key(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a")
    engine.test_failure = Failure(FailureClass.HOST_KEY, "The host certificate is not trusted.", "Do not connect.")
    engine.identity = sample_tests.unknown_key("a").identity
    async with app.run_test() as pilot:
        await open_test(app, pilot)
        await ended(app, pilot)
        assert isinstance(app.screen, TestDialog)
        assert "Do not connect." in screen_text(app)


async def test_who_the_server_is_can_be_looked_at_any_time(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a")
    shown = sample_tests.unknown_key("a").identity
    assert shown is not None
    engine.identity = replace(shown, doubt=None, reason="known in /k, line 3")
    async with app.run_test() as pilot:
        await open_test(app, pilot)
        await ended(app, pilot)
        await pilot.press("i")
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, TrustDialog)
        assert "known in /k, line 3" in screen_text(app)
        await pilot.press("escape")
        await ended(app, pilot)
        engine.identity = None
        await pilot.press("i")
        await ended(app, pilot)
        assert "is not there" in screen_text(app)


async def test_writing_can_be_switched_off(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a", direction="outbound")
    async with app.run_test() as pilot:
        await open_test(app, pilot)
        await ended(app, pilot)
        assert "w without a test file" in screen_text(app)
        await pilot.press("w")
        await ended(app, pilot)
        assert "w with a test file" in screen_text(app)
        await pilot.press("t")
        await ended(app, pilot)
        assert engine.written == [True, False, False]


async def test_inbound_there_is_nothing_to_switch_off(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a")
    async with app.run_test() as pilot:
        await open_test(app, pilot)
        await ended(app, pilot)
        assert "test file" not in screen_text(app)
        await pilot.press("w")
        await ended(app, pilot)
        assert engine.written == [False]


async def test_what_cannot_be_kept_is_told(app: WharfApp, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    await engine.add("a")
    shows(engine, sample_tests.unknown_key("a"))

    async def accept(connection: Connection, identity: Identity) -> Accepted:
        raise ReadOnly

    monkeypatch.setattr(engine, "accept", accept)
    async with app.run_test() as pilot:
        await open_test(app, pilot)
        await pilot.press("y")
        await ended(app, pilot)
        assert str(ReadOnly()) in flowing(app)


async def test_a_failed_run_leads_to_the_question_by_one_key(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a")
    shows(engine, sample_tests.unknown_key("a"))
    await engine.ran("a", Status.FAILED, failure=engine.test_failure)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("t")
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, TrustDialog)
        await pilot.press("n", "escape", "enter")
        await settle(pilot)
        assert isinstance(app.screen, RunScreen)
        await pilot.press("t")
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, TrustDialog)
        await pilot.press("n")
        await ended(app, pilot)


async def test_a_pin_accepted_from_the_form_is_typed_into_the_form(
    form_app: WharfApp, real_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(connection: Connection, watcher: Watcher, **_: object) -> TestReport:
        assert connection.ftp is not None
        pinned = connection.ftp.fingerprint is not None
        event = Event(NOW, "identity", "seen", ok=pinned)
        watcher.ended(event)
        return TestReport(connection.name, pinned, [event], None if pinned else TLS)

    async def identify(connection: Connection) -> Identity:
        return CERTIFICATE

    monkeypatch.setattr(real_engine, "test", test)
    monkeypatch.setattr(real_engine, "identify", identify)
    async with form_app.run_test(size=(140, 45)) as pilot:
        await settle(pilot)
        await pilot.press("n")
        await settle(pilot)
        await fill(pilot, name="acme", method="ftp", local_dir="~/in")
        await pilot.pause()
        await fill(pilot, ftp__host="h", ftp__username="u", ftp__secret="env:X")
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(form_app.screen, TrustDialog))
        await pilot.press("y")
        await until(pilot, lambda: "Every step passed" in screen_text(form_app))
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(form_app.screen, ConnectionForm)
        assert row(form_app, "ftp.fingerprint").value == CERTIFICATE.fingerprint
        assert await real_engine.store.connections() == []
