from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

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
