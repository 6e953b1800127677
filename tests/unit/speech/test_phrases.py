from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import tongdai
from tongdai.speech.errors import SpeechError
from tongdai.speech.phrases import CATALOGUES, parameters, render, static

KEYS = sorted(CATALOGUES["en"])


def test_every_language_has_the_same_phrases():
    assert sorted(CATALOGUES["vi"]) == KEYS


@pytest.mark.parametrize("key", KEYS)
def test_a_phrase_takes_the_same_parameters_in_every_language(key):
    assert parameters(key, "vi") == parameters(key, "en")


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("key", KEYS)
def test_every_phrase_can_be_spoken(key, language):
    counts = {"new", "saved", "number", "position", "count"}
    args = {name: 2 if name in counts else "X" for name in parameters(key, language)}
    text = render(key, args, language)
    assert text.endswith((".", ":"))
    assert "{" not in text


def used_phrases():
    """Every `Phrase(key, {...})` in the source: where, a pattern of its key, its parameters."""
    for file in Path(tongdai.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Phrase"
            ):
                continue
            key, args = node.args[0], node.args[1] if len(node.args) > 1 else ast.Dict([], [])
            names = (
                [k.value for k in args.keys if isinstance(k, ast.Constant)]
                if isinstance(args, ast.Dict)
                else None
            )
            for choice in (key.body, key.orelse) if isinstance(key, ast.IfExp) else (key,):
                parts = choice.values if isinstance(choice, ast.JoinedStr) else [choice]
                pattern = "".join(
                    re.escape(str(p.value)) if isinstance(p, ast.Constant) else "[a-z_]+" for p in parts
                )
                if any(isinstance(p, ast.Constant) for p in parts):
                    yield f"{file.name}:{node.lineno}", pattern, names


def test_what_the_flows_say_exists_with_these_parameters():
    """A key that is wrong would be silence in the ear of a caller, on a path that nobody tried."""
    used = list(used_phrases())
    assert len(used) > 10
    for where, pattern, names in used:
        meant = [key for key in KEYS if re.fullmatch(pattern, key)]
        assert meant, f"{where} says {pattern}"
        for key in meant if names is not None else []:
            required = {name for name, needed in parameters(key, "en").items() if needed}
            assert required <= set(names) <= set(parameters(key, "en")), where


def test_every_phrase_is_said_somewhere():
    """A phrase that nobody says could be uploaded and never be heard."""
    sources = [x for x in Path(tongdai.__file__).parent.rglob("*.py") if x.parent.name != "phrases"]
    literals = {
        node.value
        for file in sources
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant)
    }
    patterns = [pattern for _, pattern, _ in used_phrases()]
    for key in KEYS:
        assert key in literals or any(re.fullmatch(pattern, key) for pattern in patterns), key


@pytest.mark.parametrize(
    ("new", "saved", "english"),
    [
        (0, 0, "You have no messages."),
        (1, 0, "You have one new message."),
        (3, 0, "You have three new messages."),
        (0, 1, "You have no new messages, and one saved message."),
        (2, 1, "You have two new messages, and one saved."),
    ],
)
def test_messages_are_counted_as_people_do(new, saved, english):
    assert render("mailbox.count", {"new": new, "saved": saved}, "en") == english


def test_numbers_names_and_counts_are_each_spoken_in_their_way():
    assert render("park.empty", {"slot": "701"}, "en") == "There is no call parked at seven zero one."
    assert render("directory.choice", {"digit": 1, "name": "Hoà Lê"}, "en") == "For Hoa Le, press one."
    assert (
        render("mailbox.message", {"number": 2, "caller": "101", "when": "14:05"}, "en")
        == "Message two, from one zero one, received 2 oh 5 P M."
    )
    assert (
        render("mailbox.message", {"number": 1, "caller": ""}, "en") == "Message one, from an unknown caller."
    )
    assert render("queue.position", {"position": 1}, "en") == "You are next in line."
    assert render("queue.position", {"position": 4}, "vi") == "Quý khách đang ở vị trí thứ tư."


def test_braces_in_a_name_are_only_a_name():
    words = render("menu.option", {"label": "{0.__class__}", "digit": 1}, "en")
    assert words == "For {0.__class__}, press one."


@pytest.mark.parametrize(
    ("key", "args", "language", "code"),
    [
        ("no.such", {}, "en", "unknown_phrase"),
        ("park.empty", {}, "en", "bad_phrase_parameters"),
        ("goodbye", {"name": "Lan"}, "en", "bad_phrase_parameters"),
        ("mailbox.count", {"new": 1}, "vi", "bad_phrase_parameters"),
        ("goodbye", {}, "fr", "unknown_language"),
    ],
)
def test_what_is_wrong_with_a_phrase_is_said(key, args, language, code):
    with pytest.raises(SpeechError) as error:
        render(key, args, language)
    assert error.value.code == code


def test_fixed_phrases_are_those_without_parameters():
    fixed = static("en")
    assert "Goodbye." in fixed
    assert len(fixed) == sum(not parameters(key, "en") for key in KEYS)
