"""What is spoken before anybody calls."""

from __future__ import annotations

from tests.unit.directory.conftest import MENU, anphat, binhminh

from tongdai.app import prewarm
from tongdai.app.prewarm import first_prompts
from tongdai.calls.prompts import Clip, Phrase, Prompt, Text
from tongdai.directory import flows
from tongdai.flows import schema
from tongdai.flows.ports import MailboxView
from tongdai.tenants.config import PersonConfig
from tongdai.tenants.flow.model import FlowVersion


def mailbox(tenant: str, owner: str) -> MailboxView | None:
    """Everybody's greeting is words, but Minh recorded his, and the administrator has no mailbox."""
    if owner == "admin":
        return None
    greeting: Prompt = Clip("minh.wav") if owner == "minh" else Text(f"{tenant}/{owner}")
    return MailboxView(owner, owner, greeting, ())


def menu_prompts() -> list[Prompt]:
    start = MENU.nodes[MENU.start]
    assert isinstance(start, schema.Menu)
    return list(start.prompts)


def test_the_published_menu_comes_first():
    assert first_prompts(anphat(), mailbox)[: len(menu_prompts())] == menu_prompts()


def test_versions_that_nobody_enters_are_not_spoken():
    draft = FlowVersion("menu", 3, flows.encode(MENU), published=False)
    assert Text("Welcome.") not in first_prompts(anphat(flows=(draft,)), mailbox)


def test_a_flow_that_only_says_something_is_spoken():
    closed = schema.Flow("", "closed", "closed", "say", {"say": schema.Play((Text("We are closed."),))})
    version = FlowVersion("closed", 1, flows.encode(closed), published=True)
    assert first_prompts(anphat(flows=(version,)), mailbox)[0] == Text("We are closed.")


def test_queues_welcome_and_tell_the_first_positions():
    prompts = first_prompts(anphat(), mailbox)
    assert Phrase("queue.welcome", {"department": "Support"}) in prompts
    assert Phrase("queue.welcome", {"department": "Sales"}) not in prompts
    positions = [x.args["position"] for x in prompts if isinstance(x, Phrase) and x.key == "queue.position"]
    assert positions == [1, 2, 3]


def test_without_a_queue_no_position_is_spoken():
    keys = {x.key for x in first_prompts(binhminh(), mailbox) if isinstance(x, Phrase)}
    assert not {"queue.welcome", "queue.position"} & keys


def test_greetings_and_names_of_those_who_have_them():
    prompts = first_prompts(anphat(), mailbox)
    assert Text("anphat/sales") in prompts
    assert Text("anphat/lan") in prompts
    assert Clip("minh.wav") in prompts
    names = [x.args["name"] for x in prompts if isinstance(x, Phrase) and x.key == "directory.choice"]
    assert names == ["Lan Nguyen", "Đặng Văn Minh"]


def test_a_large_company_is_not_spoken_for_minutes():
    people = tuple(
        PersonConfig(f"p{n}", f"Person {n}", str(1000 + n)) for n in range(prewarm.MOST_MAILBOXES + 1)
    )
    prompts = first_prompts(anphat(people=people), mailbox)
    assert menu_prompts()[0] in prompts
    assert not any(isinstance(x, Phrase) and x.key == "directory.choice" for x in prompts)
    assert Text("anphat/p0") not in prompts
