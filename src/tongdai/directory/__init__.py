"""What call logic and the network's edge know of the configuration, answered from memory.

`Directory` is made of a `tenants.config.ProviderConfig`; when that changes, it becomes another one in place.
"""

from __future__ import annotations

from tongdai.directory.directory import Directory
from tongdai.directory.edge import DeviceRef, Edge
from tongdai.directory.ports import Bindings, Mailboxes, People
from tongdai.directory.world import TenantWorld

__all__ = ["Bindings", "DeviceRef", "Directory", "Edge", "Mailboxes", "People", "TenantWorld"]
