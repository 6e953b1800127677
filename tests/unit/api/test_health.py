"""How this installation fares, and who is told."""

from __future__ import annotations

import ipaddress

import msgspec
import pytest
from tests.unit.api.conftest import Web

PLACES = ("/healthz", "/metrics", "/metrics/control")


@pytest.mark.parametrize("place", PLACES)
async def test_only_this_machine_is_told_unless_networks_are_named(web: Web, place: str):
    """Behind a proxy that speaks TLS for us everybody comes from loopback."""

    async def asked(address: str, **headers: str) -> int:
        async with web.client(address) as client:
            return (await client.get(place, headers=headers)).status_code

    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert await asked(address) == 200
    for headers in ({"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}):
        assert await asked("127.0.0.1", **headers) == 404
    assert await asked("10.1.2.3") == 404
    named = msgspec.structs.replace(web.context, watchers=[ipaddress.ip_network("10.1.2.0/24")])
    web.app.state.context = named
    assert await asked("10.1.2.3") == 200
    assert await asked("10.1.3.3") == 404


async def test_each_process_tells_prometheus_of_itself(web: Web):
    admin = await web.admin()
    await admin.get("/api/v1/me")
    own = (await web.anybody.get("/metrics")).text
    assert 'tongdai_web_requests_total{method="GET",status="200"} 1.0' in own
    assert "process_resident_memory_bytes" in own
    assert "tongdai_control_calls 0.0" in (await web.anybody.get("/metrics/control")).text
    web.control.silent = True
    health = await web.anybody.get("/healthz")
    assert (health.status_code, health.json()["control"]) == (503, False)
