"""This version on the tables of the next one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[2]
WHOLE = (
    "api/test_rooms.py",
    "api/test_people.py",
    "api/test_call_log.py",
    "tenants",
    "calllog",
    "voicemail",
    "preferences",
)


def test_everything_is_read_and_written_on_the_tables_of_the_next_version():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.next_schema", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [*command, *(str(TESTS / "unit" / name) for name in WHOLE)],
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-8000:]
