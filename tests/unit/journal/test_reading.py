from __future__ import annotations

import msgspec
from tests.unit.legs.doubles import MemoryJournal

from tongdai.journal.reading import decoded

decode = msgspec.msgpack.Decoder(int).decode


def test_what_is_under_a_prefix_is_read_and_what_cannot_be_is_deleted():
    journal = MemoryJournal()
    for key, value in (("a/1", 1), ("a/2", "two"), ("b/1", 3), ("a/3", 4)):
        journal.put(key, msgspec.msgpack.encode(value))
    journal.commit()
    found = list(decoded(journal, journal.load(), "a/", decode))
    journal.commit()
    assert found == [("a/1", 1), ("a/3", 4)]
    assert journal.load().keys() == {"a/1", "b/1", "a/3"}
