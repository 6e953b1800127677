"""What schemathesis cannot know of our API."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("audio/*")
def sound(ctx: Any, value: Any) -> bytes:
    """Uploads are whatever bytes come."""
    return value if isinstance(value, bytes) else str(value).encode()
