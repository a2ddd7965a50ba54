"""Wharf against the programs that people take for speed, on real servers on loopback.

Every program is run as a whole process, in turn, A B A B, on the same files and the same server; Wharf with everything
that it does always: verification on, its store on the disk, `WHARF_HOME` fresh each time. The figures are medians. A
program whose files arrive after it has ended is clocked until they are there.
"""

import argparse
import asyncio
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from statistics import median

import pytest

from tests.bench import mail
from tests.bench.checks import CHECKS, HEADS, Check
from tests.bench.clocked import Usage, run_clocked, wharf
from tests.bench.peers import PEERS, Command, Peer, one_stream, peers_for
from tests.bench.stage import NAME, Round, Stage, open_stage
from tests.bench.table import print_table
from tests.bench.works import Reach, Sizes, Work, all_works

_WHARF = "wharf"
_MAIL = "mail"
"""Measured by the benchmark of that name."""
_PATIENCE = 60.0
"""Seconds of a round after which a peer is not asked again: it is not the one to beat."""
_HEADS = ("work", "wharf s", "fastest peer", "its s", "ratio", "reach", "reached", "cp s", "one cipher s")


@dataclass(frozen=True, slots=True)
class Contender:
    """Who does the work, and how fast."""

    name: str
    program: str
    command: Command
    usages: list[Usage]

    @property
    def seconds(self) -> float:
        return median(usage.seconds for usage in self.usages)


def main(argv: Sequence[str]) -> None:
    """Do the works, each in several rounds, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench transfers")
    parser.add_argument("--rounds", type=int, default=5, help="how often each program does each work (default 5)")
    parser.add_argument(
        "--only", action="append", metavar="WORK", help="works and checks to do; * and ? are understood"
    )
    parser.add_argument("--alone", action="store_true", help="Wharf only, no peers and no limits")
    parser.add_argument("--without", action="append", default=[], metavar="PEER", help="a peer to leave out")
    parser.add_argument("--list", action="store_true", help="print the works and what is reached for")
    sizes = Sizes()
    parser.add_argument("--large", type=int, default=sizes.large, help=f"MB of the large file ({sizes.large})")
    parser.add_argument("--late", type=int, default=sizes.late, help=f"MB over a longer way ({sizes.late})")
    parser.add_argument("--small", type=int, default=sizes.small_files, help=f"small files ({sizes.small_files})")
    parser.add_argument(
        "--late-small", type=int, default=sizes.late_files, help=f"small files over a longer way ({sizes.late_files})"
    )
    args = parser.parse_args(argv)
    works = all_works(Sizes(args.large, args.late, args.small, args.late_small))
    if args.list:
        for work in works:
            print(f"{work.key:<22} {work.title:<44} {', '.join(map(_reach, work.reaches))}")
        print(*(check.key for check in CHECKS), _MAIL, sep="\n")
        return

    def is_chosen(key: str) -> bool:
        return any(fnmatch(key, only) for only in args.only or ["*"])

    _print_surroundings()
    chosen = [work for work in works if is_chosen(work.key)]
    checks = [check for check in CHECKS if is_chosen(check.key)]
    asyncio.run(_measure(chosen, checks, args.rounds, args.without, alone=args.alone))
    if is_chosen(_MAIL):
        print()
        mail.main(["--rounds", str(args.rounds)])


def _reach(reach: Reach) -> str:
    return f"{reach.ratio:.3g} against {' and '.join(reach.against)}"


async def _measure(
    works: Sequence[Work], checks: Sequence[Check], rounds: int, without: Sequence[str], *, alone: bool
) -> None:
    rows: list[tuple[str, ...]] = []
    checked: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory(prefix="wharf-bench-") as name:
        async with open_stage(Path(name)) as stage:
            for work in works:
                try:
                    rows += await _measured(stage, work, rounds, without, alone=alone)
                except pytest.skip.Exception as absent:
                    print(f"{work.title}: left out, {absent}")
            for check in checks:
                try:
                    checked += await check.rows(stage, rounds)
                except pytest.skip.Exception as absent:
                    print(f"{check.key}: left out, {absent}")
    for heads, lines in ((_HEADS, rows), (HEADS, checked)):
        if lines:
            print()
            print_table(heads, lines)


async def _measured(
    stage: Stage, work: Work, rounds: int, without: Sequence[str], *, alone: bool
) -> list[tuple[str, ...]]:
    """The lines of the table for a work."""
    print(f"\n{work.title}", flush=True)
    round_ = await stage.prepare(work)
    await round_.keep_template()
    contenders = [Contender(_WHARF, _WHARF, wharf("run", NAME), [])]
    if not alone:
        for peer in peers_for(work):
            if peer.name in without or peer.program in without:
                continue
            contenders += _contender(peer, round_)
    for _ in range(rounds):
        contenders = [one for one in contenders if await asyncio.to_thread(_can_do, round_, one)]
    for contender in contenders:
        print(_line(contender), flush=True)
    limits = ("", "") if alone else await asyncio.to_thread(_limits, round_)
    ours, *others = contenders
    return [_row(work, reach, ours, others, limits) for reach in work.reaches]


def _contender(peer: Peer, round_: Round) -> list[Contender]:
    path = peer.path()
    if path is None:
        print(f"  {peer.program} is not installed")
        return []
    return [Contender(peer.name, peer.program, peer.command(round_.move, path), [])]


def _can_do(round_: Round, contender: Contender) -> bool:
    """Let it do one round. Whether it has come to its end; that Wharf does not is raised."""
    if contender.usages and contender.usages[-1].seconds > _PATIENCE and contender.program != _WHARF:
        return True
    try:
        _one_round(round_, contender)
    except RuntimeError as error:
        if contender.program == _WHARF:
            raise
        print(f"  {contender.name} is left out: {error}")
        return False
    return True


def _one_round(round_: Round, contender: Contender) -> None:
    round_.clear()
    usage = run_clocked(contender.command, round_.stage.environment, round_.stage.log)
    late = round_.wait_for_arrival()
    contender.usages.append(Usage(usage.seconds + late, usage.cpu, usage.peak))


def _line(contender: Contender) -> str:
    usages = contender.usages
    cpu, peak = median(usage.cpu for usage in usages), max(usage.peak for usage in usages)
    each = " ".join(f"{usage.seconds:.2f}" for usage in usages)
    return f"  {contender.name:<13} {contender.seconds:8.3f} s   cpu {cpu:6.2f} s   peak {peak:5.0f} MB   ({each})"


def _limits(round_: Round) -> tuple[str, str]:
    """Seconds of a copy without a network, and of one stream through one cipher, where that compares."""
    shutil.rmtree(round_.stage.root / "copy", ignore_errors=True)
    copying = Command(["cp", "-r", str(round_.source), str(round_.stage.root / "copy")])
    copied = run_clocked(copying, round_.stage.environment, round_.stage.log)
    shutil.rmtree(round_.stage.root / "copy")
    if round_.move.work.method != "sftp" or not round_.move.is_one_file:
        return f"{copied.seconds:.3f}", ""
    round_.clear()
    streamed = run_clocked(one_stream(round_.move), round_.stage.environment, round_.stage.log)
    return f"{copied.seconds:.3f}", f"{streamed.seconds:.3f}"


def _row(
    work: Work, reach: Reach, ours: Contender, others: Sequence[Contender], limits: tuple[str, str]
) -> tuple[str, ...]:
    rivals = [other for other in others if other.program in reach.against]
    if not rivals:
        return work.title, f"{ours.seconds:.3f}", "", "", "", f"{reach.ratio:.3g}", "", *limits
    best = min(rivals, key=lambda rival: rival.seconds)
    ratio = best.seconds / ours.seconds
    return (
        work.title,
        f"{ours.seconds:.3f}",
        best.name,
        f"{best.seconds:.3f}",
        f"{ratio:.2f}",
        f"{reach.ratio:.3g}",
        "yes" if ratio >= reach.ratio else "NO",
        *limits,
    )


def _print_surroundings() -> None:
    """When and on what this was measured."""
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {_processor()}, {os.cpu_count()} cores, {platform.release()}")
    print(f"Python {platform.python_version()}; {'; '.join(_versions())}")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _versions() -> list[str]:
    asked = {"sftp": ["ssh", "-V"]}
    programs = dict.fromkeys(peer.program for peer in PEERS)
    lines = []
    for program in programs:
        argv = asked.get(program, [program, "--version"])
        if shutil.which(argv[0]) is None:
            lines.append(f"no {program}")
            continue
        said = subprocess.run(argv, capture_output=True, text=True, check=False)
        lines.append(" ".join((said.stdout or said.stderr).split("\n")[0].split()[:4]).strip("|, "))
    return lines
