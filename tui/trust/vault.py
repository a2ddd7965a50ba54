"""The vault: named secrets in one encrypted file, with the key in another.

The two are kept in different folders, so that a copy of one of them, in a backup or a support bundle, opens nothing.

The file is a header line and a Fernet token (AES-128-CBC with HMAC-SHA256,
https://github.com/fernet/spec/blob/master/Spec.md) over a JSON object of names and values. The header names the key by
a digest, so that a wrong key is told from a damaged file.
"""

import hashlib
import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from tui.domain.failure import FailureClass, ReadOnly, TransferFailed
from tui.trust.private_file import OTHERS, only_writer, write_private

_FORMAT = "wharf-vault-1"


class VaultProblem(TransferFailed):
    """The vault cannot give or take a secret. What it holds is as it was before."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(FailureClass.CONFIG, message, remedy=remedy)


class Vault:
    """Every method does its file work at once and raises VaultProblem and nothing else, or ReadOnly for a change where
    `read_only` forbids it; asynchronous callers use a thread. Several threads and processes may use the same vault at
    the same time.

    Both files come into being when the first secret is set, readable by nobody else.
    """

    def __init__(self, path: Path, key_path: Path, *, read_only: bool = False) -> None:
        self._read_only = read_only
        self._path = path
        self._key_path = key_path

    def names(self) -> list[str]:
        """The names of all secrets, in order."""
        return sorted(self._load())

    def get(self, name: str) -> str:
        """One secret."""
        return self._entry(self._load(), name)

    def set(self, name: str, value: str) -> None:
        """Put a secret under the name, in place of the one that may be there."""
        with self._changing() as secrets:
            secrets[name] = value

    def delete(self, name: str) -> None:
        """Forget a secret."""
        with self._changing() as secrets:
            self._entry(secrets, name)
            del secrets[name]

    def _entry(self, secrets: dict[str, str], name: str) -> str:
        if name not in secrets:
            raise VaultProblem(
                f"The vault {self._path} holds no secret named “{name}”.",
                f"Put it there with `wharf secret set vault:{name}`, or correct the name in the connection.",
            )
        return secrets[name]

    @contextmanager
    def _changing(self) -> Iterator[dict[str, str]]:
        """The secrets, to be changed by the caller and then stored. An exception of the caller leaves them as they
        were."""
        if self._read_only:
            raise ReadOnly
        with self._file_work("Writing"), only_writer(self._path):
            secrets = self._load()
            yield secrets
            self._store(secrets)

    def _load(self) -> dict[str, str]:
        with self._file_work("Reading"):
            try:
                content = self._path.read_bytes()
            except FileNotFoundError:
                return {}
            return self._opened(content, self._key())

    def _store(self, secrets: dict[str, str]) -> None:
        # A missing key is made only as long as there is nothing that it would have to open.
        key = self._key() if self._path.exists() or self._key_path.exists() else self._new_key()
        token = Fernet(key).encrypt(json.dumps(secrets, sort_keys=True).encode())
        write_private(self._path, f"{_header(key)}\n".encode() + token + b"\n")

    def _opened(self, content: bytes, key: bytes) -> dict[str, str]:
        header, _, token = content.partition(b"\n")
        shown, _, _ = header.partition(b" ")
        if shown != _FORMAT.encode():
            raise self._damaged("it does not begin like a vault of this version of Wharf")
        if header != _header(key).encode():
            raise VaultProblem(
                f"The key in {self._key_path} is not the one that the vault {self._path} was written with.",
                "Restore the key file that belongs to the vault, from a backup.",
            )
        text = _decrypted(token.strip(), key)
        if text is None:
            raise self._damaged("its content does not match its seal")
        secrets: dict[str, str] = json.loads(text)
        return secrets

    def _damaged(self, how: str) -> VaultProblem:
        return VaultProblem(
            f"The vault {self._path} is damaged: {how}.",
            f"Restore {self._path} from a backup, or move it away and set its secrets again.",
        )

    def _key(self) -> bytes:
        try:
            mode = self._key_path.stat().st_mode
        except FileNotFoundError:
            raise VaultProblem(
                f"The key of the vault {self._path} is missing: there is no {self._key_path}.",
                "Restore the key file from a backup, or move the vault away and set its secrets again.",
            ) from None
        if mode & OTHERS:
            raise VaultProblem(
                f"The key file {self._key_path} can be read or written by others (mode {stat.S_IMODE(mode):04o}).",
                f"Take the rights away with `chmod 600 {self._key_path}`; if others could read it, change the secrets.",
            )
        key = self._key_path.read_bytes().strip()
        if not _is_key(key):
            raise VaultProblem(f"The key file {self._key_path} is damaged.", "Restore the key file from a backup.")
        return key

    def _new_key(self) -> bytes:
        key = Fernet.generate_key()
        self._key_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self._key_path, key + b"\n")
        return key

    @contextmanager
    def _file_work(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise VaultProblem(
                f"{doing} the vault failed: {error.strerror or error} ({error.filename or self._path}).",
                "Check the rights and the free space of the folder that is named.",
            ) from error


def _header(key: bytes) -> str:
    return f"{_FORMAT} {hashlib.sha256(b'name of a vault key:' + key).hexdigest()[:16]}"


def _is_key(key: bytes) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def _decrypted(token: bytes, key: bytes) -> bytes | None:
    try:
        return Fernet(key).decrypt(token)
    except InvalidToken:
        return None
