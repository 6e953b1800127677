from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

import msgspec
import pytest
from tests.unit.api.conftest import Web

from tongdai.api.guesses import ADDRESS_FREE, EMAIL_FREE, PAIR_FREE, Guesses
from tongdai.core.proxies import Header, Proxies

LAN = {"email": "lan@anphat.demo", "password": "anphat-login-101"}


async def test_each_role_signs_in_and_is_told_who_he_is(web: Web):
    roles = [(await client.get("/api/v1/me")).json()["role"] for client in (
        await web.provider(), await web.admin(), await web.employee()
    )]  # fmt: skip
    assert roles == ["provider", "administrator", "employee"]


async def test_the_cookie_is_no_scripts_and_no_other_sites(web: Web):
    answer = await web.anybody.post("/api/v1/sign-in", json=LAN)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


async def test_a_page_of_another_origin_cannot_act(web: Web):
    client = await web.employee()
    for headers in ({"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        refused = await client.post("/api/v1/sign-out", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "foreign_origin")
    own = await client.post("/api/v1/sign-out", headers={"Origin": "http://pbx.test"})
    assert own.status_code == 204
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_a_session_that_was_ended_elsewhere_works_no_longer(web: Web):
    one, other = await web.employee(), await web.employee()
    sessions = (await one.get("/api/v1/me/sessions")).json()
    theirs = next(x["id"] for x in sessions if not x["current"])
    assert (await one.delete(f"/api/v1/me/sessions/{theirs}")).status_code == 204
    assert (await other.get("/api/v1/me")).status_code == 401
    assert (await one.get("/api/v1/me")).status_code == 200


async def test_nobody_ends_anothers_session(web: Web):
    one, other = await web.employee(0), await web.employee(1)
    theirs = (await other.get("/api/v1/me/sessions")).json()[0]["id"]
    assert (await one.delete(f"/api/v1/me/sessions/{theirs}")).status_code == 404
    assert (await other.get("/api/v1/me")).status_code == 200


async def test_a_token_is_a_bearer_and_no_cookie(web: Web):
    admin = await web.admin()
    made = (await admin.post("/api/v1/me/tokens", json={"name": "CRM"})).json()
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    assert (await web.anybody.get("/api/v1/me", headers=bearer)).json()["role"] == "administrator"
    cookie = {"Cookie": f"tongdai_session={made['secret']}"}
    assert (await web.anybody.get("/api/v1/me", headers=cookie)).status_code == 401
    assert "secret" not in (await admin.get("/api/v1/me/tokens")).json()[0]
    await admin.delete(f"/api/v1/me/tokens/{made['id']}")
    assert (await web.anybody.get("/api/v1/me", headers=bearer)).status_code == 401


async def test_sessions_and_tokens_expire(web: Web):
    client = await web.employee()
    web.clock.advance(31 * 86_400)
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_a_new_password_ends_the_other_sessions(web: Web):
    one, other = await web.employee(), await web.employee()
    change = {"current": LAN["password"], "password": "another-long-one"}
    assert (await one.put("/api/v1/me/password", json={**change, "current": "x"})).status_code == 422
    assert (await one.put("/api/v1/me/password", json=change)).status_code == 204
    assert (await one.get("/api/v1/me")).status_code == 200
    assert (await other.get("/api/v1/me")).status_code == 401
    await web.sign_in(LAN["email"], "another-long-one")


async def test_who_does_not_exist_is_refused_alike(web: Web):
    wrong = await web.anybody.post("/api/v1/sign-in", json={**LAN, "password": "wrong"})
    nobody = await web.anybody.post("/api/v1/sign-in", json={"email": "no@where", "password": "wrong"})
    assert (wrong.status_code, wrong.content) == (nobody.status_code, nobody.content) == (401, wrong.content)


async def test_a_guesser_is_slowed_and_his_office_is_not(web: Web):
    """One phone behind the office's address has an old password stored and tries it for ever."""
    for _ in range(PAIR_FREE):
        assert (await web.anybody.post("/api/v1/sign-in", json={**LAN, "password": "x"})).status_code == 401
    slowed = await web.anybody.post("/api/v1/sign-in", json=LAN)
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) >= 1
    await web.employee(1)
    web.clock.advance(3)
    await web.sign_in(**LAN)


async def _guesses(web: Web, peer: str, headers: Sequence[Mapping[str, str]]) -> list[int]:
    """How a wrong password for another account each time is answered, `peer` being who sends it to us."""
    async with web.client(peer) as client:
        return [
            (
                await client.post(
                    "/api/v1/sign-in", json={"email": f"p{n}@x.test", "password": "x"}, headers=more
                )
            ).status_code
            for n, more in enumerate(headers)
        ]


def _behind(web: Web, header: Header = "x-forwarded-for") -> None:
    proxies = Proxies([ipaddress.ip_network("127.0.0.1")], header)
    web.app.state.context = msgspec.structs.replace(web.context, proxies=proxies)


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded"])
async def test_behind_a_proxy_of_ours_guessers_are_told_apart(web: Web, header: Header):
    """They all had the proxy's address: one guesser slowed everybody who was not known yet."""
    form = "for={}" if header == "forwarded" else "{}"
    _behind(web, header)
    name: str = header
    guesser, other = ({name: form.format(x)} for x in ("198.51.100.7", "203.0.113.9"))
    assert (await _guesses(web, "127.0.0.1", [guesser] * (ADDRESS_FREE + 1)))[-1] == 429
    assert await _guesses(web, "127.0.0.1", [other]) == [401]
    signed_in = web.client("127.0.0.1")
    await signed_in.post("/api/v1/sign-in", json=LAN, headers=other)
    (session,) = (await signed_in.get("/api/v1/me/sessions", headers=other)).json()
    assert session["address"] == "203.0.113.9"


@pytest.mark.parametrize("peer", ["127.0.0.1", "198.51.100.7"])
async def test_a_stranger_is_not_believed_about_where_he_is(web: Web, peer: str):
    """Another address with each guess: sent by a stranger to us, or before what our proxy adds to it."""
    _behind(web)
    ours = ", 198.51.100.7" if peer == "127.0.0.1" else ""
    claims = [{"X-Forwarded-For": f"203.0.113.{n}{ours}"} for n in range(ADDRESS_FREE + 1)]
    assert (await _guesses(web, peer, claims))[-1] == 429


async def test_the_other_header_is_not_looked_at(web: Web):
    """A proxy passes on what it does not write itself."""
    _behind(web)
    claims = [
        {"Forwarded": f"for=203.0.113.{n}", "X-Forwarded-For": "198.51.100.7"}
        for n in range(ADDRESS_FREE + 1)
    ]
    assert (await _guesses(web, "127.0.0.1", claims))[-1] == 429


async def test_nobody_is_believed_unless_he_is_named(web: Web):
    claims = [{"X-Forwarded-For": f"203.0.113.{n}"} for n in range(ADDRESS_FREE + 1)]
    assert (await _guesses(web, "127.0.0.1", claims))[-1] == 429


def test_the_owner_at_his_desk_is_not_shut_out_by_guessers_elsewhere():
    guesses = Guesses()
    guesses.succeeded("192.0.2.1", "lan")
    for i in range(10 * EMAIL_FREE):
        guesses.failed(f"198.51.100.{i}", "lan", now=0.0)
    assert guesses.wait("203.0.113.1", "lan", now=0.0) > 60, "whoever else comes waits"
    assert guesses.wait("192.0.2.1", "lan", now=0.0) == 0


def test_trying_many_accounts_from_one_address_is_slowed_but_not_for_who_works_there():
    guesses = Guesses()
    guesses.succeeded("192.0.2.1", "minh")
    for i in range(40):
        guesses.failed("192.0.2.1", f"person{i}", now=0.0)
    assert guesses.wait("192.0.2.1", "person99", now=0.0) > 60
    assert guesses.wait("192.0.2.1", "minh", now=0.0) == 0


def test_a_whole_office_signs_in_in_the_morning_and_nobody_waits():
    guesses = Guesses()
    for i in range(100):
        assert guesses.wait("192.0.2.1", f"person{i}", now=float(i)) == 0
        guesses.failed("192.0.2.1", f"person{i}", now=float(i))
        guesses.succeeded("192.0.2.1", f"person{i}")


def test_who_knows_one_password_guesses_no_faster_at_others():
    guesses = Guesses()
    for i in range(40):
        guesses.failed("192.0.2.1", "own", now=0.0)
        guesses.succeeded("192.0.2.1", "own")
        guesses.failed("192.0.2.1", f"person{i}", now=0.0)
    assert guesses.wait("192.0.2.1", "person99", now=0.0) > 60
