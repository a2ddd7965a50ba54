"""Outbound mail: resident memory against the size of the mail, and time beside swaks and msmtp with 20 MB attached.

Times are of whole processes that hand the same files to the same Exim in turn, over the loopback; Wharf's also hashes
and keeps its records. msmtp is given a mail that was built beforehand. swaks goes without TLS: it needs a Perl module
for that which Debian does not install with it.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import IO, Any

from tests.bench.measured import measured_engine
from tests.bench.table import MB, print_table
from tests.crash.exchange import OLD, opened
from tests.servers.certificates import make_certificates
from tests.servers.debian import find_program
from tests.servers.mail import PASSWORD, USERNAME, SmtpServer, running_exim
from tui.domain.connection import Connection
from tui.paths import Paths

_MEMORY_GOAL = 2.5
"""Times the mail, everything included."""
_TIME_GOAL = 1.3
"""Times the fastest peer's."""
_LIMIT = 200 * MB
_SENDER, _RECIPIENT = "batches@us.example", "in@acme.example"


@dataclass(frozen=True)
class _Post:
    """Files that wait in a folder, and the server that they are sent to."""

    server: SmtpServer
    ca_file: Path
    waiting: Path
    folder: Path

    def connection(self, *, encrypted: bool) -> Connection:
        email: dict[str, Any] = {"host": "localhost", "sender": _SENDER, "recipients": [_RECIPIENT]}
        if encrypted:
            email |= {
                "port": self.server.starttls_port,
                "ca_file": str(self.ca_file),
                "username": USERNAME,
                "secret": "env:BENCH_PASSWORD",
            }
        else:
            email |= {"port": self.server.plain_port, "tls": "none"}
        return Connection.model_validate(
            {
                "name": "bench",
                "direction": "outbound",
                "method": "email",
                "local_dir": str(self.waiting),
                "retries": 0,
                "email": email,
            }
        )

    def fill(self, files: int, size: int) -> None:
        for path in self.waiting.iterdir():
            path.unlink()
        for number in range(files):
            path = self.waiting / f"batch_{number}.csv"
            path.write_bytes(os.urandom(size))
            os.utime(path, (OLD, OLD))

    def arrived(self) -> int:
        """Bytes of the mail that has arrived, which is removed."""
        self.server.mails(1)
        (raw,) = self.server.raw_mails()
        self.server.clear()
        return len(raw)


def main(argv: Sequence[str]) -> None:
    """Measure memory, then time, and print a table of each."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench mail")
    parser.add_argument("--rounds", type=int, default=5, help="how often each program sends the mail (default 5)")
    parser.add_argument("--size", type=int, default=20, help="megabytes attached (default 20)")
    args = parser.parse_args(argv)
    os.environ["BENCH_PASSWORD"] = PASSWORD
    with tempfile.TemporaryDirectory(prefix="wharf-bench-") as name:
        folder = Path(name)
        os.environ["HOME"] = name
        certificates = make_certificates(folder)
        (folder / "waiting").mkdir()
        with running_exim(certificates.good, _LIMIT) as server:
            post = _Post(server, certificates.ca_file, folder / "waiting", folder)
            rows = [asyncio.run(_memory(post, size)) for size in (args.size // 2, args.size, 5 * args.size)]
            heads = (
                "mail",
                "mail MB",
                "idle MB",
                "highest MB",
                "over idle",
                "times the mail",
                f"at most {_MEMORY_GOAL}",
            )
            print_table(heads, rows)
            print()
            post.fill(2, args.size * MB // 2)
            _print_times(post, args.rounds)


async def _memory(post: _Post, size: int) -> tuple[str, ...]:
    post.fill(1, size * MB)
    await _fresh_home(post, encrypted=True)
    async with measured_engine() as engine:
        said = await engine.run("bench")
        highest, over = engine.highest, engine.over_idle
    if not said.startswith("Completed"):
        sys.exit(said)
    mail = post.arrived() / MB
    figures = (mail, engine.idle, highest, over, over / mail)
    within = "yes" if over <= _MEMORY_GOAL * mail else "NO"
    return f"{size} MB attached", *(f"{figure:.1f}" for figure in figures), within


async def _fresh_home(post: _Post, *, encrypted: bool) -> None:
    os.environ["WHARF_HOME"] = tempfile.mkdtemp(dir=post.folder)
    paths = Paths.from_environment()
    paths.prepare()
    async with opened(paths) as store:
        await store.save(post.connection(encrypted=encrypted))


def _print_times(post: _Post, rounds: int) -> None:
    letter = post.folder / "letter.eml"
    letter.write_bytes(_letter(post))
    senders: dict[str, Callable[[], None]] = {
        "Wharf": lambda: _wharf(post, encrypted=False),
        "swaks": lambda: _swaks(post),
        "msmtp": lambda: _msmtp(post, letter, encrypted=False),
        "Wharf, TLS": lambda: _wharf(post, encrypted=True),
        "msmtp, TLS": lambda: _msmtp(post, letter, encrypted=True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in senders}
    for _ in range(rounds):
        for name, send in senders.items():
            asyncio.run(_fresh_home(post, encrypted="TLS" in name))
            began = perf_counter()
            send()
            seconds[name].append(perf_counter() - began)
            post.arrived()
    medians = {name: median(taken) for name, taken in seconds.items()}
    rows = []
    for name, taken in medians.items():
        peers = [other for peer, other in medians.items() if "Wharf" not in peer and ("TLS" in peer) == ("TLS" in name)]
        ratio = taken / min(peers)
        within = "" if "Wharf" not in name else "yes" if ratio <= _TIME_GOAL else "NO"
        rows.append((name, f"{taken:.2f}", f"{ratio:.2f}", within))
    print_table(("sender", "seconds", "times the fastest peer", f"at most {_TIME_GOAL}"), rows)


def _wharf(post: _Post, *, encrypted: bool) -> None:
    del post, encrypted  # both are in the home
    _run([sys.executable, "-m", "tui", "run", "bench"])


def _swaks(post: _Post) -> None:
    attached = [word for path in sorted(post.waiting.iterdir()) for word in ("--attach", f"@{path}")]
    server = ("--server", "127.0.0.1", "--port", str(post.server.plain_port))
    addresses = ("--from", _SENDER, "--to", _RECIPIENT, "--helo", "localhost")
    _run([str(find_program("swaks", "swaks")), *server, *addresses, "--suppress-data", *attached])


def _msmtp(post: _Post, letter: Path, *, encrypted: bool) -> None:
    port = post.server.starttls_port if encrypted else post.server.plain_port
    command = [str(find_program("msmtp", "msmtp")), "--host=localhost", f"--port={port}", f"--from={_SENDER}"]
    if encrypted:
        command += ["--tls=on", f"--tls-trust-file={post.ca_file}"]
        command += ["--auth=plain", f"--user={USERNAME}", "--passwordeval=echo $BENCH_PASSWORD"]
    with letter.open("rb") as content:
        _run([*command, _RECIPIENT], content)


def _letter(post: _Post) -> bytes:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = _SENDER, _RECIPIENT, "batch"
    mail.set_content("batch")
    for path in sorted(post.waiting.iterdir()):
        mail.add_attachment(path.read_bytes(), "text", "csv", filename=path.name)
    # As msmtp wants its input.
    return mail.as_bytes().replace(b"\r\n", b"\n")


def _run(command: Sequence[str], content: IO[bytes] | None = None) -> None:
    ended = subprocess.run(command, stdin=content, capture_output=True, check=False)
    if ended.returncode != 0:
        sys.exit(f"{command[0]} failed: {ended.stdout.decode(errors='replace')}{ended.stderr.decode(errors='replace')}")
