"""Parsing, looking at and printing messages."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdai.sip.message import (
    PING,
    CSeq,
    Headers,
    NameAddr,
    ParseError,
    Reason,
    Replaces,
    Request,
    Response,
    SipUri,
    StreamParser,
    Via,
    parse,
    split_list,
)

INVITE = (
    b"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
    b"v: SIP/2.0/UDP pc33.example.com;branch=z9hG4bK776;rport, "
    b"SIP/2.0/TCP [2001:db8::1]:5070;branch=z9hG4bK2\r\n"
    b"Via: SIP/2.0/UDP 10.0.0.1\r\n"
    b"MAX-FORWARDS: 70\r\n"
    b't: "Bob, the builder" <sip:bob@biloxi.example.com>\r\n'
    b"f: Alice <sip:alice@atlanta.example.com>;tag=1928301774\r\n"
    b"i: a84b4c76e66710\r\n"
    b"CSeq: 314159 INVITE\r\n"
    b"m: <sip:alice@pc33.example.com>, sip:other@example.com;q=0.5\r\n"
    b"Supported: replaces,\r\n timer\r\n"
    b"c: application/sdp\r\n"
    b"l: 4\r\n\r\nv=0\n"
)


def test_a_request_is_read() -> None:
    request = parse(INVITE)
    assert isinstance(request, Request)
    assert (request.method, request.uri.user, request.uri.host) == ("INVITE", "bob", "biloxi.example.com")
    assert [(via.transport, via.host, via.port, via.branch) for via in request.vias] == [
        ("UDP", "pc33.example.com", None, "z9hG4bK776"),
        ("TCP", "2001:db8::1", 5070, "z9hG4bK2"),
        ("UDP", "10.0.0.1", None, ""),
    ]
    assert request.via.params == {"branch": "z9hG4bK776", "rport": None}
    assert (request.to.display, request.to.tag) == ("Bob, the builder", "")
    assert (request.from_.display, request.from_.tag) == ("Alice", "1928301774")
    assert request.call_id == "a84b4c76e66710"
    assert request.cseq == CSeq(314159, "INVITE")
    assert [(c.uri_text, c.params) for c in request.contacts] == [
        ("sip:alice@pc33.example.com", {}),
        ("sip:other@example.com", {"q": "0.5"}),
    ]
    assert request.tokens("supported") == ["replaces", "timer"]
    assert request.number("Max-Forwards") == 70
    assert request.expires is None
    assert request.sdp == "v=0\n"


def test_a_response_is_read() -> None:
    response = parse(INVITE.replace(b"INVITE sip:bob@biloxi.example.com SIP/2.0", b"SIP/2.0 486 Busy  here"))
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (486, "Busy  here")


def test_a_response_copies_what_it_must() -> None:
    request = parse(INVITE)
    assert isinstance(request, Request)
    response = request.response(180, to_tag="ours")
    assert response.headers.get_all("Via") == request.headers.get_all("Via")
    assert response.headers.get("To") == '"Bob, the builder" <sip:bob@biloxi.example.com>;tag=ours'
    assert "Max-Forwards" not in response.headers
    assert bytes(response).startswith(b"SIP/2.0 180 Ringing\r\n")


def test_headers_ignore_case_and_know_short_names() -> None:
    headers = Headers.of([("x-thing", "1"), ("X-THING", "2"), ("M", "c")])
    assert headers.get_all("X-Thing") == ["1", "2"]
    assert headers.get("contact") == "c"
    assert "m" in headers
    headers.set("X-thing", "3")
    headers.put_first("Via", "v")
    assert list(headers) == [("Via", "v"), ("X-Thing", "3"), ("Contact", "c")]
    headers.remove("x-thing")
    assert len(headers) == 2


def test_the_first_element_of_a_list_is_replaced_alone() -> None:
    headers = Headers.of([("Via", 'a;x="1,2", b'), ("v", "c")])
    headers.set_first("Via", "n")
    assert headers.get_all("Via") == ["n, b", "c"]
    headers.set("Via", "a")
    headers.set_first("Via", "n")
    assert headers.get_all("Via") == ["n"]


def test_a_header_value_cannot_begin_a_new_line() -> None:
    request = Request("INVITE", "sip:a@b", headers=Headers.of([("Subject", "hello\r\nVia: smuggled")]))
    with pytest.raises(ValueError, match="line break"):
        bytes(request)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"l: 4", b"l: 4\r\nContent-Length: 4"),
        (b"l: 4", b"l: 5"),
        (b"l: 4", b"l: -1"),
        (b"l: 4", b"l: 4x"),
        (b"l: 4", b"l: 99999999999999999999"),
        (b"CSeq: 314159", b"CSeq: 2147483648"),
        (b"CSeq: 314159 INVITE", b"CSeq: 314159 BYE"),
        (b"c: app", b"X-Smuggled : a\r\nc: app"),
        (b"c: app", b"P-Asserted-Identity : <sip:ceo@x>\r\nc: app"),
        (b"c: app", b"no colon\r\nc: app"),
        (b"c: app", b"Contact\r\nc: app"),
        (b"v: SIP/2.0/UDP", b"v: SIP\xc2\xa0/2.0/UDP"),
        (b"c: app", b"b@d: app\r\nc: app"),
        (b"c: app", b"Content-Type: text/plain\r\nc: app"),
        (b"INVITE sip:bob@biloxi.example.com SIP", b"INVITE  sip:bob@biloxi.example.com SIP"),
        (b"SIP/2.0\r\nv:", b"SIP/2.0 \r\nv:"),
        (b"SIP/2.0/UDP pc33", b"SIP/3.0/UDP pc33"),
        (b"tag=1928301774", b"tag=1928301774;tag=2"),
        (b"CSeq: 314159", b"CSeq: x"),
        (b"tag=1928301774", b"tag"),
        (b"biloxi.example.com>\r\nf", b"biloxi.example.com>;tag=\r\nf"),
        (b"i: a84b4c76e66710", b"i: "),
        (b"i: a84b4c76e66710\r\n", b""),
    ],
)
def test_what_is_wrong_but_can_be_answered(old: bytes, new: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        parse(INVITE.replace(old, new, 1))
    assert caught.value.status == 400
    assert caught.value.request is not None
    assert bytes(caught.value.request.response(400)).startswith(b"SIP/2.0 400")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"INVITE sip:bob@biloxi.example.com SIP/2.0", b"GET / HTTP/1.1"),
        (b"Via: SIP/2.0/UDP 10.0.0.1\r\n", b"Via: SIP/2.0/UDP 10.0.0.1\n"),
        (b"70\r\n", b"70\r"),
        (b"70", b"7\x000"),
    ],
)
def test_what_cannot_be_answered_is_dropped(old: bytes, new: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        parse(INVITE.replace(old, new, 1))
    assert caught.value.request is None


def test_space_before_the_colon_is_read_in_the_core_fields_only() -> None:
    request = parse(INVITE.replace(b"i: a84b", b"Call-ID \t : a84b"))
    assert request.call_id == "a84b4c76e66710"


def test_a_longer_body_is_cut_and_a_missing_length_takes_all() -> None:
    assert parse(INVITE + b"tail").body == b"v=0\n"
    assert parse(INVITE.replace(b"l: 4\r\n", b"") + b"tail").body == b"v=0\ntail"


def test_oversized_messages_are_refused() -> None:
    with pytest.raises(ParseError) as caught:
        parse(INVITE + b"x" * 65536)
    assert caught.value.status == 513
    with pytest.raises(ParseError, match="too many"):
        parse(INVITE.replace(b"c: app", b"X: y\r\n" * 300 + b"c: app"))


def test_sdp_is_found_in_a_multipart_body() -> None:
    body = (
        b"--b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
        b"--b1\r\ncontent-type: Application/SDP; x=1\r\nContent-Disposition: session\r\n\r\n"
        b"v=0\r\n\r\n--b1--\r\n"
    )
    request = Request(
        "INVITE",
        "sip:a@b",
        headers=Headers.of([("Content-Type", 'multipart/mixed; boundary="b1"')]),
        body=body,
    )
    assert request.sdp == "v=0\r\n"
    request = Request("INVITE", "sip:a@b", headers=Headers.of([("Content-Type", "text/plain")]), body=body)
    assert request.sdp is None


def test_latin_1_is_read_so_that_it_can_be_stored_and_sent_again() -> None:
    """A phone with a display name of another code page must not upset a journal that writes UTF-8."""
    request = parse(INVITE.replace(b"Alice", b"Andr\xe9").replace(b"sip:bob@", b"sip:b%E9b@", 1))
    assert isinstance(request, Request)
    assert request.from_.display == "André"
    assert request.uri.user == "béb"
    assert "André".encode() in bytes(request.response(200, to_tag="x"))


# -- URIs


@pytest.mark.parametrize(
    ("text", "user", "host", "port"),
    [
        ("sip:alice@atlanta.com", "alice", "atlanta.com", None),
        ("sip:alice:secretword@atlanta.com;transport=tcp", "alice", "atlanta.com", None),
        ("sips:1212@gateway.com", "1212", "gateway.com", None),
        ("sip:[2001:db8::10]:5070", None, "2001:db8::10", 5070),
        ("sip:%61lice@Atlanta.COM:5061", "alice", "atlanta.com", 5061),
        ("sip:kiss.K@x", "kiss.K", "x", None),
        ("sip:+84(28)7123-4500;ext=1@x", "+84(28)7123-4500;ext=1", "x", None),
        ("sip:*97#@x", "*97#", "x", None),
        ("SIP:a@x;lr?Replaces=a%3Bto-tag%3Db", "a", "x", None),
        ("sip:Nguy%E1%BB%85n@x", "Nguyễn", "x", None),
        ("tel:+84-28-7123-4500;phone-context=vn", "+84-28-7123-4500", "", None),
    ],
)
def test_uris(text: str, user: str | None, host: str, port: int | None) -> None:
    uri = SipUri.parse(text)
    assert (uri.user, uri.host, uri.port) == (user, host, port)
    assert SipUri.parse(str(uri)).equivalent(uri)


@pytest.mark.parametrize(
    ("text", "subscriber"),
    [
        ("sip:+84908123456;npdi;rn=+84900@x;user=phone", "+84908123456"),
        ("tel:+84908123456;phone-context=vn", "+84908123456"),
        ("sip:*97#@x", "*97#"),
        ("sip:x", ""),
    ],
)
def test_whom_a_uri_names(text: str, subscriber: str) -> None:
    assert SipUri.parse(text).subscriber == subscriber


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "sip:a@",
        "sip:@b",
        "sip:a b@c",
        "sip:a@b:0",
        "sip:a@b:70000",
        "sip:a@b:x",
        "sip:a%zz@b",
        "sip:a@[::g]",
        "sip:a@b;x;x",
        "sip:a@b;",
        "sip:a@b?x",
        "sip:a@b?x=1&",
        "sip:a@b\r\n",
        "sip:ữ@b",
        "<sip:a@b>",
        "tel:",
        "tel:alice",
    ],
)
def test_bad_uris(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        SipUri.parse(text)
    assert caught.value.status == 400


def test_foreign_schemes_are_416() -> None:
    with pytest.raises(ParseError) as caught:
        SipUri.parse("mailto:a@b")
    assert caught.value.status == 416


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [  # RFC 3261 §19.1.4
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", True),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", True),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", True),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            True,
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            True,
        ),
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", False),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", False),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", False),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", False),
    ],
)
def test_uri_comparison(one: str, other: str, same: bool) -> None:
    assert SipUri.parse(one).equivalent(SipUri.parse(other)) is same
    assert SipUri.parse(other).equivalent(SipUri.parse(one)) is same


# -- other values


@pytest.mark.parametrize(
    ("text", "display", "uri", "tag"),
    [
        ('"A. G. \\"Bell\\"" <sip:agb@x>;tag=a48s', 'A. G. "Bell"', "sip:agb@x", "a48s"),
        ("sip:+12125551212@x;tag=887s", None, "sip:+12125551212@x", "887s"),
        ("Nguyễn Văn A<sip:a@x;lr> ; tag = 1", "Nguyễn Văn A", "sip:a@x;lr", "1"),
        ('""<sip:a@x>', None, "sip:a@x", ""),
        ('<sip:a@x>;x="a;b,c"', None, "sip:a@x", ""),
    ],
)
def test_addresses(text: str, display: str | None, uri: str, tag: str) -> None:
    address = NameAddr.parse(text)
    assert (address.display, address.uri_text, address.tag) == (display, uri, tag)
    assert NameAddr.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<sip:a@b",
        '"unbalanced <sip:a@b>',
        "Bell, Alexander <sip:a@b>",
        "sip:a@b?Route=%3Csip:c%3E",
        "<sip:a@b>;",
        "<sip:a@b>;;",
        "<sip:a@b> x",
        "< sip:a @b>",
        "<sip:a@b>;tag=1;TAG=2",
        '<sip:a@b>;x="1";y=2;x="3"',
        "<sip:a@b>" + "".join(f";p{number}" for number in range(40)) + ";p7",
        "<sip:a@b>;\N{KELVIN SIGN}ey=1",
        "<sip:a@b>;tag=\ud800",
    ],
)
def test_bad_addresses(text: str) -> None:
    with pytest.raises(ParseError):
        NameAddr.parse(text)


def test_thousands_of_parameters_are_read_in_order() -> None:
    params = {f"p{number}": str(number) for number in range(5000)}
    address = NameAddr("sip:a@b", None, dict(params))
    assert list(NameAddr.parse(str(address)).params.items()) == list(params.items())


def test_lists_are_split_only_between_elements() -> None:
    text = '"a, \\"b" <sip:x@y?a=b,c>, <sip:z@y>;p="1,2" , c'
    assert split_list(text) == ['"a, \\"b" <sip:x@y?a=b,c>', '<sip:z@y>;p="1,2"', "c"]
    for bad in ("a,,b", ",", "a,", '"a, b'):
        with pytest.raises(ParseError):
            split_list(bad)


def test_replaces_and_reason() -> None:
    replaces = Replaces.parse("98asjd8@x ;from-tag=12; to-tag=23;early-only")
    assert replaces == Replaces("98asjd8@x", "23", "12", True)
    assert Replaces.parse(str(replaces)) == replaces
    reason = Reason.parse('Q.850 ;cause=16 ;text="Normal, clearing"')
    assert reason == Reason("Q.850", 16, "Normal, clearing")
    assert Reason.parse(str(reason)) == reason
    for bad in ("x", "x;to-tag=1", ";to-tag=1;from-tag=2"):
        with pytest.raises(ParseError):
            Replaces.parse(bad)


# -- streams


def test_a_stream_is_cut_wherever_it_arrives() -> None:
    stream = b"\r\n\r\n" + INVITE + b"\r\n" + INVITE + b"\r\n\r\n"
    for size in (1, 2, 3, 50, len(stream)):
        parser = StreamParser()
        found = [item for at in range(0, len(stream), size) for item in parser.feed(stream[at : at + size])]
        assert [item if item == PING else type(item) for item in found] == [PING, Request, Request, PING]
        assert parser.pending == 0


@pytest.mark.parametrize(
    "data",
    [
        INVITE.replace(b"l: 4\r\n", b""),
        INVITE.replace(b"l: 4\r\n", b"l: 4\r\nl: 4\r\n"),
        INVITE.replace(b"l: 4\r\n", b"l: four\r\n"),
        INVITE.replace(b"l: 4\r\n", b"l: 70000\r\n"),
        b"x" * 70000,
        b"\rINVITE",
        b"\r\n\n",
    ],
)
def test_a_stream_that_cannot_be_cut_ends(data: bytes) -> None:
    parser = StreamParser()
    found = parser.feed(INVITE + data)
    assert isinstance(found[0], Request)
    assert isinstance(found[-1], ParseError)
    assert parser.feed(INVITE) == []


# -- properties

token = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-.!%*_+`'~", min_size=1, max_size=12)
text_value = st.text(st.characters(min_codepoint=32, blacklist_categories=["Cs", "Cc"]), max_size=40).map(
    lambda text: text.strip(" \t")
)
user = st.text(st.characters(min_codepoint=1, blacklist_categories=["Cs"]), min_size=1, max_size=12)
host = st.sampled_from(["example.com", "192.0.2.1", "::1", "2001:db8::9:1"])
port = st.none() | st.integers(1, 65535)
uris = st.builds(
    SipUri,
    host,
    st.none() | user,
    port,
    st.sampled_from(["sip", "sips"]),
    st.none(),
    st.dictionaries(token.map(str.lower), st.none() | text_value.filter(bool), max_size=3),
    st.lists(st.tuples(token, text_value), max_size=2),
)
params = st.dictionaries(token.map(str.lower), st.none() | text_value, max_size=3)


@given(uris)
def test_uris_print_and_read_back(uri: SipUri) -> None:
    again = SipUri.parse(str(uri))
    assert (again.host, again.user, again.port, again.scheme) == (uri.host, uri.user, uri.port, uri.scheme)
    assert (again.params, again.headers) == (uri.params, uri.headers)


@given(uris, st.none() | text_value.filter(bool), params)
def test_addresses_print_and_read_back(
    uri: SipUri, display: str | None, given_params: dict[str, str | None]
) -> None:
    address = NameAddr(str(uri), display, given_params)
    again = NameAddr.parse(str(address))
    assert (again.display, again.uri_text, again.params) == (display, str(uri), given_params)
    assert split_list(f"{address}, {address}") == [str(address)] * 2


@given(token, host, port, params)
def test_vias_print_and_read_back(
    transport: str, sent_by: str, number: int | None, given_params: dict[str, str | None]
) -> None:
    via = Via(transport.upper(), sent_by, number, given_params)
    assert Via.parse(str(via)) == via


name = st.from_regex(r"X-[A-Z][a-z]{1,8}", fullmatch=True)


@given(
    token,
    uris,
    st.lists(st.tuples(name, text_value), max_size=6),
    st.binary(max_size=100),
    st.integers(0, 2**31 - 1),
)
def test_messages_print_and_read_back(
    method: str, uri: SipUri, fields: list[tuple[str, str]], body: bytes, number: int
) -> None:
    usual = [
        ("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx"),
        ("From", "<sip:a@b>;tag=1"),
        ("To", "<sip:c@d>"),
        ("Call-ID", "x"),
        ("CSeq", f"{number} {method}"),
    ]
    request = Request(method, str(uri), headers=Headers.of([*usual, *fields]), body=body)
    data = bytes(request)
    assert parse(data) == request
    assert bytes(parse(data)) == data
    parser = StreamParser()
    assert parser.feed(data + data) == [request, request]


@given(st.data())
def test_no_bytes_raise_anything_but_parse_errors(data: st.DataObject) -> None:
    """A small mutation fuzzer: cut, doubled and replaced pieces of a real message."""
    message = bytearray(INVITE)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(message)))
        upto = data.draw(st.integers(at, min(len(message), at + 20)))
        piece = data.draw(
            st.binary(max_size=8)
            | st.sampled_from([b'"', b"<", b">", b";", b",", b"\r\n", b":", b"%", b"[", b" "])
        )
        message[at:upto] = piece
    StreamParser().feed(bytes(message))
    try:
        parsed = parse(bytes(message))
    except ParseError as problem:
        if problem.request is not None:
            bytes(problem.request.response(400))
        return
    for look in ("vias", "contacts", "route", "record_route", "expires", "sdp", "uri"):
        with suppress(ParseError):
            getattr(parsed, look, None)
    bytes(parsed)
