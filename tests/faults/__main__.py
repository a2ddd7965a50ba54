"""Runs many cases of the fault matrix, or the same faults against other programs, and prints tables of outcomes.

python -m tests.faults --cases 2000 --seed 7
python -m tests.faults --case sftp-inbound/17@7
python -m tests.faults --peers --cases 200
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import asyncssh

from tests.faults.benches import Keys, Subject, open_workshop
from tests.faults.cases import Case, Kind, case_named, make_case
from tests.faults.matrix import Result, run_case
from tests.faults.peers import COMPARED, PeerResult, Tool, compare
from tests.servers.certificates import make_certificates

_CHUNK = 10
_OUTCOMES = ("identical", "told", "WRONG")


@dataclass(frozen=True)
class _Request:
    """Cases of one subject, to be run in a process of their own."""

    cases: tuple[Case, ...]
    peers: bool


def main() -> int:
    """Exit code 1 when Wharf has broken a promise."""
    options = _options()
    began = time.monotonic()
    if options.case:
        [result] = _run(_Request((case_named(options.case),), peers=False))
        print(result)
        return int(bool(result.violations))
    subjects = COMPARED if options.peers else tuple(Subject)
    requests = list(_requests(subjects, options.cases, options.seed, peers=options.peers))
    with ProcessPoolExecutor(options.processes) as pool:
        if options.peers:
            found = [result for results in pool.map(_run_peers, requests) for result in results]
            print(_peers_table(found))
            return 0
        results = []
        for some in pool.map(_run, requests):
            results += some
            print(f"\r{len(results)} of {options.cases} cases", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for result in results:
        if result.violations:
            print(result)
    print(_table(results))
    print(_summary(results, time.monotonic() - began))
    return int(any(result.violations for result in results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=416, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of all cases (default: the time)")
    parser.add_argument("--case", metavar="LABEL", help="one case alone, such as sftp-inbound/17@7")
    parser.add_argument("--peers", action="store_true", help="compare with lftp and rclone where they are installed")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="at once (default: %(default)s)")
    return parser.parse_args()


def _requests(subjects: Sequence[Subject], count: int, seed: int, *, peers: bool) -> Iterator[_Request]:
    """The cases, evenly over the subjects, in chunks."""
    for place, subject in enumerate(subjects):
        share = count // len(subjects) + (place < count % len(subjects))
        cases = (make_case(seed, subject, number) for number in range(share))
        while chunk := tuple(islice(cases, _CHUNK)):
            yield _Request(chunk, peers)


def _run(request: _Request) -> list[Result]:
    async def run() -> list[Result]:
        with tempfile.TemporaryDirectory(prefix="wharf-faults-") as folder:
            path = Path(folder)
            async with open_workshop(request.cases[0].subject, path / "work", _keys(path)) as workshop:
                return [await run_case(workshop, case) for case in request.cases]

    return asyncio.run(run())


def _run_peers(request: _Request) -> list[PeerResult]:
    async def run() -> list[PeerResult]:
        with tempfile.TemporaryDirectory(prefix="wharf-faults-") as folder:
            path = Path(folder)
            async with open_workshop(request.cases[0].subject, path / "work", _keys(path)) as workshop:
                return [result for case in request.cases for result in await compare(workshop, case)]

    return asyncio.run(run())


def _keys(folder: Path) -> Keys:
    # It warns of every write to a connection that a fault has ended.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    return Keys(asyncssh.generate_private_key("ssh-ed25519"), make_certificates(folder).good)


def _table(results: Sequence[Result]) -> str:
    counts = Counter((result.case.kind, result.case.subject, result.outcome) for result in results)
    lines = [f"{'identical / told / WRONG':<24}" + "".join(f"{subject.value:>15}" for subject in Subject)]
    for kind in Kind:
        cells = [[counts[kind, subject, outcome] for outcome in _OUTCOMES] for subject in Subject]
        shown = ["/".join(map(str, cell)) if any(cell) else "" for cell in cells]
        lines.append(f"{kind.value:<24}" + "".join(f"{cell:>15}" for cell in shown))
    return "\n".join(lines)


def _summary(results: Sequence[Result], seconds: float) -> str:
    outcomes = Counter(result.outcome for result in results)
    told = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in _OUTCOMES)
    again = sum(result.published_again for result in results)
    slowest = max(results, key=lambda result: result.seconds)
    return (
        f"{len(results)} cases in {seconds:.0f} s: {told}. The fault struck in {sum(r.bites > 0 for r in results)}. "
        f"Final names given once more with the same content: {again}. "
        f"Slowest: {slowest.seconds:.1f} s, {slowest.case}"
    )


def _peers_table(results: Sequence[PeerResult]) -> str:
    counts = Counter((result.case.kind, result.tool, result.outcome) for result in results)
    width = 30
    lines = [
        "per tool: identical / error told / told, but a part under a final name / silently wrong / hangs",
        f"{'':<20}" + "".join(f"{tool.value:>{width}}" for tool in Tool),
    ]
    rows: list[Kind | None] = [kind for kind in Kind if any(result.case.kind is kind for result in results)]
    for kind in [*rows, None]:
        title = kind.value if kind else "all"
        lines.append(f"{title:<20}" + "".join(f"{_peer_cell(counts, kind, tool):>{width}}" for tool in Tool))
    for tool in Tool:
        bad = [result for result in results if result.tool is tool and result.wrong_after_retry]
        if bad:
            lines.append(f"{tool.value}: after the second try, too, {len(bad)} are wrong, such as {bad[0].case}")
    return "\n".join(lines)


def _peer_cell(counts: Counter[tuple[Kind, Tool, str]], kind: Kind | None, tool: Tool) -> str:
    cell = [
        sum(
            number
            for (one, other, what), number in counts.items()
            if kind in (None, one) and (other, what) == (tool, o)
        )
        for o in PeerResult.OUTCOMES
    ]
    return " / ".join(map(str, cell)) if any(cell) else "absent"


if __name__ == "__main__":
    sys.exit(main())
