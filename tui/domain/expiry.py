"""Certificates that end soon: a connection that works today will not work then."""

from datetime import datetime, timedelta

from tui.domain.figures import count

NOTICE = timedelta(days=30)
"""So long before its end a certificate is warned of: partners take weeks for a new one."""

EXPIRY_SIGN = "!"
"""Stands behind the method of a connection whose server's certificate ends soon."""


def expiry_warning(ends: datetime | None, now: datetime) -> str | None:
    """The warning in a few words, such as `certificate ends in 12 days, on 2026-12-06`; None where there is no need."""
    if ends is None or ends - now >= NOTICE:
        return None
    if ends <= now:
        return f"certificate has ended on {ends:%Y-%m-%d}"
    days = (ends - now).days
    when = f"in {count(days, 'day')}" if days else "within a day"
    return f"certificate ends {when}, on {ends:%Y-%m-%d}"
