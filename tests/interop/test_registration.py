"""Registration: who may, who may not, and what a stranger can learn from being refused."""

from __future__ import annotations

import asyncio
import re
import socket

import pytest
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.raw import Account, RawPhone
from tests.interop.phones.sip import Message, challenges
from tests.interop.phones.sound import hears
from tests.interop.talk import talk


@pytest.mark.parametrize("transport", ["udp", "tcp", "ws"])
@pytest.mark.parametrize("full", [False, True], ids=["address-only", "with-domain"])
async def test_a_registered_phone_rings_and_talks(demo: Demo, phones: Phones, transport: str, full: bool):
    callee = await phones.raw(demo.account("103", full=full, transport=transport), transport=transport)
    caller = await phones.raw(demo.account("101", full=full, transport=transport), transport=transport)
    near, far = await talk(caller, callee, "103")
    assert far.caller == "101"
    assert far.caller_name == "Lan Nguyen"
    await near.hang_up()
    await far.hung_up()


async def test_the_answer_lists_the_binding_with_its_expiry(demo: Demo, phones: Phones):
    phone = await phones.raw(demo.account("103"), register=False)
    response = await phone.register(120)
    host, port = phone.link.local
    contacts = [contact for contact in response.all("contact") if f"{host}:{port}" in contact]
    assert len(contacts) == 1, str(response)
    granted = re.search(r"expires=(\d+)", contacts[0])
    assert granted is not None, str(response)
    assert 0 < int(granted.group(1)) <= 120


async def test_a_phone_behind_proxies_is_called_through_them(demo: Demo, phones: Phones):
    callee = await phones.raw(demo.account("103"), register=False)
    path = ["<sip:edge@127.0.0.9:5080;lr>", "<sip:far@127.0.0.10;lr>"]
    headers = [("Supported", "path"), ("Require", "path"), ("Path", path[0]), ("Path", path[1])]
    answer = await callee.register(headers=headers)
    assert answer.status == 200
    assert answer.all("path") == path
    caller = await phones.raw(demo.account("101"))
    near = await caller.call("103", wait="sent")
    far = await callee.rings()
    assert ", ".join(far.invite_message.all("route")).replace(" ", "") == ",".join(path)
    await near.cancel()
    await near.finished()


async def test_a_phone_learns_its_address_by_stun(demo: Demo):
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.setblocking(False)
        phone.bind(("127.0.0.1", 0))
        request = bytes.fromhex("000100002112a442") + b"transaction1"
        await loop.sock_sendto(phone, request, demo.sip_address)
        answer = await asyncio.wait_for(loop.sock_recv(phone, 1500), 5)
        port = phone.getsockname()[1] ^ 0x2112
    assert answer[:4] == bytes.fromhex("0101000c")
    assert answer[8:20] == b"transaction1"
    assert answer[20:] == bytes.fromhex("002000080001") + port.to_bytes(2, "big") + bytes(
        one ^ other for one, other in zip((127, 0, 0, 1), bytes.fromhex("2112a442"), strict=True)
    )


async def test_who_calls_in_private_is_not_seen_by_a_colleague(demo: Demo, phones: Phones):
    callee = await phones.raw(demo.account("103"))
    caller = await phones.raw(demo.account("101"))
    near = await caller.call("103", wait="sent", headers=[("Privacy", "id")])
    far = await callee.rings()
    assert far.caller == "anonymous"
    head = str(far.invite_message)
    assert "Lan" not in head
    assert caller.account.username not in head
    await near.cancel()
    await near.finished()


async def test_wrong_password_and_unknown_user_get_the_same_answer(demo: Demo, phones: Phones):
    known = demo.account("103")
    refusals = []
    for account in (
        Account(known.username, "wrong-password", demo.server),
        Account("n" * len(known.username), "wrong-password", demo.server),
    ):
        phone = await phones.raw(account, register=False)
        asked = await phone.transact(_register(phone))
        answered = await phone.register()
        refusals.append([_shape(asked), _shape(answered)])
        assert asked.status == 401
        assert answered.status in (401, 403)
    assert refusals[0] == refusals[1]


async def test_a_challenge_offers_md5_first_and_tells_nothing_about_domains(demo: Demo, phones: Phones):
    realms = set()
    for domain in ("anphat.demo", "binhminh.demo", "nobody.example", ""):
        phone = await phones.raw(Account("somebody", "", demo.server, domain), register=False)
        response = await phone.transact(_register(phone))
        offered = challenges(response)
        assert response.status == 401
        assert offered[0].algorithm.upper() == "MD5"
        realms.add(offered[0].realm)
    assert len(realms) == 1


async def test_a_used_nonce_cannot_be_replayed(demo: Demo, phones: Phones):
    phone = await phones.raw(demo.account("103"), register=False)
    request = _register(phone)
    challenge = challenges(await phone.transact(request))[0]
    phone.log_in(request, challenge)
    assert (await phone.transact(request)).status == 200
    thief = await phones.raw(demo.account("103"), register=False)
    stolen = Message(method="REGISTER", uri=request.uri, headers=list(request.headers))
    assert (await thief.transact(stolen)).status == 401
    await phone.register(0)


async def test_a_made_up_nonce_is_refused(demo: Demo, phones: Phones):
    phone = await phones.raw(demo.account("103"), register=False)
    request = _register(phone)
    challenge = challenges(await phone.transact(request))[0]
    challenge.nonce = "f" * len(challenge.nonce)
    phone.log_in(request, challenge)
    assert (await phone.transact(request)).status == 401


async def test_a_nonce_serves_again_with_the_next_count(demo: Demo, phones: Phones):
    phone = await phones.raw(demo.account("103"), register=False)
    first = _register(phone)
    challenge = challenges(await phone.transact(first))[0]
    phone.log_in(first, challenge)
    assert (await phone.transact(first)).status == 200
    second = _register(phone)
    phone.log_in(second, challenge)
    response = await phone.transact(second)
    assert response.status == 200 or challenges(response)[0].stale, str(response)
    await phone.register(0)


async def test_credentials_of_one_person_do_not_register_another(demo: Demo, phones: Phones):
    own, other = demo.account("103"), demo.account("102")
    thief = await phones.raw(Account(own.username, own.password, demo.server), register=False)
    request = thief.request("REGISTER", f"sip:{demo.server[0]}", other.aor)
    request.headers = [(n, f"<{other.aor}>;tag=x" if n == "From" else v) for n, v in request.headers]
    request.add("Contact", thief.contact)
    response = await thief.send(request)
    assert response.status in (401, 403, 404), str(response)
    caller = await phones.raw(demo.account("101"))
    await caller.call("102", wait="sent")
    await thief.stays_quiet()


async def test_an_unregistered_phone_rings_no_more(demo: Demo, phones: Phones):
    phone = await phones.raw(demo.account("103"))
    response = await phone.unregister()
    assert response.status == 200
    assert not any(str(phone.link.local[1]) in contact for contact in response.all("contact"))
    caller = await phones.raw(demo.account("101"))
    await caller.call("103", wait="sent")
    await phone.stays_quiet()


async def test_all_devices_of_a_person_ring(demo: Demo, phones: Phones):
    devices = demo.tenant().person("103").devices
    desk = await phones.raw(demo.account("103"))
    second = demo.account("103", device=1) if len(devices) > 1 else demo.account("103")
    mobile = await phones.raw(second)
    same = await phones.raw(demo.account("103"), transport="tcp")
    caller = await phones.raw(demo.account("101"))
    near = await caller.call("103", wait="ringing")
    for phone in (desk, mobile, same):
        await phone.rings()
    assert (await near.cancel()).status == 487


async def test_a_short_registration_expires_or_is_refused_as_too_brief(demo: Demo, phones: Phones):
    phone = await phones.raw(demo.account("103"), register=False)
    response = await phone.register(2)
    if response.status == 423:
        assert int(response.get("min-expires")) > 2
        return
    assert response.status == 200
    await asyncio.sleep(2.5)
    caller = await phones.raw(demo.account("101"))
    await caller.call("103", wait="sent")
    await phone.stays_quiet()


async def test_nobody_calls_without_logging_in(demo: Demo, phones: Phones):
    callee = await phones.raw(demo.account("103"))
    own = demo.account("101")
    for account in (Account("stranger", "guess", demo.server), Account(own.username, "guess", demo.server)):
        stranger = await phones.raw(account, register=False)
        call = await stranger.call("103", wait="sent")
        assert (await call.finished()).status in (401, 403, 407)
    await callee.stays_quiet(0.5)


@pytest.mark.parametrize("method", ["MESSAGE", "SUBSCRIBE", "PUBLISH", "REFER", "NOTIFY", "BYE"])
async def test_a_stranger_gets_nothing_delivered(demo: Demo, phones: Phones, method: str):
    callee = await phones.raw(demo.account("103"))
    before = len(callee.received)
    stranger = await phones.raw(Account("stranger", "", demo.server), register=False)
    request = stranger.request(method, stranger.account.uri("103"), "sip:103@anphat.demo")
    request.add("Event", "presence")
    request.add("Refer-To", "<sip:102@anphat.demo>")
    request.add("Contact", stranger.contact)
    response = await stranger.transact(request, give_up=3.0)
    assert response.status >= 400, str(response)
    assert len(callee.received) == before


async def test_garbage_does_not_stop_the_server(demo: Demo, phones: Phones):
    phone = await phones.raw(demo.account("103"))
    for data in (
        b"\x00" * 64,
        b"INVITE\r\n\r\n",
        b"INVITE sip:x SIP/2.0\r\nContent-Length: -5\r\n\r\n",
        b"REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP \r\nCSeq: 99999999999999999999 REGISTER\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"\xff" * 3000,
    ):
        phone.link.send_raw(data)
    options = phone.request("OPTIONS", f"sip:{demo.server[0]}:{demo.server[1]}", "sip:server")
    assert (await phone.send(options)).status == 200
    echo = await phone.call("*43")
    await hears(echo, phone.tone)


def _register(phone: RawPhone) -> Message:
    request = phone.request(
        "REGISTER", f"sip:{phone.account.domain or phone.account.server[0]}", phone.account.aor
    )
    request.add("Contact", phone.contact)
    request.add("Expires", "60")
    return request


def _shape(response: Message) -> tuple[int, str, list[tuple[str, str]]]:
    """What a stranger sees, without what must differ: nonce, date, and what was copied from the request."""
    copied = {"via", "from", "to", "call-id", "cseq", "date"}
    headers = [
        (n, re.sub(r'nonce="[^"]*"', "nonce", v)) for n, v in response.headers if n.lower() not in copied
    ]
    return response.status, response.reason, headers
