"""Facts of FOLIO's published schemas of notes: the members of records.

From swagger.api/schemas of mod-notes 8 (note.yaml, link.yaml, noteType.yaml, common.yaml), written as in
`tests.fee_fine_facts`.
"""

from __future__ import annotations

_NAMES = "lastName:text {0}.firstName:text {0}.middleName:text"
NOTE_METADATA = (
    "metadata.createdDate:date metadata.createdByUserId:uuid metadata.createdByUsername:text "
    f"metadata.createdBy.{_NAMES.format('metadata.createdBy')} "
    "metadata.updatedDate:date metadata.updatedByUserId:uuid metadata.updatedByUsername:text "
    f"metadata.updatedBy.{_NAMES.format('metadata.updatedBy')}"
)
NOTE = (
    "id:uuid typeId:uuid type:text title:text domain:text content:text popUpOnCheckOut:boolean "
    f"popUpOnUser:boolean links[].id:uuid links[].type:text {NOTE_METADATA}"
)
NOTE_TYPE = f"id:uuid name:text usage.isAssigned:boolean {NOTE_METADATA}"

PARAMETERS = {"search", "noteType", "status", "orderBy", "order", "offset", "limit"}
"""The parameters of GET /note-links/domain/{domain}/type/{objectType}/id/{objectId} (notes.yml)."""
STATUSES = {"assigned", "unassigned", "all"}
ORDER_BY = {"title", "content", "noteType", "updatedDate"}
ORDER = {"asc", "desc"}
