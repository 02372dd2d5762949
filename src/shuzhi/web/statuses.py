"""The one table of HTTP statuses: what each refusal is to whoever sent the request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shuzhi.kernel.errors import BrokenError, ShuzhiError
from shuzhi.share.sensorthings import QueryError

_REFUSED, _BROKEN = 400, 503

_BY_STATUS: Mapping[int, str] = {
    401: "share.login_refused share.oidc_refused web.unauthorized",
    403: """
        act.approver_is_asker act.check_not_independent act.decider_is_appellant act.not_your_fact
        act.not_your_role act.not_your_task act.service_not_for_you
        share.approver_is_asker share.column_not_granted share.contract_changed share.expired
        share.form_not_yours share.key_beyond_owner share.mask_unfit share.masked_condition
        share.no_grant
        share.column_not_verifiable share.comparison_not_allowed share.day_spent
        share.form_not_verifiable share.no_index share.not_verifiable share.suspended
        share.wrong_subject
        share.no_mask_rule share.not_the_assignee share.not_the_dataset share.not_yet
        share.not_your_doubt share.not_your_side share.own_role share.password_wrong
        share.purpose_not_covered share.role_not_covered
        share.role_not_held
        web.form_expired web.not_allowed web.other_origin web.read_only web.sign_in_again
        web.tls_needed
        """,
    404: """
        act.no_such_appeal act.no_such_case act.no_such_matter act.no_such_measure
        act.no_such_request act.no_such_scheme act.no_such_score act.not_scored
        app.no_such_forecaster app.no_such_rule app.no_such_search
        audit.no_log audit.no_such_entry
        decide.goal_unknown decide.indicator_group_unknown decide.indicator_no_value
        decide.indicator_run_unknown decide.indicator_unknown decide.rule_unknown
        decide.warning_unknown
        gather.no_contract gather.no_such_dataset gather.no_such_source gather.no_such_station
        gather.nothing_to_trace
        share.account_unknown share.agreement_unknown share.application_unknown share.doubt_unknown
        share.duty_unknown share.entry_unknown share.finding_unknown share.form_unknown
        share.key_unknown share.linkage_model_unknown share.linkage_pair_unknown
        share.linkage_subject_unknown share.linkage_unknown share.linkage_work_unknown
        share.objection_unknown share.query_unknown share.receipt_unknown share.session_unknown
        share.subscription_unknown
        web.not_found
        """,
    405: "web.wrong_method",
    406: "web.not_acceptable",
    408: "web.too_slow",
    409: """
        act.already_open act.already_published act.appeal_decided act.appeal_too_late
        act.changed_meanwhile act.not_published act.task_not_ready act.wrong_stage
        app.still_answering
        share.account_exists share.already_decided share.already_granted
        share.application_duplicate
        share.changed_meanwhile share.extension_not_allowed share.linkage_columns
        share.linkage_keys share.linkage_model_state share.linkage_not_accepted
        share.linkage_untrainable share.linkage_working
        share.not_overdue share.objection_open
        share.objection_settled share.period_over share.query_taken share.subscription_ended
        share.wrong_state
        """,
    410: "gather.version_gone",
    412: "web.never_seen",
    413: "web.too_large",
    414: "web.too_long",
    415: "web.wrong_type",
    421: "web.wrong_host",
    422: """
        act.bad_merge act.bad_page act.bad_rating act.bad_text act.due_not_stated
        act.evidence_missing act.evidence_refused act.fields_unfit act.hours_missing
        act.no_such_kind act.nothing_to_rehearse
        act.matter_without_form act.no_such_party act.one_lead act.reason_missing
        act.unknown_severity
        app.key_reused app.no_such_tracing
        decide.bad_network decide.bad_value decide.empty_span decide.no_excess
        decide.no_such_reach decide.no_such_station decide.no_such_value decide.no_wind
        decide.not_this_tracing decide.tracing_failed
        kernel.bad_document kernel.bad_name kernel.bad_span kernel.calendar_ends
        kernel.unit_inexact kernel.unit_unknown
        share.application_bad share.bad_account_name share.bad_form share.bad_page
        share.bad_period share.bad_text share.bad_title
        share.basis_missing share.condition_unfit share.doubt_bad share.key_too_long
        share.linkage_bad_verdict share.no_contract
        share.had_it_already
        share.no_decision share.no_notice share.not_a_source share.not_granted
        share.not_the_provider
        share.not_touched share.parameter_bad share.party_unknown
        share.password_same share.password_weak share.push_not_allowed
        share.query_bad share.query_failed share.query_too_large share.query_too_slow
        share.rank_too_low share.reason_missing share.receipt_missing share.sql_engines_differ
        share.sql_form share.sql_function share.sql_mixed_forms share.sql_name_taken
        share.sql_not_allowed share.sql_not_read share.sql_text share.sql_unknown_table
        share.types_unfit share.value_unfit share.withheld
        web.bad_words web.no_evidence web.no_subject
        """,
    428: "web.seen_missing",
    429: "share.budget_spent share.list_too_soon share.too_fast share.too_often web.too_many_tries",
    500: "web.broken",
}


def _pairs() -> Iterator[tuple[str, int]]:
    for status, codes in _BY_STATUS.items():
        for code in codes.split():
            yield code, status


_STATUS = dict(_pairs())


def statuses() -> frozenset[int]:
    """Return every status that a refusal may have."""
    return frozenset({*_BY_STATUS, _REFUSED, _BROKEN})


def status_of(error: ShuzhiError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, QueryError):
        return error.status
    if isinstance(error, BrokenError):
        return _BROKEN
    return _STATUS.get(error.code, _REFUSED)
