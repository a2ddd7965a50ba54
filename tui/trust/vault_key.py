"""The vault's key: in a file of its own, in clear for its owner alone or sealed by a passphrase.

A sealed key file is one line of JSON: how the passphrase becomes a key (scrypt, RFC 7914), and a Fernet token with the
vault's key under that. So a passphrase is set, changed or removed by one atomic write of this small file, and the vault
itself stays as it is. A checksum tells a damaged file from a wrong passphrase.
"""

import base64
import hashlib
import json
import os
import unicodedata
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tui.domain.failure import FailureClass, TransferFailed
from tui.trust.private_file import why_not_private, write_private

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

_FORMAT = "wharf-key-1"
_SALT = 16
"""Bytes."""
_COST, _BLOCKS, _LANES = 2**17, 8, 1
"""Of scrypt, as OWASP advises: 128 MiB and some tenths of a second for each guess."""
_OVERHEAD = 2**20
_MOST_MEMORY = 2**30
"""Bytes. What a damaged or foreign file may ask for."""


class VaultProblem(TransferFailed):
    """The vault cannot give or take a secret. What it holds is as it was before."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(FailureClass.CONFIG, message, remedy=remedy)


class VaultLocked(VaultProblem):
    """The vault's key is sealed by a passphrase that this process has not been given yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The vault is locked: its key {path} is sealed by a passphrase.",
            "Give the passphrase when it is asked for, or name a file that holds it in WHARF_PASSPHRASE_FILE.",
        )


class WrongPassphrase(VaultProblem):
    """Another passphrase has sealed the key."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"That is not the passphrase of the vault's key {path}.",
            "Try again. If nobody knows it any more, move the vault and its key away and set the secrets anew.",
        )


@dataclass(frozen=True, slots=True)
class _Seal:
    """How a passphrase becomes a key: the parameters of scrypt."""

    cost: int
    blocks: int
    lanes: int
    salt: str
    """In base64."""

    @classmethod
    def new(cls) -> "_Seal":
        return cls(_COST, _BLOCKS, _LANES, base64.b64encode(os.urandom(_SALT)).decode())

    def fernet(self, passphrase: str) -> "Fernet":
        """Slow on purpose. Raises ValueError for parameters that are none."""
        if not all(isinstance(number, int) for number in (self.cost, self.blocks, self.lanes)):
            raise ValueError("a derivation that is not given by numbers")
        memory = 128 * self.cost * self.blocks
        if not 0 < memory <= _MOST_MEMORY:
            raise ValueError("a derivation that asks for too much memory")
        from cryptography.fernet import Fernet

        derived = hashlib.scrypt(
            # Keyboards differ in how they compose letters. No error of the encoder may come to show the passphrase.
            unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass"),
            salt=base64.b64decode(self.salt, validate=True),
            n=self.cost,
            r=self.blocks,
            p=self.lanes,
            maxmem=memory + _OVERHEAD,
            dklen=32,
        )
        return Fernet(base64.urlsafe_b64encode(derived))


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A sealed key as it lies in the file."""

    seal: _Seal
    name: str
    """Of the key, see `key_name`."""
    token: bytes

    def as_content(self) -> bytes:
        """One form only, so that a file that differs from it is damaged."""
        told = {"format": _FORMAT, "key": self.name, **asdict(self.seal), "sealed": self.token.decode()}
        told["checksum"] = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
        return json.dumps(told).encode() + b"\n"


def key_name(key: bytes) -> str:
    """A digest that tells keys apart and nothing else of them."""
    return hashlib.sha256(b"name of a vault key:" + key).hexdigest()[:16]


class VaultKey:
    """The key file. Methods raise VaultProblem and OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: bytes | None = None
        """The key that was in a sealed file. It stays good when another process changes the passphrase."""

    def exists(self) -> bool:
        return self.path.exists()

    def is_locked(self) -> bool:
        """Whether a passphrase is needed before `read`. A missing file is not locked."""
        return self.exists() and self._is_sealed(content := self._content()) and not self._has_opened(content)

    def is_sealed(self) -> bool:
        """Whether there is a passphrase at all."""
        return self.exists() and self._is_sealed(self._content())

    def read(self) -> bytes:
        """The key. Raises VaultLocked before a sealed one was unlocked."""
        content = self._content()
        if not self._is_sealed(content):
            return self._checked(content)
        if self._opened is None or not self._has_opened(content):
            raise VaultLocked(self.path)
        return self._opened

    def unlock(self, passphrase: str) -> None:
        """Open a sealed key for this process. Slow on purpose. Raises WrongPassphrase."""
        content = self._content()
        if not self._is_sealed(content) or self._has_opened(content):
            return
        from cryptography.fernet import InvalidToken

        sealed = self._parsed(content)
        try:
            key = sealed.seal.fernet(passphrase).decrypt(sealed.token)
        except InvalidToken:
            raise WrongPassphrase(self.path) from None
        except ValueError as error:
            raise self._damaged() from error
        self._opened = self._checked(key)

    def create(self) -> None:
        """Make a key, in clear, where there is none."""
        from cryptography.fernet import Fernet

        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self.path, Fernet.generate_key() + b"\n")

    def seal(self, passphrase: str) -> None:
        """Keep the key, which is not locked, under this passphrase from now on. Slow on purpose."""
        key = self.read()
        seal = _Seal.new()
        sealed = _Sealed(seal, key_name(key), seal.fernet(passphrase).encrypt(key))
        write_private(self.path, sealed.as_content())
        self._opened = key

    def unseal(self) -> None:
        """Keep the key, which is not locked, in clear from now on."""
        write_private(self.path, self.read() + b"\n")
        self._opened = None

    def _content(self) -> bytes:
        try:
            found = self.path.stat()
            content = self.path.read_bytes()
        except FileNotFoundError:
            raise VaultProblem(
                f"The key of the vault is missing: there is no {self.path}.",
                "Restore the key file from a backup, or move the vault away and set its secrets again.",
            ) from None
        exposed = why_not_private(found)
        if exposed is not None:
            why, cure = exposed
            raise VaultProblem(
                f"The key file {self.path} is not private: {why}.",
                f"Make it yours alone (`{cure} {self.path}`); if others could read it, change the secrets.",
            )
        return content

    def _has_opened(self, content: bytes) -> bool:
        return self._opened is not None and self._parsed(content).name == key_name(self._opened)

    @staticmethod
    def _is_sealed(content: bytes) -> bool:
        return content.startswith(b"{")

    def _checked(self, content: bytes) -> bytes:
        from cryptography.fernet import Fernet

        key = content.strip()
        try:
            Fernet(key)
        except ValueError:
            raise self._damaged() from None
        return key

    def _parsed(self, content: bytes) -> "_Sealed":
        try:
            told = json.loads(content)
            seal = _Seal(told["cost"], told["blocks"], told["lanes"], told["salt"])
            sealed = _Sealed(seal, told["key"], told["sealed"].encode())
            intact = sealed.as_content() == content
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise self._damaged() from None
        if not intact:
            raise self._damaged()
        return sealed

    def _damaged(self) -> VaultProblem:
        return VaultProblem(f"The key file {self.path} is damaged.", "Restore the key file from a backup.")
