"""What stands in a TLS certificate, for people."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from tui.domain.text import printable

_MOST_NAMES = 8
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """Texts are printable and short: a certificate comes from outside like any other text."""

    subject: str
    issuer: str
    """`itself` for one that nobody else has signed."""
    names: tuple[str, ...]
    """The host names and addresses that it is for."""
    begins: datetime
    ends: datetime

    def __str__(self) -> str:
        names = f", for {', '.join(self.names)}" if self.names else ""
        dates = f"valid from {self.begins:%Y-%m-%d} to {self.ends:%Y-%m-%d}"
        return f"{self.subject}, issued by {self.issuer}{names}, {dates}"


def read_certificate(der: bytes) -> CertificateFacts | None:
    """The facts of a certificate in DER form; None for one that cannot be read, as a pinned one may be."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        issued_by_itself = certificate.issuer == certificate.subject
        return CertificateFacts(
            _shown(certificate.subject.rfc4514_string() or "nobody"),
            "itself" if issued_by_itself else _shown(certificate.issuer.rfc4514_string() or "nobody"),
            _names(certificate),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )
    except ValueError:
        return None


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The subject alternative names that a host can have (RFC 5280, section 4.2.1.6)."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    names = [name for name in found if isinstance(name, x509.DNSName | x509.IPAddress)]
    shown = [_shown(str(name.value)) for name in names[:_MOST_NAMES]]
    return tuple(shown) if len(names) <= _MOST_NAMES else (*shown, f"{len(names) - _MOST_NAMES} more")


def _shown(text: str) -> str:
    return printable(text, _LONGEST_NAME)
