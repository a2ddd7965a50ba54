"""Host keys: what known_hosts files make known, and what is said of a key that is not."""

import base64
import hashlib
import hmac
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.debian import find_program
from tui.domain.failure import FailureClass, TransferFailed
from tui.trust.hostkeys import HostKeys, fingerprint_of, known_hosts_line, look_up, remember, spelled
from tui.trust.identity import Doubt, NotTrusted

KEY, OTHER, THIRD = (asyncssh.generate_private_key("ssh-ed25519").convert_to_public() for _ in range(3))
ECDSA = asyncssh.generate_private_key("ecdsa-sha2-nistp256").convert_to_public()


def written(key: asyncssh.SSHKey) -> str:
    return key.export_public_key("openssh").decode().strip()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


def trusted(known: HostKeys, key: asyncssh.SSHKey = KEY) -> str:
    return known.why_trusted(key, "acme")


def refused(known: HostKeys, key: asyncssh.SSHKey = KEY) -> str:
    with pytest.raises(TransferFailed) as caught:
        known.why_trusted(key, "acme")
    assert caught.value.failure.failure_class is FailureClass.HOST_KEY
    return str(caught.value)


@pytest.mark.parametrize(
    "name", ["acme.example", "other.example,acme.example", "*.example", "ACME.example,acme.example"]
)
def test_the_default_port(file: Path, name: str) -> None:
    file.write_text(f"# a comment\n\n{name} {written(KEY)} somebody's comment\n")
    assert trusted(look_up("acme.example", 22, [file])) == f"known in {file}, line 3"
    assert trusted(look_up("Acme.Example", 22, [file])) == f"known in {file}, line 3"


def test_another_port(file: Path) -> None:
    file.write_text(f"[acme.example]:2222 {written(KEY)}\n")
    assert trusted(look_up("acme.example", 2222, [file]))
    assert "not known" in refused(look_up("acme.example", 22, [file]))
    assert "not known" in refused(look_up("acme.example", 2223, [file]))


def test_a_key_known_without_its_port_is_trusted_but_makes_no_other_a_changed_one(file: Path) -> None:
    file.write_text(f"acme.example {written(KEY)}\n")
    known = look_up("acme.example", 2222, [file])
    assert trusted(known)
    assert "not known" in refused(known, OTHER)


@pytest.mark.parametrize(("host", "port"), [("acme.example", 22), ("acme.example", 2222), ("192.0.2.7", 22)])
def test_hashed_names(file: Path, host: str, port: int) -> None:
    salt = os.urandom(20)
    digest = hmac.new(salt, spelled(host, port).encode(), hashlib.sha1).digest()
    name = f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
    file.write_text(f"{name} {written(KEY)}\n")
    assert trusted(look_up(host, port, [file]))
    assert "not known" in refused(look_up("other.example", port, [file]))


def test_names_hashed_by_openssh(file: Path) -> None:
    file.write_text(f"acme.example {written(KEY)}\n[acme.example]:2222 {written(OTHER)}\n")
    subprocess.run([find_program("ssh-keygen", "openssh-client"), "-H", "-f", file], check=True, capture_output=True)
    assert "acme" not in file.read_text()
    assert trusted(look_up("acme.example", 22, [file]))
    assert trusted(look_up("acme.example", 2222, [file]), OTHER)


def test_unknown(file: Path, tmp_path: Path) -> None:
    message = refused(look_up("acme.example", 2222, [file, tmp_path / "no-folder" / "known_hosts"]))
    assert "acme.example:2222" in message
    assert f"ssh-ed25519 {fingerprint_of(KEY)}" in message


def test_changed(file: Path) -> None:
    file.write_text(f"acme.example {written(OTHER)}\n")
    known = look_up("acme.example", 22, [file])
    message = refused(known)
    assert "has changed" in message
    assert fingerprint_of(KEY) in message
    assert f"{fingerprint_of(OTHER)} in {file}, line 1" in message
    # A second kind of key is no excuse: whoever is in between would choose one that is not known.
    assert "has changed" in refused(known, ECDSA)


def test_a_key_known_in_one_of_the_files_is_enough(file: Path, tmp_path: Path) -> None:
    file.write_text(f"acme.example {written(OTHER)}\n")
    second = tmp_path / "second"
    second.write_text(f"acme.example {written(KEY)}\n")
    assert trusted(look_up("acme.example", 22, [file, second])) == f"known in {second}, line 1"


@pytest.mark.parametrize("port", [22, 2222])
def test_revoked_outweighs_known(file: Path, port: int) -> None:
    file.write_text(f"{spelled('acme.example', port)} {written(KEY)}\n@revoked * {written(KEY)}\n")
    assert "revoked" in refused(look_up("acme.example", port, [file]))


def test_authorities(file: Path) -> None:
    file.write_text(f"@cert-authority *.example {written(KEY)}\n@revoked *.example {written(THIRD)}\n")
    known = look_up("acme.example", 22, [file])
    assert "authority" in known.why_authority_trusted(KEY)
    # A key that may sign certificates is not a host key.
    assert "not known" in refused(known)
    for key, words in ((OTHER, "not known"), (THIRD, f"revoked in {file}, line 2")):
        with pytest.raises(TransferFailed, match=words) as caught:
            known.why_authority_trusted(key)
        assert caught.value.failure.failure_class is FailureClass.HOST_KEY
        # Nobody is asked to trust it.
        assert not isinstance(caught.value, NotTrusted)
    assert "ssh-ed25519-cert-v01@openssh.com" in known.algorithms


def test_an_authority_for_the_host_counts_on_every_port(file: Path) -> None:
    file.write_text(f"@cert-authority *.example {written(KEY)}\n")
    assert "authority" in look_up("acme.example", 2222, [file]).why_authority_trusted(KEY)


@pytest.mark.parametrize(
    ("names", "host", "port", "known"),
    [
        ("ACME.Example", "acme.example", 22, True),
        ("*.EXAMPLE", "acme.example", 22, True),
        ("[*.example]:2222", "acme.example", 2222, True),
        ("[*.example]:2222", "acme.example", 2223, False),
        ("a?me.example", "acme.example", 22, True),
        ("*.example,!acme.example", "acme.example", 22, False),
        ("*.example,!acme.example", "other.example", 22, True),
        ("!acme.example", "other.example", 22, False),
        ("192.0.2.*", "192.0.2.7", 22, True),
        ("2001:db8::7", "2001:db8::7", 22, True),
        ("[2001:db8::7]:2222", "2001:db8::7", 2222, True),
    ],
)
def test_names_are_matched_as_by_ssh_keygen(file: Path, names: str, host: str, port: int, known: bool) -> None:
    file.write_text(f"{names} {written(KEY)}\n")
    command = [str(find_program("ssh-keygen", "openssh-client")), "-F", spelled(host, port), "-f", str(file)]
    assert (subprocess.run(command, check=False, capture_output=True).returncode == 0) == known
    assert (look_up(host, port, [file]).judge(KEY).doubt is None) == known


def test_what_is_shown_in_the_place_of_a_known_key(file: Path, tmp_path: Path) -> None:
    file.write_text(f"# old ones\nacme.example {written(OTHER)}\n")
    second = tmp_path / "second"
    second.write_text(f"acme.example {written(ECDSA)}\nacme.example {written(OTHER)}\n")
    identity = look_up("acme.example", 22, [file, second]).judge(KEY)
    assert identity.doubt is Doubt.CHANGED
    assert [(old.fingerprint, old.place) for old in identity.known] == [
        (fingerprint_of(OTHER), f"{file}, line 2"),
        (fingerprint_of(ECDSA), f"{second}, line 1"),
    ]
    assert identity.known[1].picture[0] == "+---[ECDSA 256]---+"
    assert identity.picture[0] == "+--[ED25519 256]--+"


def test_a_refusal_carries_what_was_shown(file: Path) -> None:
    with pytest.raises(NotTrusted) as caught:
        look_up("acme.example", 2222, [file]).why_trusted(KEY, "acme; rm")
    identity = caught.value.identity
    assert (identity.where, identity.doubt) == ("acme.example:2222", Doubt.UNKNOWN)
    assert identity.known_hosts_line == known_hosts_line("acme.example", 2222, KEY)
    assert f"wharf trust 'acme; rm' --fingerprint {fingerprint_of(KEY)}" in caught.value.failure.remedy


def test_no_character_ends_a_line_that_does_not_end_it_for_openssh(file: Path) -> None:
    for character in "\x0b\x0c\x1c\x85\u2028\r":
        file.write_bytes(f"other.example nonsense{character}acme.example {written(KEY)}\n".encode())
        assert look_up("acme.example", 22, [file]).judge(KEY).doubt is Doubt.UNKNOWN, repr(character)


def test_a_pin_is_all_that_counts(file: Path) -> None:
    file.write_text(f"acme.example {written(OTHER)}\n@cert-authority * {written(THIRD)}\n@revoked * {written(KEY)}\n")
    known = look_up("acme.example", 22, [file], fingerprint_of(KEY))
    assert "pinned" in trusted(known)
    assert fingerprint_of(KEY) in refused(known, OTHER)
    assert not any("cert" in name for name in known.algorithms)


def test_known_kinds_are_asked_for_first(file: Path) -> None:
    assert look_up("acme.example", 22, [file]).algorithms[0] == "ssh-ed25519"
    file.write_text(f"acme.example {written(ECDSA)}\n")
    known = look_up("acme.example", 22, [file])
    assert known.algorithms[0] == "ecdsa-sha2-nistp256"
    assert "ssh-ed25519" in known.algorithms


def test_lines_that_make_no_sense_are_passed_over(file: Path) -> None:
    nonsense = ["nonsense", "@nonsense a b", "acme.example ssh-ed25519 ????", "|1|x|y " + written(OTHER), "\x1b \xff"]
    file.write_bytes("\n".join([*nonsense, f"acme.example {written(KEY)}"]).encode("latin-1"))
    assert trusted(look_up("acme.example", 22, [file]))


@given(junk=st.binary(max_size=200))
def test_no_file_breaks_the_look_up(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "junk"
    file.write_bytes(junk)
    assert "not known" in refused(look_up("acme.example", 22, [file]))


def test_a_file_that_cannot_be_read_stops_everything(tmp_path: Path) -> None:
    with pytest.raises(TransferFailed) as caught:
        look_up("acme.example", 22, [tmp_path])
    assert caught.value.failure.failure_class is FailureClass.CONFIG


class TestRemember:
    @pytest.mark.parametrize("port", [22, 2222])
    def test_the_line_makes_the_key_known(self, file: Path, port: int) -> None:
        remember(file, known_hosts_line("Acme.Example", port, KEY))
        assert file.stat().st_mode & 0o777 == 0o600
        assert trusted(look_up("acme.example", port, [file]))

    def test_openssh_understands_it(self, file: Path) -> None:
        remember(file, known_hosts_line("acme.example", 2222, KEY))
        keygen = find_program("ssh-keygen", "openssh-client")
        found = subprocess.run(
            [keygen, "-F", "[acme.example]:2222", "-l", "-f", file], check=True, capture_output=True, text=True
        )
        assert fingerprint_of(KEY) in found.stdout

    def test_what_is_there_stays(self, file: Path) -> None:
        file.write_text("# without a line end")
        file.chmod(0o644)
        remember(file, "a b c")
        remember(file, "d e f\n")
        remember(file, "a b c")
        assert file.read_text() == "# without a line end\na b c\nd e f\n"
        assert file.stat().st_mode & 0o777 == 0o600

    def test_a_new_key_takes_the_place_of_the_old_one(self, file: Path) -> None:
        kept = f"# mine\nacme.example,beta.example {written(THIRD)}\n[acme.example]:2222 {written(OTHER)}\n"
        file.write_text(f"{kept}Acme.example {written(OTHER)}\n")
        remember(file, known_hosts_line("acme.example", 22, KEY), replacing=True)
        assert file.read_text() == f"{kept}acme.example {written(KEY)}\n"

    def test_one_call_is_one_line(self, file: Path) -> None:
        remember(file, "a b c\n@cert-authority * d e")
        assert file.read_text() == "a b c @cert-authority * d e\n"

    def test_the_folder_is_made(self, tmp_path: Path) -> None:
        remember(tmp_path / "new" / "known_hosts", "a b c")
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700

    def test_a_link_stays_a_link(self, file: Path, tmp_path: Path) -> None:
        file.symlink_to(tmp_path / "elsewhere")
        remember(file, "a b c")
        assert file.is_symlink()
        assert (tmp_path / "elsewhere").read_text() == "a b c\n"

    def test_writers_at_once_lose_nothing(self, file: Path) -> None:
        lines = [f"host-{number} kind key" for number in range(40)]
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda line: remember(file, line), lines))
        assert sorted(file.read_text().splitlines()) == sorted(lines)

    def test_no_place_to_write_to(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(TransferFailed) as caught:
            remember(tmp_path / "file" / "known_hosts", "a b c")
        assert caught.value.failure.failure_class is FailureClass.CONFIG
