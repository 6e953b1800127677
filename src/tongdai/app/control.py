"""The control process: every object of it, its start, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from tongdai.api.rpc.messages import Answer, Request, Serve
from tongdai.api.rpc.server import RpcServer
from tongdai.app.alarms.vigil import Vigil
from tongdai.app.carriers import limits_of, peer_at
from tongdai.app.contacts import Contacts
from tongdai.app.control_config import ControlConfig
from tongdai.app.engine_link import EngineLink
from tongdai.app.finder import Finder
from tongdai.app.front import Front, admit
from tongdai.app.handover import leave, take_nonces
from tongdai.app.inquiries import Inquiries
from tongdai.app.library import Library
from tongdai.app.lifeline import Lifeline
from tongdai.app.listening import open_wires, renew
from tongdai.app.memory import Memory
from tongdai.app.news import News
from tongdai.app.prewarm import Prewarming
from tongdai.app.process import Collector, rest_from_collecting
from tongdai.app.pulse import Pulse
from tongdai.app.rebuild import rebuild
from tongdai.app.server_key import nonce_secret, server_key
from tongdai.app.takeover import take_over
from tongdai.app.wires import Wires
from tongdai.blobs import LocalBlobs
from tongdai.calllog import CallLog
from tongdai.calls import events as e
from tongdai.calls.facts import Fact
from tongdai.calls.model import Cause
from tongdai.core.clock import SystemClock, boot
from tongdai.core.ids import new_id
from tongdai.core.interfaces import Interfaces, read_interfaces
from tongdai.core.log import get_logger
from tongdai.db import open_database
from tongdai.directory import Directory
from tongdai.journal import LocalJournal, SealedJournal
from tongdai.journal.refused import Refused
from tongdai.legs.callers import Callers
from tongdai.legs.guard import Guard
from tongdai.media.sessions import Sessions
from tongdai.preferences import PeoplesPreferences
from tongdai.presence import Subscriptions
from tongdai.presence.sights import Sights
from tongdai.registrar import Binding, Bindings, Registrar
from tongdai.sip.digest import DigestServer
from tongdai.sip.flow import Flow, ip_version
from tongdai.sip.ids import RandomIds
from tongdai.sip.transport.resolver import Resolver
from tongdai.sip.ua import UserAgent
from tongdai.sip.ua.overload import Overload
from tongdai.speech import Speech, SpeechSettings, SpokenPrompts
from tongdai.switch import Switch
from tongdai.tenants.changes import UNKNOWN, Follower
from tongdai.tenants.config import (
    Devices,
    ProviderConfig,
    TenantConfig,
    load,
    with_departed,
    with_former,
    with_tenant,
)
from tongdai.tenants.kept import KeptConfig
from tongdai.tenants.trunk.model import Trunk
from tongdai.tenants.trunk.sealed import unsealed
from tongdai.trunks import Locator, Trunks
from tongdai.voicemail import Mailboxes

log = get_logger(__name__)

FAREWELL_SECONDS = 2.0
"""How long BYEs wait for their answers, and recordings for their end, at a polite stop."""

MEASURE_SECONDS = 0.5
"""How long the log of an ended call waits for what the engine measured."""

FIRST_NAMES_SECONDS = 2.0
"""How long a start waits for DNS to say where the carriers are, if they are called by name."""

SETTLE_SECONDS = 1.0
"""How long a process that hands over waits for steps that only it can finish."""

_BOOT = "boot"


class Control:
    """One control process. `run` returns when it was told to stop."""

    def __init__(
        self,
        config: ControlConfig,
        provider: ProviderConfig,
        journal: LocalJournal,
        stopping: asyncio.Event,
    ) -> None:
        """`journal` is this process's own; `stopping` tells `run` to leave."""
        clock = SystemClock()
        self.config = config
        self.provider = provider
        self.stopping = stopping
        self.handed_over = False
        """Another process goes on with everything."""
        self.journal = journal
        self.db = open_database(config.db_url)
        blobs = LocalBlobs(config.data / "blobs")
        refused = Refused(config.data, clock)
        self.library = Library(provider, blobs)
        self.devices = Devices(provider)

        self.pulse = Pulse(clock=clock.monotonic, journal=self.journal, send=self._send)
        self.rpc = RpcServer(Path(config.rpc_socket), self._answer, clock)
        self._news = News(self.rpc, self.pulse.stir)
        self.bindings = Bindings(
            self.journal,
            clock,
            on_reachable=self._news.reachable,
            on_gone=self._news.gone,
        )
        self._key = server_key(config.data)
        self._sealed = SealedJournal(self.journal, self._key)
        self._kept = KeptConfig(self._sealed, self.pulse.stir)
        self._kept.follow(provider)
        self.mailboxes = Mailboxes(
            provider,
            journal=self.journal,
            blobs=blobs,
            db=self.db,
            clock=clock,
            key=self._key,
            refused=refused,
            on_change=self._news.mailbox_changed,
        )
        self.preferences = PeoplesPreferences(
            provider, journal=self.journal, db=self.db, refused=refused, on_change=self._news.reachable
        )
        self.directory = Directory(
            provider, self.bindings, self.mailboxes, self.preferences, ring_seconds=config.ring_seconds
        )
        self.contacts = Contacts(self.bindings, self.directory.edge)
        self.calllog = CallLog(
            journal=self.journal,
            db=self.db,
            clock=clock,
            refused=refused,
            patience=MEASURE_SECONDS,
            on_fact=self._news.fact,
            on_stored=self._news.stored,
        )
        self.switch = Switch(
            self.directory.worlds,
            clock=clock.monotonic,
            journal=self.journal,
            on_change=self._news.calls_changed,
        )
        self._inquiries = Inquiries(
            self,
            switch=self.switch,
            directory=self.directory,
            bindings=self.bindings,
            mailboxes=self.mailboxes,
            preferences=self.preferences,
            metrics=self._metrics,
            trunks=lambda: self.trunks.states(),
            call_id=lambda leg: self.front.call_id(leg),
            facts=self.calllog.facts,
            clock=clock,
        )
        self.speech = Speech(config.data / "speech", SpeechSettings.of(config.piper_command))
        self.prompts = SpokenPrompts(self.speech, self.library)
        self._prewarming = Prewarming(self.prompts, self.mailboxes.view)
        self.media = Sessions(
            self.prompts, self.library, self.journal, self.switch.post, self._measured, clock.monotonic
        )

        guard = Guard(clock.monotonic, self.contacts.lives_at)
        self._digest = DigestServer(nonce_secret(self._key, boot()), not_before=clock.monotonic())
        callers = Callers(
            self.directory.edge,
            self._digest,
            clock.monotonic,
            guard,
            names=config.names,
        )
        sip = [(listening.advertised, config.sip_port) for listening in config.listens]
        tls = [(listening.advertised, config.tls_port) for listening in config.listens]
        versions = sorted({ip_version(listening.advertised) for listening in config.listens})
        self.finder = Finder(Resolver(clock.monotonic, config.name_servers), versions, self.pulse.stir)
        self.locator = Locator(
            clock=clock, journal=self.journal, look_up=self.finder.look_up, on_change=self._located
        )
        self.trunks = Trunks(clock=clock, journal=self.journal, local={"udp": sip, "tcp": sip, "tls": tls})
        self.front = Front(
            edge=self.directory.edge,
            callers=callers,
            media=self.media,
            contacts=self.contacts.find,
            instances=self.bindings.instance_on,
            next_flow=self.bindings.next_flow,
            post=self.switch.post,
            journal=self._sealed,
            new_id=lambda: new_id("call"),
            addresses=sip,
            trunks=self.trunks,
            clock=clock.monotonic,
            interfaces=Interfaces(read_interfaces(config.media_interfaces)),
        )
        self.front.registrar = Registrar(
            self.bindings,
            admit=lambda incoming: admit(callers, incoming),
            clock=clock,
            on_path=self._moved,
            on_keeping=lambda flow, seconds: self.wires.expect(flow, seconds),
        )
        self.media.on_gone, self.media.on_secured = self.front.lost, self.front.secured
        self.media.spoken = self.front.spoken
        self.ua = UserAgent(
            self.front,
            clock=clock.monotonic,
            ids=RandomIds(),
            on_output=self.pulse.stir,
            screen=callers.screen,
            may_tell=guard.may_tell,
            find_ringing=self.front.find_ringing,
            locate=self.finder.look_up,
        )
        self.front.use(self.ua)
        self.trunks.use(self.ua)
        self.front.subscriptions = self.subscriptions = Subscriptions(
            Sights(self.directory.worlds, self.switch.state),
            self.ua.notifier,
            admit=lambda incoming: admit(callers, incoming),
            instances=self.bindings.instance_on,
            leads_here=lambda device, request: callers.leads_here(device.tenant, request.uri),
            journal=self.journal,
            clock=clock,
            on_change=self.pulse.stir,
        )
        self._news.use(self.switch, self.subscriptions)
        self.wires = Wires(
            self.ua,
            clock=clock.monotonic,
            stir=self.pulse.stir,
            on_lost=self.bindings.connection_lost,
            overload=Overload(secrets.token_hex(8), self.directory.edge.is_emergency_somewhere),
        )
        self.engine = EngineLink(
            self.media,
            self.journal,
            rebuild=lambda legs, client: rebuild(self.front, self.media, self.switch, legs, client),
            stir=self.pulse.stir,
        )
        self.switch.connect(self.front, self.media, self.mailboxes, self.preferences, self.calllog)
        self.pulse.use(
            self.ua,
            timed=[
                self.ua,
                self.switch,
                self.front,
                self.trunks,
                self.locator,
                self.bindings,
                self.subscriptions,
                self.calllog,
            ],
            writers=[
                self.subscriptions.flush,
                self.switch.journal,
                self.front.journal,
                self.trunks.journal,
                self.locator.journal,
                self.engine.journal,
            ],
        )
        self._memory = Memory()
        self._vigil = Vigil(
            config.alarms,
            config.names[0] if config.names else sip[0][0],
            wall=clock.wall,
            data=config.data,
            journal=self.journal,
            db=self.db,
            stores={"calls": self.calllog, "messages": self.mailboxes, "preferences": self.preferences},
            engine=lambda: self.engine.client,
            blind=lambda: self._follower.blind,
            memory=self._memory,
        )
        self.front.full = lambda request: (
            bool(self._memory.shortage)
            and not self.directory.edge.is_emergency_somewhere(request.uri.subscriber)
        )
        self._following = asyncio.Lock()
        self._follower = Follower(self.db, provider.seq, self._follow)
        self._background: set[asyncio.Task[None]] = set()

    # introductions

    def _send(self, flow: Flow, data: bytes) -> None:
        self.wires.send(flow, data)

    def _measured(self, tenant: str, call: str, fact: Fact) -> None:
        self.calllog.append(tenant, call, fact)
        self.pulse.stir()

    async def _answer(self, request: Request) -> Answer:
        try:
            return await self._inquiries.answer(request)
        finally:
            self.pulse.stir()

    def _moved(self, binding: Binding) -> None:
        """A phone is reached by this path from now on: what it is told of its calls and lamps goes there."""
        self.front.moved(binding.tenant, self.contacts.of(binding))
        self.subscriptions.moved(
            binding.tenant, binding.device, binding.instance, binding.contact, binding.flow
        )

    # life

    async def run(self, lifeline: Lifeline) -> None:
        """Take over what a former process left, serve until told to stop, and leave politely."""
        await self.take_over(
            lambda entries: self.engine.connect(*self.config.engines, entries),
            unsealed(self.provider.trunks, self._key),
        )
        certificate = await open_wires(
            self.wires, self.config, lambda address: peer_at(self.locator.trunks, address)
        )
        self.front.begin_again()
        if certificate is not None:
            self._background.add(asyncio.create_task(renew(certificate, self.stopping), name="certificate"))
        self._located()
        await self.finder.settle(FIRST_NAMES_SECONDS)
        self._prewarming.begin(self.provider.tenants)
        self._background.add(asyncio.create_task(self._kept.run(), name="keeping"))
        self._background.add(asyncio.create_task(self._follower.run(self.stopping), name="following"))
        self._background.add(asyncio.create_task(self._memory.run(self.stopping), name="memory"))
        self._background.add(asyncio.create_task(self._vigil.run(self.stopping), name="alarms"))
        await self.rpc.open()
        rest_from_collecting()
        self._background.add(asyncio.create_task(Collector().run(self.stopping), name="collecting"))
        self.journal.measure_from_now()
        self.journal.on_pending = self.pulse.pending
        self.pulse.stir()
        lifeline.say_ready(self.config.ready_fd)
        log.info("taking calls", tenants=len(self.provider.tenants), devices=len(self.bindings))
        await self.stopping.wait()
        for task in self._background:
            task.cancel()
        self._prewarming.cancel()
        self.finder.close()
        await self.rpc.close()
        if self.handed_over:
            await self._leave()
            return
        await self.speech.close()
        await self._farewell()
        lifeline.close()
        await self.wires.close()
        await self.engine.close()
        await self.close()

    async def take_over(
        self, connect: Callable[[Mapping[str, bytes]], Awaitable[None]], trunks: Sequence[Trunk]
    ) -> None:
        """Go on with what a former process left in the journal, over these trunks; `connect(entries)` reaches
        the engine."""
        entries = self.journal.load()
        opened = self._sealed.opened(entries)
        same_boot = entries.get(_BOOT) == (here := boot().encode()) != b""
        self.journal.put(_BOOT, here)
        self.calllog.open(entries, same_boot=same_boot)
        self.bindings.restore(entries, same_boot=same_boot)
        self.subscriptions.restore(entries, same_boot=same_boot)
        self._kept.restore(opened)
        read = self.provider.seq != UNKNOWN  # where one could not be read, the others could not either
        await self.mailboxes.open(entries, read=read)
        await self.preferences.open(entries, read=read)
        self.bindings.retain(self.devices)
        self.subscriptions.retain(self.devices)
        await self.prompts.prepare()
        await connect(entries)
        self.trunks.restore(entries)
        self.locator.restore(entries)
        self.locator.follow(trunks)
        self.directory.edge.follow_trunks(self.locator.trunks)
        take_nonces(opened, self._digest, self.journal)
        await take_over(opened, self.switch, self.front, self.media, same_boot=same_boot)
        self.engine.catch_up()

    async def close(self) -> None:
        """Write what waits to be written, and let go of what was opened."""
        await self.calllog.close()
        await self.mailboxes.close()
        await self.preferences.close()
        await self.db.close()
        self.journal.commit()
        self.journal.close()

    def hand_over(self) -> None:
        """Leave everything to another process, which goes on at once: also calls that are being set up."""
        self.handed_over = True
        self.stopping.set()

    async def _leave(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                await self.pulse.quiet(lambda: self.front.settled)
        leave(self.pulse, self.front, self._digest, self.wires, self.journal)
        self.engine.hear_no_more()
        await self.engine.close()
        await self.wires.close()

    def tenant(self, tenant: str) -> TenantConfig | None:
        """What is served of a tenant."""
        return next((x for x in self.provider.tenants if x.id == tenant), None)

    async def serve(self, request: Serve) -> None:
        """Serve what the web process is about to commit."""
        async with self._following:
            await self._become(with_tenant(self.provider, request.tenant, request.part))
            self._follower.ahead(request.part.seq)

    async def _follow(self) -> int:
        """Serve the configuration as it is now in the database."""
        async with self._following:
            loaded = await load(self.db)
            return await self._become(await asyncio.to_thread(with_former, loaded, self.provider))

    async def _become(self, loaded: ProviderConfig) -> int:
        """Serve this configuration from the next call on. What takes long happens in threads; when anything
        fails there, nothing has changed."""
        provider = with_departed(loaded, self.provider)
        former = {tenant.id: tenant for tenant in self.provider.tenants}
        different = [tenant for tenant in provider.tenants if tenant is not former.get(tenant.id)]
        here = {tenant.id for tenant in loaded.tenants}
        changed = [tenant for tenant in different if tenant.id in here]
        prepared = await asyncio.to_thread(self.directory.prepare, provider)
        self.provider = provider
        self.directory.become(prepared)
        self.locator.follow(unsealed(provider.trunks, self._key))
        self._located()
        self.library.follow(provider)
        self.mailboxes.follow(provider)
        self.preferences.follow(provider)
        self.devices.follow(provider)
        self._kept.follow(provider)
        if any(not _devices(former.get(x.id)) <= _devices(x) for x in different):
            self.bindings.retain(self.devices)
        self.subscriptions.retain(self.devices, [tenant.id for tenant in different])
        self.switch.end_all(Cause.SHUTDOWN, former.keys() - here)
        for tenant in changed:  # somebody new may be there for who waits in a queue
            self.switch.post(tenant.id, e.PersonReachable(""))
        self.pulse.stir()
        self._prewarming.begin(changed)
        log.info("the configuration was changed", seq=provider.seq, tenants=[x.domain for x in changed])
        return provider.seq

    def _located(self) -> None:
        """The trunks are at these addresses from now on."""
        self.directory.edge.follow_trunks(self.locator.trunks)
        self.trunks.follow(self.locator.trunks, limits_of(self.provider))
        self.pulse.stir()

    def _metrics(self) -> dict[str, float]:
        """For Prometheus, by name."""
        calls = self.switch.calls()
        return {
            "calls": len(calls),
            "legs": sum(len(call.legs) for call in calls),
            "registered_contacts": len(self.bindings),
            "tenants": len(self.provider.tenants),
            "configuration_seq": self.provider.seq,
            **self.media.metrics(),
            **self.trunks.metrics(),
            **self._vigil.metrics(),
        }

    async def _farewell(self) -> None:
        """End every call with BYE, and wait a little for answers and for recordings to be reported."""
        self.front.close()
        self.trunks.close()
        self.switch.end_all(Cause.SHUTDOWN)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self.pulse.quiet(lambda: not self.switch.calls() and not self.ua.transactions())
        log.info("stopped", calls_left=len(self.switch.calls()))


def _devices(tenant: TenantConfig | None) -> set[str]:
    return {device.id for device in tenant.devices} if tenant is not None else set()
