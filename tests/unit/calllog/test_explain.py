from __future__ import annotations

from string import Formatter

import pytest
from tests.unit.calllog.facts import HOA, LAN, MINH, OUTSIDE, SWITCHBOARD, T0, VOICEMAIL, logged

from tongdai.calllog import explain, tell
from tongdai.calllog import one_line as told
from tongdai.calllog.phrases import CATALOGUES, after, duration, listed
from tongdai.calllog.words import number
from tongdai.calls import facts as f
from tongdai.calls.model import Cause, DiversionReason, Party, PartyKind
from tongdai.core.language import Language

PREFERENCES = ("dnd", "call_waiting", "always", "busy", "no_answer", "unreachable")


def one_line(facts: list[f.LoggedFact], language: Language = "en") -> str:
    return told(explain(facts), language)


def test_a_call_through_the_switchboard():
    assert one_line(SWITCHBOARD) == (
        "called +84 28 7123 4500 → main menu → pressed 1 → Sales rang 101 and 102 → 102 answered after 4 s"
        " → talked for 2 min 10 s → 102 hung up"
    )


def test_who_could_not_be_heard_and_who_was_hard_to_understand():
    facts = logged(
        *[(x.at - T0, x.fact) for x in SWITCHBOARD[:12]],
        (60, f.Unheard("c", "packets", 8_200)),
        (140, f.LegEndedFact("c", Cause.NORMAL, by_us=False)),
        (140, f.Unheard("a", "sound", 130_000)),
        (140, f.LegEndedFact("a", Cause.NORMAL, by_us=True)),
        (140, f.CallEnded(Cause.NORMAL, "102")),
        (140.1, f.LegMeasured("c", mos=2.41, heard_mos=4.3, lost=0.18)),
        (140.1, f.LegMeasured("a", mos=4.4, heard_mos=2.9)),
    )
    assert one_line(facts).partition(" → 102 answered after 4 s → ")[2] == (
        "102 could not be heard for 8 s: the phone sent nothing → talked for 2 min 10 s → 102 hung up"
        " → the caller was never heard: the phone sent only silence"
        " → 102 was hard to understand (MOS 2.4, 18% of the sound lost) → the caller heard badly (MOS 2.9)"
    )


def test_the_reason_that_was_given_is_told():
    facts = logged(
        *[(x.at - T0, x.fact) for x in SWITCHBOARD[:12]],
        (140, f.LegEndedFact("c", Cause.NORMAL, by_us=False, reason="Q.850;cause=31")),
        (140, f.LegEndedFact("a", Cause.NORMAL, by_us=True)),
        (140, f.CallEnded(Cause.NORMAL, "102")),
    )
    assert one_line(facts).endswith("102 hung up (Q.850;cause=31)")


def test_who_was_cut_off_did_not_hang_up():
    """The media engine was killed in a call: the story said that the caller had hung up."""
    facts = logged(
        *[(x.at - T0, x.fact) for x in SWITCHBOARD[:12]],
        (140, f.LegEndedFact("a", Cause.FAILED, by_us=False)),
        (140, f.LegEndedFact("c", Cause.FAILED, by_us=True)),
        (140, f.CallEnded(Cause.FAILED, "")),
    )
    assert one_line(facts).endswith(" → talked for 2 min 10 s → the connection to the caller failed")


def test_a_call_without_sound_says_why():
    facts = logged(
        *[(x.at - T0, x.fact) for x in SWITCHBOARD[:12]],
        (40, f.SoundLost("c", "browser_gone 15")),
        (40, f.LegEndedFact("c", Cause.FAILED, by_us=False)),
        (40, f.LegEndedFact("a", Cause.FAILED, by_us=True)),
        (40, f.CallEnded(Cause.FAILED, "102")),
    )
    assert one_line(facts).endswith(
        " → talked for 30 s → no sound with 102: the browser gave no sign of life for 15 s"
        " → the connection to 102 failed"
    )


def test_which_carriers_did_not_do_and_which_did():
    number = Party(PartyKind.OUTSIDE, "+84908123456")
    facts = logged(
        (0, f.CallStarted("a", LAN, "0908123456")),
        (0, f.FlowEntered("outside", "+84908123456")),
        (0, f.LegCreated("b", number, "outside")),
        (3.5, f.Rerouted("b", "Viettel (192.0.2.1:5060)", "silent 3.5")),
        (3.6, f.Rerouted("b", "Viettel (192.0.2.2:5060)", "answered 503 Service Unavailable")),
        (3.6, f.LegEndedFact("b", Cause.CONGESTION, by_us=False)),
        (3.6, f.LegCreated("c", number, "outside")),
        (4, f.Carried("c", "FPT")),
        (4, f.LegRang("c")),
        (8, f.LegAnsweredFact("c")),
        (8, f.Connected("a", "c")),
    )
    assert one_line(facts) == (
        "called 0908123456 → outside call rang +84 908 123 456"
        " → Viettel (192.0.2.1:5060) did not answer for 3.5 s"
        " → Viettel (192.0.2.2:5060) answered 503 Service Unavailable → rang +84 908 123 456 → FPT"
        " → +84 908 123 456 answered after 4 s"
    )


def test_every_line_has_its_time():
    steps = explain(SWITCHBOARD)
    assert [(step.at - T0, tell(step, "en")) for step in steps][3:5] == [
        (6, "Sales rang 101 and 102"),
        (10, "102 answered after 4 s"),
    ]


def test_a_message_when_nobody_answers():
    assert one_line(VOICEMAIL) == (
        "called 102 → rang 102 → nobody answered for 20 s → the caller hung up"
        " → left a message of 7 s for Minh Tran"
    )


def test_somebody_without_a_phone():
    facts = logged(
        (0, f.CallStarted("a", LAN, "106")),
        (0, f.FlowEntered("person", "Mai Dang")),
        (0, f.LegAnsweredFact("a")),
        (9, f.LegEndedFact("a", Cause.NORMAL, by_us=False)),
        (9, f.MessageLeft("p106", "Mai Dang", 2000)),
        (9, f.CallEnded(Cause.NORMAL, "101")),
    )
    assert one_line(facts) == (
        "called 106 → Mai Dang has no phone that could ring → the caller hung up"
        " → left a message of 2 s for Mai Dang"
    )


def test_the_caller_gives_up():
    facts = logged(
        (0, f.CallStarted("a", LAN, "102")),
        (0, f.FlowEntered("person", "Minh Tran")),
        (0, f.LegCreated("b", MINH, "target")),
        (3, f.LegEndedFact("a", Cause.CANCELLED, by_us=False)),
        (3, f.LegEndedFact("b", Cause.CANCELLED, by_us=True)),
        (3, f.CallEnded(Cause.CANCELLED, "101")),
    )
    assert one_line(facts) == "called 102 → rang 102 → the caller gave up"


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (Cause.BUSY, "102 was busy"),
        (Cause.DECLINED, "102 declined"),
        (Cause.UNAVAILABLE, "102 could not be reached"),
    ],
)
def test_why_somebody_did_not_answer(cause: Cause, said: str):
    facts = logged(
        (0, f.CallStarted("a", LAN, "102")),
        (0, f.FlowEntered("person", "Minh Tran")),
        (0, f.LegCreated("b", MINH, "target")),
        (1, f.LegEndedFact("b", cause, by_us=False)),
        (1, f.LegEndedFact("a", cause, by_us=True)),
        (1, f.CallEnded(cause, "")),
    )
    assert said in one_line(facts)


def test_a_call_that_a_colleague_picked_up():
    facts = logged(
        (0, f.CallStarted("a", LAN, "102")),
        (0, f.FlowEntered("person", "Minh Tran")),
        (0, f.LegCreated("b", MINH, "target")),
        (1, f.LegRang("b")),
        (5, f.PickedUp(MINH, HOA)),
        (5, f.LegEndedFact("b", Cause.ELSEWHERE, by_us=True)),
        (5, f.LegAnsweredFact("c")),
        (5, f.Connected("a", "c")),
        (65, f.LegEndedFact("a", Cause.NORMAL, by_us=False)),
        (65, f.LegEndedFact("c", Cause.NORMAL, by_us=True)),
        (65, f.CallEnded(Cause.NORMAL, "101")),
    )
    assert one_line(facts) == (
        "called 102 → rang 102 → 103 picked up the call that rang at 102"
        " → talked for 1 min → the caller hung up"
    )


def test_a_pickup_goes_on_as_the_call_that_it_picked_up():
    facts = logged(
        (0, f.CallStarted("a", HOA, "**102")),
        (0, f.FlowEntered("pickup", "**102")),
        (0, f.Merged("call_1")),
        (0, f.CallEnded(Cause.NORMAL, "")),
    )
    assert one_line(facts) == "called **102 → went on as part of call call_1"


def test_a_blind_transfer():
    facts = logged(
        (0, f.CallStarted("a", LAN, "102")),
        (0, f.FlowEntered("person", "Minh Tran")),
        (0, f.LegCreated("b", MINH, "target")),
        (2, f.LegAnsweredFact("b")),
        (2, f.Connected("a", "b")),
        (32, f.Transferred("102", "103", attended=False)),
        (32, f.LegEndedFact("b", Cause.NORMAL, by_us=True)),
        (32, f.FlowEntered("person", "Hoa Le")),
        (32, f.LegCreated("c", HOA, "target")),
        (33, f.LegAnsweredFact("c")),
        (33, f.Connected("a", "c")),
        (93, f.LegEndedFact("a", Cause.NORMAL, by_us=False)),
        (93, f.LegEndedFact("c", Cause.NORMAL, by_us=True)),
        (93, f.CallEnded(Cause.NORMAL, "101")),
    )
    assert one_line(facts) == (
        "called 102 → rang 102 → 102 answered after 2 s → talked for 30 s"
        " → 102 transferred the call to 103 → rang 103"
        " → 103 answered after 1 s → talked for 1 min → the caller hung up"
    )


@pytest.mark.parametrize(
    ("pressed", "said"),
    [
        (f.Pressed("c", "1", "accepted"), "who answered pressed 1 and took the call"),
        (
            f.Pressed("c", "", "unaccepted"),
            "who answered did not press 1, as a mobile's own voicemail does not",
        ),
    ],
)
def test_a_mobile_is_asked_whether_it_takes_the_call(pressed: f.Pressed, said: str):
    mobile = Party(PartyKind.OUTSIDE, "+84908123456")
    facts = logged(
        (0, f.CallStarted("a", LAN, "102")),
        (0, f.Forwarded(MINH, "0908123456", DiversionReason.ALWAYS)),
        (0, f.LegCreated("c", mobile, "outside")),
        (5, f.LegAnsweredFact("c")),
        (8, pressed),
    )
    assert one_line(facts).endswith(f"answered after 5 s → {said}")


def test_hold_park_and_retrieve():
    facts = logged(
        (0, f.CallStarted("a", LAN, "102")),
        (0, f.LegCreated("b", MINH, "target")),
        (1, f.LegAnsweredFact("b")),
        (1, f.Connected("a", "b")),
        (5, f.Held("b")),
        (7, f.Resumed("b")),
        (9, f.Transferred("102", "701", attended=False)),
        (9, f.LegEndedFact("b", Cause.NORMAL, by_us=True)),
        (9, f.FlowEntered("park", "701")),
        (9, f.Parked("701")),
        (20, f.Retrieved("701", HOA)),
    )
    assert one_line(facts).endswith(
        "102 put the call on hold → 102 took the call off hold → talked for 8 s"
        " → 102 transferred the call to 701"
        " → parked at 701 → 103 took the call back from 701"
    )


def test_waiting_in_a_queue():
    facts = logged(
        (0, f.CallStarted("a", OUTSIDE, "+842871234500")),
        (0, f.FlowEntered("queue", "Support")),
        (0, f.Waiting("dep1", 2)),
        (0, f.LegAnsweredFact("a")),
        (40, f.LegCreated("b", HOA, "agent")),
        (43, f.LegAnsweredFact("b")),
        (43, f.Connected("a", "b")),
        (50, f.LegEndedFact("a", Cause.NORMAL, by_us=False)),
        (50, f.CallEnded(Cause.NORMAL, "+84901234567")),
    )
    assert one_line(facts) == (
        "called +84 28 7123 4500 → Support queue → waited in position 2 → rang 103 → 103 answered after 3 s"
        " → talked for 7 s → the caller hung up"
    )


def test_a_refused_call_says_why():
    facts = logged(
        (0, f.CallStarted("a", LAN, "+14155550100")),
        (0, f.FlowEntered("refused", "+14155550100")),
        (0, f.Refused("calls to US are not permitted")),
        (4, f.LegEndedFact("a", Cause.FORBIDDEN, by_us=True)),
        (4, f.CallEnded(Cause.FORBIDDEN, "")),
    )
    assert one_line(facts) == (
        "called +1 415-555-0100 → refused: calls to US are not permitted → not permitted"
    )


def test_an_outside_call():
    facts = logged(
        (0, f.CallStarted("a", LAN, "0901234567")),
        (0, f.FlowEntered("outside", "+84901234567")),
        (0, f.LegCreated("b", Party(PartyKind.OUTSIDE, "+84901234567"), "outside")),
        (5, f.LegAnsweredFact("b")),
    )
    assert one_line(facts) == (
        "called 0901234567 → outside call rang +84 90 123 45 67 → +84 90 123 45 67 answered after 5 s"
    ).replace("+84 90 123 45 67", number("+84901234567"))


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (f.Pressed("a", "", "right_pin"), "gave the right PIN"),
        (f.Pressed("a", "", "pin_changed"), "changed the PIN"),
        (f.Pressed("a", "", "greeting_recorded"), "recorded a greeting"),
        (f.Pressed("a", "7", "unknown"), "pressed 7, which is no choice"),
        (f.Pressed("a", "", "nothing"), "pressed nothing"),
        (f.Pressed("a", "103", "extension"), "dialled extension 103"),
        (f.Pressed("a", "3", "message_deleted"), "pressed 3: delete the message"),
        (f.RoomJoined("r", "Conference", 3), "joined Conference (3 there)"),
        (f.RoomJoined("r", "Conference", 1), "joined Conference (alone there)"),
        (f.PassedBy(MINH, "talking"), "102 is in a call"),
        (f.PassedBy(MINH, "dnd"), "102 does not want to be disturbed"),
        (f.PassedBy(MINH, "engaged"), "102 is in a call, and takes one at a time"),
        (f.Forwarded(MINH, "103", DiversionReason.BUSY), "102 forwards when busy to 103"),
        (f.NotForwarded(MINH, "112", "uncallable"), "102 forwards to 112, which cannot be called"),
        (f.Preferred(MINH, "dnd.on"), "102 wants not to be disturbed from now on"),
        (f.Preferred(MINH, "busy.on", "103"), "102 forwards to 103 when busy from now on"),
        (f.GivenBack(MINH, Cause.BUSY), "the call went back to 102"),
        (f.Trouble("no ports"), "trouble on our side: no ports"),
        (f.Merged("call_2"), "went on as part of call call_2"),
    ],
)
def test_single_facts(fact: f.Fact, said: str):
    assert one_line(logged((0, f.CallStarted("a", LAN, "100")), (1, fact))).split(" → ")[-1] == said


def test_every_kind_of_fact_can_be_told():
    from tongdai.calllog.explain import _TELL

    assert set(_TELL) == set(f.Fact.__args__)


def test_a_story_in_vietnamese():
    assert one_line(SWITCHBOARD, "vi") == (
        "gọi +84 28 7123 4500 → main menu → bấm 1 → Sales: máy 101 và 102 đổ chuông → 102 trả lời sau 4 giây"
        " → nói chuyện 2 phút 10 giây → 102 gác máy"
    )
    assert one_line(VOICEMAIL, "vi") == (
        "gọi 102 → máy 102 đổ chuông → không ai trả lời trong 20 giây → người gọi gác máy"
        " → để lại lời nhắn 7 giây cho Minh Tran"
    )


def test_every_phrase_is_there_in_both_languages_with_the_same_blanks():
    def blanks(template: str) -> list[tuple[str, str]]:
        return sorted({(name, spec or "") for _, name, spec, _ in Formatter().parse(template) if name})

    english, vietnamese = CATALOGUES["en"], CATALOGUES["vi"]
    assert english.keys() == vietnamese.keys()
    for key, template in english.items():
        assert blanks(vietnamese[key]) == blanks(template), key


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("ended", Cause),
        ("forwarded", DiversionReason),
        ("passed_by", ("dnd", "talking", "engaged")),
        ("unheard", ("packets", "sound")),
        ("preferred", [f"{x}.{on}" for x in PREFERENCES for on in ("on", "off")]),
    ],
)
def test_there_is_a_phrase_for_each_kind(kind: str, members: list[str]):
    assert [x for x in members if f"{kind}.{x}" not in CATALOGUES["en"]] == []


@pytest.mark.parametrize(("language", "said"), [("en", "refused: "), ("vi", "bị từ chối: ")])
def test_what_somebody_else_said_is_told_as_it_is(language: Language, said: str):
    facts = logged((0, f.CallStarted("a", LAN, "100")), (1, f.Refused("Call {rejected} by policy")))
    assert one_line(facts, language).endswith(said + "Call {rejected} by policy")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (4, "4 s"), (59.7, "1 min"), (130, "2 min 10 s"), (3780, "1 h 3 min"), (7200, "2 h")],
)
def test_lengths_of_time(seconds: float, said: str):
    assert duration(seconds, "en") == said


def test_small_words():
    assert after(0.2, "en") == "at once"
    assert listed(["1", "2", "3"], "en") == "1, 2 and 3"
    assert number("+84") == "+84"
    assert number("113") == "113"
