"""With which configuration a control process begins."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from tests.unit.app.test_prepare import preparation

from tongdai.app.control_config import ControlConfig, Listening
from tongdai.app.control_process import _configuration
from tongdai.app.prepare import prepare
from tongdai.app.server_key import server_key
from tongdai.journal import LocalJournal, SealedJournal
from tongdai.tenants.changes import UNKNOWN
from tongdai.tenants.kept import KeptConfig


@pytest.fixture
async def config(tmp_path: Path) -> ControlConfig:
    plan = preparation(tmp_path).plan
    await prepare(preparation(tmp_path))
    return ControlConfig(
        listens=[Listening("127.0.0.1", -1, -1, -1, -1)],
        lifeline_fd=-1,
        ready_fd=-1,
        orphan_seconds=60,
        engine_socket="",
        rpc_socket="",
        data_dir=plan.data_dir,
        db_url=plan.db_url,
        sip_port=5060,
        tls_port=5061,
        ws_port=8088,
        ws_tls=False,
        tls_certificate="",
        tls_key="",
    )


async def test_it_is_that_of_the_database_or_else_what_was_kept_of_it(config: ControlConfig):
    journal = LocalJournal(config.data / "journal")
    here = await _configuration(config, journal)
    assert "anphat.demo" in [tenant.domain for tenant in here.tenants]
    kept = KeptConfig(SealedJournal(journal, server_key(config.data)), lambda: None)
    kept.follow(here)
    await kept.keep()
    journal.commit()
    (config.data / "tongdai.db").rename(config.data / "away")
    found = await _configuration(config, journal)
    assert (found.tenants, found.trunks, found.seq) == (here.tenants, here.trunks, UNKNOWN)
    journal.close()


async def test_where_nothing_was_kept_it_cannot_begin_without_the_database(config: ControlConfig):
    journal = LocalJournal(config.data / "journal")
    (config.data / "tongdai.db").rename(config.data / "away")
    with pytest.raises(OperationalError, match="is gone"):
        await _configuration(config, journal)
    journal.close()
