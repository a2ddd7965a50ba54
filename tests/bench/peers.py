"""How other programs are asked to do a work: each in the way of its manual, and once more at its best setting."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.works import Work
from tests.servers.debian import UNPACKED

FAST_CIPHER = "aes128-gcm@openssh.com"
"""The fastest that OpenSSH has on processors with AES instructions."""


@dataclass(frozen=True, slots=True)
class Move:
    """One round of a work: whence, whither, and how to reach the server."""

    work: Work
    port: int
    username: str
    local: Path
    remote: str
    """The folder as the server calls it."""
    names: Sequence[str]
    scratch: Path
    """Where a program may put what it needs."""
    key: Path | None = None
    password: str = ""
    ca_file: Path | None = None
    known_hosts: Path | None = None

    @property
    def is_one_file(self) -> bool:
        return self.work.files == 1


@dataclass(frozen=True, slots=True)
class Command:
    """What is started for a round."""

    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: Path | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """A program with one setting."""

    name: str
    program: str
    methods: frozenset[str]
    command: Callable[[Move, str], Command]
    """Of a move and the path of the program."""

    def path(self) -> str | None:
        """Where the program is, if it is installed."""
        folders = [str(UNPACKED / self.program / "usr/bin"), os.environ.get("PATH", "")]
        return shutil.which(self.program, path=":".join(folders))


# OpenSSH


def _ssh_options(move: Move) -> list[str]:
    return [
        *("-i", str(move.key)),
        *("-o", f"UserKnownHostsFile={move.known_hosts}"),
        *("-o", "StrictHostKeyChecking=yes"),
        *("-o", "IdentitiesOnly=yes"),
        *("-F", "none"),
    ]


def _sftp(*tuning: str) -> Callable[[Move, str], Command]:
    def command(move: Move, program: str) -> Command:
        batch = move.scratch / "batch"
        verb = "get" if move.work.inbound else "put"
        batch.write_text(f"lcd {move.local}\ncd {move.remote}\n{verb} *\n")
        port = "-P", str(move.port)
        options = [*_ssh_options(move), *port, "-q", "-b", str(batch), *tuning]
        return Command([program, *options, f"{move.username}@127.0.0.1"])

    return command


def one_stream(move: Move) -> Command:
    """One file through one cipher and nothing else: what the way itself can carry."""
    name = move.names[0]
    here, there = move.local / name, f"{move.remote}/{name}"
    ssh = shutil.which("ssh") or "ssh"
    options = [*_ssh_options(move), "-p", str(move.port), "-q", "-c", FAST_CIPHER, f"{move.username}@127.0.0.1"]
    if move.work.inbound:
        script = move.scratch / "stream"
        script.write_text(f'exec "$@" "cat {there}" > {here}\n')
        return Command(["/bin/sh", str(script), ssh, *options])
    return Command([ssh, *options, f"cat > {there}"], stdin=here)


# lftp


def _lftp(*tuning: str, cipher: str = "") -> Callable[[Move, str], Command]:
    def command(move: Move, program: str) -> Command:
        return Command([program, "--norc", "-c", "; ".join([*_lftp_opening(move, cipher), *tuning, _lftp_copy(move)])])

    return command


def _lftp_opening(move: Move, cipher: str) -> list[str]:
    settings = ["set cmd:fail-exit true", "set net:max-retries 1", "set net:timeout 60"]
    user = f"{move.username},{move.password}"
    if move.work.method == "sftp":
        ssh = " ".join(["ssh", "-a", "-x", *_ssh_options(move), *(["-c", cipher] if cipher else [])])
        return [*settings, f"set sftp:connect-program '{ssh}'", f"open -u '{user}' sftp://127.0.0.1:{move.port}"]
    tls = "true" if move.work.method == "ftps" else "false"
    settings += [f"set ftp:ssl-allow {tls}", f"set ftp:ssl-force {tls}", f"set ftp:ssl-protect-data {tls}"]
    if move.ca_file:
        settings.append(f"set ssl:ca-file {move.ca_file}")
    return [*settings, f"open -u '{user}' ftp://127.0.0.1:{move.port}"]


def _lftp_copy(move: Move) -> str:
    if move.is_one_file:
        name = move.names[0]
        if move.work.inbound:
            return f"get -O {move.local} {move.remote}/{name}"
        return f"put -O {move.remote} {move.local}/{name}"
    if move.work.inbound:
        return f"mirror -P 8 {move.remote} {move.local}"
    return f"mirror -P 8 --reverse {move.local} {move.remote}"


# rclone


def _rclone(*tuning: str) -> Callable[[Move, str], Command]:
    def command(move: Move, program: str) -> Command:
        environment = {
            "RCLONE_CONFIG_PEER_TYPE": "sftp",
            "RCLONE_CONFIG_PEER_HOST": "127.0.0.1",
            "RCLONE_CONFIG_PEER_PORT": str(move.port),
            "RCLONE_CONFIG_PEER_USER": move.username,
            "RCLONE_CONFIG_PEER_KEY_FILE": str(move.key),
            "RCLONE_CONFIG_PEER_KNOWN_HOSTS_FILE": str(move.known_hosts),
        }
        remote = f"peer:{move.remote}"
        places = [remote, str(move.local)] if move.work.inbound else [str(move.local), remote]
        return Command([program, "copy", *places, "--config", "/dev/null", *tuning], environment)

    return command


# curl, for one file


def _curl(move: Move, program: str) -> Command:
    name = move.names[0]
    # The server's folder is below the one of the login.
    url = f"ftp://127.0.0.1:{move.port}{move.remote}/{name}"
    options = ["--silent", "--show-error", "--fail", "--user", f"{move.username}:{move.password}"]
    if move.work.method == "ftps":
        options += ["--ssl-reqd", "--cacert", str(move.ca_file)]
    here = str(move.local / name)
    return Command([program, *options, *(["-o", here] if move.work.inbound else ["-T", here]), url])


_ONE_OF_FTP = frozenset({"ftp", "ftps"})
_SFTP = frozenset({"sftp"})

PEERS: Sequence[Peer] = (
    Peer("sftp", "sftp", _SFTP, _sftp()),
    Peer("sftp tuned", "sftp", _SFTP, _sftp("-B", "261120", "-R", "64", "-c", FAST_CIPHER)),
    Peer("lftp", "lftp", _SFTP | _ONE_OF_FTP, _lftp()),
    Peer(
        "lftp tuned",
        "lftp",
        _SFTP,
        _lftp(
            "set sftp:max-packets-in-flight 64",
            "set sftp:size-read 65280",
            "set sftp:size-write 65280",
            cipher=FAST_CIPHER,
        ),
    ),
    Peer("rclone", "rclone", _SFTP, _rclone()),
    Peer(
        "rclone tuned",
        "rclone",
        _SFTP,
        _rclone(
            *("--transfers", "32", "--checkers", "32"),
            *("--sftp-chunk-size", "255k", "--sftp-concurrency", "64"),
            *("--sftp-disable-hashcheck", "--ignore-checksum"),
        ),
    ),
    Peer("curl", "curl", _ONE_OF_FTP, _curl),
)


def peers_for(work: Work) -> list[Peer]:
    """Those that can do the work. curl moves many files one after the other, which is not what it is for."""
    return [peer for peer in PEERS if work.method in peer.methods and (peer.program != "curl" or work.files == 1)]
