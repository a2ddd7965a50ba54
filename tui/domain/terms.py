"""The words of a connection: what each of its choices can be."""

from enum import StrEnum


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class Method(StrEnum):
    SFTP = "sftp"
    FTP = "ftp"
    EMAIL = "email"

    @property
    def label(self) -> str:
        return "Email" if self is Method.EMAIL else self.value.upper()


class After(StrEnum):
    """What happens to the source once the delivery is on record."""

    KEEP = "keep"
    DELETE = "delete"
    MOVE = "move"


class Verify(StrEnum):
    """How a delivered file is proved, beyond equal sizes on both sides."""

    AUTO = "auto"
    """The best proof that the other side offers at no cost."""
    SIZE = "size"
    """Sizes only."""
    REREAD = "reread"
    """The delivered bytes are read back and hashed."""


class Repeat(StrEnum):
    """What happens to content delivered before under another name, and to new content under a name delivered before."""

    SEND = "send"
    SKIP = "skip"


class Conflict(StrEnum):
    """What happens when the target has a file of that name."""

    OVERWRITE = "overwrite"
    """It is replaced in one step."""
    KEEP_BOTH = "keep-both"
    """The new file gets a number before its ending."""
    FAIL = "fail"


TEMPORARY_NAMES = (".*", "*.part", "*.filepart", "*.partial", "*.tmp")
"""How senders call files that they still write."""


TYPE_TITLES = {
    "conversions": "Conversion data",
    "modifications": "Action modifications",
    "reversals": "Action reversals",
    "catalog": "Product catalog",
    "performance": "Aggregate performance",
    "other": "Other",
}
"""The built-in types of batch and how they are shown. A connection may carry a type of the user's own."""


def type_title(key: str) -> str:
    """How a type is shown: its title for the built-in ones, the key itself for a user's own."""
    return TYPE_TITLES.get(key, key)


class FtpTls(StrEnum):
    EXPLICIT = "explicit"
    IMPLICIT = "implicit"
    NONE = "none"


class MailTls(StrEnum):
    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


class MailAuth(StrEnum):
    """What the secret of a mail connection is, and so how it logs in."""

    PASSWORD = "password"  # noqa: S105 - a way to log in
    XOAUTH2 = "xoauth2"
    """An OAuth 2.0 access token, usually from a command."""


class Resend(StrEnum):
    """What happens to a mail that the server took whole but never confirmed."""

    NEVER = "never"
    """It counts as unknown, and somebody decides."""
    ALWAYS = "always"
    """It is sent again under the same Message-ID."""


def ftp_port(given: int | None, tls: FtpTls) -> int:
    """The port of an FTP server: the one given, or the usual one."""
    return given or (990 if tls is FtpTls.IMPLICIT else 21)


def mail_port(given: int | None, tls: MailTls, direction: Direction) -> int:
    """The port of the mail server, SMTP outbound and IMAP inbound: the one given, or the usual one."""
    if direction is Direction.INBOUND:
        return given or (993 if tls is MailTls.IMPLICIT else 143)
    return given or {MailTls.STARTTLS: 587, MailTls.IMPLICIT: 465, MailTls.NONE: 25}[tls]
