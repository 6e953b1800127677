"""What callers of a company hear first: worth being spoken before anybody calls."""

from __future__ import annotations

from collections.abc import Callable

from tongdai.calls.prompts import Phrase, Prompt
from tongdai.directory.flows import decode
from tongdai.flows import schema
from tongdai.flows.ports import MailboxView
from tongdai.flows.verbs.prefer import CONFIRMATIONS
from tongdai.tenants.config import TenantConfig

MOST_MAILBOXES = 50
"""A company with more has its greetings spoken when they are first needed; speaking them all would take
minutes.
"""


def first_prompts(tenant: TenantConfig, mailbox: Callable[[str, str], MailboxView | None]) -> list[Prompt]:
    """The published menus, the queues' welcomes and positions, names in the directory, greetings of
    mailboxes, and what feature codes are answered with.
    """
    prompts: list[Prompt] = []
    for version in tenant.flows:
        if version.published:
            for node in decode(version).nodes.values():
                if isinstance(node, schema.Menu | schema.Play):
                    prompts += node.prompts
    prompts += [Phrase(key) for key in CONFIRMATIONS.values()]
    prompts += [Phrase("prefer.number"), Phrase("prefer.bad_number")]
    departments = tenant.departments
    prompts += [Phrase("queue.welcome", {"department": x.name}) for x in departments if x.kind == "queue"]
    if any(x.kind == "queue" for x in departments):
        prompts += [Phrase("queue.position", {"position": position}) for position in (1, 2, 3)]
    if len(tenant.people) + len(departments) <= MOST_MAILBOXES:
        for owner in [x.id for x in departments] + [x.id for x in tenant.people]:
            view = mailbox(str(tenant.id), owner)
            if view is not None:
                prompts.append(view.greeting)
        prompts += [
            Phrase("directory.choice", {"digit": 1, "name": person.name})
            for person in tenant.people
            if person.extension
        ]
    return prompts
