//! What a plugin is granted by name, and the line of its settings where a missing name belongs.

use std::path::Path;

use super::PluginSettings;
use super::problem::Written;
use crate::model::grants::{GrantList, PluginGrants};

impl PluginSettings {
    /// What is granted by name. `settings_file` is where a plugin's section goes that has no
    /// settings yet.
    pub fn granted(&self, settings_file: &Path) -> PluginGrants {
        PluginGrants {
            actions: self.list(settings_file, "actions", &self.grants.actions),
            reads: self.list(settings_file, "reads", &self.grants.reads),
            bots: self.only.bots.clone(),
        }
    }

    /// Gives what is to be written to grant requests to one more address, and where.
    pub(super) fn http_line(&self, settings_file: &Path, address: &str) -> String {
        let section = format!("plugin.{}", self.name);
        let entries = self.spots.get(&format!("{section}.grants.http"));
        match entries.filter(|_| !self.grants.http.is_empty()) {
            // Entries may hold more than an address; what is there is not written anew.
            Some((spot, _)) => {
                let file = self.file.as_deref().unwrap_or(settings_file).display();
                let line = spot.line;
                format!("`\"{address}\"` as one more of `grants.http` in line {line} of {file}")
            }
            None => {
                let (key, place) = self.place(settings_file, "http");
                format!("`{key} = [\"{address}\"]` {place}")
            }
        }
    }

    fn list(&self, settings_file: &Path, list: &str, names: &[String]) -> GrantList {
        let (key, place) = self.place(settings_file, list);
        GrantList {
            names: names.iter().cloned().collect(),
            key,
            place,
        }
    }

    /// The key of a list of grants as it is to be written, and where.
    fn place(&self, settings_file: &Path, list: &str) -> (String, String) {
        let file = self.file.as_deref().unwrap_or(settings_file).display();
        let section = format!("plugin.{}", self.name);
        let (short, dotted) = (list.to_owned(), format!("grants.{list}"));
        if let Some((spot, written)) = self.spots.get(&format!("{section}.grants.{list}")) {
            let line = spot.line;
            return match written {
                Written::Dotted => (dotted, format!("in place of line {line} of {file}")),
                Written::Alone | Written::Header => {
                    (short, format!("in place of line {line} of {file}"))
                }
                Written::Inline => (short, format!("in place of that in line {line} of {file}")),
            };
        }
        // Its own file has no section: what stands there first is the plugin's.
        let is_own_file = self
            .spots
            .get(&section)
            .is_some_and(|(spot, _)| spot.line == 0);
        if let Some((spot, written)) = self.spots.get(&format!("{section}.grants")) {
            if *written == Written::Header {
                let header = match is_own_file {
                    true => "grants".to_owned(),
                    false => format!("{}.grants", self.section()),
                };
                return (short, format!("in `[{header}]` of {file}"));
            }
            let others = ["actions", "reads", "http"].into_iter();
            let is_inline = others
                .filter_map(|other| self.spots.get(&format!("{section}.grants.{other}")))
                .any(|(_, written)| *written == Written::Inline);
            if is_inline {
                return (
                    short,
                    format!("in `grants` of line {} of {file}", spot.line),
                );
            }
        }
        let place = if is_own_file {
            format!("at the top of {file}")
        } else if self.spots.get(&section).is_some() {
            format!("in `[{}]` of {file}", self.section())
        } else {
            format!("in a section `[{}]` of {file}", self.section())
        };
        (dotted, place)
    }

    fn section(&self) -> String {
        section_name(&self.name)
    }
}

/// The section of a plugin as it is written, `plugin.joke`.
pub(super) fn section_name(plugin: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match plugin.chars().all(is_bare) {
        true => format!("plugin.{plugin}"),
        false => format!("plugin.\"{plugin}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Settings, parse_plugin_file};

    fn line(text: &str) -> String {
        let path = Path::new("parlor.toml");
        let settings = Settings::parse(path, text, &|_| None).expect("settings are right");
        let plugin = settings
            .plugin("joke", None)
            .expect("its settings are right");
        plugin.granted(path).actions.line_with("close")
    }

    fn own_line(text: &str) -> String {
        let path = Path::new("joke.toml");
        let plugin = parse_plugin_file(path, text, "joke", &Default::default(), &|_| None);
        let plugin = plugin.expect("its settings are right");
        let granted = plugin.granted(Path::new("parlor.toml"));
        granted.actions.line_with("close")
    }

    #[test]
    fn a_missing_name_has_a_line_to_write_wherever_the_grants_stand() {
        let close = "= [\"close\"]`";
        let both = "= [\"close\", \"join\"]`";
        for (text, wanted) in [
            (
                "",
                format!("`grants.actions {close} in a section `[plugin.joke]` of parlor.toml"),
            ),
            (
                "[plugin.joke]\nfresh = true\n",
                format!("`grants.actions {close} in `[plugin.joke]` of parlor.toml"),
            ),
            (
                "[plugin.joke]\ngrants.reads = [\"members\"]\n",
                format!("`grants.actions {close} in `[plugin.joke]` of parlor.toml"),
            ),
            (
                "[plugin.joke]\ngrants.actions = [\"join\"]\n",
                format!("`grants.actions {both} in place of line 2 of parlor.toml"),
            ),
            (
                "[plugin.joke.grants]\nreads = []\n",
                format!("`actions {close} in `[plugin.joke.grants]` of parlor.toml"),
            ),
            (
                "[plugin.joke.grants]\nactions = [\"join\"]\n",
                format!("`actions {both} in place of line 2 of parlor.toml"),
            ),
            (
                "[plugin.joke]\ngrants = { reads = [] }\n",
                format!("`actions {close} in `grants` of line 2 of parlor.toml"),
            ),
            (
                "[plugin.joke]\ngrants = { actions = [\"join\"] }\n",
                format!("`actions {both} in place of that in line 2 of parlor.toml"),
            ),
        ] {
            assert_eq!(line(text), wanted, "{text}");
        }
        for (text, wanted) in [
            (
                "",
                format!("`grants.actions {close} at the top of joke.toml"),
            ),
            (
                "[grants]\nreads = []\n",
                format!("`actions {close} in `[grants]` of joke.toml"),
            ),
            (
                "grants.actions = [\"join\"]\n",
                format!("`grants.actions {both} in place of line 1 of joke.toml"),
            ),
        ] {
            assert_eq!(own_line(text), wanted, "{text}");
        }
    }

    #[test]
    fn an_address_has_a_line_to_write_too() {
        let line = |text: &str| {
            let path = Path::new("parlor.toml");
            let settings = Settings::parse(path, text, &|_| None).expect("settings are right");
            let plugin = settings.plugin("joke", None).expect("they are right");
            plugin.http_line(path, "GET https://a.example/")
        };
        assert_eq!(
            line(""),
            "`grants.http = [\"GET https://a.example/\"]` in a section `[plugin.joke]` of parlor.toml"
        );
        assert_eq!(
            line("[plugin.joke]\ngrants.http = []\n"),
            "`grants.http = [\"GET https://a.example/\"]` in place of line 2 of parlor.toml"
        );
        assert_eq!(
            line("[plugin.joke]\ngrants.http = [\"GET https://b.example/\"]\n"),
            "`\"GET https://a.example/\"` as one more of `grants.http` in line 2 of parlor.toml"
        );
    }

    #[test]
    fn what_is_written_as_told_is_granted() {
        let told = line("[plugin.joke]\n");
        let written = told.split('`').nth(1).unwrap_or_default();
        let text = format!("[plugin.joke]\n{written}\n");
        let path = Path::new("parlor.toml");
        let settings = Settings::parse(path, &text, &|_| None).expect("the line can be pasted");
        let plugin = settings
            .plugin("joke", None)
            .expect("its settings are right");
        assert!(plugin.granted(path).actions.allows("close"));
    }
}
