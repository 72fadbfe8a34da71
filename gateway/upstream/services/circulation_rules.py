"""The policies that the circulation rules determine (mod-circulation, interface circulation-rules)."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.upstream.caller import Service
from gateway.upstream.record_types import Record, record_or_error, rows_of
from gateway.upstream.routes import Interface, Route

RULES = Interface("circulation-rules", "1.1")


def _route(name: str, permission: str) -> Route:
    return Route("GET", f"/circulation/rules/{name}", RULES, f"circulation.rules.{permission}.get")


class CirculationRules(Service):
    """Reads by `item_type_id`, `loan_type_id`, `patron_type_id` and `location_id`, all of them required.

    Of each kind of policy there are two: the policy that applies, as `{<kind>PolicyId,
    appliedRuleConditions}`, and those of all matching rules, as `{<kind>PolicyId, circulationRuleLine}` with
    the rule that applies first and the fallback last. Ids of no record match no rule but the fallback. Both
    forms are those of the source (AbstractCirculationRulesEngineResource and Drools): the published schemas
    of the lists have the names `ruleMatches` and `ruleLine`, which no version has sent.
    """

    loan_policy_route = _route("loan-policy", "loan-policy")

    async def loan_policy(self, query: Mapping[str, str]) -> Record:
        return await self._policy(self.loan_policy_route, query, "loanPolicyId")

    loan_policy_matches_route = _route("loan-policy-all", "loan-policy-all")

    async def loan_policy_matches(self, query: Mapping[str, str]) -> list[Record]:
        return await self._matches(self.loan_policy_matches_route, query)

    request_policy_route = _route("request-policy", "request-policy")

    async def request_policy(self, query: Mapping[str, str]) -> Record:
        return await self._policy(self.request_policy_route, query, "requestPolicyId")

    request_policy_matches_route = _route("request-policy-all", "request-policy-all")

    async def request_policy_matches(self, query: Mapping[str, str]) -> list[Record]:
        return await self._matches(self.request_policy_matches_route, query)

    overdue_fine_policy_route = _route("overdue-fine-policy", "overdue-fine-policy")

    async def overdue_fine_policy(self, query: Mapping[str, str]) -> Record:
        return await self._policy(self.overdue_fine_policy_route, query, "overdueFinePolicyId")

    overdue_fine_policy_matches_route = _route("overdue-fine-policy-all", "overdue-fine-policy-all")

    async def overdue_fine_policy_matches(self, query: Mapping[str, str]) -> list[Record]:
        """Return the matching rules, whose policy is in `overduePolicyId`."""
        return await self._matches(self.overdue_fine_policy_matches_route, query)

    lost_item_policy_route = _route("lost-item-policy", "lost-item-policy")

    async def lost_item_policy(self, query: Mapping[str, str]) -> Record:
        return await self._policy(self.lost_item_policy_route, query, "lostItemPolicyId")

    lost_item_policy_matches_route = _route("lost-item-policy-all", "lost-item-all")

    async def lost_item_policy_matches(self, query: Mapping[str, str]) -> list[Record]:
        return await self._matches(self.lost_item_policy_matches_route, query)

    notice_policy_route = _route("notice-policy", "notice-policy")

    async def notice_policy(self, query: Mapping[str, str]) -> Record:
        return await self._policy(self.notice_policy_route, query, "noticePolicyId")

    notice_policy_matches_route = _route("notice-policy-all", "notice-policy-all")

    async def notice_policy_matches(self, query: Mapping[str, str]) -> list[Record]:
        return await self._matches(self.notice_policy_matches_route, query)

    async def _policy(self, route: Route, query: Mapping[str, str], key: str) -> Record:
        """Return the policy that applies. Raises `UpstreamBadResponse` if the response names none."""
        record = await self._client.read_object(route, query)
        if key not in record:
            raise self._client.bad_shape()
        return record

    async def _matches(self, route: Route, query: Mapping[str, str]) -> list[Record]:
        """Return the matching rules, and in the place of one that is no object the error for it.

        Raises `UpstreamBadResponse` for a response without the list.
        """
        matches = rows_of((await self._client.read_object(route, query)).get("circulationRuleMatches"))
        if matches is None:
            raise self._client.bad_shape()
        return [*map(record_or_error, matches)]
