"""TLS contexts and pins, in handshakes with real certificates."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.certificates import Certificates, ServerCertificate
from tui.domain.failure import FailureClass, TransferFailed
from tui.trust.tls import certificate_fingerprint, check_pin, client_context, describe_certificate


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a handshake in memory: what it has to say goes to the other's `hears`."""

    tls: ssl.SSLObject
    hears: ssl.MemoryBIO
    says: ssl.MemoryBIO

    def step(self) -> bool:
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True


def _end(context: ssl.SSLContext, **who: object) -> _End:
    hears, says = ssl.MemoryBIO(), ssl.MemoryBIO()
    return _End(context.wrap_bio(hears, says, **who), hears, says)  # type: ignore[arg-type]  # either role


def shake_hands(context: ssl.SSLContext, certificate: ServerCertificate) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """The client's end and the server's after a handshake with a server that shows the certificate."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate.certificate, certificate.key)
    client = _end(context, server_hostname="localhost")
    server = _end(serving, server_side=True)
    for _ in range(10):
        done = client.step()
        server.hears.write(client.says.read())
        if server.step() and done:
            return client.tls, server.tls
        client.hears.write(server.says.read())
    raise AssertionError("the handshake goes on and on")


def test_a_certificate_of_the_named_ca(certificates: Certificates) -> None:
    tls, _ = shake_hands(client_context(str(certificates.ca_file), None), certificates.good)
    assert check_pin(tls, None, "localhost:21") == certificates.good.fingerprint


@pytest.mark.parametrize("kind", ["expired", "wrong_name", "self_signed"])
def test_a_bad_certificate(certificates: Certificates, kind: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(client_context(str(certificates.ca_file), None), getattr(certificates, kind))


def test_the_cas_of_the_system_do_not_know_ours(certificates: Certificates) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(client_context(None, None), certificates.good)


@pytest.mark.parametrize("kind", ["good", "expired", "wrong_name", "self_signed"])
def test_a_pin_takes_the_place_of_the_ca(certificates: Certificates, kind: str) -> None:
    shown: ServerCertificate = getattr(certificates, kind)
    tls, _ = shake_hands(client_context(None, shown.fingerprint), shown)
    assert check_pin(tls, shown.fingerprint, "localhost:21") == shown.fingerprint
    assert check_pin(tls, shown.fingerprint + "=", "localhost:21") == shown.fingerprint


def test_another_certificate_than_the_pinned_one(certificates: Certificates) -> None:
    pin = certificates.good.fingerprint
    tls, _ = shake_hands(client_context(None, pin), certificates.self_signed)
    with pytest.raises(TransferFailed, match="localhost:21") as caught:
        check_pin(tls, pin, "localhost:21")
    assert caught.value.failure.failure_class is FailureClass.TLS
    assert pin in str(caught.value)
    assert certificates.self_signed.fingerprint in str(caught.value)


def test_a_peer_without_a_certificate(certificates: Certificates) -> None:
    # A server must have one; a client, seen from the server, has none.
    _, tls = shake_hands(client_context(str(certificates.ca_file), None), certificates.good)
    with pytest.raises(TransferFailed, match="no certificate"):
        check_pin(tls, None, "localhost:21")


@pytest.mark.parametrize("pin", [None, "SHA256:x"])
def test_old_tls_is_refused(pin: str | None) -> None:
    assert client_context(None, pin).minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_ca_file_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("not a certificate")
    for path in (tmp_path / "no.pem", tmp_path / "missing.pem", tmp_path):
        with pytest.raises(TransferFailed, match=str(path)) as caught:
            client_context(str(path), None)
        assert caught.value.failure.failure_class is FailureClass.CONFIG


def test_a_certificate_in_words(certificates: Certificates) -> None:
    words = describe_certificate(ssl.PEM_cert_to_DER_cert(certificates.good.certificate.read_text()))
    assert "Wharf test server" in words
    assert "issued by CN=Wharf test CA" in words
    assert "valid from" in words
    alone = describe_certificate(ssl.PEM_cert_to_DER_cert(certificates.self_signed.certificate.read_text()))
    assert "issued by itself" in alone


def test_no_certificate_in_words() -> None:
    assert describe_certificate(b"\x30\x03abc") == "a certificate that cannot be read"


def test_a_fingerprint_is_the_digest_without_padding() -> None:
    # The SHA-256 of nothing, as FIPS 180-4 examples give it, in base64.
    assert certificate_fingerprint(b"") == "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
