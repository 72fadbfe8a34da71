"""Paths by their templates: what may be counted by, without an id of anybody."""

from __future__ import annotations

import pytest

from gateway.upstream.route_templates import OTHER, template_of, templates

ID = "7c9e6679-7425-40de-944b-000000000001"
LOCKS = "/Polaris.ApplicationServices/api/v1/eng/20/polaris/3/7/objectlocks"


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/circulation-bff/loans", "/circulation-bff/loans"),
        (f"/circulation-bff/loans/{ID}", "/circulation-bff/loans/{loanId}"),
        ("/circulation-bff/loans/check-in-by-barcode", "/circulation-bff/loans/check-in-by-barcode"),
        (
            f"/circulation-bff/batch-requests/{ID}/details",
            "/circulation-bff/batch-requests/{batchId}/details",
        ),
        (f"/circulation/requests/queue/item/{ID}", "/circulation/requests/queue/item/{id}"),
        (
            "/circulation-bff/external-users/4711/tenant/college",
            "/circulation-bff/external-users/{externalUserId}/tenant/{tenantId}",
        ),
        ("/circulation-bff/external-users/objectlocks/tenant/college/x", OTHER),
        (LOCKS, "/objectlocks"),
        (f"{LOCKS}/3", OTHER),
        (f"{LOCKS}/3/29938", "/objectlocks/{objectTypeId}/{objectId}"),
        (f"/never-heard-of/{ID}", OTHER),
        ("", OTHER),
    ],
)
def test_a_path_is_its_template(path: str, template: str) -> None:
    """Ids give way to names in braces; what has no template is `other`, whatever stands in it."""
    assert template_of(path) == template
    assert template in templates()
