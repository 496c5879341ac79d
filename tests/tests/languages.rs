//! The demo behaviours, written once more in JavaScript and in Python, answer as those in Rust do.

#[path = "languages/fetch.rs"]
mod fetch;
#[path = "languages/weight.rs"]
mod weight;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use parlor_host::mailbox::rooms::{Command, RoomMessage};
use parlor_host::model::content::Block;
use parlor_host::model::event::Visibility;
use parlor_tests::api::Api;
use parlor_tests::checkers::is_out_of_reach;
use parlor_tests::guests::{self, workspace};
use parlor_tests::harness::TestHost;
use parlor_tests::scale;
use parlor_tests::sim::left_out;

/// How long a build may take, with everything that it installs.
const BUILDING: Duration = Duration::from_secs(600);

/// Each is compiled twice here, from its language and by the host.
const BEHAVIOURS: [&str; 5] = ["activities", "complex-message", "echo", "joke", "pizza"];
/// A form, commands with arguments, a timer and words that are listened for are in these.
const SOME: [&str; 2] = ["activities", "echo"];

/// A language, and how a project of one of its examples is written.
#[derive(Clone, Copy)]
struct Language {
    name: &'static str,
    examples: &'static str,
    /// The example's file, and the project's own with its text.
    project: fn(&str) -> (String, &'static str, String),
}

const JAVASCRIPT: Language = Language {
    name: "javascript",
    examples: "plugin-sdk/js/examples",
    project: |name| {
        let file = format!("{name}.js");
        let text =
            format!("{{ \"name\": \"{name}\", \"type\": \"module\", \"main\": \"{file}\" }}");
        (file, "package.json", text)
    },
};

const PYTHON: Language = Language {
    name: "python",
    examples: "plugin-sdk/python/examples",
    project: |name| {
        let file = format!("{}.py", name.replace('-', "_"));
        (
            file,
            "pyproject.toml",
            format!("[project]\nname = \"{name}\"\n"),
        )
    },
};

/// Builds a project; what came of it, and what it said.
async fn parlor_build(folder: &Path) -> (Output, String) {
    let built = tokio::process::Command::new(env!("CARGO_BIN_EXE_parlor-under-test"))
        .args(["build", "--to", "."])
        .current_dir(folder)
        .env("XDG_CACHE_HOME", guests::caches())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let built = tokio::time::timeout(BUILDING, built).await;
    let built = built.expect("it is built in time").expect("parlor starts");
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    (built, said)
}

/// Builds an example as its author would; the component, or what is not here to build it.
async fn build(language: Language, name: &str) -> Result<Vec<u8>, String> {
    // What is installed into the project is kept between runs.
    let folder = workspace().join("target/tmp/languages").join(language.name);
    std::fs::create_dir_all(&folder).expect("a folder");
    let (file, project, text) = (language.project)(name);
    let example = workspace().join(language.examples).join(&file);
    std::fs::copy(example, folder.join(file)).expect("an example");
    std::fs::write(folder.join(project), text).expect("a project");
    let (built, said) = parlor_build(&folder).await;
    if is_out_of_reach(&said) {
        return Err(said);
    }
    assert!(built.status.success(), "{name}: {said}");
    let wasm: PathBuf = folder.join(format!("{name}.wasm"));
    Ok(std::fs::read(wasm).expect("a component"))
}

/// Where the projects of a language are.
fn folder(language: Language) -> PathBuf {
    workspace().join("target/tmp/languages").join(language.name)
}

/// Builds a behaviour that is written here, where its tools are known to be.
async fn written(language: Language, name: &str, behaviour: &str) -> Vec<u8> {
    let folder = folder(language);
    let (file, project, text) = (language.project)(name);
    std::fs::write(folder.join(project), text).expect("a project");
    std::fs::write(folder.join(file), behaviour).expect("a behaviour");
    let (built, said) = parlor_build(&folder).await;
    assert!(built.status.success(), "{name}: {said}");
    std::fs::read(folder.join(format!("{name}.wasm"))).expect("a component")
}

/// What an answer is, without what is another each time.
type Said = (String, Vec<Block>, Visibility);

fn said(messages: &[Arc<RoomMessage>]) -> Vec<Said> {
    let said = |it: &Arc<RoomMessage>| (it.text.clone(), it.content.clone(), it.visibility);
    messages.iter().map(said).collect()
}

/// Everything that the behaviours say to the same words; each is a component of its name.
async fn dialog(components: Vec<(&str, Vec<u8>)>, source: &Api) -> Vec<Said> {
    let host = TestHost::with(&[]).await;
    for (name, component) in components {
        let joke = format!(
            "config = {{ source = \"{}\" }}\n{}",
            source.url("/joke"),
            source.grant()
        );
        let settings = (name == "joke").then_some(joke.as_str());
        host.load(name, component, settings).await;
        assert_eq!(host.row(name).last_error, None, "{name}");
    }
    for text in [
        "hello",
        " HELLO ",
        "hello there",
        "/echo one  two",
        "/echo <b>${x}</b> ünï \u{1F355}",
        "where is my PIZZA?",
        "pizza, Pizza and more pizza!",
        "the pizzeria is closed",
        "/complex_message",
        "/buy 1000 $goog",
        "/buy 1000 goog",
        "/remind 0 now",
        "/remind 99999999999 never",
        "/remind 1 tea is ready",
        "/joke",
        "/form",
        "/help",
    ] {
        host.ask(text).await;
    }
    let lobby = host.room("ada", "Lobby").await;
    let all = host.answers("ada", &lobby);
    let is_form = |it: &&Arc<RoomMessage>| {
        let mut blocks = it.content.iter();
        blocks.any(|block| matches!(block, Block::Form(_)))
    };
    let form = all.iter().find(is_form).expect("a form came");
    let submit = Command::Submit {
        message: form.id.to_string(),
        form: "hello-form".to_owned(),
        button: None,
        values: [("name".to_owned(), vec!["Ada".to_owned()])].into(),
    };
    host.act("ada", submit).await.expect("the form is taken");
    host.until_said(|it| it.text == "Hello, Ada").await;
    host.until_said(|it| it.text == "tea is ready").await;
    host.idle().await;
    let mut all = said(&host.answers("ada", &lobby));
    // A reminder comes when it is due, not in anybody's turn.
    all.sort_by(|one, other| one.0.cmp(&other.0));
    host.stop().await;
    all
}

/// Whether the behaviours answer alike; false where they cannot be built here.
async fn answers_alike(language: Language) -> bool {
    let source = Api::start().await;
    let joke = r#"{"setup": "Why?", "punchline": "Because."}"#;
    source.set_answer("/joke", axum::http::StatusCode::OK, joke);
    let wanted = format!("behaviours in {}", language.name);
    let behaviours = scale::choose(&wanted, &SOME[..], &BEHAVIOURS);
    let mut built = Vec::new();
    for name in behaviours {
        match build(language, name).await {
            Ok(component) => built.push((*name, component)),
            Err(why) => {
                left_out(&format!("the behaviours in {}: {why}", language.name));
                return false;
            }
        }
    }
    let own = behaviours.iter().map(|name| (*name, guests::bytes(name)));
    let wanted = dialog(own.collect(), &source).await;
    assert!(wanted.len() >= 4 + 2 * behaviours.len(), "{wanted:#?}");
    let found = dialog(built, &source).await;
    for (found, wanted) in found.iter().zip(&wanted) {
        assert_eq!(found, wanted);
    }
    assert_eq!(found.len(), wanted.len());
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn the_behaviours_in_javascript_answer_as_those_in_rust() {
    if answers_alike(JAVASCRIPT).await {
        a_behaviour_in_typescript_answers().await;
        let fetcher = written(JAVASCRIPT, "fetcher", fetch::JAVASCRIPT).await;
        fetch::only_what_is_granted(fetcher).await;
        weight::is_within_the_default_limits(&folder(JAVASCRIPT)).await;
        let wrong = "import { Plugin } from \"parlor\";\nconst plugin = ;\n";
        tells_what_is_wrong(JAVASCRIPT, wrong, &["wrong.js:2:15", "node failed"]).await;
        let silent = "import { Plugin } from \"parlor\";\nconst greeter = new Plugin(\"wrong\", \"Greets\");\n";
        let told = [
            "wrong.js has no export `behaviour`",
            "\n    export const { behaviour } = greeter;\n",
        ];
        tells_what_is_wrong(JAVASCRIPT, silent, &told).await;
        let boom = "import { Plugin } from \"parlor\";\n\n// Goes when it is bundled.\n\n\
            const plugin = new Plugin(\"boom\", \"Breaks\");\n\n\
            function deep(name) {\n  throw new TypeError(`no ${name}`);\n}\n\n\
            plugin.command(\"/boom {name}\", async (cx, { name }) => {\n  await null;\n  deep(name);\n});\n\n\
            export const { behaviour } = plugin;\n";
        let told = ["TypeError: no tea", "deep@boom.js:8", "boom.js:13"];
        tells_where_it_broke(JAVASCRIPT, boom, &told).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_behaviours_in_python_answer_as_those_in_rust() {
    if answers_alike(PYTHON).await {
        let fetcher = written(PYTHON, "fetcher", fetch::PYTHON).await;
        fetch::only_what_is_granted(fetcher).await;
        weight::is_within_the_default_limits(&folder(PYTHON)).await;
        let wrong = "from parlor import Plugin\n\nplugin = Plugn()\n";
        let told = ["wrong.py", "line 3", "Plugn"];
        tells_what_is_wrong(PYTHON, wrong, &told).await;
        let silent = "from parlor import Plugin\n\nplugin = Plugin(\"wrong\", \"Greets\")\n";
        let told = [
            "wrong.py has no `Behaviour`",
            "\n    Behaviour = plugin.behaviour()\n",
        ];
        tells_what_is_wrong(PYTHON, silent, &told).await;
        let boom = "from parlor import Plugin\n\nplugin = Plugin(\"boom\", \"Breaks\")\n\n\n\
            def deep(name):\n    raise ValueError(f\"no {name}\")\n\n\n\
            @plugin.command(\"/boom {name}\", help=\"Breaks\")\n\
            def boom(cx, name):\n    return deep(name)\n\n\nBehaviour = plugin.behaviour()\n";
        let told = [
            "ValueError: no tea",
            "boom.py\", line 7, in deep",
            "boom.py\", line 12, in boom",
        ];
        tells_where_it_broke(PYTHON, boom, &told).await;
    }
}

async fn a_behaviour_in_typescript_answers() {
    let folder = workspace().join("target/tmp/languages/javascript");
    let text = "import { Plugin, state, type Context } from \"parlor\";\n\
        const plugin = new Plugin(\"typed\", \"Counts\");\n\
        plugin.command(\"/count {word}\", (cx: Context, { word }: { word: string }) => {\n\
          state.conversation.add(word);\n\
          return `${cx.firstName} said ${word} ${state.conversation.integer(word)} times`;\n\
        });\n\
        export const { behaviour } = plugin;\n";
    std::fs::write(folder.join("typed.ts"), text).expect("a behaviour");
    let project = r#"{ "name": "typed", "main": "typed.ts" }"#;
    std::fs::write(folder.join("package.json"), project).expect("a project");
    let (built, said) = parlor_build(&folder).await;
    assert!(built.status.success(), "{said}");
    let host = TestHost::with(&[]).await;
    let component = std::fs::read(folder.join("typed.wasm")).expect("a component");
    host.load("typed", component, None).await;
    for count in 1..=2 {
        let wanted = format!("ada said tea {count} times");
        assert_eq!(host.ask("/count tea").await, [wanted]);
    }
    host.stop().await;
}

/// An exception comes with the author's own files and lines, to where operators and authors look.
async fn tells_where_it_broke(language: Language, boom: &str, told: &[&str]) {
    let folder = workspace().join("target/tmp/languages").join(language.name);
    let (file, project, text) = (language.project)("boom");
    std::fs::write(folder.join(project), text).expect("a project");
    std::fs::write(folder.join(file), boom).expect("a behaviour");
    let (built, said) = parlor_build(&folder).await;
    assert!(built.status.success(), "{said}");
    let host = TestHost::with(&[]).await;
    let component = std::fs::read(folder.join("boom.wasm")).expect("a component");
    host.load("boom", component, None).await;
    let detail = host.given_up("/boom tea").await.detail;
    assert!(told.iter().all(|told| detail.contains(told)), "{detail}");
    assert!(!detail.contains(".parlor/"), "{detail}");
    host.stop().await;
}

/// The tool's own words, and nothing that looks like a result.
async fn tells_what_is_wrong(language: Language, wrong: &str, told: &[&str]) {
    let folder = workspace().join("target/tmp/languages").join(language.name);
    let (file, project, text) = (language.project)("wrong");
    std::fs::write(folder.join(project), text).expect("a project");
    std::fs::write(folder.join(file), wrong).expect("a behaviour");
    let (built, said) = parlor_build(&folder).await;
    assert_eq!(built.status.code(), Some(1), "{said}");
    assert!(told.iter().all(|told| said.contains(told)), "{said}");
    assert!(built.stdout.is_empty());
}
