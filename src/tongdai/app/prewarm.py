"""What callers of a company hear first: worth being spoken before anybody calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tongdai.calls.prompts import Phrase, Prompt
from tongdai.core.log import get_logger
from tongdai.directory.flows import decode
from tongdai.flows import schema
from tongdai.flows.ports import MailboxView
from tongdai.flows.verbs.prefer import CONFIRMATIONS
from tongdai.speech import SpokenPrompts
from tongdai.tenants.config import TenantConfig

log = get_logger(__name__)

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


class Prewarming:
    """Speaks what callers will hear first, beside everything else."""

    def __init__(self, prompts: SpokenPrompts, mailbox: Callable[[str, str], MailboxView | None]) -> None:
        self._prompts = prompts
        self._mailbox = mailbox
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, tenants: Sequence[TenantConfig]) -> None:
        """Those of these companies."""
        task = asyncio.create_task(self._speak(tenants), name="prewarm")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()

    async def _speak(self, tenants: Sequence[TenantConfig]) -> None:
        made = await self._prompts.prewarm(
            {str(tenant.id): first_prompts(tenant, self._mailbox) for tenant in tenants}
        )
        if made:
            log.info("prompts were spoken", count=made)
