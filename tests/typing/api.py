"""The public surface of the package as type checkers see it: checked by mypy, not executed."""

from typing import assert_type

from starlette.applications import Starlette

import gateway
from gateway import create_app
from gateway.settings import LimitSettings, Settings, UpstreamSettings

assert_type(gateway.__version__, str)
assert_type(create_app(), Starlette)
assert_type(gateway.create_app(Settings(okapi_url="https://okapi.example.org")), Starlette)

settings = Settings()
limits: LimitSettings = settings
upstream: UpstreamSettings = settings
assert_type(settings.max_depth, int)
assert_type(settings.okapi_url, str | None)
assert_type(settings.rate, tuple[int, int] | None)
