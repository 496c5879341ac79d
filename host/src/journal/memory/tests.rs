//! The suite over the store in memory.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, proptest};

use super::MemoryJournal;
use crate::journal::conformance::model::machine::{Checked, Machine};
use crate::journal::conformance::model::steps::step;
use crate::journal::conformance::{Store, store_conformance};

fn store() -> Store {
    Store {
        journal: Arc::new(MemoryJournal::new()),
        folder: None,
    }
}

store_conformance!(conformance, super::store());

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn whatever_is_done_to_it_it_shows_what_the_model_shows(steps in vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(async {
            let journal = MemoryJournal::new();
            let mut machine = Machine::new(false);
            for step in &steps {
                machine.step(&journal, step).await?;
            }
            Checked::Ok(())
        })?;
    }
}
