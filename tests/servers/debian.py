"""Find the programs of Debian packages.

The FTP servers exclude one another in apt, so CI unpacks each package into `.debian/PACKAGE/` and runs it from there; a
program installed in the usual way serves as well.
"""

import os
import secrets
import shutil
import socket
from contextlib import suppress
from pathlib import Path

import pytest

UNPACKED = Path(__file__).parents[2] / ".debian"
_NEVER_OUTGOING = range(20_000, 32_768)
"""Linux gives outgoing connections higher ports (ip(7), ip_local_port_range)."""


def find_program(name: str, package: str) -> Path:
    """The path of a server's program. Absent: a skip that names the package; in CI a failure."""
    folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", *os.environ.get("PATH", "").split(":")]
    unpacked = [str(UNPACKED / package / folder) for folder in ("usr/sbin", "usr/bin", "usr/lib/openssh")]
    found = shutil.which(name, path=":".join(unpacked + folders))
    if found:
        return Path(found)
    message = f"{name} is not installed: apt-get install {package}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def free_port() -> int:
    """A TCP port on loopback that nobody uses now, and that no outgoing connection will be given before it is used."""
    while True:
        port = secrets.choice(_NEVER_OUTGOING)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port
