//! `parlor test`: dialogs that pass, dialogs that fail and what is said of them, golden answers, and
//! what programs read.

#[path = "dialogs/actions.rs"]
mod actions;
#[path = "dialogs/faults.rs"]
mod faults;
#[path = "dialogs/programs.rs"]
mod programs;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use parlor_tests::guests::{self, workspace};
use serde_json::Value;

/// The plugins that have dialogs of their own.
const PLUGINS: [&str; 6] = [
    "activities",
    "complex-message",
    "echo",
    "expense",
    "joke",
    "pizza",
];

/// A folder in which dialogs of a guest are tested.
struct Bench {
    folder: tempfile::TempDir,
    wasm: PathBuf,
}

/// How a test went.
struct Tested {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Tested {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// What it says, without what it took.
    fn said(&self) -> String {
        let mut said = String::new();
        for piece in self.out.split_inclusive(" ms)") {
            let known = piece.rfind('(').filter(|_| piece.ends_with(" ms)"));
            match known {
                Some(at) => said.push_str(&format!("{}(N ms)", &piece[..at])),
                None => said.push_str(piece),
            }
        }
        said
    }
}

fn parlor(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor-under-test"));
    // Compiled code is kept where other tests keep theirs.
    command.current_dir(folder).stdin(Stdio::null());
    command.env("XDG_CACHE_HOME", guests::caches());
    command
}

impl Bench {
    fn new(guest: &str, dialog: &str) -> Self {
        let bench = Self {
            folder: tempfile::tempdir().expect("a folder"),
            wasm: guests::component(guest),
        };
        bench.write("x.dialog", dialog);
        bench
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file is written");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).expect("a file is read")
    }

    fn test(&self, arguments: &[&str]) -> Tested {
        let mut command = parlor(self.folder.path());
        // The tests that every plugin gets are shown elsewhere.
        command
            .arg("test")
            .arg("--no-contract")
            .arg("--wasm")
            .arg(&self.wasm);
        Tested::of(command.args(arguments).output().expect("parlor starts"))
    }

    /// Tests, and expects that all goes as expected.
    fn passes(&self) {
        let tested = self.test(&[]);
        assert_eq!(tested.code, Some(0), "{}{}", tested.out, tested.err);
    }
}

#[test]
fn the_demo_plugins_go_as_their_dialogs_say_and_use_every_command() {
    // They are built by now, as every guest of these tests.
    let built = guests::component("echo");
    assert!(built.is_file());
    let mut command = parlor(&workspace().join("plugins"));
    command.args(["test", "--no-build", "--json", "--min-coverage", "75"]);
    let tested = Tested::of(command.output().expect("parlor starts"));
    assert_eq!(tested.code, Some(0), "{}{}", tested.out, tested.err);
    let mut plugins: Vec<String> = Vec::new();
    for line in tested.out.lines() {
        let dialog: Value = serde_json::from_str(line).expect("one object a line");
        assert_eq!(dialog["outcome"], "ok", "{line}");
        plugins.push(dialog["plugin"].as_str().expect("a name").to_owned());
    }
    plugins.dedup();
    assert_eq!(plugins, PLUGINS);
    let said = {
        let mut command = parlor(&workspace().join("plugins"));
        command.args(["test", "--no-build"]);
        Tested::of(command.output().expect("parlor starts")).said()
    };
    let never: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("; never: "))
        .collect();
    assert_eq!(never, [""; 0]);
    assert!(
        said.contains("joke: 2 of 2 commands were used: /joke, /bot joke"),
        "{said}"
    );
}

#[test]
fn another_text_is_shown_line_by_line_with_what_was_before() {
    let bench = Bench::new(
        "echo",
        "dialog one\nsay hello\nexpect Hello ada\nsay /echo a\n    b\n    c\nexpect a\n    x\n    c\nexpect none\n\n\
         dialog two\nsay hello\n\n\
         dialog three\nsay /echo x\nexpect to ada x\n\n\
         dialog four\nsay hello\nexpect ~ ^Bye\n\n\
         dialog five\nsay nothing to hear\nexpect Hello\n",
    );
    let tested = bench.test(&[]);
    assert_eq!(tested.code, Some(1));
    insta::assert_snapshot!("failing_dialogs", tested.said());
}

#[test]
fn what_the_host_sees_of_a_plugin_can_be_expected() {
    Bench::new(
        "trap-handle",
        "dialog fails\nsay trap\nexpect failed ~ handle does not work\nexpect log about to trap\nsay error\n\
         expect failed * handle gives up\n\n\
         dialog is tried again at once\nsay retry\nexpect at the second try\nsay retry after 20000\n\
         expect log try 1\nexpect log try 2\nexpect log try 3\nexpect failed * try 3 of 3\n",
    )
    .passes();
    Bench::new(
        "requests",
        "settings\n    grants.http = [\"GET https://a.example/*\", \"POST https://a.example/*\"]\n\n\
         dialog asks and hears\nhttp POST https://a.example/x -> 201\n    done\nsay /post k https://a.example/x the body\n\
         expect http POST https://a.example/x\n    the body\nexpect ~ 201.*done\n\n\
         dialog hears that nobody is there\nhttp GET https://a.example/ -> refused\nsay /get k https://a.example\n\
         expect ~ k.*[Uu]nreachable\n",
    )
    .passes();
    Bench::new(
        "pager",
        "dialog passes on what it is called with\nsettings\n    [webhooks.pager]\n    verify = \"none\"\n    \
         bot = \"parlor\"\n    conversation = \"ops\"\nwebhook pager {\"disk\": \"full\"}\n\
         expect in ops alert: {\"disk\": \"full\"}\n",
    )
    .passes();
}

#[test]
fn people_can_do_all_that_a_step_says() {
    // It answers every event with what it is.
    Bench::new(
        "kinds",
        "dialog of a message\nsay one\nexpect * message: \nedit two\nexpect * message-edited: \n\
         react :thumbsup:\nexpect ~ reaction: .*thumbsup\ndelete\nexpect * message-deleted: \n\n\
         dialog of who is there\nas grace\nsay hi\nexpect ~ ^message: \njoin bob\n\
         expect ~ member-changed: .*bob.*Joined\nleave bob\nexpect ~ member-changed: .*bob.*Left\nas bob\n\
         join bob\nexpect ~ member-changed\n\n\
         dialog of conversations\ndirect\nexpect ~ ^conversation-changed\nsay hi\nexpect ~ ^message: \n\
         room ops\nsay hi\nexpect ~ ^message: \nroom lobby\nsay hi\nexpect in lobby ~ ^message: \n\n\
         dialog of what nobody waits for\nclock 2026-01-05T00:00:00Z\nsay timer 3600000\nadvance 59m\nexpect none\n\
         advance 1m\nexpect ~ ^timer-fired: .*1767574800000\nsay envelope\nexpect * occurred-at=1767574800000 \n",
    )
    .passes();
    Bench::new(
        "survey",
        "say /survey \"Tea?\" yes, no\nexpect * Tea?\nclick yes\nexpect edit any\nas grace\nclick no\n\
         expect edit any\n",
    )
    .passes();
}

#[test]
fn the_clock_goes_on_with_everything_that_is_due_on_the_way() {
    Bench::new(
        "timers",
        "clock 2026-01-05T00:00:00Z\nsay /every tick 60000\nadvance 3m\n\
         expect tick 1767571260000 every\nexpect tick 1767571320000 every\nexpect tick 1767571380000 every\n\
         advance 59s\nexpect none\nsay /cancel tick\nadvance 1d\n",
    )
    .passes();
}

#[test]
fn chance_and_time_are_the_same_in_every_run() {
    let bench = Bench::new(
        "joke",
        "dialog one\nseed 7\nsay /joke\ndialog two\nseed 7\nsay /joke\nsay /joke\n",
    );
    let tested = bench.test(&["--update"]);
    assert_eq!(tested.code, Some(0), "{}{}", tested.out, tested.err);
    let written = bench.read("x.dialog");
    let jokes: Vec<&str> = written
        .lines()
        .filter(|line| line.starts_with("expect "))
        .collect();
    assert_eq!(jokes.len(), 3, "{written}");
    assert_eq!(jokes[0], jokes[1]);
    assert_ne!(jokes[1], jokes[2]);
    for _ in 0..3 {
        bench.passes();
    }
}

#[test]
fn answers_are_taken_over_and_all_else_stays_byte_by_byte() {
    let bench = Bench::new(
        "echo",
        "# kept \t\r\ndialog one\r\nsay hello\r\nexpect   Old\r\n    lines\r\n\r\nsay /echo any two\r\n    lines\r\n\
         # the end\r\nexpect none\r\nsay hello",
    );
    let tested = bench.test(&["--update"]);
    assert_eq!(
        tested.code,
        Some(1),
        "`expect none` is no answer: {}",
        tested.said()
    );
    bench.write(
        "x.dialog",
        "# kept \t\r\ndialog one\r\nsay hello\r\nexpect   Old\r\n    lines\r\n\r\nsay /echo any two\r\n    lines\r\n\
         # the end\r\nsay hello",
    );
    let tested = bench.test(&["--update"]);
    assert_eq!(tested.code, Some(0), "{}{}", tested.out, tested.err);
    assert_eq!(
        bench.read("x.dialog"),
        "# kept \t\r\ndialog one\r\nsay hello\r\nexpect Hello ada\r\n\r\nsay /echo any two\r\n    lines\r\n\
         expect = any two\r\n    lines\r\n# the end\r\nsay hello\r\nexpect Hello ada\r\n"
    );
    bench.passes();
    let before = bench.read("x.dialog");
    let again = bench.test(&["--update"]);
    assert_eq!((again.code, bench.read("x.dialog")), (Some(0), before));
}

#[test]
fn requests_without_an_answer_and_answers_without_a_request_fail() {
    let settings = "settings\n    config = { source = \"https://jokes.example/random\" }\n    \
                    grants.http = [\"GET https://jokes.example/random\"]\n";
    let bench = Bench::new(
        "joke",
        &format!(
            "{settings}\ndialog unanswered\nsay /joke\nexpect any\n\n\
             dialog unasked\nhttp GET https://jokes.example/random -> 200\nhttp GET https://other.example -> 200\n\
             say /joke\nexpect any\n"
        ),
    );
    let tested = bench.test(&[]);
    assert_eq!(tested.code, Some(1));
    insta::assert_snapshot!("requests_and_fixtures_that_do_not_meet", tested.said());
}

#[test]
fn programs_read_one_object_a_dialog_and_a_junit_file() {
    let bench = Bench::new(
        "echo",
        "dialog right\nsay hello\nexpect Hello ada\ndialog <wrong> & \"odd\"\nsay hello\nexpect Bye\n",
    );
    let tested = bench.test(&["--json", "--junit", "results.xml"]);
    assert_eq!(tested.code, Some(1));
    let lines: Vec<Value> = tested
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("one object a line"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["outcome"], &lines[0]["plugin"]),
        (&"ok".into(), &"echo".into())
    );
    let failure = &lines[1]["failure"];
    assert_eq!(
        (&failure["line"], &failure["step"]),
        (&6.into(), &"expect Bye".into())
    );
    assert_eq!(failure["difference"][0]["expected"], "Bye");
    assert_eq!(failure["difference"][1]["said"], "Hello ada");
    let xml = bench.read("results.xml");
    let document = roxmltree::Document::parse(&xml).expect("XML");
    let suite = document
        .root_element()
        .first_element_child()
        .expect("a suite");
    assert_eq!(
        (suite.attribute("tests"), suite.attribute("failures")),
        (Some("2"), Some("1"))
    );
    let cases: Vec<_> = suite.children().filter(|it| it.is_element()).collect();
    assert_eq!(cases[1].attribute("name"), Some("<wrong> & \"odd\""));
    let words = cases[1].first_element_child().and_then(|it| it.text());
    assert!(
        words.is_some_and(|text| text.contains("x.dialog:6: expect Bye")),
        "{xml}"
    );
}

#[test]
fn mistakes_end_with_64_and_run_nothing() {
    let check = |guest: &str, dialog: &str, arguments: &[&str], wanted: &str| {
        let tested = Bench::new(guest, dialog).test(arguments);
        assert_eq!(
            (tested.code, tested.out.as_str()),
            (Some(64), ""),
            "{dialog}: {}",
            tested.err
        );
        assert!(tested.err.starts_with(wanted), "{dialog}: {}", tested.err);
    };
    check(
        "echo",
        "say hello\nsya hello\nadvance soon\n",
        &[],
        "x.dialog:2: no step begins with `sya`; expected one of advance, as, chat, click, clock, delete, dialog, \
         direct, edit, expect, http, join, leave, react, role, room, say, seed, settings, submit, webhook; did you mean \
         `say`?\n\
         x.dialog:3: `advance soon`; expected a time of at most 366 days: `advance 5m`, `advance 1h30m`, `advance 2d`",
    );
    // The plugin's settings have the lines of the file that they stand in.
    check(
        "joke",
        "dialog one\n# why not\nsettings\n\n    config = { sorce = \"x\" }\n    gants.http = []\nsay /joke\n",
        &[],
        "x.dialog:6: unknown key `gants`; expected one of ",
    );
    check(
        "joke",
        "settings\n    fresh = true\n\n    config = { sorce = \"x\" }\ndialog one\nsay /joke\ndialog two\nsay /joke\n",
        &[],
        "x.dialog:4: plugin joke has no config key `sorce`; did you mean `source`?\n",
    );
    // Who may use a command is said by its name, which is not how people type it.
    for (name, wanted) in [
        (
            "\"/bot joke\"",
            "x.dialog:2: plugin joke has no command `/bot joke`; people type `/bot joke`, and `allow` names it \
             `bot-joke`\n",
        ),
        (
            "elsewhere",
            "x.dialog:2: plugin joke has no command `elsewhere`; expected one of `joke`, `bot-joke`, `*`; NAME in \
             `allow.NAME` is a command's name, or * for all of them\n",
        ),
    ] {
        let dialog = format!("settings\n    allow.{name} = []\nsay /joke\n");
        check("joke", &dialog, &[], wanted);
    }
    check(
        "echo",
        "say hello\n",
        &["--filter", "none"],
        "no dialog has “none” in its name",
    );
    let nowhere = tempfile::tempdir().expect("a folder");
    let outside = Tested::of(
        parlor(nowhere.path())
            .arg("test")
            .output()
            .expect("parlor starts"),
    );
    assert_eq!(outside.code, Some(64));
    assert!(
        outside.err.contains("is in no plugin's project"),
        "{}",
        outside.err
    );
}

#[test]
fn too_little_that_is_used_fails_where_that_is_asked_for() {
    let bench = Bench::new("joke", "say /joke\nexpect any\n");
    let tested = bench.test(&["--min-coverage", "60"]);
    assert_eq!(tested.code, Some(1));
    assert_eq!(
        tested.err.trim_end(),
        "joke: 50 % of its commands, forms and buttons are used; --min-coverage asks for 60 %"
    );
    assert!(
        tested
            .out
            .contains("joke: 1 of 2 commands were used: /joke; never: /bot joke")
    );
    assert_eq!(bench.test(&["--min-coverage", "50"]).code, Some(0));
}
