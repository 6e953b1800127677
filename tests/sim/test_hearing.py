from __future__ import annotations

from tests.sim.invariants import Checked

from tongdai.calls import events as e
from tongdai.calls import facts as f
from tongdai.calls.model import Cause


def test_who_could_not_be_heard_for_a_while_is_in_the_log(sim: Checked) -> None:
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    sim.advance(20)
    sim.apply(e.LegUnheard(minh, "packets", 5_000))
    sim.advance(3)
    sim.apply(e.LegHeard(minh, 8_000))
    assert [(x.lack, round(x.ms, -2)) for x in sim.noted(lan, f.Unheard)] == [("packets", 8_000)]


def test_who_is_not_heard_until_the_end_is_told_with_the_whole_time(sim: Checked) -> None:
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    sim.advance(5)
    sim.apply(e.LegUnheard(lan, "packets", 5_000))
    sim.advance(25)
    sim.hangup(minh)
    (unheard,) = sim.noted(lan, f.Unheard)
    assert (unheard.leg, unheard.lack, round(unheard.ms, -3)) == (lan, "packets", 30_000)


def test_one_who_only_listens_is_not_in_the_log_and_one_who_never_spoke_is(sim: Checked) -> None:
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    sim.advance(10)
    sim.apply(e.LegUnheard(lan, "sound", 5_000))
    sim.advance(10)
    sim.apply(e.LegHeard(lan, 15_000))
    sim.apply(e.LegUnheard(lan, "sound", 5_000))
    sim.apply(e.LegUnheard(minh, "sound", 19_000))
    sim.hangup(lan)
    assert [x.leg for x in sim.noted(lan, f.Unheard)] == [minh]


def test_who_holds_the_call_need_not_send_anything(sim: Checked) -> None:
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    sim.hold(lan)
    sim.apply(e.LegUnheard(lan, "packets", 5_000))
    sim.resume(lan)
    sim.hangup(minh)
    assert sim.noted(lan, f.Unheard) == []


def test_who_hears_music_in_a_queue_is_not_watched(sim: Checked) -> None:
    lan = sim.call("lan-1", "300")
    sim.advance(10)
    sim.apply(e.LegUnheard(lan, "packets", 5_000))
    sim.hangup(lan)
    assert sim.noted(lan, f.Unheard) == []


def test_a_leg_that_can_have_no_sound_any_more_ends_with_the_reason_in_the_log(sim: Checked) -> None:
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    sim.hangup(minh, Cause.FAILED, "browser_gone 15")
    assert sim.noted(lan, f.SoundLost) == [f.SoundLost(minh, "browser_gone 15")]


def test_that_somebody_is_not_heard_is_told_at_once_and_when_it_is_over(sim: Checked) -> None:
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    sim.advance(20)
    sim.apply(e.LegUnheard(minh, "packets", 5_000))
    assert sim.noted(lan, f.FellSilent) == [f.FellSilent(minh, "packets")]
    assert sim.noted(lan, f.Heard) == []
    sim.advance(3)
    sim.apply(e.LegHeard(minh, 8_000))
    assert sim.noted(lan, f.Heard) == [f.Heard(minh)]


def test_that_somebody_listens_is_not_told(sim: Checked) -> None:
    lan, minh = sim.connect("lan-1", "102", "minh-1")
    sim.advance(20)
    sim.apply(e.LegUnheard(minh, "sound", 5_000))
    sim.apply(e.LegHeard(minh, 8_000))
    assert sim.noted(lan, f.FellSilent) == []
    assert sim.noted(lan, f.Heard) == []
