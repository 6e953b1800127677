from __future__ import annotations

from tests.unit.api.conftest import Web


async def test_limits_of_outside_calls_are_the_providers(web: Web):
    """An administrator whose account was stolen must not lift what bounds the damage."""
    admin, provider = await web.admin(), await web.provider()
    refused = await admin.patch(web.tenant(), json={"outside_calls": 0})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    changed = await provider.patch(web.tenant(), json={"outside_calls": 5, "outside_per_second": 0.5})
    assert (changed.json()["outside_calls"], changed.json()["outside_per_second"]) == (5, 0.5)
    assert web.control.served()[-1].part.tenants[0].outside_calls == 5
    assert (await admin.patch(web.tenant(), json={"name": "An Phát"})).json()["outside_calls"] == 5
