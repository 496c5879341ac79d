//! Calls that have a fault, whatever the next try of their delivery makes of it.

use serde_json::Value;

use super::{Bench, Tested, parlor};

/// Messages to a guest of which an instance traps on the tenth.
fn ten() -> String {
    let steps = (1..=10).map(|number| format!("say m{number}\nexpect m{number}\n"));
    steps.collect()
}

#[test]
fn a_trap_that_a_retry_hides_fails_with_its_text_and_its_line() {
    let bench = Bench::new("flaky", &ten());
    let tested = bench.test(&[]);
    assert_eq!(tested.code, Some(1), "{}{}", tested.out, tested.err);
    let said = tested.said();
    assert!(
        said.contains("  x.dialog:19: say m10\n    Trap: "),
        "{said}"
    );
    // What it said, that it went through, and the rest of what happened.
    for wanted in [
        "the tenth event",
        "(try 1; a later one went through)",
        "      bot: m10\n",
        "      failed: Trap: ",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}

#[test]
fn a_trap_that_a_retry_hides_can_be_expected_once() {
    let dialog = format!("{}expect failed * the tenth event\nexpect none\n", ten());
    Bench::new("flaky", &dialog).passes();
    let twice = format!("{dialog}expect failed\n");
    let tested = Bench::new("flaky", &twice).test(&[]);
    assert!(
        tested
            .out
            .contains("expected a failure, any text; there was none"),
        "{}",
        tested.out
    );
}

#[test]
fn what_is_called_again_on_purpose_is_no_fault() {
    Bench::new(
        "trap-handle",
        "say retry\nexpect at the second try\nexpect none\n",
    )
    .passes();
}

#[test]
fn the_tests_that_every_plugin_gets_see_what_a_retry_hides() {
    let bench = Bench::new("flaky", "say hi\nexpect hi\n");
    let mut command = parlor(bench.folder.path());
    command.args(["test", "--json", "--wasm"]).arg(&bench.wasm);
    let tested = Tested::of(command.output().expect("parlor starts"));
    assert_eq!(tested.code, Some(1), "{}", tested.err);
    let told = tested.out.lines().any(|line| {
        let result: Value = serde_json::from_str(line).expect("one object a line");
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        text(&result["dialog"]).starts_with("contract: ")
            && text(&result["failure"]["message"]).contains("the tenth event")
    });
    assert!(told, "{}", tested.out);
}
