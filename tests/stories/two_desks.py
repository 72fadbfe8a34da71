"""Two desks and a reader: the screens that are open while an item travels from one desk to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple, TypeAlias

from gateway.sandbox import create_sandbox
from tests.live.folio_process import folio_process
from tests.live.kafka_server import kafka_server

Json: TypeAlias = Any  # a result is JSON of the shape that each test expects
Gateway: TypeAlias = dict[str, str]  # the settings of a process

QUEUE = "{ nodes { id status position } }"


class Story(NamedTuple):
    """A lent item that a reader has requested to be held at the second desk."""

    item: str
    barcode: str
    title: str
    request: str
    first_desk: str
    second_desk: str

    @property
    def item_page(self) -> str:
        """The screen of the first desk: the item that it has sent away."""
        return f'subscription {{ itemChanged(id: "{self.item}") {{ item {{ status {{ name }} }} }} }}'

    @property
    def arrivals(self) -> str:
        """The screen of the second desk: the requests to be picked up there."""
        return (
            f'subscription {{ requestChanged(pickupServicePointId: "{self.second_desk}")'
            " { request { id status item { barcode } } } }"
        )

    @property
    def queue_page(self) -> str:
        """The page of the reader: the queue of the title."""
        return (
            f'subscription {{ requestQueueChanged(instanceId: "{self.title}") {{ requestQueue {QUEUE} }} }}'
        )

    @property
    def queue(self) -> str:
        return f'{{ requestQueue(instanceId: "{self.title}") {QUEUE} }}'

    def check_in(self, desk: str) -> str:
        given = f'{{ itemBarcode: "{self.barcode}", servicePointId: "{desk}" }}'
        return f"mutation {{ checkIn(input: {given}) {{ __typename }} }}"


def story() -> Story:
    """Return the records of the story, which are the same in each seeded library."""
    library = create_sandbox().library("diku")
    desks = {each["name"]: id for id, each in library.service_points.items()}
    first, second = desks["Circ Desk 1"], desks["Circ Desk 2"]
    for request in library.requests.values():
        item = library.items.get(request.get("itemId", ""))
        is_next = request["status"] == "Open - Not yet filled" and request.get("position") == 1
        if (
            item is not None
            and item["status"]["name"] == "Checked out"
            and is_next
            and request.get("pickupServicePointId") == second
        ):
            return Story(item["id"], item["barcode"], request["instanceId"], request["id"], first, second)
    raise LookupError("no request of the seeded library fits")


@contextmanager
def embedded() -> Iterator[list[Gateway]]:
    """One gateway over the embedded library, with nothing configured."""
    yield [{}]


@contextmanager
def over_kafka() -> Iterator[list[Gateway]]:
    """Two gateways over FOLIO, which learn of its changes by the events that it sends to Kafka."""
    with kafka_server() as kafka, folio_process(kafka.address) as folio:
        yield 2 * [{"OKAPI_URL": folio, "KAFKA_URL": kafka.address}]


ARRANGEMENTS: dict[str, Callable[[], AbstractContextManager[list[Gateway]]]] = {
    "embedded library": embedded,
    "Kafka": over_kafka,
}
