"""Carriers as they are: dead, busy, particular about numbers and codecs, and asking for a password."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.interop.carriers import DNS_PORT, MAIN, NUMBER, at, carrier, connect, use
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.phones.link import Reply
from tests.interop.phones.raw import Account, RawPhone
from tests.interop.phones.sip import Message, user_of
from tests.interop.phones.sound import hears, hears_something, now_at
from tests.interop.talk import dial, hear_each_other
from tests.nameserver import NameServer

from tongdai.app.certificate import load
from tongdai.app.self_signed import make


@pytest.fixture
def silent() -> Iterator[str]:
    """A gateway whose port is open and that never says a word."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{sock.getsockname()[1]}"


class Carrier(RawPhone):
    """Registers whoever has the password, and keeps the REGISTERs with one."""

    def prepare(self) -> None:
        self.logins: list[Message] = []

    def _serve(self, request: Message, reply: Reply) -> None:
        if request.method != "REGISTER":
            super()._serve(request, reply)
        elif not request.all("authorization"):
            nonce = secrets.token_hex(8)
            challenge = f'Digest realm="carrier", nonce="{nonce}", algorithm=MD5, qop="auth"'
            self.respond(request, reply, 401, "Unauthorized", tag="c", www_authenticate=challenge)
        else:
            self.logins.append(request)
            contact = f"{request.get('contact')};expires=90"
            self.respond(request, reply, 200, "OK", tag="c", contact=contact)


async def test_a_dead_gateway_delays_a_call_by_seconds_only(trunked: Demo, phones: Phones, silent: str):
    alive = await carrier(phones, trunked)
    name = await use(trunked, silent, f"{at(alive)}/1", "--options=0")
    near, _, took = await connect(trunked, phones, alive)
    assert 3.4 <= took <= 8  # 3.6 s on an idle machine
    await near.hang_up()
    await asyncio.sleep(0.8)
    told = await asyncio.to_thread(trunked.cli, "explain", "last")
    assert f"{name} ({silent}) did not answer for 3.5 s" in told
    assert f"{name} ({at(alive)})" in told


async def test_a_gateway_that_is_known_to_be_dead_delays_nobody(trunked: Demo, phones: Phones, silent: str):
    alive = await carrier(phones, trunked)
    name = await use(trunked, silent, f"{at(alive)}/1", "--options=2", "--failures-to-down=1")
    async with asyncio.timeout(15):
        while "a gateway is down" not in trunked.service_log():
            await asyncio.sleep(0.1)
    status = await asyncio.to_thread(trunked.cli, "trunks", "status")
    assert "DOWN" in next(x for x in status.splitlines() if x.startswith(name) and silent in x)
    _, _, took = await connect(trunked, phones, alive)
    assert took < 3.4


async def test_a_carrier_out_of_service_gives_way_to_the_next(trunked: Demo, phones: Phones):
    first, second = await carrier(phones, trunked), await carrier(phones, trunked)
    first.on_invite = lambda call: call.reject(503, "Service Unavailable")
    await use(trunked, at(first), f"{at(second)}/1", "--options=0")
    await connect(trunked, phones, second)
    assert len(first.calls) == 1


async def test_a_carrier_that_takes_only_pcma_gets_it_at_the_second_try(trunked: Demo, phones: Phones):
    gateway = await carrier(phones, trunked)
    gateway.codecs = [8]

    def once(call: RawCall) -> None:
        gateway.on_invite = None
        call.reject(488, "Not Acceptable Here")

    gateway.on_invite = once
    await use(trunked, at(gateway), "--options=0", "--codecs=G722,OPUS")
    caller = await phones.raw(trunked.account("101"))
    near = await caller.call(NUMBER, wait="sent")
    await gateway.rings()  # the one that was refused
    far = await (await gateway.rings()).accept()
    await near.answered()
    await hear_each_other(near, far)
    offered = far.invite_message.body.partition("m=audio ")[2].split("\r\n")[0].split()
    assert offered[2:4] == ["8", "0"]


@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
async def test_a_call_is_sent_on_only_to_who_is_named(trunked: Demo, phones: Phones, named: bool):
    first = await carrier(phones, trunked)
    second = await phones.raw(Account("carrier", "", trunked.server), register=False)
    other = f"<sip:0777@{at(second)}>"

    def moved(call: RawCall) -> None:
        call._answer(302, "Moved Temporarily", contact=other)
        call.ended.set()

    first.on_invite = moved
    await use(trunked, at(first), "--options=0", *(["--redirect-hosts=127.0.0.1"] if named else []))
    if named:
        _, far, _ = await connect(trunked, phones, second)
        assert user_of(far.invite_message.uri) == "0777"
    else:
        caller = await phones.raw(trunked.account("101"))
        near = await caller.call(NUMBER, wait="sent")
        assert (await near.finished()).status >= 400
        await second.stays_quiet(0.2)


@pytest.mark.parametrize(
    ("settings", "called", "shown"),
    [
        (["--format=e164"], "+84908123456", MAIN),
        (["--format=digits"], "84908123456", MAIN[1:]),
        (["--format=national"], "0908123456", "02871234500"),
        (["--format=national", "--strip=1", "--prefix=9*84"], "9*84908123456", "02871234500"),
        (["--caller=fixed", "--caller-number=+84900000000"], "+84908123456", "+84900000000"),
    ],
)
async def test_numbers_are_written_as_the_carrier_wants_them(
    trunked: Demo, phones: Phones, settings: list[str], called: str, shown: str
):
    gateway = await carrier(phones, trunked)
    await use(trunked, at(gateway), "--options=0", *settings)
    caller = await phones.raw(trunked.account("101"))
    near = await caller.call(NUMBER, wait="sent")
    far = await gateway.rings()
    assert user_of(far.invite_message.uri) == called
    assert far.caller == shown
    assert user_of(far.invite_message.get("p-asserted-identity")) == shown
    await near.cancel()


async def forwarded(
    demo: Demo, phones: Phones, *arguments: str, headers: list[tuple[str, str]] | None = None
) -> Message:
    """Somebody outside calls Lan, who has her calls forwarded outside through this trunk; the INVITE that
    comes of it."""
    gateway = Account("+84912345678", "", demo.server)
    outside = await phones.raw(gateway, register=False)
    await use(demo, at(outside), "--options=0", *arguments)
    away = await phones.raw(demo.account("101"))
    await dial(away, f"*72{NUMBER}")
    try:
        near = await outside.call(MAIN, headers=headers)
        await hears_something(near)
        await near.press("101")
        far = await outside.rings(within=8)
        await near.hang_up()
        return far.invite_message
    finally:
        await dial(away, "*73")


async def test_a_carrier_is_shown_the_first_caller_and_who_forwarded_the_call(trunked: Demo, phones: Phones):
    invite = await forwarded(trunked, phones, "--caller=pass")
    assert user_of(invite.get("from")) == "+84912345678"
    assert user_of(invite.get("p-asserted-identity")) == MAIN
    diversion = invite.get("diversion")
    assert user_of(diversion) == MAIN
    assert "reason=unconditional" in diversion
    assert "counter=1" in diversion
    first, last = invite.get("history-info").split(", ")
    assert user_of(first) == MAIN
    assert "index=1" in first
    assert user_of(last) == "+84908123456"
    assert "cause=302" in last
    assert "index=1.1;mp=1" in last
    assert not invite.all("privacy")


async def test_who_hid_his_number_stays_hidden_when_his_call_is_forwarded(trunked: Demo, phones: Phones):
    """The carrier that brought the call knows who he is; ours is told that he wants to be nobody."""
    hidden = [("P-Asserted-Identity", "<sip:+84912345678@carrier>"), ("Privacy", "id")]
    invite = await forwarded(trunked, phones, "--caller=pass", headers=hidden)
    assert user_of(invite.get("from")) == "anonymous"
    assert invite.get("privacy") == "id"
    assert user_of(invite.get("p-asserted-identity")) == MAIN
    assert user_of(invite.get("diversion")) == MAIN
    assert "912345678" not in f"{invite.get('from')}{invite.get('contact')}{invite.get('history-info')}"


async def test_a_carrier_that_wants_only_our_numbers_is_shown_one(trunked: Demo, phones: Phones):
    invite = await forwarded(trunked, phones)
    assert user_of(invite.get("from")) == MAIN
    assert "reason=unconditional" in invite.get("diversion")


async def test_nothing_is_asserted_to_a_carrier_that_is_not_trusted(trunked: Demo, phones: Phones):
    invite = await forwarded(trunked, phones, "--caller=pass", "--not-trusted")
    assert not invite.all("p-asserted-identity")
    assert user_of(invite.get("from")) == "+84912345678"


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "not-trusted"])
async def test_whom_a_carrier_asserts_is_believed_when_it_is_trusted(
    trunked: Demo, phones: Phones, trusted: bool
):
    outside = await phones.raw(Account("+84911111111", "", trunked.server), register=False)
    await use(trunked, at(outside), "--options=0", *([] if trusted else ["--not-trusted"]))
    lan = await phones.raw(trunked.account("101"))
    asserted = [("P-Asserted-Identity", '"Ngoc" <sip:+84912345678@carrier>')]
    near = await outside.call(MAIN, headers=asserted)
    await hears_something(near)
    await near.press("101")
    far = await lan.rings(within=8)
    assert far.caller.endswith("912345678" if trusted else "911111111")
    await near.hang_up()


async def test_a_carrier_that_challenges_registers_us_and_calls_come_in(
    trunked: Demo, phones: Phones, tmp_path_factory: pytest.TempPathFactory
):
    password = tmp_path_factory.mktemp("carrier") / "password"
    password.write_text("secret\n")
    gateway = Carrier(Account("carrier", "", trunked.server), tone=900)
    gateway.prepare()
    await gateway.open()
    try:
        account = ["--register", "--username=anphat", f"--password-file={password}"]
        name = await use(trunked, at(gateway), "--options=0", *account)
        async with asyncio.timeout(5):
            while not gateway.logins:
                await asyncio.sleep(0.05)
        login = gateway.logins[-1].get("authorization")
        assert 'username="anphat"' in login
        assert "secret" not in login
        status = await asyncio.to_thread(trunked.cli, "trunks", "status")
        assert "yes" in next(line for line in status.splitlines() if line.startswith(name))
        near = await gateway.call(MAIN)
        await hears_something(near)
        await near.hang_up()
        assert "secret" not in await asyncio.to_thread(trunked.cli, "trunk", "show", name)
        assert "secret" not in trunked.service_log()
    finally:
        await gateway.close()


async def test_a_carrier_is_found_by_its_name_and_still_while_dns_is_silent(
    trunked: Demo, phones: Phones, silent: str
):
    """NAPTR to SRV to an address, past a dead first server; then the name server dies, and control too."""
    alive = await carrier(phones, trunked)
    zone = {
        ("carrier.test", "NAPTR"): ['1 1 "s" "SIP+D2U" "" _sip._udp.carrier.test.'],
        ("_sip._udp.carrier.test", "SRV"): [
            f"1 1 {silent.rpartition(':')[2]} a.carrier.test.",
            f"2 1 {alive.link.local[1]} a.carrier.test.",
        ],
        ("a.carrier.test", "A"): ["127.0.0.1"],
    }
    server = await NameServer(zone, ttl=5).open(DNS_PORT)
    try:
        await use(trunked, "carrier.test", "--options=0")
        async with asyncio.timeout(5):
            while "a carrier was located" not in trunked.service_log():
                await asyncio.sleep(0.05)
        near, far, took = await connect(trunked, phones, alive)
        assert 3.4 <= took <= 8
        assert far.invite_message.uri == "sip:+84908123456@carrier.test"
        await near.hang_up()
        incoming = await alive.call(MAIN)  # known by the address that the name has
        await hears_something(incoming)
        await incoming.hang_up()
        server.silent = True
        killed = trunked.facts.pids["control"]
        os.kill(killed, signal.SIGKILL)
        async with asyncio.timeout(30):
            while trunked.reread().pids["control"] == killed:
                await asyncio.sleep(0.05)
        await connect(trunked, phones, alive)
    finally:
        server.close()


class Leaving(RawPhone):
    """A gateway known in its dialogs by a name that has other servers as well; it is about to go."""

    @property
    def contact(self) -> str:
        return "<sip:gateway@pool.test>"

    def _serve(self, request: Message, reply: Reply) -> None:
        if request.method == "BYE":
            self.respond(request, reply, 503, "Service Unavailable")
        else:
            super()._serve(request, reply)


class Heir(RawPhone):
    """The other server of that name; it has the dialogs too, and keeps the BYEs."""

    def prepare(self) -> None:
        self.byes: list[Message] = []

    def _serve(self, request: Message, reply: Reply) -> None:
        if request.method == "BYE":
            self.byes.append(request)
            self.respond(request, reply, 200, "OK")
        else:
            super()._serve(request, reply)


async def test_a_call_ends_at_another_server_of_its_gateway(trunked: Demo, phones: Phones):
    """The next hop of a dialog is a host name, and whom the call was with answers no more (RFC 3263 §4.3)."""
    outside = Account("carrier", "", trunked.server)
    leaving, heir = Leaving(outside, tone=900), Heir(outside, tone=1000)
    heir.prepare()
    await leaving.open()
    await heir.open()
    zone = {
        ("_sip._udp.pool.test", "SRV"): [
            f"1 1 {leaving.link.local[1]} a.pool.test.",
            f"2 1 {heir.link.local[1]} a.pool.test.",
        ],
        ("a.pool.test", "A"): ["127.0.0.1"],
    }
    server = await NameServer(zone).open(DNS_PORT)
    try:
        await use(trunked, at(leaving), "--options=0")
        near, far, _ = await connect(trunked, phones, leaving)
        await near.hang_up()
        async with asyncio.timeout(20):
            while not heir.byes:
                await asyncio.sleep(0.05)
        assert heir.byes[0].get("call-id") == far.invite_message.get("call-id")
    finally:
        server.close()
        await leaving.close()
        await heir.close()


@pytest.mark.parametrize("transport", ["t1", "u1"], ids=["TCP", "no TCP"])
async def test_a_large_invite_goes_over_tcp_where_somebody_listens(
    trunked: Demo, phones: Phones, transport: str
):
    """RFC 3261 §18.1.1: above 1,300 bytes IP cuts it in pieces, which many firewalls drop."""
    outside = Account("carrier", "", trunked.server)
    gateway = await phones.sipp("carrier_answers", outside, transport=transport).open()
    long_name = ".".join(["carrier-with-a-rather-long-name"] * 6)
    await use(trunked, f"127.0.0.1:{gateway.port}", "--options=0", f"--domain={long_name}")
    caller = await phones.raw(trunked.account("101"))
    near = await caller.call(NUMBER)
    await near.hang_up()
    await gateway.finished()
    invite = gateway.messages().partition("INVITE sip:")[2].partition("\n\n")[0]
    assert ("SIP/2.0/TCP" in invite) is (transport == "t1")


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_calls_go_both_ways_over_a_connection(
    trunked: Demo, phones: Phones, tmp_path: Path, transport: str
):
    """Mutual TLS: the carrier takes no connection but with our certificate, and we none but with its own."""
    here = "127.0.0.2"  # who calls over a connection is known by the address alone
    port = trunked.facts.sip.tcp if transport == "tcp" else trunked.facts.sip.tls
    gateway = RawPhone(Account("carrier", "", ("127.0.0.1", port)), tone=1100, transport=transport, host=here)
    settings = ["--options=0"]
    if transport == "tls":
        theirs, ours = ((tmp_path / f"{who}.crt", tmp_path / f"{who}.key") for who in ("theirs", "ours"))
        make(*theirs, [here], time.time())
        make(*ours, ["pbx.example"], time.time())
        serves = load(*theirs)
        serves.verify_mode = ssl.CERT_REQUIRED
        serves.load_verify_locations(ours[0])
        asks = ssl.create_default_context(cafile=trunked.directory / "tls.crt")
        gateway.tls = serves, asks
        settings += [f"--tls-ca={theirs[0]}", f"--tls-certificate={ours[0]}", f"--tls-key={ours[1]}"]
    await gateway.open()
    try:
        await use(trunked, f"{transport}:{here}:{gateway.link.local[1]}", *settings)
        near, far, _ = await connect(trunked, phones, gateway)
        assert far.invite_message.get("via").startswith(f"SIP/2.0/{transport.upper()} ")
        await near.hang_up()
        await far.hung_up()
        incoming = await gateway.call(MAIN)
        await hears_something(incoming)
        await incoming.hang_up()
    finally:
        await gateway.close()


@pytest.mark.parametrize(
    ("rule", "protect"), [("required", "srtp-mand"), ("auto", "srtp-mand"), ("auto", "srtp"), ("auto", "")]
)
async def test_sound_to_a_carrier_over_tls_is_encrypted_if_it_can_be(
    trunked: Demo, phones: Phones, tmp_path: Path, rule: str, protect: str
):
    here = "127.0.0.1"
    certificate, key = tmp_path / "theirs.crt", tmp_path / "theirs.key"
    make(certificate, key, [here], time.time())
    both = tmp_path / "theirs.pem"
    both.write_text(certificate.read_text() + key.read_text())
    account = Account("84908123456", "unused", (here, trunked.facts.sip.tls))
    gateway = await phones.baresip(
        account, register=False, transport="tls", protect=protect, certificate=both
    )
    where = f"tls:{here}:{gateway.sip_port + 1}"
    settings = ["--format=digits", "--options=0", f"--tls-ca={certificate}", f"--encryption={rule}"]
    name = await use(trunked, where, *settings)
    # not where the carrier is: who calls over a connection is known by the address alone
    lan = await phones.raw(trunked.account("101"), host="127.0.0.2")
    near = await lan.call(NUMBER, wait="sent")
    await gateway.accept()
    await near.answered()
    await hears(near, gateway.tone)
    await hears(gateway, lan.tone, mark=now_at(gateway))
    await near.hang_up()
    await gateway.hung_up()
    told = await asyncio.to_thread(trunked.cli, "explain", "last")
    assert (f"{name} refused encrypted sound" in told) is (not protect), told
    assert ("a=crypto:1 " in gateway.log().rpartition("200 Answering")[2]) is bool(protect)


async def test_whoever_is_no_carrier_is_refused(trunked: Demo, phones: Phones):
    gateway = await carrier(phones, trunked)
    await use(trunked, at(gateway), "--options=0")
    impostor = await carrier(phones, trunked)
    call = await impostor.call(MAIN, wait="sent")
    assert (await call.finished()).status in (401, 403, 407)
