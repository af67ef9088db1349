"""The egress policy: the table of addresses, and the sentences for what a form must refuse."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.outside import addresses
from readiness.outside.policy import Blocked, Policy

EVERYTHING = Policy.of(["0.0.0.0/0", "::/0"], ["1-65535"])

NEVER = [
    *("169.254.169.254", "169.254.0.1", "169.254.170.2", "fe80::1", "fe80::1%eth0", "febf::1"),
    *(
        "fd00:ec2::254",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
        "fd00:42::42",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
    ),
    *("0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"),
    *("240.0.0.1", "255.255.255.255", "64:ff9b:1::1"),
    # The same ones in disguise: mapped, translated, compatible, NAT64, 6to4.
    *("::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::ffff:0:169.254.169.254", "::169.254.169.254"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1", "2002:a9fe:a9fe:1::7"),
    *("64:ff9b::100.100.100.200", "::ffff:168.63.129.16", "2002:c000:00c0::1", "::ffff:0.0.0.0"),
]
PRIVATE = [
    *("127.0.0.1", "127.1.2.3", "::1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *(
        "100.64.0.1",
        "100.127.255.254",
        "198.18.0.1",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "192.88.99.1",
    ),
    *(
        "192.0.0.1",
        "100.100.100.201",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "2001:db8::1",
        "2001::1",
        "3fff::1",
        "5f00::1",
    ),
    *("100::1", "4000::1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::1"),
    *("::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:c0a8:0101::1"),
]
PUBLIC = [
    *("8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.0.1.1"),
    *("9.9.9.9", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001::1", "64:ff9b::808:808"),
    *("::ffff:8.8.8.8", "2002:808:808::1", "169.253.255.255", "168.63.129.15"),
]


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_asked_not_even_when_everything_is_allowed(address: str) -> None:
    with pytest.raises(Blocked, match="never ask"):
        EVERYTHING.check(address, 80)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_asked_only_inside_an_administrators_network(address: str) -> None:
    with pytest.raises(Blocked, match="private network"):
        Policy().check(address, 80)

    EVERYTHING.check(address, 80)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_asked(address: str) -> None:
    Policy().check(address, 443)


def test_an_allowed_network_opens_nothing_beside_itself() -> None:
    policy = Policy.of(["10.1.0.0/16"])

    policy.check("10.1.2.3", 443)
    policy.check("::ffff:10.1.2.3", 443)
    with pytest.raises(Blocked):
        policy.check("10.2.0.1", 443)


@pytest.mark.parametrize("port", [80, 443, 8000, 8443, 9999])
def test_the_usual_ports_are_open(port: int) -> None:
    Policy().check("8.8.8.8", port)


@pytest.mark.parametrize("port", [0, 1, 22, 25, 79, 81, 444, 3306, 5432, 6379, 7999, 10000, 11211, 65535])
def test_any_other_port_needs_an_administrator(port: int) -> None:
    with pytest.raises(Blocked, match=f"Port {port} is not open"):
        Policy().check("8.8.8.8", port)


def test_an_administrator_opens_a_port_or_a_range() -> None:
    policy = Policy.of([], ["5432", "10000-10010"])

    for port in (5432, 10000, 10010):
        policy.check("8.8.8.8", port)
    with pytest.raises(Blocked):
        policy.check("8.8.8.8", 10011)


@pytest.mark.parametrize("text", ["0", "65536", "9-8", "http", "-1"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Policy.of([], [text])


def test_our_own_database_is_never_asked_whatever_is_allowed() -> None:
    own = [(network, 5432) for network in addresses.LOOPBACK]
    policy = Policy.of(["127.0.0.0/8", "::1/128"], ["5432", "5433"], own)

    policy.check("127.0.0.1", 5433)
    for address in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"):
        with pytest.raises(Blocked, match="own database or broker"):
            policy.check(address, 5432)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://169.254.169.254/latest/meta-data/", "never ask 169.254.169.254"),
        ("http://[::ffff:169.254.169.254]/", "never ask"),
        ("http://[fe80::1%25eth0]/", "never ask"),
        ("file:///etc/passwd", "Only http:// and https://"),
        ("gopher://example.com/", "Only http:// and https://"),
        ("ftp://example.com/", "Only http:// and https://"),
        ("javascript:alert(1)", "Only http:// and https://"),
        ("//example.com/", "Only http:// and https://"),
        ("example.com", "Only http:// and https://"),
        ("", "Only http:// and https://"),
        ("http://", "names no host"),
        ("http:///path", "names no host"),
        ("http://user:secret@example.com/", "user name or a password"),
        ("http://@example.com/", "user name or a password"),
        ("http://example.com\\@169.254.169.254/", "backslash"),
        ("http://exa mple.com/", "space"),
        ("http://example.com/\r\nHost: other", "control character"),
        ("http://127.0.0.1/", "private network"),
        ("http://[::1]/", "private network"),
        ("http://localhost/", "private network"),
        ("http://LOCALHOST./", "private network"),
        ("http://app.localhost:8000/", "private network"),
        ("http://2130706433/", "usual form"),
        ("http://0x7f000001/", "usual form"),
        ("http://0177.0.0.1/", "usual form"),
        ("http://127.1/", "usual form"),
        ("http://0x7f.1/", "usual form"),
        ("http://10.0.0.5:8000/", "private network"),
        ("http://example.com:22/", "Port 22"),
        ("http://example.com:99999/", "not a web address"),
        ("http://example.com:port/", "not a web address"),
        ("http://[::1", "not a web address"),
    ],
)
def test_a_form_refuses_what_may_never_be_probed_with_one_clear_sentence(url: str, words: str) -> None:
    with pytest.raises(Blocked) as refusal:
        Policy().check_url(url)

    assert words in str(refusal.value)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com",
        "http://example.com:8080/base?x=1",
        "https://[2606:4700:4700::1111]/",
        "https://bücher.example/",
    ],
)
def test_a_form_takes_a_web_address(url: str) -> None:
    Policy().check_url(url)


def test_loopback_may_be_registered_once_an_administrator_opened_it() -> None:
    policy = Policy.of(["127.0.0.0/8"])

    policy.check_url("http://127.0.0.1:8000/")
    policy.check_url("http://localhost:8000/")


@given(st.ip_addresses(v=4))
def test_an_address_in_disguise_is_judged_as_what_it_carries(address: object) -> None:
    plain = verdict(str(address))

    for disguise in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert verdict(disguise) == plain


@given(st.ip_addresses())
def test_what_is_never_asked_is_not_public(address: addresses.Address) -> None:
    bare = addresses.unwrap(address)

    assert not (addresses.never(bare) and addresses.is_public(bare))


def verdict(address: str) -> str:
    """Return in one word what the policy with nothing opened says."""
    try:
        Policy().check(address, 80)
    except Blocked as blocked:
        return "never" if "never" in str(blocked) else "private"
    return "public"


def test_a_policy_judges_addresses_and_never_names() -> None:
    with pytest.raises(Blocked, match="is not an IP address"):
        EVERYTHING.check("example.com", 80)
    assert issubclass(Blocked, OSError)
    assert not issubclass(Blocked, socket.gaierror)
