//! What of changed settings a running host cannot follow.

use super::{Problem, Settings};

impl Settings {
    /// Names the keys of new settings that take effect at the next start only, each with its line.
    pub fn needs_restart(&self, new: &Self) -> Vec<Problem> {
        let (old_local, local) = (&self.local, &new.local);
        let changed = [
            ("data", self.data != new.data),
            ("plugins", self.plugins_folder != new.plugins_folder),
            ("local.enabled", old_local.enabled != local.enabled),
            ("local.listen", old_local.listen != local.listen),
            ("local.rooms", old_local.rooms != local.rooms),
            ("local.users", old_local.users != local.users),
            (
                "journal.durability",
                self.journal.durability != new.journal.durability,
            ),
            (
                "journal.max-size-mib",
                self.journal.max_bytes != new.journal.max_bytes,
            ),
            ("outbox", self.outbox != new.outbox),
            ("limits", self.limits != new.limits),
            ("log.format", self.log.format != new.log.format),
            ("log.file", self.log.file != new.log.file),
            ("observe", self.observe != new.observe),
            (
                "reload.poll-interval-ms",
                self.reload.poll_interval != new.reload.poll_interval,
            ),
        ];
        let changed = changed.into_iter().filter(|(_, is_changed)| *is_changed);
        changed
            .map(|(key, _)| new.problem(key, format!("`{key}` takes effect at the next start")))
            .collect()
    }
}
