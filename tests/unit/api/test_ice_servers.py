"""What a browser phone is told of STUN and TURN."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.api.conftest import Web

from tongdai.core.turn import SECONDS, TurnServers

PLACE = "/api/v1/me/ice-servers"
URLS = ("turn:turn.example.net:3478", "stun:turn.example.net", "turns:turn.example.net:5349?transport=tcp")


@pytest.fixture
def turn(web: Web) -> TurnServers:
    turn = TurnServers(URLS, secret="north")
    web.app.state.context = msgspec.structs.replace(web.context, turn=turn)
    return turn


async def test_an_employee_gets_credentials_that_are_only_his(web: Web, turn: TurnServers):
    employee, other, theirs = await web.employee(1), await web.employee(2), await web.employee(1, 1)
    seen = set()
    for client in (employee, other, theirs):
        answer = await client.get(PLACE)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        stun, relay = answer.json()["ice_servers"]
        assert stun == {"urls": [URLS[1]]}
        assert relay["urls"] == [URLS[0], URLS[2]]
        person = (await client.get("/api/v1/me")).json()["person"]
        username, password, _ = turn.credentials(person, web.clock.wall())
        assert (relay["username"], relay["credential"]) == (username, password)
        assert username == f"{int(web.clock.wall()) + SECONDS}:{person}"
        seen.add((username, password))
    assert len(seen) == 3


async def test_they_are_made_anew(web: Web, turn: TurnServers):
    employee = await web.employee(1)
    first = (await employee.get(PLACE)).json()
    web.clock.advance(60)
    second = (await employee.get(PLACE)).json()
    assert first["expires"] < second["expires"]
    assert first["ice_servers"][1]["credential"] != second["ice_servers"][1]["credential"]


async def test_nobody_else_gets_any(web: Web, turn: TurnServers):
    assert (await web.anybody.get(PLACE)).status_code == 401
    forged = await web.anybody.get(PLACE, headers={"Authorization": "Bearer nothing"})
    assert forged.status_code == 401
    provider = await (await web.provider()).get(PLACE)
    assert (provider.status_code, provider.json()["code"]) == (403, "not_permitted")
    assert "north" not in provider.text


async def test_without_servers_there_are_none(web: Web):
    answer = await (await web.employee(1)).get(PLACE)
    assert (answer.status_code, answer.json()["ice_servers"]) == (200, [])
