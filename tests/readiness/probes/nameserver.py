"""Owns the name server that the tests of DNS ask: on loopback, over UDP and TCP, with any fault."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

Reply = Callable[[dns.message.QueryMessage], dns.message.Message | None]
"""Returns the response to a query; None says nothing at all."""

SOA = "ns.example.net. hostmaster.example.net. 1 3600 600 86400 300"


def zones(
    records: Mapping[str, Mapping[str, Sequence[str]]],
    owners: Sequence[str] = ("example.com.", "example.net.", "."),
    *,
    follows: bool = True,
) -> Reply:
    """Answer as a resolver that knows these records: name to kind to data.

    A denial carries the SOA of the nearest of `owners`, or none. Without `follows` a CNAME is not followed.
    """

    def reply(query: dns.message.QueryMessage) -> dns.message.Message:
        response = dns.message.make_response(query, recursion_available=True)
        name, kind = query.question[0].name, query.question[0].rdtype
        while True:
            known = records.get(name.to_text())
            if known is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
                break
            if "CNAME" in known and kind != dns.rdatatype.CNAME:
                response.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", known["CNAME"][0]))
                name = dns.name.from_text(known["CNAME"][0])
                if follows:
                    continue
                return response
            data = known.get(dns.rdatatype.to_text(kind), ())
            if data:
                response.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *data))
                return response
            break
        owner = next((one for one in owners if name.is_subdomain(dns.name.from_text(one))), None)
        if owner:
            response.authority.append(dns.rrset.from_text(owner, 300, "IN", "SOA", SOA))
        return response

    return reply


def saying(rcode: dns.rcode.Rcode) -> Reply:
    """Answer everything with an error."""

    def reply(query: dns.message.QueryMessage) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.set_rcode(rcode)
        return response

    return reply


@contextmanager
def name_server(reply: Reply, *, truncated: bool = False) -> Iterator[str]:
    """Serve replies, and yield "address:port". With `truncated` nothing fits into UDP."""
    stream = socket.create_server(("127.0.0.1", 0))
    port = stream.getsockname()[1]
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", port))
    datagrams.settimeout(0.01)
    stream.settimeout(0.01)
    stop = threading.Event()

    def over_udp() -> None:
        while not stop.is_set():
            with suppress(TimeoutError, dns.exception.DNSException):
                wire, asker = datagrams.recvfrom(4096)
                response = reply(read(wire))
                if response is not None and truncated:
                    response.flags |= dns.flags.TC
                    response.answer.clear()
                if response is not None:
                    datagrams.sendto(response.to_wire(), asker)

    def over_tcp() -> None:
        while not stop.is_set():
            with suppress(TimeoutError, dns.exception.DNSException):
                connection, _ = stream.accept()
                with connection:
                    connection.settimeout(2)
                    response = reply(read(connection.recv(4096)[2:]))
                    if response is not None:
                        wire = response.to_wire()
                        connection.sendall(len(wire).to_bytes(2, "big") + wire)

    threads = [threading.Thread(target=one, daemon=True) for one in (over_udp, over_tcp)]
    for thread in threads:
        thread.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        stream.close()
        datagrams.close()


def read(wire: bytes) -> dns.message.QueryMessage:
    """Read a query."""
    query = dns.message.from_wire(wire)
    assert isinstance(query, dns.message.QueryMessage)
    return query
