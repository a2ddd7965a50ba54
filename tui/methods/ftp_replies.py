"""What the refusals of FTP servers mean (reply codes: RFC 959, section 4.2, and RFC 4217, section 10)."""

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.text import printable
from tui.methods.ftps_client import Reply

_LONGEST_QUOTE = 200

_BY_CODE = {
    "421": FailureClass.REFUSED,
    "425": FailureClass.NETWORK,
    "426": FailureClass.NETWORK,
    "430": FailureClass.AUTH,
    "431": FailureClass.TLS,
    "450": FailureClass.REFUSED,
    "451": FailureClass.REFUSED,
    "452": FailureClass.SPACE,
    "521": FailureClass.TLS,
    "522": FailureClass.TLS,
    "530": FailureClass.AUTH,
    "532": FailureClass.PERMISSION,
    "533": FailureClass.TLS,
    "534": FailureClass.TLS,
    "535": FailureClass.TLS,
    "536": FailureClass.TLS,
    "552": FailureClass.SPACE,
}

_BY_WORDS = (
    (FailureClass.NOT_FOUND, ("no such file", "not found", "doesn't exist", "does not exist", "no such directory")),
    (FailureClass.PERMISSION, ("permission", "denied", "not allowed", "not permitted", "forbidden", "read-only")),
    (FailureClass.SPACE, ("no space", "disk full", "quota")),
    (FailureClass.REJECTED, ("exists", "bad filename", "invalid name")),
)
"""How servers say why a file action failed: the codes 550 and 553 stand for all of these."""


def quote(reply: Reply) -> str:
    """The answer in the server's own words, printable and short."""
    return f"{reply.code} {printable(reply.text, _LONGEST_QUOTE)}".strip()


def is_unknown_command(reply: Reply) -> bool:
    """Whether the server lacks the command, or its argument's form, as such."""
    return reply.code in {"500", "501", "502", "504"}


def told_class(reply: Reply) -> FailureClass | None:
    """What the refusal means by its code and words; None where neither tells."""
    if reply.code in _BY_CODE:
        return _BY_CODE[reply.code]
    text = reply.text.lower()
    return next((said for said, words in _BY_WORDS if any(word in text for word in words)), None)


def refusal(reply: Reply, doing: str, *, otherwise: FailureClass = FailureClass.REJECTED) -> TransferFailed:
    """The failure that a refusal means. `doing` says what was refused, such as `Writing a.csv`; `otherwise` is what to
    think when neither code nor words tell.
    """
    if _is_out_of_step(reply):
        said = f"{doing} failed: the server answered {quote(reply)}, which is no answer to that."
        return TransferFailed(FailureClass.NETWORK, said)
    failure_class = told_class(reply) or (FailureClass.REFUSED if reply.code.startswith("4") else otherwise)
    return TransferFailed(failure_class, f"{doing} was refused by the server: {quote(reply)}")


def _is_out_of_step(reply: Reply) -> bool:
    """A yes where another one was due answers something else, such as the command before. 332 asks for an account."""
    return reply.code[:1] in {"1", "2", "3"} and reply.code != "332"
