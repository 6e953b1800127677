from __future__ import annotations

import pytest
from tests.unit.switch.node import Node


@pytest.fixture
def node() -> Node:
    return Node()
