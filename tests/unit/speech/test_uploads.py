from __future__ import annotations

import subprocess

import numpy as np
import pytest
from tests.unit.speech.sounds import dbfs, loudest_hertz, wav

from tongdai.speech import decoder
from tongdai.speech.errors import SpeechError
from tongdai.speech.uploads import convert
from tongdai.speech.wavfile import RATE

SECONDS = 2.0
NOISE = np.random.default_rng(1).bytes(200_000)


def run(*command):
    subprocess.run([str(part) for part in command], check=True, stdin=subprocess.DEVNULL, capture_output=True)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """A tone as a studio gives it: 44.1 kHz, stereo."""
    path = tmp_path_factory.mktemp("studio") / "studio.wav"
    tone = f"sine=frequency=700:sample_rate=44100:duration={SECONDS}"
    run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", tone, "-ac", "2", path)
    return path


def made(studio, name, *options):
    """The studio's file as another program codes it."""
    path = studio.with_name(name)
    if not path.exists():
        run("ffmpeg", "-v", "error", "-i", studio, *options, path)
    return path.read_bytes()


def with_picture(studio, name, *options):
    """The same beside a moving picture."""
    path = studio.with_name(name)
    picture = ("-f", "lavfi", "-i", f"testsrc=size=64x48:rate=5:duration={SECONDS}")
    run("ffmpeg", "-v", "error", *picture, "-i", studio, *options, path)
    return path.read_bytes()


def check(data, padding=0.06):
    """It is the studio's tone, at the loudness of all prompts; coders add a little silence."""
    out = convert(data)
    assert SECONDS - 0.01 <= len(out) / RATE <= SECONDS + padding
    assert dbfs(out[RATE // 10 : -RATE // 5]) == pytest.approx(-20, abs=0.4)
    assert loudest_hertz(out, RATE) == pytest.approx(700, abs=2)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("tone.mp3", ["-b:a", "64k"]),
        ("mono.mp3", ["-ac", "1", "-ar", "16000", "-b:a", "24k"]),
        ("tone.flac", []),
        ("deep.flac", ["-ar", "96000", "-sample_fmt", "s32"]),
        ("vorbis.ogg", ["-c:a", "libvorbis"]),
        ("opus.ogg", ["-c:a", "libopus"]),
        ("tone.m4a", ["-c:a", "aac"]),
        ("lossless.m4a", ["-c:a", "alac"]),
        ("tone.aac", ["-c:a", "aac"]),
        ("tone.webm", ["-c:a", "libopus"]),
        ("tone.aiff", []),
        ("deep.wav", ["-c:a", "pcm_s24le", "-ar", "48000"]),
        ("law.wav", ["-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"]),
    ],
)
def test_every_usual_format_becomes_the_same_telephone_file(studio, name, options):
    check(made(studio, name, *options))


def test_an_mp3_with_tags_and_a_cover(studio):
    cover, path = studio.with_name("cover.jpg"), studio.with_name("cover.mp3")
    run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=600x600", "-frames:v", "1", cover)
    run("lame", "--quiet", "--tt", "Chờ máy", "--ta", "An Phát", "--ti", cover, studio, path)
    data = path.read_bytes()
    assert data.startswith(b"ID3")
    assert b"\xff\xd8\xff" in data[:500]
    check(data)


def test_an_mp4_that_was_cut_has_lost_its_table(studio):
    data = made(studio, "tone.m4a", "-c:a", "aac")
    with pytest.raises(SpeechError, match="not all of it is there") as error:
        convert(data[: len(data) * 2 // 3])
    assert error.value.code == "damaged"


def test_what_a_browser_recorded_has_no_lengths(studio):
    """MediaRecorder writes WebM as it goes, and cannot come back to fill in how long it was."""
    command = ["ffmpeg", "-v", "error", "-i", str(studio), "-c:a", "libopus", "-f", "webm", "-live", "1", "-"]
    check(subprocess.run(command, check=True, capture_output=True).stdout)


def test_the_sound_of_a_video_is_taken(studio):
    check(with_picture(studio, "film.mp4", "-c:a", "aac", "-shortest"), 0.2)


def test_a_film_without_sound_says_so(studio):
    with pytest.raises(SpeechError, match="no sound in this file"):
        convert(with_picture(studio, "silent.mp4", "-map", "0:v"))


@pytest.mark.parametrize("name", ["tone.mp3", "tone.flac", "vorbis.ogg", "opus.ogg", "tone.aac", "tone.webm"])
def test_a_file_that_was_cut_is_heard_as_far_as_it_goes(studio, name):
    """Uploads break off, and whoever recorded it hears what is there."""
    coder = {"vorbis.ogg": ["-c:a", "libvorbis"], "opus.ogg": ["-c:a", "libopus"]}.get(name, [])
    data = made(studio, f"long.{name}", "-af", "aloop=loop=4:size=88200", *coder)
    out = convert(data[: len(data) * 2 // 3])
    assert 0.4 < len(out) / RATE / (5 * SECONDS) < 0.9
    assert loudest_hertz(out, RATE) == pytest.approx(700, abs=2)


@pytest.mark.parametrize(
    ("name", "options", "lie"),
    [
        # the number of samples in FLAC's STREAMINFO, of frames in the MP3's Info tag: two thousand million
        ("tone.flac", [], lambda data: data[:22] + b"\x7f\xff\xff\xff" + data[26:]),
        ("tone.mp3", ["-b:a", "64k"], lambda data: replaced(data, b"Info", 8, b"\x7f\xff\xff\xff")),
        # the table of sample sizes of the MP4 has four thousand million entries
        ("tone.m4a", ["-c:a", "aac"], lambda data: replaced(data, b"stsz", 12, b"\xff\xff\xff\xff")),
    ],
)
def test_what_a_header_promises_is_not_believed(studio, name, options, lie):
    data = made(studio, name, *options)
    lied = lie(data)
    assert lied != data
    samples, error = converted(lied)
    if error is None:
        assert len(samples) / RATE == pytest.approx(SECONDS, abs=0.1)
    else:
        assert (error.code, error.remedy) == ("damaged", decoder.REMEDY)


def converted(data):
    """What becomes of it: sound, or the error that says why not."""
    try:
        return convert(data), None
    except SpeechError as error:
        return None, error


def replaced(data, mark, offset, value):
    at = data.index(mark) + offset
    return data[:at] + value + data[at + len(value) :]


def test_what_is_damaged_on_the_way_ends_nothing(studio):
    """Bytes turned over at random: sound, or an error that says what to send."""
    chance = np.random.default_rng(7)
    for name in ("tone.mp3", "tone.flac", "vorbis.ogg", "opus.ogg", "tone.m4a", "tone.webm"):
        for _ in range(3):
            data = bytearray(made(studio, name))
            for at in chance.integers(12, len(data), 30):
                data[at] = chance.integers(256)
            samples, error = converted(bytes(data))
            assert error.remedy if error is not None else np.isfinite(samples).all()


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "no_sound", "empty"),
        (b"MP3 perhaps", "not_sound", "no sound file"),
        (b"PK\x03\x04" + NOISE, "not_sound", "a ZIP archive"),
        (NOISE, "not_sound", "no sound file"),
        (b"ID3\x04\0\0\0\0\0\0" + b"no frame in it " * 2000, "not_sound", "no sound file"),
        (wav(bytes(20 * 1024 * 1024)), "too_large", "20.0 MiB"),
        (wav(bytes(4000 * 601), bits=8, rate=4000), "too_long", "more than 10 minutes"),
        (wav(bytes(20)), "too_short", "no sound"),
        (wav(bytes(16000)), "silent", "nothing to hear"),
    ],
)
def test_what_cannot_be_used_says_why(data, code, words):
    with pytest.raises(SpeechError, match=words) as error:
        convert(data)
    assert error.value.code == code
    assert error.value.remedy


def test_hours_of_silence_in_a_small_file_are_not_decoded(studio):
    path = studio.with_name("hours.flac")
    run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:d=7200", path)
    assert path.stat().st_size < 1_500_000
    with pytest.raises(SpeechError, match="more than 10 minutes"):
        convert(path.read_bytes())


def test_a_codec_that_is_not_known_is_named(studio):
    with pytest.raises(SpeechError, match="AC-3") as error:
        convert(made(studio, "dolby.mp4", "-c:a", "ac3"))
    assert error.value.remedy == decoder.REMEDY


def test_a_decoder_that_is_ended_is_a_damaged_file(monkeypatch, tmp_path):
    """As when a file makes it use up its time or its memory."""
    program = tmp_path / "decoder"
    program.write_text("#!/bin/sh\ncat > /dev/null\nkill -9 $$\n")
    program.chmod(0o755)
    monkeypatch.setattr(decoder, "engine_binary", lambda: program)
    with pytest.raises(SpeechError, match="cannot be decoded") as error:
        convert(b"fLaC")
    assert error.value.code == "damaged"


def test_a_decoder_that_hangs_is_given_up(monkeypatch, tmp_path):
    program = tmp_path / "decoder"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(decoder, "engine_binary", lambda: program)
    monkeypatch.setattr(decoder, "_SECONDS", 0.2)
    with pytest.raises(SpeechError, match="cannot be decoded"):
        convert(bytes(1_000_000))
