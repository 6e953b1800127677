"""The machine's clock is set, for the processes of one demo (libfaketime)."""

from __future__ import annotations

from pathlib import Path

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
HOUR = 3600


class FakeTime:
    """What every process that has its environment takes for the time; monotonic time goes its way."""

    def __init__(self, directory: Path) -> None:
        """What `directory` says already stays so."""
        assert LIBRARY.exists(), "libfaketime is missing: make test-packages"
        self._file = directory / "faketime"
        if not self._file.exists():
            self.set(0)

    def set(self, seconds: int) -> None:
        """So many later than it is."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
