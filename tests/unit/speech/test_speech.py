from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.unit.speech.sounds import pcm16, sine, wav

from tongdai.speech import jobs
from tongdai.speech.client import WorkerClient
from tongdai.speech.errors import SpeechError
from tongdai.speech.speech import Speech, SpeechSettings


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"sound")


class Worker(WorkerClient):
    """Notes what it is asked, and answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[jobs.Job] = []
        self.broken: type | None = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def run(self, job: jobs.Job) -> jobs.Done:
        self.asked.append(job)
        await self.may_answer.wait()
        if isinstance(job, jobs.Speak) and self.broken and isinstance(job.voice, self.broken):
            raise SpeechError("voice_missing", "It is not installed.", "Install it.")
        write(Path(job.path))
        return jobs.Done(1.0, 0.01)


@pytest.fixture
def worker():
    return Worker()


@pytest.fixture
def speech(tmp_path, worker):
    return Speech(tmp_path / "cache", worker=worker)


async def test_words_are_spoken_once(speech, worker):
    assert speech.cached("Goodbye.", "en") is None
    path = await speech.wav("Goodbye.", "en")
    assert await speech.wav("Goodbye. ", "en") == path == speech.cached("Goodbye.", "en")
    assert [job.text for job in worker.asked] == ["Goodbye."]


async def test_what_several_callers_need_at_once_is_made_once(speech, worker):
    worker.may_answer.clear()
    waiting = [asyncio.create_task(speech.wav("Hello.", "en")) for _ in range(5)]
    while not worker.asked:
        await asyncio.wait(waiting, timeout=0)
    waiting[0].cancel()
    worker.may_answer.set()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError)
    assert len(set(done[1:])) == 1
    assert len(worker.asked) == 1


async def test_text_is_normalised_before_it_is_spoken(speech, worker):
    await speech.wav("Extension 101, Mai Đặng", "en")
    assert worker.asked[0].text == "Extension one zero one, Mai Dang"


async def test_each_language_has_its_voice(speech, worker):
    english, vietnamese = await speech.wav("An Phat", "en"), await speech.wav("An Phat", "vi")
    assert english != vietnamese
    assert [job.voice for job in worker.asked] == [jobs.Hibari(), jobs.Espeak("vi")]


async def test_the_operators_voice_is_used_instead_and_has_its_own_cache(tmp_path, worker):
    plain = Speech(tmp_path, worker=worker)
    model = tmp_path / "vi.onnx"
    model.write_bytes(b"one")
    argv = ("piper", "--model", str(model), "--output_file", "-")
    piper = Speech(tmp_path, SpeechSettings(commands={"vi": argv}), worker)
    first = await plain.wav("Xin chào", "vi")
    assert await piper.wav("Xin chào", "vi") != first
    assert worker.asked[-1].voice == jobs.Command(argv)


async def test_espeak_speaks_when_the_english_voice_cannot(speech, worker):
    worker.broken = jobs.Hibari
    path = await speech.wav("Goodbye.", "en")
    assert [type(job.voice) for job in worker.asked] == [jobs.Hibari, jobs.Espeak]
    assert speech.cached("Goodbye.", "en") == path
    # and is asked at once for a while, so that no caller waits for a voice that is known to fail
    await speech.wav("Hello.", "en")
    assert [type(job.voice) for job in worker.asked[2:]] == [jobs.Espeak]


async def test_a_voice_without_another_is_an_error_with_a_remedy(speech, worker):
    worker.broken = jobs.Espeak
    with pytest.raises(SpeechError) as error:
        await speech.wav("Xin chào", "vi")
    assert error.value.remedy == "Install it."
    worker.broken = None
    assert (await speech.wav("Xin chào", "vi")).exists()


@pytest.mark.parametrize(("text", "code"), [("  ", "no_words"), ("word " * 2000, "too_many_words")])
async def test_words_that_cannot_be_spoken(speech, worker, text, code):
    with pytest.raises(SpeechError) as error:
        await speech.wav(text, "en")
    assert error.value.code == code
    assert worker.asked == []


async def test_prewarming_makes_what_is_missing_and_goes_on_after_an_error(speech, worker):
    await speech.wav("One.", "en")
    worker.broken = jobs.Espeak
    made = await speech.prewarm([("One.", "en"), ("Hai.", "vi"), ("Two.", "en")])
    assert made == 1
    assert speech.cached("Two.", "en")


async def test_music_and_tones_have_a_place_before_they_are_made(speech, worker):
    assert await speech.music() == speech.music_path()
    assert await speech.tone("beep") == speech.tone_path("beep")
    assert speech.music_path(2) != speech.music_path(1)
    with pytest.raises(SpeechError, match="beep, joined or left"):
        speech.tone_path("gong")


async def test_a_second_start_finds_everything(tmp_path, worker):
    first = await Speech(tmp_path, worker=worker).wav("Goodbye.", "en")
    assert Speech(tmp_path, worker=worker).cached("Goodbye.", "en") == first


async def test_an_upload_too_large_is_refused_before_it_is_carried_anywhere(speech, worker, tmp_path):
    big = tmp_path / "big.wav"
    with big.open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    for source in (big, bytes(21 * 1024 * 1024)):
        with pytest.raises(SpeechError, match="At most 20 MiB"):
            await speech.convert(source, tmp_path / "out.wav")
    with pytest.raises(SpeechError, match="cannot be read"):
        await speech.convert(tmp_path / "absent.wav", tmp_path / "out.wav")
    assert worker.asked == []


async def test_everything_is_real(tmp_path):
    """The whole way, with the true worker: words in both languages, music, a tone and an upload."""
    speech = Speech(tmp_path)
    try:
        paths = [
            await speech.wav("You have three new messages.", "en"),
            await speech.wav("Bạn có ba tin nhắn mới.", "vi"),
            await speech.music(),
            await speech.tone("joined"),
            tmp_path / "upload.wav",
        ]
        upload = wav(pcm16(sine(600, 3.0, 44100)), rate=44100)
        assert await speech.convert(upload, paths[-1]) == pytest.approx(3.0, abs=0.01)
    finally:
        await speech.close()
    for path in paths:
        header = path.read_bytes()[:44]
        assert header[20:36] == bytes.fromhex("0100 0100 803e0000 007d0000 0200 1000".replace(" ", ""))
