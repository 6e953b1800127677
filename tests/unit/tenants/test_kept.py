from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from tests.unit.directory.conftest import anphat, binhminh

from tongdai.journal import LocalJournal, SealedJournal
from tongdai.tenants.changes import UNKNOWN
from tongdai.tenants.config import ProviderConfig, TenantConfig
from tongdai.tenants.kept import PREFIX, KeptConfig, recall
from tongdai.tenants.trunk.model import CallerRule, Gateway, NumberFormat, Transport, Trunk, TrunkSettings

TRUNK = Trunk(
    "viettel",
    "Viettel",
    NumberFormat.DIGITS,
    "VN",
    (Gateway("sip.viettel.example", 0, Transport.AUTO, 1, 2),),
    TrunkSettings(username="u", password="sealed:1:x", caller=CallerRule.FIXED, codecs=("PCMA",)),
)
KEY = b"k" * 32


class Kept:
    """What one process keeps for the next, on real files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.journal = LocalJournal(directory)
        self.stirred = 0
        self.begin()

    def begin(self) -> None:
        sealed = SealedJournal(self.journal, KEY)
        self.config = KeptConfig(sealed, self._stir)
        self.config.restore(sealed.load())

    def _stir(self) -> None:
        self.stirred += 1

    def next_process(self) -> None:
        self.journal.close()
        self.journal = LocalJournal(self.directory)
        self.begin()

    async def keep(self, *tenants: TenantConfig, trunks: Sequence[Trunk] = (TRUNK,)) -> set[str]:
        """What was written for this."""
        before = self.journal.load()
        self.config.follow(ProviderConfig(tuple(trunks), tenants, 7))
        await self.config.keep()
        self.journal.commit()
        after = self.journal.load()
        return {key for key in before | after if before.get(key) != after.get(key)}

    def recalled(self) -> ProviderConfig | None:
        return recall(SealedJournal(self.journal, KEY).load())


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


async def test_the_next_process_can_begin_with_all_that_was_served(kept: Kept):
    await kept.keep(anphat(), binhminh())
    kept.next_process()
    assert kept.recalled() == ProviderConfig((TRUNK,), (anphat(), binhminh()), UNKNOWN)
    assert kept.stirred == 1


def test_where_nothing_was_kept_there_is_nothing_to_begin_with(kept: Kept):
    assert kept.recalled() is None


async def test_only_what_is_different_is_written(kept: Kept):
    first, second = anphat(), binhminh()
    assert len(await kept.keep(first, second)) == 3
    assert await kept.keep(first, second) == set()
    assert await kept.keep(anphat(name="Other"), second) == {f"{PREFIX}tenant/anphat"}
    kept.next_process()
    assert await kept.keep(anphat(name="Other"), binhminh()) == set(), "made anew, and the same"
    assert await kept.keep(anphat(name="Other"), trunks=()) == {f"{PREFIX}tenant/binhminh", f"{PREFIX}trunks"}
    kept.next_process()
    assert kept.recalled() == ProviderConfig((), (anphat(name="Other"),), UNKNOWN)


async def test_a_copy_of_the_journal_shows_no_secret_of_a_phone(kept: Kept):
    await kept.keep(anphat())
    kept.journal.close()
    files = b"".join(path.read_bytes() for path in kept.directory.glob("*.log"))
    assert b"tenant/anphat" in files
    assert b"md5-of-lan" not in files


async def test_what_a_later_version_added_is_left_out_and_a_tenant_that_cannot_be_read_alone(kept: Kept):
    await kept.keep(anphat(), binhminh())
    sealed = SealedJournal(kept.journal, KEY)
    entries = sealed.load()
    later = msgspec.msgpack.decode(entries[f"{PREFIX}tenant/anphat"]) | {"holidays": ["2027-02-06"]}
    other = msgspec.msgpack.decode(entries[f"{PREFIX}tenant/binhminh"]) | {
        "ring_seconds": "as long as it takes"
    }
    sealed.put(f"{PREFIX}tenant/anphat", msgspec.msgpack.encode(later))
    sealed.put(f"{PREFIX}tenant/binhminh", msgspec.msgpack.encode(other))
    kept.next_process()
    assert kept.recalled() == ProviderConfig((TRUNK,), (anphat(),), UNKNOWN)
    assert await kept.keep(anphat(), binhminh()) == {f"{PREFIX}tenant/anphat", f"{PREFIX}tenant/binhminh"}
    assert kept.recalled() == ProviderConfig((TRUNK,), (anphat(), binhminh()), UNKNOWN)
