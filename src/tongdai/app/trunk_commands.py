"""`tongdai trunk` and `tongdai trunks`: carriers, for people."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tongdai.core.errors import TongdaiError

trunk = typer.Typer(help="Carriers: add one, change, show, remove it, and say whose calls it carries.")
trunks = typer.Typer(help="How the carriers fare.")

DataDir = Annotated[Path | None, typer.Option("--data", help="Directory of everything that is kept.")]
Name = Annotated[str, typer.Argument(help="The trunk's name.")]
_GATEWAY = "[udp:|tcp:|tls:]HOST[:PORT][/PRIORITY[/WEIGHT]]"

Country = Annotated[
    str | None, typer.Option(metavar="VN", help="Where the carrier takes national numbers to be.")
]
Format = Annotated[
    str | None, typer.Option("--format", help="Numbers as e164 (+84…), digits (84…) or national (0…).")
]
Username = Annotated[str | None, typer.Option(help="Our account there; empty: none.")]
PasswordFile = Annotated[
    Path | None, typer.Option(help="File with its password in the first line; - reads it from the terminal.")
]
Realm = Annotated[str | None, typer.Option(help="Answer only challenges of this realm.")]
DomainName = Annotated[
    str | None, typer.Option(help="The carrier's name in addresses and certificates; empty: the gateway's.")
]
Register = Annotated[bool | None, typer.Option("--register/--no-register", help="Register there.")]
Expires = Annotated[int | None, typer.Option(help="For how many seconds.")]
Options = Annotated[
    float | None, typer.Option("--options", help="Seconds between signs of life (OPTIONS); 0: none.")
]
Down = Annotated[int | None, typer.Option("--failures-to-down", help="Silences in a row that make it down.")]
Up = Annotated[int | None, typer.Option("--successes-to-up", help="Answers in a row that make it up again.")]
Patience = Annotated[
    float | None, typer.Option(help="Seconds without any response before the next gateway is tried.")
]
Strip = Annotated[int | None, typer.Option(help="Characters taken from the front of numbers we send.")]
Prefix = Annotated[str | None, typer.Option(help="What is put in front of them then.")]
InboundPrefix = Annotated[str | None, typer.Option(help="What the carrier puts in front of numbers.")]
Caller = Annotated[
    str | None, typer.Option(help="Whose number is shown: own, fixed, or pass (of forwarded calls).")
]
CallerNumber = Annotated[str | None, typer.Option(help="The number of --caller fixed.")]
Trusted = Annotated[
    bool | None, typer.Option("--trusted/--not-trusted", help="P-Asserted-Identity is sent and believed.")
]
Codecs = Annotated[
    str | None,
    typer.Option(metavar="PCMA,PCMU", help="What is offered, best first; empty: as phones do."),
]
EncryptionRule = Annotated[
    str | None,
    typer.Option(
        "--encryption",
        help="Of sound (SRTP): auto (over TLS, unless the carrier refuses), required, or never.",
    ),
]
Channels = Annotated[int | None, typer.Option(help="Calls at once; 0: no limit.")]
PerSecond = Annotated[float | None, typer.Option(help="Calls that may begin in a second; 0: no limit.")]
Redirect = Annotated[
    str | None, typer.Option("--redirect-hosts", help="Addresses and names that its 3xx may send calls to.")
]
Sources = Annotated[str | None, typer.Option(help="More addresses or networks that it calls from.")]
TlsCertificate = Annotated[str | None, typer.Option(help="Our certificate for it (mutual TLS).")]
TlsKey = Annotated[str | None, typer.Option(help="Its private key.")]
TlsCa = Annotated[str | None, typer.Option(help="Whose signature its certificate has; empty: the system's.")]

_LISTS = ("codecs", "redirect_hosts", "sources")
_RENAMED = {"options": "options_seconds"}
_NOT_SETTINGS = ("data", "name", "gateways", "country", "number_format", "password_file", "rename")


@trunk.command("add")
def add(
    name: Name,
    gateways: Annotated[list[str], typer.Argument(metavar=_GATEWAY, help="Where the carrier is.")],
    data: DataDir = None,
    country: Country = None,
    number_format: Format = None,
    username: Username = None,
    password_file: PasswordFile = None,
    realm: Realm = None,
    domain: DomainName = None,
    register: Register = None,
    expires: Expires = None,
    options: Options = None,
    failures_to_down: Down = None,
    successes_to_up: Up = None,
    patience: Patience = None,
    strip: Strip = None,
    prefix: Prefix = None,
    inbound_prefix: InboundPrefix = None,
    caller: Caller = None,
    caller_number: CallerNumber = None,
    trusted: Trusted = None,
    codecs: Codecs = None,
    encryption: EncryptionRule = None,
    channels: Channels = None,
    per_second: PerSecond = None,
    redirect_hosts: Redirect = None,
    sources: Sources = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    tls_ca: TlsCa = None,
) -> None:
    """Add a carrier. Nobody's calls go through it before `tongdai trunk open`."""
    given = _settings(locals())
    from tongdai.app.trunk_administration import add_trunk

    sys.stdout.write(add_trunk(data, name, gateways, country, number_format, given))


@trunk.command("set")
def change(
    name: Name,
    gateways: Annotated[
        list[str] | None,
        typer.Option("--gateway", metavar=_GATEWAY, help="All of them anew; may be repeated."),
    ] = None,
    rename: Annotated[str | None, typer.Option(help="Another name.")] = None,
    data: DataDir = None,
    country: Country = None,
    number_format: Format = None,
    username: Username = None,
    password_file: PasswordFile = None,
    realm: Realm = None,
    domain: DomainName = None,
    register: Register = None,
    expires: Expires = None,
    options: Options = None,
    failures_to_down: Down = None,
    successes_to_up: Up = None,
    patience: Patience = None,
    strip: Strip = None,
    prefix: Prefix = None,
    inbound_prefix: InboundPrefix = None,
    caller: Caller = None,
    caller_number: CallerNumber = None,
    trusted: Trusted = None,
    codecs: Codecs = None,
    encryption: EncryptionRule = None,
    channels: Channels = None,
    per_second: PerSecond = None,
    redirect_hosts: Redirect = None,
    sources: Sources = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    tls_ca: TlsCa = None,
) -> None:
    """Change what is given; the next call has it."""
    given = _settings(locals())
    from tongdai.app.trunk_administration import change_trunk

    sys.stdout.write(change_trunk(data, name, gateways, rename, country, number_format, given))


@trunk.command("show")
def show(name: Name, data: DataDir = None) -> None:
    """Show one, without its password."""
    from tongdai.app.trunk_administration import show_trunk

    sys.stdout.write(show_trunk(data, name))


@trunk.command("list")
def list_(data: DataDir = None) -> None:
    """List every carrier."""
    from tongdai.app.trunk_administration import list_trunks

    sys.stdout.write(list_trunks(data))


@trunk.command("remove")
def remove(name: Name, data: DataDir = None) -> None:
    """Remove one that carries nobody's calls any more."""
    from tongdai.app.trunk_administration import remove_trunk

    sys.stdout.write(remove_trunk(data, name))


@trunk.command("open")
def open_(
    domain: Annotated[str, typer.Argument(help="The tenant's domain, e.g. anphat.demo.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="TRUNK", help="In the order to try; none: no outside calls.")
    ] = None,
    data: DataDir = None,
) -> None:
    """Say which carriers take a tenant's calls."""
    from tongdai.app.trunk_administration import open_trunks

    sys.stdout.write(open_trunks(data, domain, names or []))


@trunks.command("status")
def status(
    data: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Ask the running tongdai how each gateway fares."""
    from tongdai.app.trunk_administration import trunk_status

    sys.stdout.write(trunk_status(data, as_json=as_json))


@trunks.callback()
def _trunks() -> None:
    """How the carriers fare."""


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """What of the options belongs to the trunk's settings and was given."""
    found = {
        _RENAMED.get(name, name): value
        for name, value in given.items()
        if value is not None and name not in _NOT_SETTINGS
    }
    for name in _LISTS:
        if name in found:
            items = (item.strip() for item in found[name].split(","))
            found[name] = [item.upper() if name == "codecs" else item for item in items if item]
    file = given.get("password_file")
    if file is not None:
        found["password"] = _password(file)
    return found


def _password(file: Path) -> str:
    if str(file) == "-":
        text: str = typer.prompt("Password", hide_input=True)
        return text
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TongdaiError("no_password", f"{file} cannot be read: {error}.", "Name a text file.") from error
    if not lines or not lines[0]:
        raise TongdaiError("no_password", f"{file} is empty.", "Put the password into its first line.")
    return lines[0]
