"""What callers are told, in tongdai's voice or the company's own."""

from __future__ import annotations

from tests.unit.api.conftest import Web
from tests.unit.api.sounds import WAV, tone

from tongdai.speech import phrases

KEY = "/phrases/queue.welcome"


async def test_every_phrase_is_listed_as_the_company_speaks(web: Web):
    admin = await web.admin()
    english = (await admin.get(web.tenant() + "/phrases")).json()
    assert [x["key"] for x in english] == list(phrases.CATALOGUES["en"])
    assert all(x["text"] and not x["own"] and x["prompt"] is None for x in english)
    assert (await admin.patch(web.tenant(), json={"language": "vi"})).status_code == 200
    vietnamese = (await admin.get(web.tenant() + "/phrases")).json()
    assert vietnamese[0]["text"] == phrases.sample(vietnamese[0]["key"], "vi") != english[0]["text"]


async def test_a_phrase_is_replaced_and_spoken_again(web: Web):
    admin, place = await web.admin(), web.tenant() + KEY
    spoken = (await admin.get(place + "/sound")).content
    assert spoken[:4] == b"RIFF"
    before = await admin.get(place)
    made = await admin.post(web.tenant() + "/prompts/upload?name=Hello", content=tone(), headers=WAV)
    prompt = made.json()["id"]
    stale = await admin.put(place, json={"prompt": prompt}, headers={"If-Match": '"stale"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    chosen = await admin.put(place, json={"prompt": prompt}, headers={"If-Match": before.headers["etag"]})
    assert (chosen.status_code, chosen.json()["own"]) == (200, True), chosen.text
    assert chosen.json()["prompt"]["uses"] == [{"kind": "phrase", "name": "queue.welcome"}]
    served = web.control.served()[-1].part.tenants[0].phrases
    assert [x.key for x in served] == ["queue.welcome"]
    own = (await admin.get(place + "/sound")).content
    assert own == (await admin.get(f"{web.tenant()}/prompts/{prompt}/sound")).content != spoken
    assert (await admin.delete(f"{web.tenant()}/prompts/{prompt}")).json()["code"] == "prompt_in_use"
    back = await admin.put(place, json={"prompt": None})
    assert (back.json()["own"], back.json()["prompt"]) == (False, None)
    assert (await admin.get(place + "/sound")).content == spoken
    again = await admin.put(place, json={"prompt": None})
    assert again.status_code == 200, "there is nothing to take back, and nothing wrong with that"
    entries = (await admin.get(web.tenant() + "/audit", params={"action": "phrase."})).json()["items"]
    told = [x["changes"] for x in entries]
    assert len(told) == 3
    assert {"sound": {"from": "Hello", "to": None}} in told
    assert {"sound": {"from": None, "to": "Hello"}} in told
    assert {} in told


async def test_a_phrase_with_a_name_in_it_can_be_listened_to(web: Web):
    admin = await web.admin()
    answer = await admin.get(web.tenant() + "/phrases/voicemail.greeting.person/sound")
    assert (answer.status_code, answer.content[:4]) == (200, b"RIFF")


async def test_what_is_no_phrase_does_not_exist(web: Web):
    admin, lan = await web.admin(), await web.employee()
    for method in ("GET", "PUT"):
        answer = await admin.request(method, web.tenant() + "/phrases/no.such", json={"prompt": None})
        assert (answer.status_code, answer.json()["code"]) == (404, "phrase_not_found")
    assert (await admin.get(web.tenant() + "/phrases/..%2Fx")).status_code in (404, 422)
    assert (await lan.get(web.tenant() + "/phrases")).status_code == 403
