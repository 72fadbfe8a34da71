"""Loan history, policies, preferences, reasons and slip templates: mod-circulation-storage only."""

from __future__ import annotations

from gateway.upstream.caller import Service
from gateway.upstream.collection import Collection
from gateway.upstream.routes import Interface, Route


class CirculationStorage(Service):
    """The storage interfaces of circulation that no other module serves."""

    loan_history = Collection(
        Route(
            "GET",
            "/loan-storage/loan-history",
            Interface("loan-storage", "7.0"),
            "circulation-storage.loans-history.collection.get",
        ),
        "loansHistory",
    )
    loan_policies = Collection(
        Route(
            "GET",
            "/loan-policy-storage/loan-policies",
            Interface("loan-policy-storage", "2.0"),
            "circulation-storage.loan-policies.collection.get",
        ),
        "loanPolicies",
    )
    request_policies = Collection(
        Route(
            "GET",
            "/request-policy-storage/request-policies",
            Interface("request-policy-storage", "1.0"),
            "circulation-storage.request-policies.collection.get",
        ),
        "requestPolicies",
    )
    patron_notice_policies = Collection(
        Route(
            "GET",
            "/patron-notice-policy-storage/patron-notice-policies",
            Interface("patron-notice-policy-storage", "0.11"),
            "circulation-storage.patron-notice-policies.collection.get",
        ),
        "patronNoticePolicies",
    )
    cancellation_reasons = Collection(
        Route(
            "GET",
            "/cancellation-reason-storage/cancellation-reasons",
            Interface("cancellation-reason-storage", "1.1"),
            "circulation-storage.cancellation-reasons.collection.get",
        ),
        "cancellationReasons",
    )
    staff_slips = Collection(
        Route(
            "GET",
            "/staff-slips-storage/staff-slips",
            Interface("staff-slips-storage", "1.0"),
            "circulation-storage.staff-slips.collection.get",
        ),
        "staffSlips",
    )
    request_preferences = Collection(
        Route(
            "GET",
            "/request-preference-storage/request-preference",
            Interface("request-preference-storage", "2.0"),
            "circulation-storage.request-preferences.collection.get",
        ),
        "requestPreferences",
    )
