"""What every test gets: folders of its own and nothing of the user's."""

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tui.paths import Paths

# How long an example takes says more about what else the machine does than about the test.
settings.register_profile("wharf", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wharf")

pytest_plugins = ("tests.servers.certificates", "tests.servers.mail")


def pytest_configure() -> None:
    # What runs in the background of a script is started with SIGINT ignored, and under nohup with SIGHUP; every program
    # that a test starts would ignore it as well.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        # Still without effect on the tests themselves; a handler, unlike this, is not inherited.
        signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture(autouse=True)
def _nothing_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("WHARF_HOME", str(tmp_path / "wharf"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def paths() -> Paths:
    """Wharf's folders, created, in the test's own temporary folder."""
    paths = Paths.from_environment()
    paths.prepare()
    return paths
