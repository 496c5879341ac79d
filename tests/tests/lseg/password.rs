//! `parlor password lseg BOT`.

use std::path::Path;
use std::process::Stdio;

use parlor_tests::harness::PATIENCE;
use parlor_tests::process::HostProcess;
use parlor_tests::sim::Fault;
use parlor_tests::sim::lseg::{APP_KEY, Lseg, PASSWORD, TOKEN_PATH};
use tokio::io::AsyncWriteExt as _;

use crate::desk::{Desk, fast, settings_of_process};

const NEW: &str = "n3w passw0rd+&=%";

/// Runs the command with this on its standard input; whether it succeeded, and all that it printed.
async fn change(folder: &Path, bot: &str, input: &str) -> (bool, String) {
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_parlor-under-test"))
        .args(["password", "lseg", bot, "--settings", "parlor.toml"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("an input");
    stdin.write_all(input.as_bytes()).await.expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().await.expect("it ends");
    let printed = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&printed).into_owned(),
    )
}

async fn prepared() -> (Lseg, tempfile::TempDir) {
    let sim = fast().await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("plugins")).expect("a folder");
    let text = settings_of_process(&sim, &folder.path().join("data"));
    std::fs::write(folder.path().join("parlor.toml"), text).expect("it can be written");
    (sim, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_with_the_platform_and_in_its_file_and_never_shown() {
    let (sim, folder) = prepared().await;
    let (changed, printed) = change(folder.path(), "desk", &format!("{NEW}\n")).await;
    assert!(changed, "{printed}");
    assert!(
        !printed.contains(NEW) && !printed.contains(PASSWORD),
        "{printed}"
    );
    assert_eq!(sim.password(), NEW);
    let written = std::fs::read_to_string(sim.file("password")).expect("it is there");
    assert_eq!(written, format!("{NEW}\n"));
    let asked = sim.requests_after(0);
    let [asked] = asked.as_slice() else {
        panic!("one request: {asked:#?}");
    };
    assert_eq!(asked.path, TOKEN_PATH);
    let form: Vec<(String, String)> = url::form_urlencoded::parse(asked.body.as_bytes())
        .into_owned()
        .collect();
    let names: Vec<&str> = form.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        names.contains(&"newPassword") && !names.contains(&"client_id"),
        "{names:?}"
    );
    assert!(!asked.body.contains(APP_KEY), "the header alone carries it");

    // The host starts with it, and with the tokens that came with it.
    let desk = Desk::in_folder(sim, &folder.path().join("data"), "rooms = \"listed\"", &[]).await;
    assert_eq!(desk.grants("password"), 1);
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_the_platform_refuses_changes_nothing() {
    let (sim, folder) = prepared().await;
    std::fs::write(sim.file("password"), "wr0ng").expect("it can be written");
    let (changed, printed) = change(folder.path(), "desk", &format!("{NEW}\n")).await;
    assert!(!changed);
    assert!(
        printed.contains("Invalid username or password"),
        "{printed}"
    );
    assert!(
        !printed.contains("wr0ng") && !printed.contains(NEW),
        "{printed}"
    );
    assert_eq!(sim.password(), PASSWORD);
    assert_eq!(
        std::fs::read_to_string(sim.file("password")).expect("it is there"),
        "wr0ng"
    );
}

fn written(sim: &Lseg) -> String {
    std::fs::read_to_string(sim.file("password")).expect("it is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_says_200_changes_no_password() {
    let (sim, folder) = prepared().await;
    sim.fault(Fault::on(TOKEN_PATH).times(0).html(200));
    let (changed, printed) = change(folder.path(), "desk", &format!("{NEW}\n")).await;
    assert!(!changed, "{printed}");
    assert!(
        printed.contains("whether the password is changed is not known"),
        "{printed}"
    );
    assert_eq!(
        (sim.password(), written(&sim)),
        (PASSWORD.to_owned(), format!("{PASSWORD}\n"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_it_was_changed_is_found_out_where_the_answer_is_lost() {
    // It was.
    let (sim, folder) = prepared().await;
    sim.fault(Fault::on(TOKEN_PATH).close_socket().performed());
    let (changed, printed) = change(folder.path(), "desk", &format!("{NEW}\n")).await;
    assert!(changed, "{printed}");
    assert_eq!(
        (sim.password(), written(&sim)),
        (NEW.to_owned(), format!("{NEW}\n"))
    );
    // It was not.
    let (sim, folder) = prepared().await;
    sim.fault(Fault::on(TOKEN_PATH).status(502));
    let (changed, printed) = change(folder.path(), "desk", &format!("{NEW}\n")).await;
    assert!(!changed && printed.contains("502"), "{printed}");
    assert!(!printed.contains("not known"), "{printed}");
    assert_eq!(
        (sim.password(), written(&sim)),
        (PASSWORD.to_owned(), format!("{PASSWORD}\n"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_runs_goes_on_with_the_new_one() {
    let (sim, folder) = prepared().await;
    let program = Path::new(env!("CARGO_BIN_EXE_parlor-under-test"));
    let host = HostProcess::start(program, folder.path()).expect("it starts");
    assert!(sim.comes_to(PATIENCE, |sim| sim.streams() == 1).await);
    let (changed, printed) = change(folder.path(), "desk", &format!("{NEW}\n")).await;
    assert!(changed, "{printed}");
    assert!(!printed.contains("no host runs"), "{printed}");
    let connects = |sim: &Lseg| {
        let frames = sim.frames();
        let connects = frames
            .iter()
            .filter(|it| it["frame"]["command"] == "connect");
        connects.count() >= 2 && sim.streams() == 1
    };
    assert!(sim.comes_to(PATIENCE, connects).await);
    let asked = sim.requests_after(0);
    let refused = asked
        .iter()
        .filter(|it| it.path == TOKEN_PATH && it.status != Some(200));
    assert_eq!(refused.count(), 0, "the old one was not tried again");
    host.stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_password_or_no_bot_asks_the_platform_nothing() {
    let (sim, folder) = prepared().await;
    for (bot, input, says) in [
        ("desk", "\n", "the new password is empty"),
        ("desk", "a\tb\n", "control characters"),
        ("other", "x\n", "there is no bot other"),
    ] {
        let (changed, printed) = change(folder.path(), bot, input).await;
        assert!(!changed && printed.contains(says), "{printed}");
    }
    assert_eq!(sim.request_count(), 0);
}
