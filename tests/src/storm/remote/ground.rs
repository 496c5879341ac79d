//! What a storm asks of the platform that it passes over.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use super::people::Place;
use super::weather::Counts;
use crate::sim::{Dice, Handout, Posted, Shared};

/// A simulator in this process, which lives on while the host is killed.
pub(super) trait Ground: Deref<Target = Shared> {
    /// The platform calls the host by webhooks.
    const IS_CALLED: bool;
    /// What is said while nobody hears it is gone by the platform's own rules; else it is read back.
    const FORGETS: bool;

    /// The `[[bot]]` section of a host in this folder.
    fn section(&self, folder: &Path) -> anyhow::Result<String>;

    /// Makes what must be there before people can talk in these places.
    fn prepare(&self, places: &[Place]);

    /// Somebody says something; the conversation's id as the record has it.
    fn say(&self, place: &Place, user: &str, text: &str) -> String;

    /// Waits until a host hears the platform, by what it asked after this request; with 0 for the first
    /// time. Tells whether it came to that.
    async fn is_heard(&self, after: u64) -> bool;

    /// All messages from this place on, in the order in which they were said.
    fn messages_from(&self, place: usize) -> Vec<Posted>;

    /// What the host was given, the oldest first.
    fn handouts(&self) -> Vec<Handout>;

    /// The places of what people said while nobody held it.
    fn unheld(&self) -> BTreeSet<usize> {
        BTreeSet::new()
    }

    /// Whether a bot can read back there what it has said itself.
    fn shows_own(&self, _conversation: &str) -> bool {
        true
    }

    /// What becomes of the host's calls.
    fn dice(&self, seed: u64, counts: Arc<Counts>) -> Dice;

    /// Lets happen what is due when so many messages are answered.
    fn trouble(&mut self, answered: u64);

    /// Lets happen what a host that is dead does not live to see; of so many kills one.
    fn outlived(&mut self) {}

    /// What else it did, with its numbers.
    fn told(&self) -> Vec<(&'static str, u64)>;
}
