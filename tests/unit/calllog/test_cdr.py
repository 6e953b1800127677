from __future__ import annotations

import msgspec
import pytest
from tests.unit.calllog.facts import HOA, LAN, MINH, OUTSIDE, SWITCHBOARD, T0, VOICEMAIL, logged

from tongdai.calllog import Disposition, derive
from tongdai.calllog.cdr import Quality
from tongdai.calls import facts as f
from tongdai.calls.model import Cause


def test_a_call_through_the_switchboard_is_one_record_with_one_per_leg():
    cdr = derive(SWITCHBOARD)
    assert (cdr.call, cdr.tenant, cdr.caller, cdr.dialled) == (
        "call_1",
        "t1",
        "+84901234567",
        "+842871234500",
    )
    assert (cdr.started, cdr.answered_at, cdr.ended) == (T0, T0, T0 + 140)
    assert cdr.disposition is Disposition.ANSWERED
    assert cdr.path == ("main menu", "Sales")
    assert cdr.answered_by == "102"
    assert [leg.leg for leg in cdr.legs] == ["a", "b", "c"]
    a, b, c = cdr.legs
    assert (a.inbound, a.party, a.purpose, a.by_us) == (True, OUTSIDE, "caller", True)
    assert (b.cause, b.answered_at, b.rang_at) == ("elsewhere", None, T0 + 6.1)
    assert (c.answered_at, c.ended, c.by_us) == (T0 + 10, T0 + 140, False)


def test_a_message_makes_the_call_voicemail():
    cdr = derive(VOICEMAIL)
    assert cdr.disposition is Disposition.VOICEMAIL
    assert cdr.answered_at == T0 + 20
    assert cdr.answered_by == ""


def test_what_is_measured_right_after_the_end_belongs_to_its_leg():
    measured = f.LegMeasured("c", mos=4.2, lost=0.01, jitter_ms=2.5, concealed=0.02, heard_lost=0.03)
    late = [f.LoggedFact("call_1", "t1", 16, T0 + 140.1, measured)]
    cdr = derive([*SWITCHBOARD, *late])
    assert cdr.legs[2].quality == Quality(4.2, None, 0.01, 2.5, None, concealed=0.02, heard_lost=0.03)
    assert msgspec.structs.replace(cdr.legs[2], quality=None) == derive(SWITCHBOARD).legs[2]
    assert cdr.legs[0].quality is None


def ended(cause: Cause, *between: f.Fact) -> Disposition:
    facts = [
        (0.0, f.CallStarted("a", LAN, "103")),
        *((1.0, fact) for fact in between),
        (2.0, f.CallEnded(cause, "")),
    ]
    return derive(logged(*facts)).disposition


@pytest.mark.parametrize(
    ("cause", "between", "disposition"),
    [
        (Cause.BUSY, (), Disposition.BUSY),
        (Cause.DECLINED, (), Disposition.BUSY),
        (Cause.NO_ANSWER, (), Disposition.NO_ANSWER),
        (Cause.CANCELLED, (f.LegCreated("b", HOA, "target"),), Disposition.CANCELLED),
        (Cause.UNAVAILABLE, (), Disposition.UNAVAILABLE),
        (Cause.FORBIDDEN, (), Disposition.REFUSED),
        (Cause.NORMAL, (f.LegAnsweredFact("a"), f.Refused("not permitted")), Disposition.REFUSED),
        (Cause.NORMAL, (f.LegAnsweredFact("a"), f.Waiting("support", 1)), Disposition.ABANDONED),
        (Cause.NORMAL, (f.LegAnsweredFact("a"),), Disposition.SERVICE),
        (Cause.NORMAL, (f.LegCreated("b", HOA, "target"), f.LegAnsweredFact("a")), Disposition.NO_ANSWER),
        (Cause.FAILED, (f.LegAnsweredFact("a"), f.Trouble("x")), Disposition.FAILED),
        (Cause.NORMAL, (f.RoomJoined("r", "Conference", 3),), Disposition.ANSWERED),
        (Cause.NORMAL, (f.Merged("call_2"),), Disposition.MERGED),
        (Cause.CONGESTION, (), Disposition.FAILED),
    ],
)
def test_what_became_of_a_call(cause: Cause, between: tuple[f.Fact, ...], disposition: Disposition):
    assert ended(cause, *between) is disposition


def test_a_leg_that_came_from_another_call_has_its_record_there():
    facts = logged(
        (0, f.CallStarted("a", LAN, "102")),
        (0, f.LegCreated("b", MINH, "target")),
        (1, f.LegAnsweredFact("b")),
        (1, f.Connected("a", "b")),
        (2, f.Connected("a", "taken-over")),
        (9, f.LegEndedFact("taken-over", Cause.NORMAL, by_us=False)),
        (9, f.CallEnded(Cause.NORMAL, "103")),
    )
    cdr = derive(facts)
    assert [leg.leg for leg in cdr.legs] == ["a", "b"]
    assert cdr.answered_by == "102"


def test_a_merged_call_leaves_its_legs_open_and_says_where_they_went():
    facts = logged(
        (0, f.CallStarted("a", LAN, "102")), (1, f.Merged("call_9")), (1, f.CallEnded(Cause.NORMAL, ""))
    )
    cdr = derive(facts)
    assert cdr.merged_into == "call_9"
    assert cdr.legs[0].ended is None


def test_a_call_that_has_not_ended_has_no_record():
    with pytest.raises(ValueError, match="not ended"):
        derive(SWITCHBOARD[:-1])
