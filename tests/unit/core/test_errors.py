from __future__ import annotations

import pickle

from tongdai.core.errors import TongdaiError


def test_reads_as_what_happened_and_what_to_do():
    error = TongdaiError("port_in_use", "Port 5060 is in use.", "Choose another with --sip-port.")
    assert str(error) == "Port 5060 is in use. Choose another with --sip-port."
    assert str(TongdaiError("gone", "It is gone.")) == "It is gone."


def test_survives_the_way_between_processes():
    error = pickle.loads(pickle.dumps(TongdaiError("code", "Message.", "Remedy.")))
    assert (error.code, error.message, error.remedy) == ("code", "Message.", "Remedy.")
