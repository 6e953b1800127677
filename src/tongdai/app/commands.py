"""The commands of `tongdai`, for people."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tongdai.core.errors import TongdaiError

app = typer.Typer(
    help="A virtual PBX: the telephone systems of many businesses, on one server.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings file (default: tongdai.toml here).")
]
DataDir = Annotated[Path | None, typer.Option("--data", help="Directory of everything that is kept.")]


@app.command()
def serve(
    config: ConfigFile = None,
    data: DataDir = None,
    database: Annotated[str | None, typer.Option(help="SQLAlchemy URL of the database.")] = None,
    host: Annotated[str | None, typer.Option(help="IP addresses to listen on.")] = None,
    advertised_ip: Annotated[
        str | None, typer.Option(help="IP addresses that phones are told to send to.")
    ] = None,
    sip_port: Annotated[int | None, typer.Option(help="Port of SIP over UDP and TCP.")] = None,
    tls_port: Annotated[int | None, typer.Option(help="Port of SIP over TLS.")] = None,
    ws_port: Annotated[int | None, typer.Option(help="Port of SIP over WebSocket.")] = None,
    ws_origins: Annotated[
        str | None, typer.Option(help="Origins whose pages may use the WebSocket beside our own.")
    ] = None,
    tls_certificate: Annotated[
        str | None, typer.Option(help="File of the TLS certificate; without it one is made.")
    ] = None,
    tls_key: Annotated[str | None, typer.Option(help="File of its private key.")] = None,
    http_port: Annotated[int | None, typer.Option(help="Port of the API and the portal.")] = None,
    sip_names: Annotated[
        str | None, typer.Option(help="Host names by which phones know this server.")
    ] = None,
    dns_servers: Annotated[str | None, typer.Option(help="Servers of DNS, for carriers by name.")] = None,
    media_ports: Annotated[str | None, typer.Option(help="First and last UDP port of sound.")] = None,
    media_interfaces: Annotated[str | None, typer.Option(help="Addresses of sound.")] = None,
    media_latch: Annotated[
        str | None, typer.Option(help="Whose sound without keys is taken: signalled or anyone.")
    ] = None,
    turn_urls: Annotated[str | None, typer.Option(help="TURN and STUN servers for browsers.")] = None,
    turn_secret: Annotated[
        str | None, typer.Option(help="Secret shared with them; better in the settings file.")
    ] = None,
    turn_username: Annotated[str | None, typer.Option(help="User name in place of the secret.")] = None,
    turn_password: Annotated[str | None, typer.Option(help="Its password.")] = None,
    ring_seconds: Annotated[float | None, typer.Option(help="How long phones ring.")] = None,
    piper_command: Annotated[
        str | None, typer.Option(help="Command line of a Piper voice for Vietnamese.")
    ] = None,
    orphan_seconds: Annotated[
        int | None, typer.Option(help="How long to go on when the supervisor has died.")
    ] = None,
    former_engine_hours: Annotated[
        float | None, typer.Option(help="How long calls stay in an engine that an upgrade has left.")
    ] = None,
    alarm_webhook: Annotated[str | None, typer.Option(help="URL that is told of alarms.")] = None,
    alarm_secret: Annotated[
        str | None, typer.Option(help="Secret that they are signed with; better in the settings file.")
    ] = None,
    webhook_networks: Annotated[
        str | None, typer.Option(help="Networks of our own that a webhook may lead to.")
    ] = None,
    metrics_networks: Annotated[
        str | None, typer.Option(help="Networks that may read /healthz and /metrics.")
    ] = None,
    trusted_proxies: Annotated[
        str | None, typer.Option(help="Proxies that are believed about whom a request is from.")
    ] = None,
    proxy_header: Annotated[
        str | None, typer.Option(help="Where they say it: x-forwarded-for or forwarded.")
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    log_format: Annotated[str | None, typer.Option(help="json or console.")] = None,
) -> None:
    """Serve the tenants in the database until SIGTERM. Settings: docs/settings.md."""
    from tongdai.app.planning import plan_service, start
    from tongdai.app.settings import load_settings

    given = {name: value for name, value in locals().items() if name in _SERVE_FLAGS}
    start(plan_service(load_settings(config, given)))


_SERVE_FLAGS = frozenset(
    """data database host advertised_ip sip_port tls_port ws_port ws_origins http_port tls_certificate tls_key
    sip_names dns_servers media_ports media_interfaces media_latch turn_urls turn_secret turn_username
    turn_password ring_seconds piper_command orphan_seconds former_engine_hours alarm_webhook alarm_secret
    webhook_networks metrics_networks trusted_proxies proxy_header log_level log_format""".split()
)


@app.command()
def demo(
    host: Annotated[
        str, typer.Option(help="IP addresses to listen on; off loopback passwords are random.")
    ] = ("127.0.0.1"),
    sip_port: Annotated[int, typer.Option(help="Port of SIP over UDP and TCP.")] = 5060,
    tls_port: Annotated[int, typer.Option(help="Port of SIP over TLS.")] = 5061,
    http_port: Annotated[int, typer.Option(help="Port of the API and the portal.")] = 8080,
    ws_port: Annotated[int, typer.Option(help="Port of SIP over WebSocket.")] = 8088,
    media_ports: Annotated[str, typer.Option(help="First and last UDP port of sound.")] = "20000-29999",
    data: DataDir = None,
    carrier: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="The trunk's peer. Without it one is simulated.")
    ] = None,
    ring_seconds: Annotated[float, typer.Option(help="How long phones ring.")] = 20.0,
    bench: Annotated[
        bool, typer.Option("--bench", help="Add the benchmark's accounts (loopback only).")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what was left, and begin anew.")] = False,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Serve a company that is already set up, and say what to dial. Ctrl-C stops."""
    from tongdai.app.planning import DemoOptions, default_demo_dir, plan_demo, start, wipe
    from tongdai.app.settings import load_settings

    flags: dict[str, Any] = {
        "data": data or default_demo_dir(),
        "host": host,
        "sip_port": sip_port,
        "tls_port": tls_port,
        "ws_port": ws_port,
        "ws_origins": "null",  # so that a page out of a file can be a phone
        "http_port": http_port,
        "media_ports": media_ports,
        "ring_seconds": ring_seconds,
        "log_level": log_level,
    }
    options = DemoOptions(carrier=carrier, bench=bench)
    plan = plan_demo(load_settings(None, flags), options)
    if fresh:
        wipe(plan.data)
    start(plan)


@app.command()
def upgrade(
    environment: Annotated[
        Path | None,
        typer.Argument(
            help="Directory of the environment with that version; without it, the one of this very command."
        ),
    ] = None,
    data: DataDir = None,
) -> None:
    """Let another installed version serve, without a call noticing. When it is not fit, the version before
    goes on."""
    from tongdai.app.stored import data_directory
    from tongdai.app.upgrading import upgrade as begin

    begin(data_directory(data), environment, lambda line: print(line, flush=True))
    print("upgraded")


@app.command()
def calls(
    data: DataDir = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's: its domain or id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the latest.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every leg.")] = False,
) -> None:
    """List calls that have ended, the latest last: a table, or (into a pipe or file) one line a call with
    tabs."""
    from tongdai.app.reports import list_calls

    sys.stdout.write(
        list_calls(data, tenant, limit, "json" if as_json else "table" if sys.stdout.isatty() else "lines")
    )


@app.command()
def explain(
    call: Annotated[
        str, typer.Argument(help="The call's id, or the beginning of it; `last` for the latest.")
    ],
    data: DataDir = None,
    language: Annotated[
        str | None, typer.Option(help="en or vi; otherwise as LC_ALL or LANG has it.")
    ] = None,
) -> None:
    """Tell in plain words what happened in a call, and why."""
    from tongdai.app.reports import explain_call, language_of

    sys.stdout.write(explain_call(data, call, language_of(language, os.environ)))


Domain = Annotated[str, typer.Argument(help="The tenant's domain, e.g. anphat.demo.")]


def _with_trunks() -> None:
    from tongdai.app.trunk_commands import trunk, trunks

    app.add_typer(trunk, name="trunk")
    app.add_typer(trunks, name="trunks")


_with_trunks()


@app.command()
def tenant(
    domain: Annotated[
        str | None, typer.Argument(help="The tenant's domain; without it all are listed.")
    ] = None,
    data: DataDir = None,
    name: Annotated[str | None, typer.Option(help="What the company is called.")] = None,
    language: Annotated[str | None, typer.Option(help="In which callers are spoken to: en or vi.")] = None,
    ring_seconds: Annotated[float | None, typer.Option(help="How long its phones ring.")] = None,
    allow_countries: Annotated[
        str | None, typer.Option(metavar="VN,US", help="Which countries may be called (ISO 3166-1 codes).")
    ] = None,
    main_number: Annotated[
        str | None, typer.Option(help="One of its numbers: what the outside sees calling.")
    ] = None,
    sha256: Annotated[
        bool | None, typer.Option("--sha256/--no-sha256", help="Offer SHA-256 to its phones beside MD5.")
    ] = None,
    outside_calls: Annotated[
        int | None, typer.Option(help="How many calls through trunks at once; 0: no limit.")
    ] = None,
    outside_per_second: Annotated[
        float | None, typer.Option(help="How many such calls may begin in a second; 0: no limit.")
    ] = None,
) -> None:
    """List tenants, show one, or change its settings: from the next call on, nothing needs a restart."""
    from msgspec import UNSET

    from tongdai.app.administration import change_tenant, list_tenants, show_tenant
    from tongdai.tenants.tenant.schema import TenantChanges

    countries = [code.strip().upper() for code in (allow_countries or "").split(",") if code.strip()]
    changes = TenantChanges(
        name=UNSET if name is None else name,
        language=UNSET if language is None else language,
        ring_seconds=UNSET if ring_seconds is None else ring_seconds,
        allowed_countries=UNSET if allow_countries is None else countries,
        main_number=UNSET if main_number is None else main_number,
        sha256_digest=UNSET if sha256 is None else sha256,
        outside_calls=UNSET if outside_calls is None else outside_calls,
        outside_per_second=UNSET if outside_per_second is None else outside_per_second,
    )
    asked = changes != TenantChanges()
    if domain is None:
        if asked:
            raise TongdaiError("no_domain", "Whose settings?", "Name the tenant: tongdai tenant DOMAIN --…")
        sys.stdout.write(list_tenants(data))
    else:
        sys.stdout.write(change_tenant(data, domain, changes) if asked else show_tenant(data, domain))


_CLEARS = 'A number as he dials it; "" clears it.'


@app.command()
def person(
    domain: Domain,
    extension: Annotated[str, typer.Argument(help="Whose calls, e.g. 101.")],
    data: DataDir = None,
    dnd: Annotated[bool | None, typer.Option("--dnd/--no-dnd", help="Do not disturb.")] = None,
    dnd_busy: Annotated[
        bool | None,
        typer.Option("--dnd-busy/--dnd-voicemail", help="Whether who calls then hears busy."),
    ] = None,
    call_waiting: Annotated[
        bool | None, typer.Option("--call-waiting/--no-call-waiting", help="Take a second call.")
    ] = None,
    forward: Annotated[str | None, typer.Option(help=f"Where all calls go. {_CLEARS}")] = None,
    forward_busy: Annotated[str | None, typer.Option(help=f"… when he is busy. {_CLEARS}")] = None,
    forward_no_answer: Annotated[
        str | None, typer.Option(help=f"… when he does not answer. {_CLEARS}")
    ] = None,
    no_answer_seconds: Annotated[
        float | None, typer.Option(help="… after so long; 0: as long as the company's phones ring.")
    ] = None,
    forward_unreachable: Annotated[
        str | None, typer.Option(help=f"… when no phone of his is there. {_CLEARS}")
    ] = None,
    forward_confirm: Annotated[
        bool | None,
        typer.Option(
            "--forward-confirm/--no-forward-confirm",
            help="Who answers at an outside number must press 1: a mobile's own voicemail does not.",
        ),
    ] = None,
) -> None:
    """Show how somebody's calls are treated, or change it: from the next call on, as his phone could. tongdai
    must be running."""
    from tongdai.app.person_administration import change_person

    given = {
        "dnd": dnd,
        "dnd_busy": dnd_busy,
        "call_waiting": call_waiting,
        "always": forward,
        "busy": forward_busy,
        "no_answer": forward_no_answer,
        "no_answer_seconds": no_answer_seconds,
        "unreachable": forward_unreachable,
        "confirm": forward_confirm,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    sys.stdout.write(change_person(data, domain, extension, changes))


@app.command()
def room(
    domain: Domain,
    extension: Annotated[str, typer.Argument(help="The room's extension, e.g. 600.")],
    data: DataDir = None,
    name: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    pin: Annotated[
        str | None, typer.Option(help="What outsiders are asked for; empty: none gets in.")
    ] = None,
    tones: Annotated[
        bool | None, typer.Option("--tones/--no-tones", help="Let its members hear who comes and goes.")
    ] = None,
) -> None:
    """Show a conference room, or change it: from the next caller on, nothing needs a restart."""
    from msgspec import UNSET

    from tongdai.app.room_administration import change_room
    from tongdai.tenants.room.schema import RoomChanges

    changes = RoomChanges(
        name=UNSET if name is None else name,
        pin=UNSET if pin is None else pin,
        tones=UNSET if tones is None else tones,
    )
    sys.stdout.write(change_room(data, domain, extension, changes))


@app.command()
def codes(
    domain: Domain,
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="FEATURE=CODE", help="E.g. pickup=*2; dnd_on= for none.")
    ] = None,
    data: DataDir = None,
) -> None:
    """List what a tenant's people dial for each feature, or change it: from the next call on."""
    from tongdai.app.administration import list_codes

    given = dict(change.partition("=")[::2] for change in changes or ())
    if any("=" not in change for change in changes or ()):
        raise TongdaiError("usage", "Give changes as FEATURE=CODE.", "See `tongdai codes --help`.")
    sys.stdout.write(list_codes(data, domain, given))


@app.command()
def upload(
    domain: Domain,
    what: Annotated[
        str, typer.Argument(help="music, greeting, or a phrase of `tongdai phrases`, e.g. queue.welcome.")
    ],
    file: Annotated[
        Path | None, typer.Argument(help="MP3, M4A, FLAC, Ogg, WAV and more: at most 10 minutes and 20 MiB.")
    ] = None,
    data: DataDir = None,
    remove: Annotated[bool, typer.Option("--remove", help="Go back to what tongdai plays itself.")] = False,
) -> None:
    """Play a recording of the company's own in place of ours, from the next call on."""
    from tongdai.app import administration

    if (file is None) != remove:
        raise TongdaiError("usage", "Give either a file or --remove.", "See `tongdai upload --help`.")
    if file is None:
        sys.stdout.write(administration.remove(data, domain, what))
    else:
        sys.stdout.write(administration.upload(data, domain, what, file))


@app.command()
def phrases(
    language: Annotated[str, typer.Option(help="en or vi.")] = "en",
) -> None:
    """List what callers are told, by the key under which `tongdai upload` replaces it."""
    from tongdai.app.administration import list_phrases

    sys.stdout.write(list_phrases(language))


@app.command()
def settings() -> None:
    """Print the table of all settings (docs/settings.md)."""
    from tongdai.app.settings import table

    sys.stdout.write(table())


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        print(f"tongdai {installed('tongdai')}")
    except PackageNotFoundError:
        raise TongdaiError(
            "not_installed", "tongdai runs from a checkout that was not installed.", "Run `make setup` in it."
        ) from None


@app.command(hidden=True)
def control(config: Annotated[Path, typer.Option("--config")]) -> None:
    """Serve calls; started by the supervisor (`cli.main` takes it before it comes here)."""
    os.execv(
        sys.executable, [sys.executable, "-P", "-m", "tongdai.app.cli", "control", "--config", str(config)]
    )
