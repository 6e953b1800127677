from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select

from tongdai.blobs import BlobMissing, LocalBlobs
from tongdai.calls.commands import DiscardRecording, MarkMessage, SaveMessage, SetGreeting, SetPin
from tongdai.calls.model import Party, PartyKind
from tongdai.calls.prompts import Clip, Phrase
from tongdai.core.clock import ManualClock
from tongdai.core.tenancy import TenantId
from tongdai.db import Database, migrate, open_database
from tongdai.db.tables import mailbox_setting, voicemail_message
from tongdai.flows.ports import MailboxView
from tongdai.journal import LocalJournal
from tongdai.journal.refused import Refused
from tongdai.tenants.config import DepartmentConfig, PersonConfig, ProviderConfig, TenantConfig
from tongdai.voicemail import Mailboxes
from tongdai.voicemail.mailboxes import PREFIX

CALLER = Party(PartyKind.OUTSIDE, "+84901234567", "Bảo")
KEY = b"k" * 32


def tenant(id_: str) -> TenantConfig:
    return TenantConfig(
        id=TenantId(id_),
        name="An Phát",
        domain=f"{id_}.demo",
        country="VN",
        language="en",
        ring_seconds=20,
        main_number="+842871234500",
        allowed_countries=frozenset({"VN"}),
        music_blob="",
        sha256_digest=False,
        trunks=(),
        people=(PersonConfig("lan", "Lan Nguyen", "101"),),
        devices=(),
        departments=(DepartmentConfig("sales", "Sales", "200", "ring", ("lan",)),),
        rooms=(),
        flows=(),
        extensions=(),
        numbers=(),
    )


class Office:
    """Mailboxes on real files, which can be killed and started again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = f"sqlite+aiosqlite:///{directory / 'db.sqlite'}"
        self.blobs = LocalBlobs(directory / "blobs")
        self.clock = ManualClock()
        self.changed: list[tuple[str, str]] = []

    async def start(self) -> None:
        self.journal = LocalJournal(self.directory / "journal")
        self.db: Database = open_database(self.url)
        self.mailboxes = Mailboxes(
            ProviderConfig((), (tenant("t1"), tenant("t2"))),
            journal=self.journal,
            blobs=self.blobs,
            db=self.db,
            clock=self.clock,
            key=KEY,
            refused=Refused(self.directory, self.clock),
            linger=0,
            on_change=lambda *whose: self.changed.append(whose),
        )
        await self.mailboxes.open(self.journal.load())

    async def settle(self) -> None:
        """Everything stored, journal empty."""
        await self.mailboxes._behind.flush()
        self.journal.commit()

    async def stop(self) -> None:
        await self.mailboxes.close()
        self.journal.close()
        await self.db.close()

    async def kill(self) -> None:
        """Lose everything that is only in memory, before anything was stored."""
        task = self.mailboxes._behind._task
        assert task is not None
        task.cancel()
        self.journal.commit()
        self.journal.close()
        await self.db.close()

    def message(self, mailbox: str = "lan", tenant: str = "t1", ms: int = 4000) -> str:
        blob = self.blobs.write(tenant, b"RIFF", ".wav")
        self.mailboxes.carry_out(tenant, SaveMessage(mailbox, blob, CALLER, ms, "call_1"))
        return blob

    def view(self, mailbox: str = "lan", tenant: str = "t1") -> MailboxView:
        view = self.mailboxes.view(tenant, mailbox)
        assert view is not None
        return view

    def hide(self) -> None:
        """The database is gone."""
        (self.directory / "db.sqlite").rename(self.directory / "away.sqlite")

    def bring_back(self) -> None:
        (self.directory / "away.sqlite").rename(self.directory / "db.sqlite")

    async def stored(self) -> list[Any]:
        async with self.db.read() as connection:
            return list(await connection.execute(select(voicemail_message)))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    await migrate(office.url)
    await office.start()
    yield office
    await office.stop()


async def test_a_message_is_there_at_once_and_stored_soon(office: Office):
    blob = office.message()
    (message,) = office.view().messages
    assert (message.blob, message.caller, message.ms, message.saved) == (blob, CALLER, 4000, False)
    assert message.at == office.clock.wall()
    await office.settle()
    (row,) = await office.stored()
    assert (row.id, row.tenant, row.mailbox, row.blob, row.call) == (message.id, "t1", "lan", blob, "call_1")
    assert not [key for key in office.journal.load() if key.startswith(PREFIX)], "it is stored: nothing waits"


async def test_messages_are_in_order_of_arrival(office: Office):
    blobs = []
    for _ in range(3):
        blobs.append(office.message())
        office.clock.advance(60)
    assert [message.blob for message in office.view().messages] == blobs


async def test_killed_before_anything_was_stored_nothing_is_lost(office: Office):
    first, second = office.message(), office.message()
    kept = office.view().messages[0]
    office.mailboxes.carry_out("t1", MarkMessage("lan", kept.id))
    office.mailboxes.carry_out("t1", SetPin("lan", "9999"))
    await office.kill()
    await office.start()
    assert [(message.blob, message.saved) for message in office.view().messages] == [
        (first, True),
        (second, False),
    ]
    assert office.mailboxes.check_pin("t1", "lan", "9999")
    await office.settle()
    assert {row.blob: row.saved for row in await office.stored()} == {first: True, second: False}


async def test_killed_between_storing_and_forgetting_nothing_is_there_twice(office: Office):
    office.message()
    journaled = dict(office.journal._pending)
    await office.settle()
    for key, value in journaled.items():
        assert value is not None
        office.journal.put(key, value)
    await office.stop()
    await office.start()
    await office.settle()
    assert len(office.view().messages) == 1
    assert len(await office.stored()) == 1


async def test_a_restart_finds_everything(office: Office):
    office.message()
    greeting = office.blobs.write("t1", b"RIFF", ".wav")
    office.mailboxes.carry_out("t1", SetGreeting("lan", greeting))
    await office.stop()
    await office.start()
    assert len(office.view().messages) == 1
    assert office.view().greeting == Clip(greeting)


async def test_a_deleted_message_goes_with_its_sound(office: Office):
    blob = office.message()
    (message,) = office.view().messages
    await office.settle()
    office.mailboxes.carry_out("t1", MarkMessage("lan", message.id, deleted=True))
    assert office.view().messages == ()
    await office.settle()
    assert await office.stored() == []
    with pytest.raises(BlobMissing):
        office.blobs.read("t1", blob)


async def test_a_discarded_recording_leaves_nothing(office: Office):
    blob = office.blobs.write("t1", b"RIFF", ".wav")
    office.mailboxes.carry_out("t1", DiscardRecording(blob))
    await office.settle()
    with pytest.raises(BlobMissing):
        office.blobs.read("t1", blob)


async def test_until_there_is_a_greeting_one_is_spoken_with_the_owners_name(office: Office):
    assert office.view().greeting == Phrase("voicemail.greeting.person", {"name": "Lan Nguyen"})
    assert office.view("sales").greeting == Phrase("voicemail.greeting.department", {"name": "Sales"})
    assert office.view("sales").label == "Sales"


async def test_a_new_greeting_takes_the_old_ones_place_and_file(office: Office):
    old = office.blobs.write("t1", b"RIFF", ".wav")
    new = office.blobs.write("t1", b"RIFF", ".wav")
    for blob in (old, new):
        office.mailboxes.carry_out("t1", SetGreeting("lan", blob))
    await office.settle()
    assert office.view().greeting == Clip(new)
    assert office.blobs.read("t1", new)
    with pytest.raises(BlobMissing):
        office.blobs.read("t1", old)


async def test_a_pin_is_changed_and_the_old_one_is_over(office: Office):
    assert not office.mailboxes.check_pin("t1", "lan", "4101"), "no PIN was set: none opens"
    assert not office.mailboxes.check_pin("t1", "lan", "")
    office.mailboxes.carry_out("t1", SetPin("lan", "4101"))
    assert office.mailboxes.check_pin("t1", "lan", "4101")
    office.mailboxes.carry_out("t1", SetPin("lan", "5555"))
    assert not office.mailboxes.check_pin("t1", "lan", "4101")
    assert office.mailboxes.check_pin("t1", "lan", "5555")


async def test_another_tenant_gets_what_it_would_get_for_nothing_at_all(office: Office):
    office.message()
    (message,) = office.view().messages
    office.mailboxes.carry_out("t1", SetPin("lan", "4101"))
    assert office.view(tenant="t2").messages == ()
    assert not office.mailboxes.check_pin("t2", "lan", "4101")
    office.mailboxes.carry_out("t2", MarkMessage("lan", message.id, deleted=True))
    await office.settle()
    assert office.view().messages == (message,)
    assert office.mailboxes.view("t3", "lan") is None
    assert office.mailboxes.view("t1", "nobody") is None


async def test_a_mailbox_that_nobody_has_takes_nothing(office: Office):
    office.mailboxes.carry_out("t1", SaveMessage("nobody", "blob", CALLER, 1000, "call_1"))
    await office.settle()
    assert await office.stored() == []


async def test_a_database_that_is_down_keeps_no_caller_waiting(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(office.mailboxes._behind, "_write", _down)
        office.message()
        assert len(office.view().messages) == 1
        await office.kill()
    await office.start()
    await office.settle()
    assert len(await office.stored()) == 1


async def _down(batch: object) -> None:
    raise ConnectionError("the database is down")


async def test_people_come_and_go_with_their_mailboxes(office: Office):
    office.message()
    without = msgspec.structs.replace(
        tenant("t1"), people=(PersonConfig("minh", "Minh Tran", "102"),), departments=()
    )
    office.mailboxes.follow(ProviderConfig((), (without,)))
    assert office.view("minh").label == "Minh Tran"
    for gone in (("t1", "lan"), ("t1", "sales"), ("t2", "lan")):
        assert office.mailboxes.view(*gone) is None
    office.mailboxes.follow(ProviderConfig((), (tenant("t1"),)))
    assert len(office.view().messages) == 1


async def test_begun_without_the_database_it_has_every_message_greeting_and_pin(office: Office):
    """A control that died while the database was gone could not begin before it was back."""
    blobs = []
    for mailbox, tenant in (("lan", "t1"), ("lan", "t1"), ("lan", "t1"), ("sales", "t2")):
        blobs.append(office.message(mailbox, tenant))
        office.clock.advance(60)
    first, second, deleted, third = blobs
    mine = office.view().messages
    office.mailboxes.carry_out("t1", MarkMessage("lan", mine[0].id))
    office.mailboxes.carry_out("t1", MarkMessage("lan", mine[2].id, deleted=True))
    greeting = office.blobs.write("t1", b"RIFF", ".wav")
    office.mailboxes.carry_out("t1", SetGreeting("lan", greeting))
    office.mailboxes.carry_out("t1", SetPin("lan", "9999"))
    before = office.view(), office.view("sales", "t2")
    await office.stop()
    office.hide()
    await office.start()
    assert office.mailboxes.failing
    assert (office.view(), office.view("sales", "t2")) == before
    assert [message.blob for message in before[0].messages] == [first, second]
    assert deleted not in [message.blob for message in office.view().messages]
    assert [message.blob for message in before[1].messages] == [third]
    assert office.mailboxes.check_pin("t1", "lan", "9999")
    assert office.mailboxes.view("t2", "lan") != office.view(), "each tenant has its own"
    # what happens meanwhile survives another crash, and is stored in the end
    fourth = office.message()
    office.mailboxes.carry_out("t1", MarkMessage("lan", mine[0].id, deleted=True))
    await office.kill()
    await office.start()
    assert [message.blob for message in office.view().messages] == [second, fourth]
    office.changed.clear()
    office.bring_back()
    await office.settle()
    assert not office.mailboxes.failing
    assert [message.blob for message in office.view().messages] == [second, fourth]
    assert {row.blob for row in await office.stored()} == {second, third, fourth}
    assert office.changed == [], "nothing is other than it was told"


async def test_what_the_database_says_in_the_end_counts_and_is_told(office: Office):
    office.message()
    office.message("sales", "t2")
    office.mailboxes.carry_out("t1", SetPin("lan", "9999"))
    await office.settle()
    async with office.db.write() as connection:
        await connection.execute(delete(voicemail_message).where(voicemail_message.c.tenant == "t1"))
        await connection.execute(delete(mailbox_setting))
    await office.stop()
    office.hide()
    await office.start()
    assert len(office.view().messages) == 1
    office.changed.clear()
    office.bring_back()
    office.message("sales")
    await office.settle()
    assert office.view().messages == ()
    assert not office.mailboxes.check_pin("t1", "lan", "9999")
    assert office.changed == [("t1", "sales"), ("t1", "lan")]
    office.journal.commit()
    assert [key for key in office.journal.load() if "/t1/lan" in key] == []


async def test_a_change_that_a_later_version_journaled_is_set_aside(office: Office):
    later = {"type": "MessageForwarded", "tenant": "t1", "mailbox": "lan", "to": "sales"}
    office.journal.put(f"{PREFIX}{7:016}", msgspec.msgpack.encode(later))
    await office.stop()
    await office.start()
    blob = office.message()
    await office.settle()
    assert [message.blob for message in office.view().messages] == [blob]
    [line] = (office.directory / "refused" / "voicemail.jsonl").read_bytes().splitlines()
    assert msgspec.json.decode(line)["record"]["value"] == later
    assert not [key for key in office.journal.load() if key.startswith(PREFIX)]


async def test_what_cannot_be_set_aside_stays_in_the_journal(office: Office):
    (office.directory / "refused").write_text("no directory")
    key = f"{PREFIX}{7:016}"
    office.journal.put(key, msgspec.msgpack.encode({"type": "MessageForwarded"}))
    await office.stop()
    await office.start()
    office.message()
    await office.settle()
    assert [x for x in office.journal.load() if x.startswith(PREFIX)] == [key]
