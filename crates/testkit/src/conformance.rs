//! The conformance suite: what every connector must do, whatever the engine. It is the definition of a connector.
//!
//! A claim is a value in [`CLAIMS`]; each gets an empty database of its own and knows nothing but the contracts of `core`. What only
//! one engine has is tested in its own crate.

mod bench;
mod chunks;
mod forms;
mod ledger;
mod random;
mod reading;
mod structure;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use whimbrel_core::{Connector, DatabaseUrl};

use self::bench::Bench;

/// One thing that must be true of every connector.
pub struct Claim {
    /// The claim, as the name of a test.
    pub name: &'static str,
    /// Panics when it does not hold.
    holds: fn(Bench) -> BoxFuture<'static, ()>,
}

/// Everything that makes a connector.
pub const CLAIMS: &[Claim] = &[
    Claim {
        name: "opening_a_target_changes_nothing",
        holds: |bench| Box::pin(structure::opening_a_target_changes_nothing(bench)),
    },
    Claim {
        name: "the_ledger_is_in_no_catalog_and_leaves_nothing_behind",
        holds: |bench| {
            Box::pin(structure::the_ledger_is_in_no_catalog_and_leaves_nothing_behind(
                bench,
            ))
        },
    },
    Claim {
        name: "a_step_is_done_once_and_undone_once",
        holds: |bench| Box::pin(structure::a_step_is_done_once_and_undone_once(bench)),
    },
    Claim {
        name: "steps_that_go_together_end_as_they_would_one_by_one",
        holds: |bench| {
            Box::pin(structure::steps_that_go_together_end_as_they_would_one_by_one(
                bench,
            ))
        },
    },
    Claim {
        name: "every_name_can_be_quoted",
        holds: |bench| Box::pin(structure::every_name_can_be_quoted(bench)),
    },
    Claim {
        name: "a_database_knows_itself",
        holds: |bench| Box::pin(structure::a_database_knows_itself(bench)),
    },
    Claim {
        name: "a_sequence_stands_where_it_was_put",
        holds: |bench| Box::pin(structure::a_sequence_stands_where_it_was_put(bench)),
    },
    Claim {
        name: "every_form_arrives_as_it_was",
        holds: |bench| Box::pin(reading::every_form_arrives_as_it_was(bench)),
    },
    Claim {
        name: "random_rows_arrive_as_they_were",
        holds: |bench| Box::pin(reading::random_rows_arrive_as_they_were(bench)),
    },
    Claim {
        name: "the_database_itself_counts_the_same",
        holds: |bench| Box::pin(reading::the_database_itself_counts_the_same(bench)),
    },
    Claim {
        name: "all_readers_of_a_snapshot_see_one_state",
        holds: |bench| Box::pin(reading::all_readers_of_a_snapshot_see_one_state(bench)),
    },
    Claim {
        name: "a_batch_closes_at_its_size",
        holds: |bench| Box::pin(reading::a_batch_closes_at_its_size(bench)),
    },
    Claim {
        name: "the_chunks_of_a_split_cover_each_row_once",
        holds: |bench| Box::pin(chunks::the_chunks_of_a_split_cover_each_row_once(bench)),
    },
    Claim {
        name: "a_split_covers_each_row_once_whatever_the_key",
        holds: |bench| Box::pin(chunks::a_split_covers_each_row_once_whatever_the_key(bench)),
    },
    Claim {
        name: "a_chunk_is_there_with_its_record_or_not_at_all",
        holds: |bench| Box::pin(chunks::a_chunk_is_there_with_its_record_or_not_at_all(bench)),
    },
    Claim {
        name: "a_chunk_commits_once",
        holds: |bench| Box::pin(chunks::a_chunk_commits_once(bench)),
    },
    Claim {
        name: "emptying_a_table_takes_its_records_along",
        holds: |bench| Box::pin(chunks::emptying_a_table_takes_its_records_along(bench)),
    },
    Claim {
        name: "a_split_is_stored_once",
        holds: |bench| Box::pin(ledger::a_split_is_stored_once(bench)),
    },
    Claim {
        name: "tables_without_rows_arrive_together_and_once",
        holds: |bench| Box::pin(ledger::tables_without_rows_arrive_together_and_once(bench)),
    },
    Claim {
        name: "a_state_knows_its_empty_tables",
        holds: |bench| Box::pin(reading::a_state_knows_its_empty_tables(bench)),
    },
    Claim {
        name: "a_confirmed_chunk_names_the_later_position",
        holds: |bench| Box::pin(ledger::a_confirmed_chunk_names_the_later_position(bench)),
    },
    Claim {
        name: "another_plan_under_the_same_name_is_a_conflict",
        holds: |bench| Box::pin(ledger::another_plan_under_the_same_name_is_a_conflict(bench)),
    },
    Claim {
        name: "an_older_epoch_can_change_nothing",
        holds: |bench| Box::pin(ledger::an_older_epoch_can_change_nothing(bench)),
    },
];

impl Claim {
    /// Tries the claim on an empty database at `url`; a file need not exist yet. What went wrong is printed as a panic prints it.
    pub async fn holds(&self, connector: Arc<dyn Connector>, url: &str) -> bool {
        let attempt = async {
            let url = DatabaseUrl::parse(url).unwrap_or_else(|error| panic!("{}: {error}", self.name));
            let bench = Bench::open(connector, url, self.name).await;
            (self.holds)(bench).await;
        };
        AssertUnwindSafe(attempt).catch_unwind().await.is_ok()
    }
}
