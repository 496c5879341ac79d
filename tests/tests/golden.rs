//! Plugins that were built for a version of the contract and published then: whatever becomes of the
//! host, it loads them, and they answer as they did.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use parlor_host::mailbox::rooms::Command;
use parlor_tests::api::Api;
use parlor_tests::guests::workspace;
use parlor_tests::harness::TestHost;

/// What the recorded dialog begins a plugin, something said and a submitted form with. The lines of
/// an answer stand below, four spaces in.
const PLUGIN: &str = "# ";
const SAID: &str = "> ";
const SUBMITTED: &str = ">> ";
const INDENT: &str = "    ";

fn folder(version: &str) -> PathBuf {
    workspace().join("tests/golden").join(version)
}

/// Holds the recorded dialog once more, and writes down what is answered now.
async fn held_again(folder: &Path, recorded: &str) -> String {
    let source = Api::start().await;
    let joke = r#"{"setup": "Why?", "punchline": "Because."}"#;
    source.set_answer("/joke", StatusCode::OK, joke);
    let mut written = String::new();
    let mut host = None;
    for line in recorded.lines() {
        if let Some(name) = line.strip_prefix(PLUGIN) {
            host = Some(host_with(folder, name, &source).await);
        }
        let Some(host) = &host else {
            panic!("the dialog does not begin with a plugin: {line}");
        };
        let is_step = [PLUGIN, SAID, SUBMITTED].iter();
        if is_step.clone().any(|word| line.starts_with(word)) {
            written.push_str(&format!("{line}\n"));
        }
        let answers = if let Some(form) = line.strip_prefix(SUBMITTED) {
            submitted(host, form).await
        } else if let Some(text) = line.strip_prefix(SAID) {
            host.ask(text).await
        } else {
            continue;
        };
        for answer in answers {
            for line in answer.lines() {
                let line = format!("{INDENT}{line}");
                written.push_str(&format!("{}\n", line.trim_end()));
            }
        }
    }
    written
}

/// A host with one plugin of the folder, which has its settings and grants.
async fn host_with(folder: &Path, name: &str, source: &Api) -> TestHost {
    let host = TestHost::with(&[]).await;
    let wasm = std::fs::read(folder.join(format!("{name}.wasm"))).expect("a component");
    let settings = match name {
        "joke" => format!(
            "config = {{ source = \"{}\" }}\n{}",
            source.url("/joke"),
            source.grant()
        ),
        "expense" => "grants.actions = [\"send-user\"]".to_owned(),
        _ => String::new(),
    };
    let settings = Some(settings.as_str()).filter(|text| !text.is_empty());
    host.load(name, wasm, settings).await;
    assert_eq!(host.row(name).last_error, None, "{name} is refused");
    host
}

/// Submits a form that was shown, `FORM FIELD=VALUE`, and gives what is answered.
async fn submitted(host: &TestHost, form: &str) -> Vec<String> {
    let (form, value) = form.split_once(' ').expect("a form and a field");
    let (field, value) = value.split_once('=').expect("a field and its value");
    let lobby = host.room("ada", "Lobby").await;
    let shown = host.answers("ada", &lobby);
    let message = shown.last().expect("a form was shown").id.to_string();
    let submit = Command::Submit {
        message,
        form: form.to_owned(),
        button: None,
        values: [(field.to_owned(), vec![value.to_owned()])].into(),
    };
    host.act("ada", submit).await.expect("the form is taken");
    host.idle().await;
    let after = host.answers("ada", &lobby);
    let new = after[shown.len()..].iter();
    new.map(|message| message.text.clone()).collect()
}

/// The plugins that lie in a folder.
fn components(folder: &Path) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder).expect("the folder is there");
    let paths = files.map(|file| file.expect("an entry").path());
    let components = paths.filter(|path| path.extension().is_some_and(|it| it == "wasm"));
    components
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_of_contract_0_1_0_answer_as_they_did() {
    let folder = folder("0.1.0");
    let recorded = std::fs::read_to_string(folder.join("dialog.txt")).expect("a dialog");
    let spoken_to: BTreeSet<String> = recorded
        .lines()
        .filter_map(|line| line.strip_prefix(PLUGIN).map(str::to_owned))
        .collect();
    assert_eq!(spoken_to, components(&folder), "each of them is spoken to");
    let now = held_again(&folder, &recorded).await;
    assert_eq!(now, recorded, "{now}");
}

#[test]
fn golden_components_are_those_that_were_recorded() {
    let folder = folder("0.1.0");
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).expect("their hashes");
    let mut listed = BTreeSet::new();
    for line in sums.lines() {
        let (sum, file) = line.split_once("  ").expect("a hash and a file");
        let bytes = std::fs::read(folder.join(file)).expect("it is there");
        let found = parlor_host::runtime::ArtifactHash::of(&bytes);
        assert_eq!(found.to_string(), sum, "{file} was built again");
        listed.insert(file.trim_end_matches(".wasm").to_owned());
    }
    assert_eq!(listed, components(&folder));
}
