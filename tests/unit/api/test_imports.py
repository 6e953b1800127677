from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.unit.api.conftest import Web

CSV = {"Content-Type": "text/csv"}
TABLE = """name;extension;email;role;password
Thu Hà;117;ha@anphat.demo;;a long password
"Nguyen, Lan";101;lan@anphat.demo;;
Minh Tran;;minh@anphat.demo;employee;

Bảo;118;;administrator;
"""


async def _send(web: Web, client: httpx.AsyncClient, table: str | bytes, preview: bool = False) -> Any:
    place = f"{web.tenant()}/imports/people" + ("?preview=true" if preview else "")
    content = table.encode() if isinstance(table, str) else table
    answer = await client.post(place, content=content, headers=CSV)
    return answer.status_code, answer.json()


async def test_a_preview_tells_of_every_row_and_changes_nothing(web: Web):
    admin = await web.admin()
    before = (await admin.get(web.tenant() + "/people")).json()
    status, told = await _send(web, admin, TABLE, preview=True)
    assert status == 200, told
    assert [(x["line"], x["action"], x["changes"]) for x in told["rows"]] == [
        (2, "create", []),
        (3, "change", ["name"]),
        (4, "nothing", []),
        (6, "create", []),
    ]
    assert (told["preview"], told["created"], told["changed"], told["unchanged"]) == (True, 2, 1, 1)
    assert (await admin.get(web.tenant() + "/people")).json() == before
    assert web.control.served() == []


async def test_people_come_all_at_once_and_a_second_time_nothing_happens(web: Web):
    admin = await web.admin()
    status, told = await _send(web, admin, TABLE)
    assert (status, told["created"], told["refused"]) == (200, 2, 0), told
    (served,) = web.control.served()
    assert {"117", "118"} <= {x.extension for x in served.part.tenants[0].people}
    await web.sign_in("ha@anphat.demo", "a long password")
    bao = next(x["person"] for x in told["rows"] if x["name"] == "Bảo")
    assert (await admin.get(f"{web.tenant()}/people/{bao}")).json()["role"] == "administrator"
    _, again = await _send(web, admin, TABLE)
    assert (again["unchanged"], again["created"], again["changed"]) == (4, 0, 0)
    entry = (await admin.get(web.tenant() + "/audit", params={"action": "person.import"})).json()["items"][-1]
    assert "long password" not in str(entry)


async def test_one_bad_row_and_nobody_comes(web: Web):
    admin = await web.admin()
    table = (
        "name,extension,email,role\n"
        "Good,117,,\nTaken,200,,\nShadow,112,,\nTwice,117,other@x.example,\n,119,,\nOdd,,,boss\n"
        "Theirs,,thao@binhminh.demo,\n"
    )
    status, told = await _send(web, admin, table, preview=True)
    errors = {x["line"]: (x["error"]["code"], x["error"]["field"]) for x in told["rows"] if x["error"]}
    assert errors == {
        3: ("extension_taken", "extension"),
        4: ("shadows_emergency", "extension"),
        5: ("row_twice", ""),
        6: ("bad_name", "name"),
        7: ("bad_role", "role"),
        8: ("email_taken", "email"),
    }
    assert all(x["error"]["remedy"] for x in told["rows"] if x["error"])
    status, problem = await _send(web, admin, table)
    assert (status, problem["code"], len(problem["errors"])) == (422, "rows_refused", 6)
    assert problem["errors"][0]["field"] == "line 3 extension"
    assert (await admin.get(web.tenant() + "/people", params={"q": "Good"})).json()["items"] == []
    assert web.control.served() == []


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (b"\xff\xfe\x00", "not UTF-8"),
        ("", "names no columns"),
        ("name,colour\nx,red\n", "'colour'"),
        ("extension\n101\n", "names no columns"),
        ("name,extension\n", "nobody in it"),
        ("name\na,b\n", "more columns"),
        ('name\n"a\n', "no CSV"),
        ("name\n" + "a\n" * 1001, "1001 people"),
    ],
)
async def test_what_is_no_table_is_told_in_words(web: Web, table: str | bytes, words: str):
    status, problem = await _send(web, await web.admin(), table, preview=True)
    assert (status, problem["code"]) == (422, "bad_table")
    assert words in problem["detail"]
    assert problem["remedy"]
