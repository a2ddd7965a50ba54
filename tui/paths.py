"""Where Wharf keeps things, and whether it may change them. The XDG folders, or all under WHARF_HOME if that is set."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tui.domain.failure import UsageProblem
from tui.domain.text import printable


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders in use and the files in them. Nothing is created by looking; `prepare` creates the folders."""

    config: Path
    data: Path
    state: Path
    read_only: bool = False
    """Nothing is run and nothing that is kept there is changed; only runs whose process is gone are ended."""

    @classmethod
    def from_environment(cls) -> "Paths":
        """The folders that the environment asks for. Raises UsageProblem where it names a home folder that there is
        not."""
        home = os.environ.get("WHARF_HOME")
        if home:
            root = _home_found(Path(home).expanduser, f"WHARF_HOME is {home}").absolute()
            return cls(root / "config", root / "data", root / "state")
        return cls(
            _xdg("XDG_CONFIG_HOME", ".config") / "wharf",
            _xdg("XDG_DATA_HOME", ".local/share") / "wharf",
            _xdg("XDG_STATE_HOME", ".local/state") / "wharf",
        )

    def prepare(self) -> None:
        """Create the folders, readable by nobody else."""
        for folder in (self.config, self.data, self.state):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def database(self) -> Path:
        return self.data / "wharf.db"

    @property
    def settings(self) -> Path:
        return self.config / "config.toml"

    @property
    def filters(self) -> Path:
        return self.config / "filters.toml"

    @property
    def known_hosts(self) -> Path:
        return self.config / "known_hosts"

    @property
    def vault(self) -> Path:
        return self.data / "vault"

    @property
    def vault_key(self) -> Path:
        return self.config / "vault.key"

    @property
    def view(self) -> Path:
        """How the tables of the screen were set up last."""
        return self.state / "view.toml"

    @property
    def log(self) -> Path:
        """Faults of Wharf itself and warnings of its libraries; what happens to runs is in their history."""
        return self.state / "wharf.log"


def expanded(path: str) -> Path:
    """A path that a user has written, with the home folder in the place of `~` or `~user` at its beginning. Where there
    is no such user it stays as it is, as in a shell: a path to nothing, which is told like any other."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises RuntimeError there


def _xdg(variable: str, fallback: str) -> Path:
    # The XDG specification: relative paths in these variables are invalid and to be ignored.
    value = Path(os.environ.get(variable, ""))
    return value if value.is_absolute() else _home_found(Path.home, "HOME is not set") / fallback


def _home_found(look: Callable[[], Path], because: str) -> Path:
    try:
        return look()
    except RuntimeError as error:
        raise UsageProblem(
            f"{printable(because)}, and the system knows no such user's home folder. Set WHARF_HOME to the path of the "
            "folder in which Wharf is to keep its files."
        ) from error
