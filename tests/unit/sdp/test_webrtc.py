"""What browsers add to offer and answer."""

from __future__ import annotations

import pytest
from tests.unit.sdp.browsers import PWD, THEIRS, chromium

from tongdai import sdp
from tongdai.sdp import OPUS, PCMU, TELEPHONE_EVENT_48000, Ice, LocalMedia, WebRtc, parse

OURS = "sha-256 " + ":".join(["AB"] * 32)
SIDE = WebRtc(OURS, Ice("tdng1234", "p" * 24))
CODECS = (OPUS, PCMU, TELEPHONE_EVENT_48000)


def here(side: WebRtc | None = SIDE) -> LocalMedia:
    return LocalMedia("192.0.2.1", 20000, 20001, side)


def reply(offer: str, side: WebRtc | None = SIDE) -> tuple[sdp.SessionDescription, sdp.Negotiated]:
    return sdp.answer(parse(offer), here(side), CODECS, session_id=1, version=1)


def test_a_browser_is_answered_as_the_lite_side_of_ice() -> None:
    answer, agreed = reply(chromium())
    text = str(parse(str(answer)))
    media = answer.media[0]
    assert (media.protocol, media.port) == ("UDP/TLS/RTP/SAVPF", 20000)
    assert media.formats == ["111", "0", "110"]
    for line in (
        "a=group:BUNDLE 0",
        "a=ice-lite",
        "a=mid:0",
        "a=rtcp-mux",
        "a=ice-ufrag:tdng1234",
        f"a=ice-pwd:{'p' * 24}",
        "a=candidate:1 1 UDP 2130706431 192.0.2.1 20000 typ host",
        "a=end-of-candidates",
        f"a=fingerprint:{OURS}",
        "a=setup:passive",
    ):
        assert f"\r\n{line}\r\n" in text, line
    assert "\r\na=rtcp:" not in text
    assert "crypto" not in text
    secured = agreed.secured
    assert secured == sdp.Secured("passive", (THEIRS,), SIDE.ice, Ice("9uB6", PWD))
    assert agreed.rtcp_mux
    assert agreed.srtp is None
    assert agreed.mid == "0"


def test_no_address_yet_is_no_hold() -> None:
    _, agreed = reply(chromium())
    assert (agreed.direction, agreed.held_by_peer) == ("sendrecv", False)
    _, agreed = reply(chromium(direction="sendonly"))
    assert (agreed.direction, agreed.held_by_peer) == ("recvonly", True)


@pytest.mark.parametrize(
    ("theirs", "before", "ours"),
    [
        ("actpass", None, "passive"),
        ("actpass", "active", "active"),
        ("active", None, "passive"),
        ("passive", None, "active"),
    ],
)
def test_we_let_the_peer_begin_unless_it_will_not(
    theirs: str, before: sdp.Setup | None, ours: sdp.Setup
) -> None:
    answer, agreed = reply(chromium(setup=theirs), WebRtc(OURS, SIDE.ice, before))
    assert agreed.secured is not None
    assert agreed.secured.setup == ours
    assert answer.media[0].said["setup"] == ours


def test_our_offer_and_the_answer_agree() -> None:
    offer = sdp.make_offer(here(), CODECS, session_id=1, version=1, protocol=sdp.HANDSHAKEN[0])
    text = str(offer)
    assert "a=setup:actpass" in text
    assert "a=group:BUNDLE 0" in text
    assert "a=ice-lite" in text
    agreed = sdp.negotiate(parse(text), parse(chromium(setup="active")))
    assert agreed.secured == sdp.Secured("passive", (THEIRS,), SIDE.ice, Ice("9uB6", PWD))
    agreed = sdp.negotiate(parse(text), parse(chromium(setup="passive")))
    assert agreed.secured is not None
    assert agreed.secured.setup == "active"
    with pytest.raises(sdp.NotAcceptable):
        sdp.negotiate(parse(text), parse(chromium(setup="actpass")))


@pytest.mark.parametrize("missing", ["a=rtcp-mux", f"a=fingerprint:{THEIRS}"])
def test_without_a_fingerprint_or_with_rtcp_elsewhere_it_is_refused(missing: str) -> None:
    with pytest.raises(sdp.NotAcceptable):
        reply(chromium().replace(missing + "\r\n", ""))


def test_without_a_side_of_ours_it_is_refused() -> None:
    with pytest.raises(sdp.NotAcceptable):
        reply(chromium(), None)


def test_a_lite_peer_and_one_without_ice_go_by_their_addresses() -> None:
    lite = chromium(connection="198.51.100.7").replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n")
    none = chromium(connection="198.51.100.7")
    none = "\r\n".join(line for line in none.split("\r\n") if not line.startswith(("a=ice-", "a=candidate")))
    for offer in (lite, none):
        answer, agreed = reply(offer)
        assert agreed.secured is not None
        assert agreed.secured.ice is None
        assert agreed.remote_host == "198.51.100.7"
        assert "ice" not in str(answer)


def test_a_second_stream_is_refused_and_keeps_its_name() -> None:
    video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\na=mid:1\r\na=rtcp-mux\r\n"
    offer = chromium().replace("a=group:BUNDLE 0", "a=group:BUNDLE 0 1") + video
    answer, _ = reply(offer)
    assert [media.port for media in answer.media] == [20000, 0]
    assert answer.media[1].said["mid"] == "1"
    assert "a=group:BUNDLE 0\r\n" in str(answer)


def test_a_plain_phone_that_offers_rtcp_on_the_same_port_gets_it() -> None:
    offer = chromium(connection="198.51.100.7").replace("UDP/TLS/RTP/SAVPF", "RTP/AVPF")
    answer, agreed = reply(offer)
    assert agreed.rtcp_mux
    assert agreed.secured is None
    assert answer.media[0].protocol == "RTP/AVPF"
    assert "a=rtcp-mux" in str(answer)
    assert "fingerprint" not in str(answer)


def test_secrets_are_not_printed() -> None:
    _, agreed = reply(chromium())
    assert PWD not in repr(agreed)
    assert "ppp" not in repr(agreed)
    assert "ppp" not in repr(here())
