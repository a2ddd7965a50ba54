"""Names and addresses of hosts as text."""

import re


def _is_ipv6(value: str) -> bool:
    from ipaddress import IPv6Address

    try:
        IPv6Address(value)
    except ValueError:
        return False
    # Behind “%” the standard library takes any text for the name of an interface.
    return re.fullmatch(r"[A-Za-z0-9_.:%-]+", value) is not None


def host_name(value: str) -> str:
    """The value, which is a host name or an address. Raises ValueError with a sentence."""
    if not (re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", value) or _is_ipv6(value)):
        raise ValueError("must be a host name or an IP address, without a scheme or port")
    return value


def in_address(host: str | None) -> str | None:
    """RFC 3986 section 3.2.2: an IPv6 address stands in brackets, or its colons would be taken for the port's."""
    return f"[{host}]" if host is not None and ":" in host else host
