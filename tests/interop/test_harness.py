"""The phones and ears themselves, without the product between them: what they report can be believed."""

from __future__ import annotations

import asyncio
import re
import time

import numpy as np
import pytest
from tests.interop.conftest import Phones
from tests.interop.phones.raw import Account, RawPhone
from tests.interop.phones.sound import (
    RATE,
    alaw_decode,
    alaw_encode,
    beeps,
    has_tone,
    hears,
    hears_no,
    leaks,
    likeness,
    now_at,
    sounding,
    tone,
    ulaw_decode,
    ulaw_encode,
)
from tests.interop.talk import heard_all_the_time, talk

NOBODY = ("127.0.0.1", 9)


async def _two_phones(phones: Phones) -> tuple[RawPhone, RawPhone]:
    callee = await phones.raw(Account("callee", "", NOBODY), register=False)
    caller = await phones.raw(Account("caller", "", callee.link.local), register=False)
    return caller, callee


async def test_raw_phones_hear_each_other_and_not_themselves(phones: Phones):
    caller, callee = await _two_phones(phones)
    near, far = await talk(caller, callee, "callee")
    await hears_no(near, caller.tone, mark=0)
    await near.press("12#")
    await far.hears_keys("12#")
    assert far.rtp.lost() == 0


async def test_a_stop_in_what_is_heard_is_told_from_phones_that_waited_for_a_processor(phones: Phones):
    caller, callee = await _two_phones(phones)
    near, far = await talk(caller, callee, "callee")
    mark = len(near.rtp.received)
    time.sleep(0.4)
    await hears(near, callee.tone, mark=now_at(near))
    assert near.rtp.longest_gap(mark - 1) > 0.35
    heard_all_the_time(near, far, mark)
    far.rtp.remote = NOBODY
    await asyncio.sleep(0.8)
    far.rtp.remote = (near.rtp.host, near.rtp.port)
    await hears(near, callee.tone, mark=now_at(near))
    with pytest.raises(AssertionError):
        heard_all_the_time(near, far, mark)


async def test_a_raw_phone_cancels_and_is_rejected(phones: Phones):
    caller, callee = await _two_phones(phones)
    cancelled = await caller.call("callee", wait="ringing")
    ringing = await callee.rings()
    assert (await cancelled.cancel()).status == 487
    await ringing.hung_up()
    rejected = await caller.call("callee", wait="ringing")
    (await callee.rings()).reject(486)
    assert (await rejected.finished()).status == 486


async def test_baresip_speaks_records_and_passes_keys(phones: Phones):
    bare = await phones.baresip(Account("bare", "", NOBODY), register=False)
    caller = await phones.raw(Account("caller", "", ("127.0.0.1", bare.sip_port)), register=False)
    await asyncio.sleep(0.2)
    contact = re.search(r"Contact: <(sip:[^>]*)>", bare.log())
    assert contact is not None
    call = await caller.call(contact.group(1), wait="ringing")
    await bare.accept()
    await call.answered()
    await hears(call, bare.tone)
    await hears(bare, caller.tone)
    await call.press("7*")
    await bare.hears_keys("7*")
    await bare.press("45")
    await call.hears_keys("45")
    await bare.hold()
    await asyncio.sleep(0.5)
    await bare.resume()
    await hears(call, bare.tone, mark=now_at(call))
    await call.hang_up()
    await bare.hung_up()


def test_ears_tell_a_tone_from_music_noise_and_other_tones():
    chord = np.sum([tone(hertz, 2 * RATE, -20) for hertz in (440, 554, 659, 880, 1109, 1319)], axis=0)
    noise = np.random.default_rng(1).normal(0, 0.05, 2 * RATE)
    mixed = tone(1150, 2 * RATE) + tone(1350, 2 * RATE) + tone(1450, 2 * RATE)
    assert has_tone(tone(1150, RATE), 1150)
    assert has_tone(mixed, 1150)
    assert has_tone(mixed, 1350)
    for other in (chord, noise, tone(1350, RATE)):
        assert not has_tone(other, 1150)
    assert not leaks(mixed, 1600)
    assert not has_tone(tone(1150, RATE, -60), 1150)


def test_ears_find_beeps_pauses_and_repetitions():
    rng = np.random.default_rng(2)
    speech = rng.normal(0, 0.1, RATE)
    silence = np.zeros(RATE)
    heard = np.concatenate([speech, silence, tone(1000, RATE // 4), silence, speech])
    assert [round(span.start, 1) for span in sounding(heard)] == [0.0, 2.0, 3.2]
    assert [round(span.start, 1) for span in beeps(heard)] == [2.0]
    assert likeness(speech[1000:5000], heard[3 * RATE :]) > 0.95
    assert likeness(rng.normal(0, 0.1, 4000), heard) < 0.2


@pytest.mark.parametrize(("encode", "decode"), [(ulaw_encode, ulaw_decode), (alaw_encode, alaw_decode)])
def test_g711_keeps_every_code(encode, decode):
    codes = bytes(range(256))
    again = encode(decode(codes))
    assert np.array_equal(decode(again), decode(codes))
    assert abs(decode(encode(np.array([0.5])))[0] - 0.5) < 0.02
