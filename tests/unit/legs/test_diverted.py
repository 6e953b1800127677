"""Diversion and History-Info: what we write, and what carriers write."""

from __future__ import annotations

import pytest

from tongdai.calls.model import Diversion, DiversionReason, Party, PartyKind
from tongdai.legs import diverted
from tongdai.sip.message import Headers, Request

LAN, MINH = '"Lan" <sip:101@anphat.demo>', "<sip:102@anphat.demo>"


def request(*lines: tuple[str, str]) -> Request:
    return Request("INVITE", "sip:+842871234500@192.0.2.9", headers=Headers.of([*lines]), body=b"")


def test_nothing_is_said_of_a_call_that_nobody_forwarded() -> None:
    assert diverted.headers([], "sip:x@y") == []


def test_the_last_comes_first_and_the_history_in_order() -> None:
    chain = [(LAN, DiversionReason.ALWAYS), (MINH, DiversionReason.BUSY)]
    written = dict(diverted.headers(chain, "sip:103@192.0.2.7", hops=2))
    assert written["Diversion"] == (
        "<sip:102@anphat.demo>;reason=user-busy;counter=1, "
        '"Lan" <sip:101@anphat.demo>;reason=unconditional;counter=3'
    )
    assert written["History-Info"] == (
        "<sip:101@anphat.demo>;index=1, <sip:102@anphat.demo;cause=302>;index=1.1;mp=1, "
        "<sip:103@192.0.2.7;cause=486>;index=1.1.1;mp=1.1"
    )


def test_what_we_write_is_what_we_read() -> None:
    chain = [(LAN, DiversionReason.NO_ANSWER), (MINH, DiversionReason.DND)]
    for names in (("Diversion",), ("History-Info",), ("Diversion", "History-Info")):
        lines = [(name, text) for name, text in diverted.headers(chain, "sip:103@x") if name in names]
        hops, last = diverted.read(request(*lines))
        assert hops == 2, names
        assert last == (
            Diversion(Party(PartyKind.OUTSIDE, "102"), DiversionReason.DND) if "Diversion" in names else None
        )


@pytest.mark.parametrize(
    ("text", "hops"),
    [
        ("<sip:1@x>;counter=4", 4),
        ("<sip:1@x>;reason=unknown", 1),
        ("<sip:1@x>;counter=999999999", 1),
        ("<sip:1@x>;counter=500", diverted.MOST_COUNTED),
        ("<sip:1@x>;counter=-1", 1),
        ("<sip:1@x", 0),
        ("", 0),
    ],
)
def test_whatever_a_peer_claims_is_a_number_we_can_bear(text: str, hops: int) -> None:
    assert diverted.read(request(("Diversion", text)))[0] == hops


def test_headers_of_several_lines_count_together() -> None:
    lines = [("Diversion", "<sip:1@x>;reason=no-answer"), ("Diversion", "<sip:2@x>, <sip:3@x>")]
    hops, last = diverted.read(request(*lines))
    assert hops == 3
    assert last is not None
    assert (last.by.number, last.reason) == ("1", DiversionReason.NO_ANSWER)
