"""Prompts, hold music and greetings: sound that comes in and goes out."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from tests.unit.api.conftest import Web
from tests.unit.api.sounds import WAV, tone

from tongdai.api.rpc import messages as m
from tongdai.core.tenancy import TenantId
from tongdai.tenants.department.store import rows
from tongdai.tenants.flow import service as flows


async def upload(client: httpx.AsyncClient, base: str, name: str = "Spring") -> httpx.Response:
    return await client.post(f"{base}/prompts/upload", params={"name": name}, content=tone(), headers=WAV)


def left_behind(web: Web) -> list[Path]:
    return [*web.context.data.glob("upload-*"), *web.context.data.glob("blobs/**/*.wav")]


async def test_a_prompt_is_uploaded_listened_to_renamed_and_deleted(web: Web):
    admin = await web.admin()
    made = await upload(admin, web.tenant())
    assert made.status_code == 201, made.text
    assert made.json()["seconds"] == pytest.approx(1.0, abs=0.1)
    assert made.json()["uses"] == []
    place = made.headers["location"]
    heard = await admin.get(place + "/sound", headers={"Range": "bytes=0-3"})
    assert (heard.status_code, heard.content, heard.headers["content-type"]) == (206, b"RIFF", "audio/wav")
    stale = {"If-Match": '"stale"'}
    assert (await admin.patch(place, json={"name": "Tet"}, headers=stale)).status_code == 412
    renamed = await admin.patch(place, json={"name": "Tet"}, headers={"If-Match": made.headers["etag"]})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Tet")
    assert [x["name"] for x in (await admin.get(web.tenant() + "/prompts")).json()["items"]] == ["Tet"]
    assert (await admin.delete(place)).status_code == 204
    assert (await admin.get(place)).status_code == 404
    assert left_behind(web) == []
    entries = (await admin.get(web.tenant() + "/audit", params={"action": "prompt."})).json()["items"]
    assert {x["action"] for x in entries} == {"prompt.create", "prompt.change", "prompt.delete"}


async def test_words_are_heard_before_they_are_kept(web: Web):
    admin = await web.admin()
    words = {"text": "xin chào", "language": "vi"}
    heard = await admin.post(web.tenant() + "/speech", json=words)
    assert heard.status_code == 200, heard.text
    assert heard.content[:4] == b"RIFF"
    assert (await admin.get(web.tenant() + "/prompts")).json()["items"] == []
    key = {"Idempotency-Key": "keep it"}
    asked = {**words, "name": "Chào"}
    made = await admin.post(web.tenant() + "/prompts", json=asked, headers=key)
    again = await admin.post(web.tenant() + "/prompts", json=asked, headers=key)
    assert made.status_code == again.status_code == 201, made.text
    assert (made.json()["text"], made.json()["language"]) == ("xin chào", "vi")
    assert len((await admin.get(web.tenant() + "/prompts")).json()["items"]) == 1
    assert (await admin.get(made.headers["location"] + "/sound")).content == heard.content


async def test_a_prompt_in_use_stays_and_the_refusal_says_where(web: Web):
    admin = await web.admin()
    made = (await upload(admin, web.tenant())).json()
    chosen = await admin.put(web.tenant() + "/hold-music", json={"prompt": made["id"]})
    assert chosen.json()["prompt"]["uses"] == [{"kind": "music", "name": ""}]
    assert web.control.served()[-1].part.tenants[0].music_blob
    tenant = TenantId(web.seeded.tenants[0].id)
    async with web.context.db.write() as connection:
        blob = web.control.served()[-1].part.tenants[0].music_blob
        await flows.create(tenant, connection, b'{"label": "Menu", "nodes": "%s"}' % blob.encode())
    refused = await admin.delete(f"{web.tenant()}/prompts/{made['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "prompt_in_use")
    assert "the flow “Menu”, the hold music" in refused.json()["detail"]
    heard = await admin.get(web.tenant() + "/hold-music/sound")
    assert heard.content == (await admin.get(f"{web.tenant()}/prompts/{made['id']}/sound")).content
    back = await admin.put(web.tenant() + "/hold-music", json={"prompt": None})
    assert back.json() == {"own": False, "prompt": None}


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"RIFF", "text/plain", 415, "not_audio"),
        (b"no sound at all", "audio/wav", 422, "not_sound"),
        (bytes(2 << 20) + b"no film", "Video/WebM; codecs=opus", 422, "not_sound"),
        (tone(0.001), "audio/wav", 422, "too_short"),
        (b"\0" * (21 << 20), "audio/wav", 413, "too_large"),
    ],
)
async def test_what_is_no_sound_is_refused_and_leaves_nothing(
    web: Web, content: bytes, kind: str, status: int, code: str
):
    admin = await web.admin()
    place = web.tenant() + "/prompts/upload?name=x"
    refused = await admin.post(place, content=content, headers={"Content-Type": kind})
    assert refused.status_code == status, refused.text
    assert refused.json()["code"] == code
    assert refused.json()["remedy"]
    assert left_behind(web) == []


async def test_an_upload_is_made_once(web: Web):
    admin, headers = await web.admin(), {**WAV, "Idempotency-Key": "spring"}
    for _ in range(2):
        made = await admin.post(
            web.tenant() + "/prompts/upload?name=Spring", content=tone(), headers=headers
        )  # fmt: skip
        assert made.status_code == 201
    assert len((await admin.get(web.tenant() + "/prompts")).json()["items"]) == 1


async def test_prompts_are_the_administrators_and_of_one_tenant(web: Web):
    admin, lan, clinic = await web.admin(), await web.employee(), await web.admin(1)
    made = (await upload(admin, web.tenant())).json()
    assert (await upload(lan, web.tenant())).status_code == 403
    for method, path in (("GET", ""), ("GET", "/sound"), ("DELETE", "")):
        for base in (web.tenant(), web.tenant(1)):
            refused = await clinic.request(method, f"{base}/prompts/{made['id']}{path}")
            assert refused.status_code == 404
    refused = await clinic.put(web.tenant(1) + "/hold-music", json={"prompt": made["id"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "prompt_not_found")


async def test_a_greeting_is_recorded_heard_and_taken_back_by_whose_it_is(web: Web):
    lan, minh, admin = await web.employee(0), await web.employee(1), await web.admin()
    me, tenant = (await lan.get("/api/v1/me")).json()["person"], web.seeded.tenants[0].id
    web.control.boxes[tenant, me] = m.Mailbox(me, "Lan", "", True, ())
    place = f"{web.tenant()}/mailboxes/{me}/greeting"
    spoken = await lan.get(place + "/sound")
    assert spoken.content[:4] == b"RIFF"
    kept = await lan.put(place + "/sound", content=tone(), headers=WAV)
    assert kept.status_code == 200, kept.text
    assert kept.json()["own_greeting"]
    assert (await lan.get(place + "/sound")).content != spoken.content
    words = {"text": "xin chào", "language": "vi"}
    for stranger in (minh, await web.admin(1)):
        assert (await stranger.put(place + "/sound", content=tone(), headers=WAV)).status_code in (403, 404)
        assert (await stranger.put(place, json=words)).status_code in (403, 404)
        assert (await stranger.delete(place)).status_code in (403, 404)
    assert (await admin.put(place, json=words)).json()["own_greeting"]
    assert (await lan.delete(place)).status_code == 204
    assert not (await lan.get(f"{web.tenant()}/mailboxes/{me}")).json()["own_greeting"]


async def test_a_member_hears_what_is_left_for_his_department(web: Web):
    lan, quang, tenant = await web.employee(0), await web.employee(4), TenantId(web.seeded.tenants[0].id)
    async with web.context.db.read() as connection:
        sales = next(x for x in await rows.where(tenant, connection) if x.name == "Sales")
    me = (await lan.get("/api/v1/me")).json()["person"]
    for owner, name in ((me, "Lan"), (sales.id, "Sales")):
        web.control.boxes[tenant, owner] = m.Mailbox(owner, name, "", False, ())
    assert [x["name"] for x in (await lan.get(web.tenant() + "/mailboxes")).json()] == ["Lan", "Sales"]
    assert (await lan.get(f"{web.tenant()}/mailboxes/{sales.id}/messages")).json() == []
    assert (await quang.get(f"{web.tenant()}/mailboxes/{sales.id}/messages")).status_code == 403
    assert (await lan.delete(f"{web.tenant()}/mailboxes/{sales.id}/greeting")).status_code == 403
