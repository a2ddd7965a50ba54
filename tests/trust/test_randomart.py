"""The picture of a key is the one that ssh-keygen draws."""

import base64
import hashlib
import subprocess
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.debian import find_program
from tui.trust.hostkeys import bits_of, fingerprint_of
from tui.trust.randomart import randomart


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        *[("ssh-ed25519", None)] * 5,
        ("ecdsa-sha2-nistp256", None),
        ("ecdsa-sha2-nistp384", None),
        ("ecdsa-sha2-nistp521", None),
        ("ssh-rsa", 2048),
        ("ssh-rsa", 3072),
    ],
)
def test_it_is_what_ssh_keygen_draws(tmp_path: Path, kind: str, size: int | None) -> None:
    private = asyncssh.generate_private_key(kind, key_size=size) if size else asyncssh.generate_private_key(kind)
    key = private.convert_to_public()
    key.write_public_key(tmp_path / "key.pub")
    command = [
        str(find_program("ssh-keygen", "openssh-client")),
        "-lv",
        "-E",
        "sha256",
        "-f",
        str(tmp_path / "key.pub"),
    ]
    facts, *picture = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert facts.split()[:2] == [str(bits_of(key)), fingerprint_of(key)]
    assert randomart(fingerprint_of(key), kind, bits_of(key)) == picture


@given(content=st.binary(max_size=50))
def test_every_digest_has_a_picture_of_one_shape(content: bytes) -> None:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    picture = randomart(f"SHA256:{digest}")
    assert (len(picture), {len(line) for line in picture}) == (11, {19})
    assert picture[0] == f"+{'-' * 17}+"
    assert "".join(picture).count("E") == 1
