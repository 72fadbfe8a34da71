"""Service points and locations: all their links, and the effect of an invalid member."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import Gateway
from tests.schema import poisoned
from tests.schema.edges import check_forward, merged

pytestmark = pytest.mark.anyio

# The link, the stored key, and what it leads to.
LEADS_TO = [
    ("institution", "institutionId", "institutions"),
    ("campus", "campusId", "campuses"),
    ("library", "libraryId", "libraries"),
    ("primaryServicePoint", "primaryServicePoint", "service_points"),
    ("metadata.createdBy", "metadata.createdByUserId", "users"),
]


@pytest.mark.parametrize(("edge", "key", "target"), LEADS_TO)
async def test_links_of_a_location(reader: Gateway, edge: str, key: str, target: str) -> None:
    """Each link of a location is the record with the stored key."""
    await check_forward(reader, "locations", edge, key, "locations", target)


async def test_a_location_lists_its_service_points(reader: Gateway) -> None:
    """A location has all its service points, in the order of the keys."""
    data = await reader.data(
        "{ locations(first: 1000) { nodes { id servicePoints { id ecsRequestRouting } } } }"
    )

    assert {
        node["id"]: [each["id"] for each in node["servicePoints"]] for node in data["locations"]["nodes"]
    } == {each["id"]: each["servicePointIds"] for each in reader.library.locations.values()}


async def test_units_link_to_their_parents(reader: Gateway) -> None:
    """A library links to its campus, and a campus to its institution."""
    data = await reader.data(
        "{ locations(first: 1000) { nodes { library { id campus { id institution { id name } } } } } }"
    )

    library = reader.library
    for node in data["locations"]["nodes"]:
        campus = library.libraries[node["library"]["id"]]["campusId"]
        institution = library.campuses[campus]["institutionId"]
        name = library.institutions[institution]["name"]
        assert node["library"]["campus"] == {"id": campus, "institution": {"id": institution, "name": name}}


async def test_a_service_point_links_to_its_creator_and_editor(reader: Gateway) -> None:
    """The creator and the last editor of a record are users."""
    await check_forward(
        reader, "servicePoints", "metadata.createdBy", "metadata.createdByUserId", "service_points", "users"
    )


async def test_routing_points_are_loaded(gateway: Gateway) -> None:
    """Upstream hides service points that only route requests of a consortium, but links load them."""
    point = list(gateway.library.service_points.values())[3]
    point["ecsRequestRouting"] = True

    data = await gateway.data(
        "query($id: ID!) { servicePoint(id: $id) { id ecsRequestRouting } }", {"id": point["id"]}
    )

    assert data["servicePoint"] == {"id": point["id"], "ecsRequestRouting": True}


async def test_shadow_locations_are_loaded(gateway: Gateway) -> None:
    """Upstream hides locations of other libraries, and their units, but links and lists load them."""
    library = gateway.library
    location = next(iter(library.locations.values()))
    units = (
        library.institutions[location["institutionId"]],
        library.campuses[location["campusId"]],
        library.libraries[location["libraryId"]],
    )
    for each in (location, *units):
        each["isShadow"] = True
    data = await gateway.data(
        """query($id: ID!) { location(id: $id) {
            isShadow institution { isShadow } campus { isShadow } library { isShadow }
        } }""",
        {"id": location["id"]},
    )

    shadow = {"isShadow": True}
    assert data["location"] == {**shadow, "institution": shadow, "campus": shadow, "library": shadow}
    assert [call.query.get("includeShadowLocations") for call in gateway.calls] == ["true", *[None] * 3]
    assert [call.query.get("includeShadow") for call in gateway.calls] == [None, *["true"] * 3]


@pytest.mark.parametrize("is_shadow", [None, True, False])
async def test_lists_of_shadow_locations(gateway: Gateway, is_shadow: bool | None) -> None:
    """A list has the locations of other libraries too, unless they are left out by a condition."""
    first, *others = gateway.library.locations.values()
    first["isShadow"] = True
    data = await gateway.data(
        "query($filter: LocationFilter) { locations(first: 1000, filter: $filter) { nodes { id } } }",
        {"filter": {} if is_shadow is None else {"isShadow": is_shadow}},
    )

    expected = {None: [first, *others], True: [first], False: others}[is_shadow]
    assert {each["id"] for each in data["locations"]["nodes"]} == {each["id"] for each in expected}
    assert gateway.paths() == ["GET /locations"]


async def test_each_invalid_member_costs_its_own_fields(reader: Gateway) -> None:
    """If a member of a service point is missing, null or of another type, only its fields are null."""
    full = merged(list(reader.library.service_points.values()))

    assert (
        await poisoned.check("ServicePoint", "servicePoints", "/service-points", "servicepoints", full) > 100
    )


async def test_each_invalid_member_of_a_location_costs_its_own_fields(reader: Gateway) -> None:
    """If a member of a location is missing, null or of another type, only its fields are null."""
    full = merged(list(reader.library.locations.values()))

    assert await poisoned.check("Location", "locations", "/locations", "locations", full) > 100
