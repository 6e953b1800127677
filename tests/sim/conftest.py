from __future__ import annotations

import pytest
from tests.sim.company import Company
from tests.sim.invariants import Checked


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def sim(company: Company) -> Checked:
    """The demo company with a phone each for Lan and Minh, two for Hoa, and one for the operator."""
    sim = Checked(company)
    for person, binding in {"lan": "lan-1", "minh": "minh-1", "hoa": "hoa-1", "anna": "anna-1"}.items():
        sim.register(person, binding)
    sim.register("hoa", "hoa-2")
    return sim
