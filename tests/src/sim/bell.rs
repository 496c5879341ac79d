//! Waiting for what a simulator tells of.

use std::time::Duration;

use tokio::sync::watch;

/// Looks whenever the bell rings, until there is what is looked for; none when it takes too long.
pub(crate) async fn found_in_time<T>(
    mut bell: watch::Receiver<u64>,
    patience: Duration,
    look: impl Fn() -> Option<T>,
) -> Option<T> {
    let until = tokio::time::Instant::now() + patience;
    loop {
        bell.borrow_and_update();
        if let Some(found) = look() {
            return Some(found);
        }
        // A bell that is gone is as late as one that did not ring.
        match tokio::time::timeout_at(until, bell.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return None,
        }
    }
}
