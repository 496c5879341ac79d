//! What an author meets: `parlor new`, `parlor build`, `parlor test` and `parlor dev`, in folders that have
//! nothing of this tree.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use parlor_host::config::variable;
use parlor_tests::checkers::is_out_of_reach;
use parlor_tests::guests::{self, caches, workspace};
use parlor_tests::harness::PATIENCE;
use parlor_tests::process::PageSocket;
use parlor_tests::scale::{self, Size};
use parlor_tests::sim::left_out;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// How long a build may take, with everything that it fetches.
const BUILDING: Duration = Duration::from_secs(600);

const TEMPLATES: [&str; 5] = ["echo", "command", "form", "http", "timer"];
/// `parlor dev` is tested with two of the others.
const SOME: [&str; 1] = ["form"];

/// What a command came to.
struct Ran {
    code: Option<i32>,
    out: String,
    said: String,
}

impl Ran {
    #[track_caller]
    fn succeeds(&self) {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.said);
    }
}

fn parlor(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor-under-test"));
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        // Where crates are compiled once for all projects of these tests.
        .env("CARGO_TARGET_DIR", kept("rust"))
        .env("XDG_CACHE_HOME", caches())
        // Cargo sets these for the test itself; projects are not part of it.
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .kill_on_drop(true);
    command
}

/// A folder that is kept between runs.
fn kept(name: &str) -> PathBuf {
    workspace().join("target/tmp/authoring").join(name)
}

async fn output(mut command: Command) -> Ran {
    let output = tokio::time::timeout(BUILDING, command.output()).await;
    let output: Output = output.expect("it ends in time").expect("parlor starts");
    Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        said: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

async fn run(folder: &Path, arguments: &[&str]) -> Ran {
    output(parlor(folder, arguments)).await
}

/// Makes a project that is as its author gets it.
async fn new(folder: &Path, name: &str, language: &str, template: &str) -> PathBuf {
    let arguments = ["new", name, "--lang", language, "--template", template];
    run(folder, &arguments).await.succeeds();
    folder.join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_project_in_rust_builds_and_passes_its_test_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    for template in scale::choose("projects in Rust", &SOME[..], &TEMPLATES) {
        let name = format!("{template}-bot");
        let project = new(folder.path(), &name, "rust", template).await;
        let built = run(&project, &["build"]).await;
        built.succeeds();
        assert!(!built.said.contains("warning"), "{}", built.said);
        assert!(project.join(format!("{name}.wasm")).is_file());
        let lock = std::fs::read_to_string(project.join("Cargo.lock")).expect("a lock");
        assert!(lock.contains(&format!("name = \"{name}\"")), "{lock}");
        passes(&project, &name).await;
        if *template == "command" {
            needs_no_tool_any_more(&project, &name).await;
        }
    }
}

/// What is built is looked at, talked to and tested where nothing is on the path.
async fn needs_no_tool_any_more(project: &Path, name: &str) {
    let file = format!("{name}.wasm");
    for arguments in [
        &["test", "--no-build"][..],
        &["test", "--wasm", &file],
        &["check", &file],
        &["check", &file, "--settings"],
        &["chat", &file],
    ] {
        let mut command = parlor(project, arguments);
        let ran = output(command_without_tools(
            &mut command,
            Path::new("/nonexistent"),
        ))
        .await;
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}{}", ran.out, ran.said);
    }
    let mut command = parlor(project, &["test", "--no-build"]);
    command.env("CARGO_TARGET_DIR", project.join("elsewhere"));
    let ran = output(command_without_tools(
        &mut command,
        Path::new("/nonexistent"),
    ))
    .await;
    assert_eq!(ran.code, Some(64), "{}", ran.said);
    let told = "was not built yet; run without --no-build";
    assert!(ran.said.contains(told), "{}", ran.said);
}

/// Lets the host look at a component with its settings, and runs its dialogs.
async fn passes(project: &Path, name: &str) {
    let checked = run(project, &["check", &format!("{name}.wasm")]).await;
    checked.succeeds();
    run(project, &["test"]).await.succeeds();
}

/// Builds and tests a fresh clone of a project in a language that may not be here.
async fn builds_and_passes_its_test(language: &str, template: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let name = format!("{template}-bot");
    let made = new(folder.path(), &name, language, template).await;
    // What is fetched once in a project is fetched once for all of these.
    let project = kept(language);
    std::fs::create_dir_all(&project).expect("a folder");
    for entry in std::fs::read_dir(&project).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with(".parlor") {
            std::fs::remove_dir_all(path).expect("it goes");
        } else if path.is_file() {
            std::fs::remove_file(path).expect("it goes");
        }
    }
    clone(&made, &project);
    // In parlor's own tree it would become one of the demo's.
    let built = run(&project, &["build", "--to", "."]).await;
    if is_out_of_reach(&built.said) {
        left_out(&format!("a project in {language}: {}", built.said));
        return;
    }
    built.succeeds();
    passes(&project, &name).await;
}

/// Copies what version control keeps of a project.
fn clone(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_file() {
            std::fs::copy(path, to).expect("it is copied");
        } else if !path.ends_with(".parlor") {
            clone(&path, &to);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_in_javascript_and_typescript_pass_their_tests() {
    let whole = [("js", "command"), ("ts", "form")];
    for (language, template) in scale::choose("projects for Node.js", &whole[1..], &whole) {
        builds_and_passes_its_test(language, template).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_in_python_pass_their_tests() {
    for template in scale::choose("projects in Python", &["form"][..], &["command", "form"]) {
        builds_and_passes_its_test("python", template).await;
    }
    if scale::size() == Size::Whole {
        still_builds_where_it_has_moved(&kept("python")).await;
    }
}

/// Programs of an environment of Python name the place where it was made.
async fn still_builds_where_it_has_moved(project: &Path) {
    if !project.join(".parlor/venv/installed").is_file() {
        // It could not be made here, and the project has said so.
        return;
    }
    let elsewhere = project.with_extension("moved");
    std::fs::rename(project, &elsewhere).expect("it moves");
    let built = run(&elsewhere, &["build", "--to", "."]).await;
    std::fs::rename(&elsewhere, project).expect("it moves back");
    built.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_or_folder_that_cannot_be_used_is_refused_and_nothing_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    for (arguments, told) in [
        (&["new", "Lunch Bot"][..], "such as lunch-bot"),
        (&["new", "../lunch"], "such as lunch"),
        (&["new", "parlor"], "parlor-bot could"),
        (
            &["new", "lunch", "--lang", "cobol"],
            "[possible values: rust, js, ts, python]",
        ),
        (
            &["new", "lunch", "--template", "none"],
            "[possible values: echo, command,",
        ),
        (&["new"], "<NAME>"),
    ] {
        let ran = run(here, arguments).await;
        assert_eq!(ran.code, Some(64), "{arguments:?}");
        assert!(ran.said.contains(told), "{arguments:?}: {}", ran.said);
    }
    assert_eq!(std::fs::read_dir(here).expect("a folder").count(), 0);
    let made = run(here, &["new", "lunch"]).await;
    made.succeeds();
    for told in [
        "in Rust",
        "--lang js",
        "cd lunch",
        "parlor test",
        "parlor dev",
    ] {
        assert!(made.out.contains(told), "{told}: {}", made.out);
    }
    let again = run(here, &["new", "lunch", "--lang", "js"]).await;
    assert_eq!(again.code, Some(64), "{}", again.said);
    assert!(
        again.said.contains("is there and not empty"),
        "{}",
        again.said
    );
    assert!(!here.join("lunch/index.js").exists());
    let elsewhere = ["new", "supper", "--to", "deep/er", "--lang", "python"];
    run(here, &elsewhere).await.succeeds();
    assert!(here.join("deep/er/bot.py").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_or_a_net_that_is_missing_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let empty = here.join("empty");
    std::fs::create_dir(&empty).expect("a folder");
    for (language, missing, helps) in [
        ("rust", "cannot start cargo", "https://rustup.rs"),
        ("js", "cannot start npm", "https://nodejs.org"),
        ("python", "cannot start python3", "https://python.org"),
    ] {
        let project = new(here, &format!("no-{language}"), language, "echo").await;
        let mut command = parlor(&project, &["build"]);
        let ran = output(command_without_tools(&mut command, &empty)).await;
        assert_eq!(ran.code, Some(1), "{}", ran.said);
        assert!(ran.said.contains(missing), "{language}: {}", ran.said);
        assert!(ran.said.contains(helps), "{language}: {}", ran.said);
        assert_eq!(ran.out, "");
    }
    let project = here.join("no-rust");
    let mut offline = parlor(&project, &["build"]);
    offline
        .env("CARGO_HOME", &empty)
        .env("CARGO_NET_OFFLINE", "true");
    let ran = output(offline).await;
    assert_eq!(ran.code, Some(1), "{}", ran.said);
    assert!(
        ran.said.contains("`cargo fetch` tries that alone"),
        "{}",
        ran.said
    );
    let mut unreached = parlor(&here.join("no-js"), &["build"]);
    unreached
        .env("npm_config_registry", "http://127.0.0.1:9/")
        .env("npm_config_cache", &empty);
    tells_or_is_left_out(output(unreached).await, "`npm ping` tells");
    let mut unreached = parlor(&here.join("no-python"), &["build"]);
    unreached
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", "")
        .env("PIP_NO_CACHE_DIR", "1");
    tells_or_is_left_out(output(unreached).await, "pip download componentize-py==");
}

/// A tool that says its line of npm's, and waits; told to end, it leaves a file behind.
const WAITING: &str = "#!/bin/sh\ntrap 'echo > \"$ENDED\"; exit 1' TERM\necho 'npm error I am here' >&2\nexec 2>&-\n\
                       while :; do sleep 0.05; done\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_is_interrupted_is_told_as_that_and_ends_with_its_tool() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let path = variable("PATH").expect("a path");
    for (language, tool) in [("js", "npm"), ("python", "python3")] {
        let project = new(here, &format!("cut-{language}"), language, "echo").await;
        let tools = here.join(tool);
        std::fs::create_dir(&tools).expect("a folder");
        std::fs::write(tools.join(tool), WAITING).expect("a tool");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(tools.join(tool), mode).expect("it can be run");
        let ended = tools.join("ended");
        let mut command = parlor(&project, &["build"]);
        command
            .env("PATH", format!("{}:{path}", tools.display()))
            .env("ENDED", &ended)
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("parlor starts");
        let mut said = BufReader::new(child.stderr.take().expect("its words")).lines();
        let mut all = String::new();
        let reading = async {
            while let Some(line) = said.next_line().await.expect("it writes") {
                if line.contains("I am here") {
                    let id = child.id().expect("it runs");
                    interrupt(id);
                }
                all.push_str(&line);
                all.push('\n');
            }
        };
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("it ends");
        let status = child.wait().await.expect("it ends");
        assert_eq!(status.code(), Some(130), "{all}");
        let told = "parlor: interrupted; what makes components of ";
        assert!(all.contains(told), "{all}");
        assert!(!all.contains("reached"), "{all}");
        let gone = async {
            while !ended.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, gone)
            .await
            .expect("the tool ends");
    }
}

fn interrupt(id: u32) {
    // SAFETY: it is our child and not waited for yet, so that the number is still its own.
    let sent = unsafe { libc::kill(id.try_into().expect("a number"), libc::SIGINT) };
    assert_eq!(sent, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_named_and_refused_is_bad_input_for_every_verb() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let module = wat::parse_str("(module)").expect("a module");
    std::fs::write(here.join("core.wasm"), module).expect("a file");
    std::fs::write(here.join("text.wasm"), "no component at all").expect("a file");
    std::fs::write(here.join("x.dialog"), "say hello\n").expect("a dialog");
    for (file, why) in [
        ("core.wasm", "the file is a core module"),
        ("text.wasm", "the file is text"),
    ] {
        for verb in [&["check"][..], &["test", "--wasm"], &["chat"]] {
            let ran = run(here, &[verb, &[file][..]].concat()).await;
            assert_eq!(ran.code, Some(64), "{verb:?}: {}", ran.said);
            let all = format!("{}{}", ran.out, ran.said);
            let told = format!("{file}: refused: ");
            let line = all.lines().find(|line| line.starts_with(&told));
            assert!(line.is_some_and(|it| it.contains(why)), "{verb:?}: {all}");
        }
    }
    // In a folder it is refused where everybody sees it, and does not keep others from serving.
    std::fs::write(here.join("parlor.toml"), "plugins = \".\"\n").expect("settings");
    std::fs::copy(guests::component("echo"), here.join("echo.wasm")).expect("a copy");
    let mut chat = parlor(here, &["chat"]);
    let lines = here.join("lines");
    std::fs::write(&lines, "hello\n").expect("a line");
    chat.stdin(std::fs::File::open(lines).expect("it is there"));
    let ran = output(chat).await;
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    assert!(ran.out.contains("Hello you"), "{}{}", ran.out, ran.said);
    assert!(ran.said.contains("core"), "{}", ran.said);
    for (wrong, told) in [
        (".", " is a folder: name the files in it"),
        ("x.dialog", "x.dialog is nothing to check"),
        ("/dev/null", "/dev/null is nothing to check"),
        ("none.wasm", "none.wasm is not there"),
    ] {
        let ran = run(here, &["check", wrong]).await;
        assert_eq!(ran.code, Some(64), "{wrong}");
        assert!(ran.said.contains(told), "{wrong}: {}", ran.said);
    }
}

fn command_without_tools(command: &mut Command, path: &Path) -> Command {
    command.env("PATH", path).env_remove("CARGO");
    std::mem::replace(command, Command::new("true"))
}

#[track_caller]
fn tells_or_is_left_out(ran: Ran, told: &str) {
    if ran.said.contains("cannot start") {
        left_out(&format!("a net that is missing: {}", ran.said));
        return;
    }
    assert_eq!(ran.code, Some(1), "{}", ran.said);
    assert!(ran.said.contains(told), "{}", ran.said);
}

/// `parlor dev`, with somebody who types lines and reads what comes.
struct Dev {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    said: Vec<String>,
}

impl Dev {
    fn start(project: &Path) -> Self {
        let mut command = parlor(project, &["dev"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("parlor starts");
        let input = child.stdin.take().expect("an input");
        let output = child.stdout.take().expect("an output");
        Self {
            child,
            input,
            output: BufReader::new(output).lines(),
            said: Vec::new(),
        }
    }

    async fn type_line(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.input
            .write_all(line.as_bytes())
            .await
            .expect("it reads");
    }

    /// Waits for a line that has this in it.
    async fn until(&mut self, wanted: &str) -> String {
        let said = &mut self.said;
        let output = &mut self.output;
        let found = async {
            while let Some(line) = output.next_line().await.expect("it writes") {
                said.push(line.clone());
                if line.contains(wanted) {
                    return Some(line);
                }
            }
            None
        };
        let found = tokio::time::timeout(BUILDING, found).await;
        match found {
            Ok(Some(line)) => line,
            ended => panic!("no {wanted:?} ({ended:?}): {said:#?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_answers_with_each_build_and_with_the_old_one_while_none_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let project = new(folder.path(), "greeter", "rust", "command").await;
    let source = project.join("src/lib.rs");
    let right = std::fs::read_to_string(&source).expect("a source");
    let write = |text: &str| std::fs::write(&source, text).expect("it is written");
    let mut dev = Dev::start(&project);
    let page = dev.until("open http").await;
    dev.type_line("/greet Ada").await;
    dev.until("Hello, Ada!").await;
    // A new build answers what was said last, by itself.
    write(&right.replace("Hello, ", "Welcome, "));
    dev.until("said again: /greet Ada").await;
    dev.until("Welcome, Ada!").await;
    // What is wrong is said here and on the page, and the old build goes on.
    write(&right.replace("random::below(sides)", "random::below(side)"));
    dev.until("dev: the build failed; the one before still serves")
        .await;
    dev.until("cannot find value `side`").await;
    let url = page.trim_start_matches("open ");
    let mut socket = PageSocket::open(url).await.expect("the page opens");
    loop {
        let frame = socket.next().await.expect("a frame").expect("it is open");
        if let Some(rows) = frame["plugins"].as_array() {
            assert_eq!(rows.len(), 1, "{frame}");
            assert_eq!(rows[0]["name"], "greeter");
            assert_eq!(rows[0]["state"], "serving");
            let error = rows[0]["last_error"].as_str().expect("an error");
            assert!(error.contains("cannot find value `side`"), "{error}");
            break;
        }
    }
    dev.type_line("/greet Grace").await;
    dev.until("Welcome, Grace!").await;
    // One that the host refuses does no harm either, nor do its settings.
    let settings = project.join("greeter.toml");
    write(&right.replace("Hello, ", "Welcome, "));
    std::fs::write(&settings, "grant.http = []\n").expect("it is written");
    dev.until("dev: the host does not take this build").await;
    dev.until("grant").await;
    std::fs::remove_file(&settings).expect("it goes");
    write(&right.replace("Hello, ", "Good day, "));
    dev.until("said again: /greet Grace").await;
    dev.until("Good day, Grace!").await;
    // What the host's settings say holds as soon as they say it.
    let settings = project.join("parlor.toml");
    let write = |text: &str| std::fs::write(&settings, text).expect("it is written");
    write("[roles]\nstaff = [\"nobody\"]\n[plugin.greeter]\nallow = { \"*\" = [\"staff\"] }\n");
    dev.until("dev: parlor.toml is in force; said again: /greet Grace")
        .await;
    dev.until("You may not use /greet").await;
    write("[plugin.greeter]\nallowed = 1\n");
    dev.until("dev: parlor.toml is wrong, and what it said before stays in force")
        .await;
    write("[plugin.greeter]\nconfig = { sides = 1 }\n");
    dev.until("dev: the host does not take what parlor.toml says now")
        .await;
    dev.until("has no config key `sides`").await;
    write("");
    dev.until("dev: parlor.toml is in force; said again: /greet Grace")
        .await;
    dev.until("Good day, Grace!").await;
    dev.type_line("/quit").await;
    let ended = tokio::time::timeout(PATIENCE, dev.child.wait()).await;
    assert_eq!(ended.expect("it ends").expect("a status").code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_begins_with_a_build_that_fails_and_ends_when_it_is_interrupted() {
    let folder = tempfile::tempdir().expect("a folder");
    let project = new(folder.path(), "starter", "rust", "echo").await;
    let source = project.join("src/lib.rs");
    let right = std::fs::read_to_string(&source).expect("a source");
    std::fs::write(&source, "fn wrong(").expect("it is written");
    let mut dev = Dev::start(&project);
    dev.until("open http").await;
    dev.type_line("hello").await;
    dev.type_line("/?").await;
    dev.until("/quit").await;
    std::fs::write(&source, right).expect("it is written");
    dev.until("said again: hello").await;
    dev.until(": hello").await;
    interrupt(dev.child.id().expect("it runs"));
    let ended = tokio::time::timeout(PATIENCE, dev.child.wait()).await;
    assert_eq!(ended.expect("it ends").expect("a status").code(), Some(130));
    let nothing = run(folder.path(), &["dev"]).await;
    assert_eq!(nothing.code, Some(64));
    assert!(
        nothing.said.contains("`parlor new NAME` makes one"),
        "{}",
        nothing.said
    );
}
