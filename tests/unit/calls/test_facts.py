"""Facts."""

from __future__ import annotations

from tongdai.calls import facts as f
from tongdai.calls.model import Cause, DiversionReason, Party, PartyKind


def person(name: str) -> Party:
    return Party(PartyKind.PERSON, "101", name, name)


def test_who_took_part_is_who_called_was_called_retrieved_or_picked_up():
    facts: list[f.Fact] = [
        f.CallStarted("l0", Party(PartyKind.OUTSIDE, "+8428"), "100"),
        f.LegCreated("l1", person("anna"), "target"),
        f.PassedBy(person("nobody"), "dnd"),
        f.Forwarded(person("nobody"), "102", DiversionReason.BUSY),
        f.Retrieved("71", person("ben")),
        f.PickedUp(person("nobody"), person("chi")),
        f.CallEnded(Cause.NORMAL, "101"),
    ]
    logged = (f.LoggedFact("c", "t", seq, 0.0, fact) for seq, fact in enumerate(facts, 1))
    assert f.people_of(logged) == {"anna", "ben", "chi"}
    assert f.people_of(()) == frozenset()
