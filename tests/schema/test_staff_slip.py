"""Staff slips: the tokens about the item, as FOLIO prints them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

SLIPS = """{ servicePoints(first: 50) { nodes { pickSlips { nodes { item {
    barcode accessionNumber administrativeNotes datesOfPublication editions instanceHrid physicalDescriptions
    seriesStatements shelvingOrder
} } } } } }"""


def slips_in(data: dict[str, Any]) -> list[dict[str, Any]]:  # Any: JSON
    points = data["servicePoints"]["nodes"]
    return [slip["item"] for point in points for slip in point["pickSlips"]["nodes"]]


async def test_tokens_of_a_slip_are_those_of_the_item_and_its_title(gateway: Gateway) -> None:
    """Lists are one text, joined with semicolons, as on the printed slip."""
    library = gateway.library
    for instance in library.instances.values():
        instance |= {"editions": ["2. edition", "reprint"], "series": [{"value": "A"}, {"value": "B"}]}
    for item in library.items.values():
        item |= {"administrativeNotes": ["one", "two"], "accessionNumber": "ACC"}

    slips = slips_in(await gateway.data(SLIPS))

    assert slips
    for slip in slips:
        slip_item = library.item_by_barcode(slip["barcode"])
        assert slip_item is not None
        title = library.instances[library.holdings[slip_item["holdingsRecordId"]]["instanceId"]]
        assert slip == {
            "barcode": slip_item["barcode"],
            "accessionNumber": "ACC",
            "administrativeNotes": "one; two",
            "datesOfPublication": title["publication"][0]["dateOfPublication"],
            "editions": "2. edition; reprint",
            "instanceHrid": title["hrid"],
            "physicalDescriptions": "; ".join(title["physicalDescriptions"]),
            "seriesStatements": "A; B",
            "shelvingOrder": slip_item["effectiveShelvingOrder"],
        }


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize(
    ("sent", "expected"),
    [({}, None), ({"editions": ["a", "b"]}, "a; b"), ({"editions": []}, ""), ({"editions": "a"}, "a")],
)
async def test_tokens_in_other_forms(execution: str, sent: dict[str, Any], expected: str | None) -> None:
    """A token that an older version lacks is null, and a list of texts is joined."""
    async with open_gateway(execution=execution) as gateway:
        gateway.sandbox.faults.add(
            kind="wrong_shape",
            path="/circulation-bff/pick-slips",
            shape={"pickSlips": [{"item": sent}], "totalRecords": 1},
        )
        key = next(iter(gateway.library.service_points))
        data = await gateway.data(
            "query($id: ID!) { pickSlips(servicePointId: $id) { nodes { item { editions } } } }", {"id": key}
        )

    assert data["pickSlips"]["nodes"] == [{"item": {"editions": expected}}]
