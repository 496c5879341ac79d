use parlor_sdk::actions::{ActionKind, OutgoingAttachment, Target};
use parlor_sdk::content::{Block, Content};
use parlor_sdk::events::{EventPayload, FieldValue, SubmittedField};

use super::*;

fn user(name: &str) -> User {
    let mut bench = Bench::new(Approval);
    bench.user(name, "Hopper");
    bench.actor().expect("somebody speaks").clone()
}

/// Ada answers the form.
fn submit(bench: &mut Bench<Approval>, amount: f64, receipt: &str, approver: User) -> Vec<Action> {
    let field = |id: &str, value| SubmittedField {
        id: id.to_owned(),
        value,
    };
    let answer = bench.deliver(EventPayload::FormSubmitted(FormSubmitted {
        form_id: "expense".to_owned(),
        message_id: "form-1".to_owned(),
        values: vec![
            field("amount", FieldValue::Number(amount)),
            field("receipt", FieldValue::Text(receipt.to_owned())),
            field("approver", FieldValue::Users(vec![approver])),
        ],
        button: "submit".to_owned(),
    }));
    assert_eq!(answer.error, None);
    answer.actions
}

fn card(content: &Content) -> &parlor_sdk::content::raw::Card {
    match content {
        Content::Blocks(blocks) => match blocks.as_slice() {
            [Block::Card(card)] => card,
            other => panic!("no card: {other:?}"),
        },
        other => panic!("no card: {other:?}"),
    }
}

/// What a list edits, with the second line of each card.
fn edits(actions: &[Action]) -> Vec<(MessageRef, String)> {
    let edits = actions.iter().filter_map(|action| match &action.kind {
        ActionKind::Edit(edit) => Some(edit),
        _ => None,
    });
    edits
        .map(|edit| {
            let card = card(&edit.content);
            assert!(card.buttons.is_empty());
            (
                edit.message.clone(),
                card.subtitle.clone().unwrap_or_default(),
            )
        })
        .collect()
}

#[test]
fn an_expense_goes_to_its_approver_and_back() {
    let mut bench = Bench::new(Approval);
    assert_eq!(bench.say("/expense").texts(), ["Expense"]);
    let asked = submit(&mut bench, 12.5, "R-7", user("Grace"));
    let waiting = ("form-1", "Waiting for Grace Hopper");
    assert_eq!(
        edits(&asked),
        [(MessageRef::by_id(waiting.0), waiting.1.to_owned())]
    );
    let ActionKind::Send(send) = &asked[1].kind else {
        panic!("the approver is not asked: {asked:?}");
    };
    assert_eq!(send.target, Target::User("grace".to_owned()));
    let card = card(&send.content);
    assert_eq!(card.facts[0].value, "12.50 EUR");
    assert_eq!(card.buttons.len(), 2);

    // Not by another, and not twice.
    assert_eq!(
        bench.press("approve", "1").texts(),
        ["Only Grace Hopper decides this."]
    );
    bench.user("Grace", "Hopper");
    let decided = bench.press("approve", "1");
    let by = "Approved by Grace Hopper".to_owned();
    let both = [
        (MessageRef::by_id("message-0"), by.clone()),
        (MessageRef::by_id("form-1"), by),
    ];
    assert_eq!(edits(&decided.actions), both);
    assert_eq!(decided.texts(), ["Expense 1 is approved."]);
    assert_eq!(decided.sends()[0].target, Target::User("ada".to_owned()));
    assert_eq!(
        bench.press("reject", "1").texts(),
        ["It is approved already."]
    );
    assert_eq!(
        bench.press("reject", "2").texts(),
        ["There is no such expense."]
    );
}

#[test]
fn nobody_approves_their_own() {
    let mut bench = Bench::new(Approval);
    let me = bench.actor().expect("ada speaks").clone();
    let again = submit(&mut bench, 1.0, "R-1", me);
    assert_eq!(edits(&again), []);
    assert_eq!(again.len(), 2);
}

#[test]
fn the_report_is_for_controllers_and_holds_all() {
    let mut bench = Bench::new(Approval);
    submit(&mut bench, 0.07, "taxi, \"late\"", user("Grace"));
    submit(&mut bench, 1234.567, "=HYPERLINK(1)", user("Grace"));
    assert_eq!(
        bench.say("/expense report").texts(),
        ["The report is for controllers."]
    );
    bench
        .actor()
        .expect("ada speaks")
        .roles
        .push(CONTROLLERS.to_owned());
    let answer = bench.say("/expense report");
    assert_eq!(answer.texts(), ["2 expenses"]);
    let [OutgoingAttachment::File(file)] = answer.sends()[0].attachments.as_slice() else {
        panic!("a file");
    };
    let text = String::from_utf8_lossy(&file.bytes).into_owned();
    let wanted = "number,date,requester,approver,amount,currency,receipt,status,decided\r\n\
        1,2027-01-15,Ada Lovelace,Grace Hopper,0.07,EUR,\"taxi, \"\"late\"\"\",open,\r\n\
        2,2027-01-15,Ada Lovelace,Grace Hopper,1234.57,EUR,'=HYPERLINK(1),open,\r\n";
    assert_eq!(
        (file.name.as_str(), text.as_str()),
        ("expenses.csv", wanted)
    );
}
