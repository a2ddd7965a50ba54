"""The same faults against lftp and rclone: what they make of them, and whether their second try puts it right.

Each copies the folder in the way of its manual: `lftp mirror`, and `mirror --continue` the second time; `rclone copy`,
twice. They are told to give up early and to try as often as Wharf does here, and nothing else.
"""

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from typing import ClassVar

from tests.faults.benches import Bench, Folder, Subject, Workshop
from tests.faults.cases import TAMPERING, Case
from tests.faults.matrix import run_case
from tests.faults.proxy import HERE, Channel, Way
from tests.faults.servers import PASSWORD, USERNAME, ServerFault
from tests.servers.debian import UNPACKED
from tui.domain.run import Status

COMPARED = (
    Subject.SFTP_IN,
    Subject.SFTP_OUT,
    Subject.FTP_IN,
    Subject.FTP_OUT,
    Subject.FTPS_IN,
    Subject.FTPS_OUT,
)
_LARGE = "large.csv"
_GIVES_UP = 2
"""Seconds of silence after which a program is told to give up."""
_PATIENCE = 25.0
"""Seconds after which it counts as hanging: more than all its tries together."""
_ATTEMPTS = 3
_BENCHES = count(1)


class Tool(StrEnum):
    WHARF = "wharf"
    LFTP = "lftp"
    RCLONE = "rclone"


@dataclass(frozen=True, slots=True)
class PeerResult:
    """What became of a case with a tool."""

    OUTCOMES: ClassVar[Sequence[str]] = ("identical", "told", "part", "silently wrong", "hangs")

    case: Case
    tool: Tool
    outcome: str
    """After the first try. `part`: an error was told, but a final name holds what is not the complete file."""
    wrong_after_retry: bool


async def compare(workshop: Workshop, case: Case) -> list[PeerResult]:
    """The case with every tool that is there."""
    # The same task for all: one retry, and the source stays.
    case = replace(case, after="keep", retries=1)
    results = [await _with_wharf(workshop, case)]
    for tool in (Tool.LFTP, Tool.RCLONE):
        program = shutil.which(tool, path=f"{UNPACKED / tool / 'usr/bin'}:{os.environ['PATH']}")
        if program is not None:
            results.append(await _Peer(workshop, case, tool, program).run())
    return results


async def _with_wharf(workshop: Workshop, case: Case) -> PeerResult:
    result = await run_case(workshop, case)
    first = result.runs[0]
    part = any("final name" in violation for violation in result.violations)
    wrong = any("first run is Completed" in violation or "believed" in violation for violation in result.violations)
    if any("had not ended" in violation for violation in result.violations):
        outcome = "hangs"
    elif first.status is Status.COMPLETED:
        empty = (first.message or "").startswith("0 files")
        outcome = "silently wrong" if wrong or part or empty else "identical"
    else:
        outcome = "part" if part else "told"
    after_retry = any("after the second run" in violation for violation in result.violations)
    return PeerResult(case, Tool.WHARF, outcome, after_retry)


class _Peer:
    """A case with another program."""

    def __init__(self, workshop: Workshop, case: Case, tool: Tool, program: str) -> None:
        self._workshop = workshop
        self._case = case
        self._tool = tool
        self._program = program
        self._expected = case.files()
        self._bench, self._folder = self._new_bench()

    def _new_bench(self) -> tuple[Bench, str]:
        name = f"{self._tool}-{next(_BENCHES)}"
        bench = self._workshop.bench(name)
        for file, content in self._case.files().items():
            bench.source.put(file, content)
        return bench, name

    async def run(self) -> PeerResult:
        passed = await self._traffic()
        self._bench, self._folder = self._new_bench()
        proxy, trouble = self._workshop.proxy, self._workshop.trouble
        fault = self._case.fault(passed)
        proxy.arm(None if isinstance(fault, ServerFault) else fault)
        proxy.meanwhile = self._tamper
        trouble.order(fault if isinstance(fault, ServerFault) else None)
        try:
            code = await self._copy(again=False)
        finally:
            proxy.fault = trouble.fault = None
        outcome = self._outcome(code)
        proxy.arm(None)
        await self._copy(again=True)
        return PeerResult(self._case, self._tool, outcome, self._bench.target.contents() != self._expected)

    async def _traffic(self) -> Mapping[tuple[Channel, Way], int]:
        """What the program sends and gets when nothing disturbs it."""
        for _ in range(_ATTEMPTS):
            self._workshop.proxy.arm(None)
            if await self._copy(again=False) == 0:
                return Counter(self._workshop.proxy.passed)
            # On a machine under load, it may have given up too early.
            self._bench, self._folder = self._new_bench()
        raise RuntimeError(f"{self._tool} fails without any fault, {self._workshop.subject}")

    def _tamper(self) -> None:
        assert isinstance(self._bench.source, Folder)
        self._expected[_LARGE] = self._case.tampered(self._case.files()[_LARGE])
        self._bench.source.change(_LARGE, self._expected[_LARGE])

    def _outcome(self, code: int | None) -> str:
        if code is None:
            return "hangs"
        arrived = self._bench.target.contents()
        versions = [self._expected, self._case.files()] if self._case.kind in TAMPERING else [self._expected]
        if code == 0:
            return "identical" if arrived in versions else "silently wrong"
        complete = all(any(content == version[name] for version in versions) for name, content in arrived.items())
        return "told" if complete else "part"

    async def _copy(self, *, again: bool) -> int | None:
        """Run the program; its exit code, or None if it had to be ended."""
        local = self._bench.fields["local_dir"]
        if self._tool is Tool.LFTP:
            arguments, environment = self._lftp(local, again=again)
        else:
            arguments, environment = await self._rclone(local)
        process = await asyncio.create_subprocess_exec(
            self._program,
            *arguments,
            env={**os.environ, "HOME": str(self._workshop.folder), **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_PATIENCE):
                code = await process.wait()
        except TimeoutError:
            return None
        else:
            # lftp leaves before its ssh has sent everything.
            await self._workshop.proxy.quiet(_GIVES_UP)
            return code
        finally:
            # Its helpers (ssh) belong to its session.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            await process.wait()

    def _lftp(self, local: str, *, again: bool) -> tuple[list[str], dict[str, str]]:
        quiet = "ssh -a -x -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
        tls = "true" if self._workshop.subject.method == "ftps" else "false"
        settings = (
            f"set net:timeout {_GIVES_UP}; set net:max-retries 2; set net:reconnect-interval-base 1; "
            f"set ssl:verify-certificate false; set ftp:ssl-allow {tls}; set ftp:ssl-force {tls}; "
            f"set ftp:ssl-protect-data {tls}; set cmd:fail-exit true; set sftp:connect-program '{quiet}'; "
        )
        scheme = "sftp" if self._workshop.subject.method == "sftp" else "ftp"
        opening = f"open -u '{USERNAME},{PASSWORD}' {scheme}://{HERE}:{self._workshop.proxy.port}; "
        onward = "--continue " if again else ""
        remote = f"/{self._folder}"
        places = f"{remote} {local}" if self._workshop.subject.inbound else f"--reverse {local} {remote}"
        return ["-c", f"{settings}{opening}mirror {onward}{places}"], {}

    async def _rclone(self, local: str) -> tuple[list[str], dict[str, str]]:
        obscuring = await asyncio.create_subprocess_exec(
            self._program, "obscure", PASSWORD, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        obscured, _ = await obscuring.communicate()
        method = self._workshop.subject.method
        environment = {
            "RCLONE_CONFIG_PEER_TYPE": "sftp" if method == "sftp" else "ftp",
            "RCLONE_CONFIG_PEER_HOST": HERE,
            "RCLONE_CONFIG_PEER_PORT": str(self._workshop.proxy.port),
            "RCLONE_CONFIG_PEER_USER": USERNAME,
            "RCLONE_CONFIG_PEER_PASS": obscured.decode().strip(),
            "RCLONE_CONFIG_PEER_EXPLICIT_TLS": "true" if method == "ftps" else "false",
            "RCLONE_CONFIG_PEER_NO_CHECK_CERTIFICATE": "true",
            # Its concurrent writes (1.60) carry bytes beyond the end of the packet, which only OpenSSH overlooks.
            "RCLONE_CONFIG_PEER_DISABLE_CONCURRENT_WRITES": "true",
        }
        remote = f"peer:/{self._folder}"
        places = [remote, local] if self._workshop.subject.inbound else [local, remote]
        timeout = f"{_GIVES_UP}s"
        limits = ["--timeout", timeout, "--contimeout", timeout, "--retries", "2", "--low-level-retries", "2"]
        return ["copy", *places, *limits, "--config", "/dev/null"], environment
