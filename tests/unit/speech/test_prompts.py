from __future__ import annotations

import pytest
from tests.unit.speech.test_speech import Worker

from tongdai.calls.prompts import Beep, Clip, Phrase, Text
from tongdai.speech.errors import SpeechError
from tongdai.speech.prompts import SpokenPrompts
from tongdai.speech.speech import Speech


class Library:
    def __init__(self, root):
        self.root = root

    def language(self, tenant):
        return "vi" if tenant == "ten_vi" else "en"

    def clip(self, tenant, blob):
        return self.root / tenant / blob

    def music(self, tenant):
        return self.root / tenant / "music.wav"

    def phrase(self, tenant, key):
        return self.root / tenant / "moment.wav" if key == "queue.position" else None


@pytest.fixture
def worker():
    return Worker()


@pytest.fixture
def prompts(tmp_path, worker):
    return SpokenPrompts(Speech(tmp_path / "cache", worker=worker), Library(tmp_path))


async def test_a_phrase_is_spoken_in_the_tenants_language(prompts, worker):
    phrase = Phrase("voicemail.greeting.person", {"name": "Lan"})
    assert prompts.ready("ten_en", phrase) is None
    path = await prompts.make("ten_en", phrase)
    assert prompts.ready("ten_en", phrase) == path
    await prompts.make("ten_vi", phrase)
    assert [job.text for job in worker.asked] == [
        "Lan is not available. Please leave a message after the tone.",
        "Lan hiện không nghe máy. Xin để lại lời nhắn sau tiếng bíp.",
    ]


async def test_a_phrase_that_a_company_recorded_is_played_whatever_its_parameters(prompts, worker, tmp_path):
    own = tmp_path / "ten_en" / "moment.wav"
    own.parent.mkdir()
    own.write_bytes(b"x")
    for position in (1, 2):
        phrase = Phrase("queue.position", {"position": position})
        assert prompts.ready("ten_en", phrase) == own
        assert await prompts.make("ten_en", phrase) == own
        assert prompts.ready("ten_vi", phrase) is None
    assert prompts.ready("ten_en", Phrase("queue.still_waiting")) is None
    assert worker.asked == []


async def test_a_phrase_whose_recording_is_missing_is_spoken(prompts, worker):
    assert prompts.ready("ten_en", Phrase("queue.position", {"position": 1})) is None
    await prompts.make("ten_en", Phrase("queue.position", {"position": 1}))
    assert [job.text for job in worker.asked] == ["You are next in line."]


async def test_a_companys_own_words_are_spoken_as_they_are(prompts, worker):
    await prompts.make("ten_en", Text("Welcome to An Phát."))
    assert worker.asked[0].text == "Welcome to An Phat."


async def test_a_recording_is_found_only_in_its_own_tenant(prompts, tmp_path):
    (tmp_path / "ten_en").mkdir()
    (tmp_path / "ten_en" / "hello.wav").write_bytes(b"x")
    assert prompts.ready("ten_en", Clip("hello.wav")) == tmp_path / "ten_en" / "hello.wav"
    for blob, tenant in (("hello.wav", "ten_vi"), ("absent.wav", "ten_en")):
        with pytest.raises(SpeechError) as error:
            prompts.ready(tenant, Clip(blob))
        assert error.value.code == "no_recording"


async def test_after_preparing_the_beep_the_chimes_and_the_music_are_there(prompts):
    await prompts.prepare()
    assert prompts.ready("ten_en", Beep()).exists()
    assert prompts.music("ten_en").exists()
    assert prompts.chime(joined=True).exists()
    assert prompts.chime(joined=True) != prompts.chime(joined=False)


async def test_a_tenants_own_music_comes_first(prompts, tmp_path):
    (tmp_path / "ten_en").mkdir()
    (tmp_path / "ten_en" / "music.wav").write_bytes(b"x")
    assert prompts.music("ten_en") == tmp_path / "ten_en" / "music.wav"
    assert prompts.music("ten_vi") != tmp_path / "ten_vi" / "music.wav"


async def test_prewarming_speaks_the_languages_that_are_spoken(prompts, worker):
    greeting = Phrase("queue.welcome", {"department": "Support"})
    made = await prompts.prewarm({"ten_en": [greeting, Beep()]})
    assert made == len(worker.asked) > 20
    assert prompts.ready("ten_en", greeting) is not None
    assert prompts.ready("ten_en", Phrase("goodbye")) is not None
    assert prompts.ready("ten_vi", Phrase("goodbye")) is None
    assert await prompts.prewarm({"ten_en": [greeting]}) == 0
