"""Owns what an IP address is: never to be asked, public, or somebody's private network. Pure, no sockets.

Python's own `is_global` cannot be used alone: it says True for cloud metadata behind NAT64 and 6to4, for
168.63.129.16 and for multicast, and its answers differ between patch releases. The networks are therefore
listed here (IANA special-purpose registries, RFC 6890 and its successors, and the clouds' documentation).
"""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


# Nobody may ask these, whatever an allow-list says: what answers hands out credentials, or is not one host.
NEVER: tuple[tuple[str, tuple[Network, ...]], ...] = (
    ("a link-local address, where clouds keep credentials", _networks("169.254.0.0/16", "fe80::/10")),
    (
        "a cloud's metadata service",
        _networks(
            "fd00:ec2::/32",  # AWS over IPv6
            "fd20:ce::254/128",  # Google Cloud over IPv6
            "168.63.129.16/32",  # Azure
            "100.100.100.200/32",  # Alibaba Cloud
            "192.0.0.192/32",  # Oracle Cloud
            "fd00:c1::a9fe:a9fe/128",  # Oracle Cloud over IPv6
            "fd00:42::42/128",  # Scaleway over IPv6
        ),
    ),
    ("the unspecified address", _networks("0.0.0.0/8", "::/128")),
    ("a multicast address", _networks("224.0.0.0/4", "ff00::/8")),
    ("a reserved address", _networks("240.0.0.0/4")),
    # Where the IPv4 address stands inside depends on a prefix that only the operator knows.
    ("a local translation prefix", _networks("64:ff9b:1::/48")),
)

NOT_PUBLIC = _networks(
    *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
)
GLOBAL_UNICAST = IPv6Network("2000::/3")
LOOPBACK = _networks("127.0.0.0/8", "::1/128")

# Where an IPv6 address carries an IPv4 address: the network, and how far the 32 bits are from the right end.
CARRIERS: tuple[tuple[IPv6Network, int], ...] = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated (RFC 2765)
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (IPv6Network("2002::/16"), 80),  # 6to4
    (IPv6Network("::/96"), 0),  # IPv4-compatible, deprecated
)


def parse(text: str) -> Address | None:
    """Return the address that a text spells, or None when it is a name. A zone ("%eth0") is dropped."""
    try:
        return ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None


def unwrap(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address carries, else the address itself."""
    if isinstance(address, IPv4Address) or int(address) <= 1:
        return address
    for network, shift in CARRIERS:
        if address in network:
            return IPv4Address(int(address) >> shift & 0xFFFFFFFF)
    return address


def never(address: Address) -> str:
    """Say what forbids an unwrapped address for good ("a multicast address"), or "" when nothing does."""
    return next((what for what, networks in NEVER if within(address, networks)), "")


def is_public(address: Address) -> bool:
    """Tell whether an unwrapped address is on the open internet."""
    if never(address) or within(address, NOT_PUBLIC):
        return False
    return isinstance(address, IPv4Address) or address in GLOBAL_UNICAST


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Tell whether one of the networks holds the address. Versions may be mixed."""
    return any(address in network for network in networks)
