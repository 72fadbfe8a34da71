"""A small, stateful library in memory: the default upstream, the demo and the test double of the gateway."""

from gateway.sandbox.app import Sandbox, create_sandbox
from gateway.sandbox.events import Event
from gateway.sandbox.http.bff import Bff
from gateway.sandbox.http.call_log import Call, WriteCounts
from gateway.sandbox.http.faults import ConnectionLost, Fault, Faults
from gateway.sandbox.library import Library
from gateway.sandbox.summary import Summary

__all__ = [
    "Bff",
    "Call",
    "ConnectionLost",
    "Event",
    "Fault",
    "Faults",
    "Library",
    "Sandbox",
    "Summary",
    "WriteCounts",
    "create_sandbox",
]
