"""Everything that must be done before control starts and needs the database's libraries: migrations, and
the demo's companies. A process of its own, so that the supervisor stays small. Run as `python -m
tongdai.app.prepare FD`."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from tongdai.app.demo.outside_phone import OutsidePhone
from tongdai.app.plan import Plan, take_over
from tongdai.app.server_key import KEY_FILE, server_key
from tongdai.core.clock import SystemClock
from tongdai.core.errors import TongdaiError
from tongdai.core.log import configure_logging

OFFERS_FILE = "offers.json"
"""In the data directory: whom the page offers to be, when passwords are no secrets."""


class Preparation(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. `trunk` is the demo's carrier (IP address, port)."""

    plan: Plan
    trunk: tuple[str, int] | None = None


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it, as JSON on standard output. `accounts` are demo.json's; `outside` is there when the
    carrier is simulated; `error` is for a person."""

    accounts: dict[str, Any] = {}
    carrier_username: str = ""
    carrier_password: str = ""
    outside: OutsidePhone | None = None
    error: str = ""


async def prepare(asked: Preparation) -> Prepared:
    """Bring the database up to date and, for a demo, see to its companies."""
    plan = asked.plan
    (plan.data / OFFERS_FILE).unlink(missing_ok=True)
    _insist_on_database(plan)
    await _bring_up_to_date(plan)
    key = server_key(plan.data)
    await _seal_passwords(plan, key)
    prepare_certificate(plan)
    if plan.demo is None or asked.trunk is None:
        return Prepared()

    from tongdai.app.demo.companies import CARRIER
    from tongdai.app.demo.outside import remove_outside, seed_outside
    from tongdai.app.demo.seed import offers, seed
    from tongdai.db import open_database

    secrets = keep_secrets(plan.data / "secrets.json", key, fixed=plan.demo.fixed_passwords)
    db = open_database(plan.db_url)
    try:
        seeded = await seed(
            db,
            secrets,
            bench=plan.demo.bench,
            trunk_host=asked.trunk[0],
            trunk_port=asked.trunk[1],
            ring_seconds=plan.ring_seconds or 20,
        )
        outside = None
        if plan.demo.carrier is None:
            outside = await seed_outside(db, secrets, seeded)
        else:
            await remove_outside(db)
    finally:
        await db.close()
    if secrets.fixed and plan.demo.fixed_passwords:
        (plan.data / OFFERS_FILE).write_bytes(msgspec.json.encode(offers(seeded)))
    return Prepared(
        accounts=msgspec.to_builtins(seeded),
        carrier_username=CARRIER,
        carrier_password=secrets.passwords[CARRIER],
        outside=outside,
    )


def _insist_on_database(plan: Plan) -> None:
    """Only who is new here has none yet: an empty one would be a server without any customers. Raises
    `TongdaiError`."""
    from sqlalchemy.engine import make_url

    url = make_url(plan.db_url)
    if url.get_backend_name() != "sqlite" or not (plan.data / KEY_FILE).exists():
        return
    if not Path(url.database or "").exists():
        raise TongdaiError(
            "database_gone",
            f"The database {url.database} is gone, and the other data in {plan.data} is there.",
            f"Bring it back, or move {plan.data} away to begin with nothing.",
        )


async def _bring_up_to_date(plan: Plan) -> None:
    from sqlalchemy.exc import DBAPIError

    from tongdai.db import migrate

    try:
        await migrate(plan.db_url)
    except DBAPIError as error:
        raise TongdaiError(
            "database_unusable",
            f"The database cannot be used: {error.orig or error}.",
            "See who else has it open, and whether its file and directory can be written.",
        ) from error


async def _seal_passwords(plan: Plan, key: bytes) -> None:
    from tongdai.db import open_database
    from tongdai.tenants.trunk.sealed import seal_stored

    db = open_database(plan.db_url)
    try:
        await seal_stored(db, key)
    finally:
        await db.close()


def prepare_certificate(plan: Plan) -> None:
    """See to a certificate that can be used: make ours when it is missing. Raises `TongdaiError`."""
    from tongdai.app import certificate as certificates
    from tongdai.app.self_signed import make

    certificate, key = Path(plan.tls_certificate), Path(plan.tls_key)
    if certificate.parent == plan.data and not (certificate.exists() and key.exists()):
        names = [name.strip() for name in plan.sip_names.split(",") if name.strip()]
        names = list(dict.fromkeys([*names, *(listen.advertised for listen in plan.listens)]))
        make(certificate, key, names, SystemClock().wall())
    certificates.load(certificate, key)


def keep_secrets(path: Path, key: bytes, *, fixed: bool) -> Any:
    """The demo's secrets as they were left, else new ones. Fixed ones are never used when others can reach
    us; random ones stay when the demo comes back to loopback, since its phones know them."""
    from tongdai.app.demo.secrets import DemoSecrets, fixed_secrets, random_secrets

    kept: DemoSecrets | None = None
    if path.is_file():
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=DemoSecrets)
        except msgspec.DecodeError as error:
            raise TongdaiError(
                "bad_secrets", f"{path} cannot be read: {error}.", "Begin anew with --fresh."
            ) from error
    if kept is not None and kept.fixed and not fixed:
        kept = None
    if kept is None:
        new = msgspec.structs.replace(fixed_secrets() if fixed else random_secrets(), pin_key=key.hex())
    else:  # an account that a later version added gets a password
        made = fixed_secrets() if kept.fixed else random_secrets()
        new = msgspec.structs.replace(kept, passwords=made.passwords | kept.passwords)
        if new == kept:
            return kept
    temporary = path.with_suffix(".new")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(new)))
    temporary.replace(path)
    return new


def main(fd: int) -> int:
    asked = take_over(fd, Preparation)
    configure_logging(asked.plan.log_format, asked.plan.log_level)
    gc.disable()  # a short life with much to import
    try:
        prepared = asyncio.run(prepare(asked))
    except TongdaiError as error:
        prepared = Prepared(error=str(error))
    sys.stdout.buffer.write(msgspec.json.encode(prepared))
    return 1 if prepared.error else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
