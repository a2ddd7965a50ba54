"""vsftpd, ProFTPD and Pure-FTPd for tests: each in a folder of its own, with a user of its own, none of the system's.

Run as root they serve as `daemon`, an unprivileged user of every Debian. None of them touches the accounts, PAM or the
services of the machine: ProFTPD and Pure-FTPd read a user file, vsftpd checks the password of its anonymous user
against a list.
"""

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.outside import descendants, seen
from tests.servers.certificates import ServerCertificate
from tests.servers.debian import UNPACKED, find_program, free_port
from tui.domain.terms import FtpTls

PASSWORD = "correct horse 42"


@dataclass(frozen=True, slots=True)
class FtpServer:
    """A running server. `files` is the folder in which a client finds itself after the login."""

    program: str
    port: int
    files: Path
    username: str
    process: subprocess.Popen[bytes]
    log: Path
    """Where the server writes down the commands it gets."""

    def session_pids(self) -> list[int]:
        """The processes that serve clients now."""
        return descendants(self.process.pid)


@dataclass(frozen=True, slots=True)
class _Place:
    """The folders of one server."""

    root: Path

    @property
    def files(self) -> Path:
        return self.root / "files"

    @property
    def log(self) -> Path:
        return self.root / "commands.log"


@dataclass(frozen=True, slots=True)
class _Account:
    """As whom a server serves: an unprivileged user of the system, or whoever runs the tests."""

    user: str
    group: str
    uid: int
    gid: int


@contextmanager
def vsftpd(tls: FtpTls, certificate: ServerCertificate) -> Iterator[FtpServer]:
    """vsftpd that insists on session reuse for data connections. It offers no MLSD and no hash."""
    program = find_program("vsftpd", "vsftpd")
    port = free_port()
    with _place() as place:
        account = _account()
        passwords = place.root / "passwords"
        passwords.write_text(f"{PASSWORD}\n")
        empty = place.root / "empty"
        empty.mkdir(mode=0o755)
        # The root of an anonymous user must not be writable, so the files are one level down.
        home = place.root / "home"
        home.mkdir(mode=0o755)
        files = home / "in"
        _open_folder(files)
        options = {
            "listen": "YES",
            "listen_address": "127.0.0.1",
            "listen_port": str(port),
            "background": "NO",
            "run_as_launching_user": _yes(os.geteuid() != 0),
            "nopriv_user": account.user,
            "ftp_username": account.user,
            "secure_chroot_dir": str(empty),
            "seccomp_sandbox": "NO",
            "anonymous_enable": "YES",
            "local_enable": "NO",
            "anon_root": str(home),
            "secure_email_list_enable": "YES",
            "email_password_file": str(passwords),
            "delay_failed_login": "0",
            "write_enable": "YES",
            "anon_upload_enable": "YES",
            "anon_mkdir_write_enable": "YES",
            "anon_other_write_enable": "YES",
            "anon_world_readable_only": "NO",
            "anon_umask": "022",
            "utf8_filesystem": "YES",
            "log_ftp_protocol": "YES",
            "xferlog_enable": "YES",
            "xferlog_std_format": "NO",
            "vsftpd_log_file": str(place.log),
            "ssl_enable": _yes(tls is not FtpTls.NONE),
            "implicit_ssl": _yes(tls is FtpTls.IMPLICIT),
            "allow_anon_ssl": "YES",
            "force_anon_logins_ssl": _yes(tls is not FtpTls.NONE),
            "force_anon_data_ssl": _yes(tls is not FtpTls.NONE),
            "require_ssl_reuse": "YES",
            "ssl_ciphers": "HIGH",
            "rsa_cert_file": str(certificate.certificate),
            "rsa_private_key_file": str(certificate.key),
        }
        configuration = place.root / "vsftpd.conf"
        configuration.write_text("".join(f"{key}={value}\n" for key, value in options.items()))
        with running([str(program), str(configuration)], "vsftpd", port) as process:
            yield FtpServer("vsftpd", port, files, "anonymous", process, place.log)


@contextmanager
def proftpd(tls: FtpTls, certificate: ServerCertificate) -> Iterator[FtpServer]:
    """ProFTPD with its default of insisting on session reuse, MLSD, and HASH from mod_digest."""
    program = find_program("proftpd", "proftpd-core")
    port = free_port()
    with _place() as place:
        account = _account()
        users = place.root / "users"
        users.write_text(f"partner:{_hashed(PASSWORD)}:{account.uid}:{account.gid}:partner:{place.files}:/bin/false\n")
        users.chmod(0o600)
        os.chown(users, account.uid, account.gid)
        configuration = place.root / "proftpd.conf"
        configuration.write_text(_proftpd_options(place, account, users, port, tls, certificate))
        command = [str(program), "--nodaemon", "--quiet", "--config", str(configuration)]
        with running(command, "proftpd-core", port) as process:
            yield FtpServer("proftpd", port, place.files, "partner", process, place.log)


def _proftpd_options(
    place: _Place, account: _Account, users: Path, port: int, tls: FtpTls, certificate: ServerCertificate
) -> str:
    options = f"""
        ServerType standalone
        DefaultServer on
        DefaultAddress 127.0.0.1
        SocketBindTight on
        Port {port}
        User {account.user}
        Group {account.group}
        Umask 022
        UseIPv6 off
        WtmpLog off
        RequireValidShell off
        AllowOverwrite on
        AuthOrder mod_auth_file.c
        AuthUserFile {users}
        PidFile {place.root}/pid
        ScoreboardFile {place.root}/scoreboard
        DelayEngine off
        SystemLog {place.root}/system.log
        TransferLog none
        LogFormat commands "%r"
        ExtendedLog {place.log} ALL commands
        ModulePath {_proftpd_modules()}
        LoadModule mod_digest.c
    """
    if tls is not FtpTls.NONE:
        options += f"""
        LoadModule mod_tls.c
        TLSEngine on
        TLSRequired on
        TLSProtocol TLSv1.2 TLSv1.3
        TLSECCertificateFile {certificate.certificate}
        TLSECCertificateKeyFile {certificate.key}
        TLSLog {place.root}/tls.log
        """
    if tls is FtpTls.IMPLICIT:
        options += "TLSOptions UseImplicitSSL\n"
    return options


def _proftpd_modules() -> Path:
    unpacked = UNPACKED / "proftpd-core" / "usr/lib/proftpd"
    return unpacked if unpacked.is_dir() else Path("/usr/lib/proftpd")


@contextmanager
def pure_ftpd(tls: FtpTls, certificate: ServerCertificate) -> Iterator[FtpServer]:
    """Pure-FTPd: explicit TLS or none. It offers MLSD and no hash."""
    if os.geteuid() != 0:
        pytest.skip("pure-ftpd changes to its virtual user and so needs root to be started")
    program = find_program("pure-ftpd", "pure-ftpd")
    port = free_port()
    with _place() as place:
        database = _pure_users(place, _account())
        command = [
            str(program),
            *("--bind", f"127.0.0.1,{port}"),
            *("--login", f"puredb:{database}"),
            *("--tls", "0" if tls is FtpTls.NONE else "3"),
            *("--certfile", str(certificate.combined)),
            *("--altlog", f"clf:{place.log}"),
            *("--pidfile", str(place.root / "pid")),
            "--chrooteveryone",
            *("--minuid", "1"),
            "--noanonymous",
            "--dontresolve",
        ]
        with running(command, "pure-ftpd", port) as process:
            yield FtpServer("pure-ftpd", port, place.files, "partner", process, place.log)


def _pure_users(place: _Place, account: _Account) -> Path:
    users, database = place.root / "users", place.root / "users.pdb"
    # Written by hand: `pure-pw useradd` takes a hash that costs seconds at every login.
    unlimited = ":" * 12
    users.write_text(f"partner:{_hashed(PASSWORD)}:{account.uid}:{account.gid}::{place.files}{unlimited}\n")
    pure_pw = str(find_program("pure-pw", "pure-ftpd"))
    subprocess.run(
        [pure_pw, "mkdb", str(database), "-f", str(users)],
        env=_environment("pure-ftpd"),
        check=True,
    )
    return database


@contextmanager
def _place() -> Iterator[_Place]:
    # Not pytest's folder: nobody else may enter that one, and the servers serve as another user.
    root = Path(tempfile.mkdtemp(prefix="wharf-ftp-"))
    root.chmod(0o755)
    place = _Place(root)
    _open_folder(place.files)
    try:
        yield place
    finally:
        shutil.rmtree(root)


def _open_folder(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


def _account() -> _Account:
    # Not nobody: vsftpd wants a user whose home exists.
    entry = pwd.getpwnam("daemon") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    return _Account(entry.pw_name, grp.getgrgid(entry.pw_gid).gr_name, entry.pw_uid, entry.pw_gid)


def _yes(condition: bool) -> str:
    return "YES" if condition else "NO"


def _hashed(password: str) -> str:
    # Perl belongs to every Debian; Python has no crypt() any more.
    script = "print crypt(<STDIN>, '$6$wharf$')"
    result = subprocess.run(["perl", "-e", script], input=password.encode(), stdout=subprocess.PIPE, check=True)
    return result.stdout.decode()


def _environment(package: str) -> dict[str, str]:
    libraries = [str(path) for path in (UNPACKED / package / "usr/lib").glob("*-linux-gnu")]
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH": ":".join(libraries)}


@contextmanager
def running(command: list[str], package: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server that stays in the foreground, wait until it listens, and end it and all that it started."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(package),
        start_new_session=True,
    )
    try:
        _wait_until_listening(process, port)
        yield process
    finally:
        for pid in [process.pid, *descendants(process.pid)]:
            _kill(pid)
        process.communicate()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    def listens() -> bool:
        if process.poll() is not None:
            said = process.stdout.read() if process.stdout else b""
            pytest.fail(f"{process.args!r} ended with {process.returncode}: {said.decode(errors='replace')}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    seen(listens, f"{process.args!r} to listen on port {port}")


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
