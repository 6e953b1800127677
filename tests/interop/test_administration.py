"""What an administrator changes on a running system, heard by the next caller: nothing is restarted."""

from __future__ import annotations

import asyncio
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from tests.interop.conftest import Phones, new_demo
from tests.interop.demo import TONGDAI, Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.sound import (
    beeps,
    has_tone,
    hears,
    hears_beep,
    hears_no,
    hears_silence,
    hears_something,
    now_at,
    share,
    since,
)
from tests.interop.talk import hear_each_other, talk

from tongdai.app.demo.secrets import FIXED_PASSWORDS

DOMAIN = "anphat.demo"


@pytest.fixture(scope="module")
def administered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose configuration these tests may change."""
    with new_demo(tmp_path_factory.mktemp("administered")) as running:
        yield running.start()


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 s of a tone as a studio would send it: 44.1 kHz, stereo. (600 Hz is a note of the music, nearly.)"""
    path = tmp_path_factory.mktemp("tone") / "tone.wav"
    times = np.arange(20 * 44100) / 44100
    one = (8000 * np.sin(2 * np.pi * 2400 * times)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 44100, 0, "NONE", ""))
        file.writeframes(np.column_stack((one, one)).tobytes())
    return path


def _recoded(source: Path, name: str, *options: str) -> Path:
    """The same sound by another programme's coder."""
    target = source.with_name(name)
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(source), *options, str(target)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return target


async def _changed(demo: Demo, *arguments: str) -> str:
    """Change something by the command line, and wait until the running system has taken it up."""
    follows = demo.service_log().count("the configuration was changed")
    said = await asyncio.to_thread(demo.cli, *arguments)
    async with asyncio.timeout(5):
        while demo.service_log().count("the configuration was changed") == follows:
            await asyncio.sleep(0.05)
    return said


def _refusal(demo: Demo, *arguments: str) -> str:
    """What the command line says when it does not do what it was asked."""
    command = [str(TONGDAI), *arguments, "--data", str(demo.directory)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2, f"accepted: {done.stdout}"
    assert done.stdout == ""
    assert done.stderr.startswith("tongdai: ")
    assert done.stderr.count("\n") == 1, "an error is one line"
    return done.stderr


async def test_uploaded_music_is_heard_on_the_next_hold(administered: Demo, phones: Phones, tone: Path):
    caller, callee = (
        await phones.raw(administered.account("101")),
        await phones.raw(administered.account("103")),
    )
    near, far = await talk(caller, callee, "103")
    mp3 = _recoded(tone, "tone.mp3", "-b:a", "96k")
    said = await _changed(administered, "upload", DOMAIN, "music", str(mp3))
    assert said.startswith(f"Who waits in calls of {DOMAIN} now hears the upload")
    await near.hold()
    await hears(far, 2400, mark=now_at(far))
    await near.resume()
    await hear_each_other(near, far)
    await _changed(administered, "upload", DOMAIN, "music", "--remove")
    await near.hold()
    await asyncio.sleep(0.3)
    held_from = now_at(far)
    await hears_something(far, mark=held_from, lasting=1.0)
    assert not has_tone(since(far, held_from), 2400), "our own music is no tone"
    await near.hang_up()
    await far.hung_up()


async def test_an_opened_country_is_reached(administered: Demo, phones: Phones):
    caller, outside = await phones.raw(administered.account("101")), await phones.raw(administered.carrier())
    refused = await caller.call("0014155550100")
    await hears_something(refused)
    await outside.stays_quiet(0.5)
    await refused.hang_up()
    said = await _changed(administered, "tenant", DOMAIN, "--allow-countries", "VN,US")
    assert "may call     VN, US\n" in said
    near = await caller.call("0014155550100", wait="ringing")
    far = await (await outside.rings()).accept()
    await near.answered()
    await hear_each_other(near, far)
    await near.hang_up()
    await far.hung_up()
    await _changed(administered, "tenant", DOMAIN, "--allow-countries", "VN")


async def test_an_uploaded_greeting_greets_the_next_caller(administered: Demo, phones: Phones, tone: Path):
    caller = await phones.raw(administered.account("101"))
    before = await caller.call("100")
    await hears_something(before)
    said = await _changed(administered, "upload", DOMAIN, "greeting", str(tone))
    assert "greeted by the upload: version 2 of its menu" in said
    assert "greeting     its own recording\n" in administered.cli("tenant", DOMAIN)
    near = await caller.call("100")
    await hears(near, 2400)
    callee = await phones.raw(administered.account("103"))
    for call in (near, before):  # whoever was in the menu before stays there, and the keys work in both
        await call.press("103")
        far = await (await callee.rings()).accept()
        await hear_each_other(call, far)
        await call.hang_up()
        await far.hung_up()
    said = await _changed(administered, "upload", DOMAIN, "greeting", "--remove")
    assert "Thank you for calling" in said
    near = await caller.call("100")
    await hears_something(near)
    await hears_no(near, 2400, mark=0, lasting=0.1)
    await near.hang_up()


async def test_an_upload_is_heard_in_wide_band_by_who_has_it(administered: Demo, phones: Phones, tone: Path):
    """Ogg/Opus with a tone that only wide band carries beside one for all. In PCMU it must not be heard as
    another (6 kHz at 8000 samples a second would be 2 kHz)."""
    both = "aeval=val(0)+0.2*sin(2*PI*6000*t):c=stereo"
    opus = _recoded(tone, "tone.opus", "-af", both, "-c:a", "libopus", "-b:a", "96k")
    await _changed(administered, "upload", DOMAIN, "greeting", str(opus))
    raw = await phones.raw(administered.account("101"))
    near = await raw.call("100")
    await hears(near, 2400, part=0.8)
    await hears_no(near, 2000, mark=0, lasting=0.1)
    await near.hang_up()
    for codec in ("opus/48000/2", "g722/16000/1"):
        wide = await phones.baresip(administered.account("102"), codecs=codec)
        await wide.call("100")
        await hears(wide, 2400)
        shares = [share(wide.samples(16_000), hertz, rate=16_000).max() for hertz in (2400, 6000)]
        assert min(shares) > 0.15, f"{codec}: 2400 and 6000 Hz have {shares}"
        await wide.close()
    await _changed(administered, "upload", DOMAIN, "greeting", "--remove")


async def test_an_mp3_greets_who_reaches_a_mailbox(administered: Demo, phones: Phones, tone: Path):
    mp3 = _recoded(tone, "greeting.mp3", "-t", "3", "-ar", "22050", "-ac", "1")
    email = "admin@anphat.demo"
    async with httpx.AsyncClient(base_url=administered.facts.http, timeout=30) as client:
        login = {"email": email, "password": FIXED_PASSWORDS[email]}
        me = (await client.post("/api/v1/sign-in", json=login)).json()
        people = (await client.get(f"/api/v1/tenants/{me['tenant']}/people", params={"q": "Mai"})).json()
        place = f"/api/v1/tenants/{me['tenant']}/mailboxes/{people['items'][0]['id']}/greeting"
        mpeg = {"Content-Type": "audio/mpeg"}
        sent = await client.put(f"{place}/sound", content=mp3.read_bytes(), headers=mpeg)
        assert sent.status_code == 200, sent.text
        refused = await client.put(f"{place}/sound", content=b"PK\x03\x04" + bytes(2000), headers=mpeg)
        assert refused.status_code == 422
        assert "ZIP archive" in refused.json()["detail"]
        near = await (await phones.raw(administered.account("101"))).call("106")
        await hears(near, 2400)
        await hears_beep(near)
        await near.hang_up()
        assert (await client.delete(place)).status_code == 204


async def test_a_room_tells_who_comes_and_goes_unless_it_is_told_not_to(administered: Demo, phones: Phones):
    async def join(extension: str) -> RawCall:
        call = await (await phones.raw(administered.account(extension))).call("600", wait="sent")
        call.rtp.speak(None)
        await call.answered()
        return call

    first, second = await join("101"), await join("102")
    await hears_silence(first)  # when he has been told that he is the first
    mark = now_at(first)
    third = await join("103")
    await hears_beep(first, mark=mark, within=3)
    mark = now_at(first)
    await third.hang_up()
    await hears_beep(first, mark=mark, within=3)
    said = await _changed(administered, "room", DOMAIN, "600", "--no-tones")
    assert "tones        none\n" in said
    mark = now_at(first)
    third = await join("103")
    await asyncio.sleep(0.7)
    await third.hang_up()
    await asyncio.sleep(0.7)
    assert beeps(since(first, mark)) == []
    await _changed(administered, "room", DOMAIN, "600", "--tones")
    for call in (first, second):
        await call.hang_up()


async def test_a_phrase_can_be_ones_own(administered: Demo, phones: Phones, tone: Path):
    caller = await phones.raw(administered.account("101"))
    await _changed(administered, "upload", DOMAIN, "outside.not_permitted", str(tone))
    near = await caller.call("0014155550100")
    await hears(near, 2400)
    await near.hang_up()
    other = await phones.raw(administered.account("101", domain="binhminh.demo"))
    near = await other.call("0014155550100")
    await hears_something(near)
    await hears_no(near, 2400, mark=0, lasting=0.1)
    await near.hang_up()
    await _changed(administered, "upload", DOMAIN, "outside.not_permitted", "--remove")
    near = await caller.call("0014155550100")
    await hears_something(near)
    await hears_no(near, 2400, mark=0, lasting=0.1)
    await near.hang_up()


async def test_sha256_is_offered_when_the_tenant_wants_it(administered: Demo, phones: Phones):
    await _changed(administered, "tenant", DOMAIN, "--sha256")
    phone = await phones.raw(administered.account("102", full=True))
    near = await phone.call("*43")
    await hears_something(near)
    await near.hang_up()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tenant", "nowhere.demo"), "There is no tenant 'nowhere.demo'"),
        (("tenant", DOMAIN, "--allow-countries", "XX"), "'XX' is no country"),
        (("tenant", DOMAIN, "--ring-seconds", "0"), "Phones cannot ring for 0 s"),
        (("tenant", DOMAIN, "--main-number", "+15551234567"), "is no number of this tenant"),
        (("upload", DOMAIN, "queue.welcom", "x.wav"), "Did you mean queue.welcome"),
        (("upload", DOMAIN, "music", "nowhere.wav"), "cannot be read"),
        (("upload", DOMAIN, "music", __file__), "no sound file"),
        (("upload", DOMAIN, "music"), "Give either a file or --remove"),
        (("upload", DOMAIN, "music", "--remove"), "has uploaded no music"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(administered: Demo, arguments: tuple[str, ...], words: str):
    assert words in _refusal(administered, *arguments)
