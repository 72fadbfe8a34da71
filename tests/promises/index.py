"""What the gateway promises, rule by rule, and the tests that would fail if it did not keep its word."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """One rule: what it says, which tests prove it, and what of it is not promised.

    A test is named by its file below tests/ and its function. Each part of a rule that is not built is
    named in `gaps` in the words of the README, which has to hold them where it says "Not promised".
    """

    says: str
    proved_by: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


def _tests(file: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{file}::test_{name}" for name in names)


HERE = "promises"
CLIENT = "upstream/test_client.py"
SOCKETS = "upstream/test_client_sockets.py"
EDGE = "web/test_protocol.py"
LINKS = "test_failing_links.py"
SOAK = "soak/test_soak.py"

SECURITY: dict[str, Promise] = {
    "S1": Promise(
        "Nobody sees what was asked for another: loaders, records, credentials and cookies end with their "
        "operation.",
        _tests(
            "test_isolation.py",
            "two_tenants_at_once_never_meet",
            "the_same_question_of_two_tenants_is_asked_twice",
            "two_tokens_of_one_tenant_never_meet",
            "nothing_is_remembered_between_operations",
            "an_error_is_not_remembered",
        )
        + _tests("loaders/test_batching.py", "operations_share_nothing")
        + _tests("upstream/test_services.py", "callers_share_nothing")
        + _tests(SOCKETS, "no_cookie_is_kept")
        + _tests(f"{HERE}/test_security.py", "s1_cookies_of_upstream_never_travel")
        + _tests(SOAK, "nobody_sees_or_is_taken_for_another"),
    ),
    "S2": Promise(
        "A request has exactly one well-formed tenant; the tenant of an argument is the caller's or one that "
        "the operator named.",
        _tests(
            "security/test_identity.py",
            "malformed_tenant",
            "missing_tenant",
            "doubled_tenant",
            "default_tenant_is_only_for_a_missing_one",
        )
        + _tests("test_bad_input.py", "headers_that_are_refused")
        + _tests("web/test_graphql.py", "identity_is_asked_first", "doubled_tenant")
        + _tests(f"{HERE}/test_security.py", "s2_a_tenant_of_an_argument_is_ones_own_or_of_the_consortium"),
    ),
    "S3": Promise(
        "Upstream gets the headers of a list, and nothing else that the caller sent.",
        _tests(
            f"{HERE}/test_security.py",
            "s3_only_what_is_on_the_list_travels",
            "s3_a_bearer_token_travels_as_the_token_of_okapi",
            "s3_of_the_cookies_only_the_token_is_read",
        )
        + _tests("upstream/test_services.py", "what_folio_is_told_of_the_caller")
        + _tests(SOCKETS, "only_the_given_headers_travel", "proxies_of_the_environment_are_ignored")
        + _tests("security/test_identity.py", "claims_are_not_read"),
    ),
    "S4": Promise(
        "A request whose end two servers could see differently is refused, and its connection closed.",
        _tests(
            EDGE,
            "unclear_framing_is_refused",
            "other_versions_are_refused",
            "other_than_one_host_is_refused",
            "http_1_0_has_no_chunks",
            "broken_chunks_close_the_connection",
            "trailers_do_not_become_headers",
        ),
    ),
    "S5": Promise(
        "No id leaves its place in a path, and no redirect of upstream is followed.",
        _tests(
            f"{HERE}/test_security.py",
            "s5_no_redirect_is_followed",
            "s5_no_argument_walks_to_another_path",
            "s5_no_key_in_a_record_walks_to_another_path",
            "s5_a_dotted_key_in_a_record_is_not_asked",
        )
        + _tests(SOCKETS, "no_redirect_is_followed", "a_segment_never_leaves_its_place")
        + _tests("test_bad_input.py", "a_mistake_has_its_code_and_costs_nothing"),
    ),
    "S6": Promise(
        "No value leaves its quotes in CQL, and a caller's own CQL stays in its parentheses.",
        _tests(
            "upstream/test_cql.py",
            "no_value_leaves_its_quotes",
            "no_value_leaves_its_list",
            "no_value_leaves_its_group_or_reaches_the_sort",
            "control_characters_are_refused",
            "a_callers_query_stays_in_its_parentheses",
            "the_length_of_a_callers_query_is_capped",
        ),
    ),
    "S7": Promise(
        "No page of another site can ask in somebody's name: JSON alone is read, and CORS is closed.",
        _tests("web/test_graphql_refusals.py", "other_bodies", "no_content_type", "two_content_types")
        + _tests("web/test_negotiation.py", "not_json")
        + _tests("web/test_browser_rules.py", "foreign_pages_may_not_ask", "other_origins_may_not_ask"),
    ),
    "S8": Promise(
        "A document is measured before it is validated, its fragments where they are spread, and batches of "
        "operations are refused.",
        _tests(
            "security/test_limits.py",
            "a_long_text_is_refused_before_it_is_read",
            "tokens_are_counted_while_they_are_read",
            "depth",
            "aliases",
            "directives",
            "nodes",
            "fragments_that_double_cost_no_time",
            "repeated_fields_are_refused_before_they_are_compared",
            "introspection_depth",
        )
        + _tests("web/test_documents.py", "number_of_errors")
        + _tests("web/test_graphql_refusals.py", "hostile_bodies", "streamed_large_body")
        + _tests("security/test_hostile.py", "hostile_documents_are_refused"),
    ),
    "S9": Promise(
        "Hostile JSON is the sender's mistake, never a 500, and every number is finite.",
        _tests("web/test_graphql_refusals.py", "hostile_bodies")
        + _tests("web/test_graphql_fuzz.py", "any_bytes", "any_json")
        + _tests("security/test_limits.py", "numbers_are_finite")
        + _tests("security/test_hostile.py", "a_variable_is_finite"),
    ),
    "S10": Promise(
        "Which of several operations is meant is never guessed.",
        _tests("web/test_documents.py", "several_operations_without_a_name", "unknown_operation_name"),
    ),
    "S11": Promise(
        "With PRODUCTION=1 nobody is told the schema: no introspection, no suggestions, no GraphiQL.",
        _tests("security/test_hostile.py", "production_is_closed")
        + _tests("security/test_limits.py", "introspection_alone_can_be_closed")
        + _tests("test_settings.py", "production_closes_what_is_not_opened")
        + _tests("web/test_browser_rules.py", "the_page_has_the_security_headers"),
    ),
    "S12": Promise(
        "Errors have our own words and the reasons of a refusal; logs hold no query, value or token.",
        _tests(
            "security/test_leakage.py",
            "failing_upstream_gives_nothing_away",
            "reasons_are_passed_on_and_nothing_besides",
            "mistakes_of_the_caller_are_not_logged",
            "messages_are_ours",
        )
        + _tests("security/test_masking.py", "unforeseen_error", "unforeseen_error_is_logged")
        + _tests("upstream/test_error_body.py", "free_text_gives_no_reason"),
    ),
    "S13": Promise(
        "An answer of upstream is read up to MAX_UPSTREAM_BYTES of what it inflates to.",
        _tests(SOCKETS, "a_bomb_is_not_inflated", "the_cap_is_the_largest_answer")
        + _tests(LINKS, "a_failing_link_never_nulls_its_list"),
    ),
    "S14": Promise(
        "Head, body, answer and pause of a connection have their time, heads their size, and connections a "
        "number.",
        _tests(
            EDGE,
            "a_silent_connection_is_closed",
            "a_dribbled_head_is_cut_off",
            "a_slow_body_is_cut_off",
            "an_idle_connection_is_closed",
            "the_number_of_headers_is_exact",
            "a_huge_head_is_refused",
            "more_connections_are_turned_away",
            "who_does_not_read_is_given_up",
        ),
    ),
    "S15": Promise(
        "Memory stays: caches and queues are bounded.",
        _tests("security/test_hostile.py", "memory_is_flat_over_distinct_documents")
        + _tests(SOAK, "memory_stays")
        + _tests("web/test_documents.py", "eviction", "total_length"),
    ),
    "S16": Promise(
        "Nothing redirects, least of all to what the caller says that the host is.",
        _tests("web/test_browser_rules.py", "nothing_is_redirected"),
    ),
    "S17": Promise("No connection is upgraded.", _tests(EDGE, "upgrades_are_refused", "connect_is_refused")),
    "S18": Promise(
        "No answer is kept or guessed at, and none says what made it.",
        _tests(
            "web/test_browser_rules.py",
            "every_answer_has_the_security_headers",
            "a_fault_has_the_security_headers",
        )
        + _tests(EDGE, "a_refusal_is_an_error_like_any_other"),
    ),
    "S19": Promise(
        "What is installed is pinned by hash; the image has no rights, writes nothing, holds no secret.",
        _tests(
            "test_packaging.py",
            "lock_has_hashes",
            "lock_is_complete_and_holds_nothing_else",
            "image_installs_what_is_locked",
            "image_runs_as_nobody",
            "image_writes_nothing",
            "image_holds_no_secrets",
        )
        + _tests("test_settings.py", "table_hides_secrets"),
        gaps=("the base image of the container is not pinned by its digest",),
    ),
}

READS: dict[str, Promise] = {
    "R1": Promise(
        "A read has its time to connect, to its first byte and as a whole, and all reads of an operation "
        "together have theirs.",
        _tests(SOCKETS, "a_question_keeps_its_deadlines")
        + _tests(
            "upstream/test_deadlines.py",
            "reads_end_with_their_operation",
            "reads_of_an_operation_share_its_time",
        )
        + _tests(LINKS, "a_slow_link_is_cut_and_the_others_are_kept")
        + _tests("test_settings.py", "defaults"),
    ),
    "R2": Promise(
        "A connection that is refused, reset or closed is UPSTREAM_UNAVAILABLE, and no part of a cut answer "
        "is used.",
        _tests(SOCKETS, "a_question_fails_with_its_code", "a_question_that_finds_no_server")
        + _tests(LINKS, "a_failing_link_never_nulls_its_list"),
    ),
    "R3": Promise(
        "An answer that is no JSON, of another shape, redirected or too big is UPSTREAM_BAD_RESPONSE, "
        "whatever it is labelled.",
        _tests(SOCKETS, "a_question_fails_with_its_code", "an_answer_is_read_whatever_its_label_says")
        + _tests(LINKS, "a_failing_link_never_nulls_its_list")
        + _tests(f"{HERE}/test_reads.py", "r6_what_is_no_json_costs_the_question_and_no_other"),
    ),
    "R4": Promise(
        "Error bodies are read by what they hold; what cannot be read leaves the status to decide.",
        _tests(
            "upstream/test_error_body.py",
            "no_bytes_break_the_reader",
            "no_json_breaks_the_reader",
            "forms_of_services",
        )
        + _tests(LINKS, "whatever_upstream_answers_the_error_is_one_of_ours"),
    ),
    "R5": Promise(
        "Each status of upstream has its code, `retryable` and `retryAfter`; a record that is not there is "
        "null without an error, in a link too.",
        _tests(
            f"{HERE}/test_reads.py",
            "r5_each_status_has_its_code",
            "r5_a_record_that_is_not_there_is_null",
            "r5_what_is_not_served_is_not_absent",
        )
        + _tests(CLIENT, "the_status_of_a_question", "when_to_come_back_is_passed_on")
        + _tests(LINKS, "a_record_that_is_not_there_is_null_without_an_error")
        + _tests("schema/test_link.py", "a_dangling_id_is_null_without_error"),
    ),
    "R6": Promise(
        "A value of another type costs the smallest nullable field around it, and unknown members cost "
        "nothing.",
        _tests(
            f"{HERE}/test_reads.py",
            "r6_a_number_that_no_int_holds_costs_its_leaf",
            "r6_a_number_that_no_double_holds_costs_its_leaf",
            "r6_a_large_sum_is_a_sum",
            "r6_what_is_no_json_costs_the_question_and_no_other",
            "r6_open_objects_are_passed_on_as_they_are",
        )
        + _tests(LINKS, "odd_values_cost_the_smallest_field")
        + _tests("schema/test_scalars.py", "nonsense_costs_its_leaf_alone")
        + _tests("test_schema_file.py", "only_keys_are_non_null", "list_elements_are_nullable_in_records"),
    ),
    "R7": Promise(
        "A failing link never nulls its list: ten rows stay ten, each lost link with one error.",
        _tests(LINKS, "a_failing_link_never_nulls_its_list")
        + _tests(
            "schema/test_link.py",
            "a_failed_batch_costs_its_rows_links_alone",
            "one_failed_chunk_costs_its_own_rows",
        )
        + _tests("schema/test_page.py", "a_failed_list_costs_its_rows_list_alone")
        + _tests("test_schema_file.py", "links_are_nullable"),
    ),
    "R8": Promise(
        "Links are asked in batches of at most BATCH_SIZE ids and MAX_REQUEST_LINE bytes, each with its "
        "limit and matched by id.",
        _tests(f"{HERE}/test_reads.py", "r8_a_batch_keeps_both_limits", "r8_every_list_is_asked_with_a_limit")
        + _tests(
            "loaders/test_batching.py",
            "fifty_ids_a_call_side_by_side",
            "the_order_of_answers_does_not_matter",
            "records_that_were_not_asked_for_are_passed_over",
            "no_request_line_is_too_long",
            "operations_share_nothing",
        ),
    ),
    "R9": Promise(
        "Only a read is asked again, only after a passing fault, three times at most and within a budget.",
        _tests(
            "upstream/test_retries.py",
            "a_passing_fault_is_asked_again",
            "a_lasting_fault_is_asked_once",
            "a_question_is_sent_three_times_at_most",
            "pauses_are_spread",
            "no_attempt_begins_past_the_end_of_the_call",
            "retries_have_a_budget",
            "the_budget_is_a_tenth_of_the_calls_of_late",
        )
        + _tests(LINKS, "a_passing_fault_is_not_seen"),
    ),
    "R10": Promise(
        "A client that hangs up stops its reads within two seconds, and no slot is lost by it.",
        _tests(LINKS, "a_client_that_hangs_up_stops_its_reads")
        + _tests("web/test_graphql_disconnect.py", "query_is_cancelled", "every_branch_is_cancelled")
        + _tests(SOCKETS, "cancelled_reads_close_their_connections", "cancellation_leaves_the_pool_whole")
        + _tests("loaders/test_batching.py", "a_batch_is_given_up_when_nobody_waits"),
    ),
}

ACTS: dict[str, Promise] = {
    "W1": Promise(
        "An act is one request upstream, whatever happens.",
        _tests(
            f"{HERE}/test_acts.py",
            "w1_an_unclear_end_is_one_request_and_holds_the_others_back",
            "w1_one_request_for_each_act_that_is_answered",
        )
        + _tests(
            SOCKETS,
            "an_act_without_a_clear_answer_is_sent_once",
            "an_act_on_a_stale_connection_is_sent_once",
        )
        + _tests("upstream/test_retries.py", "an_act_is_never_sent_again")
        + _tests("mutations/test_every_act.py", "an_unclear_end_is_an_unknown_outcome")
        + _tests(SOAK, "no_act_is_doubled"),
    ),
    "W2": Promise(
        "An act that was not sent is UPSTREAM_UNAVAILABLE and may be repeated.",
        _tests(
            f"{HERE}/test_acts.py",
            "w2_without_a_connection_nothing_was_sent",
            "w2_an_open_breaker_sends_nothing",
            "w2_an_act_that_finds_no_slot_is_not_sent",
        )
        + _tests("mutations/test_every_act.py", "nothing_sent_is_told_as_such")
        + _tests(CLIENT, "what_an_exception_says_of_an_act"),
    ),
    "W3": Promise(
        "An act that was sent and got no clear answer is OUTCOME_UNKNOWN, with the caller's keys, the time "
        "and the query that tells.",
        _tests(f"{HERE}/test_acts.py", "w3_what_was_sent_without_a_clear_answer_is_unknown")
        + _tests(
            "mutations/test_every_act.py",
            "an_unclear_end_is_an_unknown_outcome",
            "a_conflict_behind_leaves_it_open",
            "the_query_that_verifies_can_be_asked",
        )
        + _tests("mutations/test_check_out.py", "the_unknown_outcome_can_be_looked_up")
        + _tests("mutations/test_check_in.py", "the_unknown_outcome_can_be_looked_up")
        + _tests(SOCKETS, "an_unknown_outcome_tells_when_the_act_was_sent")
        + _tests(SOAK, "no_act_is_lost"),
    ),
    "W4": Promise(
        "A definite no is told as such with all its reasons; a 403 or 404 only where nothing can have "
        "happened before it.",
        _tests(
            f"{HERE}/test_acts.py",
            "w4_a_refusal_has_all_its_reasons",
            "w4_each_status_of_each_kind_of_act",
            "w4_a_permission_of_the_bff_itself_is_a_definite_no",
        )
        + _tests(
            "mutations/test_every_act.py",
            "a_refusal_is_data",
            "who_may_not_ask_gets_an_error",
            "a_mediated_request_may_be_saved_and_not_confirmed",
        )
        + _tests("mutations/test_object_locks.py", "a_lock_of_another_is_a_conflict"),
    ),
    "W5": Promise(
        "A client that hangs up does not end an act, and neither does SIGTERM: it has ACT_TIMEOUT.",
        _tests("web/test_graphql_disconnect.py", "mutation_is_finished", "every_act_is_finished")
        + _tests(
            "web/test_open_acts.py",
            "acts_survive_their_clients_and_the_signal",
            "an_act_ends_at_its_own_deadline",
            "an_act_is_not_cancelled_with_its_request",
        )
        + _tests(SOCKETS, "an_act_may_take_longer_than_a_read")
        + _tests("upstream/test_deadlines.py", "an_act_is_not_cut_by_the_operation")
        + _tests(
            "observability/test_logs.py",
            "an_act_is_a_line_of_its_own",
            "outcomes_of_acts",
            "an_act_is_logged_though_its_client_has_gone",
        ),
    ),
    "W6": Promise(
        "After an OUTCOME_UNKNOWN the remaining acts of the operation are not sent, and say so.",
        _tests(
            "mutations/test_unknown_outcomes.py",
            "nothing_follows_an_unknown_outcome",
            "what_was_done_before_stays",
            "a_clear_no_stops_nothing",
            "nothing_sent_stops_nothing",
            "the_next_operation_acts_again",
        )
        + _tests("soak/test_generated_operations.py", "acts_in_bad_weather")
        + _tests("mutations/test_check_out.py", "acts_of_one_operation_run_in_order"),
    ),
    "W7": Promise(
        "Two acts are two calls, equal as they may be.",
        _tests("mutations/test_check_in.py", "two_check_ins_are_two_calls")
        + _tests("mutations/test_check_out.py", "a_lent_item_is_never_lent_again_by_itself")
        + _tests(f"{HERE}/test_acts.py", "w1_one_request_for_each_act_that_is_answered"),
    ),
    "W8": Promise(
        "What fails below the answer of an act, a link or a value, does not hide that it was done.",
        _tests(f"{HERE}/test_acts.py", "w8_an_odd_value_in_the_answer_does_not_hide_success")
        + _tests("mutations/test_check_out.py", "a_failing_link_does_not_hide_success")
        + _tests("mutations/test_check_in.py", "a_failing_link_does_not_hide_success")
        + _tests("mutations/test_loan_acts.py", "a_failing_link_does_not_hide_success"),
    ),
}

LOAD: dict[str, Promise] = {
    "L1": Promise(
        "Each upstream has its own slots and connections; one that hangs leaves the others quick.",
        _tests(f"{HERE}/test_load.py", "l1_a_hanging_upstream_takes_no_slot_of_another")
        + _tests(LINKS, "one_hanging_upstream_leaves_the_others_quick")
        + _tests(SOCKETS, "calls_in_flight_are_bounded", "a_call_that_waits_too_long_is_not_sent")
        + _tests("upstream/test_services.py", "limits_come_from_the_settings"),
    ),
    "L2": Promise(
        "An upstream that fails half of a tenant's calls is left alone for a while; a question tries "
        "whether it is back, and an act never does.",
        _tests(
            "upstream/test_breaker.py",
            "it_opens_at_half_of_twenty_calls",
            "refusals_are_no_failures",
            "one_question_tries_and_closes_it",
            "an_act_is_never_the_one_that_tries",
            "tenants_are_apart",
        )
        + _tests(LINKS, "an_open_breaker_is_told_with_its_time"),
    ),
    "L3": Promise(
        "Beyond MAX_OPERATIONS the answer is 503 before the body is read, and health is served.",
        _tests(
            "web/test_overload.py",
            "the_excess_is_refused_before_its_body_is_read",
            "failures_free_their_place",
        ),
    ),
    "L4": Promise(
        "A neighbour is answered within half a second during one abuse, within a second during all at once.",
        _tests(f"{HERE}/test_load.py", "l4_one_abuse_keeps_no_neighbour_waiting")
        + _tests("security/test_hostile.py", "a_neighbour_is_served_during_an_attack"),
    ),
    "L5": Promise(
        "Health is about this process: it needs no tenant, asks nobody, and an outage upstream changes "
        "nothing of it.",
        _tests(
            f"{HERE}/test_load.py",
            "l5_an_outage_of_upstream_unreadies_nothing",
            "l5_health_asks_nobody",
        )
        + _tests("web/test_health.py", "alive", "not_ready_at_first", "readiness_changes"),
    ),
    "L6": Promise(
        "After SIGTERM readiness goes off, requests are taken for a while, what runs is finished, and the "
        "process ends.",
        _tests(
            "test_cli.py",
            "sigterm_drains_before_the_end",
            "drain_ends",
            "gateway_process_turns_readiness_off_first",
        )
        + _tests(
            "web/test_open_acts.py",
            "acts_survive_their_clients_and_the_signal",
            "waiting_for_acts_has_an_end",
        ),
    ),
    "L7": Promise(
        "One request id goes upstream and stands in every error, in the answer's header and in the log.",
        _tests(
            f"{HERE}/test_load.py",
            "l7_one_id_is_everywhere",
            "l7_a_refused_request_has_its_id",
            "l7_a_fault_is_logged_under_its_id",
        )
        + _tests("security/test_identity.py", "request_id_is_continued", "request_id_is_started"),
    ),
}

CODES: dict[str, Promise] = {
    "BAD_REQUEST": Promise(
        "The HTTP request, a header or its JSON was refused.",
        _tests("test_bad_input.py", "headers_that_are_refused")
        + _tests("web/test_graphql_refusals.py", "hostile_bodies"),
    ),
    "GRAPHQL_PARSE_FAILED": Promise(
        "The document is not GraphQL.",
        _tests("web/test_documents.py", "syntax_error")
        + _tests("test_bad_input.py", "a_mistake_has_its_code_and_costs_nothing"),
    ),
    "GRAPHQL_VALIDATION_FAILED": Promise(
        "The document does not fit the schema.",
        _tests("web/test_documents.py", "validation_errors")
        + _tests("test_bad_input.py", "a_mistake_has_its_code_and_costs_nothing"),
    ),
    "LIMIT_EXCEEDED": Promise(
        "A query, a page, a filter or a list beyond a limit.",
        _tests("security/test_hostile.py", "hostile_documents_are_refused")
        + _tests("test_bad_input.py", "a_mistake_in_a_link_costs_the_link"),
    ),
    "BAD_USER_INPUT": Promise(
        "An argument failed a check, and nothing was sent for its field.",
        _tests("test_bad_input.py", "a_mistake_has_its_code_and_costs_nothing")
        + _tests("mutations/test_every_act.py", "bad_input_is_told_and_not_sent"),
    ),
    "UNAUTHENTICATED": Promise(
        "Upstream does not accept the token, or there is no Polaris identity.",
        _tests(f"{HERE}/test_reads.py", "r5_each_status_has_its_code")
        + _tests("mutations/test_object_locks.py", "a_refused_identity_is_tried_once"),
    ),
    "FORBIDDEN": Promise(
        "Upstream says that this user may not do this.",
        _tests(f"{HERE}/test_reads.py", "r5_each_status_has_its_code")
        + _tests(f"{HERE}/test_acts.py", "w4_each_status_of_each_kind_of_act"),
    ),
    "NOT_FOUND": Promise(
        "Upstream knows no such record where an act named one; a question answers null.",
        _tests(f"{HERE}/test_acts.py", "w4_each_status_of_each_kind_of_act")
        + _tests("mutations/test_loan_acts.py", "a_loan_that_is_not_there"),
    ),
    "CONFLICT": Promise(
        "The record changed, is in use, or there are two of what should be one.",
        _tests(f"{HERE}/test_reads.py", "r5_each_status_has_its_code"),
    ),
    "UPSTREAM_REJECTED": Promise(
        "Upstream refused a question, and `reasons` says why.",
        _tests(f"{HERE}/test_reads.py", "r5_each_status_has_its_code"),
    ),
    "RATE_LIMITED": Promise(
        "Upstream wants fewer requests, or a budget here is spent; `retryAfter` says for how long.",
        _tests(f"{HERE}/test_reads.py", "r5_each_status_has_its_code")
        + _tests(f"{HERE}/test_acts.py", "w4_each_status_of_each_kind_of_act")
        + _tests("security/test_rate_limit.py", "too_much_is_answered_429", "who_waits_as_told_is_served"),
    ),
    "OVERLOADED": Promise(
        "The gateway has as much to do as it takes on at once.",
        _tests("web/test_overload.py", "the_excess_is_refused_before_its_body_is_read"),
    ),
    "UPSTREAM_TIMEOUT": Promise(
        "A question got no full answer in time.",
        _tests(LINKS, "a_failing_link_never_nulls_its_list", "a_slow_link_is_cut_and_the_others_are_kept"),
    ),
    "UPSTREAM_UNAVAILABLE": Promise(
        "No connection, not ready, or not configured; for an act: nothing was sent.",
        _tests(LINKS, "a_failing_link_never_nulls_its_list")
        + _tests(f"{HERE}/test_acts.py", "w2_without_a_connection_nothing_was_sent"),
    ),
    "UPSTREAM_BAD_RESPONSE": Promise(
        "An answer that cannot be used.",
        _tests(LINKS, "a_failing_link_never_nulls_its_list"),
    ),
    "UPSTREAM_ERROR": Promise(
        "Upstream failed inside.", _tests(f"{HERE}/test_reads.py", "r5_each_status_has_its_code")
    ),
    "OUTCOME_UNKNOWN": Promise(
        "An act was sent and no conclusive answer came.",
        _tests(f"{HERE}/test_acts.py", "w3_what_was_sent_without_a_clear_answer_is_unknown"),
    ),
    "INTERNAL_ERROR": Promise(
        "A fault of the gateway, told without its text.",
        _tests(f"{HERE}/test_load.py", "l7_a_fault_is_logged_under_its_id")
        + _tests("soak/test_generated_operations.py", "any_query", "any_act"),
    ),
}

SETTLED: dict[str, Promise] = {
    "P1": Promise(
        "Locks are asked in the name of the staff member, at the workstation that the caller or a setting "
        "names; a service account stands in only where the caller names the workstation.",
        _tests(
            "mutations/test_object_locks.py",
            "an_act_carries_the_identity_of_the_caller",
            "without_an_identity_nothing_is_asked",
            "without_a_workstation_nothing_is_asked",
        )
        + _tests(
            "upstream/test_polaris.py",
            "the_caller_goes_before_the_settings",
            "ones_own_login_goes_before_the_service_account",
            "the_service_account_does_nothing_without_a_workstation_of_the_caller",
            "the_service_account_does_not_release_all_locks",
            "the_log_warns_of_a_service_account",
        ),
    ),
    "P2": Promise(
        "Staff see who holds a lock: the user, the workstation and since when, and no e-mail address.",
        _tests(
            "mutations/test_object_locks.py",
            "a_lock_of_another_is_a_conflict",
            "the_mail_of_staff_is_in_no_answer",
        ),
    ),
    "P3": Promise(
        "All locks are released at once only for the caller's own, and only on a confirmation.",
        _tests(
            "mutations/test_object_locks.py",
            "all_of_my_locks_are_released_and_no_others",
            "releasing_wants_a_confirmation",
            "without_an_identity_nothing_is_asked",
        ),
    ),
    "P4": Promise(
        "Callers may send CQL: checked, capped, in parentheses, and never where the BFF asks as a system.",
        _tests(
            "upstream/test_cql.py",
            "a_callers_query_is_put_in_parentheses",
            "a_malformed_query_is_refused_with_its_place",
            "the_length_of_a_callers_query_is_capped",
            "a_refusal_never_repeats_the_query",
        )
        + _tests("test_bad_input.py", "a_mistake_has_its_code_and_costs_nothing")
        + _tests(f"{HERE}/test_security.py", "p4_no_cql_where_the_bff_asks_as_a_system"),
    ),
    "P5": Promise(
        "A question by id that finds nothing is null without an error.",
        _tests(f"{HERE}/test_reads.py", "r5_a_record_that_is_not_there_is_null")
        + _tests(CLIENT, "an_absent_record_is_none"),
    ),
    "P6": Promise(
        "Every GraphQL request needs the tenant's header, which no simple request of a foreign page has; a "
        "question may come by GET, an act may not.",
        _tests("web/test_graphql.py", "identity_is_asked_first", "get", "mutation_by_get")
        + _tests("web/test_browser_rules.py", "foreign_pages_may_not_ask")
        + _tests(f"{HERE}/test_security.py", "p6_only_the_sandbox_fills_in_a_tenant"),
    ),
    "P7": Promise(
        "The fast parser has a limit for heads and a deadline for receiving.",
        _tests(
            EDGE, "a_dribbled_head_is_cut_off", "a_huge_head_is_refused", "a_head_in_one_piece_is_measured"
        ),
    ),
}

RULES: dict[str, Promise] = SECURITY | READS | ACTS | LOAD | CODES | SETTLED
