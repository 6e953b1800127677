"""How often strangers may ask, and how often somebody may guess a password."""

from __future__ import annotations

import pytest
from tests.unit.legs.doubles import PASSWORD, device
from tests.unit.legs.stage import Phone, Stage

from tongdai.calls import events as e
from tongdai.legs.guard import MOST_KEYS, Guard, Rates, source_of
from tongdai.sip.flow import Flow, Transport
from tongdai.sip.message import Headers, Request

HERE = ("192.0.2.100", 5060)


def flow(host: str, port: int = 5060, transport: Transport = "udp") -> Flow:
    return Flow(transport, HERE, (host, port))


def test_a_bucket_empties_and_fills_again():
    rates = Rates(2.0, 3.0)
    assert [rates.take("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert rates.take("b", 0.0), "another one's bucket is another one's"
    assert [rates.take("a", 0.5), rates.take("a", 0.5)] == [True, False]
    assert rates.left("a", 100.0) == 3.0


def test_many_sources_take_a_bounded_place():
    rates = Rates(1.0, 1.0)
    assert all(rates.take(number, 0.0) for number in range(3 * MOST_KEYS))
    assert not rates.take(3 * MOST_KEYS - 1, 0.0)
    assert len(rates.buckets) <= 2 * MOST_KEYS


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("198.51.100.1", "198.51.100.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:198.51.100.1", "::ffff:198.51.100.2", False),
        ("::ffff:198.51.100.1", "198.51.100.1", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_an_ipv6_network_is_one_source(one: str, other: str, alike: bool):
    assert (source_of(flow(one)) == source_of(flow(other))) is alike


def test_forged_sources_are_answered_a_thousand_times_and_then_at_a_rate():
    """Who asks in another's name has us send to them: that must not be worth it."""
    now = 0.0
    guard = Guard(lambda: now, lambda name, flow: (False, False))
    assert sum(guard.may_answer(flow("198.51.100.1", port)) for port in range(5000)) == 1000
    assert guard.may_answer(flow("198.51.100.2"))
    now = 1.0
    assert sum(guard.may_answer(flow("198.51.100.1")) for _ in range(5000)) == 100
    assert all(guard.may_answer(flow("198.51.100.1", transport="tcp")) for _ in range(5000))
    assert all(guard.may_answer(flow("127.0.0.1")) for _ in range(5000))


def guess(stage: Stage, phone: Phone, account: Phone, password: str) -> bool:
    """Whether a call with that password goes through."""
    before = len(stage.office.of(e.LegOffered))
    phone.who = account.who
    phone.dial(stage.office, "102", password=password)
    stage.run()
    return len(stage.office.of(e.LegOffered)) > before


def test_after_ten_guesses_each_further_one_has_to_wait_twice_as_long(stage: Stage, lan: Phone):
    guesser = Phone(stage.network, ("198.51.100.66", 5060), lan.who, "udp")
    assert not any(guess(stage, guesser, lan, f"wrong{n}") for n in range(10))
    assert not guess(stage, guesser, lan, PASSWORD), "not even the right password is looked at"
    other_port = Phone(stage.network, ("198.51.100.66", 5099), lan.who, "udp")
    assert not guess(stage, other_port, lan, PASSWORD)
    waits = []
    for number in range(10):
        began = stage.network.now
        while not stage.office.callers._guard.may_guess("anphat-101", flow("198.51.100.66")):
            stage.network.now += 0.5
        waits.append(stage.network.now - began)
        assert not guess(stage, guesser, lan, f"more{number}")
    assert waits == sorted(waits)
    assert waits[0] <= 1.0
    assert 55.0 < waits[-1] <= 60.0


def test_who_mends_a_wrong_password_is_heard_at_the_next_try(stage: Stage, lan: Phone):
    """A phone with an old password tried it 14 times; then its owner typed the right one."""
    for number in range(14):
        guess(stage, lan, lan, f"wrong{number}")
    stage.network.now += 20.0
    assert guess(stage, lan, lan, PASSWORD)


def test_on_loopback_every_socket_is_somebody_else(stage: Stage, lan: Phone):
    """All phones of a trial on one machine have one address: who guesses there locks out himself only."""
    guesser = Phone(stage.network, ("127.0.0.1", 40000), lan.who, "udp")
    assert not any(guess(stage, guesser, lan, f"wrong{n}") for n in range(11))
    assert not guess(stage, guesser, lan, PASSWORD)
    owner = Phone(stage.network, ("127.0.0.1", 40001), lan.who, "udp")
    assert guess(stage, owner, lan, PASSWORD)


def test_the_owner_and_the_office_do_not_notice_guessing(stage: Stage, lan: Phone, minh: Phone):
    """The guesser sits in the same office, behind the same address as every phone of it."""
    assert lan.who is not None
    stage.office.lives[lan.who.username] = lan.address
    guesser = Phone(stage.network, (lan.address[0], 40000), lan.who, "udp")
    assert not any(guess(stage, guesser, lan, f"wrong{n}") for n in range(12))
    assert not guess(stage, guesser, lan, PASSWORD)
    assert guess(stage, lan, lan, PASSWORD), "the phone that is registered there is heard"
    neighbour = Phone(stage.network, (lan.address[0], 40001), minh.who, "udp")
    assert guess(stage, neighbour, minh, PASSWORD), "so is every other account"


def test_guesses_from_a_thousand_addresses_end_too(stage: Stage, lan: Phone):
    assert lan.who is not None
    stage.office.lives[lan.who.username] = lan.address
    for number in range(60):
        guesser = Phone(stage.network, (f"198.51.100.{number + 10}", 5060), lan.who, "udp")
        assert not guess(stage, guesser, lan, "wrong")
    late = Phone(stage.network, ("198.51.100.200", 5060), lan.who, "udp")
    assert not guess(stage, late, lan, PASSWORD)
    assert guess(stage, lan, lan, PASSWORD)
    del stage.office.lives[lan.who.username]
    assert guess(stage, lan, lan, PASSWORD), "the owner was there before"
    stage.office.lives[lan.who.username] = lan.address
    moved = Phone(stage.network, (lan.address[0], 40001), lan.who, "udp")
    assert guess(stage, moved, lan, PASSWORD), "it comes from where the owner is"


def test_an_account_that_is_not_there_counts_alike(stage: Stage, lan: Phone):
    """Otherwise the eleventh answer would tell which names exist."""
    answers: dict[str, list[bytes]] = {}
    for name in ("anphat-101", "nobody-101"):
        guesser = Phone(stage.network, ("198.51.100.66", 5060), lan.who, "udp")
        for number in range(12):
            request = Request(
                "REGISTER",
                "sip:anphat.demo",
                headers=Headers.of(
                    [
                        ("Via", f"SIP/2.0/UDP 198.51.100.66;branch=z9hG4bK{number}"),
                        ("From", f"<sip:{name}@anphat.demo>;tag=1"),
                        ("To", f"<sip:{name}@anphat.demo>"),
                        ("Call-ID", f"{name}-{number}"),
                        ("CSeq", "1 REGISTER"),
                    ]
                ),
            )
            challenge = stage.office.callers.screen(request, stage.office.flow_to(guesser))
            assert challenge is not None
            nonce = challenge[1][0][1].partition('nonce="')[2].partition('"')[0]
            request.headers.set(
                "Authorization",
                f'Digest username="{name}", realm="tongdai", nonce="{nonce}", uri="sip:anphat.demo", '
                f'response="{"0" * 32}", qop=auth, nc=00000001, cnonce="c"',
            )
            refused = stage.office.callers.prove(request, stage.office.flow_to(guesser))
            plain = str(refused).replace(str(refused).partition('nonce="')[2].partition('"')[0], "")
            answers.setdefault(name, []).append(plain.encode())
    assert len({answer for each in answers.values() for answer in each}) == 1


def test_somebody_elses_password_proves_no_name_that_is_nobodys(
    stage: Stage, lan: Phone, monkeypatch: pytest.MonkeyPatch
):
    """A name that does not exist is answered with the hashes of another account: they let nobody in."""
    account = next(iter(stage.edge.devices.values()))
    monkeypatch.setattr("tongdai.sip.digest.ha1", lambda *_: account.ha1["MD5"])
    owner = Phone(stage.network, ("198.51.100.7", 5060), account, "udp")
    assert guess(stage, owner, owner, "whatever"), "so it would be with the name of that account"
    stranger = Phone(stage.network, ("198.51.100.66", 5060), device("anphat", "999", "Nobody"), "udp")
    assert not any(guess(stage, stranger, stranger, "whatever") for _ in range(12))


def test_a_challenge_is_for_who_asked_for_it(stage: Stage, lan: Phone):
    """Guesses under a forged address would lock out who has it: they lack the challenge sent there."""
    request = Request(
        "REGISTER", "sip:anphat.demo", headers=Headers.of([("To", "<sip:anphat-101@anphat.demo>")])
    )
    verdict = stage.office.callers.screen(request, flow("198.51.100.66"))
    assert verdict is not None
    nonce = verdict[1][0][1].partition('nonce="')[2].partition('"')[0]
    request.headers.set(
        "Authorization",
        f'Digest username="anphat-101", realm="tongdai", nonce="{nonce}", uri="sip:anphat.demo", '
        f'response="{"0" * 32}", qop=auth, nc=00000001, cnonce="c"',
    )
    for _ in range(20):
        stage.office.callers.prove(request, stage.office.flow_to(lan))
    assert guess(stage, lan, lan, PASSWORD)


@pytest.mark.parametrize("method", ["INVITE", "REGISTER"])
def test_a_challenge_is_hardly_longer_than_what_asked_for_it(stage: Stage, method: str):
    """As a scanner asks, which says no more than it must; a phone says much more."""
    stranger = Phone(stage.network, ("198.51.100.66", 5060), None, "udp")
    request = Request(
        method,
        "sip:anphat.demo",
        headers=Headers.of(
            [
                ("Via", "SIP/2.0/UDP 198.51.100.66:5060;branch=z9hG4bK-3466842498;rport"),
                ("Max-Forwards", "70"),
                ("To", '"100"<sip:100@192.0.2.100>'),
                ("From", '"100"<sip:100@192.0.2.100>;tag=6339383'),
                ("User-Agent", "friendly-scanner"),
                ("Call-ID", "375868425672"),
                ("CSeq", f"1 {method}"),
                ("Contact", "sip:100@198.51.100.66:5060"),
                ("Content-Length", "0"),
            ]
        ),
    )
    data = bytes(request)
    stage.office.agent.receive(data, stage.office.flow_to(stranger), stage.network.now)
    [(_, answer)] = stage.office.agent.drain()
    assert answer.startswith(b"SIP/2.0 401")
    assert len(answer) < 1.55 * len(data)


def forged(method: str, *more: tuple[str, str], to: str = '"100"<sip:100@192.0.2.100>') -> Request:
    """A request in the name of somebody who knows nothing of it."""
    return Request(
        method,
        "sip:100@192.0.2.100",
        headers=Headers.of(
            [
                ("Via", "SIP/2.0/UDP 198.51.100.66:5060;branch=z9hG4bK-3466842498;rport"),
                ("Max-Forwards", "70"),
                ("User-Agent", "friendly-scanner"),
                ("From", '"100"<sip:100@192.0.2.100>;tag=6339383'),
                ("To", to),
                ("Call-ID", "375868425672"),
                ("CSeq", f"1 {method}"),
                ("Contact", "<sip:100@198.51.100.66:5060>"),
                *more,
            ]
        ),
    )


PRETENDED = (
    "Authorization",
    'Digest username="anphat-101", realm="tongdai", nonce="191f-1-AAAAAAAAAAAA", uri="sip:a", response="0"',
)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (forged("INVITE"), b"401"),
        (forged("INVITE", PRETENDED), b"401"),
        (forged("INVITE", ("Authorization", "Digest broken")), b"400"),
        (forged("REGISTER", PRETENDED), b"401"),
        (forged("MESSAGE", PRETENDED), b"401"),
        (forged("OPTIONS"), b"200"),
        (forged("OPTIONS", ("Require", "magic")), b"420"),
        (forged("BYE"), b"481"),
        (forged("CANCEL"), b"481"),
        (forged("DANCE"), b"405"),
        (forged("INVITE", to="<sip:100@192.0.2.100>;tag=made-up"), b"481"),
        (forged("BYE", to="<sip:100@192.0.2.100>;tag=made-up"), b"481"),
        (forged("SUBSCRIBE", ("Bad Name", "x")), b"400"),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else value.method,
)
def test_whatever_is_asked_in_anothers_name_costs_one_answer_and_no_memory(
    stage: Stage, request_: Request, status: bytes
):
    """An INVITE with credentials out of thin air had its 401 repeated ten times to an address that never
    asked; whatever named a dialog that is not there was answered without a limit and remembered for 32 s."""
    stranger = Phone(stage.network, ("198.51.100.66", 5060), None, "udp")
    agent, data = stage.office.agent, bytes(request_)
    agent.receive(data, stage.office.flow_to(stranger), stage.network.now)
    [(_, answer)] = agent.drain()
    assert answer.startswith(b"SIP/2.0 " + status)
    assert len(answer) < 1.55 * len(data) or request_.method == "OPTIONS"  # that says what we can (§11.2)
    assert not agent.sessions()
    assert agent.transactions() == 0
    assert agent.deadline() is None
    for _ in range(1500):
        agent.receive(data, stage.office.flow_to(stranger), stage.network.now)
    assert len(agent.drain()) == 999
    assert agent.transactions() == 0


def test_who_asks_by_stun_without_end_is_answered_at_a_rate_of_its_own(stage: Stage):
    """The answer is 1.6 times as large as what asks for it, and nothing proves who asks."""
    now = [0.0]
    guard = Guard(lambda: now[0], lambda name, flow: (False, False))
    flow = Flow("udp", ("192.0.2.100", 5060), ("203.0.113.9", 4000))
    told = sum(guard.may_tell(flow) for _ in range(5000))
    assert told == 1000
    assert guard.may_answer(flow)
    now[0] = 1.0
    assert sum(guard.may_tell(flow) for _ in range(5000)) == 100
    assert guard.may_tell(Flow("udp", flow.local, ("203.0.113.10", 4000)))
