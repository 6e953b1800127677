"""Offer and answer."""

from __future__ import annotations

import pytest

from tongdai.sdp import (
    CN,
    G722,
    OPUS,
    PCMA,
    PCMU,
    TELEPHONE_EVENT,
    TELEPHONE_EVENT_48000,
    Codec,
    Direction,
    LocalMedia,
    Negotiated,
    NotAcceptable,
    SessionDescription,
    answer,
    continued,
    make_offer,
    negotiate,
    parse,
)

OURS = LocalMedia("192.0.2.1", 20000)


def offer_of(*lines: str, connection: str = "198.51.100.7") -> SessionDescription:
    family = "IP6" if ":" in connection else "IP4"
    head = ["v=0", "o=- 7 1 IN IP4 198.51.100.7", "s=-", f"c=IN {family} {connection}", "t=0 0"]
    return parse("\r\n".join([*head, *lines]) + "\r\n")


def reply(
    offer: SessionDescription, direction: Direction = "sendrecv", prefer: tuple[str, ...] = ()
) -> tuple[SessionDescription, Negotiated]:
    return answer(offer, OURS, direction=direction, prefer=prefer, session_id=1, version=1)


def test_offer_and_answer_agree_on_both_sides() -> None:
    offer = make_offer(OURS, session_id=1, version=1)
    theirs = LocalMedia("2001:db8::2", 30000, 30005)
    text, remote = answer(parse(str(offer)), theirs, [PCMA, TELEPHONE_EVENT], session_id=2, version=1)
    local = negotiate(offer, parse(str(text)))
    assert [codec.name for codec in local.codecs] == [codec.name for codec in remote.codecs] == ["PCMA"]
    assert [event.send_pt for event in local.dtmf] == [101]
    assert (local.remote_host, local.remote_port, local.remote_rtcp_port) == ("2001:db8::2", 30000, 30005)
    assert (remote.remote_host, remote.remote_port, remote.remote_rtcp_port) == ("192.0.2.1", 20000, 20001)
    assert local.direction == remote.direction == "sendrecv"


def test_the_offerers_numbers_are_kept() -> None:
    offer = offer_of(
        "m=audio 4000 RTP/AVP 96 8 97",
        "a=rtpmap:96 pcmu/8000",
        "a=rtpmap:97 telephone-event/8000",
        "a=fmtp:97 0-15",
    )
    text, agreed = reply(offer)
    assert text.media[0].formats == ["96", "8", "97"]
    assert [(codec.name, codec.send_pt, codec.receive_pt) for codec in agreed.codecs] == [
        ("PCMU", 96, 96),
        ("PCMA", 8, 8),
    ]
    assert [(event.send_pt, event.fmtp) for event in agreed.dtmf] == [(97, "0-15")]


def test_an_answer_with_other_numbers_is_sent_with_those() -> None:
    offer = make_offer(OURS, [PCMU, Codec("telephone-event", 8000, 101)], session_id=1, version=1)
    text = offer_of("m=audio 4000 RTP/AVP 0 110", "a=rtpmap:110 telephone-event/8000")
    agreed = negotiate(offer, text)
    assert [(event.send_pt, event.receive_pt) for event in agreed.dtmf] == [(110, 101)]


def test_preference_puts_a_codec_first_and_keeps_the_others() -> None:
    text, agreed = reply(offer_of("m=audio 4000 RTP/AVP 0 8"), prefer=("pcma",))
    assert text.media[0].formats == ["8", "0"]
    assert agreed.codecs[0].name == "PCMA"


def test_other_streams_are_refused_in_place() -> None:
    offer = offer_of(
        "m=video 5000 RTP/AVP 99",
        "m=audio 4000 RTP/SAVP 0",
        "m=audio 4002 RTP/AVP 8",
        "m=audio 4004 RTP/AVP 0",
        "m=image 4006 udptl t38",
    )
    text, agreed = reply(offer)
    assert [(m.kind, m.port) for m in text.media] == [
        ("video", 0),
        ("audio", 0),
        ("audio", 20000),
        ("audio", 0),
        ("image", 0),
    ]
    assert text.media[-1].protocol == "udptl", "an answer names the protocol of the offer"
    assert agreed.remote_port == 4002


@pytest.mark.parametrize(
    "lines",
    [
        ["m=video 5000 RTP/AVP 99"],
        ["m=audio 4000 RTP/AVP 18"],
        ["m=audio 0 RTP/AVP 0"],
        ["m=audio 4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"],
        [],
    ],
)
def test_nothing_in_common_is_not_acceptable(lines: list[str]) -> None:
    with pytest.raises(NotAcceptable):
        reply(offer_of(*lines))


@pytest.mark.parametrize(
    ("offered", "wanted", "printed", "ours", "held"),
    [
        ("sendrecv", "sendrecv", "sendrecv", "sendrecv", False),
        ("sendonly", "sendrecv", "recvonly", "recvonly", True),
        ("recvonly", "sendrecv", "sendonly", "sendonly", False),
        ("inactive", "sendrecv", "inactive", "inactive", True),
        ("sendrecv", "sendonly", "sendonly", "sendonly", False),
        ("sendonly", "sendonly", "inactive", "inactive", True),
    ],
)
def test_directions(offered: str, wanted: Direction, printed: str, ours: str, held: bool) -> None:
    text, agreed = reply(offer_of("m=audio 4000 RTP/AVP 0", f"a={offered}"), wanted)
    assert text.media[0].direction() == printed
    assert (agreed.direction, agreed.held_by_peer) == (ours, held)


@pytest.mark.parametrize("null", ["0.0.0.0", "::"])
def test_hold_by_a_null_address_is_hold(null: str) -> None:
    text, agreed = reply(offer_of("m=audio 4000 RTP/AVP 0", connection=null))
    assert agreed.held_by_peer
    assert agreed.direction == "recvonly"
    assert text.media[0].direction() == "recvonly"


def test_the_direction_of_the_session_counts_where_the_stream_has_none() -> None:
    _, agreed = reply(offer_of("a=inactive", "m=audio 4000 RTP/AVP 0"))
    assert agreed.direction == "inactive"


@pytest.mark.parametrize(
    "lines", [["m=audio 0 RTP/AVP 0"], [], ["m=audio 4000 RTP/AVP 18"], ["m=video 1 RTP/AVP 0"]]
)
def test_an_answer_that_refuses_is_not_acceptable(lines: list[str]) -> None:
    with pytest.raises(NotAcceptable):
        negotiate(make_offer(OURS, session_id=1, version=1), offer_of(*lines))


def test_our_hold_is_seen_in_the_answer() -> None:
    offer = make_offer(OURS, direction="sendonly", session_id=1, version=2)
    text, theirs = answer(parse(str(offer)), LocalMedia("198.51.100.7", 4000), session_id=7, version=2)
    agreed = negotiate(offer, text)
    assert (agreed.direction, agreed.held_by_peer) == ("sendonly", False)
    assert theirs.held_by_peer


WIDE = (OPUS, G722, PCMU, PCMA, TELEPHONE_EVENT_48000, TELEPHONE_EVENT)


def test_keys_are_offered_and_answered_with_the_clocks_that_the_sound_has() -> None:
    offer = make_offer(OURS, WIDE, session_id=1, version=1)
    assert offer.media[0].formats == ["111", "9", "0", "8", "110", "101"]
    assert ("rtpmap", "111 opus/48000/2") in offer.media[0].attributes
    text, agreed = answer(parse(str(offer)), OURS, WIDE, session_id=2, version=1)
    assert [(event.send_pt, event.clock_rate) for event in agreed.dtmf] == [(110, 48000), (101, 8000)]
    assert negotiate(offer, text).dtmf == agreed.dtmf
    narrow, agreed = answer(parse(str(offer)), OURS, session_id=2, version=1)
    assert narrow.media[0].formats == ["0", "8", "101"]
    assert [event.clock_rate for event in agreed.dtmf] == [8000]


def test_keys_of_another_clock_are_better_than_none() -> None:
    offer = offer_of(
        "m=audio 4000 RTP/AVP 96 97", "a=rtpmap:96 opus/48000/2", "a=rtpmap:97 telephone-event/8000"
    )
    text, agreed = answer(offer, OURS, WIDE, session_id=1, version=1)
    assert text.media[0].formats == ["96", "97"]
    assert [(event.send_pt, event.clock_rate) for event in agreed.dtmf] == [(97, 8000)]


def test_each_side_says_itself_what_it_wishes_to_receive() -> None:
    offer = offer_of(
        "m=audio 4000 RTP/AVP 96",
        "a=rtpmap:96 OPUS/48000/2",
        "a=fmtp:96 stereo=1;maxplaybackrate=16000",
    )
    text, agreed = answer(offer, OURS, WIDE, session_id=1, version=1)
    assert ("fmtp", "96 useinbandfec=1") in text.media[0].attributes
    assert (agreed.codecs[0].name, agreed.codecs[0].fmtp) == ("opus", "stereo=1;maxplaybackrate=16000")


def test_comfort_noise_is_taken_where_it_is_offered_and_is_no_voice() -> None:
    offer = offer_of("m=audio 4000 RTP/AVP 0 13 101", "a=rtpmap:101 telephone-event/8000")
    text, agreed = answer(offer, OURS, [PCMU, CN, TELEPHONE_EVENT], session_id=1, version=1)
    assert text.media[0].formats == ["0", "13", "101"]
    assert [codec.name for codec in agreed.codecs] == ["PCMU"]
    assert agreed.noise is not None
    assert agreed.noise.send_pt == 13
    only = offer_of("m=audio 4000 RTP/AVP 13")
    with pytest.raises(NotAcceptable):
        answer(only, OURS, [PCMU, CN, TELEPHONE_EVENT], session_id=1, version=1)
    assert reply(offer)[1].noise is None


def test_an_offer_inside_a_session_keeps_what_numbers_and_streams_mean() -> None:
    """A browser refuses an offer that leaves out a stream, even one that was refused; and a phone that had
    Opus under 101 and keys under 96 would take our usual numbers for one another (RFC 3264 §8, §8.3.2)."""
    theirs = offer_of(
        "m=video 4002 RTP/AVP 31",
        "a=mid:v",
        "m=audio 4000 RTP/AVP 101 96 0",
        "a=rtpmap:101 opus/48000/2",
        "a=rtpmap:96 telephone-event/48000",
    )
    both = [OPUS, PCMU, TELEPHONE_EVENT_48000, TELEPHONE_EVENT]
    before, _ = answer(theirs, OURS, both, session_id=1, version=1)
    usual = make_offer(
        OURS, [PCMU, OPUS, G722, TELEPHONE_EVENT, TELEPHONE_EVENT_48000], session_id=1, version=2
    )
    offer = continued(usual, before)
    video, audio = offer.media
    assert (video.kind, video.port, video.attributes) == ("video", 0, [("mid", "v")])
    assert audio.formats == ["0", "101", "9", "97", "96"]
    assert [(codec.name, codec.clock_rate, codec.payload_type) for codec in audio.codecs] == [
        ("PCMU", 8000, 0),
        ("opus", 48000, 101),
        ("G722", 8000, 9),
        ("telephone-event", 8000, 97),
        ("telephone-event", 48000, 96),
    ]
    assert audio.said["fmtp"] == "101 useinbandfec=1"
    assert parse(str(offer)) == offer


def test_an_offer_inside_a_session_uses_the_numbers_that_the_peer_gave_to_what_was_not_taken() -> None:
    theirs = offer_of(
        "m=audio 4000 RTP/AVP 0 107 111", "a=rtpmap:107 opus/48000/2", "a=rtpmap:111 red/48000/2"
    )
    before, _ = answer(theirs, OURS, [PCMU], session_id=1, version=1)
    usual = make_offer(OURS, [OPUS, PCMU], session_id=1, version=2)
    assert continued(usual, before, theirs.media[0].codecs).media[0].formats == ["107", "0"]
    assert continued(usual, before).media[0].formats == ["111", "0"]


def test_an_offer_after_none_that_had_a_stream_is_the_usual_one() -> None:
    refused = make_offer(LocalMedia("192.0.2.1", 0), session_id=1, version=1)
    usual = make_offer(OURS, session_id=1, version=2)
    assert continued(usual, refused) == usual
