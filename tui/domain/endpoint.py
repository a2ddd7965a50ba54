"""The endpoint of a connection: where the other side is, what proves that it is the right one, and how to log in."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, field_validator

from tui.domain.terms import FtpTls, MailAuth, MailTls, Resend, ftp_port
from tui.domain.values import (
    Address,
    CharacterEncoding,
    Fingerprint,
    Host,
    JumpHosts,
    JumpKey,
    JumpSecret,
    PlainText,
    Port,
    ProxyAddress,
    ProxySecret,
    SecretReference,
    StrictModel,
)


def _header_safe(value: str) -> str:
    if any(character in "\r\n\0" for character in value):
        raise ValueError("must not contain line breaks")
    return value


class SftpEndpoint(StrictModel):
    """Where an SFTP server is and how to log in to it."""

    host: Host | None = Field(default=None, description="Host name or address")
    port: Port = 22
    username: PlainText | None = None
    secret: SecretReference | None = Field(default=None, description="The password, or the passphrase of the key file")
    key: PlainText | None = Field(default=None, description="Private key file")
    certificate: PlainText | None = Field(
        default=None, description="User certificate of the key, unless it lies beside it as KEY-cert.pub"
    )
    agent: bool = Field(default=False, description="Offer the keys of the running ssh-agent")
    ssh_config: Host | None = Field(default=None, description="Host alias in ~/.ssh/config")
    directory: PlainText = "."
    block_size: Annotated[int, Field(ge=1024, le=1024 * 1024)] | None = Field(
        default=None, description="Bytes per request, where the server's own limit does not work"
    )
    host_key: Fingerprint | None = Field(default=None, description="Pinned host key; overrides known_hosts")
    jump: JumpHosts = None
    jump_key: JumpKey = None
    jump_secret: JumpSecret = None
    proxy: ProxyAddress = None
    proxy_secret: ProxySecret = None


class FtpEndpoint(StrictModel):
    """Where an FTP server is, how it is encrypted and how to log in to it."""

    host: Host
    port: Port | None = Field(default=None, description="21, or 990 with implicit TLS")
    tls: FtpTls = FtpTls.EXPLICIT
    ca_file: PlainText | None = Field(default=None, description="PEM file of the CA to trust instead of the system's")
    fingerprint: Fingerprint | None = Field(default=None, description="Pinned certificate (SHA-256)")
    username: PlainText
    secret: SecretReference | None = Field(default=None, description="The password")
    directory: PlainText = "."
    encoding: CharacterEncoding = Field(
        default="utf-8", description="Of names, where the server does not speak UTF-8; such as cp1252"
    )
    jump: JumpHosts = None
    jump_key: JumpKey = None
    jump_secret: JumpSecret = None
    proxy: ProxyAddress = None
    proxy_secret: ProxySecret = None

    @property
    def resolved_port(self) -> int:
        return ftp_port(self.port, self.tls)


class EmailEndpoint(StrictModel):
    """Outbound: an SMTP server and the mail to write. Inbound: a folder of an IMAP mailbox."""

    host: Host
    port: Port | None = Field(default=None, description="587, 465 or 25 for SMTP; 143 or 993 for IMAP")
    tls: MailTls = MailTls.STARTTLS
    ca_file: PlainText | None = Field(default=None, description="PEM file of the CA to trust instead of the system's")
    fingerprint: Fingerprint | None = Field(default=None, description="Pinned certificate (SHA-256)")
    username: PlainText | None = None
    auth: MailAuth = Field(default=MailAuth.PASSWORD, description="What the secret is; xoauth2: an access token")
    secret: SecretReference | None = Field(default=None, description="The password or, with xoauth2, the access token")
    sender: Address | None = Field(default=None, description="From address; outbound")
    recipients: tuple[Address, ...] | None = Field(default=None, description="To addresses; outbound")
    subject: Annotated[str, StringConstraints(max_length=500), AfterValidator(_header_safe)] | None = Field(
        default=None, description="{connection}, {file} and {date} are filled in; outbound"
    )
    single_mail: bool = Field(
        default=False, description="All files of a run in one mail or none, instead of several mails; outbound"
    )
    resend: Resend | None = Field(
        default=None, description="Whether a mail that was taken but never confirmed is sent again; outbound"
    )
    folder: PlainText | None = Field(default=None, description="Mailbox folder; inbound")
    from_: PlainText | None = Field(default=None, alias="from", description="Only mail from this address or pattern")
    jump: JumpHosts = None
    jump_key: JumpKey = None
    jump_secret: JumpSecret = None
    proxy: ProxyAddress = None
    proxy_secret: ProxySecret = None

    @field_validator("subject")
    @classmethod
    def _known_placeholders(cls, value: str | None) -> str | None:
        for name in re.findall(r"\{([^{}]*)\}", value or ""):
            if name not in {"connection", "file", "date"}:
                raise ValueError("can only fill in {connection}, {file} and {date}")
        return value


Endpoint = SftpEndpoint | FtpEndpoint | EmailEndpoint
