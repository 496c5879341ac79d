//! What takes no part although nothing failed to load: a file whose name is another's, a section
//! without its file.

use std::collections::BTreeMap;

use super::{Known, Plugins};

/// The row of a file that is no plugin of its own name: that name's row is another plugin's.
pub(super) fn file_row(stem: &str) -> String {
    format!("{stem}.wasm")
}

impl Plugins {
    /// Shows a file whose name a section has given to another one, or that it has not any more.
    pub(super) async fn note_taken_name(&self, stem: &str, has_own_file: bool) {
        let row = file_row(stem);
        let taken = self.settings.load().name_is_taken(stem, has_own_file);
        match taken {
            Some(problem) => self.refuse(&row, &problem.to_string()).await,
            None => {
                let mut known = self.known.lock();
                known.refused.remove(&row);
                known.audited.remove(&row);
            }
        }
    }

    /// The plugins that the settings name and whose files are not there, each with what it waits for.
    pub(super) fn without_file(&self, known: &Known) -> BTreeMap<String, String> {
        let settings = self.settings.load();
        if !known.was_scanned {
            return BTreeMap::new();
        }
        let absent = settings.plugins.values().filter(|plugin| {
            let stem = plugin.artifact.trim_end_matches(".wasm");
            plugin.enabled
                && !known.sources.contains_key(stem)
                && !known.refused.contains_key(&plugin.name)
                // One whose file was taken away a moment ago.
                && !known.serving.contains_key(&plugin.name)
        });
        absent
            .map(|plugin| {
                let found = format!("{} is not in the plugin folder", plugin.artifact);
                let problem = plugin.spot("artifact").problem(found);
                (plugin.name.clone(), problem.to_string())
            })
            .collect()
    }
}
