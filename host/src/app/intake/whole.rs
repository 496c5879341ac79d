//! The way in for those who may go away in the middle of it: a session that ends, a caller that hangs up.
//! Between an event's place in the journal and its lanes there is a wait; whoever is dropped there would
//! leave a delivery that nobody makes before the next start.

use std::panic::resume_unwind;
use std::sync::Arc;

use async_trait::async_trait;

use super::Inbox;
use crate::journal::Durable;
use crate::mailbox::{Acceptance, Incoming, Intake, IntakeError};

/// Takes what is offered whole, whoever waits for it.
pub(in super::super) struct WholeIntake(pub(in super::super) Arc<Inbox>);

#[async_trait]
impl Intake for WholeIntake {
    async fn take_ordered(
        &self,
        incoming: Vec<Incoming>,
    ) -> Result<(Vec<Acceptance>, Durable), IntakeError> {
        let inbox = self.0.clone();
        let taking = async move { inbox.take_ordered(incoming).await };
        self.0.see_through(taking).await
    }
}

impl Inbox {
    /// Sees something through that is offered, though whoever waits for it may go away.
    pub(in super::super) async fn see_through<T: Send + 'static>(
        &self,
        taking: impl Future<Output = Result<T, IntakeError>> + Send + 'static,
    ) -> Result<T, IntakeError> {
        match self.taking.spawn(taking).await {
            Ok(taken) => taken,
            // As it would without a task of its own.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => Err(IntakeError::Stopping),
            },
        }
    }

    /// Waits until everything that was offered is taken, when nobody offers more.
    pub(in super::super) async fn settled(&self) {
        self.taking.close();
        self.taking.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::Directed;
    use super::*;
    use crate::app::forms::Forms;
    use crate::journal::EventKey;
    use crate::journal::sqlite::{SqliteConfig, SqliteJournal};
    use crate::mailbox::{DeliverySink, SystemClock};
    use crate::model::delivery::Delivery;
    use crate::model::event::{Addressing, Event};
    use crate::model::payload::{EventPayload, Lifecycle};

    /// Counts what comes into the lanes.
    #[derive(Default)]
    struct Sink(AtomicUsize);

    impl DeliverySink for Sink {
        fn deliver(&self, deliveries: Vec<Delivery>) {
            self.0.fetch_add(deliveries.len(), Ordering::SeqCst);
        }
    }

    fn directed(id: &str) -> Directed {
        Directed {
            tenant: "default".into(),
            plugin: "echo".into(),
            key: EventKey::new(&[id]),
            event: Event {
                id: id.to_owned(),
                sequence: 0,
                attempt: 1,
                occurred_at: 0,
                received_at: 0,
                bot: None,
                conversation: None,
                actor: None,
                addressing: Addressing::Ambient,
                cause: None,
                depth: 0,
                trace_id: String::new(),
                extras: Vec::new(),
                raw: None,
                payload: EventPayload::Lifecycle(Lifecycle::ConfigChanged),
            },
        }
    }

    #[tokio::test]
    async fn what_is_in_the_journal_is_in_its_lane_though_nobody_waited_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let journal = SqliteJournal::open(folder.path(), SqliteConfig::default()).unwrap();
        let forms = Arc::new(Forms::load(&journal).await.unwrap());
        let (journal, sink) = (Arc::new(journal), Arc::new(Sink::default()));
        let inbox = Inbox::new(journal, sink.clone(), forms, Arc::new(SystemClock));
        let inbox = Arc::new(inbox);
        for number in 0..20 {
            let own = inbox.clone();
            let taking = async move { own.take_directed(directed(&number.to_string())).await };
            let mut taking = Box::pin(inbox.see_through(taking));
            // Whoever waits goes away as soon as it has begun.
            assert!(futures::poll!(taking.as_mut()).is_pending());
        }
        inbox.settled().await;
        assert_eq!(sink.0.load(Ordering::SeqCst), 20);
    }
}
