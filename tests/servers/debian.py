"""Find the programs of Debian packages.

The FTP servers exclude one another in apt, so CI unpacks each package into `.debian/PACKAGE/` and runs it from there; a
program installed in the usual way serves as well.
"""

import os
import shutil
import socket
from pathlib import Path

import pytest

UNPACKED = Path(__file__).parents[2] / ".debian"


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
    """A TCP port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
