from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest
from tests.unit.app.test_prepare import preparation
from tests.unit.calllog.facts import SWITCHBOARD, T0, VOICEMAIL

from tongdai.app.prepare import prepare
from tongdai.app.reports import explain_call, language_of, list_calls
from tongdai.calllog import store
from tongdai.calllog.words import number
from tongdai.calls.facts import LegMeasured, LoggedFact
from tongdai.core.errors import TongdaiError
from tongdai.db import open_database


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A demo in which one call of each tenant ended, and one goes on."""

    async def fill() -> None:
        asked = preparation(tmp_path)
        tenants = (await prepare(asked)).accounts["tenants"]
        first = [msgspec.structs.replace(x, tenant=tenants[0]["id"]) for x in SWITCHBOARD]
        second = [msgspec.structs.replace(x, call="call_2", tenant=tenants[1]["id"]) for x in VOICEMAIL]
        going = [msgspec.structs.replace(x, call="going", at=x.at + 500) for x in first[:4]]
        db = open_database(asked.plan.db_url)
        first.append(
            LoggedFact("call_1", first[0].tenant, len(first) + 1, T0 + 141, LegMeasured("c", mos=4.3))
        )
        ended = [store.Chunk(facts, ended=True) for facts in (first, second)]
        await store.store(db, [*ended, store.Chunk(going)])
        await db.close()

    asyncio.run(fill())
    return tmp_path


def test_calls_are_listed_for_people(data: Path):
    heading, *rows = list_calls(data, None, 50, "table").splitlines()
    assert heading.split()[:4] == ["call", "started", "tenant", "from"]
    assert len(rows) == 2
    row = next(row for row in rows if "call_1" in row)
    for word in ("anphat.demo", "+84 90 123 45 67", "+84 28 7123 4500", "answered by 102", "2 min 20 s"):
        assert word.replace(" ", "") in row.replace(" ", "")


def test_calls_are_one_line_each_for_a_pipe(data: Path):
    lines = list_calls(data, None, 50, "lines").splitlines()
    assert len(lines) == 2
    assert [line.split("\t")[0] for line in lines] == ["call_1", "call_2"]


def test_calls_are_listed_for_programs_with_every_leg(data: Path):
    calls = json.loads(list_calls(data, None, 50, "json"))
    by_id = {call["call"]: call for call in calls}
    assert by_id["call_1"]["disposition"] == "answered"
    assert by_id["call_1"]["caller"] == "+84901234567"
    assert [leg["leg"] for leg in by_id["call_1"]["legs"]] == ["a", "b", "c"]
    assert len(by_id) == 2, "a call in progress has no record yet"


def test_one_tenants_calls_only(data: Path):
    assert [call["call"] for call in json.loads(list_calls(data, "anphat.demo", 50, "json"))] == ["call_1"]
    with pytest.raises(TongdaiError, match=r"no tenant 'nobody\.demo'"):
        list_calls(data, "nobody.demo", 50, "json")


def test_a_call_is_explained(data: Path):
    lines = explain_call(data, "call_1", "en").splitlines()
    assert "anphat.demo" in lines[0]
    assert "Bảo" in lines[0]
    assert "It goes on." not in lines[0], "how good it sounded is told when the call is over"
    assert lines[2].endswith("→ talked for 2 min 10 s → 102 hung up")
    assert lines[4].endswith("  called +84 28 7123 4500")


def test_a_call_in_progress_is_explained_so_far(data: Path):
    assert "It goes on." in explain_call(data, "going", "en")
    assert explain_call(data, "last", "en") == explain_call(data, "going", "en")


def test_a_call_is_explained_in_the_language_of_the_reader(data: Path):
    lines = explain_call(data, "call_1", "vi").splitlines()
    assert lines[0].startswith("Cuộc gọi call_1 của anphat.demo, ")
    assert lines[0].endswith(f", từ {number('+84901234567')} (Bảo).")
    assert lines[2].endswith("→ nói chuyện 2 phút 10 giây → 102 gác máy")


@pytest.mark.parametrize(
    ("asked", "environment", "language"),
    [
        ("vi", {"LANG": "en_US.UTF-8"}, "vi"),
        ("en", {"LANG": "vi_VN.UTF-8"}, "en"),
        (None, {"LANG": "vi_VN.UTF-8"}, "vi"),
        (None, {"LANG": "vi_VN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        (None, {}, "en"),
    ],
)
def test_the_language_of_the_terminal(asked: str | None, environment: dict[str, str], language: str):
    assert language_of(asked, environment) == language


def test_a_language_that_nobody_speaks_is_an_error():
    with pytest.raises(TongdaiError, match="fr"):
        language_of("fr", {})


@pytest.mark.parametrize(("call", "said"), [("nix", "no call 'nix'"), ("call_", "Several")])
def test_a_call_that_is_not_one_is_an_error(data: Path, call: str, said: str):
    with pytest.raises(TongdaiError, match=said):
        explain_call(data, call, "en")


def test_a_directory_without_data_is_an_error(tmp_path: Path):
    with pytest.raises(TongdaiError, match="--data"):
        list_calls(tmp_path / "nothing", None, 50, "table")
