from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongdai.calls.prompts import Beep, Clip, Phrase, Text
from tongdai.directory import flows
from tongdai.directory.menus import MAIN, Choices, Key, Kind, Menu, NotSimple, Target, flow_of, menu_of
from tongdai.flows import schema
from tongdai.flows.schema import Flow
from tongdai.tenants.flow.model import FlowVersion

ANNA = Target(Kind.PERSON, "person_anna")
NAMES = ("products", "opening-hours", "x")

targets = st.one_of(
    st.builds(
        Target,
        st.sampled_from([Kind.PERSON, Kind.DEPARTMENT, Kind.ROOM, Kind.VOICEMAIL, Kind.EXTENSION]),
        st.sampled_from(["person_1", "200"]),
    ),
    st.builds(Target, st.just(Kind.DIRECTORY), st.sampled_from(["", "104"])),
    st.builds(Target, st.sampled_from([Kind.REPEAT, Kind.HANG_UP])),
)


@st.composite
def menus(draw: st.DrawFn) -> Menu:
    """Menus of which each leads to the next, so that all are reached."""
    names = [MAIN, *NAMES[: draw(st.integers(0, len(NAMES)))]]
    made = []
    for number in range(len(names)):
        digits = draw(st.permutations("123456789*0"))[: draw(st.integers(0, 8))]
        keys = [
            Key(digit, draw(targets), f"option {digit}" if told else "")
            for digit, told in zip(digits, sorted(draw(st.booleans()) for _ in digits)[::-1], strict=True)
        ]
        following = names[number + 1 : number + 2]
        after = Target(Kind.MENU, following[0]) if following else draw(targets)
        made.append(
            Choices(
                greeting=draw(
                    st.sampled_from([None, Text("Hello."), Clip("blob.wav"), Phrase("queue.welcome")])
                ),
                keys=tuple(keys),
                otherwise=after,
                extensions=draw(st.booleans()),
                timeout=draw(st.sampled_from([3.0, 5.0])),
                interdigit=draw(st.sampled_from([2.0, 3.0])),
                repeats=draw(st.integers(0, 3)),
            )
        )
    return Menu("Main menu", made[0], dict(zip(names[1:], made[1:], strict=True)))


@given(menus())
def test_what_is_stored_is_read_again(menu: Menu):
    stored = FlowVersion("flow_1", 1, flows.encode(flow_of(menu)), published=True)
    assert menu_of(flows.decode(stored)) == menu


def flow(**nodes: schema.Node) -> Flow:
    return Flow("", "switchboard", "Night", "start", nodes)


MENU = schema.Menu((Text("Hi."),), {"1": "one"}, "one")


@pytest.mark.parametrize(
    "drawn",
    [
        flow(start=schema.Play((Text("Closed."),), then="")),
        flow(start=MENU, one=schema.Dial(("lan",))),
        flow(start=MENU, one=schema.End(), forgotten=schema.End()),
        flow(start=MENU, one=schema.Voicemail("box", silence=9.0)),
        flow(start=MENU, one=schema.Enter("outside:+19005550100")),
        flow(start=MENU),
        flow(start=msgspec.structs.replace(MENU, prompts=(Text("a"), Text("b"))), one=schema.End()),
        flow(start=msgspec.structs.replace(MENU, prompts=(Beep(), Beep())), one=schema.End()),
        flow(
            start=schema.Menu((Phrase("menu.option", {"label": "x", "digit": "7"}),), {"1": "one"}, "one"),
            one=schema.End(),
        ),
    ],
)
def test_what_a_menu_cannot_say_is_refused(drawn: Flow):
    """Shown as a menu and saved again, it would have lost its other half."""
    with pytest.raises(NotSimple) as refused:
        menu_of(drawn)
    assert "Night" in refused.value.message
    assert refused.value.remedy


def test_a_menu_as_it_was_drawn_by_hand():
    """Names of nodes, and extensions in place of people, as older versions have them."""
    drawn = flow(
        start=schema.Menu(
            (Text("Hi."), Phrase("menu.option", {"label": "Sales", "digit": "1"})),
            {"1": "sales", "0": "help", "2": "second"},
            "help",
        ),
        sales=schema.Goto("200"),
        help=schema.Goto("104"),
        second=schema.Menu((Text("More."),), {"*": "start"}, "start"),
    )
    menu = menu_of(drawn)
    assert menu.main.keys[:2] == (
        Key("1", Target(Kind.EXTENSION, "200"), "Sales"),
        Key("0", Target(Kind.EXTENSION, "104")),
    )
    assert menu.submenus["second"].keys == (Key("*", Target(Kind.MENU, MAIN)),)
    assert menu_of(flow_of(menu)) == menu
