"""Every problem that the API can answer has words for who reads the pages: in English its own, in Vietnamese
those of the pages."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "tongdai"
SHELL = ROOT / "web/src/shell"
WORDS: dict[str, dict[str, str]] = json.loads((SHELL / "problems.json").read_text())
WORDS["vi"] |= json.loads((SHELL / "problems.vi.json").read_text())

ANSWERING = ("api", "tenants", "directory", "speech", "blobs", "app/inquiries.py")
"""What may refuse a request: the web process, and what control is asked by it."""
DECODER = "crates/media-engine/src/decode/mod.rs"
CODE_AT = {"Problem": 1}
"""Which argument is the code; else the first."""
PASSED_ON = {"error.code", "refusal.code", "answer.code", "refused.code", "answer", "code", "flow", "name"}
"""Arguments that are no code of their own: it is written where the error was made."""
OF_THE_PAGES = {"no_network"}


def _of(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


def _files() -> Iterator[Path]:
    for place in ANSWERING:
        whole = SOURCE / place
        yield from [whole] if whole.is_file() else whole.rglob("*.py")


def _errors() -> set[str]:
    """Names of what is raised to refuse, and of what makes it."""
    bases = {
        node.name: {ast.unparse(x) for x in node.bases}
        for path in SOURCE.rglob("*.py")
        for node in _of(path)
        if isinstance(node, ast.ClassDef)
    }
    found = {"TongdaiError", "Problem"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found | {"not_found", "_bad", "Refused"}


def _codes_of(call: ast.Call, name: str) -> Iterator[str]:
    place = CODE_AT.get(name, 0)
    argument = call.args[place] if len(call.args) > place else None
    if argument is None or ast.unparse(argument) in PASSED_ON:
        return
    written = [
        x.value for x in ast.walk(argument) if isinstance(x, ast.Constant) and isinstance(x.value, str)
    ]
    what = name.lower() in ("notfound", "not_found")
    for code in written:
        if re.fullmatch(r"[a-z][a-z_]*", code):
            yield f"{code}_not_found" if what else code
    if not written:
        assert ast.unparse(argument) == "m.CHANGED_MEANWHILE", (
            f"a code that is not written: {ast.unparse(call)}"
        )
        yield "changed_meanwhile"


def answered() -> set[str]:
    """Every code that stands in what may refuse a request."""
    errors = _errors()
    found = set(re.findall(r'Error::\w+.*=> "([a-z_]+)"', (ROOT / DECODER).read_text()))
    for path in _files():
        for node in _of(path):
            match node:
                case ast.Call(func=ast.Name(id=name)) if name in errors:
                    found |= set(_codes_of(node, name))
                case ast.Call(func=ast.Attribute(attr="Refused")):
                    found |= set(_codes_of(node, "Refused"))
                case ast.Call(
                    func=ast.Attribute(value=ast.Call(), attr="__init__"), args=[ast.Constant(), *_]
                ):
                    found |= set(_codes_of(node, "super"))
    return found | {"bad_method", "no_such_place", "refused"}


def test_the_codes_are_found_where_they_are_written():
    """Of each kind one: raised, by a helper, by control, by the decoder, of what is not there."""
    assert {
        "not_permitted", "weak_password", "bad_key", "no_place_free", "unknown_codec", "room_not_found",
        "leg_not_found", "control_silent", "menu_leads_there", "changed_meanwhile", "no_blob",
    } <= answered()  # fmt: skip


@pytest.mark.parametrize("code", sorted(answered() | WORDS["en"].keys()))
def test_a_problem_is_said_in_vietnamese(code: str):
    words = WORDS["vi"].get(code, "")
    assert words.endswith("."), "what is wrong, and what to do"


def test_nothing_is_said_that_is_never_answered():
    assert WORDS["vi"].keys() - answered() - OF_THE_PAGES == set()
