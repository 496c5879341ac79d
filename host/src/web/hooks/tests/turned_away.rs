//! Bots that hear of callers who were sent away, and bots that are moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::AsyncWriteExt as _;
use tokio::sync::Semaphore;

use super::listener::{Served, serve};
use crate::mailbox::Intake;
use crate::mailbox::calls::{Call, CallAnswer, CallRefusal, Called};
use crate::web::hooks::ONE_HOOK_MAX;

/// A bot that takes every call, in its time.
struct Busy {
    path: &'static str,
    /// A call waits for one of these before it ends.
    lets: Semaphore,
    taken: AtomicUsize,
    turned_away: AtomicUsize,
}

impl Busy {
    fn new(path: &'static str, lets: usize) -> Arc<Self> {
        Arc::new(Self {
            path,
            lets: Semaphore::new(lets),
            taken: AtomicUsize::new(0),
            turned_away: AtomicUsize::new(0),
        })
    }
}

#[async_trait::async_trait]
impl Called for Busy {
    fn path(&self) -> Option<String> {
        Some(self.path.to_owned())
    }

    fn set_address(&self, _address: Option<&str>) {}

    fn check(&self, _call: &Call) -> Result<(), CallRefusal> {
        Ok(())
    }

    fn turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    async fn take(&self, _call: Call, _intake: &dyn Intake) -> CallAnswer {
        self.taken.fetch_add(1, Ordering::Relaxed);
        let _let_through = self.lets.acquire().await;
        CallAnswer::Taken
    }
}

async fn post(served: &Served, path: &str) -> u16 {
    served.post(path, &[], b"x").await.status
}

#[tokio::test]
async fn what_is_turned_away_is_told_to_its_bot() {
    let served = serve(Vec::new());
    let bot = Busy::new("/one", 0);
    let tenant = "default".into();
    assert!(
        served
            .ingress
            .add_bot(&tenant, "one", bot.clone())
            .is_some()
    );
    let mut taken = Vec::new();
    for _ in 0..ONE_HOOK_MAX {
        let mut call = served
            .begin("POST /one HTTP/1.1\r\nContent-Length: 1")
            .await;
        call.write_all(b"x").await.unwrap();
        taken.push(call);
    }
    while bot.taken.load(Ordering::Relaxed) < ONE_HOOK_MAX {
        tokio::task::yield_now().await;
    }
    assert_eq!(post(&served, "/one").await, 503);
    assert_eq!(bot.turned_away.load(Ordering::Relaxed), 1);
    bot.lets.add_permits(ONE_HOOK_MAX);
    for call in taken {
        assert_eq!(Served::end(call).await.status, 200);
    }
    assert_eq!(post(&served, "/one").await, 200);
    assert_eq!(bot.turned_away.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_bot_that_is_moved_is_called_at_its_old_path_no_more() {
    let served = serve(Vec::new());
    let add = |name: &str, bot: &Arc<Busy>| {
        let tenant = "default".into();
        served.ingress.add_bot(&tenant, name, bot.clone())
    };
    let (one, other) = (Busy::new("/one", 1), Busy::new("/other", 1));
    assert!(add("one", &one).is_some() && add("other", &other).is_some());
    // What it is now has the path of another.
    assert_eq!(add("one", &Busy::new("/other", 1)), None);
    assert_eq!(post(&served, "/one").await, 404);
    assert_eq!(post(&served, "/other").await, 200);
    assert_eq!(one.taken.load(Ordering::Relaxed), 0);
    assert_eq!(other.taken.load(Ordering::Relaxed), 1);
}
