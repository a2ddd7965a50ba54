"""What was told can be read again, and copied."""

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine
from tests.console.form_support import until
from tui.console.app import WharfApp
from tui.console.dialogs.messages import MessagesDialog


async def test_every_notification_stays_in_the_log_with_time_and_severity(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.tell("The line is cut\x1b]0;owned\x07 by a[/red].csv.", "error")
        app.tell("All is well.")
        await pilot.press("m")
        await settle(pilot)
        assert isinstance(app.screen, MessagesDialog)
        lines = lines_of(app)
        (line,) = [line for line in lines if "a[/red].csv" in line]
        assert "error" in line
        assert "\\x1b]0;owned\\x07" in line
        assert any("information" in line and "All is well." in line for line in lines)
        await pilot.press("y")
        assert app.clipboard.endswith("information: All is well.")
        await pilot.press("k", "y")
        assert "error: The line is cut" in app.clipboard
        await pilot.press("Y")
        assert len(app.clipboard.splitlines()) == 2
        await pilot.press("escape")
        assert not isinstance(app.screen, MessagesDialog)


async def test_without_messages_it_says_so(app: WharfApp) -> None:
    async with app.run_test() as pilot:
        await pilot.press("m", "y", "k", "j")
        assert "No messages yet" in "\n".join(lines_of(app))


async def test_m_is_a_letter_while_something_is_typed(app: WharfApp) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("slash", "m")
        assert not isinstance(app.screen, MessagesDialog)


async def test_the_oldest_are_forgotten(app: WharfApp) -> None:
    for number in range(600):
        app.messages.add(str(number), "warning")
    assert len(app.messages) == 500
    assert next(iter(app.messages)).sentence == "100"


async def test_a_notification_begins_with_what_it_is(app: WharfApp) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        app.tell("It is done.")
        app.tell("Something is odd.", "warning")
        app.tell("Something went wrong.", "error")
        await until(pilot, lambda: any("✗ Something went wrong." in line for line in lines_of(app)))
        shown = "\n".join(lines_of(app))
    assert "▌ It is done." in shown
    assert "▌ ! Something is odd." in shown
    assert [message.sentence for message in app.messages] == [
        "It is done.",
        "Something is odd.",
        "Something went wrong.",
    ]
