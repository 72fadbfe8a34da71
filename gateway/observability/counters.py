"""Counters and gauges of the process, declared by the modules that count.

They are plain integers, so that counting does not need prometheus_client, which is loaded only if metrics are
enabled.
"""

from __future__ import annotations

from collections.abc import Iterable


class ProcessCounter:
    """A number that only grows, for each value of a label or without a label.

    `name` is the name of the metric without its suffix `_total`. The values of a label come from a closed
    list, because each of them is a time series.
    """

    def __init__(
        self, name: str, description: str, label: str | None = None, values: Iterable[str] = ("",)
    ) -> None:
        self.name = name
        self.description = description
        self.label = label
        self.counts: dict[str, int] = dict.fromkeys(values, 0)
        COUNTERS.append(self)

    def add(self, value: str = "") -> None:
        """Count one, for this value of the label."""
        self.counts[value] += 1


class ProcessGauge(ProcessCounter):
    """A number that grows and shrinks."""

    def remove(self, value: str = "") -> None:
        """Take one back, for this value of the label."""
        self.counts[value] -= 1

    def set(self, number: int, value: str = "") -> None:
        """Replace the number, for this value of the label."""
        self.counts[value] = number


COUNTERS: list[ProcessCounter] = []
