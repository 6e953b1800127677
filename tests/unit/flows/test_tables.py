"""The verbs' tables know every event that can come in every step that a verb can be in."""

from __future__ import annotations

import ast
import inspect
import types
from typing import get_args

import pytest

from tongdai.calls import events as e
from tongdai.calls.model import Call, Leg, LegState, Party, PartyKind, Position, TenantState
from tongdai.calls.step import Step
from tongdai.flows import machine, schema
from tongdai.flows.run import Table
from tongdai.flows.verbs import VERBS, to_verb

OF_CALLED_LEGS = {e.LegRinging, e.LegProgress, e.LegAnswered, e.LegEnded}
OF_VERBS = OF_CALLED_LEGS | {e.LegDigit, e.PlayDone, e.RecordDone, e.TimerFired}
TABLES = {id(verb.table): (kind.__name__, verb.table) for kind, verb in VERBS.items()}.values()
every_table = pytest.mark.parametrize("table", [t for _, t in TABLES if t], ids=[n for n, t in TABLES if t])


def known(table: Table, step: str) -> set[type]:
    return {event for where, event in table if where in (step, "")}


def steps_of(module: types.ModuleType) -> tuple[set[str], set[str]]:
    """The steps that a verb's code puts a call into: all of them, and those in which something is played."""
    every, played = set(), set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call):
            said = isinstance(node.func, ast.Attribute) and node.func.attr == "say"
            for word in node.keywords:
                if word.arg == "step" and isinstance(word.value, ast.Constant):
                    every.add(str(word.value.value))
                    if said:
                        played.add(str(word.value.value))
        if isinstance(node, ast.Assign):
            for target in node.targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                for name, value in zip(names, values, strict=False):
                    if (
                        isinstance(name, ast.Attribute)
                        and name.attr == "step"
                        and isinstance(value, ast.Constant)
                    ):
                        every.add(str(value.value))
    return every, played


MODULES = {id(verb.table): inspect.getmodule(verb.start) for verb in VERBS.values()}


def test_there_is_a_verb_for_every_kind_of_node() -> None:
    assert set(VERBS) == set(get_args(schema.Node))


def test_there_is_a_handler_for_every_event() -> None:
    assert set(machine._HANDLERS) == set(get_args(e.Event))


@every_table
def test_tables_hold_only_what_is_given_to_verbs(table: Table) -> None:
    assert {event for _, event in table} <= OF_VERBS


@every_table
def test_steps_that_call_somebody_know_all_that_a_called_leg_does(table: Table) -> None:
    for step in {step for step, _ in table}:
        called = known(table, step) & OF_CALLED_LEGS
        assert called in (set(), OF_CALLED_LEGS), step
        if called:
            assert e.TimerFired in known(table, step), f"{step} may ring for ever"


@every_table
def test_keys_can_come_in_every_step_in_which_the_caller_was_answered(table: Table) -> None:
    for step in {step for step, _ in table if step}:
        if step == "calling" and e.LegDigit not in known(table, step):
            continue  # a guest of a conference, who is not there yet
        assert e.LegDigit in known(table, step), step


@pytest.mark.parametrize(
    "module", {m.__name__: m for m in MODULES.values() if m}.values(), ids=lambda m: m.__name__
)
def test_every_step_of_the_code_is_in_a_table_and_every_step_of_a_table_in_the_code(
    module: types.ModuleType,
) -> None:
    tables = [verb.table for verb in VERBS.values() if inspect.getmodule(verb.start) is module]
    every, played = steps_of(module)
    assert every == {step for table in tables for step, _ in table if step}
    for step in played:
        assert any(e.PlayDone in known(table, step) for table in tables), f"what is said in {step} never ends"


def test_an_event_that_a_step_does_not_know_is_trouble_and_changes_nothing() -> None:
    from tests.sim.company import Company

    from tongdai.calls import facts as f
    from tongdai.calls.commands import Note
    from tongdai.calls.legs import UnexpectedEvent

    who = Party(PartyKind.PERSON, "101")
    company = Company()
    leg = Leg("leg", who, LegState.ANSWERED)
    call = Call(
        "call", "t", "leg", who, 0.0, legs={"leg": leg}, position=Position("ext-*43", "only", "hearing")
    )
    state = TenantState("t", {"call": call}, {"leg": "call"})
    with pytest.raises(UnexpectedEvent, match="EchoTest in step 'hearing' does not know LegRinging"):
        to_verb(Step(state, 1.0), call, e.LegRinging("leg"), company)
    step = machine.apply(state, e.LegRinging("leg"), 1.0, company)
    assert step.commands == [Note("call", f.Trouble("EchoTest in step 'hearing' does not know LegRinging"))]
    assert state.calls["call"].position == Position("ext-*43", "only", "hearing")
