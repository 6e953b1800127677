from __future__ import annotations

import ipaddress

import pytest

from tongdai.core.proxies import Header, Proxies

OURS = [
    ipaddress.ip_network("127.0.0.1"),
    ipaddress.ip_network("10.1.2.0/24"),
    ipaddress.ip_network("fd00::/8"),
]


def client(peer: str, *headers: str, header: Header = "x-forwarded-for") -> str:
    return Proxies(OURS, header).client(peer, headers)


def test_nobody_else_is_believed():
    for peer in ("203.0.113.9", "::1", "10.1.3.1", ""):
        assert client(peer, "198.51.100.7") == peer
    assert Proxies().client("127.0.0.1", ["198.51.100.7"]) == "127.0.0.1", "none is ours unless it is named"


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ((), "127.0.0.1"),
        (("203.0.113.9",), "203.0.113.9"),
        (("198.51.100.7, 203.0.113.9",), "203.0.113.9"),  # the first is what a stranger wrote himself
        (("198.51.100.7", "203.0.113.9"), "203.0.113.9"),
        (("198.51.100.7, 203.0.113.9, 10.1.2.3",), "203.0.113.9"),  # a second proxy of ours
        (("10.1.2.4, 10.1.2.3",), "10.1.2.4"),
        (("203.0.113.9:4711",), "203.0.113.9"),
        (("2001:db8::9",), "2001:db8::9"),
        (("[2001:db8::9]:4711",), "2001:db8::9"),
        (("::ffff:203.0.113.9",), "203.0.113.9"),
        (("203.0.113.9, unknown",), "127.0.0.1"),
        (("203.0.113.9, unknown, 10.1.2.3",), "10.1.2.3"),
        (("",), "127.0.0.1"),
    ],
)
def test_it_is_the_last_hop_that_is_no_proxy_of_ours(headers: tuple[str, ...], found: str):
    assert client("127.0.0.1", *headers) == found


def test_a_proxy_is_known_where_ipv4_comes_in_ipv6():
    assert client("::ffff:127.0.0.1", "203.0.113.9") == "203.0.113.9"


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (("for=203.0.113.9",), "203.0.113.9"),
        (('For="[2001:db8::9]:4711";proto=https;by=10.1.2.3',), "2001:db8::9"),
        (("for=198.51.100.7, for=203.0.113.9;proto=https",), "203.0.113.9"),
        (("for=198.51.100.7", "for=203.0.113.9"), "203.0.113.9"),
        (("for=203.0.113.9, for=10.1.2.3",), "203.0.113.9"),
        (('for=203.0.113.9;host="a,for=198.51.100.7"',), "203.0.113.9"),
        (("for=203.0.113.9, for=_hidden",), "127.0.0.1"),
        (("for=203.0.113.9, proto=https",), "127.0.0.1"),
        (('for="198.51.100.7, for=203.0.113.9',), "127.0.0.1"),  # a stranger's quote that never ends
        (("203.0.113.9",), "127.0.0.1"),
    ],
)
def test_forwarded_is_read_as_its_rfc_says(headers: tuple[str, ...], found: str):
    assert client("127.0.0.1", *headers, header="forwarded") == found


def https(peer: str, headers: list[str], *schemes: str, header: Header = "x-forwarded-for") -> bool:
    return Proxies(OURS, header).https(peer, headers, schemes)


@pytest.mark.parametrize(
    ("headers", "schemes", "found"),
    [
        ([], ["https"], True),
        (["203.0.113.9"], ["https"], True),
        (["203.0.113.9"], ["HTTPS"], True),
        (["203.0.113.9"], ["wss"], True),  # so does Traefik call a WebSocket over TLS
        (["203.0.113.9"], ["http"], False),
        (["203.0.113.9"], [], False),
        (["203.0.113.9"], [""], False),
        (["198.51.100.7, 203.0.113.9"], ["https, http"], False),  # the first is what a stranger wrote himself
        (["198.51.100.7", "203.0.113.9"], ["https", "http"], False),
        (["203.0.113.9, 10.1.2.3"], ["https, http"], True),  # a second proxy of ours, asked by the first
        (["203.0.113.9, 10.1.2.3"], ["https"], True),
        (["203.0.113.9, 10.1.2.3"], ["http, https"], False),
    ],
)
def test_it_is_tls_when_the_outermost_proxy_of_ours_was_asked_so(
    headers: list[str], schemes: list[str], found: bool
):
    assert https("127.0.0.1", headers, *schemes) is found
    for peer in ("203.0.113.9", "198.51.100.7", ""):
        assert not https(peer, headers, *schemes)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (["for=203.0.113.9;proto=https"], True),
        (['for=203.0.113.9;Proto="https"'], True),
        (["for=203.0.113.9;proto=http"], False),
        (["for=203.0.113.9"], False),
        (["for=198.51.100.7;proto=https, for=203.0.113.9;proto=http"], False),
        (["for=203.0.113.9;proto=https, for=10.1.2.3;proto=http"], True),
        (['for="203.0.113.9;proto=https'], False),
        ([], False),
    ],
)
def test_forwarded_says_it_too_and_then_it_alone(headers: list[str], found: bool):
    assert https("127.0.0.1", headers, "https", header="forwarded") is found
    assert not https("203.0.113.9", headers, "https", header="forwarded")
