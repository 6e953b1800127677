"""Print the API's description. Run as `python -m tongdai.api.openapi`; the build of web/ reads it."""

from __future__ import annotations

import sys

import msgspec

from tongdai.api.app import openapi

if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(openapi()))
