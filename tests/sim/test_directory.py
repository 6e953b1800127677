from __future__ import annotations

import pytest
from tests.sim.company import MAIN, OUTSIDE, spelled
from tests.sim.invariants import Checked

from tongdai.calls import facts as f
from tongdai.calls.model import Cause
from tongdai.calls.prompts import Phrase


@pytest.fixture
def caller(sim: Checked) -> str:
    return sim.call("lan-1", "411")


def choices(sim: Checked, leg: str) -> list[tuple[str | int, str | int]]:
    return [(p.args["digit"], p.args["name"]) for p in sim.lines[leg].playing if isinstance(p, Phrase)]


def test_spell_the_last_name_with_hash_choose_and_be_connected(sim: Checked, caller: str) -> None:
    sim.press(caller, spelled("tran") + "#")
    assert choices(sim, caller) == [(1, "Minh Tran")]
    sim.press(caller, "1")
    assert sim.talk(caller, sim.answer_at("minh-1"))
    assert [p.meaning for p in sim.noted(caller, f.Pressed)] == ["name_spelled", "name_chosen"]


def test_a_pause_of_two_seconds_ends_the_name(sim: Checked, caller: str) -> None:
    sim.press(caller, spelled("anna"))
    sim.advance(1.9)
    assert sim.saying(caller) == []
    sim.advance(0.2)
    assert choices(sim, caller) == [(1, "Anna Pham")]


def test_several_matches_are_numbered_by_name(sim: Checked, caller: str) -> None:
    sim.press(caller, "6#")
    assert choices(sim, caller) == [(1, "Lan Nguyen"), (2, "Mai Dang"), (3, "Minh Tran")]
    sim.press(caller, "3")
    assert sim.ringing("minh-1")


def test_a_choice_can_be_made_after_the_choices_were_said(sim: Checked, caller: str) -> None:
    sim.press(caller, "6#")
    sim.advance(7)
    sim.press(caller, "3")
    assert sim.ringing("minh-1")


def test_no_such_name_asks_again_and_ends_at_the_operator(sim: Checked, caller: str) -> None:
    sim.press(caller, "99999#")
    assert sim.saying(caller) == ["directory.none", "directory.prompt"]
    sim.press(caller, "99999#")
    sim.press(caller, "99999#")
    assert sim.ringing("anna-1")


def test_a_wrong_number_spells_again(sim: Checked, caller: str) -> None:
    sim.press(caller, "6#")
    sim.press(caller, "7")
    assert sim.saying(caller) == ["directory.prompt"]
    sim.press(caller, spelled("hoa") + "#")
    sim.press(caller, "1")
    assert sim.ringing("hoa-1")


def test_who_presses_nothing_is_asked_twice_then_taken_to_the_operator(sim: Checked, caller: str) -> None:
    for _ in range(3):
        sim.advance(14)
    assert sim.said(caller).count("directory.again") == 2
    assert sim.ringing("anna-1")


def test_who_chooses_nothing_spells_again(sim: Checked, caller: str) -> None:
    sim.press(caller, "6#")
    sim.advance(6 + 8.2)
    assert sim.saying(caller) == ["directory.again", "directory.prompt"]


def test_zero_reaches_the_operator(sim: Checked, caller: str) -> None:
    sim.press(caller, "0")
    assert sim.ringing("anna-1")


def test_star_begins_the_name_anew(sim: Checked, caller: str) -> None:
    sim.press(caller, "999*" + spelled("hoa") + "#")
    assert choices(sim, caller) == [(1, "Hoa Le")]


def test_letters_late_in_the_prompt_are_not_cut_by_its_silence(sim: Checked, caller: str) -> None:
    sim.advance(9)
    sim.press(caller, spelled("h"))
    sim.advance(1.5)
    sim.press(caller, spelled("o"))
    assert sim.saying(caller) == []
    sim.advance(2.1)
    assert choices(sim, caller) == [(1, "Hoa Le")]


def test_the_directory_is_reached_from_the_menu(sim: Checked) -> None:
    caller = sim.call(OUTSIDE, MAIN)
    sim.press(caller, "9")
    sim.press(caller, spelled("hoa") + "#")
    sim.press(caller, "1")
    assert sim.talk(caller, sim.answer_at("hoa-1"))


def test_without_an_operator_the_directory_says_goodbye(sim: Checked) -> None:
    from tests.sim.company import Company

    from tongdai.flows import schema
    from tongdai.flows.schema import Flow

    company = Company()
    company.put("411", Flow("no-operator", "directory", "Directory", "d", {"d": schema.Directory()}))
    sim = Checked(company)
    sim.register("lan", "lan-1")
    lan = sim.call("lan-1", "411")
    sim.press(lan, "0")
    for _ in range(3):
        sim.press(lan, "99999#")
    assert sim.saying(lan) == ["goodbye"]
    sim.advance(2.1)
    assert sim.cause(lan) is Cause.NORMAL
