from __future__ import annotations

from pathlib import Path

from tongdai.journal import LocalJournal, SealedJournal

KEY = b"k" * 32


def test_what_was_sealed_is_opened_by_the_next_process_and_by_nobody_else(tmp_path: Path):
    journal = LocalJournal(tmp_path)
    SealedJournal(journal, KEY).put("leg/a", b"inline:SECRET")
    journal.put("call/a", b"plain")
    journal.commit()
    journal.close()
    assert b"SECRET" not in b"".join(path.read_bytes() for path in tmp_path.glob("*.log"))
    journal = LocalJournal(tmp_path)
    assert SealedJournal(journal, KEY).load() == {"leg/a": b"inline:SECRET", "call/a": b"plain"}
    assert SealedJournal(journal, b"other" * 8).opened(journal.load()) == {"call/a": b"plain"}
    journal.commit()
    assert journal.load() == {"call/a": b"plain"}, "what nobody can open is not kept for ever"
    journal.close()


def test_an_entry_cannot_be_put_under_another_key(tmp_path: Path):
    journal = LocalJournal(tmp_path)
    sealed = SealedJournal(journal, KEY)
    sealed.put("leg/a", b"of a")
    journal.commit()
    journal.put("leg/b", journal.load()["leg/a"])
    journal.commit()
    assert sealed.load() == {"leg/a": b"of a"}
    journal.close()


def test_a_damaged_entry_costs_itself_only(tmp_path: Path):
    journal = LocalJournal(tmp_path)
    sealed = SealedJournal(journal, KEY)
    sealed.put("leg/a", b"of a")
    sealed.put("leg/b", b"of b")
    journal.commit()
    journal.put("leg/b", journal.load()["leg/b"][:12])
    journal.commit()
    assert sealed.load() == {"leg/a": b"of a"}
    journal.close()


def test_equal_values_are_sealed_differently(tmp_path: Path):
    journal = LocalJournal(tmp_path)
    sealed = SealedJournal(journal, KEY)
    seen = set()
    for _ in range(3):
        sealed.put("leg/a", b"same")
        journal.commit()
        seen.add(journal.load()["leg/a"])
    assert len(seen) == 3
    journal.close()
