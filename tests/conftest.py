from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from tests.interop.demo import SPOKEN

# The same examples in every run of CI, so that a red build can be repeated; others at a desk.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("desk", deadline=None, max_examples=100)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots",
        type=Path,
        metavar="DIR",
        help="leave a picture there of every page that is looked at",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make where the demos of a run, in all its processes, keep what they have had spoken."""
    if not hasattr(config, "workerinput"):
        os.environ[SPOKEN] = tempfile.mkdtemp(prefix="tongdai-spoken-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ[SPOKEN], ignore_errors=True))


@pytest.hookimpl(trylast=True)  # once all have their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try once more what failed with real phones and browsers; the summary shows that, with how it failed.

    A machine that stalls for seconds makes such a test fail now and then, and there are a thousand of them.
    What comes up there again is a fault to be found: of the test, or of the product.
    """
    for item in items:
        if item.get_closest_marker("interop") or item.get_closest_marker("faults"):
            item.add_marker(pytest.mark.flaky(reruns=1))
