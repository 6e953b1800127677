from __future__ import annotations

import struct
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.speech.sounds import pcm16, sine, wav

from tongdai.speech.errors import SpeechError
from tongdai.speech.wavfile import RATE, read_wav, write_wav

TONE = sine(440, 0.1)
PCM_GUID = struct.pack("<HHIH", 22, 16, 4, 1) + bytes.fromhex("000000001000800000aa00389b71")


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [
        (wav(pcm16(TONE)), 1e-4),
        (wav(np.round(TONE * 127 + 128).astype(np.uint8).tobytes(), bits=8), 1e-2),
        (wav(b"".join(int(x * 8388607).to_bytes(3, "little", signed=True) for x in TONE), bits=24), 1e-6),
        (wav((TONE * 2147483647).astype("<i4").tobytes(), bits=32), 1e-6),
        (wav(TONE.astype("<f4").tobytes(), tag=3, bits=32), 1e-6),
        (wav(TONE.astype("<f8").tobytes(), tag=3, bits=64), 1e-6),
        (wav(pcm16(TONE), tag=0xFFFE, extra=PCM_GUID), 1e-4),
    ],
    ids=["16", "8", "24", "32", "float", "double", "extensible"],
)
def test_reads_every_usual_coding(data, tolerance):
    samples, rate = read_wav(data)
    assert rate == RATE
    assert samples.shape == (RATE // 10, 1)
    assert np.abs(samples[:, 0] - TONE).max() < tolerance


@pytest.mark.parametrize(
    ("tag", "codes", "values"),
    [
        # ITU-T G.711 tables 1 and 2: both ends, around zero, one in the middle
        (6, [0xD5, 0x55, 0xAA, 0x2A, 0xD4, 0x80], [8, -8, 32256, -32256, 24, 5504]),
        (7, [0xFF, 0x7F, 0x80, 0x00, 0xFE, 0xF0], [0, 0, 32124, -32124, 8, 120]),
    ],
    ids=["alaw", "ulaw"],
)
def test_reads_g711(tag, codes, values):
    samples, _ = read_wav(wav(bytes(codes), tag=tag, bits=8))
    assert (samples[:, 0] * 32768).astype(int).tolist() == values


def test_reads_channels_side_by_side():
    samples, rate = read_wav(wav(struct.pack("<4h", 1, -1, 2, -2), channels=2, rate=44100))
    assert rate == 44100
    assert (samples * 32768).astype(int).tolist() == [[1, -1], [2, -2]]


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000])
def test_a_streamed_file_has_no_true_size(size):
    """espeak-ng and ffmpeg write to a pipe, and cannot come back to fill in the size."""
    data = wav(pcm16(TONE))
    at = data.index(b"data") + 4
    samples, _ = read_wav(data[:at] + struct.pack("<I", size) + data[at + 4 :])
    assert len(samples) == RATE // 10


def test_a_frame_cut_short_at_the_end_is_left_out():
    samples, _ = read_wav(wav(pcm16(TONE), channels=2)[:-1])
    assert len(samples) == RATE // 20 - 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_wav"),
        (b"ID3\x04" + bytes(100), "not_wav"),
        (b"RIFF\0\0\0\0WAVE", "bad_wav"),
        (wav(pcm16(TONE)).replace(b"data", b"nope"), "bad_wav"),
        (wav(pcm16(TONE), channels=0), "bad_wav"),
        (wav(pcm16(TONE), rate=0), "bad_wav"),
        (wav(pcm16(TONE), bits=4), "bad_wav"),
        (wav(pcm16(TONE), tag=2), "unknown_wav"),
        (wav(pcm16(TONE), bits=48), "unknown_wav"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(data, code):
    with pytest.raises(SpeechError) as error:
        read_wav(data)
    assert error.value.code == code
    assert error.value.remedy


@given(st.binary(max_size=200))
def test_a_damaged_file_is_an_error_or_sound_and_nothing_else(noise):
    for data in (b"RIFF\0\0\0\0WAVE" + noise, wav(b"")[:20] + noise, wav(noise)):
        try:
            samples, _ = read_wav(data)
        except SpeechError:
            continue
        assert np.isfinite(samples).all()


def test_writes_what_others_read(tmp_path):
    path = tmp_path / "deep" / "tone.wav"
    write_wav(path, TONE)
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (
            16000,
            1,
            2,
            1600,
        )
    assert np.abs(read_wav(path.read_bytes())[0][:, 0] - TONE).max() < 1e-4
    assert [p.name for p in path.parent.iterdir()] == ["tone.wav"]


def test_a_write_that_fails_leaves_nothing(tmp_path):
    (tmp_path / "tone.wav").mkdir()
    with pytest.raises(OSError, match=r"tone\.wav"):
        write_wav(tmp_path / "tone.wav", TONE)
    assert [p.name for p in tmp_path.iterdir()] == ["tone.wav"]
