//! One suite of small tests that every store passes: `store_conformance!(name, constructor)`.

use std::sync::Arc;

use tempfile::TempDir;

use super::Journal;

pub(crate) mod broadcasts;
pub(crate) mod forms;
pub(crate) mod intake;
pub(crate) mod make;
pub(crate) mod model;
pub(crate) mod overflow;
pub(crate) mod parts;
pub(crate) mod past;
pub(crate) mod people;
pub(crate) mod requests;
pub(crate) mod state;
pub(crate) mod turns;
pub(crate) mod upkeep;

/// A store under test, with its folder where it has one.
pub(crate) struct Store {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) folder: Option<TempDir>,
}

/// Makes a module with every case for one store.
macro_rules! store_conformance {
    ($name:ident, $make:expr) => {
        mod $name {
            $crate::journal::conformance::store_cases! { $make;
                intake: numbers_rise_in_the_order_of_calls,
                intake: same_key_is_accepted_once,
                intake: same_key_of_another_tenant_is_new,
                intake: one_of_many_at_once_is_new,
                intake: every_plugin_gets_its_own_view_and_roles,
                intake: event_without_routes_waits_for_them,
                intake: event_is_routed_once,
                intake: host_values_are_kept,
                turns: turn_is_kept_whole,
                turns: conflict_keeps_nothing,
                turns: turn_is_kept_once,
                turns: unknown_delivery_is_refused,
                turns: state_of_another_plugin_is_refused,
                turns: pending_deliveries_come_in_pages,
                turns: another_attempt_stays_pending,
                turns: refused_delivery_is_done,
                turns: dead_letter_is_listed,
                turns: settled_delivery_stays_settled,
                state: value_is_read_with_its_version,
                state: versions_never_come_again,
                state: read_conflicts_with_any_write,
                state: absent_key_read_conflicts_with_its_making,
                state: list_conflicts_with_a_new_key_only,
                state: list_conflicts_with_a_key_gone,
                state: add_never_conflicts,
                state: add_counts_what_is_no_number_as_0,
                state: expired_value_reads_as_none,
                state: expired_value_is_listed_no_more,
                state: keys_come_in_pages_by_prefix,
                state: scopes_are_apart,
                state: size_follows_writes,
                state: writes_of_one_turn_take_their_order,
                state: eight_writers_count_exactly,
                parts: parts_have_rising_numbers_and_their_origin,
                parts: part_goes_through_its_states,
                parts: ended_part_stays_ended,
                parts: pending_parts_come_in_pages,
                broadcasts: broadcast_is_expanded_from_one_body,
                broadcasts: broadcast_of_several_parts_keeps_their_order,
                broadcasts: broadcast_ends_with_its_last_part,
                broadcasts: an_old_picture_of_a_broadcast_expands_nothing,
                broadcasts: dropped_targets_get_no_parts,
                broadcasts: broadcast_without_a_target_left_is_through,
                broadcasts: broadcasts_come_in_pages,
                broadcasts: prune_keeps_the_body_of_open_parts,
                requests: request_waits_with_its_origin,
                requests: conflict_keeps_no_request,
                requests: turn_that_was_kept_asks_no_more,
                requests: requests_come_in_pages_by_plugin,
                requests: marked_request_counts_its_tries,
                requests: request_ends_with_its_answer,
                requests: request_is_answered_once,
                requests: load_follows_requests,
                requests: prune_leaves_requests_with_their_origin,
                requests: delivery_of_another_tenant_asks_for_its_own,
                people: key_names_the_newer_message,
                people: message_is_remembered_with_how_it_was_sent,
                people: joins_are_counted_less_leaves,
                forms: form_opens_with_its_message,
                forms: answered_form_remembers_who,
                forms: form_answered_once_is_gone,
                forms: form_answered_by_anybody_remembers_nobody,
                forms: closed_form_is_gone,
                forms: dialog_keeps_question_answers_and_tries,
                forms: dialog_that_is_left_is_gone,
                forms: dialogs_of_a_taken_form_stay_until_they_are_told,
                forms: form_asks_so_many_people_and_no_more,
                forms: numbers_and_who_has_not_seen_them_are_kept,
                forms: form_in_the_place_of_another_knows_it,
                forms: form_shown_anew_keeps_who_answered,
                forms: message_without_its_form_keeps_it_until_it_is_told,
                forms: message_without_its_buttons_has_none,
                forms: change_of_an_unknown_form_is_no_error,
                overflow: load_follows_what_waits,
                overflow: crowd_is_told_by_count_and_by_bytes,
                overflow: what_is_over_is_the_oldest_of_one_plugin,
                overflow: what_is_over_comes_in_pages_past_what_stays,
                overflow: given_up_is_a_dead_letter_and_waits_no_more,
                overflow: what_is_done_or_never_was_is_not_given_up,
                overflow: letter_that_is_put_back_counts_again,
                past: past_tells_what_each_plugin_did,
                past: past_is_asked_for_in_part,
                past: dead_letter_is_put_back_once,
                past: forgotten_person_leaves_no_content,
                past: forgotten_event_is_routed_no_more,
                upkeep: timers_are_due_oldest_first,
                upkeep: timer_of_the_same_name_is_replaced,
                upkeep: fired_timer_is_armed_again_or_ends,
                upkeep: timer_set_anew_survives_an_old_firing,
                upkeep: cancelled_timer_is_gone,
                upkeep: timers_are_counted_by_plugin,
                upkeep: plugins_take_turns_where_many_timers_are_due,
                upkeep: parked_timers_are_not_due,
                upkeep: timer_parked_before_its_firing_is_stored_stays_parked,
                upkeep: prune_leaves_what_is_open,
                upkeep: prune_drops_expired_state,
                upkeep: counts_what_it_holds,
                upkeep: durable_comes_after_ordered,
                upkeep: closed_journal_says_so,
            }
        }
    };
}

/// Makes a test of every case.
macro_rules! store_cases {
    ($make:expr; $($group:ident: $case:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let store = $make;
                $crate::journal::conformance::$group::$case(&*store.journal).await;
                drop(store.folder);
            }
        )*
    };
}

pub(crate) use {store_cases, store_conformance};
