"""What `tongdai person` does: how somebody's calls are treated. What phones change is kept by the process
that serves calls, so it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tongdai.api.rpc import messages as m
from tongdai.app.asking import ask
from tongdai.app.stored import Stored, tenant_at, with_stored
from tongdai.calls.preferences import Preferences
from tongdai.core.errors import TongdaiError
from tongdai.core.tenancy import TenantId
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.extension.store import rows as extensions
from tongdai.tenants.person.model import Person
from tongdai.tenants.person.store import rows as people


def change_person(
    data: Path | None, domain: str, extension: str, changes: Mapping[str, bool | str | float]
) -> str:
    """Change fields of his `Preferences`; shows them as they are now. Raises `TongdaiError`."""

    async def work(stored: Stored) -> str:
        tenant, person = await _find(stored, domain, extension)
        request: m.Request = m.ReadPreferences(tenant, person.id)
        if changes:
            request = m.ChangePreferences(tenant, person.id, dict(changes))
        answer = await ask(stored.data, request, m.PersonPreferences)
        if changes:
            async with stored.change("person.preferences") as change:
                change.tenant = tenant
                change.tell(person.id, after=dict(changes))
        return _shown(person.name, extension, answer.preferences)

    return with_stored(data, work)


async def _find(stored: Stored, domain: str, extension: str) -> tuple[TenantId, Person]:
    async with stored.db.read() as connection:
        tenant = await tenant_at(connection, domain)
        found = await extensions.get(tenant.id, connection, extension)
        person = None
        if found is not None and found.kind == Destination.PERSON:
            person = await people.get(tenant.id, connection, found.target)
        if person is None:
            raise TongdaiError(
                "no_person", f"{extension} is no person's extension at {domain}.", "Name one such as 101."
            )
        return tenant.id, person


def _shown(name: str, extension: str, preferences: Preferences) -> str:
    disturbed = "on, callers hear busy" if preferences.dnd_busy else "on, callers leave a message"
    after = f" after {preferences.no_answer_seconds:g} s" if preferences.no_answer_seconds else ""
    lines = {
        "name": name,
        "extension": extension,
        "do not disturb": disturbed if preferences.dnd else "off",
        "forwarded": preferences.always or "no",
        "when busy": preferences.busy or "to the voicemail",
        "no answer": (preferences.no_answer or "to the voicemail") + after,
        "unreachable": preferences.unreachable or "to the voicemail",
        "outside": "must press 1" if preferences.confirm else "takes calls by answering",
        "call waiting": "on" if preferences.call_waiting else "off: busy while in a call",
    }
    return "".join(f"{label:15} {value}\n" for label, value in lines.items())
