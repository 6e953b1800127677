from __future__ import annotations

import httpx
from tests.unit.api.conftest import Web

from tongdai.api.app import make_app, openapi
from tongdai.app.demo.outside_phone import OutsidePhone, Reachable
from tongdai.app.demo.outside_route import outside_router

PLACE = "/api/v1/demo/outside-phone"


def with_outside(web: Web) -> httpx.ASGITransport:
    companies = [
        Reachable(x.id, x.name, x.numbers["main"], x.numbers["conference"], x.conference_pin)
        for x in web.seeded.tenants
    ]
    phone = OutsidePhone("Customer", "+84912345678", "outside", "secret", "outside.demo", companies)
    return httpx.ASGITransport(make_app(web.context, [outside_router(phone)]))


async def test_who_is_signed_in_may_be_a_phone_outside(web: Web):
    lan = await web.employee()
    async with httpx.AsyncClient(
        transport=with_outside(web), base_url="http://pbx.test", cookies=lan.cookies
    ) as page:
        told = (await page.get(PLACE)).json()
    assert (told["username"], told["password"], told["domain"]) == ("outside", "secret", "outside.demo")
    assert told["socket"] == {"port": 8088, "secure": False}
    assert [(x["name"], x["own"], x["conference_pin"]) for x in told["companies"]] == [
        ("An Phát Trading", True, "2468"),
        ("Bình Minh Clinic", False, None),
    ]


async def test_a_stranger_may_not(web: Web):
    async with httpx.AsyncClient(transport=with_outside(web), base_url="http://pbx.test") as page:
        assert (await page.get(PLACE)).status_code == 401


async def test_a_server_that_is_no_demo_has_nothing_of_it(web: Web):
    lan = await web.employee()
    assert (await lan.get(PLACE)).status_code == 404
    assert not [path for path in openapi()["paths"] if "demo" in path]
