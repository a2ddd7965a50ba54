"""Names that differ only in case, on disks that take them for one: the second file would replace the first."""

import os
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex


def case_twins(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Of the names that are to become files of the folder, those that it takes for another one of them or of its own
    files, each with that other name. Empty for a folder that tells them apart. Raises OSError."""
    known = {path.name.casefold(): path.name for path in folder.iterdir()}
    twins = {}
    for name in names:
        other = known.setdefault(name.casefold(), name)
        if other != name:
            twins[name] = other
    # Looked at last: it takes a file to find out, and nearly always there is no need to.
    return twins if twins and _folds_case(folder) else {}


def _folds_case(folder: Path) -> bool:
    trial = folder / f".wharf-case-{token_hex(8)}"
    os.close(os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        return os.path.lexists(folder / trial.name.upper())
    finally:
        trial.unlink()
