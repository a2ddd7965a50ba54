"""Everything that operators and partners get wrong, run at once: connections that must fail beside one that must not.

Wharf runs as the process that a user starts. Around it are real servers, folders without rights and full disks. What it
said, what it has on record and what its screens show of it is the evidence that the tests examine.
"""

import asyncio
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tests.console.conftest import lines_of, settle
from tests.engine.conftest import open_test_engine
from tests.servers.certificates import Certificates
from tests.servers.debian import free_port
from tests.servers.ftp import PASSWORD, vsftpd
from tests.servers.mail import USERNAME, running_dovecot, running_exim
from tests.servers.openssh import OpenSsh, run_openssh
from tests.servers.sftp_server import run_sftp_server
from tui.console.app import WharfApp
from tui.console.widgets.row_table import RowTable
from tui.console.widgets.run_detail import RunDetail
from tui.console.widgets.run_text import Entry
from tui.domain.connection import Connection
from tui.domain.terms import FtpTls
from tui.engine import Engine
from tui.paths import Paths

CONTENT = b"1,2\n" * 50_000
"""A batch file: 200 kB, more than the full disks have room for."""

HARMLESS_NAMES = ("plain.csv", "a[red].csv", "b[bold.csv", "=1+1.csv")
HOSTILE_NAMES = (b"x\x1b]0;t\x07.csv", b"two\r\nlines.csv", b"back\\slash.csv", b"\xff\xfe.csv")

_DISK = "64k"
_PATIENCE = 60.0
_COLUMNS = 140

_NO_PRIVILEGE = (
    *("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search", "--"),
)
"""Takes away from root what would let it write where the rights say no."""


def can_fill_disks() -> bool:
    """Whether a small disk can be mounted here, seen only by the process it is made for."""
    return subprocess.run([*_UNSHARED, "true"], capture_output=True, check=False).returncode == 0


_UNSHARED = ("unshare", "--mount", *(("--user", "--map-root-user") if os.geteuid() else ()))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known after two runs of everything: one told as JSON, one told to people."""

    code: int
    runs: Mapping[str, dict[str, Any]]
    """What `wharf run --json` printed, by connection."""
    history: Mapping[str, dict[str, Any]]
    """What `wharf history --json` printed of the same runs."""
    told: str
    """What `wharf run` printed for people."""
    history_told: str
    stderr: str
    shown: Mapping[str, str]
    """The words that the history screen shows of each run, by connection."""
    screens_with_names: Sequence[str]
    """The screens that show the hostile names, as text and as SVG."""
    local: Mapping[str, list[str]]
    """The names in the local folders afterwards, by connection."""


@dataclass(frozen=True, slots=True)
class _Place:
    root: Path

    @property
    def home(self) -> Path:
        return self.root / "wharf"

    @property
    def full_disk(self) -> Path:
        """Where Wharf's process has a full disk."""
        return self.folder("local/full-disk")

    def folder(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "HOME": str(self.folder("user")),
            "WHARF_HOME": str(self.home),
            "RIGHT": PASSWORD,
            "WRONG": "wrong-password",
        }

    def paths(self) -> Paths:
        return Paths(self.home / "config", self.home / "data", self.home / "state")


async def gather_evidence(root: Path, certificates: Certificates) -> Evidence:
    """Set the stage, run everything twice and look at it from all sides."""
    place = _Place(root)
    paths = place.paths()
    paths.prepare()
    async with _connections(place, certificates) as connections:
        engine = await open_test_engine(paths)
        try:
            await engine.store.save_all(connections, replace=False)
        finally:
            await engine.close()
        names = [connection.name for connection in connections]
        code, out, first_errors = await _wharf(place, "run", *names, "--json")
        runs = {run["connection"]: run for run in json.loads(out)}
        _, out, _ = await _wharf(place, "history", "--json", "--limit", "100")
        history = {run["connection"]: run for run in json.loads(out)}
        local = {name: _names_in(root / "local" / name) for name in names}
        local["full-disk"] = (root / "on-the-full-disk").read_text().split() if can_fill_disks() else []
        screens = await _look_at_screens(paths, runs)
        _, told, second_errors = await _wharf(place, "run", *names)
        _, history_told, _ = await _wharf(place, "history", "--limit", "100")
    return Evidence(code, runs, history, told, history_told, first_errors + second_errors, *screens, local)


def _names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


async def _wharf(place: _Place, *argv: str) -> tuple[int, str, str]:
    command = [*_NO_PRIVILEGE, sys.executable, "-m", "tui", *argv]
    if can_fill_disks():
        script = f"""
            mount -t tmpfs -o size={_DISK},mode=0700 wharf {shlex.quote(str(place.full_disk))} || exit 99
            {shlex.join(command)}; code=$?
            ls -A {shlex.quote(str(place.full_disk))} > {shlex.quote(str(place.root / "on-the-full-disk"))}
            exit $code
        """
        command = [*_UNSHARED, "sh", "-c", script]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=place.environment(),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, 9)
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


# The connections


@asynccontextmanager
async def _connections(place: _Place, certificates: Certificates) -> AsyncIterator[list[Connection]]:
    partner = place.folder("partner")
    (partner / "good.csv").write_bytes(CONTENT)
    hostile = place.folder("hostile")
    for name in [name.encode() for name in HARMLESS_NAMES] + list(HOSTILE_NAMES):
        (hostile / os.fsdecode(name)).write_bytes(b"1,2\n")
    async with AsyncExitStack() as stack:
        ssh = await stack.enter_async_context(run_openssh(place.root / "sshd"))
        password_server = await stack.enter_async_context(run_sftp_server(place.root / "password"))
        ftp = stack.enter_context(vsftpd(FtpTls.EXPLICIT, certificates.good))
        expired = stack.enter_context(vsftpd(FtpTls.EXPLICIT, certificates.expired))
        smtp = stack.enter_context(running_exim(certificates.good))
        imap = stack.enter_context(running_dovecot(certificates.good))
        over_ssh: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": ssh.port,
            "username": ssh.user,
            "key": str(ssh.key),
            "host_key": ssh.host_key.get_fingerprint(),
            "directory": str(partner),
        }
        over_ftp: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": ftp.port,
            "username": ftp.username,
            "secret": "env:RIGHT",
            "ca_file": str(certificates.ca_file),
            "directory": "in",
        }
        over_password: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": password_server.port,
            "username": "wharf",
            "secret": "env:WRONG",
            "host_key": password_server.host_key.get_fingerprint(),
        }
        over_mail: dict[str, Any] = {
            "host": "localhost",
            "ca_file": str(certificates.ca_file),
            "username": USERNAME,
            "secret": "env:WRONG",
        }
        over_smtp = {"port": smtp.starttls_port, "sender": "us@acme.example", "recipients": ["in@acme.example"]}

        def sftp(name: str, endpoint: dict[str, Any] | None = None, **changes: Any) -> Connection:
            return _connection(place, name, "sftp", over_ssh | (endpoint or {}), changes)

        def ftp_to(name: str, endpoint: dict[str, Any]) -> Connection:
            return _connection(place, name, "ftp", over_ftp | endpoint, {})

        connections = [
            sftp("good"),
            sftp("no-match", pattern="Nothing_*.csv"),
            sftp("no-local-folder", local_dir=str(place.root / "missing")),
            sftp("local-is-a-file", local_dir=str(partner / "good.csv")),
            sftp("read-only-folder"),
            sftp("unresolved", {"host": "no-such-host.invalid"}),
            sftp("refused-port", {"port": free_port()}),
            sftp("unknown-host-key", {"host_key": None}),
            sftp("other-host-key", {"host_key": certificates.good.fingerprint}),
            sftp("no-remote-folder", {"directory": "/nowhere/at-all"}),
            sftp("hostile-names", {"directory": str(hostile)}),
            _connection(place, "wrong-password-sftp", "sftp", over_password, {}),
            ftp_to("wrong-password-ftp", {"secret": "env:WRONG"}),
            ftp_to("expired-certificate", {"port": expired.port}),
            _connection(place, "wrong-password-smtp", "email", over_mail | over_smtp, {"direction": "outbound"}),
            _connection(place, "wrong-password-imap", "email", over_mail | {"port": imap.starttls_port}, {}),
        ]
        (place.root / "local/wrong-password-smtp/good.csv").write_bytes(CONTENT)
        (place.root / "local" / "read-only-folder").chmod(0o500)
        if can_fill_disks():
            full = await stack.enter_async_context(_server_with_a_full_disk(place))
            place.folder("local/full-disk-there")
            (place.root / "local/full-disk-there/good.csv").write_bytes(CONTENT)
            full_endpoint = {"port": full.port, "key": str(full.key), "host_key": full.host_key.get_fingerprint()}
            connections += [
                sftp("full-disk"),
                sftp("full-disk-there", full_endpoint | {"directory": str(place.folder("disk"))}, direction="outbound"),
            ]
        yield connections


def _connection(place: _Place, name: str, method: str, endpoint: dict[str, Any], changes: dict[str, Any]) -> Connection:
    fields: dict[str, Any] = {
        "name": name,
        "direction": "inbound",
        "method": method,
        "local_dir": str(place.folder(f"local/{name}")),
        "pattern": "*.csv",
        "retries": 0,
        method: {key: value for key, value in endpoint.items() if value is not None},
    }
    return Connection.model_validate(fields | changes)


@asynccontextmanager
async def _server_with_a_full_disk(place: _Place) -> AsyncIterator[OpenSsh]:
    """A real server; each of its sessions has a small disk of its own."""
    disk = shlex.quote(str(place.folder("disk")))
    session = place.root / "session"
    server = shutil.which("sftp-server", path="/usr/lib/openssh:/usr/libexec/openssh:/usr/lib/ssh")
    session.write_text(
        f"#!/bin/sh\nexec {shlex.join(_UNSHARED)} sh -c "
        + shlex.quote(f"mount -t tmpfs -o size={_DISK} wharf {disk} && exec {server}")
        + "\n"
    )
    session.chmod(0o700)
    async with run_openssh(place.root / "full-sshd", sftp=str(session)) as running:
        yield running


# The screens


async def _look_at_screens(paths: Paths, runs: Mapping[str, dict[str, Any]]) -> tuple[dict[str, str], list[str]]:
    """What the history screen shows of each run, and the screens that show the hostile names as text and as SVG."""
    engine = await open_test_engine(paths)
    try:
        return await _screens_over(engine, runs)
    finally:
        await engine.close()


async def _screens_over(engine: Engine, runs: Mapping[str, dict[str, Any]]) -> tuple[dict[str, str], list[str]]:
    shown, with_names = {}, []
    app = WharfApp(engine)
    async with app.run_test(size=(_COLUMNS, 45)) as pilot:
        await settle(pilot)
        await pilot.press("h")
        await settle(pilot)
        for _ in runs:
            entry = app.screen.query_one(RowTable).current
            assert isinstance(entry, Entry)
            shown[entry.run.connection] = _detail_of(app)
            if entry.run.connection == "hostile-names":
                with_names += await _screens_of_the_run(app, pilot)
            await pilot.press("j")
            await pilot.pause()
    return shown, with_names


async def _screens_of_the_run(app: WharfApp, pilot: Pilot[Any]) -> list[str]:
    """The history, the files of the run under the cursor and its events, each as text and as SVG."""
    seen = ["\n".join(lines_of(app)), app.export_screenshot()]
    for key in ("enter", "tab"):
        await pilot.press(key)
        await settle(pilot)
        seen += ["\n".join(lines_of(app)), app.export_screenshot()]
    await pilot.press("escape")
    await settle(pilot)
    return seen


def _detail_of(app: WharfApp) -> str:
    """The words in the pane of the run under the cursor, whatever line they were wrapped into."""
    pane = app.screen.query_one(RunDetail).region
    return " ".join(" ".join(lines_of(app)[pane.y : pane.bottom]).split())
