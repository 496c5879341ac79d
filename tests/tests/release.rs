//! The archive of a release, unpacked where there is no tool of ours: it starts and answers at once.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use parlor_host::config::{SETTINGS_FILE, Settings};
use parlor_host::mailbox::rooms::{Command as Act, Say};
use parlor_tests::guests::workspace;
use parlor_tests::person::Person;
use parlor_tests::process::HostProcess;
use parlor_tests::sim::left_out;

/// From the start to the first answer, with everything still to be compiled.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// A machine that does something else meanwhile is no fault of the archive.
const TRIES: usize = 3;
/// What the program may use instead of a path.
const NO_PATH: &str = "PATH=/nonexistent";

/// An archive and what came out of it.
struct Archive {
    folder: tempfile::TempDir,
    root: PathBuf,
}

impl Archive {
    /// Makes an archive of a program that was built, and unpacks it.
    fn unpacked() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let made = Command::new(workspace().join(".ci/release"))
            .args(["--binary", env!("CARGO_BIN_EXE_parlor-under-test"), "--to"])
            .arg(folder.path())
            .env_remove("RUSTFLAGS")
            .output()
            .expect("the script starts");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{said}");
        let archive = String::from_utf8(made.stdout).expect("a path");
        let unpacked = Command::new("tar")
            .args([
                "--extract",
                "--gzip",
                "--file",
                archive.trim(),
                "--directory",
            ])
            .arg(folder.path())
            .status();
        assert!(unpacked.expect("tar runs").success());
        let name = Path::new(archive.trim()).file_name().expect("a name");
        let name = name.to_string_lossy().replace(".tar.gz", "");
        let root = folder.path().join(name);
        std::fs::copy(root.join("parlor.toml.example"), root.join(SETTINGS_FILE))
            .expect("settings are copied");
        Self { folder, root }
    }

    /// A home in which nothing was compiled yet.
    fn home(&self, name: &str) -> String {
        let home = self.folder.path().join(name);
        std::fs::create_dir(&home).expect("a folder");
        format!("HOME={}", home.display())
    }

    /// Runs the program until it ends, with this input and no environment.
    fn run(&self, home: &str, arguments: &[&str], input: &str) -> Output {
        use std::io::Write as _;
        let mut child = Command::new("/usr/bin/env")
            .args(["-i", NO_PATH, home])
            .arg(self.root.join("parlor"))
            .args(arguments)
            .current_dir(&self.root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdin = child.stdin.take().expect("its input");
        stdin.write_all(input.as_bytes()).expect("it reads");
        drop(stdin);
        child.wait_with_output().expect("it ends")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_whole_and_answers_at_once_where_no_tool_is() {
    let archive = Archive::unpacked();
    is_whole(&archive);
    settings_are_right(&archive);
    unit_and_image_fit(&archive);
    answers_in_a_pipe(&archive);
    answers_on_the_page(&archive).await;
}

fn is_whole(archive: &Archive) {
    let checked = Command::new("sha256sum")
        .args(["--check", "--quiet", "--strict", "SHA256SUMS"])
        .current_dir(&archive.root)
        .output()
        .expect("sha256sum runs");
    assert!(checked.status.success(), "{}", text(&checked.stdout));
    let sums = std::fs::read_to_string(archive.root.join("SHA256SUMS")).expect("hashes");
    for file in [
        "parlor",
        "plugins/echo.wasm",
        "plugins/complex-message.wasm",
        "parlor.toml.example",
        "parlor.service",
        "Dockerfile",
        "README.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "docs/operating.md",
    ] {
        assert!(
            sums.lines()
                .any(|line| line.ends_with(&format!("  {file}"))),
            "{file}"
        );
    }
}

/// The example loads as it is, and so does what it has in comments.
fn settings_are_right(archive: &Archive) {
    let home = archive.home("checks");
    let checked = archive.run(&home, &["check"], "");
    let said = text(&checked.stdout);
    assert!(checked.status.success(), "{said}{}", text(&checked.stderr));
    assert_eq!(said.matches(": ok, ").count(), 6, "{said}");
    assert!(!said.contains("warning"), "{said}");

    let example = archive.root.join("parlor.toml.example");
    let example = std::fs::read_to_string(example).expect("the example");
    let whole = everything_of(&example);
    assert!(whole.len() + 80 < example.len(), "{whole}");
    let secrets = archive.root.join("secrets");
    std::fs::create_dir(&secrets).expect("a folder");
    let key = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../host/src/config/import/tests/key.pem"
    );
    std::fs::copy(key, secrets.join("desk.pem")).expect("a key");
    std::fs::write(secrets.join("proxy"), "a password").expect("a password");
    let path = archive.root.join("whole.toml");
    let settings = Settings::parse(&path, &whole, &|_| None);
    let settings = settings.unwrap_or_else(|problems| panic!("{problems:#?}\n{whole}"));
    assert_eq!(settings.bots.len(), 2);
    assert_eq!(settings.plugins.len(), 2);
    assert!(settings.net != Settings::defaults(&path, &path).net);

    let image = archive.root.join("parlor.toml.container");
    let image = std::fs::read_to_string(image).expect("the image's settings");
    let image = Settings::parse(&path, &image, &|_| None).expect("they are right");
    assert_eq!(image.data, Path::new("/var/lib/parlor"));
}

/// Settings with what they have in comments, but for files that only their operator has.
fn everything_of(example: &str) -> String {
    let is_setting = |line: &str| {
        let key = line.split([' ', '=']).next().unwrap_or_default();
        line.starts_with('[') || line[key.len()..].starts_with(" = ")
    };
    let mut lines = Vec::new();
    for line in example.lines().filter(|line| !line.contains("ca-files")) {
        match line.strip_prefix("# ").filter(|rest| is_setting(rest)) {
            Some(setting) => lines.push(setting),
            None if !line.starts_with('#') => lines.push(line),
            None => {}
        }
    }
    lines.join("\n")
}

fn unit_and_image_fit(archive: &Archive) {
    let read = |name: &str| std::fs::read_to_string(archive.root.join(name)).expect("a file");
    let image = read("Dockerfile");
    let copied: Vec<&str> = image
        .lines()
        .filter_map(|it| it.strip_prefix("COPY "))
        .collect();
    assert!(copied.len() >= 4, "{copied:?}");
    for line in copied {
        let mut files: Vec<&str> = line.split(' ').collect();
        files.pop();
        for file in files {
            assert!(
                archive.root.join(file).exists(),
                "{file} is copied and not there"
            );
        }
    }
    // The program is not installed here; the unit of one that is would be the same.
    let program = archive.root.join("parlor").display().to_string();
    let unit = read("parlor.service").replace("/usr/local/bin/parlor", &program);
    assert!(unit.contains(&format!("ExecStart={program} run --settings")));
    let file = archive.folder.path().join("parlor.service");
    std::fs::write(&file, unit).expect("a unit");
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .arg(&file)
        .output();
    match verified {
        Err(error) => left_out(&format!("the unit for systemd: {error}")),
        Ok(verified) => {
            let said = text(&verified.stderr);
            assert!(verified.status.success(), "{said}");
            assert!(!said.contains("parlor.service:"), "{said}");
        }
    }
}

/// The first answer comes in time, with nothing compiled before.
fn answers_in_a_pipe(archive: &Archive) {
    let mut took = Vec::new();
    for number in 0..TRIES {
        let home = archive.home(&format!("pipe-{number}"));
        let begun = Instant::now();
        let chatted = archive.run(&home, &["chat"], "hello\n/buy 1000 $goog\n");
        took.push(begun.elapsed());
        let said = text(&chatted.stdout);
        assert!(chatted.status.success(), "{said}{}", text(&chatted.stderr));
        assert!(said.contains("Hello"), "{said}");
        assert!(said.contains("Buy 1000 of goog"), "{said}");
        if took.iter().any(|time| *time <= ANSWERS_WITHIN) {
            return;
        }
    }
    too_late(&took);
}

/// On a machine that does nothing else that is a failure; else nothing is shown.
fn too_late(took: &[Duration]) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let busy = load
        .split(' ')
        .next()
        .and_then(|load| load.parse::<f64>().ok());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    assert!(
        busy.is_some_and(|busy| busy > cores as f64),
        "the first answer took {took:?}; load average: {load}"
    );
    left_out(&format!(
        "the time of the first answer, {took:?}: this machine is busy ({load})"
    ));
}

/// `parlor` alone serves, with the example's settings but for the port, which may be taken here.
async fn answers_on_the_page(archive: &Archive) {
    let path = archive.root.join(SETTINGS_FILE);
    let example = std::fs::read_to_string(&path).expect("settings");
    let port = "# listen = \"127.0.0.1:8643\"";
    assert!(example.contains(port));
    let any_port = example.replace(port, "listen = \"127.0.0.1:0\"");
    std::fs::write(&path, any_port).expect("settings");
    let mut took = Vec::new();
    for number in 0..TRIES {
        let home = archive.home(&format!("page-{number}"));
        let program = archive.root.join("parlor").display().to_string();
        let arguments = ["-i", NO_PATH, &home, &program];
        let begun = Instant::now();
        let host = HostProcess::start_with(Path::new("/usr/bin/env"), &arguments, &archive.root);
        let mut host = host.expect("it starts");
        let page = host.page().await.expect("it serves");
        let mut ada = Person::open(&page, "ada").await.expect("the page opens");
        let open = Act::OpenRoom {
            name: "Lobby".to_owned(),
        };
        let lobby = ada.act(open).await.expect("a room");
        let say = Act::Say(Say {
            conversation: lobby.conversation.expect("its id").to_string(),
            text: "hello".to_owned(),
            ..Say::default()
        });
        ada.act(say).await.expect("it is said");
        ada.hears("Hello ada").await.expect("it is answered");
        took.push(begun.elapsed());
        let ended = host.stop().await.expect("it stops");
        assert!(ended.success() && ended.signal().is_none(), "{ended}");
        if took.iter().any(|time| *time <= ANSWERS_WITHIN) {
            return;
        }
        // What was compiled lies in the data folder.
        std::fs::remove_dir_all(archive.root.join("data")).expect("it goes");
    }
    too_late(&took);
}
