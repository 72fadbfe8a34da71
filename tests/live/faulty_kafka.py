"""The brokers that librdkafka has for its tests: several, with the faults that a test chooses."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka

FETCH = 1  # the number of the request in Kafka's protocol
OFFSET_OUT_OF_RANGE = 1
NOT_LEADER = 6
REQUEST_TIMED_OUT = 7
DISCONNECTED = -195  # the broker closes the connection in place of a response


class FaultyKafka:
    """A cluster of brokers 1 to `brokers` in this process, which keeps its log while brokers are down."""

    def __init__(self, brokers: int) -> None:
        (path,) = (Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs").glob("librdkafka-*")
        self._library = library = ctypes.CDLL(str(path))
        library.rd_kafka_new.restype = ctypes.c_void_p
        library.rd_kafka_mock_cluster_new.restype = ctypes.c_void_p
        library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        self._client = ctypes.c_void_p(library.rd_kafka_new(0, None, None, 0))
        self._cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(self._client, brokers))
        self.address: str = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create(self, topic: str, *, leader: int) -> None:
        """Create a topic with one partition."""
        self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), 1, 1)
        self.lead(topic, leader)

    def lead(self, topic: str, broker: int) -> None:
        """Let a broker take over the partition of a topic."""
        self._library.rd_kafka_mock_partition_set_leader(self._cluster, topic.encode(), 0, broker)

    def stop(self, broker: int) -> None:
        """Take a broker down: its connections are closed, and new ones refused."""
        self._library.rd_kafka_mock_broker_set_down(self._cluster, broker)

    def restart(self, broker: int) -> None:
        self._library.rd_kafka_mock_broker_set_up(self._cluster, broker)

    def fail(self, request: int, *errors: int) -> None:
        """Respond to the next requests of a kind with these errors."""
        array = (ctypes.c_int * len(errors))(*errors)
        self._library.rd_kafka_mock_push_request_errors_array(
            self._cluster, ctypes.c_int16(request), ctypes.c_size_t(len(errors)), array
        )

    def close(self) -> None:
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)


@contextmanager
def faulty_kafka(brokers: int) -> Iterator[FaultyKafka]:
    """Run a cluster until the end of the block."""
    cluster = FaultyKafka(brokers)
    try:
        yield cluster
    finally:
        cluster.close()
