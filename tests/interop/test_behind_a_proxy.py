"""A proxy of others before the server: phones know only the proxy, and every request passes it both ways."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.kamailio import Kamailio
from tests.interop.phones.raw import Account, RawPhone
from tests.interop.phones.sound import hears, now_at
from tests.interop.talk import hear_each_other, talk


@pytest.fixture(scope="module")
def proxy(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kamailio]:
    running = Kamailio(tmp_path_factory.mktemp("kamailio"), demo.server)
    yield running
    running.close()


def behind(proxy: Kamailio, account: Account) -> Account:
    return replace(account, server=proxy.address)


def came_past(proxy: Kamailio, phone: RawPhone) -> list[str]:
    """The methods that reached the phone; each came from the proxy, which had it from somebody else."""
    requests = [message for message in phone.received if message.is_request]
    for request in requests:
        vias = request.all("via")
        assert len(vias) == 2, f"{request.method} did not pass the proxy"
        assert f":{proxy.address[1]}" in vias[0]
    return [request.method for request in requests]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_phones_call_hold_and_hang_up(demo: Demo, phones: Phones, proxy: Kamailio, transport: str):
    caller = await phones.raw(behind(proxy, demo.account("101")), transport=transport)
    callee = await phones.raw(behind(proxy, demo.account("103")), transport=transport)
    near, far = await talk(caller, callee, "103")
    await far.hold()
    await far.resume()
    await hear_each_other(near, far)
    await near.hang_up()
    await far.hung_up()
    near, far = await talk(callee, caller, "101")
    await near.hang_up()
    await far.hung_up()
    assert {"INVITE", "ACK", "BYE"} <= set(came_past(proxy, caller))
    assert {"INVITE", "ACK", "BYE"} <= set(came_past(proxy, callee))


async def test_a_ringing_call_is_cancelled(demo: Demo, phones: Phones, proxy: Kamailio):
    caller = await phones.raw(behind(proxy, demo.account("101")))
    callee = await phones.raw(behind(proxy, demo.account("103")))
    near = await caller.call("103", wait="ringing")
    far = await callee.rings()
    await near.cancel()
    await far.hung_up()
    assert "CANCEL" in [message.method for message in callee.received if message.is_request]


async def test_one_phone_is_behind_it_and_the_other_is_not(demo: Demo, phones: Phones, proxy: Kamailio):
    inside = await phones.raw(behind(proxy, demo.account("101")))
    outside = await phones.raw(demo.account("103"))
    near, far = await talk(outside, inside, "101")
    await near.hang_up()
    await far.hung_up()
    near, far = await talk(inside, outside, "103")
    await far.hang_up()
    await near.hung_up()
    assert {"INVITE", "ACK", "BYE"} <= set(came_past(proxy, inside))


async def test_a_phone_of_others_behind_it_calls_and_is_called(demo: Demo, phones: Phones, proxy: Kamailio):
    baresip = await phones.baresip(behind(proxy, demo.account("101")))
    raw = await phones.raw(demo.account("103"))
    await baresip.dial("103")
    far = await (await raw.rings()).accept()
    await hears(far, baresip.tone, mark=now_at(far))
    await baresip.hang_up()
    await far.hung_up()
    near = await raw.call("101", wait="ringing")
    await baresip.accept()
    await near.answered()
    await hears(near, baresip.tone, mark=now_at(near))
    await near.hang_up()
    await baresip.hung_up()


async def test_a_phone_whose_flow_failed_is_called_over_its_other_one(
    demo: Demo, phones: Phones, proxy: Kamailio
):
    """One phone that keeps two connections to the proxy (RFC 5626): the later one breaks, which only the
    proxy notices."""
    account = behind(proxy, demo.account("103"))
    flows = [await phones.raw(account, register=False, transport="tcp") for _ in range(2)]
    instance = f"<urn:uuid:{uuid.uuid4()}>"
    for number, flow in enumerate(flows, 1):
        contact = f'{flow.contact};+sip.instance="{instance}";reg-id={number}'
        answer = await flow.register(contact=contact, headers=[("Supported", "path, outbound")])
        assert answer.status == 200, str(answer)
        assert "outbound" in answer.get("require")
        assert int(answer.get("flow-timer")) > 0
        assert ";ob" in answer.all("path")[-1]
    caller = await phones.raw(demo.account("101"))
    near = await caller.call("103", wait="ringing")
    ringing = await flows[1].rings()
    await near.cancel()
    await ringing.hung_up()
    assert not flows[0].calls, "it is one phone, and rings once"
    flows[1].vanish()
    near, far = await talk(caller, flows[0], "103")
    await far.hang_up()
    await near.hung_up()
    near, far = await talk(caller, flows[0], "103")
    await near.hang_up()
    await far.hung_up()
