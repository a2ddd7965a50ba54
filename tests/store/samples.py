"""Values for tests of the store."""

from pathlib import Path

import apsw

from tui.domain.connection import Connection
from tui.domain.failure import Failure, FailureClass
from tui.domain.run import Owner
from tui.store.process import this_process

NETWORK_DOWN = Failure(FailureClass.NETWORK, "The line is cut.", "Mend it.")


def connection(name: str = "acme", **changes: object) -> Connection:
    data: dict[str, object] = {
        "name": name,
        "direction": "inbound",
        "method": "email",
        "local_dir": "/batches",
        "email": {"host": "mail.example", "username": "u", "secret": "env:S", "from": "*@acme.example"},
    }
    return Connection.model_validate(data | changes)


def dead_process() -> Owner:
    """A process of this machine that is certainly gone: its pid has been given to a later one."""
    here = this_process()
    return here._replace(started=here.started.rpartition("/")[0] + "/0")


def process_elsewhere() -> Owner:
    return Owner(4711, "another-host", "other-boot/pid:[1]/99")


def alter(path: Path, statement: str, *values: object) -> None:
    """Change the file behind the store's back."""
    database = apsw.Connection(str(path))
    try:
        database.execute(statement, values)
    finally:
        database.close()


def fall_silent(path: Path, run_id: int, seconds: int = 61) -> None:
    """Make the last heartbeat of a run older."""
    alter(path, "UPDATE runs SET heartbeat = heartbeat - ? WHERE run_id = ?", seconds * 1_000_000, run_id)
