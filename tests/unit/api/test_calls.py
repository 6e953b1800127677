from __future__ import annotations

from tests.unit.api.conftest import Web

from tongdai.api.hub import Hub, Listener
from tongdai.api.rpc import messages as m
from tongdai.calls import facts as f
from tongdai.calls.model import Party, PartyKind
from tongdai.flows.ports import Message


def live(tenant: str, person: str) -> m.LiveCall:
    party = Party(PartyKind.PERSON, "101", "Lan", person)
    legs = (m.LiveLeg("call_1.l0", party, "answered", True, False, 0.0, "a84b4c76"),)
    return m.LiveCall("call_1", tenant, 0.0, party, "102", "talking", "", "call_1.l0", "", legs)


async def test_an_employee_acts_on_his_own_calls_only(web: Web):
    lan, minh, admin, clinic = (
        await web.employee(0), await web.employee(1), await web.admin(), await web.admin(1)
    )  # fmt: skip
    me = (await lan.get("/api/v1/me")).json()["person"]
    web.control.calls = [live(web.seeded.tenants[0].id, me)]
    place = web.tenant() + "/calls/call_1"
    assert (await lan.get(place)).status_code == (await admin.get(place)).status_code == 200
    assert (await lan.get(place)).json()["legs"][0]["sip_call_id"] == "a84b4c76"
    for stranger, base in ((minh, web.tenant()), (clinic, web.tenant(1)), (clinic, web.tenant())):
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/park")):
            refused = await stranger.request(method, f"{base}/calls/call_1{path}")
            assert refused.status_code == 404
        assert not [x for x in web.control.asked if isinstance(x, m.HangUp | m.Transfer)]
    assert (await lan.post(place + "/park")).json() == {"to": "700"}
    web.clock.advance(1)
    assert (await lan.delete(place)).status_code == 204
    entries = (await admin.get(web.tenant() + "/audit", params={"action": "call."})).json()["items"]
    assert [x["action"] for x in entries] == ["call.hangup", "call.transfer"]


async def test_a_call_is_asked_for_once(web: Web):
    lan, key = await web.employee(), {"Idempotency-Key": "click"}
    for _ in range(2):
        made = await lan.post(web.tenant() + "/calls", json={"to": "102"}, headers=key)
        assert made.status_code == 201
    assert len([x for x in web.control.asked if isinstance(x, m.Originate)]) == 1


async def test_a_message_is_heard_in_parts_and_by_its_owner_alone(web: Web):
    lan, minh = await web.employee(0), await web.employee(1)
    me, tenant = (await lan.get("/api/v1/me")).json()["person"], web.seeded.tenants[0].id
    blob = web.context.blobs.write(tenant, b"RIFF0123456789", ".wav")
    message = Message("msg_1", blob, Party(PartyKind.OUTSIDE, "+84901234567"), 0.0, 2500, False)
    web.control.boxes[tenant, me] = m.Mailbox(me, "Lan", "", True, (message,))
    place = f"{web.tenant()}/mailboxes/{me}/messages"
    assert [x["seconds"] for x in (await lan.get(place)).json()] == [2.5]
    part = await lan.get(place + "/msg_1/sound", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"0123")
    assert (await minh.get(place + "/msg_1/sound")).status_code == 403
    assert (await lan.delete(place + "/msg_1")).status_code == 204


async def test_control_is_asked_once_who_is_free_for_all_who_want_to_know_at_once(web: Web):
    lan, minh, clinic = await web.employee(0), await web.employee(1), await web.admin(1)
    for who, tenant in ((lan, 0), (minh, 0), (clinic, 1)):
        assert (await who.get(web.tenant(tenant) + "/presence")).status_code == 200
    asked = [x.tenant for x in web.control.asked if isinstance(x, m.ListPresence)]
    assert asked == [web.seeded.tenants[0].id, web.seeded.tenants[1].id]
    web.clock.advance(1)
    assert (await lan.get(web.tenant() + "/presence")).status_code == 200
    assert len([x for x in web.control.asked if isinstance(x, m.ListPresence)]) == 3


async def test_who_reads_after_news_is_not_told_what_was_before_them(web: Web):
    """A page that read just after a call had begun was told what another page had been told just before."""
    lan, asked = await web.employee(0), 0
    tenant = web.seeded.tenants[0].id
    registered = m.Registered(tenant, "person_1")
    for news in (None, registered, None):
        if news:
            web.context.hub.on_told(m.Told("feed", 1, 0.0, news))
        assert (await lan.get(web.tenant() + "/presence")).status_code == 200
        asked = len([x for x in web.control.asked if isinstance(x, m.ListPresence)])
    assert asked == 2


def test_events_are_resumed_from_a_cursor_and_hidden_from_others():
    hub = Hub()
    lan, minh = Listener("t", "lan", False), Listener("t", "minh", False)
    other = Listener("u", "x", True)
    for listener in (lan, minh, other):
        assert hub.listen(listener, None)
    before = hub.cursor
    fact = f.CallStarted("l", Party(PartyKind.PERSON, "101", "Lan", "lan"), "102")
    hub.on_told(m.Told("feed", 1, 0.0, m.CallFact(f_logged(fact))))
    assert lan.queue.qsize() == 2
    news = minh.queue.get_nowait()
    assert news is not None
    assert news.type == "presence.changed"
    assert minh.queue.qsize() == other.queue.qsize() == 0
    again = Listener("t", "lan", False)
    assert hub.listen(again, before)
    event = again.queue.get_nowait()
    assert event is not None
    assert event.type == "call.started"
    assert not hub.listen(Listener("t", "lan", False), "run_other.1")


def f_logged(fact: f.Fact) -> f.LoggedFact:
    return f.LoggedFact("call_1", "t", 1, 0.0, fact)
