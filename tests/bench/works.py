"""What the benchmark of transfers has everybody do, and how far ahead Wharf is meant to be."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.table import MB

KB = 1000
"""Small files are counted in thousands of bytes."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The time of the fastest of these programs should be at least `ratio` times Wharf's."""

    ratio: float
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """Files to be moved from one folder to another."""

    key: str
    method: str
    """`sftp`, `ftp` or `ftps`."""
    inbound: bool
    files: int
    size: int
    """Bytes of each."""
    reaches: tuple[Reach, ...]
    round_trip: float = 0.0
    """Seconds that the way is made longer."""

    @property
    def title(self) -> str:
        """In words, such as `SFTP get, 500 files of 10 kB, 50 ms`."""
        size = f"{self.size // MB} MB" if self.size >= MB else f"{self.size // KB} kB"
        batch = size if self.files == 1 else f"{self.files} files of {size}"
        late = f", {self.round_trip * 1000:.0f} ms" if self.round_trip else ""
        return f"{self.method.upper()} {'get' if self.inbound else 'put'}, {batch}{late}"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much there is to do, so that a quick look is possible."""

    large: int = 1024
    """Megabytes."""
    late: int = 256
    """Megabytes over a longer way."""
    small_files: int = 2000
    late_files: int = 500


_SSH = ("sftp", "lftp", "rclone")
_FTP = ("curl", "lftp")


def all_works(sizes: Sizes) -> Sequence[Work]:
    """Every work, in the order in which they are done."""
    works = []
    for inbound, word in ((True, "get"), (False, "put")):
        works += [
            Work(f"sftp-large-{word}", "sftp", inbound, 1, sizes.large * MB, (Reach(1.2, _SSH),)),
            Work(f"sftp-small-{word}", "sftp", inbound, sizes.small_files, 10 * KB, (Reach(2.5, _SSH),)),
            Work(f"sftp-one-{word}", "sftp", inbound, 1, 10 * KB, (Reach(1.0, _SSH),)),
            *_over_a_longer_way(sizes, word, inbound=inbound),
        ]
        for method in ("ftp", "ftps"):
            works += [
                Work(f"{method}-large-{word}", method, inbound, 1, sizes.large * MB, (Reach(1.0, _FTP),)),
                Work(f"{method}-small-{word}", method, inbound, sizes.small_files, 10 * KB, (Reach(1.5, ("lftp",)),)),
            ]
    return works


def _over_a_longer_way(sizes: Sizes, word: str, *, inbound: bool) -> list[Work]:
    ahead = (Reach(4.0, ("lftp", "rclone")), Reach(40.0, ("sftp",)))
    return [
        Work(f"sftp-late-small-{word}", "sftp", inbound, sizes.late_files, 10 * KB, ahead, 0.05),
        Work(f"sftp-late50-{word}", "sftp", inbound, 1, sizes.late * MB, (Reach(1.2, _SSH),), 0.05),
        Work(f"sftp-late150-{word}", "sftp", inbound, 1, sizes.late * MB, (Reach(1.2, _SSH),), 0.15),
    ]
