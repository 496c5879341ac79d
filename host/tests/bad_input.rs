//! What a person gets wrong, with the real command: one clear message with file and line, exit code
//! 64, nothing started.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

#[path = "../src/runtime/testing/guest.rs"]
mod guest;

use guest::Guest;

/// The longest that a command that is to end at once may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder with a settings file and an empty plugin folder.
struct Place(tempfile::TempDir);

impl Place {
    fn new(settings: &str) -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        std::fs::create_dir(place.path("plugins")).expect("a folder");
        place.write("parlor.toml", settings);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).expect("it is written");
    }

    /// Runs the command here until it ends, which it must do by itself.
    fn run(&self, arguments: &[&str]) -> Output {
        let child = Command::new(env!("CARGO_BIN_EXE_parlor"))
            .args(arguments)
            .current_dir(self.0.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env_remove("PARLOR_LOG")
            .env_remove("NO_SUCH_SECRET")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let id = i32::try_from(child.id()).expect("an id");
        let (send, ended) = mpsc::sync_channel(1);
        std::thread::spawn(move || send.send(child.wait_with_output()));
        let Ok(output) = ended.recv_timeout(PATIENCE) else {
            // SAFETY: kill has no preconditions; the id is of the child that was just started.
            unsafe { libc::kill(id, libc::SIGKILL) };
            panic!("`parlor {}` does not end", arguments.join(" "));
        };
        output.expect("the command ends")
    }

    /// What lies here, without the cache of compiled code.
    fn entries(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = names
            .map(|name| name.to_string_lossy().into_owned())
            .filter(|name| name != "cache")
            .collect();
        names.sort();
        names
    }
}

fn text(bytes: &[u8], root: &Path) -> String {
    let root = format!("{}/", root.display());
    String::from_utf8_lossy(bytes).replace(&root, "")
}

/// `parlor run` and `parlor check` say this one line about the settings and end with 64.
fn is_refused(settings: &str, message: &str) {
    let place = Place::new(settings);
    for verb in ["run", "check"] {
        let output = place.run(&[verb]);
        assert_eq!(
            text(&output.stderr, place.0.path()),
            format!("{message}\n"),
            "{verb}"
        );
        assert_eq!(text(&output.stdout, place.0.path()), "", "{verb}");
        assert_eq!(output.status.code(), Some(64), "{verb}");
        assert_eq!(place.entries(), ["parlor.toml", "plugins"], "{verb}");
    }
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    is_refused(
        "[local]\n\nlisen = \"127.0.0.1:0\"\n",
        "parlor.toml:3: unknown key `lisen` in [local]; expected one of `enabled`, `listen`, `rooms`, `users`, `groups`; did you mean `listen`?",
    );
}

#[test]
fn a_wrong_type_is_named_with_its_line() {
    is_refused(
        "[journal]\nmax-size-mib = \"64\"\n",
        "parlor.toml:2: `max-size-mib` in [journal] is \"64\"; expected a whole number from 16 to 16777216",
    );
}

#[test]
fn a_missing_secret_is_named_with_its_line() {
    is_refused(
        "[plugin.joke]\ngrants.http = [{ allow = \"GET https://a.example/\", bearer = \"${NO_SUCH_SECRET}\" }]\n",
        "parlor.toml:2: `bearer` in entry 1 of `http` in [plugin.joke.grants] cannot be read: environment variable `NO_SUCH_SECRET` is not set",
    );
}

#[test]
fn a_plugin_folder_that_cannot_be_read_is_named_with_its_line() {
    is_refused(
        "data = \"data\"\nplugins = \"nowhere\"\n",
        "parlor.toml:2: cannot read folder nowhere: No such file or directory (os error 2); `plugins` names the folder of *.wasm files",
    );
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named_with_its_line() {
    let place = Place::new("data = \"parlor.toml/data\"\n");
    let output = place.run(&["run"]);
    let said = text(&output.stderr, place.0.path());
    let wanted = "parlor.toml:1: cannot use folder parlor.toml/data: ";
    assert!(
        said.starts_with(wanted) && said.lines().count() == 1,
        "{said}"
    );
    assert_eq!(output.status.code(), Some(64));
    assert_eq!(place.entries(), ["parlor.toml", "plugins"]);
}

#[test]
fn a_port_in_use_is_named_with_its_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    let place = Place::new(&format!("[local]\nlisten = \"127.0.0.1:{port}\"\n"));
    let output = place.run(&["run"]);
    assert_eq!(
        text(&output.stderr, place.0.path()),
        format!(
            "parlor.toml:2: port {port} of 127.0.0.1 is in use; `local.listen` names the address; port 0 takes a free one\n"
        )
    );
    assert_eq!(output.status.code(), Some(64));
    assert!(
        !place.path("data/journal.sqlite").exists(),
        "no journal is begun"
    );
    assert!(!place.path("data/local").exists(), "no room is made");
}

/// `parlor check` with a plugin folder: every plugin is reported, the wrong ones end it with 64.
fn check(place: &Place) -> (Option<i32>, Vec<String>) {
    let output = place.run(&["check"]);
    assert_eq!(text(&output.stderr, place.0.path()), "");
    let lines = text(&output.stdout, place.0.path());
    let mut lines: Vec<String> = lines.lines().map(str::to_owned).collect();
    lines.sort();
    (output.status.code(), lines)
}

#[test]
fn check_refuses_what_is_wrong_of_a_plugin_and_ends_with_64() {
    let place =
        Place::new("[plugin.twice]\nfresh = true\n[plugin.name]\nartifact = \"good.wasm\"\n");
    let good = Guest::default().component();
    for name in ["good", "twice", "name", "own"] {
        place.write(&format!("plugins/{name}.wasm"), &good);
    }
    place.write("plugins/twice.toml", "fresh = true\n");
    place.write("plugins/early.toml", "fresh = true\n");
    place.write(
        "plugins/own.toml",
        "fresh = true\nconfig = { sorce = \"x\" }\n",
    );
    place.write("plugins/text.wasm", "not a component");
    let (code, lines) = check(&place);
    assert_eq!(
        lines,
        [
            "plugins/early.wasm: refused: plugins/early.toml is there and plugins/early.wasm is not",
            "plugins/good.wasm: ok, name 1.0.0",
            "plugins/good.wasm: warning: it hears nothing: it has no command and no kind of event",
            "plugins/name.wasm: refused: parlor.toml:4: plugin name is good.wasm, and name.wasm is there too; expected one plugin of that name; rename one of the two",
            "plugins/own.wasm: refused: plugins/own.toml:2: plugin own has no config key `sorce`; it has none",
            "plugins/text.wasm: refused: not a WebAssembly component: the file is text; a plugin is a binary component",
            "plugins/twice.wasm: refused: parlor.toml:1: plugin twice has settings here and in plugins/twice.toml; expected one of the two",
        ]
    );
    assert_eq!(code, Some(64));

    // Each put right, the same folder is taken.
    std::fs::remove_file(place.path("plugins/twice.toml")).expect("it goes");
    std::fs::rename(
        place.path("plugins/name.wasm"),
        place.path("plugins/other.wasm"),
    )
    .expect("it moves");
    place.write("plugins/early.wasm", &good);
    place.write("plugins/own.toml", "fresh = true\n");
    place.write("plugins/text.wasm", &good);
    let (code, mut lines) = check(&place);
    lines.retain(|line| !line.contains(": warning: it hears nothing"));
    let is_ok = |line: &String| line.contains(".wasm: ok, ");
    assert!(lines.len() == 6 && lines.iter().all(is_ok), "{lines:#?}");
    assert_eq!(code, Some(0));
}
