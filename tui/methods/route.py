"""Which way leads to the server of a connection."""

from functools import partial

from tui.domain.connection import Connection
from tui.domain.endpoint import Endpoint
from tui.domain.route import parse_proxy
from tui.methods.base import Surroundings
from tui.methods.dial import Direct, Way


def find_way(connection: Connection, surroundings: Surroundings) -> Way:
    """The way as the connection describes it. Nothing is opened before the first connection is made through it."""
    if not connection.endpoint.jump:
        return first_way(connection.endpoint, surroundings)
    # SSH is loaded for those only who need it.
    from tui.methods.ssh_jump import JumpHosts

    return JumpHosts(connection, surroundings)


def first_way(endpoint: Endpoint, surroundings: Surroundings) -> Way:
    """The way to whatever is to be reached first: through the proxy, if there is one."""
    if endpoint.proxy is None:
        return Direct()
    from tui.methods.socks5 import Socks5

    return Socks5(parse_proxy(endpoint.proxy), partial(surroundings.other_secret, endpoint.proxy_secret or ""))
