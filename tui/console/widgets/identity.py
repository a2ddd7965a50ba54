"""What a server shows to prove who it is, drawn for people who compare it with what their partner tells them."""

from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tui.console.formats import safe
from tui.domain.expiry import expiry_warning
from tui.trust.identity import Doubt, Identity
from tui.trust.randomart import short_kind

_FAINT = "dim"
_NEW, _PLAIN, _OLD = "bold", "", "dim"
_UNTIL_NOW, _SHOWN_NOW = Text("Trusted until now", style=_FAINT), Text("Shown now", style=_FAINT)


def drawn_identity(identity: Identity, kept_in: str, now: datetime | None = None) -> RenderableType:
    """A host key with its picture, beside what was known in its place; a certificate with what stands in it."""
    if not identity.is_host_key:
        return _certificate(identity, kept_in, now or datetime.now(UTC))
    if identity.known:
        return _side_by_side(identity)
    facts = Table.grid()
    facts.add_column(overflow="fold")
    for line in _key_lines(identity.kind, identity.bits, identity.fingerprint, style=_NEW):
        facts.add_row(line)
    facts.add_row("")
    if identity.doubt is None:
        facts.add_row(Text.assemble(("Trusted  ", _FAINT), safe(identity.reason)))
    else:
        facts.add_row(Text.assemble(("If you trust it, it is kept in", _FAINT)))
        facts.add_row(safe(kept_in))
    return _beside(_picture(identity.picture), facts)


def _side_by_side(identity: Identity) -> RenderableType:
    """The old key and the new one. Where several are known, the first has its picture drawn."""
    pictures = Table.grid(padding=(0, 2, 0, 0))
    pictures.add_row(_UNTIL_NOW, _SHOWN_NOW)
    pictures.add_row(_picture(identity.known[0].picture, style=_OLD), _picture(identity.picture))
    facts = Table.grid()
    facts.add_column(overflow="fold")
    for old in identity.known:
        facts.add_row(_UNTIL_NOW)
        for line in _key_lines(old.kind, old.bits, old.fingerprint, style=_PLAIN):
            facts.add_row(line)
        facts.add_row(Text.assemble("in ", safe(old.place), style=_FAINT))
        facts.add_row("")
    facts.add_row(_SHOWN_NOW)
    for line in _key_lines(identity.kind, identity.bits, identity.fingerprint, style=_NEW):
        facts.add_row(line)
    return _beside(pictures, facts)


def _key_lines(kind: str | None, bits: int | None, fingerprint: str, *, style: str) -> list[Text]:
    named = [] if kind is None else [Text(f"{short_kind(kind)}{f', {bits} bits' if bits else ''}", style=style)]
    return [*named, Text(fingerprint, style=style)]


def _picture(lines: list[str], style: str = "") -> Text:
    return Text("\n".join(lines), no_wrap=True, style=style)


def _beside(left: RenderableType, right: RenderableType) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_row(left, right)
    return table


def _certificate(identity: Identity, kept_in: str, now: datetime) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style=_FAINT, no_wrap=True)
    table.add_column(overflow="fold")
    facts = identity.certificate
    if facts is None:
        table.add_row("Content", "cannot be read")
    else:
        table.add_row("Subject", safe(facts.subject))
        table.add_row("Issuer", safe(facts.issuer))
        table.add_row("Names", _listed(facts.names) if facts.names else "none")
        valid = Text(f"{facts.begins:%Y-%m-%d} to {facts.ends:%Y-%m-%d}")
        if (warning := expiry_warning(facts.ends, now)) is not None:
            valid.append(f"\n! {warning}", "bold yellow")
        table.add_row("Valid", valid)
    table.add_row("SHA-256", Text(identity.fingerprint, style=_NEW))
    for old in identity.known:
        table.add_row("Until now", Text.assemble(safe(old.fingerprint), "\n", ("in ", _FAINT), safe(old.place)))
    if identity.doubt is None:
        table.add_row("Trusted", safe(identity.reason))
    elif identity.doubt is Doubt.UNKNOWN:
        table.add_row("Kept in", safe(kept_in))
    return Group(table)


def _listed(names: tuple[str, ...]) -> Text:
    return Text(", ").join(safe(name) for name in names)
