"""What `tongdai tenant`, `tongdai upload` and `tongdai phrases` do, until the portal does it: change a
tenant's settings and sound. A tongdai that runs follows within a second."""

from __future__ import annotations

import difflib
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tongdai.app.stored import Stored, tenant_at, with_stored
from tongdai.blobs import LocalBlobs
from tongdai.calls.prompts import Clip, Prompt, Text
from tongdai.core.errors import TongdaiError
from tongdai.core.language import known
from tongdai.directory import menu_service as menus
from tongdai.speech import Speech, phrases
from tongdai.tenants.errors import NotFound
from tongdai.tenants.extension.model import Destination
from tongdai.tenants.features import Codes
from tongdai.tenants.number.store import rows as numbers
from tongdai.tenants.phrase import service as phrase_service
from tongdai.tenants.phrase.schema import NewPhrase
from tongdai.tenants.phrase.store import rows as phrase_rows
from tongdai.tenants.tenant import service as tenants
from tongdai.tenants.tenant import store as tenant_store
from tongdai.tenants.tenant.model import Tenant
from tongdai.tenants.tenant.schema import TenantChanges, check_language

T = TypeVar("T")

MUSIC, GREETING = "music", "greeting"


def list_tenants(data: Path | None) -> str:
    """One line a tenant."""

    async def read(stored: Stored) -> list[Tenant]:
        async with stored.db.read() as connection:
            return await tenant_store.all_tenants(connection)

    found = with_stored(data, read)
    width = max((len(tenant.domain) for tenant in found), default=0)
    return "".join(f"{x.domain:{width}}  {x.name}\n" for x in found) or "There is no tenant yet.\n"


def show_tenant(data: Path | None, domain: str) -> str:
    """The settings of a tenant, and which sound of its own it plays."""
    return with_stored(data, lambda stored: _show(stored, domain))


def change_tenant(data: Path | None, domain: str, changes: TenantChanges) -> str:
    """Change settings; shows them as they are now. Raises `TongdaiError`."""

    async def work(stored: Stored) -> str:
        async with stored.change("tenant.change") as change:
            former = await tenant_at(change.connection, domain)
            present = await tenants.change(former.id, change.connection, changes)
            change.tenant = former.id
            change.tell(
                former.id, before=msgspec.structs.asdict(former), after=msgspec.structs.asdict(present)
            )
        return await _show(stored, domain)

    return with_stored(data, work)


def list_codes(data: Path | None, domain: str, changes: Mapping[str, str]) -> str:
    """What the tenant's people dial for each feature, after these changes. Raises `TongdaiError`."""

    if changes:
        change_tenant(data, domain, TenantChanges(feature_codes=dict(changes)))

    async def work(stored: Stored) -> str:
        async with stored.db.read() as connection:
            tenant = await tenant_at(connection, domain)
        codes = Codes.with_own(tenant.feature_codes).of
        width = max(map(len, codes))
        return "".join(f"{feature:{width}}  {code or 'none'}\n" for feature, code in codes.items())

    return with_stored(data, work)


def upload(data: Path | None, domain: str, what: str, file: Path) -> str:
    """Play a sound file in place of the music, the greeting or a phrase, and tell what is heard from now on.
    Raises `TongdaiError`, and then nothing has changed."""
    put = _target(what).put

    async def work(stored: Stored) -> str:
        async with stored.db.read() as connection:
            tenant = await tenant_at(connection, domain)
        blobs = LocalBlobs(stored.data / "blobs")
        blob, seconds = await _convert(stored.data, blobs, tenant, file)
        try:
            async with stored.change("sound.upload") as change:
                heard = await put(change.connection, tenant, blob)
                change.tenant = tenant.id
                change.tell(what, after={"sound": file.name})
        except BaseException:
            blobs.delete(tenant.id, blob)
            raise
        return f"{heard} ({seconds:.1f} s of sound)\n"

    return with_stored(data, work)


def remove(data: Path | None, domain: str, what: str) -> str:
    """Go back to the sound that tongdai makes."""
    take_back = _target(what).take_back

    async def work(stored: Stored) -> str:
        async with stored.change("sound.remove") as change:
            tenant = await tenant_at(change.connection, domain)
            heard = await take_back(change.connection, tenant)
            change.tenant = tenant.id
            change.tell(what)
        return f"{heard}\n"

    return with_stored(data, work)


def list_phrases(language: str) -> str:
    """Every phrase by its key, as it is spoken. Raises `TongdaiError`."""
    check_language(language)
    spoken = known(language)
    keys = phrases.CATALOGUES[spoken]
    width = max(map(len, keys))
    return "".join(f"{key:{width}}  {phrases.sample(key, spoken)}\n" for key in keys)


async def _show(stored: Stored, domain: str) -> str:
    async with stored.db.read() as connection:
        tenant = await tenant_at(connection, domain)
        own = [phrase.key for phrase in await phrase_rows.where(tenant.id, connection)]
        try:
            greeting = _words((await _greeting(connection, tenant))[1])
        except TongdaiError:
            greeting = "none: its main number leads to no menu"
    lines = {
        "domain": tenant.domain,
        "name": tenant.name,
        "main number": tenant.main_number or "none",
        "country": tenant.country,
        "may call": ", ".join(tenant.allowed_countries) or "nowhere outside",
        "language": tenant.language,
        "phones ring": f"{tenant.ring_seconds:g} s",
        "digest": "MD5, SHA-256" if tenant.sha256_digest else "MD5",
        "outside": _limits(tenant),
        "music": "its own" if tenant.music_blob else "ours",
        "greeting": greeting,
        "own phrases": ", ".join(own) or "none",
    }
    return "".join(f"{name:12} {value}\n" for name, value in lines.items())


def _limits(tenant: Tenant) -> str:
    at_once, per_second = tenant.outside_calls, tenant.outside_per_second
    found = [f"{at_once} calls at once"] if at_once else []
    found += [f"{per_second:g} new ones a second"] if per_second else []
    return ", ".join(found) or "no limit"


def _words(prompt: Prompt) -> str:
    return f"“{prompt.text}”" if isinstance(prompt, Text) else "its own recording"


async def _convert(data: Path, blobs: LocalBlobs, tenant: Tenant, file: Path) -> tuple[str, float]:
    """The upload as a new blob in telephone form: its name and its length in seconds."""
    blob = blobs.new_name(".wav")
    path = blobs.path(tenant.id, blob)
    speech = Speech(data / "speech")
    try:
        seconds = await speech.convert(file, path)
    finally:
        await speech.close()
    _give(data, path, path.parent, path.parent.parent)
    return blob, seconds


def _give(data: Path, *made: Path) -> None:
    """Uploaded by root, but served by the owner of the directory: let him read it."""
    owner = data.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        for path in made:
            os.chown(path, owner.st_uid, owner.st_gid)


# what can be uploaded


class _Target(msgspec.Struct, frozen=True):
    """How a kind of sound is replaced, and how that is taken back; both tell what is heard then."""

    put: Callable[[AsyncConnection, Tenant, str], Awaitable[str]]
    take_back: Callable[[AsyncConnection, Tenant], Awaitable[str]]


def _target(what: str) -> _Target:
    if what == MUSIC:
        return _Target(_put_music, lambda connection, tenant: _put_music(connection, tenant, ""))
    if what == GREETING:
        return _Target(_put_greeting, _speak_greeting)
    _check_phrase(what)

    async def put(connection: AsyncConnection, tenant: Tenant, blob: str) -> str:
        await phrase_service.put(tenant.id, connection, NewPhrase(what, blob))
        words = phrases.sample(what, known(tenant.language))
        return f"Callers of {tenant.domain} now hear the upload in place of “{words}”."

    async def take_back(connection: AsyncConnection, tenant: Tenant) -> str:
        try:
            await phrase_service.remove(tenant.id, connection, what)
        except NotFound:
            raise TongdaiError(
                "nothing_uploaded", f"{tenant.domain} has uploaded nothing in place of {what}."
            ) from None
        return f"Callers of {tenant.domain} now hear {what} spoken again."

    return _Target(put, take_back)


def _check_phrase(key: str) -> None:
    keys = list(phrases.CATALOGUES["en"])
    if key in keys:
        return
    near = difflib.get_close_matches(key, [MUSIC, GREETING, *keys], 3, 0.5)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    raise TongdaiError(
        "no_phrase",
        f"There is nothing called {key!r} to upload.",
        f"{meant}It is music, greeting, or a phrase that `tongdai phrases` lists.",
    )


async def _put_music(connection: AsyncConnection, tenant: Tenant, blob: str) -> str:
    if not blob and not tenant.music_blob:
        raise TongdaiError("nothing_uploaded", f"{tenant.domain} has uploaded no music.")
    await tenants.change(tenant.id, connection, TenantChanges(music_blob=blob))
    return f"Who waits in calls of {tenant.domain} now hears {'the upload' if blob else 'our music'}."


async def _put_greeting(connection: AsyncConnection, tenant: Tenant, blob: str) -> str:
    stored, _ = await _greeting(connection, tenant)
    version = await menus.greet(tenant.id, connection, stored, Clip(blob))
    return f"Callers of {tenant.domain} are now greeted by the upload: version {version} of its menu."


async def _speak_greeting(connection: AsyncConnection, tenant: Tenant) -> str:
    """The newest words that the greeting had."""
    stored, greeting = await _greeting(connection, tenant)
    if not isinstance(greeting, Clip):
        raise TongdaiError("nothing_uploaded", f"{tenant.domain} has uploaded no greeting.")
    former = await menus.last_words(tenant.id, connection, stored.id)
    if former is None:
        raise TongdaiError(
            "no_words", f"The greeting of {tenant.domain} never was in words.", "Upload another one."
        )
    version = await menus.greet(tenant.id, connection, stored, former)
    heard = "in words again" if not isinstance(former, Text) else f"by {_words(former)}"
    return f"Callers of {tenant.domain} are now greeted {heard}: version {version} of its menu."


async def _greeting(connection: AsyncConnection, tenant: Tenant) -> tuple[menus.Stored, Prompt]:
    """The first thing that who calls the main number hears, and the menu that says it."""
    number = await numbers.get(tenant.id, connection, tenant.main_number) if tenant.main_number else None
    if number is not None and number.kind == Destination.FLOW:
        stored = await menus.get(tenant.id, connection, number.target)
        greeting = menus.greeting_of(stored.flow)
        if greeting is not None:
            return stored, greeting
    raise TongdaiError(
        "no_greeting",
        f"The main number of {tenant.domain} leads to no menu that greets.",
        "Let it lead to a switchboard first.",
    )
