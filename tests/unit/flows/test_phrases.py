"""Every phrase that a flow may say is in every catalogue.

That its parameters fit is checked wherever it is played (tests/sim/invariants.py).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import tongdai.flows
from tongdai.speech.phrases import CATALOGUES

AREAS = (
    "directory.",
    "menu.",
    "mailbox.",
    "conference.",
    "queue.",
    "voicemail.",
    "park.",
    "outside.",
    "prefer.",
)


def said() -> Iterator[str]:
    """The keys in the flows' code: in `Phrase(…)`, and strings that look like one."""
    for path in Path(tongdai.flows.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Phrase":
                yield from (str(x.value) for x in ast.walk(node.args[0]) if isinstance(x, ast.Constant))
            elif isinstance(node, ast.Constant) and str(node.value).startswith(AREAS):
                yield str(node.value)


def test_every_phrase_is_in_every_catalogue() -> None:
    keys = set(said())
    assert len(keys) > 30
    for language, phrases in CATALOGUES.items():
        assert keys <= set(phrases), language
