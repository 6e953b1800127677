"""Control in memory: what routes ask of it, it answers from plain lists."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from tongdai.api.rpc import messages as m
from tongdai.calls.facts import LoggedFact
from tongdai.calls.preferences import Preferences

A = TypeVar("A")


class ControlDouble:
    """Implements `api.rpc.client.Control`. `silent`: it does not answer."""

    def __init__(self) -> None:
        self.asked: list[m.Request] = []
        self.silent = False
        self.calls: list[m.LiveCall] = []
        self.facts: list[LoggedFact] = []
        self.gateways: tuple[m.TrunkGateway, ...] = ()
        self.people: tuple[m.PersonPresence, ...] = ()
        self.staff: dict[str, set[str]] = {}
        self.preferences: dict[tuple[str, str], Preferences] = {}
        self.boxes: dict[tuple[str, str], m.Mailbox] = {}

    async def ask(self, request: m.Request, expected: type[A]) -> A:
        if self.silent:
            raise m.ControlSilent
        self.asked.append(request)
        answer = self._answer(request)
        if isinstance(answer, m.Refused):
            raise m.Declined(answer)
        assert isinstance(answer, expected)
        return answer

    def _answer(self, request: m.Request) -> m.Answer:
        match request:
            case m.ListCalls(tenant=tenant):
                return m.Calls(tuple(x for x in self.calls if x.tenant == tenant))
            case m.ListPresence():
                return m.Presence(self.people)
            case m.ReadTrunks():
                return m.TrunkStates(self.gateways)
            case m.ReadFacts(tenant=tenant, call=call):
                return m.Facts(tuple(x for x in self.facts if (x.tenant, x.call) == (tenant, call)))
            case m.ReadMetrics():
                return m.Metrics({"calls": float(len(self.calls))})
            case m.ReadMailbox(tenant=tenant, mailbox=mailbox):
                box = self.boxes.get((tenant, mailbox))
                return box or m.Refused("mailbox_not_found", f"There is no mailbox {mailbox}.", "", gone=True)
            case m.ReadPreferences() | m.ChangePreferences() if request.person not in self.staff.get(
                request.tenant, ()
            ):
                return m.Refused("person_not_found", f"There is no person {request.person}.", "", gone=True)
            case m.ReadPreferences(tenant=tenant, person=person):
                return m.PersonPreferences(self.preferences.get((tenant, person), Preferences()))
            case m.ChangePreferences(tenant=tenant, person=person, changes=changes, former=expected):
                former = self.preferences.get((tenant, person), Preferences())
                if expected not in (None, former):
                    return m.Refused(m.CHANGED_MEANWHILE, "", "")
                changed = msgspec.convert({**msgspec.to_builtins(former), **changes}, Preferences)
                self.preferences[tenant, person] = changed
                return m.PersonPreferences(changed)
            case m.ChangeGreeting(tenant=tenant, mailbox=mailbox, blob=blob):
                box = self.boxes[tenant, mailbox]
                self.boxes[tenant, mailbox] = msgspec.structs.replace(box, greeting_blob=blob)
                return m.Done()
            case m.Originate(call=call):
                return m.Done(call)
            case m.HangUp() | m.Hold() | m.Transfer():
                known = any((x.tenant, x.id) == (request.tenant, request.call) for x in self.calls)
                detail = getattr(request, "to", "") or "700"
                return m.Done(detail) if known else m.Refused("call_not_found", "", "", gone=True)
            case _:
                return m.Done()

    def served(self) -> list[m.Serve]:
        return [x for x in self.asked if isinstance(x, m.Serve)]
