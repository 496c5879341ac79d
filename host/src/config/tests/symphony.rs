//! Mistakes in a bot on Symphony: each names its line and what was expected.

use super::*;
use crate::connectors::symphony::config::Endpoint;

const KEY: &str = include_str!("../import/tests/key.pem");
const CERTIFICATE: &str = include_str!("../import/tests/certificate.pem");

/// A folder with a key, a certificate with its key, and what is neither.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("key.pem", KEY);
    write("certificate.pem", &format!("{CERTIFICATE}{KEY}"));
    write("words.pem", "not a key at all");
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    write(
        "damaged.pem",
        &format!("{begin}\nMIIEvQIBADANBgkq\n{end}\n"),
    );
    folder
}

fn read(lines: &str) -> Result<Settings, Vec<String>> {
    let folder = folder();
    let text = format!(
        "[[bot]]\nname = \"desk\"\nplatform = \"symphony\"\nusername = \"desk-bot\"\n{lines}"
    );
    let path = folder.path().join("parlor.toml");
    let read = Settings::parse(&path, &text, &environment);
    read.map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// The lines of a bot without a mistake; the first of them is line 5.
const GOOD: &str = "host = \"acme.symphony.com\"\nprivate-key = \"file:key.pem\"\n";

/// Puts lines below those of a bot without a mistake, and looks for one complaint of this line with
/// these words in it.
fn wrong_beside(lines: &str, line: usize, words: &[&str]) {
    wrong(&format!("{GOOD}{lines}\n"), line, words);
}

fn wrong(lines: &str, line: usize, words: &[&str]) {
    let complaints = read(lines).expect_err(lines);
    let [complaint] = complaints.as_slice() else {
        panic!("{lines}: {complaints:#?}");
    };
    let place = format!("parlor.toml:{line}: ");
    assert!(complaint.contains(&place), "{lines}: {complaint}");
    for word in words {
        assert!(complaint.contains(word), "{lines}: {word}: {complaint}");
    }
}

#[test]
fn a_bot_on_symphony_needs_a_host_and_a_key_or_a_certificate() {
    assert!(read(GOOD).is_ok());
    let certificate = "host = \"acme.symphony.com\"\ncertificate = \"file:certificate.pem\"\n";
    assert!(read(certificate).is_ok());
    wrong(
        "host = \"acme.symphony.com\"\n",
        1,
        &["`private-key` or `certificate` is missing"],
    );
    wrong(
        "private-key = \"file:key.pem\"\n",
        1,
        &["`host` is missing"],
    );
}

#[test]
fn a_key_that_is_none_is_named_with_its_file() {
    let expected = "expected an RSA private key in PEM, not encrypted";
    let with =
        |file: &str| format!("host = \"acme.symphony.com\"\nprivate-key = \"file:{file}\"\n");
    wrong(
        &with("words.pem"),
        6,
        &["words.pem", "holds no private key", expected],
    );
    wrong(&with("damaged.pem"), 6, &["damaged.pem", expected]);
    wrong(&with("nowhere.pem"), 6, &["nowhere.pem"]);
    let with = |file: &str| format!("host = \"acme.symphony.com\"\ncertificate = \"{file}\"\n");
    wrong(
        &with("file:key.pem"),
        6,
        &[
            "holds no certificate",
            "expected a certificate with its key",
        ],
    );
    wrong(
        &with("-----BEGIN"),
        6,
        &["is no file", "expected `file:PATH`"],
    );
}

#[test]
fn what_excludes_each_other_stands_alone() {
    wrong_beside(
        "certificate = \"file:certificate.pem\"",
        7,
        &["stands beside `private-key`", "expected one of the two"],
    );
    wrong_beside(
        "agent = \"agent.acme.com\"\nagents = [\"a.acme.com\", \"b.acme.com\"]",
        8,
        &["stands beside `agent`", "expected one of the two"],
    );
}

#[test]
fn an_unknown_key_is_named_in_the_bot_and_in_each_of_its_tables() {
    wrong_beside("user-name = \"x\"", 7, &["`user-name`", "username"]);
    wrong_beside("pod = { hots = \"pod.acme.com\" }", 7, &["`hots`", "host"]);
    wrong_beside("datafeed = { tags = \"desk\" }", 7, &["`tags`", "tag"]);
    wrong_beside(
        "app = { id = \"a\", private-key = \"file:key.pem\", name = \"b\" }",
        7,
        &["`name`"],
    );
}

#[test]
fn a_host_is_a_name_and_only_this_machine_goes_without_tls() {
    let expected = "`http://` only for this machine";
    let with = |host: &str| format!("host = \"{host}\"\nprivate-key = \"file:key.pem\"\n");
    wrong(&with("http://acme.symphony.com"), 5, &["`host`", expected]);
    wrong(&with("https://joe:secret@acme.com"), 5, &[expected]);
    wrong(&with("acme.com/x?y=z"), 5, &[expected]);
    wrong_beside(
        "agent = \"http://agent.acme.com\"",
        7,
        &["`agent`", expected],
    );
    wrong_beside("key-manager = { host = \"ftp://keys\" }", 7, &[expected]);
    wrong_beside("agents = []", 7, &["at least one agent"]);
    assert!(read(&with("http://127.0.0.1:9000")).is_ok());
}

#[test]
fn certificates_are_shown_at_a_port_of_their_own_whoever_shows_them() {
    let ports = |lines: &str| {
        let read = read(lines).unwrap_or_else(|problems| panic!("{lines}: {problems:#?}"));
        let Platform::Symphony(config) = &read.bots[0].platform else {
            panic!("another platform");
        };
        let port = |endpoint: &Endpoint| endpoint.base.port_or_known_default();
        [&config.pod, &config.session_auth, &config.key_manager].map(|it| port(it).unwrap())
    };
    let certificate = "host = \"acme.symphony.com\"\ncertificate = \"file:certificate.pem\"\n";
    let app = "app = { id = \"desk-app\", certificate = \"file:certificate.pem\" }\n";
    assert_eq!(ports(GOOD), [443, 443, 443]);
    assert_eq!(ports(certificate), [443, 8444, 8444]);
    // The bot's own login by key is at the pod, and its key manager takes the key.
    assert_eq!(ports(&format!("{GOOD}{app}")), [443, 8444, 443]);
    let written = GOOD.replace("symphony.com", "symphony.com:9443");
    assert_eq!(ports(&format!("{written}{app}")), [9443, 9443, 9443]);
    let apart = "session-auth = \"login.acme.com\"\n";
    assert_eq!(ports(&format!("{GOOD}{app}{apart}")), [443, 443, 443]);
}

#[test]
fn refused_logins_are_as_far_apart_as_the_settings_say() {
    let wait = |lines: &str| {
        let read = read(&format!("{GOOD}{lines}")).unwrap();
        match &read.bots[0].platform {
            Platform::Symphony(config) => config.login_wait.as_secs(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((wait(""), wait("login-wait-secs = 5\n")), (30, 5));
    let expected = "a whole number from 1 to 3600";
    wrong_beside("login-wait-secs = 0", 7, &["`login-wait-secs`", expected]);
}

#[test]
fn an_app_has_an_id_without_a_colon() {
    let app = |id: &str| format!("app = {{ id = \"{id}\", private-key = \"file:key.pem\" }}");
    let expected = "expected an app's id, which has no colon";
    wrong_beside(&app("desk:app"), 7, &["`id`", "desk:app", expected]);
    wrong_beside(&app(""), 7, &[expected]);
    wrong_beside(
        "app = { id = \"desk-app\" }",
        7,
        &["`private-key` or `certificate`"],
    );
}

#[test]
fn a_feed_has_a_version_that_there_is_and_a_tag_of_so_many_characters() {
    let expected = "expected 1 to 100 characters";
    wrong_beside("datafeed = { tag = \"\" }", 7, &["`tag`", expected]);
    let long = format!("datafeed = {{ tag = \"{}\" }}", "x".repeat(101));
    wrong_beside(&long, 7, &[expected]);
    wrong_beside(
        "datafeed = { version = \"v3\" }",
        7,
        &["v3", "`v1`", "`v2`"],
    );
    wrong_beside(
        "datafeed = { reuse = \"yes\" }",
        7,
        &["`reuse`", "true or false"],
    );
    wrong_beside(
        "balancing = \"sticky\"",
        7,
        &["`round-robin`", "`random`", "`external`"],
    );
    wrong_beside("agents-only = \"some\"", 7, &["`refuse`", "`all`"]);
    wrong_beside("headers = { \"a b\" = \"c\" }", 7, &["expected a header"]);
}

#[test]
fn a_proxy_of_a_component_never_shows_its_password() {
    let complaints = read(&format!(
        "{GOOD}agent = {{ proxy = \"http://joe:hidden@proxy:8080\" }}\n"
    ));
    let complaints = complaints.expect_err("it holds a password");
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(
        complaints[0].contains(":7: ") && !complaints[0].contains("hidden"),
        "{complaints:?}"
    );
}
