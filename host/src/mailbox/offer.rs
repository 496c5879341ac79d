//! How sessions hand events over: all of them, in order, however long the host pauses.

use std::time::Duration;

use super::{Incoming, Intake, IntakeError};

/// The first and the longest wait while intake pauses.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Why events were not handed over.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OfferError {
    /// The host takes no more.
    #[error("the host takes no more events")]
    Stopping,
    /// The host takes none now.
    #[error("{0}")]
    Paused(String),
    /// They were taken, and are not on disk.
    #[error("events were not kept: {0}")]
    NotKept(String),
}

/// Hands events over until the journal has them, however long the host pauses.
///
/// # Errors
/// [`OfferError`], but for the pause.
pub async fn offer_all(intake: &dyn Intake, incoming: Vec<Incoming>) -> Result<(), OfferError> {
    offer(intake, incoming, true).await
}

/// Hands events over for somebody who comes again where the host pauses: what was taken by then is
/// known.
///
/// # Errors
/// [`OfferError`].
pub async fn offer_now(intake: &dyn Intake, incoming: Vec<Incoming>) -> Result<(), OfferError> {
    offer(intake, incoming, false).await
}

async fn offer(
    intake: &dyn Intake,
    mut incoming: Vec<Incoming>,
    waits: bool,
) -> Result<(), OfferError> {
    let mut writes = Vec::new();
    let (mut pause, longest) = PAUSE;
    while !incoming.is_empty() {
        match intake.take_ordered(incoming.clone()).await {
            Ok((taken, durable)) => {
                incoming.drain(..taken.len().min(incoming.len()));
                writes.push(durable);
                pause = PAUSE.0;
            }
            Err(IntakeError::Stopping) => return Err(OfferError::Stopping),
            Err(IntakeError::Paused(why)) if !waits => return Err(OfferError::Paused(why)),
            Err(IntakeError::Paused(why)) => {
                tracing::debug!(why, "intake pauses");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(longest);
            }
        }
    }
    for write in writes {
        let written = write.wait().await;
        written.map_err(|error| OfferError::NotKept(error.to_string()))?;
    }
    Ok(())
}
