//! Every action of the contract, as a dialog expects it.

use super::Bench;

/// All that the guest is granted.
const SETTINGS: &str = "settings\n    grants.actions = [\"react\", \"typing\", \"invite\", \"remove\", \"promote\", \
                        \"demote\", \"create-conversation\", \"update-conversation\", \"accept-contact\", \
                        \"reject-contact\", \"request-contact\", \"remove-contact\", \"set-presence\", \"transfer\", \
                        \"close\", \"tag\", \"other\", \"send-user\"]\n";

fn bench(dialog: &str) -> Bench {
    Bench::new("actions", &format!("{SETTINGS}{dialog}"))
}

#[test]
fn whatever_the_bot_does_can_be_expected() {
    bench(
        "role support grace\n\n\
         dialog messages\nsay /list send=hi react\nexpect hi\nexpect action react :thumbsup:\n\
         say /do unreact\nexpect action react off thumbsup\nsay /list typing send=done typing-off\n\
         expect action typing\nexpect action typing off\nexpect done\nsay /do edit\nexpect edit edited\n\
         say /do delete\nexpect deleted\nsay /do send-user grace\nexpect to grace = to a user\n\n\
         dialog people\nas bob\ndirect\nas ada\nroom lobby\nsay /do promote parlor\n\
         expect action promote parlor\nsay /do invite bob\nexpect action invite bob\nsay /do promote bob\n\
         expect action promote ~ ^bo\nsay /do demote bob\nexpect action demote\nsay /do remove bob\n\
         expect in lobby action remove bob\n\n\
         dialog conversations\nsay /do create-conversation \"War room\"\n\
         expect action create-conversation War room\nsay /do create-direct ada\n\
         expect action create-conversation ada\nsay /do update-conversation renamed\n\
         expect action update-conversation name=renamed\n    description=changed by a test\n    public=false\n\
         say /do send\nexpect sent\n\n\
         dialog contacts and presence\nsay /do request-contact ada\nexpect action request-contact ada\n\
         say /do remove-contact ada\nexpect action remove-contact ada\nsay /do accept-contact ada\n\
         expect failed * accept-contact\nsay /do reject-contact ada\nexpect failed * reject-contact\n\
         say /do set-presence\nexpect action set-presence busy\n\n\
         dialog chats\nas grace\nsay hello\nas carl\nchat carl\nsay /do join\nexpect joined\nsay /list tag untag=tag-1\n\
         expect action tag tag-1\nexpect action tag off tag-1\nsay /do transfer support\n\
         expect action transfer support\nsay /do transfer-agent grace\nexpect action transfer grace\n\
         say /do close\nexpect action close\nsay /do leave\nexpect left\n\n\
         dialog timers\nsay /do set-timer 60000\nexpect action set-timer timer-1\nsay /do cancel-timer\n\
         expect action cancel-timer timer-1\nsay /do set-timer 60000\nadvance 1m\n\
         expect timer-1 fired with payload-1\n\n\
         dialog others\nsay /do other\nexpect failed * the local platform has no action other-1\n",
    )
    .passes();
}

#[test]
fn what_nobody_expects_fails_and_is_written_down() {
    let dialog = "say /list send=hi react\nexpect hi\nexpect none\n";
    let tested = bench(dialog).test(&[]);
    assert_eq!(tested.code, Some(1), "{}", tested.err);
    assert!(
        tested
            .out
            .contains("expected nothing more, and this was said or done"),
        "{}",
        tested.out
    );
    assert!(
        tested.out.contains("      + (action) react :thumbsup:"),
        "{}",
        tested.out
    );
    let steps = "say /list send=hi react\n\nas carl\nchat carl\nsay /do join\nsay /list tag=off untag=vip leave\n";
    let bench = bench(&format!("\ndialog one\n{steps}"));
    let tested = bench.test(&[]);
    assert_eq!(tested.code, Some(1), "{}", tested.err);
    let tested = bench.test(&["--update"]);
    assert_eq!(tested.code, Some(0), "{}{}", tested.out, tested.err);
    let written = bench.read("x.dialog");
    let wanted = "say /list send=hi react\nexpect hi\nexpect action react :thumbsup:\n\nas carl\nchat carl\n\
                  say /do join\nexpect joined\nsay /list tag=off untag=vip leave\nexpect action tag = off\n\
                  expect action tag off vip\nexpect left\n";
    assert!(written.ends_with(wanted), "{written}");
    bench.passes();
    bench.write(
        "x.dialog",
        &written.replace("expect action tag off vip", "expect action tag off gold"),
    );
    let tested = bench.test(&[]);
    assert!(
        tested.out.contains("expected it of another")
            && tested.out.contains("      - gold\n      + vip"),
        "{}",
        tested.out
    );
    let tested = bench.test(&["--update"]);
    assert_eq!(tested.code, Some(0), "{}{}", tested.out, tested.err);
    assert_eq!(bench.read("x.dialog"), written);
}

#[test]
fn an_action_that_did_nothing_says_why_where_it_was_expected() {
    let bench = bench(
        "dialog passes\nsay /list join send=hi leave\nexpect hi\n\n\
         dialog fails\nsay /do leave\nexpect left\n",
    );
    let tested = bench.test(&[]);
    assert_eq!(tested.code, Some(1), "{}", tested.err);
    let wanted = "    expected the bot to leave in lobby; it did not\n    leave in lobby: was already in\n    \
                  what happened before:\n      ada: /do leave\n      note: leave: was already in\n";
    assert!(tested.out.contains(wanted), "{}", tested.out);
    assert!(!tested.out.contains("join in lobby"), "{}", tested.out);
    let tested = bench.test(&["--verbose", "--filter", "passes"]);
    for note in [
        "        note: join in lobby: was already in\n",
        "        note: leave in lobby: was already in\n",
    ] {
        assert!(tested.out.contains(note), "{}", tested.out);
    }
    let tested = bench.test(&["--verbose", "--filter", "passes", "--json"]);
    let dialog: serde_json::Value = serde_json::from_str(&tested.out).expect("one object");
    let note = &dialog["notes"][0];
    assert_eq!(
        (&note["action"], &note["place"], &note["changed"]),
        (&"join".into(), &"lobby".into(), &false.into())
    );
}

#[test]
fn a_message_that_a_platform_refuses_fails_though_it_is_shown_here() {
    let tested = bench("say /do send-strict-agents\nexpect agents = to agents\n").test(&[]);
    assert_eq!(tested.code, Some(1), "{}", tested.err);
    assert!(
        tested.out.contains("    Symphony refuses it: agents only")
            && tested.out.contains("(“to agents”)"),
        "{}",
        tested.out
    );
}

#[test]
fn a_missing_grant_and_a_message_that_is_gone_are_told_in_words() {
    let bench = Bench::new(
        "actions",
        "settings\n    grants.actions = [\"react\"]\n\n\
         dialog grant\nsay /list send close\n\n\
         dialog gone\nsay /do send \"the last words\"\nexpect the last words\nsay /do delete\nexpect deleted\n\
         say /do delete\n",
    );
    let tested = bench.test(&[]);
    assert_eq!(tested.code, Some(1), "{}", tested.err);
    assert!(
        tested.out.contains(
            "    the action close (number 2 of its list) needs the grant \"close\": write `grants.actions = \
             [\"close\", \"react\"]` in place of line 2 of x.dialog"
        ),
        "{}",
        tested.out
    );
    assert!(
        tested.out.contains(
            "    the action delete failed: there is no message “the last words” (NotFound)"
        ) && tested.out.contains("      bot deletes “the last words”\n"),
        "{}",
        tested.out
    );
}
