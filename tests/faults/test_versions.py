"""A version and the next one read what each other writes: there and back again, with calls in progress."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.faults.outage import (
    AGAIN,
    SLOW,
    administrator,
    is_quiet,
    kill_control,
    leave_a_message,
    records,
    until,
)
from tests.faults.upgrade import Upgrade, product
from tests.faults.version import NEXT, Change, another_version
from tests.interop.conftest import Phones
from tests.interop.demo import Demo
from tests.interop.phones.call import RawCall
from tests.interop.talk import dial, hear_each_other, talk

pytestmark = pytest.mark.faults


def one_more(file: str, before: str, more: str) -> Change:
    return file, before, before + more


A_FIELD = '    weather: str = msgspec.field(default_factory=lambda: "fine")\n'
"""Of a struct that leaves its defaults out: this one is written."""
LATER: tuple[Change, ...] = (
    NEXT,
    one_more("calls/model.py", '    asked: str = ""\n', A_FIELD),
    one_more("calls/preferences.py", "    confirm: bool = False\n", A_FIELD),
    one_more("registrar/bindings.py", "    path: tuple[str, ...] = ()\n", '    weather: str = "fine"\n'),
    one_more("legs/leg.py", "    dialog: DialogState | None = None\n", '    weather: str = "fine"\n'),
    one_more(
        "tenants/config.py", "    feature_codes: Mapping[str, str] = {}\n", '    weather: str = "fine"\n'
    ),
    one_more("calllog/log.py", "    epoch: float | None = None\n", '    weather: str = "fine"\n'),
    one_more(
        "db/tables.py", '    Column("tones", Boolean, nullable=False),\n', '    Column("weather", String),\n'
    ),
    (
        "calls/facts.py",
        "class Resumed(",
        "class Whispered(msgspec.Struct, frozen=True, tag=True):\n    leg: str\n\n\nclass Resumed(",
    ),
    one_more("calls/facts.py", "    | Resumed\n", "    | Whispered\n"),
    ("calls/talk.py", "f.Resumed(leg.id)", "f.Whispered(leg.id)"),
)
"""All that is journaled has a field more, and there is a fact that only this version knows."""
MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{last}"


def upgrade() -> None:
    op.add_column("room", sa.Column("weather", sa.String()))
    op.add_column("cdr", sa.Column("weather", sa.String(), nullable=False, server_default="fine"))
    op.create_table("forecast", sa.Column("day", sa.String(), primary_key=True))
"""


def later_version(directory: Path) -> Path:
    import tongdai.db.migrations.versions as versions

    last = max(path.stem for path in Path(versions.__path__[0]).glob("v0*.py"))[1:5]
    migration = {"db/migrations/versions/v9999_next.py": MIGRATION.format(last=last)}
    return another_version(directory, LATER, files=migration)


async def test_each_reads_what_the_other_has_written(demo: Demo, phones: Phones, tmp_path: Path):
    demo.start()
    lan, hoa = await phones.raw(demo.account("101")), await phones.raw(demo.account("103"))
    minh, anna = await phones.raw(demo.account("102")), await phones.raw(demo.account("104"))
    here, later = another_version(tmp_path / "here", ()), later_version(tmp_path / "later")
    first = await talk(lan, hoa, "103")
    await dial(anna, "*78")
    await leave_a_message(minh, 2.0)
    marks = [len(end.rtp.received) for end in first]
    upgrade = await Upgrade.begin(demo, later)
    assert await upgrade.succeeds(), upgrade.said
    assert "next" in await product(minh)
    await hear_each_other(*first)
    await is_quiet(anna, minh, "104")
    await dial(anna, "*79")
    quang = await phones.raw(demo.account("105"))
    second = await talk(minh, quang, "105")
    marks += [len(end.rtp.received) for end in second]
    await dial(hoa, "*78")
    for call in (first[1], second[1]):
        await call.hold()
        await call.resume()
    await leave_a_message(anna, 2.0)
    async with administrator(demo) as (client, path):
        board = await client.post(f"{path}/rooms", json={"name": "Board", "extension": "650"})
        assert board.status_code == 201, board.text
    third = await talk(lan, anna, "104")
    await third[1].hold()
    await third[1].resume()
    await third[0].hang_up()
    await third[1].hung_up()
    await until(lambda: len(records(demo)) == 7, AGAIN * SLOW, f"stored: {len(records(demo))}")

    back = await Upgrade.begin(demo, here)
    assert await back.succeeds(), back.said
    assert "next" not in await product(minh)
    for pair in (first, second):
        await hear_each_other(*pair)
    for end, mark in zip((*first, *second), marks, strict=True):
        assert lost(end, mark) == 0
    await is_quiet(hoa, anna, "103")
    await kill_control(demo, hoa)
    await dial(hoa, "*79")
    async with administrator(demo) as (client, path):
        mai = (await client.get(f"{path}/people", params={"q": "Mai"})).json()["items"][0]["id"]
        assert len((await client.get(f"{path}/mailboxes/{mai}/messages")).json()) == 2
        room = f"{path}/rooms/{board.json()['id']}"
        answer = await client.patch(room, json={"name": "Big board"}, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
        made = await client.post(f"{path}/rooms", json={"name": "Attic", "extension": "651"})
        assert made.status_code == 201, made.text
        assert (await client.delete(room, headers={"If-Match": "*"})).status_code in (200, 204)
    for one, other in (first, second):
        assert (await one.hang_up()).status == 200
        await other.hung_up()
    await until(lambda: len(records(demo)) == 11, AGAIN * SLOW, f"stored: {len(records(demo))}")
    assert len(set(records(demo))) == 11
    for stored in records(demo):
        assert demo.cli("explain", stored)
    demo.stop()


def lost(end: RawCall, mark: int) -> int:
    return end.rtp.lost(mark)
