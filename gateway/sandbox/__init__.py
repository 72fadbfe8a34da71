"""A small, stateful library in memory: the default upstream, the demo and the test double."""

from gateway.sandbox.app import Sandbox, create_sandbox
from gateway.sandbox.calls import Call
from gateway.sandbox.faults import ConnectionLost, Fault, Faults
from gateway.sandbox.library import Library
from gateway.sandbox.summary import Summary

__all__ = ["Call", "ConnectionLost", "Fault", "Faults", "Library", "Sandbox", "Summary", "create_sandbox"]
