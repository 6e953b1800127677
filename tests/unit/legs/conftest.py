from __future__ import annotations

import pytest
from tests.unit.legs.stage import Phone, Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def lan(stage: Stage) -> Phone:
    """A phone of An Phát."""
    return stage.phone("anphat", "101")


@pytest.fixture
def minh(stage: Stage) -> Phone:
    """Another one of An Phát."""
    return stage.phone("anphat", "102")


@pytest.fixture
def doctor(stage: Stage) -> Phone:
    """A phone of the other tenant."""
    return stage.phone("binhminh", "201")
