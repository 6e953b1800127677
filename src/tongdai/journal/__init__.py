"""What recovery reads: the latest value of every key, kept so that `kill -9` loses nothing that was
committed."""

from __future__ import annotations

from tongdai.journal.local import LocalJournal
from tongdai.journal.port import Journal
from tongdai.journal.sealed import SealedJournal

__all__ = ["Journal", "LocalJournal", "SealedJournal"]
