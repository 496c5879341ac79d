//! How a body is read. Who is slow keeps nobody out: what most calls are, a few kilobytes, is read before the
//! call takes anybody's turn, and turns of those who have proved themselves are apart from those of strangers.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::check::Refusal;
use super::{ONE_HOOK_MAX, TURN_WITHIN};

/// Bytes of a body that are read without a turn: as many as connections are open at one time.
pub(super) const SMALL_BYTES: usize = 16 * 1024;
/// How long a body may take.
pub(super) const BODY_TIMES: BodyTimes = BodyTimes {
    small: Duration::from_secs(5),
    rest: Duration::from_secs(3),
};

/// How long a body may take: whoever has one sends it in far less.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyTimes {
    /// What is read without a turn.
    pub(super) small: Duration,
    /// What is more, which holds one.
    pub(super) rest: Duration,
}

/// How many calls of one path are under way at one time.
#[derive(Clone)]
pub(super) struct Turns {
    /// Of large bodies.
    large: Arc<Semaphore>,
    /// Of proved callers, on their way to the disk.
    pub(super) proved: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            large: Arc::new(Semaphore::new(ONE_HOOK_MAX)),
            proved: Arc::new(Semaphore::new(ONE_HOOK_MAX)),
        }
    }
}

/// What holds for a body.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    /// Those of its path.
    pub(super) turns: &'a Turns,
    /// Those of all paths, for what is large.
    pub(super) all: &'a Arc<Semaphore>,
    /// The most bytes.
    pub(super) bytes: usize,
    /// How long it may take.
    pub(super) times: BodyTimes,
}

/// Reads a body: its beginning at once, and what is more in a turn.
pub(super) async fn read_body<B>(body: B, bounds: Bounds<'_>) -> Result<Vec<u8>, Refusal>
where
    B: Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Bounds { bytes, times, .. } = bounds;
    let mut body = std::pin::pin!(body);
    let mut read = Vec::new();
    let beginning = read_up_to(body.as_mut(), &mut read, SMALL_BYTES.min(bytes));
    let is_whole = timeout(times.small, beginning)
        .await
        .map_err(|_| Refusal::TooSlow)??;
    if is_whole {
        return Ok(read);
    }
    if read.len() > bytes {
        return Err(Refusal::TooLarge);
    }
    let _turn = turn(&bounds.turns.large).await?;
    let _all = turn(bounds.all).await?;
    let rest = read_up_to(body, &mut read, bytes);
    let is_whole = timeout(times.rest, rest)
        .await
        .map_err(|_| Refusal::TooSlow)??;
    is_whole.then_some(read).ok_or(Refusal::TooLarge)
}

/// A turn among so many.
pub(super) async fn turn(turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Refusal> {
    let turn = timeout(TURN_WITHIN, turns.clone().acquire_owned()).await;
    // The semaphores are never closed.
    turn.map_err(|_| Refusal::Busy)?.map_err(|_| Refusal::Busy)
}

/// Reads on until the body's end or until there is more than so much; tells whether it is the end.
async fn read_up_to<B>(
    mut body: Pin<&mut B>,
    read: &mut Vec<u8>,
    most: usize,
) -> Result<bool, Refusal>
where
    B: Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    while read.len() <= most {
        let Some(frame) = body.frame().await else {
            return Ok(true);
        };
        let frame = frame.map_err(|_| Refusal::CutOff)?;
        if let Some(data) = frame.data_ref() {
            read.extend_from_slice(data);
        }
    }
    Ok(false)
}
