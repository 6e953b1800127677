"""What each operation does and refuses within one tenant. Across tenants: test_isolation.py."""

from __future__ import annotations

from collections.abc import Awaitable

import pytest

from tongdai.core.errors import TongdaiError
from tongdai.core.tenancy import TenantId
from tongdai.db import Database
from tongdai.tenants.config import TenantConfig, load
from tongdai.tenants.credentials import verify_password, verify_pin
from tongdai.tenants.department import service as departments
from tongdai.tenants.department.model import DepartmentKind
from tongdai.tenants.department.schema import NewDepartment
from tongdai.tenants.device import service as devices
from tongdai.tenants.device.schema import NewDevice
from tongdai.tenants.errors import Invalid
from tongdai.tenants.extension import service as extensions
from tongdai.tenants.extension.model import Destination, Extension
from tongdai.tenants.extension.store import rows as extension_rows
from tongdai.tenants.flow import service as flows
from tongdai.tenants.mailbox import service as mailboxes
from tongdai.tenants.mailbox.store import rows as mailbox_rows
from tongdai.tenants.number import service as numbers
from tongdai.tenants.person import service as people
from tongdai.tenants.person.schema import NewPerson
from tongdai.tenants.phrase import service as phrases
from tongdai.tenants.phrase.model import Phrase
from tongdai.tenants.phrase.schema import NewPhrase
from tongdai.tenants.prompt import service as prompts
from tongdai.tenants.prompt.schema import NewPrompt
from tongdai.tenants.provider import service as provider
from tongdai.tenants.provider.schema import NewProvider
from tongdai.tenants.room import service as rooms
from tongdai.tenants.room.schema import NewRoom
from tongdai.tenants.tenant import service as tenants
from tongdai.tenants.tenant.schema import NewTenant, TenantChanges
from tongdai.tenants.trunk import service as trunks
from tongdai.tenants.trunk.model import CallerRule, Encryption, Gateway, Transport, TrunkSettings
from tongdai.tenants.trunk.schema import NewTrunk, TrunkChanges, read_gateway

KEY = b"k" * 32
MAIN = "+842871234500"


async def refused(operation: Awaitable[object]) -> str:
    """The code of the error; every refusal tells what to do."""
    with pytest.raises(TongdaiError) as error:
        await operation
    assert error.value.remedy
    return error.value.code


async def config_of(db: Database, tenant: TenantId) -> TenantConfig:
    return next(x for x in (await load(db)).tenants if x.id == tenant)


# tenants


async def test_a_new_tenant_may_call_its_own_country(db: Database, tenant: TenantId):
    config = await config_of(db, tenant)
    assert (config.country, config.allowed_countries) == ("VN", frozenset({"VN"}))
    assert config.main_number == ""


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (NewTenant("", "a.example"), "bad_name"),
        (NewTenant("A\nB", "a.example"), "bad_name"),
        (NewTenant("A", "A.example"), "bad_domain"),
        (NewTenant("A", "localhost"), "bad_domain"),
        (NewTenant("A", "a.example", country="XX"), "bad_country"),
        (NewTenant("A", "a.example", language="tlh"), "bad_language"),
        (NewTenant("A", "a.example", ring_seconds=0.5), "bad_ring_seconds"),
        (NewTenant("A", "a.example", ring_seconds=float("nan")), "bad_ring_seconds"),
        (NewTenant("A", "anphat.example"), "domain_taken"),
    ],
)
async def test_a_tenant_that_cannot_be(db: Database, tenant: TenantId, new: NewTenant, code: str):
    async with db.write() as connection:
        assert await refused(tenants.create(connection, new)) == code


async def test_settings_change_and_the_rest_stays(db: Database, tenant: TenantId):
    async with db.write() as connection:
        changes = TenantChanges(language="vi", allowed_countries=["VN", "US"], sha256_digest=True)
        await tenants.change(tenant, connection, changes)
    config = await config_of(db, tenant)
    assert (config.name, config.language, config.sha256_digest) == ("An Phát", "vi", True)
    assert config.allowed_countries == frozenset({"VN", "US"})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (TenantChanges(allowed_countries=["VN", "Mars"]), "bad_country"),
        (TenantChanges(country="XX"), "bad_country"),
        (TenantChanges(language="xx"), "bad_language"),
        (TenantChanges(ring_seconds=0), "bad_ring_seconds"),
        (TenantChanges(name=" "), "bad_name"),
        (TenantChanges(main_number=MAIN), "not_own_number"),
    ],
)
async def test_settings_that_cannot_be(db: Database, tenant: TenantId, changes: TenantChanges, code: str):
    async with db.write() as connection:
        assert await refused(tenants.change(tenant, connection, changes)) == code


async def test_moving_to_a_country_whose_emergency_number_is_an_extension(db: Database, tenant: TenantId):
    async with db.write() as connection:
        await people.create(tenant, connection, NewPerson(name="Lan", extension="911"))
        assert await refused(tenants.change(tenant, connection, TenantChanges(country="US"))) == (
            "shadows_emergency"
        )


async def test_a_deleted_tenant_takes_its_configuration_along(db: Database, tenant: TenantId):
    async with db.write() as connection:
        person = await people.create(tenant, connection, NewPerson(name="Lan", extension="101"))
        await devices.create(tenant, connection, NewDevice(person.id, "lan-phone", "very secret"))
        await tenants.delete(tenant, connection)
        again = await tenants.create(connection, NewTenant("New", "anphat.example"))
        person = await people.create(again.id, connection, NewPerson(name="Lan", extension="101"))
        await devices.create(again.id, connection, NewDevice(person.id, "lan-phone", "very secret"))


# people and extensions


async def test_a_person_is_created_with_extension_and_login(db: Database, tenant: TenantId):
    new = NewPerson(name="Lan", extension="101", email="lan@anphat.example", password="long enough")
    async with db.write() as connection:
        person = await people.create(tenant, connection, new)
        assert verify_password(person.password_hash, "long enough")
    assert [(x.id, x.extension) for x in (await config_of(db, tenant)).people] == [(person.id, "101")]


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (NewPerson(name=""), "bad_name"),
        (NewPerson(name="x" * 101), "bad_name"),
        (NewPerson(name="Lan", email="lan"), "bad_email"),
        (NewPerson(name="Lan", email="lan@anphat.example", password="short"), "weak_password"),
        (NewPerson(name="Lan", password="long enough"), "email_needed"),
        (NewPerson(name="Lan", extension="112"), "shadows_emergency"),
        (NewPerson(name="Lan", extension="101"), "extension_taken"),
        (NewPerson(name="Lan", email="minh@anphat.example"), "email_taken"),
    ],
)
async def test_a_person_who_cannot_be(db: Database, tenant: TenantId, new: NewPerson, code: str):
    async with db.write() as connection:
        taken = NewPerson(name="Minh", extension="101", email="minh@anphat.example")
        await people.create(tenant, connection, taken)
        assert await refused(people.create(tenant, connection, new)) == code


async def test_extensions_are_one_space_for_people_departments_rooms_and_flows(
    db: Database, tenant: TenantId
):
    async with db.write() as connection:
        await people.create(tenant, connection, NewPerson(name="Lan", extension="101"))
        ring = NewDepartment("Sales", DepartmentKind.RING, "101")
        assert await refused(departments.create(tenant, connection, ring)) == "extension_taken"
        assert await refused(rooms.create(tenant, connection, NewRoom("Room", "101"))) == "extension_taken"
        assert await refused(flows.create(tenant, connection, b"{}", "101")) == "extension_taken"
        assert await refused(extensions.assign_music(tenant, connection, "101")) == "extension_taken"


async def test_a_new_extension_frees_the_old_one(db: Database, tenant: TenantId):
    async with db.write() as connection:
        person = await people.create(tenant, connection, NewPerson(name="Lan", extension="101"))
        await people.set_extension(tenant, connection, person.id, "102")
        await people.set_extension(tenant, connection, person.id, "102")
        await people.create(tenant, connection, NewPerson(name="Minh", extension="101"))
        assert await extension_rows.where(tenant, connection, target=person.id) == [
            Extension("102", Destination.PERSON, person.id)
        ]


async def test_a_deleted_person_leaves_nothing_behind(db: Database, tenant: TenantId):
    async with db.write() as connection:
        person = await people.create(tenant, connection, NewPerson(name="Lan", extension="101"))
        await devices.create(tenant, connection, NewDevice(person.id, "lan-phone", "very secret"))
        await mailboxes.set_pin(tenant, connection, person.id, "4101", KEY)
        sales = NewDepartment("Sales", DepartmentKind.RING, "200", (person.id,))
        await departments.create(tenant, connection, sales)
        await people.delete(tenant, connection, person.id)
        assert await mailbox_rows.where(tenant, connection) == []
    config = await config_of(db, tenant)
    assert (config.people, config.devices, config.departments[0].members) == ((), (), ())
    assert [x.extension for x in config.extensions] == ["200"]


async def test_a_person_whom_a_number_reaches_stays(db: Database, tenant: TenantId):
    async with db.write() as connection:
        person = await people.create(tenant, connection, NewPerson(name="Lan", extension="101"))
        await numbers.assign(tenant, connection, MAIN, Destination.PERSON, person.id)
        assert await refused(people.delete(tenant, connection, person.id)) == "number_leads_there"
        await numbers.release(tenant, connection, MAIN)
        await people.delete(tenant, connection, person.id)


async def test_a_password_is_replaced(db: Database, tenant: TenantId):
    async with db.write() as connection:
        new = NewPerson(name="Lan", email="lan@anphat.example", password="long enough")
        person = await people.create(tenant, connection, new)
        await people.set_password(tenant, connection, person.id, "another one")
        stored = (await people.get(tenant, connection, person.id)).password_hash
        assert verify_password(stored, "another one")
        assert not verify_password(stored, "long enough")


# devices


@pytest.mark.parametrize(
    ("username", "password", "code"),
    [
        ("lan phone", "very secret", "bad_username"),
        ("lan@anphat", "very secret", "bad_username"),
        ("", "very secret", "bad_username"),
        ("điện-thoại", "very secret", "bad_username"),
        ("lan-phone", "short", "weak_password"),
        ("taken", "very secret", "username_taken"),
    ],
)
async def test_a_device_that_cannot_be(
    db: Database, tenant: TenantId, username: str, password: str, code: str
):
    async with db.write() as connection:
        person = await people.create(tenant, connection, NewPerson(name="Lan"))
        await devices.create(tenant, connection, NewDevice(person.id, "taken", "very secret"))
        new = NewDevice(person.id, username, password)
        assert await refused(devices.create(tenant, connection, new)) == code


async def test_a_device_gets_a_new_password(db: Database, tenant: TenantId):
    async with db.write() as connection:
        person = await people.create(tenant, connection, NewPerson(name="Lan"))
        device = await devices.create(tenant, connection, NewDevice(person.id, "lan-phone", "very secret"))
        await devices.set_password(tenant, connection, device.id, "even more so")
        changed = await devices.get(tenant, connection, device.id)
        assert changed.ha1_md5 != device.ha1_md5
        assert changed.ha1_sha256 != device.ha1_sha256


# departments, rooms, mailboxes


async def test_members_keep_their_order(db: Database, tenant: TenantId):
    async with db.write() as connection:
        ids = [(await people.create(tenant, connection, NewPerson(name=n))).id for n in ("A", "B", "C")]
        sales = NewDepartment("Sales", DepartmentKind.RING, "200", tuple(ids))
        department = await departments.create(tenant, connection, sales)
        await departments.set_members(tenant, connection, department.id, ids[::-1])
    assert (await config_of(db, tenant)).departments[0].members == tuple(ids[::-1])


async def test_nobody_is_a_member_twice(db: Database, tenant: TenantId):
    async with db.write() as connection:
        lan = (await people.create(tenant, connection, NewPerson(name="Lan"))).id
        sales = NewDepartment("Sales", DepartmentKind.RING, "200", (lan, lan))
        assert await refused(departments.create(tenant, connection, sales)) == "member_twice"


async def test_a_room_with_a_number_has_a_pin(db: Database, tenant: TenantId):
    async with db.write() as connection:
        room = await rooms.create(tenant, connection, NewRoom("Room", "600"))
        lead = numbers.assign(tenant, connection, MAIN, Destination.ROOM, room.id)
        assert await refused(lead) == "room_needs_pin"
        await rooms.set_pin(tenant, connection, room.id, "2468")
        await numbers.assign(tenant, connection, MAIN, Destination.ROOM, room.id)
        assert await refused(rooms.set_pin(tenant, connection, room.id, "")) == "number_leads_there"


@pytest.mark.parametrize("pin", ["123", "12345678901", "12a4", "١٢٣٤", "1234\n"])
async def test_a_pin_that_cannot_be(db: Database, tenant: TenantId, pin: str):
    async with db.write() as connection:
        person = await people.create(tenant, connection, NewPerson(name="Lan"))
        assert await refused(mailboxes.set_pin(tenant, connection, person.id, pin, KEY)) == "bad_pin"
        assert await refused(rooms.create(tenant, connection, NewRoom("Room", "600", pin))) == "bad_pin"


async def test_a_mailboxs_pin_is_set_again_without_losing_the_greeting(db: Database, tenant: TenantId):
    async with db.write() as connection:
        person = await people.create(tenant, connection, NewPerson(name="Lan"))
        await mailboxes.set_pin(tenant, connection, person.id, "4101", KEY)
        await mailbox_rows.update(tenant, connection, person.id, greeting_blob="hello.wav")
        await mailboxes.set_pin(tenant, connection, person.id, "9999", KEY)
        setting = await mailbox_rows.get(tenant, connection, person.id)
    assert setting is not None
    assert setting.greeting_blob == "hello.wav"
    assert verify_pin(KEY, setting.pin_hash, "9999")


# flows and numbers


async def test_versions_are_kept_and_one_is_published(db: Database, tenant: TenantId):
    async with db.write() as connection:
        flow = (await flows.create(tenant, connection, b"first")).id
        second = await flows.add(tenant, connection, flow, b"second")
        assert [(x.version, x.published) for x in await flows.versions(tenant, connection, flow)] == [
            (1, True),
            (2, False),
        ]
        await flows.publish(tenant, connection, flow, second.version)
        assert [(x.graph, x.published) for x in await flows.versions(tenant, connection, flow)] == [
            (b"first", False),
            (b"second", True),
        ]
        await flows.publish(tenant, connection, flow, 1)
        assert [x.published for x in await flows.versions(tenant, connection, flow)] == [True, False]
        assert await refused(flows.publish(tenant, connection, flow, 3)) == "flow_not_found"


async def test_a_number_leads_to_one_place_and_elsewhere_later(db: Database, tenant: TenantId):
    async with db.write() as connection:
        lan = (await people.create(tenant, connection, NewPerson(name="Lan"))).id
        flow = (await flows.create(tenant, connection, b"{}")).id
        await numbers.assign(tenant, connection, MAIN, Destination.PERSON, lan)
        again = numbers.assign(tenant, connection, MAIN, Destination.FLOW, flow)
        assert await refused(again) == "number_taken"
        await numbers.lead_to(tenant, connection, MAIN, Destination.FLOW, flow)
        await tenants.change(tenant, connection, TenantChanges(main_number=MAIN))
        assert await refused(numbers.release(tenant, connection, MAIN)) == "main_number"
    config = await config_of(db, tenant)
    assert [(x.number, x.kind, x.target) for x in config.numbers] == [(MAIN, "flow", flow)]
    assert config.main_number == MAIN


@pytest.mark.parametrize("number", ["02871234500", "+8428", "101"])
async def test_a_number_that_is_not_complete(db: Database, tenant: TenantId, number: str):
    async with db.write() as connection:
        lan = (await people.create(tenant, connection, NewPerson(name="Lan"))).id
        assign = numbers.assign(tenant, connection, number, Destination.PERSON, lan)
        assert await refused(assign) == "bad_number"


# the provider's


async def test_an_installation_has_one_provider(db: Database):
    new = NewProvider("Provider", "noc@provider.example", "long enough")
    async with db.write() as connection:
        await provider.create(connection, new)
        assert await refused(provider.create(connection, new)) == "provider_exists"
        await provider.set_password(connection, "another one")
        assert verify_password((await provider.get(connection)).password_hash, "another one")


async def test_trunks_are_opened_to_a_tenant_in_order(db: Database, tenant: TenantId):
    async with db.write() as connection:
        first = await trunks.create(connection, NewTrunk("First", "192.0.2.1", 5060))
        second = await trunks.create(connection, NewTrunk("Second", "192.0.2.1", 5062))
        await trunks.open_to(tenant, connection, [second.id, first.id])
    assert (await config_of(db, tenant)).trunks == (second.id, first.id)


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (NewTrunk("Carrier", "sip carrier", 5060), "bad_address"),
        (NewTrunk("Carrier", "192.0.2.1.example.1", 5060), "bad_address"),
        (NewTrunk("Carrier", "192.0.2.1", 0), "bad_port"),
        (NewTrunk("Carrier", "192.0.2.1", 5060), "address_taken"),
        (NewTrunk("", "192.0.2.2", 5060), "bad_name"),
    ],
)
async def test_a_trunk_that_cannot_be(db: Database, new: NewTrunk, code: str):
    async with db.write() as connection:
        taken = await trunks.create(connection, NewTrunk("Taken", "192.0.2.1", 5060))
        assert await refused(trunks.create(connection, new)) == code
        await trunks.move(connection, taken.id, "192.0.2.1", 5070)
        assert await refused(trunks.remove(connection, "trunk_none")) == "trunk_not_found"
        assert await refused(trunks.move(connection, "trunk_none", "192.0.2.9", 5060)) == "trunk_not_found"


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (TrunkSettings(register=True), "no_username"),
        (TrunkSettings(domain="a b"), "bad_domain"),
        (TrunkSettings(username="a\r\nX: 1"), "bad_account"),
        (TrunkSettings(expires=5), "bad_expires"),
        (TrunkSettings(options_seconds=0.5), "bad_interval"),
        (TrunkSettings(failures_to_down=0), "bad_count"),
        (TrunkSettings(patience=0), "bad_patience"),
        (TrunkSettings(prefix="abc"), "bad_prefix"),
        (TrunkSettings(strip=99), "bad_strip"),
        (TrunkSettings(caller=CallerRule.FIXED), "no_caller_number"),
        (TrunkSettings(caller_number="nobody"), "bad_number"),
        (TrunkSettings(codecs=("G729",)), "bad_codec"),
        (TrunkSettings(channels=-1), "bad_limit"),
        (TrunkSettings(sources=("carrier.example",)), "bad_source"),
        (TrunkSettings(tls_certificate="/nowhere"), "half_certificate"),
        (TrunkSettings(tls_ca="/nowhere"), "no_file"),
        (TrunkSettings(encryption=Encryption.REQUIRED), "keys_in_the_clear"),
    ],
)
async def test_settings_of_a_trunk_that_cannot_be(db: Database, settings: TrunkSettings, code: str):
    new = NewTrunk("C", "192.0.2.1", 5060, settings=settings)
    async with db.write() as connection:
        assert await refused(trunks.create(connection, new)) == code
        trunk = await trunks.create(connection, NewTrunk("C", "192.0.2.1", 5060))
        assert await refused(trunks.change(connection, trunk.id, TrunkChanges(settings=settings))) == code
        assert await trunks.get(connection, "C") == trunk


async def test_a_trunk_whose_sound_has_to_be_encrypted_keeps_to_tls(db: Database):
    tls, udp = Gateway("192.0.2.1", 5061, Transport.TLS), Gateway("192.0.2.2")
    settings = TrunkSettings(encryption=Encryption.REQUIRED)
    async with db.write() as connection:
        new = NewTrunk("C", tls.host, tls.port, settings=settings, several=(tls,))
        trunk = await trunks.create(connection, new)
        changes = TrunkChanges(gateways=(tls, udp))
        assert await refused(trunks.change(connection, trunk.id, changes)) == "keys_in_the_clear"
        assert await trunks.get(connection, "C") == trunk


@pytest.mark.parametrize(
    ("text", "gateway"),
    [
        ("192.0.2.1", Gateway("192.0.2.1")),
        ("tls:192.0.2.1", Gateway("192.0.2.1", 5061, Transport.TLS)),
        ("tcp:192.0.2.1:5070/2/30", Gateway("192.0.2.1", 5070, Transport.TCP, 2, 30)),
        ("[2001:db8::1]:5080", Gateway("2001:db8::1", 5080)),
        ("sip.carrier.example/1", Gateway("sip.carrier.example", 0, Transport.AUTO, 1)),
        ("tls:sip.carrier.example", Gateway("sip.carrier.example", 0, Transport.TLS)),
        ("sip.carrier.example:5080", Gateway("sip.carrier.example", 5080)),
    ],
)
def test_a_gateway_is_written_as_one_says_it(text: str, gateway: Gateway):
    assert read_gateway(text) == gateway


@pytest.mark.parametrize(
    "text", ["", "sip carrier", "sip.carrier.example:0", "192.0.2.1:0", "192.0.2.1:99999", "ws:192.0.2.1"]
)
def test_what_is_no_gateway_is_refused(text: str):
    with pytest.raises(Invalid):
        read_gateway(text)


async def test_a_trunk_is_changed_and_goes_when_nobody_uses_it(db: Database, tenant: TenantId):
    more = (Gateway("192.0.2.1"), Gateway("192.0.2.2", 5061, Transport.TLS, 1, 5))
    settings = TrunkSettings(username="u", password="p", codecs=("PCMA",), channels=3)
    async with db.write() as connection:
        trunk = await trunks.create(connection, NewTrunk("Carrier", "192.0.2.1", 5060))
        await trunks.create(connection, NewTrunk("Other", "192.0.2.9", 5060))
        await trunks.open_to(tenant, connection, [trunk.id])
        changes = TrunkChanges(name="New", gateways=more, settings=settings)
        changed = await trunks.change(connection, trunk.id, changes)
        taken = TrunkChanges(gateways=(Gateway("192.0.2.9"),))
        assert await refused(trunks.change(connection, trunk.id, taken)) == "address_taken"
        assert await refused(trunks.remove(connection, "New")) == "trunk_in_use"
    stored = next(x for x in (await load(db)).trunks if x.id == trunk.id)
    assert stored == changed
    assert (stored.gateways, stored.settings) == (more, settings)
    async with db.write() as connection:
        await trunks.open_to(tenant, connection, [])
        await trunks.remove(connection, "New")
    assert [x.name for x in (await load(db)).trunks] == ["Other"]


# phrases


async def test_a_phrase_is_replaced_replaced_again_and_taken_back(db: Database, tenant: TenantId):
    async with db.write() as connection:
        assert await phrases.put(tenant, connection, NewPhrase("queue.welcome", "one.wav")) is None
        former = await phrases.put(tenant, connection, NewPhrase("queue.welcome", "two.wav"))
        assert former == Phrase("queue.welcome", "one.wav")
    assert (await config_of(db, tenant)).phrases == (Phrase("queue.welcome", "two.wav"),)
    async with db.write() as connection:
        assert await phrases.remove(tenant, connection, "queue.welcome") == Phrase("queue.welcome", "two.wav")
        assert await refused(phrases.remove(tenant, connection, "queue.welcome")) == "phrase_not_found"
    assert (await config_of(db, tenant)).phrases == ()


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (NewPhrase("../x", "a.wav"), "bad_phrase"),
        (NewPhrase("", "a.wav"), "bad_phrase"),
        (NewPhrase("a" * 101, "a.wav"), "bad_phrase"),
        (NewPhrase("queue.welcome", ""), "no_sound"),
    ],
)
async def test_a_phrase_that_cannot_be(db: Database, tenant: TenantId, new: NewPhrase, code: str):
    async with db.write() as connection:
        assert await refused(phrases.put(tenant, connection, new)) == code


# prompts


async def test_a_prompt_that_is_played_anywhere_stays(db: Database, tenant: TenantId):
    new = NewPrompt(name="Hello", blob="blob_hello.wav", ms=900, created=0.0)
    graph = b'{"label": "Menu", "nodes": {"start": {"blob": "blob_hello.wav"}}}'
    async with db.write() as connection:
        prompt = await prompts.create(tenant, connection, new)
        flow = await flows.create(tenant, connection, graph)
        await tenants.change(tenant, connection, TenantChanges(music_blob=prompt.blob))
        await phrases.put(tenant, connection, NewPhrase("queue.welcome", prompt.blob))
        used = [str(x) for x in await prompts.uses(tenant, connection, prompt.id)]
        assert used == ["the flow “Menu”", "the hold music", "the phrase “queue.welcome”"]
        assert await refused(prompts.delete(tenant, connection, prompt.id)) == "prompt_in_use"
        await tenants.change(tenant, connection, TenantChanges(music_blob=""))
        await phrases.remove(tenant, connection, "queue.welcome")
        await flows.add(tenant, connection, flow.id, b'{"label": "Menu", "nodes": {}}')
        await flows.publish(tenant, connection, flow.id, 2)
        assert not await prompts.delete(tenant, connection, prompt.id), "the former version may come back"
        other = await prompts.create(tenant, connection, NewPrompt(name="B", blob="b.wav", ms=1, created=0.0))
        assert await prompts.delete(tenant, connection, other.id)


async def test_feature_codes_are_changed_one_by_one(db: Database, tenant: TenantId, other: TenantId):
    async with db.write() as connection:
        await extensions.assign(tenant, connection, "311", Destination.PERSON, "somebody")
        changed = await tenants.change(tenant, connection, TenantChanges(feature_codes={"pickup": "*2"}))
        assert changed.feature_codes == {"pickup": "*2"}
        again = TenantChanges(feature_codes={"dnd_on": "", "pickup": "**"})
        assert (await tenants.change(tenant, connection, again)).feature_codes == {"dnd_on": ""}
        for wrong, code in (
            ({"directory": "311"}, "reserved_extension"),
            ({"directory": "*97"}, "code_taken"),
            ({"lunch": "*12"}, "no_feature"),
        ):
            with pytest.raises(Invalid) as refused:
                await tenants.change(tenant, connection, TenantChanges(feature_codes=wrong))
            assert refused.value.code == code
        assert (await tenants.get(tenant, connection)).feature_codes == {"dnd_on": ""}
        assert (await tenants.get(other, connection)).feature_codes == {}


async def test_an_extension_that_is_a_code_of_this_tenant_is_refused(
    db: Database, tenant: TenantId, other: TenantId
):
    async with db.write() as connection:
        await tenants.change(tenant, connection, TenantChanges(feature_codes={"directory": "311"}))
        await extensions.assign(tenant, connection, "411", Destination.PERSON, "somebody")
        with pytest.raises(Invalid, match="311 is dialled for a feature"):
            await extensions.assign(tenant, connection, "311", Destination.PERSON, "another")
        await extensions.assign(other, connection, "311", Destination.PERSON, "theirs")
