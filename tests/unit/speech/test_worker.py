from __future__ import annotations

import io
import os
import stat
import sys
import sysconfig

import msgspec
import numpy as np
import pytest
from tests.unit.speech.sounds import pcm16, sine, wav

from tongdai.speech import jobs, worker
from tongdai.speech.errors import SpeechError
from tongdai.speech.level import active_level
from tongdai.speech.wavfile import read_wav


def ask(*asked):
    """The worker's answers to these jobs."""
    incoming = io.BytesIO()
    for job in asked:
        body = msgspec.msgpack.encode(job)
        incoming.write(len(body).to_bytes(4, "big") + body)
    incoming.seek(0)
    outgoing = io.BytesIO()
    worker.serve(incoming, outgoing)
    data, answers = outgoing.getvalue(), []
    while data:
        size = int.from_bytes(data[:4], "big")
        answers.append(msgspec.msgpack.decode(data[4 : 4 + size], type=jobs.Answer))
        data = data[4 + size :]
    return answers


def program(tmp_path, body):
    """A voice of the operator's: reads text, writes a WAV."""
    path = tmp_path / "voice"
    path.write_text(f"#!{sys.executable}\nimport sys\ntext = sys.stdin.buffer.read()\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return jobs.Command((str(path),))


def test_jobs_are_answered_one_after_the_other(tmp_path):
    music, bad, beep = ask(
        jobs.Music(1, str(tmp_path / "music.wav")),
        jobs.Convert(b"nothing", str(tmp_path / "bad.wav")),
        jobs.Tone("beep", str(tmp_path / "beep.wav")),
    )
    assert music.seconds == 80
    assert bad.code == "not_sound"
    assert beep.seconds == pytest.approx(0.4)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["beep.wav", "music.wav"]


def test_espeak_speaks_vietnamese_at_the_level_of_all_prompts(tmp_path):
    path = tmp_path / "vi.wav"
    (done,) = ask(jobs.Speak(jobs.Espeak("vi"), "Xin chào quý khách.", str(path)))
    samples, rate = read_wav(path.read_bytes())
    assert rate == 16000
    assert 0.8 < done.seconds < 4
    assert active_level(samples[:, 0]) == pytest.approx(-20, abs=1)


def test_the_english_voice_says_the_same_the_same_way_each_time(tmp_path):
    paths = [tmp_path / "1.wav", tmp_path / "2.wav"]
    done, _ = ask(*(jobs.Speak(jobs.Hibari(), "Thank you for calling.", str(path)) for path in paths))
    assert 0.7 < done.seconds < 3
    first, again = (path.read_bytes() for path in paths)
    assert first == again
    assert active_level(read_wav(first)[0][:, 0]) == pytest.approx(-20, abs=1)


def test_the_english_voice_never_downloads():
    """hibari fetches its other voices from the Internet on first use."""
    worker._hibari()
    import hibari

    with pytest.raises(SpeechError, match="Nothing is downloaded"):
        hibari.Hibari(voice="emma")


def test_a_voice_of_the_operators_is_given_the_words(tmp_path):
    sound = wav(pcm16(sine(500, 1.0, 22050)), rate=22050)
    voice = program(tmp_path, f"assert text == 'Xin chào'.encode()\nsys.stdout.buffer.write({sound!r})")
    (done,) = ask(jobs.Speak(voice, "Xin chào", str(tmp_path / "out.wav")))
    assert done.seconds == pytest.approx(1.0, abs=0.3)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("sys.exit('no such model')", "voice_failed", "no such model"),
        ("print('hello')", "not_wav", "not a WAV"),
        ("os.kill(os.getpid(), 9)", "voice_failed", "failed"),
    ],
)
def test_a_voice_that_fails_says_why(tmp_path, body, code, words):
    voice = program(tmp_path, f"import os\n{body}")
    (failed,) = ask(jobs.Speak(voice, "Hello", str(tmp_path / "out.wav")))
    assert failed.code == code
    assert words in failed.message
    assert not (tmp_path / "out.wav").exists()


def test_a_voice_that_is_not_installed_says_what_to_install(tmp_path):
    espeak, other = ask(
        jobs.Speak(jobs.Espeak("vi", str(tmp_path / "espeak-ng")), "Xin chào", str(tmp_path / "a.wav")),
        jobs.Speak(jobs.Command((str(tmp_path / "piper"),)), "Xin chào", str(tmp_path / "b.wav")),
    )
    assert (espeak.code, other.code) == ("voice_missing", "voice_missing")
    assert "apt-get install espeak-ng" in espeak.remedy
    assert "settings" in other.remedy


def test_a_place_that_cannot_be_written_is_an_answer(tmp_path):
    (tmp_path / "file").write_text("")
    (failed,) = ask(jobs.Tone("beep", str(tmp_path / "file" / "beep.wav")))
    assert failed.code == "unwritable"


def test_an_engine_that_is_missing_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    (failed,) = ask(jobs.Convert(b"fLaC", str(tmp_path / "out.wav")))
    assert failed.code == "no_media_engine"
    assert "make setup" in failed.remedy


def test_an_error_of_ours_does_not_end_the_worker(tmp_path, monkeypatch):
    def broken(_seed):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(worker, "hold_music", broken)
    failed, done = ask(jobs.Music(1, str(tmp_path / "m.wav")), jobs.Tone("left", str(tmp_path / "t.wav")))
    assert (failed.code, "oops" in failed.message) == ("speech_failed", True)
    assert np.isclose(done.seconds, 0.28)
    assert os.listdir(tmp_path) == ["t.wav"]
