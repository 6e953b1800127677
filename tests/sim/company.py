"""The demo company as a world for the simulator: who works there and where every number leads."""

from __future__ import annotations

from collections.abc import Sequence

from tongdai.calls.model import Party, PartyKind
from tongdai.calls.preferences import Preferences
from tongdai.calls.prompts import Phrase, Prompt, Text
from tongdai.flows import schema
from tongdai.flows.ports import Department, MailboxView, Person, RoomConfig
from tongdai.flows.schema import Flow, Node

MAIN = "+842871234500"
CONFERENCE = "+842871234560"
CLINIC = "+842871239900"
"""Hosted here, of another tenant."""

CONFERENCE_PIN = "2468"
TRUNKS = ("trunk-a", "trunk-b")
OUTSIDE = "+84912345678"

PEOPLE = {
    person.id: person
    for person in (
        Person("lan", "Lan Nguyen", "101", "box-101"),
        Person("minh", "Minh Tran", "102", "box-102"),
        Person("hoa", "Hoa Le", "103", "box-103"),
        Person("anna", "Anna Pham", "104", "box-104"),
        Person("quang", "Quang Vo", "105", "box-105"),
        Person("mai", "Mai Dang", "106", "box-106"),
    )
}
SALES = Department("sales", "Sales", "200", ("lan", "minh"), "box-200")
SUPPORT = Department("support", "Support", "300", ("quang", "mai"), "")
ROOM = RoomConfig("room", "Conference", "600", CONFERENCE_PIN)
GREETING = Text("Welcome to An Phat Trading. For sales, press 1.")

PREFERENCES = {
    "*78": ("dnd", "on"),
    "*79": ("dnd", "off"),
    "*76": ("dnd", "toggle"),
    "*70": ("call_waiting", "on"),
    "*71": ("call_waiting", "off"),
    "*73": ("always", "off"),
    "*91": ("busy", "off"),
    "*53": ("no_answer", "off"),
    "*63": ("unreachable", "off"),
}

_KEYS = {
    letter: key
    for key, letters in zip(
        "23456789", ("abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"), strict=True
    )
    for letter in letters
}


def spelled(word: str) -> str:
    return "".join(_KEYS[letter] for letter in word.lower())


def party(person: str, device: str = "") -> Party:
    who = PEOPLE[person]
    return Party(PartyKind.PERSON, who.extension, who.name, who.id, device)


class Company:
    """Implements `flows.ports.World`. Flows are made once; a test may put in others (`put`)."""

    def __init__(self) -> None:
        self.ring_seconds = 20.0
        self.flows: dict[str, Flow] = {}
        self.by_extension: dict[str, str] = {}
        self.by_number: dict[str, str] = {}
        self.rooms = {ROOM.id: ROOM}
        self.departments = {SALES.id: SALES, SUPPORT.id: SUPPORT}
        for person in PEOPLE.values():
            self._dial(person.extension, "person", person.name, (person.id,), person.mailbox, personal=True)
        self._dial("200", "department", "Sales", SALES.members, SALES.mailbox)
        self._one("300", "queue", "Support", schema.Queue("support"))
        self._one("411", "directory", "Directory", schema.Directory(operator="104"))
        self._one("600", "room", "Conference", schema.Conference("room"))
        self._one("*43", "echo", "Echo test", schema.EchoTest())
        self._one("9000", "music", "Music", schema.MusicForEver())
        for slot in range(700, 710):
            self._one(str(slot), "park", f"Parking {slot}", schema.Park(str(slot)))
        self.put("100", Flow("switchboard", "switchboard", "Main menu", "menu", MENU), MAIN)
        self.put(
            "",
            Flow(
                "conference-outside", "room", "Conference", "room", {"room": schema.Conference("room", True)}
            ),
            CONFERENCE,
        )

    def put(self, extension: str, flow: Flow, number: str = "") -> Flow:
        self.flows[flow.ref] = flow
        if extension:
            self.by_extension[extension] = flow.ref
        if number:
            self.by_number[number] = flow.ref
        return flow

    def one(self, ref: str, kind: str, label: str, node: Node) -> Flow:
        return self.put("", Flow(ref, kind, label, "only", {"only": node}))

    def _one(self, extension: str, kind: str, label: str, node: Node) -> None:
        self.put(extension, Flow(f"ext-{extension}", kind, label, "only", {"only": node}))

    def _dial(
        self,
        extension: str,
        kind: str,
        label: str,
        people: tuple[str, ...],
        mailbox: str,
        personal: bool = False,
    ) -> None:
        nodes: dict[str, Node] = {
            "ring": schema.Dial(
                people, busy="voicemail", no_answer="voicemail", unavailable="voicemail", personal=personal
            ),
            "voicemail": schema.Voicemail(mailbox),
        }
        self.put(extension, Flow(f"ext-{extension}", kind, label, "ring", nodes))

    # flows.ports.World

    def route(self, dialled: str, by: Party) -> Flow:
        if dialled in ("112", "113", "114", "115"):
            node = schema.Outside(dialled, TRUNKS, MAIN, emergency=True)
            return self.one(f"emergency-{dialled}", "emergency", dialled, node)
        if dialled == "*97" and by.person:
            box = PEOPLE[by.person].mailbox
            return self.one(f"own-{by.person}", "mailbox", by.name, schema.Mailbox(box))
        case = {"*72": "always", "*90": "busy", "*52": "no_answer", "*62": "unreachable"}.get(dialled[:3])
        changed = (case, dialled[3:]) if case is not None else PREFERENCES.get(dialled)
        if changed is not None:
            return self.one(f"prefer-{dialled}", "preference", "", schema.Prefer(*changed))
        if dialled.startswith("*80"):
            who = next((x.id for x in PEOPLE.values() if x.extension == dialled[3:]), "")
            spoken: Node = schema.Intercom(who) if who else schema.Page("sales")
            return self.one(f"intercom-{dialled}", "intercom" if who else "page", dialled[3:], spoken)
        if dialled.startswith("**"):
            rings = self.by_extension[dialled[2:]]
            who = next((x.id for x in PEOPLE.values() if x.extension == dialled[2:]), "")
            pickup = schema.Pickup(who, "" if who else rings)
            return self.one(f"pickup-{dialled}", "pickup", dialled, pickup)
        ref = self.by_extension.get(dialled)
        if ref is not None:
            return self.flows[ref]
        number = "+84" + dialled[1:] if dialled.startswith("0") and len(dialled) > 8 else dialled
        if number in (MAIN, CONFERENCE, CLINIC):
            return self.one(f"hosted-{number}", "hosted", number, schema.Hosted(number, MAIN))
        if number.startswith("+84"):
            return self.one(f"outside-{number}", "outside", number, schema.Outside(number, TRUNKS, MAIN))
        if number.startswith("+"):
            refusal = schema.Refuse("country", "forbidden", (Phrase("outside.not_permitted"),))
            return self.one("refuse-country", "refused", number, refusal)
        return self.one("refuse-unknown", "refused", dialled, schema.Refuse("unknown", "not_found"))

    def route_number(self, number: str, by: Party) -> Flow:
        ref = self.by_number.get(number)
        if ref is not None:
            return self.flows[ref]
        return self.one("refuse-number", "refused", number, schema.Refuse("unknown", "not_found"))

    def forward(self, to: str, by: Party) -> Flow | None:
        if to == by.number or not to.strip("+").isdigit():
            return None
        flow = self.route(to, by)
        return flow if flow.kind in ("person", "department", "queue", "outside", "hosted") else None

    def voicemail(self, mailbox: str) -> Flow:
        return self.one(f"voicemail:{mailbox}", "voicemail", "voicemail", schema.Voicemail(mailbox))

    def route_menu(self, digits: str) -> Flow | None:
        ref = self.by_extension.get(digits)
        return self.flows[ref] if ref is not None and self._in_menu(digits) else None

    def begins_extension(self, digits: str) -> bool:
        return any(x.startswith(digits) and x != digits and self._in_menu(x) for x in self.by_extension)

    @staticmethod
    def _in_menu(extension: str) -> bool:
        return extension.isdigit() and extension[0] in "123456" and len(extension) == 3

    def flow(self, ref: str) -> Flow | None:
        return self.flows.get(ref)

    def person(self, person: str) -> Person | None:
        return PEOPLE.get(person)

    def department(self, department: str) -> Department | None:
        return self.departments.get(department)

    def room(self, room: str) -> RoomConfig | None:
        return self.rooms.get(room)

    def mailbox(self, mailbox: str) -> MailboxView | None:
        owners = {p.mailbox: p.name for p in PEOPLE.values()} | {SALES.mailbox: "Sales"}
        if mailbox not in owners:
            return None
        greeting: Prompt = Phrase("voicemail.greeting.person", {"name": owners[mailbox]})
        return MailboxView(mailbox, owners[mailbox], greeting, ())

    def check_pin(self, mailbox: str, pin: str) -> bool:
        return mailbox.startswith("box-1") and pin == "4" + mailbox.removeprefix("box-")

    def bindings(self, person: str) -> Sequence[str]:
        return ()

    def preferences(self, person: str) -> Preferences:
        return Preferences()

    def spelled(self, digits: str) -> Sequence[Person]:
        named = (p for p in PEOPLE.values() if any(spelled(w).startswith(digits) for w in p.name.split()))
        return sorted(named, key=lambda p: p.name)


MENU: dict[str, Node] = {
    "menu": schema.Menu(
        (GREETING,),
        {"1": "sales", "2": "support", "9": "directory", "0": "operator"},
        otherwise="operator",
    ),
    "sales": schema.Goto("200"),
    "support": schema.Goto("300"),
    "directory": schema.Goto("411"),
    "operator": schema.Goto("104"),
}
