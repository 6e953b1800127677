from __future__ import annotations

import asyncio
import io
import json
import logging

import pytest
import structlog

from tongdai.core.errors import TongdaiError
from tongdai.core.log import configure_logging, get_logger, log_context
from tongdai.core.tenancy import TenantId


@pytest.fixture
def out():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("json", "info", stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_context(out):
    with log_context(tenant=TenantId("ten_a"), call="call_1"):
        with log_context(leg="leg_1"):
            get_logger("tongdai.legs").info("leg offered", number="+842871234500")
        get_logger("tongdai.legs").info("after")
    get_logger("tongdai.legs").info("outside")
    inner, after, outside = lines(out)
    assert inner["event"] == "leg offered"
    assert inner["level"] == "info"
    assert inner["logger"] == "tongdai.legs"
    assert inner["timestamp"].endswith("Z")
    assert inner["number"] == "+842871234500"
    assert (inner["tenant"], inner["call"], inner["leg"]) == ("ten_a", "call_1", "leg_1")
    assert (after["call"], "leg" in after) == ("call_1", False)
    assert "tenant" not in outside


async def test_tasks_do_not_see_each_others_calls(out):
    first_entered = asyncio.Event()

    async def work(call, wait):
        with log_context(call=call):
            if wait:
                await first_entered.wait()
            first_entered.set()
            get_logger("t").info("at work", of=call)

    await asyncio.gather(work("call_1", True), work("call_2", False))
    assert {(line["call"], line["of"]) for line in lines(out)} == {("call_1", "call_1"), ("call_2", "call_2")}


def test_secrets_do_not_come_out(out):
    log = get_logger("t")
    log.info("registered", password="hunter2", sip='Authorization: Digest response="abcdef0123"')
    logging.getLogger("other.library").warning("connecting to %s", "postgresql://tongdai:hunter2@db/x")
    try:
        raise ValueError("bad password=hunter2")
    except ValueError:
        log.exception("failed")
    assert "hunter2" not in out.getvalue()
    assert "abcdef0123" not in out.getvalue()
    first, _, last = lines(out)
    assert first["event"] == "registered"
    assert "ValueError" in last["exception"]


def test_other_libraries_come_out_alike(out):
    with log_context(tenant=TenantId("ten_a")):
        logging.getLogger("asyncio").warning("slow: %d ms", 120)
    (line,) = lines(out)
    assert (line["event"], line["level"], line["tenant"]) == ("slow: 120 ms", "warning", "ten_a")


def test_the_level_is_kept(out):
    get_logger("t").debug("not shown")
    assert out.getvalue() == ""


def test_console_lines_are_for_people(out):
    stream = io.StringIO()
    configure_logging("console", "debug", stream)
    get_logger("t").debug("leg offered", pin="4101", number="101")
    assert "leg offered" in stream.getvalue()
    assert "number=101" in stream.getvalue()
    assert "4101" not in stream.getvalue()


def test_an_unknown_level_says_which_there_are(out):
    with pytest.raises(TongdaiError, match="debug, info, warning, error"):
        configure_logging("json", "loud")


def test_an_unknown_format_says_which_there_are(out):
    with pytest.raises(TongdaiError, match="json or console"):
        configure_logging("xml")
