"""Schemathesis sends a real web process what its OpenAPI allows, and what it does not: every operation
answers with what it says that it answers, and none with a fault of ours."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from tests.interop.demo import Demo

from tongdai.app.demo.companies import PROVIDER_EMAIL
from tongdai.app.demo.secrets import FIXED_PASSWORDS

SECONDS = 25
"""Whatever is left then is left out; a quiet machine needs half of it."""
EXAMPLES = 4
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
PASSWORD = "a password of schemathesis"


def _signed_in(client: httpx.Client, email: str, password: str) -> None:
    client.post("/sign-in", json={"email": email, "password": password}).raise_for_status()


def _company(base: str) -> tuple[str, str]:
    """A tenant that nobody else uses, and a token of its administrator."""

    def made(client: httpx.Client, place: str, body: Mapping[str, Any]) -> Any:
        return client.post(place, json=body).raise_for_status().json()

    domain = f"schemathesis-{os.getpid()}.example"
    email = f"admin@{domain}"
    with httpx.Client(base_url=base, timeout=30) as provider:
        _signed_in(provider, PROVIDER_EMAIL, FIXED_PASSWORDS[PROVIDER_EMAIL])
        tenant: str = made(provider, "/tenants", {"name": "Schemathesis", "domain": domain})["id"]
        admin = {"name": "Admin", "email": email, "password": PASSWORD, "role": "administrator"}
        made(provider, f"/tenants/{tenant}/people", {**admin, "extension": "101"})
    with httpx.Client(base_url=base, timeout=30) as client:
        _signed_in(client, email, PASSWORD)
        token: str = made(client, "/me/tokens", {"name": "schemathesis"})["secret"]
    return tenant, token


def test_what_the_openapi_allows_and_what_it_does_not(demo: Demo, tmp_path: Path):
    tenant, token = _company(demo.facts.http + "/api/v1")
    config = tmp_path / "schemathesis.toml"
    config.write_text(
        f'headers = {{ Authorization = "Bearer {token}" }}\n[parameters]\n"path.tenant" = "{tenant}"\n'
    )
    config.chmod(0o600)
    command = [
        str(Path(sysconfig.get_path("scripts")) / "schemathesis"),
        f"--config-file={config}",
        "run",
        demo.facts.http + "/openapi.json",
        f"--max-time={SECONDS}",
        f"--max-examples={EXAMPLES}",
        "--phases=fuzzing",
        "--generation-database=none",
        "--suppress-health-check=all",
        "--continue-on-failure",
        "--no-shrink",
        "--no-color",
        "--warnings=off",
        f"--checks={','.join(CHECKS)}",
        "--exclude-path=/api/v1/sign-out",  # ends the session that asks
    ]
    began = time.monotonic()
    hooks = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.interop.schemathesis_hooks"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, cwd=tmp_path, env={**hooks, "PYTHONPATH": str(root)}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-12_000:]
    tested = next(line for line in said.splitlines() if line.strip().startswith("Tested:"))
    assert int(tested.split()[-1]) > 60, f"{tested}, in {time.monotonic() - began:.0f} s:\n{said[-3000:]}"
    sys.stdout.write(said[-1500:])
