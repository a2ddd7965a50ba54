"""What tests of connections find in the sample week, as data: one that passes and two that do not."""

import base64
import hashlib
from pathlib import Path

import asyncssh

from tests.sample_week import NOW
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.run import Event
from tui.engine.inspection import TestReport
from tui.trust.hostkeys import HostKeys, Place
from tui.trust.identity import NotTrusted

KNOWN_HOSTS = "/home/ops/.config/wharf/known_hosts"
HOST = "sftp.acme.example"

_PLACE = Place(Path(KNOWN_HOSTS), 4)


def _key(seed: str) -> asyncssh.SSHKey:
    """A key that is always the same; nobody has its private half."""
    kind, point = b"ssh-ed25519", hashlib.sha256(seed.encode()).digest()
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (kind, point))
    return asyncssh.import_public_key(b"ssh-ed25519 " + base64.b64encode(blob))


_OLD, _NEW = _key("before"), _key("now")

_BEGIN = [
    Event(NOW, "local folder", "/home/ops/batches/acme", ms=0.4),
    Event(NOW, "resolve", "192.0.2.7", ms=3.1),
    Event(NOW, "connect", "192.0.2.7, SSH-2.0-OpenSSH_9.6", ms=24.0),
]
_JUDGED = HostKeys(HOST, 22, {_NEW: _PLACE}).judge(_NEW)
_TRUSTED = Event(NOW, "identity", f"{_JUDGED.kind} {_JUDGED.fingerprint}, {_JUDGED.reason}", ms=61.0)
_REST = [
    Event(NOW, "login", "wharf, key /home/ops/.ssh/partners_ed25519", ms=48.0),
    Event(NOW, "folder", "/incoming", ms=12.0),
    Event(NOW, "list", "4 files, 2 match Modifications_*.csv: Modifications_20260304_01.csv, …_02.csv", ms=0.9),
    Event(NOW, "write", "wharf-test-5f1c22ab.wharf-part was written, renamed and removed", ms=71.0),
    Event(NOW, "space", "48 GB free here, 912 GB free there", ms=13.0),
    Event(NOW, "clock", "the other side's clock agrees with ours to the second", ms=0.1),
    Event(
        NOW,
        "offers",
        "SFTP version 3, reads of up to 261 kB, writes of up to 261 kB, posix-rename, statvfs, fsync, limits",
        ms=0.1,
    ),
]


def passing(name: str) -> TestReport:
    return TestReport(name, True, [*_BEGIN, _TRUSTED, *_REST], None)


def unknown_key(name: str) -> TestReport:
    return _at_identity(name, HostKeys(HOST, 22))


def changed_key(name: str) -> TestReport:
    return _at_identity(name, HostKeys(HOST, 22, {_OLD: _PLACE}))


def refused_login(name: str) -> TestReport:
    error = TransferFailed(
        FailureClass.AUTH,
        f"{HOST}:22 has refused the login of wharf (key /home/ops/.ssh/partners_ed25519).",
    )
    failed = Event(NOW, "login", str(error), ok=False, ms=2_310.0)
    return TestReport(name, False, [*_BEGIN, _TRUSTED, failed], error.failure)


def _at_identity(name: str, known: HostKeys) -> TestReport:
    try:
        known.why_trusted(_NEW, name)
    except NotTrusted as error:
        failed = Event(NOW, "identity", str(error), ok=False, ms=61.0)
        return TestReport(name, False, [*_BEGIN, failed], error.failure, identity=error.identity)
    raise AssertionError("the key is trusted")
