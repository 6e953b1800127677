"""All mailboxes of this node, in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from tongdai.blobs import Blobs
from tongdai.calls.commands import DiscardRecording, MarkMessage, SaveMessage, SetGreeting, SetPin
from tongdai.calls.prompts import Clip, Phrase, Prompt
from tongdai.core.clock import Clock
from tongdai.core.ids import new_id
from tongdai.core.log import get_logger
from tongdai.db import Database
from tongdai.db.engine import is_refusal
from tongdai.flows.ports import MailboxView, Message
from tongdai.journal import Journal
from tongdai.journal.behind import WriteBehind
from tongdai.journal.refused import Refused
from tongdai.tenants.config import PerTenant, ProviderConfig, TenantConfig
from tongdai.tenants.credentials import hash_pin, verify_pin
from tongdai.voicemail import changes as ch
from tongdai.voicemail import store

log = get_logger(__name__)

PREFIX = "voicemail/"
"""Changes that are not stored yet."""
_MESSAGE = "message/"
"""Messages as they are, for a start without the database: by tenant, mailbox and id."""
_SETTING = "mailbox/"
"""What is set of each mailbox, likewise."""


class _Box(msgspec.Struct):
    """A mailbox. `messages` are in order of arrival."""

    messages: dict[str, Message] = {}
    greeting_blob: str = ""
    pin_hash: str = ""


_EMPTY = _Box()


class _Kept(msgspec.Struct, frozen=True):
    tenant: str
    mailbox: str
    message: Message


_encode = msgspec.msgpack.Encoder().encode
_decode_message = msgspec.msgpack.Decoder(_Kept).decode
_decode_setting = msgspec.msgpack.Decoder(store.Setting).decode


class Mailboxes:
    """Answers and changes mailboxes without waiting for anything."""

    def __init__(
        self,
        config: ProviderConfig,
        *,
        journal: Journal,
        blobs: Blobs,
        db: Database,
        clock: Clock,
        key: bytes,
        refused: Refused,
        linger: float = 0.05,
        on_change: Callable[[str, str], None] | None = None,
    ) -> None:
        """`key` is the server's secret that PINs are hashed with (`tenants.credentials`).
        `refused` keeps changes that the database will not take.
        `on_change(tenant, mailbox)` is called when messages or settings of a mailbox have changed."""
        self._on_change = on_change
        self._owners = PerTenant(_owners, config)
        self._journal = journal
        self._blobs = blobs
        self._db = db
        self._clock = clock
        self._key = key
        self._boxes: dict[tuple[str, str], _Box] = {}
        self._serial = 0
        self._opened = False
        self._refused = refused
        self._behind: WriteBehind[tuple[str, ch.Change]] = WriteBehind(
            "voicemail", self._store, is_refusal=is_refusal, set_aside=self._set_aside, linger=linger
        )

    async def open(self, entries: Mapping[str, bytes], *, read: bool = True) -> None:
        """Read the database, apply what was journaled and not stored (`Journal.load()`), and begin to store.
        Without `read`, or when it cannot be read, begin with what the journal has kept of it, and read it as
        soon as that can be."""
        self._recall(entries)
        for journal_key in sorted(key for key in entries if key.startswith(PREFIX)):
            self._serial = int(journal_key[len(PREFIX) :])
            try:
                change = ch.decode(entries[journal_key])
            except msgspec.DecodeError as error:
                if self._refused.keep_unread("voicemail", journal_key, entries[journal_key], error):
                    self._journal.delete(journal_key)
                continue
            self._apply(change)
            self._behind.put((journal_key, change))
        await self._behind.start_after(self._read, at_once=read)
        self._opened = True

    def _recall(self, entries: Mapping[str, bytes]) -> None:
        messages = []
        for key, value in entries.items():
            try:
                if key.startswith(_MESSAGE):
                    messages.append(_decode_message(value))
                elif key.startswith(_SETTING):
                    self._set(_decode_setting(value))
            except msgspec.DecodeError:  # another version's, and but a copy
                self._journal.delete(key)
        for kept in sorted(messages, key=lambda x: (x.message.at, x.message.id)):
            self._box(kept.tenant, kept.mailbox).messages[kept.message.id] = kept.message

    async def _read(self) -> None:
        messages, kept, settings = await store.load(self._db)
        former, self._boxes = self._boxes, {}
        for message in messages:
            self._apply(message)
            if message.message in kept:
                self._apply(ch.MessageKept(message.tenant, message.mailbox, message.message))
        for setting in settings:
            self._set(setting)
        for _, change in self._behind.waiting():
            self._apply(change)
        for whose in former.keys() | self._boxes.keys():
            self._keep_setting(*whose)
            for id_ in self._boxes.get(whose, _EMPTY).messages | former.get(whose, _EMPTY).messages:
                self._keep_message(*whose, id_)
        if self._opened and self._on_change is not None:
            for whose in former.keys() | self._boxes.keys():
                if former.get(whose) != self._boxes.get(whose):
                    self._on_change(*whose)

    def follow(self, config: ProviderConfig) -> None:
        """The people and departments are these from now on."""
        self._owners.follow(config)

    @property
    def failing(self) -> bool:
        """The database did not take what was given to it last; it is tried again."""
        return self._behind.failing

    @property
    def backlog(self) -> int:
        """How much is not stored yet."""
        return self._behind.backlog

    async def close(self) -> None:
        """Store what is left; what the database does not take now stays in the journal for the next start."""
        await self._behind.close()

    def _owner(self, tenant: str, mailbox: str) -> tuple[str, Prompt] | None:
        return (self._owners.get(tenant) or {}).get(mailbox)

    # -- what call logic sees

    def view(self, tenant: str, mailbox: str) -> MailboxView | None:
        """A mailbox as it is now; None when nobody of this tenant has it."""
        owner = self._owner(tenant, mailbox)
        if owner is None:
            return None
        label, greeting = owner
        box = self._boxes.get((tenant, mailbox))
        if box is None:
            return MailboxView(mailbox, label, greeting, ())
        if box.greeting_blob:
            greeting = Clip(box.greeting_blob)
        return MailboxView(mailbox, label, greeting, tuple(box.messages.values()))

    def settings(self, tenant: str, mailbox: str) -> tuple[str, bool]:
        """The blob of the recorded greeting, empty when it is spoken, and whether there is a PIN."""
        box = self._boxes.get((tenant, mailbox))
        return (box.greeting_blob, bool(box.pin_hash)) if box is not None else ("", False)

    def check_pin(self, tenant: str, mailbox: str, pin: str) -> bool:
        """Whether this PIN opens the mailbox; one without a PIN is not opened by any."""
        box = self._boxes.get((tenant, mailbox))
        known = self._owner(tenant, mailbox) is not None
        return verify_pin(self._key, box.pin_hash if box is not None and known else "", pin)

    # -- what call logic asks for

    def carry_out(
        self, tenant: str, command: SaveMessage | DiscardRecording | MarkMessage | SetGreeting | SetPin
    ) -> None:
        """Change a mailbox. A command about what is not there (any more) changes nothing."""
        change = self._change(tenant, command)
        if change is None:
            log.info("nothing to change in the mailbox", tenant=tenant, command=type(command).__name__)
            return
        self._serial += 1
        journal_key = f"{PREFIX}{self._serial:016}"
        self._journal.put(journal_key, ch.encode(change))
        self._apply(change)
        if isinstance(change, ch.GreetingSet | ch.PinSet):
            self._keep_setting(change.tenant, change.mailbox)
        elif not isinstance(change, ch.RecordingDiscarded):
            self._keep_message(change.tenant, change.mailbox, change.message)
        self._behind.put((journal_key, change))
        if self._on_change is not None and not isinstance(command, DiscardRecording):
            self._on_change(tenant, command.mailbox)

    def _change(
        self, tenant: str, command: SaveMessage | DiscardRecording | MarkMessage | SetGreeting | SetPin
    ) -> ch.Change | None:
        if isinstance(command, DiscardRecording):
            return ch.RecordingDiscarded(tenant, command.blob)
        if self._owner(tenant, command.mailbox) is None:
            return None
        box = self._box(tenant, command.mailbox)
        if isinstance(command, SaveMessage):
            at = self._clock.wall()
            return ch.MessageSaved(
                tenant,
                command.mailbox,
                new_id("msg", at),
                command.blob,
                command.caller,
                at,
                command.ms,
                command.call,
            )
        if isinstance(command, MarkMessage):
            message = box.messages.get(command.message)
            if message is None:
                return None
            if command.deleted:
                return ch.MessageDeleted(tenant, command.mailbox, message.id, message.blob)
            return ch.MessageKept(tenant, command.mailbox, message.id)
        if isinstance(command, SetGreeting):
            return ch.GreetingSet(tenant, command.mailbox, command.blob, replaced=box.greeting_blob)
        return ch.PinSet(tenant, command.mailbox, hash_pin(self._key, command.pin))

    def _apply(self, change: ch.Change) -> None:
        if isinstance(change, ch.RecordingDiscarded):
            return
        box = self._box(change.tenant, change.mailbox)
        if isinstance(change, ch.MessageSaved):
            message = Message(change.message, change.blob, change.caller, change.at, change.ms, saved=False)
            box.messages.setdefault(change.message, message)
        elif isinstance(change, ch.MessageKept):
            old = box.messages.get(change.message)
            if old is not None:
                box.messages[change.message] = msgspec.structs.replace(old, saved=True)
        elif isinstance(change, ch.MessageDeleted):
            box.messages.pop(change.message, None)
        elif isinstance(change, ch.GreetingSet):
            box.greeting_blob = change.blob
        else:
            box.pin_hash = change.pin_hash

    def _keep_message(self, tenant: str, mailbox: str, id_: str) -> None:
        key = f"{_MESSAGE}{tenant}/{mailbox}/{id_}"
        box = self._boxes.get((tenant, mailbox))
        if box is not None and (message := box.messages.get(id_)) is not None:
            self._journal.put(key, _encode(_Kept(tenant, mailbox, message)))
        else:
            self._journal.delete(key)

    def _keep_setting(self, tenant: str, mailbox: str) -> None:
        key = f"{_SETTING}{tenant}/{mailbox}"
        box = self._boxes.get((tenant, mailbox))
        if box is not None and (box.greeting_blob or box.pin_hash):
            self._journal.put(key, _encode(store.Setting(tenant, mailbox, box.greeting_blob, box.pin_hash)))
        else:
            self._journal.delete(key)

    def _set(self, setting: store.Setting) -> None:
        box = self._box(setting.tenant, setting.mailbox)
        box.greeting_blob, box.pin_hash = setting.greeting_blob, setting.pin_hash

    def _box(self, tenant: str, mailbox: str) -> _Box:
        return self._boxes.setdefault((tenant, mailbox), _Box())

    async def _store(self, batch: list[tuple[str, ch.Change]]) -> None:
        await store.store(self._db, self._blobs, [change for _, change in batch])
        for journal_key, _ in batch:
            self._journal.delete(journal_key)

    def _set_aside(self, item: tuple[str, ch.Change], error: Exception) -> None:
        self._refused.keep("voicemail", item[1], error)
        self._journal.delete(item[0])


def _owners(tenant: TenantConfig) -> dict[str, tuple[str, Prompt]]:
    """Whose each mailbox is, and the greeting that is spoken until there is a recorded one. People and
    departments have the mailbox of their own id."""
    owners: dict[str, tuple[str, Prompt]] = {}
    for person in tenant.people:
        owners[person.id] = (person.name, Phrase("voicemail.greeting.person", {"name": person.name}))
    for department in tenant.departments:
        greeting = Phrase("voicemail.greeting.department", {"name": department.name})
        owners[department.id] = (department.name, greeting)
    return owners
