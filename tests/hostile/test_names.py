"""No name leaves the folder it is meant for, or turns into a command, whichever way it comes in or goes out: whatever
hypothesis finds, through the real local folder and real servers."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.conftest import open_test_engine
from tests.engine.peer import Partner
from tests.hostile.conftest import connection
from tests.hostile.texts import names
from tests.methods.ftp_support import connection_to
from tests.methods.test_folder import no_secret
from tests.servers.certificates import Certificates
from tests.servers.ftp import PASSWORD, FtpServer, proftpd
from tests.servers.sftp_server import run_sftp_server
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import why_unsafe
from tui.domain.run import Event, Run
from tui.domain.terms import FtpTls
from tui.methods.base import Surroundings
from tui.methods.folder import LocalFolder
from tui.methods.narration import Narrator
from tui.paths import Paths

_PATHS = st.sampled_from(
    [
        "..",
        ".",
        "/",
        "../x",
        "/x",
        "a/../../x",
        "..\\x",
        "x/",
        "a\r\nDELE b",
        "a\nQUIT",
        "-rf",
        "~",
        "x.wharf-part",
        " x",
        "x ",
    ]
)
NAMES = st.lists(names | _PATHS | st.text(min_size=200, max_size=300), min_size=1, max_size=12, unique=True)

SETTINGS = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


async def ended(paths: Paths, wanted: Connection) -> Run:
    engine = await open_test_engine(paths)
    try:
        await engine.store.save(wanted)
        return await engine.wait((await engine.start(wanted.name)).run_id)
    finally:
        await engine.close()


def paths_in(folder: Path) -> Paths:
    paths = Paths(folder / "wharf" / "config", folder / "wharf" / "data", folder / "wharf" / "state")
    paths.prepare()
    return paths


def outside(root: Path, *inside: Path) -> list[str]:
    """What is below the root but neither in one of these folders nor of Wharf's own."""
    own = (*inside, root / "wharf")
    found = (path for path in root.rglob("*") if not any(path == each or each in path.parents for each in own))
    return sorted(str(path.relative_to(root)) for path in found)


def nested(root: Path, *names: str) -> list[Path]:
    """Folders some levels down, so that there is somewhere to climb to."""
    made = [root / "a" / "b" / name for name in names]
    for folder in made:
        folder.mkdir(parents=True)
    return made


@given(offered=NAMES)
@SETTINGS
def test_names_of_a_partner(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, offered: list[str]
) -> None:
    root = tmp_path_factory.mktemp("names")
    (landing,) = nested(root, "landing")
    partner = Partner(files={name: name.encode("utf-8", "surrogatepass") for name in offered})
    monkeypatch.setattr("tui.engine.sides.make_sides", partner.sides)
    monkeypatch.setattr("tui.engine.selection.SECOND_LOOK_AFTER", 0.0)
    run = asyncio.run(ended(paths_in(root), connection("sftp", 1, landing, host_key="SHA256:" + "A" * 43)))
    assert run.ended is not None
    assert outside(root, landing) == ["a", "a/b"]
    landed = {path.name: path.read_bytes() for path in landing.iterdir()}
    assert all(path.is_file() and not path.is_symlink() for path in landing.iterdir())
    assert landed.keys() <= {name for name in offered if why_unsafe(name) is None}
    assert all(content == name.encode() for name, content in landed.items())


def waiting_files(folder: Path, offered: list[str]) -> dict[str, bytes]:
    """The files that can be made of these names: those with a slash or NUL cannot."""
    made = {}
    for name in offered:
        try:
            (folder / name).write_bytes(content := os.fsencode(name))
        except (OSError, ValueError):
            continue
        if (folder / name).parent == folder:
            made[name] = content
    return made


@given(offered=NAMES)
@SETTINGS
def test_names_given_to_an_sftp_server(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, offered: list[str]
) -> None:
    root = tmp_path_factory.mktemp("names")
    waiting, served = nested(root, "waiting", "served")
    made = waiting_files(waiting, [name for name in offered if "/" not in name and name not in {".", ".."}])
    monkeypatch.setenv("PARTNER", "open sesame")
    monkeypatch.setattr("tui.engine.selection.SECOND_LOOK_AFTER", 0.0)

    async def run() -> None:
        async with run_sftp_server(served) as server:
            key = server.host_key.get_fingerprint()
            wanted = connection("sftp", server.port, waiting, direction="outbound", host_key=key, directory="/")
            await ended(paths_in(root), wanted)

    asyncio.run(run())
    assert outside(root, waiting, served) == ["a", "a/b"]
    arrived = {path.name: path.read_bytes() for path in served.iterdir()}
    assert arrived.keys() <= made.keys()
    assert all(why_unsafe(name) is None and content == made[name] for name, content in arrived.items())


@pytest.fixture(scope="module")
def ftp_server(certificates: Certificates) -> Iterator[FtpServer]:
    with proftpd(FtpTls.NONE, certificates.good) as server:
        yield server


@given(offered=NAMES)
@SETTINGS
def test_names_given_to_an_ftp_server(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    ftp_server: FtpServer,
    certificates: Certificates,
    offered: list[str],
) -> None:
    root = tmp_path_factory.mktemp("names")
    (waiting,) = nested(root, "waiting")
    made = waiting_files(waiting, [name for name in offered if "/" not in name and name not in {".", ".."}])
    for path in ftp_server.files.iterdir():
        path.unlink()
    (ftp_server.files / "b").write_text("precious")
    around = _around(ftp_server.files)
    monkeypatch.setenv("PARTNER", PASSWORD)
    monkeypatch.setattr("tui.engine.selection.SECOND_LOOK_AFTER", 0.0)
    endpoint = {"secret": "env:PARTNER"}
    wanted = connection_to(ftp_server, FtpTls.NONE, certificates, local_dir=str(waiting), retries=0, endpoint=endpoint)
    asyncio.run(ended(paths_in(root), wanted))
    assert _around(ftp_server.files) == around
    arrived = {path.name: path.read_bytes() for path in ftp_server.files.iterdir() if path.name in made}
    assert {path.name for path in ftp_server.files.iterdir()} - {"b"} <= made.keys()
    assert (ftp_server.files / "b").exists()
    assert all(why_unsafe(name) is None and content == made[name] for name, content in arrived.items() if name != "b")


def _around(folder: Path) -> list[Path]:
    """What lies beside the folder, but for the locks that its server takes and leaves as it likes."""
    beside = (path for path in folder.parent.rglob("*") if folder not in path.parents)
    return sorted(path for path in beside if path.suffix != ".lck")


async def test_links_in_the_local_folder_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outbound they could show files that nobody meant to send, inbound overwrite some that nobody meant to touch."""
    waiting, served, landing, precious = nested(tmp_path, "waiting", "served", "landing", "precious")
    for name in ("outbound.csv", "inbound.csv", "inbound.csv.wharf-part"):
        (precious / name).write_text("precious")
    (waiting / "link.csv").symlink_to(precious / "outbound.csv")
    (waiting / "honest.csv").write_text("1;2")
    (waiting / "within.csv").symlink_to("honest.csv")
    (waiting / "circle.csv").symlink_to("circle.csv")
    (landing / "inbound.csv").symlink_to(precious / "inbound.csv")
    (landing / "inbound.csv.wharf-part").symlink_to(precious / "inbound.csv.wharf-part")
    monkeypatch.setenv("PARTNER", "open sesame")
    monkeypatch.setattr("tui.engine.selection.SECOND_LOOK_AFTER", 0.0)
    async with run_sftp_server(served) as server:
        key = server.host_key.get_fingerprint()

        async def run(direction: str, folder: Path, pattern: str) -> Run:
            wanted = connection("sftp", server.port, folder, direction=direction, host_key=key, directory="/")
            wanted = wanted.model_copy(update={"pattern": (pattern,)})
            return await ended(paths_in(tmp_path / direction), wanted)

        sent = await run("outbound", waiting, "*")
        assert sent.failure is not None
        assert sent.failure.failure_class is FailureClass.UNSAFE_NAME
        assert "link.csv was left where it is: it is a link that leads out of the folder." in sent.failure.message
        assert {path.name: path.read_text() for path in served.iterdir()} == {"honest.csv": "1;2", "within.csv": "1;2"}
        (served / "inbound.csv").write_text("3;4")
        await run("inbound", landing, "inbound.csv")
    assert {path.read_text() for path in precious.iterdir()} == {"precious"}
    if not (landing / "inbound.csv").is_symlink():
        assert (landing / "inbound.csv").read_text() == "3;4"


@pytest.mark.parametrize("large", [False, True])
async def test_a_file_that_becomes_a_link_after_the_listing_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    (waiting,) = nested(tmp_path, "waiting")
    (tmp_path / "precious").write_bytes(b"x" * 1000)
    events: list[Event] = []
    folder = LocalFolder(
        connection("sftp", 1, waiting, direction="outbound", host_key="SHA256:" + "A" * 43),
        Surroundings(Narrator(events.append), no_secret, tmp_path),
    )
    (waiting / "a.csv").write_bytes(b"y" * 1000)
    (entry,) = await folder.list_files()
    (waiting / "a.csv").unlink()
    (waiting / "a.csv").symlink_to(tmp_path / "precious")
    with pytest.raises(TransferFailed, match="leads out of the folder"):
        if large:
            async with folder.read(entry):
                pass
        else:
            (outcome,) = await folder.read_each([entry])
            assert isinstance(outcome, TransferFailed)
            raise outcome


async def test_a_link_of_a_partner_arrives_as_the_file_that_the_partner_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it leads to is the partner's; with us it becomes a file, and no link."""
    served, landing = nested(tmp_path, "served", "landing")
    (served / "today.csv").write_text("1;2")
    (served / "latest.csv").symlink_to("today.csv")
    (served / "endless.csv").symlink_to("endless.csv")
    (served / "nowhere.csv").symlink_to("/nowhere/at/all")
    (served / "folder.csv").symlink_to(tmp_path)
    monkeypatch.setenv("PARTNER", "open sesame")
    monkeypatch.setattr("tui.engine.selection.SECOND_LOOK_AFTER", 0.0)
    async with run_sftp_server(served) as server:
        key = server.host_key.get_fingerprint()
        run = await ended(paths_in(tmp_path), connection("sftp", server.port, landing, host_key=key, directory="/"))
    assert run.failure is None
    assert {path.name: path.read_text() for path in landing.iterdir()} == {"today.csv": "1;2", "latest.csv": "1;2"}
    assert not any(path.is_symlink() for path in landing.iterdir())
