//! Bots and groups of the local platform, and the names of grants.

use super::{check, messages, parse};
use crate::model::grants::{ACTION_GRANTS, READ_GRANTS};

#[test]
fn groups_are_people_by_name_and_support_is_everybody_without_them() {
    let groups = |text: &str| parse(text).unwrap().local.groups;
    let support = |users: &[&str]| {
        let users: Vec<String> = users.iter().map(|&user| user.to_owned()).collect();
        [("support".to_owned(), users)].into()
    };
    assert_eq!(groups(""), support(&["you"]));
    assert_eq!(
        groups("[local]\nusers = [\"ann\", \"bob\"]"),
        support(&["ann", "bob"])
    );
    let two = groups("[local]\ngroups = { sales = [\"ann\"], night = [] }");
    assert_eq!(two["sales"], ["ann"]);
    assert!(two["night"].is_empty() && !two.contains_key("support"));
    check(
        "[local]\ngroups = { \"a b\" = [] }",
        "parlor.toml:2: \"a b\" is no name; expected at most 64 letters, digits, `-`, `_` and `.`",
    );
    check(
        "[local]\ngroups = { sales = \"ann\" }",
        "parlor.toml:2: `sales` in [local.groups] is \"ann\"; expected a list",
    );
}

#[test]
fn a_bot_can_be_told_that_it_cannot_edit() {
    let bot = |more: &str| format!("[[bot]]\nname = \"desk\"\nplatform = \"local\"\n{more}");
    let edits = |more: &str| parse(&bot(more)).unwrap().bots[0].platform.local().edits;
    assert!(edits("") && !edits("edits = false"));
    assert!(messages(&bot("edits = \"no\""))[0].contains("true or false"));
}

#[test]
fn every_grant_that_is_enforced_can_be_written_and_no_other() {
    for (list, known) in [("actions", &ACTION_GRANTS[..]), ("reads", &READ_GRANTS[..])] {
        for (name, _) in known {
            let text = format!("[plugin.joke]\ngrants.{list} = [\"{name}\"]");
            parse(&text).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        }
        for name in ["broadcast", "leave", "send-attachment", "*"] {
            let found = messages(&format!("[plugin.joke]\ngrants.{list} = [\"{name}\"]"));
            assert!(found[0].contains("which is unknown"), "{found:?}");
        }
    }
}
