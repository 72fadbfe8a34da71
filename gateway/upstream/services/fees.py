"""Fees and fines of patrons, what they refer to, their policies, and manual blocks (mod-feesfines)."""

from __future__ import annotations

from gateway.upstream.caller import Service, keys_in
from gateway.upstream.collection import Collection
from gateway.upstream.record_types import Record
from gateway.upstream.routes import Interface, Route
from gateway.upstream.statuses import Write

FEES_FINES = Interface("feesfines", "17.0 18.0 19.0")


class Fees(Service):
    """The interface of mod-feesfines."""

    accounts = Collection(Route("GET", "/accounts", FEES_FINES, "accounts.collection.get"), "accounts")
    actions = Collection(
        Route("GET", "/feefineactions", FEES_FINES, "feefineactions.collection.get"), "feefineactions"
    )
    owners = Collection(Route("GET", "/owners", FEES_FINES, "owners.collection.get"), "owners")
    types = Collection(Route("GET", "/feefines", FEES_FINES, "feefines.collection.get"), "feefines")
    payment_methods = Collection(Route("GET", "/payments", FEES_FINES, "payments.collection.get"), "payments")
    waive_reasons = Collection(Route("GET", "/waives", FEES_FINES, "waives.collection.get"), "waivers")
    transfer_accounts = Collection(
        Route("GET", "/transfers", FEES_FINES, "transfers.collection.get"), "transfers"
    )
    refund_reasons = Collection(Route("GET", "/refunds", FEES_FINES, "refunds.collection.get"), "refunds")
    manual_blocks = Collection(
        Route("GET", "/manualblocks", FEES_FINES, "manualblocks.collection.get"), "manualblocks"
    )
    overdue_fine_policies = Collection(
        Route("GET", "/overdue-fines-policies", FEES_FINES, "overdue-fines-policies.collection.get"),
        "overdueFinePolicies",
    )
    lost_item_fee_policies = Collection(
        Route("GET", "/lost-item-fees-policies", FEES_FINES, "lost-item-fees-policies.collection.get"),
        "lostItemFeePolicies",
    )

    manual_block_route = Route("GET", "/manualblocks/{id}", FEES_FINES, "manualblocks.item.get")

    async def manual_block(self, block_id: str) -> Record | None:
        return await self._client.read_record(self.manual_block_route, block_id)

    create_manual_block_route = Route("POST", "/manualblocks", FEES_FINES, "manualblocks.item.post")

    async def create_manual_block(self, body: Record) -> Record:
        """Block a user. Sent once; an id that exists is refused.

        Raises `Refused` with the library's reasons, and `OutcomeUnknown` without a conclusive response
        (mod-feesfines, ManualBlocksAPI).
        """
        write = Write(
            operation="createManualBlock",
            keys=keys_in(body, "id", "userId"),
            verify="user(id:) { manualBlocks { nodes { id desc metadata { createdDate } } } }",
        )
        return await self._client.write_for_record(write, self.create_manual_block_route, body)

    update_manual_block_route = Route("PUT", "/manualblocks/{id}", FEES_FINES, "manualblocks.item.put")

    async def update_manual_block(self, block_id: str, record: Record) -> None:
        """Replace a block by its complete new form. Sent once; raises as `create_manual_block`."""
        write = Write(
            operation="updateManualBlock",
            keys={"manualBlockId": block_id},
            verify="manualBlock(id:) { desc metadata { updatedDate } }",
        )
        await self._client.replace_record(write, self.update_manual_block_route, record, block_id)

    delete_manual_block_route = Route("DELETE", "/manualblocks/{id}", FEES_FINES, "manualblocks.item.delete")

    async def delete_manual_block(self, block_id: str) -> None:
        """Delete a block. Sent once; raises as `create_manual_block`, and `NotFound` if it does not exist."""
        write = Write(
            operation="deleteManualBlock",
            keys={"manualBlockId": block_id},
            verify="manualBlock(id:) { id }",
        )
        await self._client.write_without_record(write, self.delete_manual_block_route, None, block_id)
