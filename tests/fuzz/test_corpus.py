"""What the fuzzers were begun with, and what they found, again."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from tests.fuzz.kept import grown
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_was_ever_found_breaks_it(name: str) -> None:
    seeds = [(file.name, file.read_bytes()) for file in sorted((CORPUS / name).iterdir())]
    assert seeds
    for file, data in itertools.chain(seeds, grown(name)):
        try:
            TARGETS[name](data)
        except Exception as error:
            raise AssertionError(f"{file} breaks {name}") from error
