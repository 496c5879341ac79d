//! Memory and tables: of one instance, and of all instances together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::ResourceLimiter;

use crate::model::limits::Limits;

/// Linear memories of one instance.
const MEMORIES: usize = 8;
/// Tables of one instance.
const TABLES: usize = 32;
/// Core instances of one instance.
pub(super) const CORE_INSTANCES: usize = 64;

/// Linear memory of all instances.
#[derive(Debug)]
pub(super) struct MemoryBudget {
    used: AtomicU64,
    limit: u64,
}

impl MemoryBudget {
    /// Makes a budget.
    pub(super) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            used: AtomicU64::new(0),
            limit,
        })
    }

    /// Bytes in use.
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: u64) -> bool {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= self.limit)
            })
            .is_ok()
    }

    fn give(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What an instance was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Memory beyond its own limit.
    Memory,
    /// Memory beyond what the process gives to plugins.
    ProcessMemory,
    /// Table elements.
    Tables,
}

/// Counts an instance's memory and tables.
pub(super) struct Limiter {
    budget: Arc<MemoryBudget>,
    memory_limit: u64,
    memory: u64,
    table_limit: u64,
    tables: u64,
    /// What the growth under way added, taken back where the growth then fails.
    pending_memory: u64,
    pending_tables: u64,
    refused: Option<Refused>,
}

impl Limiter {
    /// Makes the limiter of a new instance.
    pub(super) fn new(limits: &Limits, budget: Arc<MemoryBudget>) -> Self {
        Self {
            budget,
            memory_limit: limits.memory_bytes,
            memory: 0,
            table_limit: u64::from(limits.table_elements),
            tables: 0,
            pending_memory: 0,
            pending_tables: 0,
            refused: None,
        }
    }

    /// Bytes of linear memory that the instance has.
    pub(super) fn memory(&self) -> u64 {
        self.memory
    }

    /// What the instance was refused last.
    pub(super) fn refused(&self) -> Option<Refused> {
        self.refused
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.budget.give(self.memory);
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.pending_memory = 0;
        let more = desired.saturating_sub(current) as u64;
        if self.memory.saturating_add(more) > self.memory_limit {
            self.refused = Some(Refused::Memory);
            return Ok(false);
        }
        if !self.budget.take(more) {
            self.refused = Some(Refused::ProcessMemory);
            return Ok(false);
        }
        self.memory += more;
        self.pending_memory = more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        let more = std::mem::take(&mut self.pending_memory);
        self.memory -= more;
        self.budget.give(more);
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.pending_tables = 0;
        let more = desired.saturating_sub(current) as u64;
        if self.tables.saturating_add(more) > self.table_limit {
            self.refused = Some(Refused::Tables);
            return Ok(false);
        }
        self.tables += more;
        self.pending_tables = more;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.tables -= std::mem::take(&mut self.pending_tables);
        Ok(())
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_all_memories_and_gives_back() {
        let budget = MemoryBudget::new(150);
        let limits = Limits {
            memory_bytes: 100,
            ..Limits::default()
        };
        let mut one = Limiter::new(&limits, budget.clone());
        assert!(one.memory_growing(0, 60, None).expect("answers"));
        assert!(!one.memory_growing(0, 60, None).expect("answers"));
        assert_eq!(one.refused(), Some(Refused::Memory));
        let mut two = Limiter::new(&limits, budget.clone());
        assert!(!two.memory_growing(0, 100, None).expect("answers"));
        assert_eq!(two.refused(), Some(Refused::ProcessMemory));
        assert!(two.memory_growing(0, 90, None).expect("answers"));
        two.memory_grow_failed(wasmtime::Error::msg("no room"))
            .expect("answers");
        drop(one);
        assert_eq!(budget.used(), 0);
    }
}
