"""Calls as lists of facts, written short."""

from __future__ import annotations

from tongdai.calls import facts as f
from tongdai.calls.model import Cause, Party, PartyKind

T0 = 1_790_000_000.0
OUTSIDE = Party(PartyKind.OUTSIDE, "+84901234567", "Bảo")
LAN = Party(PartyKind.PERSON, "101", "Lan Nguyen", "p101", "d101")
MINH = Party(PartyKind.PERSON, "102", "Minh Tran", "p102", "d102")
HOA = Party(PartyKind.PERSON, "103", "Hoa Le", "p103", "d103")


def logged(*timed: tuple[float, f.Fact], call: str = "call_1", tenant: str = "t1") -> list[f.LoggedFact]:
    return [f.LoggedFact(call, tenant, seq, T0 + at, fact) for seq, (at, fact) in enumerate(timed, start=1)]


SWITCHBOARD = logged(
    (0, f.CallStarted("a", OUTSIDE, "+842871234500")),
    (0, f.FlowEntered("switchboard", "main menu")),
    (0, f.LegAnsweredFact("a")),
    (6, f.Pressed("a", "1", "menu")),
    (6, f.FlowEntered("department", "Sales")),
    (6, f.LegCreated("b", LAN, "target")),
    (6, f.LegCreated("c", MINH, "target")),
    (6.1, f.LegRang("b")),
    (6.1, f.LegRang("c")),
    (10, f.LegAnsweredFact("c")),
    (10, f.LegEndedFact("b", Cause.ELSEWHERE, by_us=True)),
    (10, f.Connected("a", "c")),
    (140, f.LegEndedFact("c", Cause.NORMAL, by_us=False)),
    (140, f.LegEndedFact("a", Cause.NORMAL, by_us=True)),
    (140, f.CallEnded(Cause.NORMAL, "102")),
)

VOICEMAIL = logged(
    (0, f.CallStarted("a", LAN, "102")),
    (0, f.FlowEntered("person", "Minh Tran")),
    (0, f.LegCreated("b", MINH, "target")),
    (0, f.LegCreated("c", MINH, "target")),
    (0.1, f.LegRang("b")),
    (0.1, f.LegRang("c")),
    (20, f.LegEndedFact("b", Cause.NO_ANSWER, by_us=True)),
    (20, f.LegEndedFact("c", Cause.NO_ANSWER, by_us=True)),
    (20, f.LegAnsweredFact("a")),
    (30, f.LegEndedFact("a", Cause.NORMAL, by_us=False)),
    (30, f.MessageLeft("p102", "Minh Tran", 7400)),
    (30, f.CallEnded(Cause.NORMAL, "101")),
)
