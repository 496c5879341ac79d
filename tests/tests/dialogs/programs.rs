//! What programs read where nothing, or too little, could be run.

use serde_json::Value;

use super::{Bench, Tested, parlor};

/// The objects of `--json`.
fn objects(tested: &Tested) -> Vec<Value> {
    let lines = tested.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The cases of a JUnit file: name, `failure` or `error`, and its message.
fn cases(xml: &str) -> Vec<(String, String, String)> {
    let document = roxmltree::Document::parse(xml).expect("XML");
    let cases = document.descendants();
    let cases = cases.filter(|it| it.has_tag_name("testcase"));
    cases
        .map(|case| {
            let name = case.attribute("name").unwrap_or_default().to_owned();
            let wrong = case.first_element_child();
            let tag = wrong.map(|it| it.tag_name().name().to_owned());
            let message = wrong.and_then(|it| it.attribute("message"));
            (
                name,
                tag.unwrap_or_default(),
                message.unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

#[test]
fn a_mistake_in_a_file_is_an_object_and_an_errored_case() {
    let bench = Bench::new("echo", "say hello\nsya hello\nadvance soon\n");
    let tested = bench.test(&["--json", "--junit", "results.xml"]);
    assert_eq!(tested.code, Some(64), "{}", tested.err);
    assert!(
        tested
            .err
            .starts_with("x.dialog:2: no step begins with `sya`"),
        "{}",
        tested.err
    );
    let objects = objects(&tested);
    let lines: Vec<&Value> = objects.iter().map(|it| &it["line"]).collect();
    assert_eq!(lines, [2, 3]);
    for object in &objects {
        assert_eq!(object["outcome"], "error");
        assert_eq!(
            (&object["plugin"], &object["file"]),
            (&"echo".into(), &"x.dialog".into())
        );
    }
    let message = objects[0]["failure"]["message"]
        .as_str()
        .unwrap_or_default();
    assert!(message.contains("no step begins with `sya`"), "{message}");
    let xml = bench.read("results.xml");
    let found = cases(&xml);
    assert_eq!(found.len(), 2, "{xml}");
    assert_eq!(
        (found[0].0.as_str(), found[0].1.as_str()),
        ("line 2 of its file", "error")
    );
    assert!(found[1].2.contains("`advance soon`"), "{xml}");
    assert!(
        xml.contains("tests=\"2\" failures=\"0\" errors=\"2\""),
        "{xml}"
    );
}

#[test]
fn a_component_that_is_refused_is_an_object_and_an_errored_case() {
    let bench = Bench::new("echo", "say hello\nexpect Hello ada\n");
    bench.write("broken.wasm", "this is no component");
    let mut command = parlor(bench.folder.path());
    command.args([
        "test",
        "--no-contract",
        "--wasm",
        "broken.wasm",
        "--json",
        "--junit",
        "r.xml",
    ]);
    let tested = Tested::of(command.output().expect("parlor starts"));
    assert_eq!(tested.code, Some(64), "{}", tested.err);
    let objects = objects(&tested);
    assert_eq!(objects.len(), 1, "{}", tested.out);
    assert_eq!(
        (
            &objects[0]["dialog"],
            &objects[0]["outcome"],
            &objects[0]["file"]
        ),
        (
            &"the component loads".into(),
            &"error".into(),
            &"broken.wasm".into()
        )
    );
    let found = cases(&bench.read("r.xml"));
    assert_eq!(
        (found[0].0.as_str(), found[0].1.as_str()),
        ("the component loads", "error")
    );
    assert!(found[0].2.contains("broken.wasm"), "{found:?}");
}

#[test]
fn whatever_ends_a_run_is_an_object_and_an_errored_case() {
    let bench = Bench::new("echo", "say hello\nexpect Hello ada\n");
    let tested = bench.test(&["--filter", "nothing", "--json", "--junit", "r.xml"]);
    assert_eq!(tested.code, Some(64), "{}", tested.err);
    let objects = objects(&tested);
    assert_eq!(
        (&objects[0]["plugin"], &objects[0]["dialog"]),
        (&"parlor".into(), &"parlor test".into())
    );
    let found = cases(&bench.read("r.xml"));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].2.contains("no dialog has “nothing” in its name"),
        "{found:?}"
    );
}

#[test]
fn too_little_that_is_used_is_a_failing_case() {
    let bench = Bench::new("joke", "say /joke\nexpect any\n");
    for (least, outcome, tag) in [("60", "failed", "failure"), ("50", "ok", "")] {
        let arguments = ["--min-coverage", least, "--json", "--junit", "r.xml"];
        let tested = bench.test(&arguments);
        assert_eq!(
            tested.code,
            Some(i32::from(outcome != "ok")),
            "{}",
            tested.err
        );
        let objects = objects(&tested);
        assert_eq!(objects.len(), 2, "{}", tested.out);
        assert_eq!(
            (&objects[1]["dialog"], &objects[1]["outcome"]),
            (&"coverage".into(), &outcome.into())
        );
        let found = cases(&bench.read("r.xml"));
        assert_eq!(
            (found[1].0.as_str(), found[1].1.as_str()),
            ("coverage", tag)
        );
        assert_eq!(found[1].2.contains("50 % of its commands"), outcome != "ok");
    }
}

#[test]
fn a_results_file_that_cannot_be_written_is_told_before_anything_is_run() {
    let bench = Bench::new("echo", "say hello\nexpect Hello ada\n");
    let tested = bench.test(&["--junit", "nowhere/r.xml"]);
    assert_eq!((tested.code, tested.out.as_str()), (Some(64), ""));
    assert!(
        tested
            .err
            .starts_with("--junit nowhere/r.xml: the file cannot be written: "),
        "{}",
        tested.err
    );
}

#[test]
fn what_no_dialog_uses_is_told_once_at_the_end_of_all_files() {
    let bench = Bench::new(
        "joke",
        "http GET https://a.example/x -> 200\n\ndialog one\nsay /joke\nexpect any\n",
    );
    bench.write("y.dialog", "say nothing to hear\nexpect none\n");
    let tested = bench.test(&["."]);
    assert_eq!(tested.code, Some(0), "{}{}", tested.out, tested.err);
    let said = tested.said();
    let lines: Vec<&str> = said.lines().collect();
    let never: Vec<usize> = (0..lines.len())
        .filter(|at| lines[*at].contains("never: "))
        .collect();
    assert_eq!(never, [lines.len() - 2], "{said}");
    assert_eq!(
        lines[never[0]],
        "joke: 1 of 2 commands were used: /joke; never: /bot joke"
    );
    // An answer for all of a file that none of it asks for is told, too.
    assert_eq!(
        tested.err.trim_end(),
        "warning: x.dialog:1: no dialog of this file asks for GET https://a.example/x"
    );
    let one = bench.test(&["--filter", "one", "."]);
    assert_eq!(one.err, "");
}
