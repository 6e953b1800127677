"""What an operator can set: in a file, in the environment, by flags; each later one wins.

docs/settings.md is this, as a table (`tongdai settings`); a test keeps them the same.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from tongdai.app.alarms.outbound import AlarmHook, read_networks, read_url
from tongdai.core.errors import TongdaiError
from tongdai.core.interfaces import read_interfaces, read_servers
from tongdai.core.proxies import Header
from tongdai.core.turn import TurnServers, check_turn, read_turn_urls

FILE = Path("tongdai.toml")
_SQLITE = "sqlite+aiosqlite:///"


class Settings(BaseSettings):
    """Settings of `tongdai serve`."""

    model_config = SettingsConfigDict(env_prefix="TONGDAI_", extra="forbid")

    data: Path = Field(
        Path("data"), description="Directory of everything that is kept; made when it is missing."
    )
    database: str = Field(
        "",
        description="URL of an SQLite file elsewhere than in the data directory, e.g. "
        "`sqlite+aiosqlite:////srv/tongdai.db`. Other databases are not supported yet.",
    )
    host: str = Field(
        "127.0.0.1",
        description="IP addresses to listen on, separated by commas; 0.0.0.0 for all of IPv4, :: for all of "
        "IPv6. HTTP listens on the first.",
    )
    advertised_ip: str = Field(
        "",
        description="IP addresses that phones are told to send to, at most one of each IP version, when they "
        "are not those of `host` (behind a NAT). Empty: `host`, or the machine's address for 0.0.0.0 and ::.",
    )
    sip_port: int = Field(5060, ge=0, le=65535, description="Port of SIP over UDP and TCP; 0 for a free one.")
    tls_port: int = Field(5061, ge=0, le=65535, description="Port of SIP over TLS; 0 for a free one.")
    ws_port: int = Field(
        8088,
        ge=0,
        le=65535,
        description="Port of SIP over WebSocket, for browsers; 0 for a free one. It speaks TLS (wss), except "
        "on loopback.",
    )
    ws_origins: str = Field(
        "",
        description="Web origins, separated by commas, whose pages may use the WebSocket beside those of "
        "this server's own names, e.g. `https://portal.example.com`.",
    )
    tls_certificate: str = Field(
        "",
        description="File of the TLS certificate (PEM, those that signed it behind it). Followed when it "
        "changes. Empty: one that is made at the first start and signed by itself.",
    )
    tls_key: str = Field("", description="File of its private key (PEM, without a password).")
    http_port: int = Field(
        8080,
        ge=0,
        le=65535,
        description="Port of the API and the portal; 0 for a free one. HTTPS unless `host` is loopback.",
    )
    sip_names: str = Field(
        "localhost",
        description="Host names, separated by commas, by which phones know this server beside their "
        "company's domain. Calls to any other name go nowhere.",
    )
    dns_servers: str = Field(
        "",
        description="IP addresses of DNS servers, separated by commas, with `:port` where it is not 53, for "
        "carriers that are called by name. Empty: those of the system (/etc/resolv.conf).",
    )
    media_interfaces: str = Field(
        "",
        description="Addresses of sound, separated by commas; `BIND=PUBLIC` behind a NAT, `BIND for NETWORK` "
        "for its peers only, e.g. `10.0.0.5=203.0.113.7, 192.168.1.5 for 192.168.0.0/16`. A peer gets "
        "the first that is named for its network, or else of its IP version; one that describes itself by a "
        "private address and signals from a public one is where it signals from. Empty: `advertised_ip`.",
    )
    media_ports: str = Field(
        "20000-29999", description="First and last UDP port of sound; a call takes four."
    )
    media_latch: Literal["signalled", "anyone"] = Field(
        "signalled",
        description="From whom a stream without keys may come when not from the address that its peer named. "
        "`signalled`: from that host, or the one that its signalling comes from. `anyone`: the first who "
        "sends has the stream, also a stranger; a last resort for phones behind routers with several lines, "
        "and carriers whose gateways are not where they say.",
    )
    turn_urls: str = Field(
        "",
        description="TURN and STUN servers, separated by commas, for browsers that cannot reach us by "
        "themselves, e.g. `turn:turn.example.net:3478, "
        "turns:turn.example.net:5349?transport=tcp`. Empty: none.",
    )
    turn_secret: str = Field(
        "",
        description="Secret shared with these servers (coturn: `static-auth-secret`), of which everybody's "
        "own credentials are made, good for an hour.",
    )
    turn_username: str = Field("", description="In place of `turn_secret`: the user name that all use.")
    turn_password: str = Field("", description="Its password.")
    ring_seconds: float | None = Field(
        None, gt=0, le=600, description="How long phones ring. Empty: what each tenant has set."
    )
    piper_command: str | None = Field(
        None, description="Command line of a Piper voice for Vietnamese. Empty: espeak-ng."
    )
    orphan_seconds: int = Field(
        60,
        ge=0,
        le=3600,
        description="How many seconds calls go on, and new ones are taken, when the supervisor has died and "
        "no other was started.",
    )
    former_engine_hours: float = Field(
        24.0,
        gt=0,
        le=720,
        description="How many hours calls from before an upgrade stay in the engine that they began in. Who "
        "still talks then goes on in the new one, and hears nothing for a moment.",
    )
    alarm_webhook: str = Field(
        "",
        description="URL that is told of alarms, as JSON by POST: the database, the journal, the disk or the "
        "media engine fails, or does again. Empty: only the log and the metrics tell.",
    )
    alarm_secret: str = Field(
        "",
        description="Secret that these are signed with: `X-Tongdai-Signature: sha256=` and the HMAC-SHA-256 "
        "of the body in hexadecimal.",
    )
    webhook_networks: str = Field(
        "",
        description="Networks, separated by commas, that a webhook may lead to although they are not of the "
        "public Internet, e.g. `10.1.2.0/24`.",
    )
    metrics_networks: str = Field(
        "",
        description="Networks, separated by commas, that may read `/healthz` and `/metrics` beside this "
        "machine, e.g. `10.1.2.0/24`.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses and networks, separated by commas, of proxies before the API, the pages "
        "and SIP over WebSocket, e.g. `127.0.0.1`: they, and nobody else, are believed about where a request "
        "or a phone is from, and by `X-Forwarded-Proto` about TLS that they speak with browsers.",
    )
    proxy_header: Header = Field(
        "x-forwarded-for",
        description="Header at whose end they say where from: `x-forwarded-for`, or `forwarded` (RFC 7239; "
        "its `proto` then counts, not `X-Forwarded-Proto`).",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged.")
    log_format: Literal["json", "console"] = Field(
        "json", description="One JSON object a line, or for a terminal."
    )

    @field_validator("database")
    @classmethod
    def _database(cls, value: str) -> str:
        if value and not value.startswith(_SQLITE):
            # without what may stand in it: a password
            raise ValueError(
                f"{value.partition(':')[0]!r} is no database that is supported; write {_SQLITE}/PATH of an "
                "SQLite file, or leave it empty"
            )
        return value

    @field_validator("host", "advertised_ip")
    @classmethod
    def _addresses(cls, value: str) -> str:
        return ",".join(addresses(value))

    @field_validator("media_interfaces")
    @classmethod
    def _interfaces(cls, value: str) -> str:
        read_interfaces(value)
        return value

    @field_validator("dns_servers")
    @classmethod
    def _dns_servers(cls, value: str) -> str:
        read_servers(value)
        return value

    @field_validator("turn_urls")
    @classmethod
    def _turn_urls(cls, value: str) -> str:
        read_turn_urls(value)
        return value

    @model_validator(mode="after")
    def _turn(self) -> Settings:
        check_turn(self.turn)
        return self

    @property
    def alarms(self) -> AlarmHook:
        return AlarmHook(self.alarm_webhook, self.alarm_secret, self.webhook_networks)

    @property
    def turn(self) -> TurnServers:
        return TurnServers(
            read_turn_urls(self.turn_urls), self.turn_secret, self.turn_username, self.turn_password
        )

    @field_validator("alarm_webhook")
    @classmethod
    def _alarm_webhook(cls, value: str) -> str:
        if value:
            read_url(value)
        return value

    @field_validator("webhook_networks", "metrics_networks", "trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        read_networks(value)
        return value

    @field_validator("media_ports")
    @classmethod
    def _ports(cls, value: str) -> str:
        port_range(value)
        return value


def addresses(text: str) -> list[str]:
    """`127.0.0.1, ::1` as a list. Raises ValueError saying what is wrong."""
    found = [part.strip().strip("[]") for part in text.split(",") if part.strip()]
    found = ["127.0.0.1" if part == "localhost" else part for part in found]
    for part in found:
        ipaddress.ip_address(part)
    if len(set(found)) < len(found):
        raise ValueError("an address is there twice")
    return found


def port_range(text: str) -> tuple[int, int]:
    """`20000-29999` as two numbers. Raises ValueError saying what is wrong."""
    first, dash, last = text.partition("-")
    if not (dash and first.isdigit() and last.isdigit()):
        raise ValueError(f"{text!r} is no range of ports; write the first and the last, e.g. 20000-29999")
    low, high = int(first), int(last)
    if not 1024 <= low < high <= 65535:
        raise ValueError(f"{text} does not lie within 1024-65535, the smaller port first")
    if high - low < 3:
        raise ValueError(f"{text} is too few ports; a call between two phones takes four")
    return low, high


def load_settings(file: Path | None, flags: dict[str, Any]) -> Settings:
    """Read the file (`tongdai.toml` when there is one and none is named), the environment and the flags
    that were given.

    Raises `TongdaiError` naming the setting and what is wrong with it.
    """
    named = file or (Path(value) if (value := os.environ.get("TONGDAI_CONFIG")) else None)
    path = named or (FILE if FILE.is_file() else None)
    if named is not None and not named.is_file():
        raise TongdaiError(
            "no_settings", f"There is no settings file {named}.", "Name another with --config."
        )

    class Sources(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            toml = TomlConfigSettingsSource(settings_cls, path) if path is not None else None
            return (init_settings, env_settings, *((toml,) if toml is not None else ()))

    try:
        return Sources(**{name: value for name, value in flags.items() if value is not None})
    except tomllib.TOMLDecodeError as error:
        raise TongdaiError("bad_settings", f"{path} is no TOML: {error}.", "Correct that line.") from error
    except ValidationError as error:
        raise _explained(error, path) from None


def _explained(error: ValidationError, path: Path | None) -> TongdaiError:
    first = error.errors()[0]
    what = first["msg"].removeprefix("Value error, ")
    name = ".".join(str(part) for part in first["loc"])
    if not name:
        return TongdaiError(
            "bad_settings",
            f"The settings turn_urls, turn_secret, turn_username and turn_password do not fit: {what}.",
            "docs/operations.md says which go together.",
        )
    places = f"--{name.replace('_', '-')}, TONGDAI_{name.upper()}" + (
        f" or {path}" if path is not None else ""
    )
    if first["type"] == "extra_forbidden":
        return TongdaiError(
            "bad_settings", f"There is no setting {name!r}.", "docs/settings.md has them all."
        )
    return TongdaiError(
        "bad_settings", f"The setting {name} is not valid: {what}.", f"Correct it in {places}."
    )


def table() -> str:
    """docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Of `tongdai serve`. They are read from `tongdai.toml` in the working directory (or the file that",
        "`--config` or `TONGDAI_CONFIG` names), then from the environment, then from flags; each later one",
        "wins. Written by `tongdai settings > docs/settings.md`.",
        "",
        "| in tongdai.toml | environment | flag | default | meaning |",
        "|---|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        flag = f"`--{name.replace('_', '-')}`"
        lines.append(f"| `{name}` | `TONGDAI_{name.upper()}` | {flag} | {default} | {field.description} |")
    return "\n".join(lines) + "\n"
