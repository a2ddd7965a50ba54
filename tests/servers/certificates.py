"""Certificates for servers in tests: a CA of its own, good server certificates, and every kind of bad one."""

import base64
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A certificate with its key, as PEM files; `combined` holds both in one file, for servers that want that."""

    certificate: Path
    key: Path
    combined: Path
    fingerprint: str
    """As a connection pins it: `SHA256:` and base64 of the digest of the DER form, without padding."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """One CA and what it signed. All but `wrong_name` are for `localhost` and `127.0.0.1`."""

    ca_file: Path
    good: ServerCertificate
    expiring: ServerCertificate
    """Good for ten more days."""
    expired: ServerCertificate
    wrong_name: ServerCertificate
    self_signed: ServerCertificate


@dataclass(frozen=True, slots=True)
class _Issuer:
    name: x509.Name
    key: ec.EllipticCurvePrivateKey


_HERE: tuple[x509.GeneralName, ...] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
)
_ELSEWHERE: tuple[x509.GeneralName, ...] = (x509.DNSName("elsewhere.example"),)
_DAY = timedelta(days=1)


def make_certificates(folder: Path) -> Certificates:
    """Write a CA and server certificates of each kind into the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _Issuer(_common_name("Wharf test CA"), key)
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(_ca_certificate(authority).public_bytes(serialization.Encoding.PEM))
    return Certificates(
        ca_file,
        good=_issue(folder, "good", authority, _HERE),
        expiring=_issue(folder, "expiring", authority, _HERE, ends=10 * _DAY),
        expired=_issue(folder, "expired", authority, _HERE, ends=-_DAY),
        wrong_name=_issue(folder, "wrong-name", authority, _ELSEWHERE),
        self_signed=_issue(folder, "self-signed", None, _HERE),
    )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One set for all tests of the session: making keys takes time."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _ca_certificate(authority: _Issuer) -> x509.Certificate:
    now = datetime.now(UTC)
    public_key = authority.key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(authority.name)
        .issuer_name(authority.name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 90 * _DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .sign(authority.key, hashes.SHA256())
    )


def _issue(
    folder: Path,
    label: str,
    issuer: _Issuer | None,
    names: tuple[x509.GeneralName, ...],
    ends: timedelta = 90 * _DAY,
) -> ServerCertificate:
    """Write a server certificate that is valid until `ends` from now; without an issuer it signs itself."""
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _common_name(f"Wharf test server, {label}")
    signer = issuer or _Issuer(subject, key)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 10 * _DAY)
        .not_valid_after(now + ends)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False)
        .sign(signer.key, hashes.SHA256())
    )
    return _written(folder, label, certificate, key)


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _written(
    folder: Path, label: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> ServerCertificate:
    certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificate_file, key_file, combined = (folder / f"{label}{part}.pem" for part in ("", ".key", ".combined"))
    certificate_file.write_bytes(certificate_pem)
    for path, content in ((key_file, key_pem), (combined, key_pem + certificate_pem)):
        # Servers refuse keys that others could read.
        path.touch(mode=0o600)
        path.write_bytes(content)
    digest = base64.b64encode(certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
    return ServerCertificate(certificate_file, key_file, combined, f"SHA256:{digest}")
