from __future__ import annotations

import pytest

from tongdai.core.turn import TurnServers, check_turn, read_turn_urls

URL = "turn:turn.example.net:3478"


def test_addresses_of_servers_are_read():
    text = f"{URL}?transport=udp, turns:[2001:db8::5]:5349?transport=tcp ,stun:192.0.2.1,, TURN:T.example.net"
    assert read_turn_urls(text) == (
        f"{URL}?transport=udp",
        "turns:[2001:db8::5]:5349?transport=tcp",
        "stun:192.0.2.1",
        "TURN:T.example.net",
    )
    assert read_turn_urls("") == ()


@pytest.mark.parametrize(
    "text",
    [
        "turn.example.net",
        "turn://turn.example.net",
        "turn:",
        "turn:a:0",
        "turn:a:70000",
        "turn:a?transport=sctp",
        "stun:a?transport=udp",
        "turn:a b",
        "turn:user@a",
        "https://a",
    ],
)
def test_what_is_no_address_is_told(text: str):
    with pytest.raises(ValueError, match=r"TURN"):
        read_turn_urls(text)


def test_everybody_has_credentials_of_his_own_that_end():
    """By the scheme that coturn has as `use-auth-secret`; the digest is of `openssl dgst -sha1 -hmac`."""
    servers = TurnServers((URL,), secret="north")
    username, password, end = servers.credentials("person_1", 1_795_000_000.7)
    assert (username, end) == ("1795003600:person_1", 1_795_003_600.7)
    assert password == "EbKkMkTAmKLlbIvHPBzYpSdc7rs="
    assert servers.credentials("person_2", 1_795_000_000.7)[1] != password


def test_or_all_have_the_same():
    servers = TurnServers((URL,), username="pbx", password="north")
    assert servers.credentials("person_1", 0.0)[:2] == ("pbx", "north")


@pytest.mark.parametrize(
    ("servers", "said"),
    [
        (TurnServers((URL,)), "wants a secret"),
        (TurnServers((URL,), "north", "pbx", "south"), "exclude"),
        (TurnServers((URL,), username="pbx"), "belong together"),
        (TurnServers((), "north"), "no TURN server"),
        (TurnServers(("stun:192.0.2.1",), "north"), "no TURN server"),
    ],
)
def test_what_does_not_go_together_is_told(servers: TurnServers, said: str):
    with pytest.raises(ValueError, match=said):
        check_turn(servers)


@pytest.mark.parametrize(
    "servers", [TurnServers(), TurnServers(("stun:192.0.2.1",)), TurnServers((URL,), "north")]
)
def test_what_goes_together_is_taken(servers: TurnServers):
    check_turn(servers)
