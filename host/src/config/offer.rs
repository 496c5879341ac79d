//! The section of a plugin as it could stand in the settings: everything that its operator may want to
//! write, each with what it does. Pure.

use super::check::{expected, quoted, written};
use super::grant::is_address;
use super::granted::section_name;
use super::limits::limit_defaults;
use crate::model::description::{Capability, CapabilityRequest, ConfigKey, Description};
use crate::model::grants::{ACTION_GRANTS, READ_GRANTS};

/// Writes the section of a plugin whose file is `artifact`. It loads as it is: what is required and has
/// no default has a value to be changed, and only what the plugin needs is granted.
pub fn offered_section(name: &str, artifact: &str, description: &Description) -> String {
    let mut section = Section(Vec::new());
    let Description {
        version, summary, ..
    } = description;
    section.comment("", &format!("{name} {version}: {summary}"));
    section.comment("", "What is commented out is the default.");
    section.line(format!("[{}]", section_name(name)));
    if artifact != format!("{name}.wasm") {
        section.line(format!("artifact = {}", quoted(artifact)));
    }
    section.config(&description.config);
    section.grants(&description.capabilities);
    section.commands(description);
    section.gap();
    section.comment("", "What it may use.");
    let limits: Vec<_> = limit_defaults()
        .map(|(name, default, bounds)| (format!("# limits.{name} = {default}"), bounds))
        .collect();
    let width = limits.iter().map(|(line, _)| line.len()).max();
    for (line, bounds) in limits {
        section.line(format!("{line:<0$}  # {bounds}", width.unwrap_or_default()));
    }
    section.0.join("\n") + "\n"
}

struct Section(Vec<String>);

impl Section {
    fn line(&mut self, line: String) {
        self.0.push(line);
    }

    fn gap(&mut self) {
        self.line(String::new());
    }

    /// Somebody else's words: each line of them is a comment, and nothing in them ends it.
    fn comment(&mut self, indent: &str, text: &str) {
        for line in text.lines() {
            let clean: String = line.chars().filter(|c| !c.is_control()).collect();
            self.line(format!("{indent}# {clean}").trim_end().to_owned());
        }
    }

    fn config(&mut self, keys: &[ConfigKey]) {
        for key in keys {
            self.gap();
            let kind = expected(&key.kind);
            let help = match key.help.trim() {
                "" => kind,
                help => format!("{help} ({kind})"),
            };
            self.comment("", &help);
            let line = format!("config.{} = {}", key_name(&key.name), written(key));
            match (&key.default, key.required) {
                (None, true) => self.line(format!("{line}  # required: change it")),
                (Some(_), _) => self.line(format!("# {line}")),
                (None, false) => self.line(format!("# {line}  # it has no default")),
            }
        }
    }

    fn grants(&mut self, asked: &[CapabilityRequest]) {
        let of = |pick: fn(&Capability) -> Option<&str>| -> Vec<(&CapabilityRequest, &str)> {
            let named = asked.iter().filter_map(|it| Some((it, pick(&it.what)?)));
            named.collect()
        };
        let http = of(|what| match what {
            Capability::Http(address) => Some(address),
            _ => None,
        });
        let actions = of(|what| match what {
            Capability::Action(name) => Some(name),
            _ => None,
        });
        let reads = of(|what| match what {
            Capability::Read(name) => Some(name),
            _ => None,
        });
        let others = of(|what| match what {
            Capability::Other(name) => Some(name),
            _ => None,
        });
        self.list("grants.http", &http, is_address);
        self.list("grants.actions", &actions, |name| {
            ACTION_GRANTS.iter().any(|(known, _)| *known == name)
        });
        self.list("grants.reads", &reads, |name| {
            READ_GRANTS.iter().any(|(known, _)| *known == name)
        });
        for (request, name) in others {
            self.gap();
            let reason = &request.reason;
            self.comment(
                "",
                &format!("It asks for {name}, which this host does not have: {reason}"),
            );
        }
    }

    /// A list of grants: what the plugin can do without is commented out.
    fn list(
        &mut self,
        key: &str,
        asked: &[(&CapabilityRequest, &str)],
        is_known: fn(&str) -> bool,
    ) {
        if asked.is_empty() {
            return;
        }
        self.gap();
        self.comment("", "It asks for this. Take out what it is not to have.");
        self.line(format!("{key} = ["));
        for (request, name) in asked {
            let needs = match request.optional {
                true => " (it works without)",
                false => "",
            };
            self.comment("    ", &format!("{}{needs}", request.reason));
            let entry = quoted(name);
            if !is_known(name) || entry.contains('\n') {
                let why = match key {
                    // What a plugin asks for may be wider than what anybody can grant.
                    "grants.http" => "cannot be granted: name the address",
                    _ => "is unknown to this host",
                };
                self.comment("    ", &format!("{entry} {why}"));
            } else if request.optional {
                self.line(format!("    # {entry},"));
            } else {
                self.line(format!("    {entry},"));
            }
        }
        self.line("]".to_owned());
    }

    fn commands(&mut self, description: &Description) {
        if description.commands.is_empty() {
            return;
        }
        self.gap();
        self.comment(
            "",
            "Who may use a command: `allow.NAME = [\"ROLE\"]`, of [roles]; everybody where nothing is said.",
        );
        for command in &description.commands {
            let name = key_name(&command.name);
            self.comment("", &format!("  {name}: {}", command.pattern));
        }
    }
}

/// A name as a key: in quotes where it has to be.
fn key_name(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Settings, check_plugin};
    use crate::model::config::ConfigValue;
    use crate::model::description::{CommandSpec, ConfigKind, MentionRule, Subscriptions};

    fn key(name: &str, kind: ConfigKind, default: Option<&str>) -> ConfigKey {
        ConfigKey {
            name: name.to_owned(),
            kind,
            required: default.is_none(),
            default: default.map(str::to_owned),
            help: format!("What {name} is"),
        }
    }

    fn asks(what: Capability, optional: bool) -> CapabilityRequest {
        CapabilityRequest {
            what,
            reason: "because\nof this".to_owned(),
            optional,
        }
    }

    fn description() -> Description {
        let choices = ConfigKind::Choice(vec!["red".to_owned(), "green".to_owned()]);
        let http = |address: &str| Capability::Http(address.to_owned());
        Description {
            name: "joke".to_owned(),
            version: "1.2.0".to_owned(),
            state_version: 0,
            summary: "Tells jokes".to_owned(),
            author: String::new(),
            licence: String::new(),
            homepage: None,
            subscriptions: Subscriptions {
                kinds: vec![],
                platforms: vec![],
                messages: vec![],
            },
            commands: vec![CommandSpec {
                name: "tell me".to_owned(),
                pattern: "/joke {about...}".to_owned(),
                mention: MentionRule::Optional,
                help: String::new(),
                arguments: vec![],
                hidden: false,
            }],
            config: vec![
                key("source", ConfigKind::Text, Some("a \"quoted\" \\ text")),
                key("token", ConfigKind::Text, None),
                key("count", ConfigKind::Number, Some("3")),
                key("least", ConfigKind::Number, None),
                key("loud", ConfigKind::Flag, Some("true")),
                key("quiet", ConfigKind::Flag, None),
                key("every", ConfigKind::Duration, Some("5m")),
                key("wait", ConfigKind::Duration, None),
                key("colour", choices.clone(), Some("green")),
                key("other colour", choices, None),
                key("words", ConfigKind::List, Some("[\"a\", \"b\"]")),
                key("names", ConfigKind::List, None),
            ],
            capabilities: vec![
                asks(http("GET https://jokes.example/random"), false),
                asks(http("GET https://more.example/*"), true),
                asks(http("everywhere"), false),
                asks(Capability::Action("send-user".to_owned()), false),
                asks(Capability::Action("fly".to_owned()), false),
                asks(Capability::Read("history".to_owned()), true),
                asks(Capability::Other("gpu".to_owned()), true),
            ],
            extras: vec![],
        }
    }

    #[test]
    fn a_section_has_all_that_can_be_said_of_a_plugin() {
        insta::assert_snapshot!(offered_section("joke", "joke.wasm", &description()));
    }

    /// Reads a section as the host does, with everything that is commented out where that is wanted.
    fn load(text: &str) -> Settings {
        Settings::parse(Path::new("parlor.toml"), text, &|_| None)
            .unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
    }

    #[test]
    fn a_section_loads_as_it_is() {
        let description = description();
        let text = offered_section("dad.joke", "joke.wasm", &description);
        let settings = load(&text);
        let plugin = settings.plugin("dad.joke", None).expect("it is right");
        assert_eq!(plugin.artifact, "joke.wasm");
        let config = check_plugin(&plugin, &description).expect("its config is right");
        let text = |name: &str| config.get(name).cloned();
        let quoted = ConfigValue::Text("a \"quoted\" \\ text".to_owned());
        assert_eq!(text("source"), Some(quoted));
        assert_eq!(
            text("other colour"),
            Some(ConfigValue::Text("red".to_owned()))
        );
        let granted: Vec<&str> = plugin.grants.http.iter().map(|it| &*it.allow).collect();
        assert_eq!(granted, ["GET https://jokes.example/random"]);
        assert_eq!(plugin.grants.actions, ["send-user"]);
        assert_eq!(plugin.grants.reads, Vec::<String>::new());
        assert_eq!(plugin.limits, crate::config::DEFAULT_LIMITS);
    }

    #[test]
    fn what_is_commented_out_loads_too_and_changes_nothing_but_grants() {
        let description = description();
        let text = offered_section("joke", "joke.wasm", &description);
        let is_setting = |line: &str| {
            let line = line.trim_start();
            let key = ["# config.", "# limits.", "# \"GET"];
            key.iter().any(|key| line.starts_with(key))
        };
        let lines: Vec<String> = text
            .lines()
            .map(|line| match is_setting(line) {
                true => line.replacen("# ", "", 1),
                false => line.to_owned(),
            })
            .collect();
        let settings = load(&lines.join("\n"));
        let plugin = settings.plugin("joke", None).expect("it is right");
        assert_eq!(plugin.config.len(), description.config.len());
        assert_eq!(plugin.limits, crate::config::DEFAULT_LIMITS);
        let bare = load(&text).plugin("joke", None).expect("it is right");
        assert_eq!(
            check_plugin(&plugin, &description).expect("right"),
            check_plugin(&bare, &description).expect("right")
        );
        assert_eq!(plugin.grants.http.len(), 2);
    }
}
