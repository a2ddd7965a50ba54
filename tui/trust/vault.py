"""The vault: named secrets in one encrypted file, with the key in another.

The two are kept in different folders, so that a copy of one of them, in a backup or a support bundle, opens nothing.
A passphrase can seal the key besides.

The file is a header line and a Fernet token (AES-128-CBC with HMAC-SHA256,
https://github.com/fernet/spec/blob/master/Spec.md) over a JSON object of names and values. The header names the key by
a digest, so that a wrong key is told from a damaged file.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tui.domain.failure import ReadOnly
from tui.trust.private_file import only_writer, write_private
from tui.trust.vault_key import VaultKey, VaultProblem, key_name

_FORMAT = "wharf-vault-1"


class Vault:
    """Every method does its file work at once and raises VaultProblem and nothing else, or ReadOnly for a change where
    `read_only` forbids it; asynchronous callers use a thread. Several threads and processes may use the same vault at
    the same time.

    Both files come into being when the first secret is set, readable by nobody else. As long as `is_locked`, methods
    that need the key raise VaultLocked.
    """

    def __init__(self, path: Path, key_path: Path, *, read_only: bool = False) -> None:
        self._read_only = read_only
        self._path = path
        self._key = VaultKey(key_path)

    @property
    def path(self) -> Path:
        return self._path

    @property
    def key_path(self) -> Path:
        return self._key.path

    def is_locked(self) -> bool:
        """Whether the passphrase is needed that seals the key."""
        with self._file_work("Reading"):
            return self._key.is_locked()

    def has_passphrase(self) -> bool:
        """Whether a passphrase seals the key."""
        with self._file_work("Reading"):
            return self._key.is_sealed()

    def unlock(self, passphrase: str) -> None:
        """Open the vault for as long as this object lives. Takes some tenths of a second. Raises WrongPassphrase."""
        with self._file_work("Reading"):
            self._key.unlock(passphrase)

    def set_passphrase(self, passphrase: str) -> None:
        """Seal the key, in place of the passphrase there may be. Takes some tenths of a second."""
        with self._writing():
            self._ensure_key()
            self._key.seal(passphrase)

    def remove_passphrase(self) -> None:
        """From now on the key file alone opens the vault."""
        with self._writing():
            self._key.unseal()

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
        with self._writing():
            secrets = self._load()
            yield secrets
            self._store(secrets)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """No other writer is at work in the body, here or in another process."""
        if self._read_only:
            raise ReadOnly
        with self._file_work("Writing"), only_writer(self._path):
            yield

    def _load(self) -> dict[str, str]:
        with self._file_work("Reading"):
            try:
                content = self._path.read_bytes()
            except FileNotFoundError:
                return {}
            return self._opened(content, self._key.read())

    def _store(self, secrets: dict[str, str]) -> None:
        self._ensure_key()
        key = self._key.read()
        from cryptography.fernet import Fernet

        token = Fernet(key).encrypt(json.dumps(secrets, sort_keys=True).encode())
        write_private(self._path, f"{_header(key)}\n".encode() + token + b"\n")

    def _ensure_key(self) -> None:
        """A missing key is made only as long as there is nothing that it would have to open."""
        if not self._path.exists() and not self._key.exists():
            self._key.create()

    def _opened(self, content: bytes, key: bytes) -> dict[str, str]:
        header, _, token = content.partition(b"\n")
        shown, _, _ = header.partition(b" ")
        if shown != _FORMAT.encode():
            raise self._damaged("it does not begin like a vault of this version of Wharf")
        if header != _header(key).encode():
            raise VaultProblem(
                f"The key in {self._key.path} is not the one that the vault {self._path} was written with.",
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
    return f"{_FORMAT} {key_name(key)}"


def _decrypted(token: bytes, key: bytes) -> bytes | None:
    from cryptography.fernet import Fernet, InvalidToken

    try:
        return Fernet(key).decrypt(token)
    except InvalidToken:
        return None
