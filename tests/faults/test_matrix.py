"""Every promise holds through every fault: 416 cases, the same each time. `python -m tests.faults` runs more."""

import tempfile
from pathlib import Path

import asyncssh
import pytest

from tests.faults.benches import Keys, Subject, open_workshop
from tests.faults.cases import KINDS, Kind, case_named, make_case
from tests.faults.matrix import run_case
from tests.servers.certificates import Certificates

SEED = 20_261
CHUNKS = 4
CHUNK = 13
FOUND_BY_LARGER_RUNS = (
    # Every data connection is cut before its first byte, those of listings included.
    "ftp-inbound/16@172",
    # The connection is dropped in the midst of a TLS handshake.
    "ftps-outbound/2@172",
    "ftps-inbound/15@71",
    # The server does not say since when the numbers of its mails are valid.
    "imap-inbound/19@2026",
)


@pytest.fixture(scope="session")
def keys(certificates: Certificates) -> Keys:
    return Keys(asyncssh.generate_private_key("ssh-ed25519"), certificates.good)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("subject", Subject)
async def test_every_promise_holds(subject: Subject, chunk: int, keys: Keys) -> None:
    # Not in pytest's folder, which keeps what three runs of the suite have left.
    with tempfile.TemporaryDirectory(prefix="wharf-faults-") as folder:
        async with open_workshop(subject, Path(folder), keys) as workshop:
            results = [
                await run_case(workshop, make_case(SEED, subject, number))
                for number in range(chunk * CHUNK, (chunk + 1) * CHUNK)
            ]
    wrong = [str(result) for result in results if result.violations]
    assert not wrong, "\n".join(["python -m tests.faults --case LABEL runs one alone:", *wrong])
    # A matrix of faults that never strike would prove nothing.
    assert sum(result.bites > 0 for result in results) >= CHUNK // 2


@pytest.mark.parametrize("label", FOUND_BY_LARGER_RUNS)
async def test_what_larger_runs_have_found_stays_mended(label: str, keys: Keys) -> None:
    case = case_named(label)
    with tempfile.TemporaryDirectory(prefix="wharf-faults-") as folder:
        async with open_workshop(case.subject, Path(folder), keys) as workshop:
            result = await run_case(workshop, case)
    assert not result.violations, str(result)
    assert result.bites


def test_cases_are_reproducible() -> None:
    for subject in Subject:
        case = make_case(SEED, subject, 7)
        assert case_named(case.label) == case
        assert case.files() == case_named(case.label).files()
        assert make_case(SEED + 1, subject, 7) != case


def test_every_kind_of_fault_has_its_turn() -> None:
    assert set(Kind) == {kind for kinds in KINDS.values() for kind in kinds}
    assert all(len(kinds) <= CHUNKS * CHUNK for kinds in KINDS.values())
