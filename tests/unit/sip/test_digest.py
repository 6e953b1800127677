"""Digest authentication against the RFCs' own examples, and against thieves."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tongdai.sip.digest import Algorithm, Credentials, DigestClient, DigestServer, Verdict, ha1
from tongdai.sip.message import Headers, Request, Response

REALM = "tongdai"
ACCOUNTS: dict[str, dict[Algorithm, str]] = {
    "lan": {"MD5": ha1("lan", REALM, "secret", "MD5"), "SHA-256": ha1("lan", REALM, "secret", "SHA-256")}
}


def lookup(name: str) -> Mapping[Algorithm, str] | None:
    return ACCOUNTS.get(name)


class Desk:
    """A server, a client and the time."""

    def __init__(self, **options: float) -> None:
        self.server = DigestServer(b"s" * 32, **options)  # type: ignore[arg-type]
        self.now = 5000.0

    def challenge(self, **options: object) -> Response:
        return Response(401, "", headers=Headers.of(self.server.challenge(REALM, self.now, **options)))  # type: ignore[arg-type]

    def answer(
        self,
        challenge: Response,
        name: str = "lan",
        password: str = "secret",
        method: str = "REGISTER",
        uri: str = "sip:tongdai",
    ) -> Request:
        header = DigestClient(Credentials(name, password), lambda: "c").answer(challenge, method, uri)
        assert header is not None
        return Request(method, uri, headers=Headers.of([header]))

    def verify(self, request: Request, algorithms: tuple[Algorithm, ...] = ("MD5",)) -> Verdict:
        return self.server.verify(request, REALM, self.now, lookup, algorithms=algorithms).verdict


def test_the_example_of_rfc_7616() -> None:
    """§3.9.1, both algorithms."""
    for algorithm, expected in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        line = (
            'Digest realm="http-auth@example.org", qop="auth, auth-int", '
            f'algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
            'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
        )
        challenge = Response(401, "", headers=Headers.of([("WWW-Authenticate", line)]))
        client = DigestClient(
            Credentials("Mufasa", "Circle of Life", "http-auth@example.org"),
            lambda: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        )
        answer = client.answer(challenge, "GET", "/dir/index.html")
        assert answer is not None
        assert f'response="{expected}"' in answer[1]
        assert 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' in answer[1]


def test_the_example_of_rfc_2069_style_without_qop() -> None:
    """RFC 2617 §3.5 without its qop: what phones from before 1999 send."""
    challenge = Response(401, "", headers=Headers.of([("WWW-Authenticate", 'Digest realm="r", nonce="n"')]))
    answer = DigestClient(Credentials("u", "p"), lambda: "c").answer(challenge, "REGISTER", "sip:r")
    assert answer is not None
    assert "nc=" not in answer[1]
    assert "qop" not in answer[1]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_the_right_password_passes(algorithm: Algorithm) -> None:
    desk = Desk()
    request = desk.answer(desk.challenge(algorithms=[algorithm]))
    assert desk.verify(request, ("MD5", "SHA-256")) is Verdict.OK


def test_md5_is_listed_first_and_chosen() -> None:
    desk = Desk()
    challenge = desk.challenge(algorithms=["MD5", "SHA-256"])
    lines = challenge.headers.get_all("WWW-Authenticate")
    assert ["algorithm=MD5" in lines[0], "algorithm=SHA-256" in lines[1]] == [True, True]
    assert "algorithm=MD5" in (desk.answer(challenge).headers.get("Authorization") or "")


@pytest.mark.parametrize(("name", "password"), [("lan", "wrong"), ("nobody", "secret"), ("nobody", "")])
def test_wrong_password_and_unknown_name_look_alike(name: str, password: str) -> None:
    desk = Desk()
    assert desk.verify(desk.answer(desk.challenge(), name, password)) is Verdict.WRONG


def test_nothing_or_a_foreign_challenge_is_missing() -> None:
    desk = Desk()
    assert desk.verify(Request("REGISTER", "sip:tongdai")) is Verdict.MISSING
    other = Response(401, "", headers=Headers.of(DigestServer(b"x" * 32).challenge(REALM, desk.now)))
    assert desk.verify(desk.answer(other)) is Verdict.MISSING
    elsewhere = Response(401, "", headers=Headers.of(desk.server.challenge("other realm", desk.now)))
    assert desk.verify(desk.answer(elsewhere)) is Verdict.MISSING
    sha = desk.challenge(algorithms=["SHA-256"])
    assert desk.verify(desk.answer(sha), ("MD5",)) is Verdict.MISSING


def test_a_replay_is_stale_and_a_higher_count_is_not() -> None:
    desk = Desk()
    request = desk.answer(desk.challenge())
    assert [desk.verify(request), desk.verify(request)] == [Verdict.OK, Verdict.STALE]
    # the same nonce, counted on by hand
    value = (request.headers.get("Authorization") or "").replace("nc=00000001", "nc=00000002")
    nonce = value.split('nonce="')[1].split('"')[0]
    from tongdai.sip.digest import _response

    stored = ACCOUNTS["lan"]["MD5"]
    fields = {"nonce": nonce, "nc": "00000002", "cnonce": "c"}
    right = _response(stored, fields, "REGISTER", "sip:tongdai", "MD5", "auth")
    before = value.split('response="')[1].split('"')[0]
    again = Request(
        "REGISTER", "sip:tongdai", headers=Headers.of([("Authorization", value.replace(before, right))])
    )
    assert [desk.verify(again), desk.verify(again)] == [Verdict.OK, Verdict.STALE]


def test_a_replay_is_refused_as_long_as_the_nonce_lives() -> None:
    desk = Desk()
    first = desk.answer(desk.challenge())
    assert desk.verify(first) is Verdict.OK
    for _ in range(6):
        desk.now += 9
        assert desk.verify(desk.answer(desk.challenge())) is Verdict.OK
        assert desk.verify(first) is Verdict.STALE


def test_who_goes_on_in_the_place_of_another_knows_its_challenges_and_what_was_used() -> None:
    desk = Desk()
    first, second = desk.challenge(), desk.challenge()
    used = desk.answer(first)
    assert desk.verify(used) is Verdict.OK
    former = desk.server
    desk.server = DigestServer(b"s" * 32, not_before=desk.now)
    desk.server.go_on(former.state)
    assert desk.verify(used) is Verdict.STALE
    assert desk.verify(desk.answer(second)) is Verdict.OK
    assert desk.challenge().headers.get("WWW-Authenticate") not in (
        first.headers.get("WWW-Authenticate"),
        second.headers.get("WWW-Authenticate"),
    )


def test_a_nonce_ends_after_a_minute() -> None:
    desk = Desk()
    request = desk.answer(desk.challenge())
    desk.now += 61
    assert desk.verify(request) is Verdict.STALE
    assert desk.verify(desk.answer(desk.challenge(stale=True))) is Verdict.OK


def test_a_wrong_password_is_never_called_stale() -> None:
    desk = Desk()
    request = desk.answer(desk.challenge(), password="wrong")
    desk.now += 61
    assert desk.verify(request) is Verdict.WRONG


def test_a_digest_of_another_request_is_wrong() -> None:
    """Threat 3: a captured digest used for another number or method."""
    desk = Desk()
    for method, uri in (("INVITE", "sip:+8829999@tongdai"), ("REGISTER", "sip:101@other")):
        request = desk.answer(desk.challenge(), method="REGISTER", uri="sip:101@tongdai")
        assert desk.verify(Request(method, uri, headers=request.headers.copy())) is Verdict.WRONG


def test_a_digest_uri_without_user_names_the_server() -> None:
    """SIPp signs sip:host:port, whatever the Request-URI."""
    desk = Desk()
    request = desk.answer(desk.challenge(), method="INVITE", uri="sip:127.0.0.1:5060")
    assert desk.verify(Request("INVITE", "sip:102@tongdai", headers=request.headers.copy())) is Verdict.OK


SIGNED = 'Digest username="a", realm="tongdai", nonce="1-1-x", uri="sip:x", response="0"'


@pytest.mark.parametrize(
    "value",
    [
        "Digest",
        'Digest realm="tongdai"',
        'Digest realm="tongdai", realm="tongdai"',
        f"{SIGNED}, qop=auth",
        f'{SIGNED}, qop=auth, nc=zz, cnonce="a"',
        f'{SIGNED}, qop=auth-int, nc=1, cnonce="a"',
        "Digest =",
        'Digest username="\x00',
    ],
)
def test_malformed_credentials_never_pass(value: str) -> None:
    verdict = Desk().verify(
        Request("REGISTER", "sip:tongdai", headers=Headers.of([("Authorization", value)]))
    )
    assert verdict in (Verdict.MALFORMED, Verdict.MISSING)


def test_memory_is_bounded_and_old_nonces_become_stale() -> None:
    desk = Desk(max_nonces=3)
    early = desk.answer(desk.challenge())
    assert desk.verify(early) is Verdict.OK
    for _ in range(10):
        desk.now += 0.1
        desk.verify(desk.answer(desk.challenge()))
    assert desk.verify(early) is Verdict.STALE
    desk.now += 0.1
    assert desk.verify(desk.answer(desk.challenge())) in (Verdict.OK, Verdict.STALE)
    assert len(desk.server._counts) + len(desk.server._older_counts) <= 3


def test_the_client_answers_a_challenge_once_and_a_stale_one_again() -> None:
    desk = Desk()
    client = DigestClient(Credentials("lan", "secret"), lambda: "c")
    assert client.answer(desk.challenge(), "REGISTER", "sip:x") is not None
    assert client.answer(desk.challenge(), "REGISTER", "sip:x") is None
    assert client.answer(desk.challenge(stale=True), "REGISTER", "sip:x") is not None


def test_the_client_answers_only_its_realm_and_what_it_can() -> None:
    for credentials, line in (
        (Credentials("u", "p", "mine"), 'Digest realm="other", nonce="n"'),
        (Credentials("u", "p"), 'Digest realm="r", nonce="n", algorithm=SHA-512-256'),
        (Credentials("u", "p"), 'Digest realm="r", nonce="n", qop="auth-int"'),
        (Credentials("u", "p"), 'Digest nonce="n"'),
        (Credentials("u", "p"), 'Basic realm="r"'),
        (Credentials("u", "p"), "Digest realm"),
    ):
        challenge = Response(407, "", headers=Headers.of([("Proxy-Authenticate", line)]))
        assert DigestClient(credentials, lambda: "c").answer(challenge, "INVITE", "sip:x") is None


def test_a_password_is_not_printed() -> None:
    assert "secret" not in repr(Credentials("lan", "secret"))


def test_a_nonce_of_the_process_before_is_stale_and_not_wrong() -> None:
    """A phone that is not told so takes a second challenge for a refused password."""
    desk = Desk()
    request = desk.answer(desk.challenge())
    after = Desk(not_before=desk.now + 1)
    after.now = desk.now + 2
    assert after.verify(request) is Verdict.STALE
    assert after.verify(after.answer(after.challenge())) is Verdict.OK
    wrong = desk.answer(desk.challenge(), password="guessed")
    assert after.verify(wrong) is Verdict.WRONG
