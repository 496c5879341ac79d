//! Taking turns: a queue that is fair by tenant, then by plugin, and a gate that uses it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::model::Name;

/// A queue whose items leave by turns of tenants, and of plugins within a tenant.
pub(super) struct FairQueue<T> {
    tenants: Turns<Turns<VecDeque<T>>>,
    len: usize,
}

struct Turns<T> {
    order: VecDeque<Name>,
    items: HashMap<Name, T>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self {
            order: VecDeque::new(),
            items: HashMap::new(),
        }
    }
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self {
            tenants: Turns::default(),
            len: 0,
        }
    }
}

impl<T: Default> Turns<T> {
    fn entry(&mut self, name: &Name) -> &mut T {
        if !self.items.contains_key(name) {
            self.order.push_back(name.clone());
        }
        self.items.entry(name.clone()).or_default()
    }

    /// Takes from the one whose turn it is; it goes to the back, or away where nothing is left.
    fn take<R>(&mut self, take: impl FnOnce(&mut T) -> (Option<R>, bool)) -> Option<R> {
        let name = self.order.pop_front()?;
        let (taken, empty) = take(self.items.get_mut(&name)?);
        if empty {
            self.items.remove(&name);
        } else {
            self.order.push_back(name);
        }
        taken
    }
}

impl<T> FairQueue<T> {
    /// Puts an item at the end of its plugin's queue.
    pub(super) fn push(&mut self, tenant: &Name, plugin: &Name, item: T) {
        self.tenants.entry(tenant).entry(plugin).push_back(item);
        self.len += 1;
    }

    /// Takes the item whose turn it is.
    pub(super) fn pop(&mut self) -> Option<T> {
        let item = self.tenants.take(|plugins| {
            let item = plugins.take(|items| {
                let item = items.pop_front();
                (item, items.is_empty())
            });
            (item, plugins.order.is_empty())
        });
        if item.is_some() {
            self.len -= 1;
        }
        item
    }

    /// Tells whether nothing waits.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// A number of permits; who waits is served by turns.
pub(super) struct Gate {
    free: AtomicUsize,
    /// How many wait: tells the fast path to stand back. Callers bound it: a lane waits once.
    waiting: AtomicUsize,
    queue: Mutex<FairQueue<oneshot::Sender<Permit>>>,
}

/// One of a gate's permits; given back when it is dropped.
pub(super) struct Permit(Arc<Gate>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Ordering::SeqCst);
        if self.0.waiting.load(Ordering::SeqCst) > 0 {
            self.0.serve();
        }
    }
}

impl Gate {
    /// Makes a gate.
    pub(super) fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self {
            free: AtomicUsize::new(permits),
            waiting: AtomicUsize::new(0),
            queue: Mutex::new(FairQueue::default()),
        })
    }

    /// Takes a permit if one is free and nobody waits.
    pub(super) fn try_acquire(self: &Arc<Self>) -> Option<Permit> {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            return None;
        }
        self.take().then(|| Permit(self.clone()))
    }

    /// Takes a permit, waiting for its turn.
    pub(super) async fn acquire(self: &Arc<Self>, tenant: &Name, plugin: &Name) -> Permit {
        loop {
            if let Some(permit) = self.try_acquire() {
                return permit;
            }
            let (sender, receiver) = oneshot::channel();
            {
                let mut queue = self.queue.lock();
                queue.push(tenant, plugin, sender);
                self.waiting.fetch_add(1, Ordering::SeqCst);
            }
            // A permit may have come back before this one was counted as waiting.
            self.serve();
            if let Ok(permit) = receiver.await {
                return permit;
            }
        }
    }

    fn take(&self) -> bool {
        self.free
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |free| {
                free.checked_sub(1)
            })
            .is_ok()
    }

    fn serve(self: &Arc<Self>) {
        loop {
            if !self.take() {
                return;
            }
            let next = {
                let mut queue = self.queue.lock();
                let next = queue.pop();
                if next.is_some() {
                    self.waiting.fetch_sub(1, Ordering::SeqCst);
                }
                next
            };
            let Some(next) = next else {
                self.free.fetch_add(1, Ordering::SeqCst);
                // Somebody may have begun to wait between the look and the return of the permit.
                if self.waiting.load(Ordering::SeqCst) == 0 {
                    return;
                }
                continue;
            };
            if let Err(permit) = next.send(Permit(self.clone())) {
                // Its waiter is gone; the permit goes to the next one here, not by its drop.
                let Permit(gate) = &permit;
                gate.free.fetch_add(1, Ordering::SeqCst);
                forget(permit);
            }
        }
    }
}

/// Drops a permit without giving it back.
fn forget(permit: Permit) {
    let mut permit = std::mem::ManuallyDrop::new(permit);
    // SAFETY: the permit is never used again, and its gate is dropped exactly once.
    unsafe { std::ptr::drop_in_place(&raw mut permit.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::from(text)
    }

    #[test]
    fn a_busy_tenant_does_not_hold_up_another() {
        let mut queue = FairQueue::default();
        for n in 0..3 {
            queue.push(&name("a"), &name("p"), format!("a-p{n}"));
            queue.push(&name("a"), &name("q"), format!("a-q{n}"));
        }
        queue.push(&name("b"), &name("p"), "b-p0".to_owned());
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(
            order,
            ["a-p0", "b-p0", "a-q0", "a-p1", "a-q1", "a-p2", "a-q2"]
        );
        assert!(queue.is_empty());
    }

    #[tokio::test]
    async fn permits_come_back_and_cancelled_waiters_lose_none() {
        let gate = Gate::new(1);
        let (t, p) = (name("t"), name("p"));
        let held = gate.acquire(&t, &p).await;
        assert!(gate.try_acquire().is_none());
        for _ in 0..3 {
            let waiter = gate.acquire(&t, &p);
            tokio::pin!(waiter);
            assert!(futures::poll!(waiter.as_mut()).is_pending());
        }
        let waiter = gate.acquire(&t, &p);
        tokio::pin!(waiter);
        assert!(futures::poll!(waiter.as_mut()).is_pending());
        drop(held);
        drop(waiter.await);
        assert!(gate.try_acquire().is_some());
        assert!(gate.try_acquire().is_some());
    }
}
