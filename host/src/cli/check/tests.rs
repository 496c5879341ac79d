use std::fs;
use std::time::Duration;

use super::*;
use crate::model::description::{
    Capability, CapabilityRequest, ConfigKey, ConfigKind, MentionRule, Subscriptions,
};
use crate::runtime::Weight;
use crate::runtime::compile::ImportFact;

/// Takes what begins with `ok`, and refuses the rest.
struct FakeLoader;

fn description() -> Description {
    Description {
        name: "joke".into(),
        version: "1.0.0".into(),
        state_version: 0,
        summary: "Tells jokes".into(),
        author: String::new(),
        licence: String::new(),
        homepage: None,
        subscriptions: Subscriptions {
            kinds: vec![],
            platforms: vec![],
            messages: vec![],
        },
        commands: vec![command("joke", "/joke", "Tells a joke")],
        config: vec![ConfigKey {
            name: "source".into(),
            kind: ConfigKind::Text,
            required: false,
            default: None,
            help: String::new(),
        }],
        capabilities: vec![CapabilityRequest {
            what: Capability::Http("GET https://jokes.example/random".into()),
            reason: "newer jokes".into(),
            optional: true,
        }],
        extras: vec![],
    }
}

fn command(name: &str, pattern: &str, help: &str) -> CommandSpec {
    CommandSpec {
        name: name.into(),
        pattern: pattern.into(),
        mention: MentionRule::Optional,
        help: help.into(),
        arguments: vec![],
        hidden: false,
    }
}

fn import(name: &str, is_known: bool, is_used: bool) -> ImportFact {
    ImportFact {
        name: name.into(),
        is_known,
        is_used,
    }
}

/// A component that describes itself, or is refused.
fn looked(described: Result<Description, &str>, settings: &PluginSettings) -> Looked {
    let refused = described.as_ref().err().map(|why| (*why).to_owned());
    let problems = described
        .as_ref()
        .ok()
        .and_then(|description| crate::config::check_plugin(settings, description).err());
    Looked {
        facts: ComponentFacts {
            contract: Some("0.1.0".into()),
            imports: vec![
                import("parlor:bot/log@0.1.0", true, true),
                import("parlor:bot/state@0.1.0", true, true),
                import("wasi:io/streams@0.2.6", true, true),
            ],
            made_with: vec![
                "wit-bindgen-rust 0.61.0".into(),
                "wit-component 0.254.0".into(),
            ],
            adapter: None,
            debug_bytes: 0,
        },
        compiled: Some((Duration::from_millis(310), false)),
        description: described.ok(),
        weight: Some(Weight {
            memory_bytes: 1_179_648,
            table_elements: 120,
            cpu: Duration::from_millis(1),
        }),
        refused,
        problems: problems.unwrap_or_default(),
    }
}

impl Loader for FakeLoader {
    async fn look(&self, wasm: &Arc<[u8]>, settings: &PluginSettings) -> Looked {
        let is_ok = wasm.starts_with(b"ok");
        looked(is_ok.then(description).ok_or("not a component"), settings)
    }
}

fn folder() -> (tempfile::TempDir, Settings) {
    let folder = tempfile::tempdir().unwrap();
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins).unwrap();
    fs::write(plugins.join("joke.wasm"), "ok").unwrap();
    fs::write(plugins.join("bad.wasm"), "no").unwrap();
    fs::write(plugins.join("own.wasm"), "ok").unwrap();
    fs::write(plugins.join("own.toml"), "config = { sorce = \"x\" }\n").unwrap();
    fs::write(plugins.join("early.toml"), "").unwrap();
    let file = folder.path().join("parlor.toml");
    fs::write(
        &file,
        "[plugin.joke]\ngrants.http = [\"GET https://jokes.example/random\"]\n\
         [plugin.off]\nartifact = \"joke.wasm\"\nenabled = false\n",
    )
    .unwrap();
    let settings = Settings::load(&file).unwrap();
    (folder, settings)
}

#[tokio::test]
async fn lists_what_each_plugin_would_be() {
    let (folder, settings) = folder();
    let reports = report_folder(&settings, &FakeLoader).await.unwrap();
    let root = folder.path().display().to_string();
    let lines = plugin_lines(&reports).join("\n").replace(&root, "…");
    insta::assert_snapshot!(lines);
    let json = serde_json::to_string(&reports[2]).unwrap();
    insta::assert_snapshot!(json.replace(&root, "…"));
}

#[tokio::test]
async fn check_says_what_is_wrong_where() {
    let (folder, settings) = folder();
    let file = folder.path().join("plugins/own.wasm");
    let reports = report_file(&file, &settings, &FakeLoader).await;
    let root = format!("{}/", folder.path().display());
    let line = show::verdict(&reports[0])[0].replace(&root, "");
    assert_eq!(
        line,
        "plugins/own.wasm: refused: plugins/own.toml:1: plugin own has no config key `sorce`; did you mean `source`?"
    );
    let reports = report_file(
        &folder.path().join("plugins/joke.wasm"),
        &settings,
        &FakeLoader,
    )
    .await;
    assert_eq!(
        show::verdict(&reports[0])[0].replace(&root, ""),
        "plugins/joke.wasm: ok, joke 1.0.0"
    );
}

#[tokio::test]
async fn check_compares_the_hash_that_the_settings_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let wasm = folder.path().join("joke.wasm");
    let own = folder.path().join("joke.toml");
    fs::write(&wasm, "ok").unwrap();
    let settings = Settings::defaults(folder.path(), folder.path());
    let found = crate::config::write_sha256(&crate::config::sha256_of(b"ok"));
    for (pinned, problems) in [(found.clone(), 0), ("00".repeat(32), 1)] {
        fs::write(&own, format!("sha256 = \"{pinned}\"\n")).unwrap();
        let reports = report_file(&wasm, &settings, &FakeLoader).await;
        let told = &reports[0].problems;
        assert_eq!(told.len(), problems, "{told:?}");
        let names_both = |text: &String| text.contains(&found) && text.contains(&pinned);
        assert!(told.iter().all(names_both), "{told:?}");
        let wanted = [PluginState::Ready, PluginState::Refused][problems];
        assert_eq!(reports[0].state, wanted);
    }
}

/// Takes everything, with what is odd about it.
struct OddLoader;

impl Loader for OddLoader {
    async fn look(&self, _: &Arc<[u8]>, settings: &PluginSettings) -> Looked {
        let mut described = description();
        described.commands = vec![
            command("help", "/help", "Helps"),
            command("join", "/join {room}", "Joins a room"),
        ];
        described.capabilities.extend([
            CapabilityRequest {
                what: Capability::Action("send-user".into()),
                reason: "tells who asked".into(),
                optional: false,
            },
            CapabilityRequest {
                what: Capability::Other("gpu".into()),
                reason: "draws".into(),
                optional: false,
            },
        ]);
        let mut looked = looked(Ok(described), settings);
        looked.facts.debug_bytes = 700_000;
        looked.facts.adapter = Some("wasi_snapshot_preview1".into());
        looked.facts.imports.extend([
            import("wasi:http/types@0.2.6", true, false),
            import("acme:db/store@1.0.0", false, true),
        ]);
        let many = (0..12).map(|n| import(&format!("wasi:cli/part-{n}@0.2.6"), true, true));
        looked.facts.imports.extend(many);
        looked.weight = Some(Weight {
            memory_bytes: 60 << 20,
            table_elements: 19_000,
            cpu: Duration::from_millis(90),
        });
        looked
    }
}

async fn report_of(loader: &impl Loader) -> (String, PluginReport) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("joke.wasm");
    fs::write(&file, "ok").unwrap();
    let settings = Settings::defaults(folder.path(), folder.path());
    let mut reports = report_file(&file, &settings, loader).await;
    let report = reports.remove(0);
    let root = folder.path().display().to_string();
    (show::report(&report).join("\n").replace(&root, "…"), report)
}

#[tokio::test]
async fn a_report_reads_well() {
    let (text, report) = report_of(&FakeLoader).await;
    insta::assert_snapshot!(text);
    assert_eq!(report.warnings, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_odd_is_told_and_what_is_refused_is_told_with_what_is_known() {
    let (text, report) = report_of(&OddLoader).await;
    insta::assert_snapshot!(text);
    assert_eq!(report.warnings.len(), 9, "{:#?}", report.warnings);
    let section = report.section.expect("it describes itself");
    let settings = Settings::parse(Path::new("parlor.toml"), &section, &|_| None).unwrap();
    let plugin = settings.plugin("joke", None).unwrap();
    assert_eq!(plugin.grants.actions, ["send-user"]);
}

#[tokio::test]
async fn plugins_of_one_command_are_told_of_each_other() {
    let (folder, _) = folder();
    fs::copy(
        folder.path().join("plugins/joke.wasm"),
        folder.path().join("plugins/other.wasm"),
    )
    .unwrap();
    let settings = Settings::load(&folder.path().join("parlor.toml")).unwrap();
    let reports = report_folder(&settings, &FakeLoader).await.unwrap();
    let warned = |name: &str| {
        let report = reports.iter().find(|it| it.plugin == name).unwrap();
        report.warnings.clone()
    };
    assert_eq!(
        warned("other"),
        ["its command `/joke` is also that of joke: all of them answer"]
    );
    assert_eq!(warned("off"), Vec::<String>::new(), "it does not serve");
}

#[tokio::test]
async fn a_file_that_no_plugin_can_be_named_after_is_refused_as_the_folder_refuses_it() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::defaults(folder.path(), folder.path());
    for name in ["host", "two words"] {
        let file = folder.path().join(format!("{name}.wasm"));
        fs::write(&file, "ok").unwrap();
        let reports = report_file(&file, &settings, &FakeLoader).await;
        let wanted = format!("a plugin cannot be named \"{name}\"");
        assert_eq!(reports[0].problems, [wanted]);
    }
}

#[test]
fn what_is_no_plugin_is_told_with_what_would_be() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["joke.wasm", "joke.toml", "joke", "lib.rs", "plain.wasm.gz"] {
        fs::write(root.join(name), "ok").unwrap();
    }
    for (name, told) in [
        ("joke.wasm", None),
        ("joke.toml", None),
        (
            "joke",
            Some("joke is nothing to check: that is a component (NAME.wasm"),
        ),
        ("lib.rs", Some("lib.rs is nothing to check")),
        ("plain.wasm.gz", Some("plain.wasm.gz is nothing to check")),
        ("none.wasm", Some("none.wasm is not there")),
        (".", Some("is a folder: name the files in it (")),
        ("/dev/null", Some("/dev/null is nothing to check")),
    ] {
        let refused = refuses_file(&root.join(name));
        match told {
            None => assert_eq!(refused, None, "{name}"),
            Some(told) => assert!(refused.unwrap().contains(told), "{name}"),
        }
    }
}

#[test]
fn settings_without_a_file_ask_for_a_section() {
    let of = |line: &str| {
        let arguments = line.split(' ').map(OsString::from);
        let all: Vec<String> = without_file(arguments)
            .into_iter()
            .map(|it| it.into_string().unwrap())
            .collect();
        all.join(" ")
    };
    for (line, wanted) in [
        (
            "parlor check joke.wasm --settings",
            "parlor check joke.wasm --section",
        ),
        (
            "parlor check --settings joke.wasm",
            "parlor check --section joke.wasm",
        ),
        (
            "parlor check --settings --json",
            "parlor check --section --json",
        ),
        (
            "parlor check --settings my.toml j.wasm",
            "parlor check --settings my.toml j.wasm",
        ),
        (
            "parlor --settings my.toml check",
            "parlor --settings my.toml check",
        ),
        ("parlor run --settings", "parlor run --settings"),
        (
            "parlor chat check --settings",
            "parlor chat check --settings",
        ),
    ] {
        assert_eq!(of(line), wanted);
    }
}
