"""Keys in SDP, and what offer and answer make of them."""

from __future__ import annotations

import base64

import pytest

from tongdai.sdp import (
    PROTECTED,
    SUITES,
    Crypto,
    LocalMedia,
    NotAcceptable,
    SessionDescription,
    Srtp,
    answer,
    make_offer,
    negotiate,
    parse,
)
from tongdai.sdp.crypto import read_crypto

OURS = LocalMedia("192.0.2.1", 20000)
CM, CM32, GCM = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AEAD_AES_256_GCM"


def key(suite: str, seed: int = 1) -> str:
    return base64.b64encode(bytes([seed]) * SUITES[suite]).decode()


def line(tag: int, suite: str, seed: int = 7) -> str:
    return f"a=crypto:{tag} {suite} inline:{key(suite, seed)}"


def offer_of(*attributes: str, protocol: str = PROTECTED) -> SessionDescription:
    head = ["v=0", "o=- 7 1 IN IP4 198.51.100.7", "s=-", "c=IN IP4 198.51.100.7", "t=0 0"]
    return parse("\r\n".join([*head, f"m=audio 4000 {protocol} 0", *attributes, ""]))


@pytest.mark.parametrize("suite", SUITES)
def test_a_line_is_read_and_written(suite: str):
    crypto = Crypto(3, suite, key(suite))
    assert read_crypto(str(crypto)) == crypto


@pytest.mark.parametrize("behind", ["", "|2^20", "|1024", " WSH=128", "|2^31 -SOMETHING"])
def test_what_need_not_be_understood_is_passed_over(behind: str):
    assert read_crypto(f"1 {CM} inline:{key(CM)}{behind}") == Crypto(1, CM, key(CM))


@pytest.mark.parametrize(
    "value",
    [
        f"1 {CM} inline:{key(CM)}|2^20|1:4",
        f"1 {CM} inline:{key(CM)} UNENCRYPTED_SRTP",
        f"1 {CM} inline:{key(CM)} KDR=1",
        f"1 {CM} inline:{key(GCM)}",
        f"1 {CM} inline:====",
        f"1 F8_128_HMAC_SHA1_80 inline:{key(CM)}",
        f"x {CM} inline:{key(CM)}",
        f"1 {CM} {key(CM)}",
        "",
    ],
)
def test_what_cannot_be_spoken_is_no_key(value: str):
    assert read_crypto(value) is None


def test_the_first_suite_that_we_speak_is_answered_under_its_tag():
    offer = offer_of("a=crypto:1 F8 inline:AAAA", line(4, GCM), line(5, CM))
    text, agreed = answer(offer, OURS, key=key, session_id=1, version=1)
    assert text.media[0].protocol == PROTECTED
    assert [value for name, value in text.media[0].attributes if name == "crypto"] == [
        f"4 {GCM} inline:{key(GCM)}"
    ]
    assert agreed.srtp == Srtp(GCM, send=key(GCM), receive=key(GCM, 7))
    assert agreed.protocol == PROTECTED


def test_a_key_under_a_plain_protocol_is_welcome():
    _, agreed = answer(offer_of(line(1, CM), protocol="RTP/AVP"), OURS, key=key, session_id=1, version=1)
    assert agreed.srtp is not None
    text, agreed = answer(offer_of(protocol="RTP/AVPF"), OURS, key=key, session_id=1, version=1)
    assert (text.media[0].protocol, agreed.srtp) == ("RTP/AVPF", None)


def test_what_must_be_protected_and_cannot_be_is_refused():
    for offer in (offer_of(), offer_of(f"a=crypto:1 F8 inline:{key(CM)}"), offer_of(protocol="RTP/SAVPF")):
        with pytest.raises(NotAcceptable):
            answer(offer, OURS, key=key, session_id=1, version=1)
    with pytest.raises(NotAcceptable):
        answer(offer_of(line(1, CM)), OURS, session_id=1, version=1)


def test_the_answer_to_our_offer_says_which_key_holds():
    ours = [Crypto(1, CM, key(CM, 1)), Crypto(2, GCM, key(GCM, 2))]
    offer = make_offer(OURS, protocol=PROTECTED, crypto=ours, session_id=1, version=1)
    assert parse(str(offer)).media[0].protocol == PROTECTED
    agreed = negotiate(offer, offer_of(line(2, GCM)))
    assert agreed.srtp == Srtp(GCM, send=key(GCM, 2), receive=key(GCM, 7))
    for wrong in (offer_of(line(1, GCM)), offer_of(line(3, CM)), offer_of(), offer_of(line(2, CM32))):
        with pytest.raises(NotAcceptable):
            negotiate(offer, wrong)


def test_keys_are_not_printed():
    secret = key(CM)
    assert secret not in repr([Crypto(1, CM, secret), Srtp(CM, secret, secret)])
