"""Wrong input ends as Failed with the right class, a sentence and a remedy, wherever a user looks for it."""

import asyncio
import unicodedata
from typing import Any

import pytest

from tests.acceptance.bad_input import HARMLESS_NAMES, HOSTILE_NAMES, Evidence, can_fill_disks, gather_evidence
from tests.servers.certificates import Certificates

# One process, so that the evidence is gathered once.
pytestmark = pytest.mark.xdist_group("bad input")

NEEDS_DISK = pytest.mark.skipif(
    not can_fill_disks(),
    reason="a disk to be filled needs the right to mount one, which only root has, and not in every container",
)

FAILURES = [
    ("no-local-folder", "not-found", "does not exist"),
    ("local-is-a-file", "not-found", "is not a folder"),
    ("read-only-folder", "permission", "not writable"),
    ("unresolved", "network", "no-such-host.invalid"),
    ("refused-port", "refused", "nothing listens"),
    ("unknown-host-key", "host-key", "is not known"),
    ("other-host-key", "host-key", "another host key"),
    ("no-remote-folder", "not-found", "/nowhere/at-all"),
    ("hostile-names", "unsafe-name", "4 of 8 files"),
    ("wrong-password-sftp", "auth", "login"),
    ("wrong-password-ftp", "auth", "login"),
    ("wrong-password-smtp", "auth", "login"),
    ("wrong-password-imap", "auth", "login"),
    ("expired-certificate", "tls", "expired"),
    pytest.param("full-disk", "space", "needs 200 kB", marks=NEEDS_DISK),
    pytest.param("full-disk-there", "space", "needs 200 kB", marks=NEEDS_DISK),
]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Evidence:
    return asyncio.run(gather_evidence(tmp_path_factory.mktemp("bad-input"), certificates))


@pytest.mark.parametrize(("name", "failure_class", "words"), FAILURES)
def test_it_fails_with_a_class_a_sentence_and_a_remedy(
    evidence: Evidence, name: str, failure_class: str, words: str
) -> None:
    run = evidence.runs[name]
    assert (run["status"], run["failure"]["class"]) == ("Failed", failure_class)
    message, remedy = run["failure"]["message"], run["failure"]["remedy"]
    assert words in message
    for sentence in (message, remedy):
        assert sentence.rstrip(")").endswith(".")
        assert "\n" not in sentence
        assert "Traceback" not in sentence


@pytest.mark.parametrize(("name", "failure_class", "words"), FAILURES)
def test_it_is_told_the_same_everywhere(evidence: Evidence, name: str, failure_class: str, words: str) -> None:
    del words
    failure = evidence.runs[name]["failure"]
    assert evidence.history[name] == evidence.runs[name]
    # The second time the harmless ones of the files are there already.
    message = failure["message"].replace("4 of 8 files", "0 of 4 files")
    assert f"✗ {name}: {message}\n    {failure['remedy']}\n" in evidence.told
    assert [
        line
        for line in evidence.history_told.splitlines()
        if f"  {name} " in line and line.endswith(f"  {failure['message']}")
    ]
    shown = evidence.shown[name]
    assert f"{failure_class} {failure['message']}" in shown
    assert failure["remedy"] in shown


def test_what_matches_nothing_completes_and_says_so(evidence: Evidence) -> None:
    run = evidence.runs["no-match"]
    assert (run["status"], run["failure"], run["files"]) == ("Completed", None, [])
    assert run["message"] == "0 files: nothing matches Nothing_*.csv."
    assert run["message"] in evidence.shown["no-match"]
    assert f"✓ no-match: {run['message']}" in evidence.told


def test_a_good_connection_beside_them_completes(evidence: Evidence) -> None:
    assert evidence.runs["good"]["status"] == "Completed"
    assert [file["name"] for file in evidence.runs["good"]["files"]] == ["good.csv"]
    assert evidence.local["good"] == ["good.csv"]
    assert evidence.code == 1


def test_nothing_is_left_under_a_final_name_nor_anywhere_else(evidence: Evidence) -> None:
    left = {name: files for name, files in evidence.local.items() if files}
    sent = ["good.csv"]
    expected = {"good": sent, "hostile-names": sorted(HARMLESS_NAMES), "wrong-password-smtp": sent}
    assert left == expected | ({"full-disk-there": sent} if can_fill_disks() else {})


def test_hostile_names_are_refused_and_harmless_ones_delivered(evidence: Evidence) -> None:
    files: list[dict[str, Any]] = evidence.runs["hostile-names"]["files"]
    delivered = {file["name"] for file in files if file["status"] == "completed"}
    refused = [file for file in files if file["status"] == "failed"]
    assert delivered == set(HARMLESS_NAMES)
    assert len(refused) == len(HOSTILE_NAMES)
    assert {file["failure"]["class"] for file in refused} == {"unsafe-name"}


def test_hostile_names_are_shown_harmlessly(evidence: Evidence) -> None:
    shown = "".join(evidence.screens_with_names)
    assert "x\\x1b]0;t\\x07.csv" in shown
    assert "two\\x0d\\x0alines.csv" in shown
    assert "a[red].csv" in shown
    for text in (evidence.told, evidence.history_told, evidence.stderr, *evidence.screens_with_names):
        assert text
        assert not {character for character in text if unicodedata.category(character) == "Cc"} - {"\n"}


def test_no_fault_of_wharf_is_told(evidence: Evidence) -> None:
    assert "Traceback" not in evidence.stderr
    assert "Wharf itself" not in evidence.told
