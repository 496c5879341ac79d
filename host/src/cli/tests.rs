use std::fs;
use std::path::Path;

use clap::CommandFactory as _;

use super::check::{report_file, report_folder};
use super::*;
use crate::model::description::{
    Capability, CapabilityRequest, ConfigKey, ConfigKind, Subscriptions,
};

/// Takes what begins with `ok`, and refuses the rest.
struct FakeLoader;

impl Loader for FakeLoader {
    async fn describe(&self, wasm: Vec<u8>, _: u64) -> Result<Description, String> {
        if !wasm.starts_with(b"ok") {
            return Err("not a component".to_owned());
        }
        Ok(Description {
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
            commands: vec![],
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
        })
    }
}

fn code(arguments: &[&str]) -> String {
    let arguments = std::iter::once("parlor").chain(arguments.iter().copied());
    format!("{:?}", main(arguments.map(OsString::from)))
}

#[test]
fn a_wrong_command_line_ends_with_64() {
    let usage = format!("{:?}", ExitCode::from(64));
    let ok = format!("{:?}", ExitCode::SUCCESS);
    assert_eq!(code(&["--nonsense"]), usage);
    assert_eq!(code(&["frobnicate"]), usage);
    assert_eq!(code(&["build", "--to"]), usage);
    assert_eq!(
        code(&["run", "--settings", "/nonexistent/parlor.toml"]),
        usage
    );
    assert_eq!(code(&["check", "/nonexistent/joke.wasm"]), usage);
    assert_eq!(code(&["chat", "/nonexistent/joke.wasm"]), usage);
    assert_eq!(code(&["import", "symphony", "/nonexistent/c.json"]), usage);
    assert_eq!(code(&["import", "elsewhere"]), usage);
    assert_eq!(code(&["--help"]), ok);
    assert_eq!(code(&["--version"]), ok);
}

#[test]
fn settings_that_are_wrong_end_with_64_and_start_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parlor.toml");
    fs::write(&file, "[local]\nlisen = 1\n").unwrap();
    let path = file.to_str().unwrap();
    for verb in ["run", "plugins", "check", "build"] {
        let usage = format!("{:?}", ExitCode::from(64));
        assert_eq!(code(&[verb, "--settings", path]), usage, "{verb}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_demo_settings_are_right_and_name_plugins_of_the_demo() {
    let tree = SourceTree::of_this_program().expect("this is the tree");
    let Ok(settings) = demo_settings(&tree) else {
        panic!("{} is wrong", tree.demo_file().display());
    };
    assert_eq!(settings.plugins_folder, tree.demo_plugins());
    assert_eq!(settings.data, tree.demo_data());
    assert!(settings.plugins.contains_key("expense"));
    let names = tree.demo_names();
    for name in settings.plugins.keys() {
        assert!(names.contains(name), "{name} is no demo");
    }
}

#[test]
fn help_reads_well() {
    let mut command = Cli::command().term_width(100);
    insta::assert_snapshot!(command.render_long_help());
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
    let line = check_lines(&reports[0])[0].replace(&root, "");
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
        check_lines(&reports[0])[0].replace(&root, ""),
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
        let reports = check::report_file(&wasm, &settings, &FakeLoader).await;
        let told = &reports[0].problems;
        assert_eq!(told.len(), problems, "{told:?}");
        let names_both = |text: &String| text.contains(&found) && text.contains(&pinned);
        assert!(told.iter().all(names_both), "{told:?}");
        let wanted = [PluginState::Ready, PluginState::Refused][problems];
        assert_eq!(reports[0].state, wanted);
    }
}

#[test]
fn builds_a_crate_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "Cargo.toml",
        "[package]\nname = \"two-words\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         [lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n\
         [profile.plugin]\ninherits = \"release\"\nopt-level = \"s\"\n",
    );
    write(
        "src/lib.rs",
        "#[unsafe(no_mangle)]\npub extern \"C\" fn f() {}\n",
    );
    let to = folder.path().join("out");
    let built = build::build_into(folder.path(), &to, output::Voice::Quiet).unwrap();
    assert_eq!(built.len(), 1);
    assert_eq!(built[0].file, to.join("two-words.wasm"));
    let bytes = fs::read(&built[0].file).unwrap();
    assert!(bytes.starts_with(b"\0asm\x0d\0\x01\0"), "a component");
    assert_eq!(
        fs::read_dir(&to).unwrap().count(),
        1,
        "nothing is left beside it"
    );
    assert!(
        folder.path().join("target/wasm32-wasip2/plugin").is_dir(),
        "the profile of the workspace is used"
    );
    let has_lines = |bytes: &[u8]| bytes.windows(11).any(|it| it == b".debug_line");
    assert!(!has_lines(&bytes));
    let debug = cargo::Make::Debug;
    let built = build::build_as(folder.path(), &to, debug, output::Voice::Quiet).unwrap();
    assert!(has_lines(&fs::read(&built[0].file).unwrap()));

    write("src/lib.rs", "this is not Rust");
    assert!(build::build_into(folder.path(), &to, output::Voice::Quiet).is_err());
    assert!(build::build_into(Path::new("/"), &to, output::Voice::Quiet).is_err());
}
