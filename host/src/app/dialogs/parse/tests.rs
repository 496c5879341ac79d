use std::path::Path;

use super::*;
use crate::app::dialogs::script::{
    ExpectedPlace, FixtureAnswer, HttpRequest, Matcher, SubmitStep, What,
};

fn parsed(text: &str) -> DialogFile {
    parse(Path::new("x.dialog"), text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
}

fn only_step(text: &str) -> StepKind {
    let mut file = parsed(&format!("{text}\nsay end\n"));
    let mut steps = std::mem::take(&mut file.dialogs[0].steps);
    assert_eq!(steps.len(), 2, "{text}");
    steps.swap_remove(0).kind
}

fn what(text: &str) -> What {
    match only_step(text) {
        StepKind::Expect(expectation) => expectation.what,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_file_holds_dialogs_with_what_stands_before_them_for_all() {
    let file = parsed(
        "# shared\nsettings\n    config = { a = 1 }\nrole staff ada bob\nhttp GET https://a.example -> 200\n\n\
         dialog one\nseed 7   # lucky\nclock 2026-02-03T04:05:06Z\nsay hi\n\
         dialog two\nsettings\n\n    fresh = true\nrole boss eve\nsay ho\n",
    );
    let names: Vec<&str> = file.dialogs.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    let [one, two] = &file.dialogs[..] else {
        panic!("there are two");
    };
    assert_eq!((one.line, one.seed, two.seed), (7, 7, 1));
    assert_eq!((one.clock, two.clock), (1_770_091_506_000, CLOCK));
    let settings = |dialog: &Dialog| dialog.settings.clone().map(|it| it.text);
    assert_eq!(settings(one).as_deref(), Some("\n\nconfig = { a = 1 }\n"));
    // Lines are those of the file.
    assert_eq!(
        settings(two).map(|text| text.lines().count()),
        Some(14),
        "{file:?}"
    );
    assert_eq!(two.roles.keys().collect::<Vec<_>>(), ["boss", "staff"]);
    for dialog in &file.dialogs {
        let StepKind::Fixture(fixture) = &dialog.steps[0].kind else {
            panic!("a shared fixture comes first");
        };
        assert!(fixture.is_shared);
    }
}

#[test]
fn steps_before_the_first_dialog_are_one_that_is_named_after_the_file() {
    let file = parsed("say hi\ndialog other\nsay ho\n");
    let names: Vec<&str> = file.dialogs.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["x", "other"]);
}

#[test]
fn indented_lines_are_the_rest_of_a_text() {
    let file =
        parsed("say one\n    two\n\n      three\n\nsay\n    four\n# no part of it\nsay  five \n");
    let texts: Vec<String> = file.dialogs[0]
        .steps
        .iter()
        .map(|step| match &step.kind {
            StepKind::Say(text) => text.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(texts, ["one\ntwo\n\n  three", "four", "five"]);
    let lines: Vec<(usize, usize)> = file.dialogs[0]
        .steps
        .iter()
        .map(|it| (it.line, it.end))
        .collect();
    assert_eq!(lines, [(1, 5), (6, 8), (9, 10)]);
}

#[test]
fn texts_are_compared_in_four_ways() {
    let text = |what: What| match what {
        What::Said { text, .. } => text,
        other => panic!("{other:?}"),
    };
    for (step, said, is_right) in [
        ("expect Hello", "Hello", true),
        ("expect Hello", "Hello  ", true),
        ("expect Hello", "hello", false),
        ("expect Hello", "Hello you", false),
        ("expect a\n    b", "a \nb\n", true),
        ("expect * ell", "Hello", true),
        ("expect * b\n    c", "a\nb\nc", true),
        ("expect * x", "Hello", false),
        ("expect ~ ^H.llo$", "Hello", true),
        ("expect ~ ^ello", "Hello", false),
        ("expect any", "", true),
        ("expect any   # whatever", "x", true),
        ("expect = any", "any", true),
        ("expect = any", "other", false),
        ("expect =\n    left\n    right", "left\nright", true),
        ("expect\n    none", "none", true),
        ("expect # 1", "# 1", true),
    ] {
        assert_eq!(text(what(step)).matches(said), is_right, "{step}");
    }
}

#[test]
fn expectations_say_where_and_what() {
    let of = |text: &str| match only_step(text) {
        StepKind::Expect(expectation) => expectation,
        other => panic!("{text}: {other:?}"),
    };
    for (text, place, head) in [
        ("expect Hi", ExpectedPlace::Here, "expect"),
        (
            "expect to ada Hi",
            ExpectedPlace::Person("ada".to_owned()),
            "expect to ada",
        ),
        (
            "expect in ops * Hi",
            ExpectedPlace::Room("ops".to_owned()),
            "expect in ops",
        ),
        (
            "expect in \"my room\" Hi",
            ExpectedPlace::Room("my room".to_owned()),
            "expect in \"my room\"",
        ),
        ("expect agents ~ Hi ", ExpectedPlace::Here, "expect agents"),
        (
            "expect in ops agents Hi",
            ExpectedPlace::Room("ops".to_owned()),
            "expect in ops agents",
        ),
        ("expect edit Hi", ExpectedPlace::Here, "expect edit"),
        (
            "expect to ada edit\n    Hi",
            ExpectedPlace::Person("ada".to_owned()),
            "expect to ada edit",
        ),
    ] {
        let found = of(text);
        assert_eq!(found.place, place, "{text}");
        assert_eq!(found.head, head, "{text}");
    }
    assert!(matches!(
        what("expect agents Hi"),
        What::Said { agents: true, .. }
    ));
    assert!(matches!(what("expect none # nothing"), What::Nothing));
    assert!(matches!(what("expect deleted"), What::Deleted));
    assert!(matches!(what("expect joined"), What::Joined));
    assert!(matches!(what("expect left"), What::Left));
    assert!(matches!(what("expect failed"), What::Failed(Matcher::Any)));
    assert!(matches!(
        what("expect log * x"),
        What::Log(Matcher::Contains(_))
    ));
    let What::Http { request, body } = what("expect http POST https://a.example/x\n    {\"a\": 1}")
    else {
        panic!("a request");
    };
    assert_eq!(request.to_string(), "POST https://a.example/x");
    assert_eq!(body.as_deref(), Some("{\"a\": 1}"));
}

#[test]
fn actions_are_named_with_whom_or_what_they_are_about() {
    for (text, name, is_off, about, head) in [
        (
            "expect action typing # at once",
            "typing",
            false,
            None,
            "expect action typing",
        ),
        (
            "expect action typing off",
            "typing",
            true,
            None,
            "expect action typing off",
        ),
        (
            "expect action react eyes",
            "react",
            false,
            Some(":eyes:"),
            "expect action react",
        ),
        (
            "expect action react off :eyes:",
            "react",
            true,
            Some(":eyes:"),
            "expect action react off",
        ),
        (
            "expect in ops action invite Grace H",
            "invite",
            false,
            Some("Grace H"),
            "expect in ops action invite",
        ),
        (
            "expect action tag = off",
            "tag",
            false,
            Some("off"),
            "expect action tag",
        ),
        (
            "expect action tag off off",
            "tag",
            true,
            Some("off"),
            "expect action tag off",
        ),
        (
            "expect action update-conversation\n    name=x\n    open=true",
            "update-conversation",
            false,
            Some("name=x\nopen=true"),
            "expect action update-conversation",
        ),
        (
            "expect action set-timer",
            "set-timer",
            false,
            None,
            "expect action set-timer",
        ),
    ] {
        let StepKind::Expect(found) = only_step(text) else {
            panic!("{text}");
        };
        assert_eq!(found.head, head, "{text}");
        let What::Action {
            form,
            off,
            about: matcher,
        } = found.what
        else {
            panic!("{text}");
        };
        assert_eq!((form.name, off), (name, is_off), "{text}");
        match (about, matcher) {
            (None, Matcher::Any) => {}
            (Some(about), Matcher::Is(is)) => assert_eq!(is, about, "{text}"),
            (_, other) => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn fixtures_have_a_request_and_an_answer() {
    let fixture = |text: &str| match only_step(text) {
        StepKind::Fixture(fixture) => fixture,
        other => panic!("{text}: {other:?}"),
    };
    let found =
        fixture("http GET https://a.example -> 503 Retry-After: 2, x-a: b # soon\n    {\n\n    }");
    let request = HttpRequest {
        method: "GET".to_owned(),
        url: "https://a.example/".to_owned(),
    };
    assert_eq!(found.request, request);
    let headers = [("retry-after", "2"), ("x-a", "b")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(
        found.answer,
        FixtureAnswer::Response {
            status: 503,
            headers: headers.to_vec(),
            body: "{\n\n}".to_owned(),
        }
    );
    assert_eq!(
        fixture("http GET https://a.example -> timeout").answer,
        FixtureAnswer::Timeout
    );
    assert_eq!(
        fixture("http GET https://a.example -> refused").answer,
        FixtureAnswer::Refused
    );
}

#[test]
fn forms_are_submitted_in_one_line_or_several() {
    let submit = |text: &str| match only_step(text) {
        StepKind::Submit(submit) => submit,
        other => panic!("{text}: {other:?}"),
    };
    let values = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|&(field, value)| (field.to_owned(), value.to_owned()));
        pairs.collect()
    };
    assert_eq!(
        submit("submit f name=Ada note=\"two words\" none="),
        SubmitStep {
            form: "f".to_owned(),
            button: None,
            values: values(&[("name", "Ada"), ("note", "two words"), ("none", "")]),
        }
    );
    assert_eq!(
        submit("submit f later\n    note=two = words\n    name = Ada"),
        SubmitStep {
            form: "f".to_owned(),
            button: Some("later".to_owned()),
            values: values(&[("note", "two = words"), ("name", "Ada")]),
        }
    );
}

#[test]
fn the_other_steps_are_read() {
    let shown = |text: &str| format!("{:?}", only_step(text));
    for (text, wanted) in [
        ("as grace", "As(\"grace\")"),
        ("room the lobby  # big", "Room(\"the lobby\")"),
        ("direct", "Direct"),
        ("chat carl", "Chat(\"carl\")"),
        ("join grace", "Join(\"grace\")"),
        ("leave grace", "Leave(\"grace\")"),
        ("say #1 is # it", "Say(\"#1 is # it\")"),
        ("edit better", "Edit(\"better\")"),
        ("delete", "Delete"),
        ("react :thumbsup:", "React(\"thumbsup\")"),
        ("click Yes, please", "Click(\"Yes, please\")"),
        ("advance 1h30m", "Advance(5400000)"),
        ("advance 2d", "Advance(172800000)"),
        (
            "webhook deploy {\"ok\":\n    true}",
            "Webhook { name: \"deploy\", body: \"{\\\"ok\\\":\\ntrue}\" }",
        ),
        (
            "webhook deploy\n    x",
            "Webhook { name: \"deploy\", body: \"x\" }",
        ),
    ] {
        assert_eq!(shown(text), wanted, "{text}");
    }
}

#[test]
fn mistakes_have_their_line_and_what_was_expected() {
    for (text, wanted) in [
        (
            "",
            "x.dialog: has no dialog; expected a step such as `say hello`",
        ),
        (
            "# nothing\n",
            "x.dialog: has no dialog; expected a step such as `say hello`",
        ),
        (
            "say x\nsya y\n",
            "x.dialog:2: no step begins with `sya`; expected one of advance, as, chat, click, clock, delete, dialog, \
             direct, edit, expect, http, join, leave, react, role, room, say, seed, settings, submit, webhook; did you \
             mean `say`?",
        ),
        (
            "  say x\n",
            "x.dialog:1: a line that begins with white space, but not with four spaces; expected four spaces before \
             what belongs to the step above, none before a step",
        ),
        (
            "# c\n    say x\n",
            "x.dialog:2: an indented line without a step above it; expected a step, or a `#` before a comment",
        ),
        (
            "say\n",
            "x.dialog:1: nothing behind `say`; expected what is said: `say hello`",
        ),
        (
            "say x\nexpect ~\n",
            "x.dialog:2: nothing behind `~`; expected a regular expression that is found in the message",
        ),
        (
            "say x\nexpect in ops none\n",
            "x.dialog:2: a place before `none`; expected `expect none`: it is looked for everywhere",
        ),
        (
            "dialog a\nsay x\ndialog b\n",
            "x.dialog:3: nothing happens in `b`; expected a step such as `say hello`",
        ),
        (
            "direct x\n",
            "x.dialog:1: text behind `direct`; expected `direct` alone",
        ),
        (
            "seed x\n",
            "x.dialog:1: `seed x`; expected a whole number: `seed 7`",
        ),
        (
            "say x\nseed 7\n",
            "x.dialog:2: `seed` stands after the first step, which is in line 1; expected `seed` at the beginning of \
             the dialog",
        ),
        (
            "seed 1\nseed 2\nsay x\n",
            "x.dialog:2: a second `seed` of this dialog; expected one of them",
        ),
        (
            "clock tomorrow\n",
            "x.dialog:1: `clock tomorrow`; expected a moment such as `2026-01-05T09:00:00Z`",
        ),
        (
            "settings a = 1\n",
            "x.dialog:1: `settings a = 1`; expected `settings` alone, and the plugin's settings (TOML) in lines below \
             it, four spaces to the right",
        ),
        (
            "role x\n",
            "x.dialog:1: `role x`; expected a role and who holds it: `role controllers ada grace`",
        ),
        (
            "dialog a\nsay x\ndialog a\nsay y\n",
            "x.dialog:3: a second dialog is called `a`; the first is in line 1; expected names that are all different",
        ),
        (
            "advance soon\n",
            "x.dialog:1: `advance soon`; expected a time of at most 366 days: `advance 5m`, `advance 1h30m`, `advance 2d`",
        ),
        (
            "http GET api -> 200\n",
            "x.dialog:1: `GET api`; expected a method and an address: `GET https://api.example/x`",
        ),
        (
            "http GET https://a.example\n",
            "x.dialog:1: `http GET https://a.example`; expected `http GET https://api.example/x -> 200` (or `-> 503 \
             retry-after: 2`, `-> timeout`, `-> refused`), the body in lines below",
        ),
        (
            "http GET https://a.example -> 99\n",
            "x.dialog:1: the answer `99`; expected `http GET https://api.example/x -> 200` (or `-> 503 \
             retry-after: 2`, `-> timeout`, `-> refused`), the body in lines below",
        ),
        (
            "http GET https://a.example -> 200 oops\n",
            "x.dialog:1: the header `oops`; expected `name: value`, with commas between headers",
        ),
        (
            "http GET https://a.example -> timeout\n    body\n",
            "x.dialog:1: more behind `-> timeout`; expected nothing: there is no answer where it is `timeout`",
        ),
        (
            "submit f name=\"Ada\n",
            "x.dialog:1: a quotation mark without its other one; expected a form's id and its fields: `submit \
             hello-form name=Ada note=\"two words\"`, or a `field=value` in each line below",
        ),
        (
            "submit f a=1\n    b=2\n    c\n",
            "x.dialog:3: `c`; expected a field with its value: `name=Ada`",
        ),
        (
            "submit f a=1 a=2\n",
            "x.dialog:1: a second value for `a`; expected one; several values of a field have commas between them",
        ),
        (
            "webhook a/b x\n",
            "x.dialog:1: `webhook a/b`; expected a webhook's name and its body: `webhook deploy {\"ok\": true}`",
        ),
        (
            "expect\n",
            "x.dialog:1: nothing behind `expect`; expected what is expected: a text, `~ EXPRESSION`, `* PART`, `any`, \
             `none`, `edit`, `deleted`, `joined`, `left`, `action`, `http`, `failed` or `log`",
        ),
        (
            "expect http\n",
            "x.dialog:1: no request behind `http`; expected a method and an address: `GET https://api.example/x`",
        ),
        (
            "http -> 200\n",
            "x.dialog:1: no request behind `http`; expected a method and an address: `GET https://api.example/x`",
        ),
        (
            "expect action join\n",
            "x.dialog:1: `action join`; expected `expect joined`",
        ),
        (
            "expect action close it\n",
            "x.dialog:1: text behind `action close`; expected `action close` alone",
        ),
        (
            "expect in ops action set-presence busy\n",
            "x.dialog:1: a place before `action set-presence`; expected `expect action set-presence`: it is looked for \
             everywhere",
        ),
        (
            "expect agents action typing\n",
            "x.dialog:1: `agents` before `action`; expected a message behind `agents`",
        ),
        (
            "expect action invit ada\n",
            "x.dialog:1: `invit` is no action; expected one of react, typing, invite, remove, promote, demote, \
             create-conversation, update-conversation, accept-contact, reject-contact, request-contact, \
             remove-contact, set-presence, transfer, close, tag, set-timer, cancel-timer; did you mean `invite`?",
        ),
        (
            "expect none of it\n",
            "x.dialog:1: text behind `none`; expected `none` alone; a message that begins with this word: `expect = \
             none …`",
        ),
        (
            "expect any text\n",
            "x.dialog:1: text behind `any`; expected `any` alone; a message that begins with this word: `expect = any \
             …`",
        ),
        (
            "expect edit left\n",
            "x.dialog:1: `left` here; expected a text; a message that begins with this word: `expect = left …`",
        ),
        (
            "expect to\n",
            "x.dialog:1: `expect to`; expected a person: `expect to ada Hello`",
        ),
        (
            "expect in ops\n",
            "x.dialog:1: no text; expected what is expected",
        ),
        (
            "expect ~ (\n",
            "x.dialog:1: `(` is no regular expression: unclosed group; expected one as the crate `regex` takes",
        ),
        (
            "expect *\n",
            "x.dialog:1: nothing behind `*`; expected a part of the message",
        ),
        (
            "expect agents deleted\n",
            "x.dialog:1: `agents` before `deleted`; expected a message behind `agents`",
        ),
    ] {
        let problems = match parse(Path::new("x.dialog"), text) {
            Err(problems) => problems,
            Ok(file) => panic!("`{text}` is {file:?}"),
        };
        assert_eq!(problems[0].to_string(), wanted, "{text}");
    }
}

#[test]
fn every_mistake_of_a_file_is_told() {
    let problems = parse(
        Path::new("x.dialog"),
        "sya x\n    y\nexpect *\nsay ok\nseed 1\n",
    )
    .unwrap_err();
    let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 3, 5]);
}
