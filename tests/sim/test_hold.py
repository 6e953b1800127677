from __future__ import annotations

from tests.sim.invariants import Checked

from tongdai.calls import facts as f
from tongdai.calls.model import Music, Silence


def test_who_is_held_hears_music_until_resumed(sim: Checked) -> None:
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    sim.hold(lan)
    assert sim.hears(minh) == Music()
    assert sim.hears(lan) == Silence()
    sim.resume(lan)
    assert sim.talk(lan, minh)
    assert sim.noted(lan, f.Held) == [f.Held(lan)]
    assert sim.noted(lan, f.Resumed) == [f.Resumed(lan)]


def test_both_hold_and_the_last_to_resume_reconnects(sim: Checked) -> None:
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    sim.hold(lan)
    sim.hold(minh)
    sim.resume(lan)
    assert sim.hears(lan) == Music()
    assert sim.hears(minh) == Silence()
    sim.resume(minh)
    assert sim.talk(lan, minh)


def test_hold_repeated_by_a_session_refresh_changes_nothing(sim: Checked) -> None:
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    sim.hold(lan)
    before = len(sim.commands)
    sim.hold(lan)
    assert len(sim.commands) == before
    assert sim.hears(minh) == Music()


def test_who_held_while_it_rang_is_on_hold_when_it_is_answered(sim: Checked) -> None:
    lan = sim.call("lan-1", "102")
    sim.hold(lan)
    minh = sim.answer_at("minh-1")
    assert sim.hears(minh) == Music()
    sim.resume(lan)
    assert sim.talk(lan, minh)


def test_keys_between_two_who_talk_are_left_to_the_engine(sim: Checked) -> None:
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    before = len(sim.commands)
    sim.press(minh, "123#")
    sim.press(lan, "*")
    assert len(sim.commands) == before
