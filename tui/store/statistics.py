"""Statements on what was moved over a period: per day and connection, and per connection over the whole of it."""

from datetime import date, datetime

import apsw

from tui.domain.statistics import ConnectionTotals, DayTotals, Statistics
from tui.store.connections import connection_id
from tui.store.rows import Row, to_micros

# Numbers are given in the order of time, so the first run of the period tells where in any index it begins; a clock
# that was set back meanwhile makes the second condition necessary.
_ENDED_SINCE = """
    FROM runs LEFT JOIN connections USING (connection_id)
    WHERE run_id >= coalesce((SELECT run_id FROM runs WHERE started >= ?1 ORDER BY started LIMIT 1), 9e18)
      AND started >= ?1 AND status <> 'In Progress'
"""
_OF_ONE = " AND runs.connection_id = ?2"
_NAME = "coalesce(connections.name, connection_name)"

_DAYS = """
    SELECT {name} AS shown, date(started / 1000000, 'unixepoch', 'localtime') AS day,
           count(*), sum(status = 'Failed'), sum(files_done), sum(bytes_done)
    {runs} GROUP BY shown, day ORDER BY day, shown
"""

_MEDIANS = """
    SELECT shown, avg(took) / 1e6
    FROM (SELECT {name} AS shown, ended - started AS took,
                 row_number() OVER (PARTITION BY {name} ORDER BY ended - started) AS place,
                 count(*) OVER (PARTITION BY {name}) AS number
          {runs} AND status = 'Completed')
    WHERE place IN ((number + 1) / 2, number / 2 + 1)
    GROUP BY shown
"""


def since(database: apsw.Connection, name: str | None, begin: datetime) -> Statistics:
    """The runs that began then or later and have ended, of one connection or of all. Raises UnknownConnection."""
    values: Row = (to_micros(begin),) if name is None else (to_micros(begin), connection_id(database, name))
    runs = _ENDED_SINCE if name is None else _ENDED_SINCE + _OF_ONE
    medians: list[Row] = database.execute(_MEDIANS.format(name=_NAME, runs=runs), values).fetchall()
    rows: list[Row] = database.execute(_DAYS.format(name=_NAME, runs=runs), values).fetchall()
    days = [DayTotals(shown, date.fromisoformat(day), *figures) for shown, day, *figures in rows]
    return Statistics(days, _by_connection(days, dict(medians)))


def _by_connection(days: list[DayTotals], medians: dict[str, float]) -> list[ConnectionTotals]:
    """In one pass: ten thousand connections have three hundred thousand days in a month."""
    own: dict[str, list[DayTotals]] = {}
    for day in days:
        own.setdefault(day.connection, []).append(day)
    return [
        ConnectionTotals(
            name,
            sum(day.runs for day in own[name]),
            sum(day.failed for day in own[name]),
            sum(day.files for day in own[name]),
            sum(day.bytes for day in own[name]),
            medians.get(name),
        )
        for name in sorted(own)
    ]
