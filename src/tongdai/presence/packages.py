"""What can be subscribed to: what is told, and how it is written (RFC 3842, RFC 4235, RFC 3863 with
RFC 4480)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

import msgspec

from tongdai.sip.pickup import ringing_dialog

Subject = Literal["mailbox", "person", "park", "dnd"]


class Watched(msgspec.Struct, frozen=True):
    """Whose state it is: `subject` says of which kind, `id` is a mailbox, a person or a parking place; for
    `dnd` (is it on?) a person, too."""

    tenant: str
    subject: Subject
    id: str


class Mail(msgspec.Struct, frozen=True):
    """How many messages a mailbox has."""

    new: int
    saved: int


class Talk(msgspec.Struct, frozen=True):
    """One leg as a busy lamp shows it. `outgoing` when the watched party called."""

    id: str
    outgoing: bool
    answered: bool
    number: str
    name: str


class State(msgspec.Struct, frozen=True):
    """What is true of somebody now, as far as a package asks for it."""

    mail: Mail = Mail(0, 0)
    talks: tuple[Talk, ...] = ()
    registered: bool = False
    dnd: bool = False


class Package(msgspec.Struct, frozen=True):
    """An event package: the subjects it is about, and its body. `entity` is what was subscribed to, as a URI;
    `version` counts the bodies that were sent."""

    name: str
    content_type: str
    subjects: frozenset[Subject]
    write: Callable[[State, str, int], str]


def _message_summary(state: State, entity: str, version: int) -> str:
    waiting = "yes" if state.mail.new else "no"
    return (
        f"Messages-Waiting: {waiting}\r\nMessage-Account: {entity}\r\n"
        f"Voice-Message: {state.mail.new}/{state.mail.saved} (0/0)\r\n"
    )


def _dialog_info(state: State, entity: str, version: int) -> str:
    host = entity.partition("@")[2]
    dialogs = "".join(_dialog(talk, entity, host) for talk in state.talks)
    if state.dnd and not state.talks:
        # what phones take for busy: the lamp is lit, and no key picks anything up
        dialogs = '<dialog id="dnd">\r\n<state>confirmed</state>\r\n</dialog>\r\n'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info"'
        f' version="{version}" state="full" entity={quoteattr(entity)}>\r\n{dialogs}</dialog-info>\r\n'
    )


def _dialog(talk: Talk, entity: str, host: str) -> str:
    direction = "initiator" if talk.outgoing else "recipient"
    name = f" display={quoteattr(talk.name)}" if talk.name else ""
    remote = f"sip:{talk.number or 'anonymous'}@{host}"
    dialog = ""
    if not talk.answered and not talk.outgoing:
        named = ringing_dialog(talk.id)  # a pickup key writes this into its Replaces
        tags = f'local-tag="{named.from_tag}" remote-tag="{named.to_tag}"'
        dialog = f" call-id={quoteattr(named.call_id)} {tags}"
    return (
        f"<dialog id={quoteattr(talk.id)}{dialog} direction={quoteattr(direction)}>\r\n"
        f"<state>{'confirmed' if talk.answered else 'early'}</state>\r\n"
        f"<local><identity>{escape(entity)}</identity></local>\r\n"
        f"<remote><identity{name}>{escape(remote)}</identity></remote>\r\n</dialog>\r\n"
    )


def _presence(state: State, entity: str, version: int) -> str:
    basic = "open" if state.registered else "closed"
    note = "On the phone" if state.talks else "Available" if state.registered else "Away"
    if state.dnd:
        note = "Do not disturb"
    activity = "busy" if state.dnd else "on-the-phone" if state.talks else ""
    person = ""
    if activity:
        person = (
            f'<dm:person id="person"><rpid:activities><rpid:{activity}/></rpid:activities></dm:person>\r\n'
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n<presence xmlns="urn:ietf:params:xml:ns:pidf"'
        ' xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid"'
        f" entity={quoteattr(entity)}>\r\n"
        f'<tuple id="phone"><status><basic>{basic}</basic></status><note>{note}</note></tuple>\r\n'
        f"{person}</presence>\r\n"
    )


PACKAGES: Mapping[str, Package] = {
    package.name: package
    for package in (
        Package(
            "message-summary",
            "application/simple-message-summary",
            frozenset({"mailbox"}),
            _message_summary,
        ),
        Package("dialog", "application/dialog-info+xml", frozenset({"person", "park", "dnd"}), _dialog_info),
        Package("presence", "application/pidf+xml", frozenset({"person"}), _presence),
    )
}

ALLOW_EVENTS = ", ".join((*PACKAGES, "refer"))


def accepts(package: Package, ranges: Sequence[str]) -> bool:
    """Whether an Accept field (nothing: whatever the package has) takes the package's body."""
    wanted = {text.partition(";")[0].strip().lower() for text in ranges}
    return not wanted or bool(wanted & {package.content_type, "application/*", "*/*"})
