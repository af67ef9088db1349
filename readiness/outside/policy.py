"""Owns the egress policy: which addresses and ports probes may ask. Pure; `egress` dials under it.

Whoever registers a deployment chooses where a probe goes, and a probe's answers are kept and shown: without a
policy that is a machine for reading other people's networks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Self
from urllib.parse import urlsplit

from readiness.outside import addresses

DNS_PORT = 53
PORTS = (range(80, 81), range(443, 444), range(8000, 10000))

AddrInfo = tuple[int, int, int, str, Any]
"""What getaddrinfo returns: family, type, protocol, canonical name, (address, port, ...)."""


class Blocked(OSError):
    """The policy forbids this address. The text is one whole sentence for a person."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Which addresses and ports may be asked.

    `allow` holds the private networks that an administrator (never the person who registers a deployment)
    opened; `ports` the ports beside the usual ones that an administrator opened; `own` this installation's
    database and broker as (network, port), which stay shut whatever `allow` says. `name_servers` are the
    (address, port) that are asked about names, the machine's own when empty: an administrator's choice, never
    that of whoever registers a deployment.
    """

    allow: tuple[addresses.Network, ...] = ()
    ports: tuple[range, ...] = PORTS
    own: tuple[tuple[addresses.Network, int], ...] = ()
    name_servers: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(
        cls,
        allow: Iterable[str] = (),
        ports: Iterable[str | int] = (),
        own: Iterable[tuple[addresses.Network, int]] = (),
        name_servers: Iterable[str] = (),
    ) -> Self:
        """Build a policy from what people write: CIDRs, ports as "5432" or "8000-9000", name servers as
        "10.0.0.53", "10.0.0.53:5353" or "[2001:db8::53]:53".

        Raises ValueError for a text that is no network, no port or no address.
        """
        opened = tuple(_port_range(str(text)) for text in ports)
        servers = tuple(name_server(text) for text in name_servers)
        return cls(tuple(ip_network(text) for text in allow), PORTS + opened, tuple(own), servers)

    def check(self, host: str, port: int) -> None:
        """Pass when this very address and port may be dialled; raise Blocked otherwise.

        `host` is an IP address as the socket will get it, never a name.
        """
        literal = addresses.parse(host)
        if literal is None:
            raise Blocked(f"{host} is not an IP address, so it cannot be judged.")
        address = addresses.unwrap(literal)
        if what := addresses.never(address):
            raise Blocked(f"Probes never ask {host}: it is {what}.")
        if any(address in network and port == own for network, own in self.own):
            raise Blocked(f"Probes never ask {host}:{port}: that is our own database or broker.")
        if not addresses.is_public(address) and not addresses.within(address, self.allow):
            raise Blocked(
                f"{host} is in a private network that no administrator has opened to probes (EGRESS_ALLOW)."
            )
        self.check_port(port)

    def check_port(self, port: int) -> None:
        """Raise Blocked unless probes may use the port."""
        if not any(port in ports for ports in self.ports):
            raise Blocked(
                f"Port {port} is not open to probes. Open are 80, 443, 8000-9999 and EGRESS_ALLOW_PORTS."
            )

    def check_url(self, url: str) -> None:
        """Raise Blocked, with one clear sentence, for an address that no probe may ever be pointed at.

        A name is not resolved here: what it leads to is judged at each connection, by the address dialled.
        """
        if any(ord(character) <= 32 or character == "\\" for character in url):
            raise Blocked("The address holds a space, a backslash or a control character. Write it without.")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise Blocked("This is not a web address. Write it like https://app.example.com.") from None
        if parts.scheme not in {"http", "https"}:
            named = f"not {parts.scheme}: ones" if parts.scheme else "and this one has no scheme"
            raise Blocked(f"Only http:// and https:// addresses can be probed, {named}.")
        if not host:
            raise Blocked("The address names no host. Write it like https://app.example.com.")
        if parts.username is not None or parts.password is not None:
            raise Blocked("The address holds a user name or a password. Write it without.")
        self._check_host(host, port or (443 if parts.scheme == "https" else 80))

    def _check_host(self, host: str, port: int) -> None:
        if addresses.parse(host):
            self.check(host, port)
        elif host.rstrip(".").rpartition(".")[2].isdigit() or host.lower().startswith("0x"):
            # 2130706433, 0177.0.0.1, 127.1 and 0x7f000001: sockets would read each of them as 127.0.0.1.
            raise Blocked(f"{host} is not an IP address in its usual form. Write it like 192.0.2.10.")
        elif host.rstrip(".").lower() == "localhost" or host.rstrip(".").lower().endswith(".localhost"):
            self.check("127.0.0.1", port)
        else:
            self.check_port(port)

    def permitted(self, found: Iterable[AddrInfo]) -> list[AddrInfo]:
        """Return those addresses that may be dialled; raise the last refusal when none may."""
        kept, refusal = [], Blocked("The name leads to no address.")
        for info in found:
            try:
                self.check(str(info[4][0]), int(info[4][1]))
                kept.append(info)
            except Blocked as blocked:
                refusal = blocked
        if not kept:
            raise refusal
        return kept


def name_server(text: str) -> tuple[str, int]:
    """Return address and port of a name server. Raises ValueError for a text that is neither."""
    if addresses.parse(text):
        return text.strip("[]"), DNS_PORT
    parts = urlsplit(f"//{text}")
    if not addresses.parse(parts.hostname or "") or not parts.port:
        raise ValueError(f"{text!r} is not the address of a name server.")
    return str(parts.hostname), parts.port


def _port_range(text: str) -> range:
    first, _, last = text.partition("-")
    ports = range(int(first), int(last or first) + 1)
    if not ports or ports[0] < 1 or ports[-1] > 65535:
        raise ValueError(f"{text!r} is neither a port nor a range of ports.")
    return ports
