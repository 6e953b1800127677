"""SDP text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdai.sdp import Media, Origin, SdpError, SessionDescription, parse

TEXT = (
    "v=0\r\no=alice 2890844526 2890844527 IN IP4 host.example.com\r\ns=call\r\ni=about\r\n"
    "c=IN IP4 192.0.2.101/127\r\nb=AS:64\r\nt=0 0\r\na=sendonly\r\n"
    "m=audio 49170/2 RTP/AVP 0 8 97 13 34\r\nc=IN IP6 2001:db8::1\r\na=rtpmap:97 iLBC/8000\r\n"
    "a=fmtp:97 mode=30\r\na=rtcp:53020\r\na=ptime:30\r\n"
    "m=video 51372 RTP/AVP 99\r\na=rtpmap:99 h263-1998/90000\r\na=inactive\r\n"
)


def test_a_description_is_read() -> None:
    description = parse(TEXT)
    audio, video = description.media
    assert description.origin == Origin(2890844526, 2890844527, "host.example.com", "alice")
    assert (audio.kind, audio.port, audio.formats) == ("audio", 49170, ["0", "8", "97", "13", "34"])
    assert description.host_of(audio) == "2001:db8::1"
    assert description.host_of(video) == "192.0.2.101"
    assert [(c.name, c.clock_rate, c.payload_type, c.fmtp) for c in audio.codecs] == [
        ("PCMU", 8000, 0, None),
        ("PCMA", 8000, 8, None),
        ("iLBC", 8000, 97, "mode=30"),
        ("CN", 8000, 13, None),
    ]
    assert audio.ptime == 30
    assert description.direction_of(audio) == "sendonly"
    assert description.direction_of(video) == "inactive"


def test_of_several_attributes_with_one_name_the_first_holds_but_the_last_direction() -> None:
    about = "a=sendonly\r\na=ptime:30\r\na=ptime:20\r\na=recvonly\r\na=rtcp-mux\r\n"
    [audio] = parse(f"v=0\r\no=- 1 1 IN IP4 a\r\nm=audio 1 RTP/AVP 0\r\n{about}").media
    assert (audio.ptime, audio.direction()) == (30, "recvonly")
    assert audio.said["rtcp-mux"] is None


def test_bare_line_feeds_are_read_too() -> None:
    assert parse(TEXT.replace("\r\n", "\n")) == parse(TEXT)


def test_the_first_letter_of_a_line_that_was_cut_off_is_no_fault() -> None:
    """A router made the description longer, and left its length."""
    assert parse(TEXT + "a") == parse(TEXT)
    with pytest.raises(SdpError):
        parse(TEXT + "a\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o=- 1 1 IN IP4 a\r\n",
        "v=0\r\ns=-\r\n",
        "v=0\r\no=- x 1 IN IP4 a\r\n",
        "v=0\r\no=- 1 1 IN IP4 a\r\nm=audio 70000 RTP/AVP 0\r\n",
        "v=0\r\no=- 1 1 IN IP4 a\r\nm=audio 1 RTP/AVP\r\n",
        "v=0\r\no=- 1 1 IN IP4 a\r\nc=IN IP9 a\r\n",
        "v=0\r\no=- 1 1 IN IP4 a\r\nnonsense\r\n",
        "v=0\r\no=- 1 1 IN IP4 a\r\n" + "m=audio 1 RTP/AVP 0\r\n" * 40,
    ],
)
def test_what_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(SdpError):
        parse(text)


def test_an_address_is_needed_only_when_asked_for() -> None:
    description = parse("v=0\r\no=- 1 1 IN IP4 a\r\ns=-\r\nt=0 0\r\nm=audio 1 RTP/AVP 0\r\n")
    with pytest.raises(SdpError, match="c="):
        description.host_of(description.media[0])


token = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", min_size=1, max_size=12)
value = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF), max_size=20)
host = st.sampled_from(["192.0.2.1", "::1", "host.example.com", "0.0.0.0"])
attributes = st.lists(st.tuples(token, st.none() | value), max_size=5)
media = st.builds(
    Media,
    token.map(str.lower),
    st.integers(0, 65535),
    st.just("RTP/AVP"),
    st.lists(token, min_size=1, max_size=6),
    st.none() | host,
    attributes,
)
descriptions = st.builds(
    SessionDescription,
    st.builds(Origin, st.integers(0, 2**63), st.integers(0, 2**63), host, token),
    st.none() | host,
    st.lists(media, max_size=4),
    attributes,
    token,
)


@given(descriptions)
def test_what_is_printed_reads_back_the_same(description: SessionDescription) -> None:
    assert parse(str(description)) == description


@given(st.text() | st.lists(st.sampled_from(TEXT.split("\r\n"))).map("\r\n".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        description = parse(text)
        for stream in description.media:
            assert len(stream.codecs) <= len(stream.formats)
        str(description)
    except SdpError:
        pass


def test_a_line_break_inside_a_value_is_not_printed() -> None:
    description = SessionDescription(
        Origin(1, 1, "192.0.2.1"), attributes=[("x", "a\r\nm=audio 9 RTP/AVP 0")]
    )
    with pytest.raises(SdpError, match="line break"):
        str(description)
