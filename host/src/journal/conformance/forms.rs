//! Open forms, and the people whom the host asks them question by question.

use std::collections::BTreeMap;

use super::make::{PLUGIN, TENANT, accept, arrival};
use super::people::send;
use crate::journal::forms::MAX_DIALOGS;
use crate::journal::{Arrival, FormChange, FormStep, Gone, Journal, OpenForm};
use crate::model::Name;
use crate::model::content::{ActionButton, Form, FormAnswers, FormAudience, FormEnd};
use crate::model::dialog::{Dialog, DialogEnd, Numbered};
use crate::model::event::User;
use crate::model::payload::{FieldValue, FormCloseReason};

fn open(message: &str) -> OpenForm {
    OpenForm {
        tenant: Name::from(TENANT),
        plugin: Name::from(PLUGIN),
        bot: Name::from("desk"),
        conversation: Name::from("room"),
        message: message.to_owned(),
        form: None,
        buttons: Vec::new(),
        actor: Some("u1".to_owned()),
        answered: Vec::new(),
        ends_at: u64::MAX,
        part: 7,
        origin: None,
        // Something to use, so that it is open.
        numbered: vec![Numbered::Say("yes".to_owned())],
        agents_only: false,
        unseen: Vec::new(),
        dialogs: Vec::new(),
        before: None,
        gone: None,
    }
}

fn form(message: &str, id: &str, answers: FormAnswers) -> OpenForm {
    OpenForm {
        form: Some(Form {
            id: id.to_owned(),
            title: None,
            fields: Vec::new(),
            buttons: Vec::new(),
            answers,
            audience: FormAudience::Anyone,
            end: FormEnd::Never,
        }),
        numbered: Vec::new(),
        ..open(message)
    }
}

fn dialog(user: &str, question: Option<&str>) -> Dialog {
    let value = FieldValue::Text("Ann \"the\" O'Neil".to_owned());
    Dialog {
        person: User::of_id(user),
        question: question.map(str::to_owned),
        answers: BTreeMap::from([
            ("name".to_owned(), Some(value)),
            ("sum".to_owned(), Some(FieldValue::Number(12.5))),
            ("left-out".to_owned(), None),
        ]),
        tries: 2,
        heard_at: 1_700_000_000_000,
        ended: None,
    }
}

/// What a message that was sent or changed has.
async fn show(journal: &dyn Journal, id: &str, form: OpenForm) {
    let message = form.message.clone();
    send(journal, id, &message, None, 0, vec![form]).await;
}

/// Changes the form of `m1`, each step with an event of its own.
async fn change(journal: &dyn Journal, steps: Vec<FormStep>) {
    for (number, what) in steps.into_iter().enumerate() {
        let change = FormChange {
            bot: Name::from("desk"),
            message: "m1".to_owned(),
            what,
        };
        let id = format!("change-{number}-{change:?}");
        let arrival = Arrival {
            forms: vec![change],
            ..arrival(&id, &["x"])
        };
        accept(journal, arrival).await;
    }
}

async fn listed(journal: &dyn Journal) -> Vec<OpenForm> {
    let mut open = journal.open_forms().await.expect("listed");
    open.sort_by(|a, b| a.message.cmp(&b.message));
    open
}

pub(crate) async fn form_opens_with_its_message(journal: &dyn Journal) {
    let forms = vec![open("m1"), open("m2")];
    send(journal, "a", "m1", None, 0, forms.clone()).await;
    assert_eq!(listed(journal).await, forms);
}

pub(crate) async fn answered_form_remembers_who(journal: &dyn Journal) {
    show(journal, "a", form("m1", "f", FormAnswers::OncePerUser)).await;
    let answered = ["u1", "u2", "u1"].map(|user| FormStep::Answered(user.to_owned()));
    change(journal, answered.into()).await;
    assert_eq!(listed(journal).await[0].answered, ["u1", "u2"]);
}

pub(crate) async fn form_answered_once_is_gone(journal: &dyn Journal) {
    show(journal, "a", form("m1", "f", FormAnswers::Once)).await;
    change(journal, vec![FormStep::Answered("u1".to_owned())]).await;
    assert_eq!(listed(journal).await, []);
}

pub(crate) async fn form_answered_by_anybody_remembers_nobody(journal: &dyn Journal) {
    let form = form("m1", "f", FormAnswers::Any);
    show(journal, "a", form.clone()).await;
    change(journal, vec![FormStep::Answered("u1".to_owned())]).await;
    assert_eq!(listed(journal).await, [form]);
}

pub(crate) async fn closed_form_is_gone(journal: &dyn Journal) {
    send(journal, "a", "m1", None, 0, vec![open("m1"), open("m2")]).await;
    change(journal, vec![FormStep::Closed, FormStep::Closed]).await;
    assert_eq!(listed(journal).await, [open("m2")]);
}

pub(crate) async fn dialog_keeps_question_answers_and_tries(journal: &dyn Journal) {
    show(journal, "a", form("m1", "f", FormAnswers::Any)).await;
    let asked = [("u1", None), ("u2", Some("q1")), ("u1", Some("q3"))];
    let asked = asked.map(|(user, question)| FormStep::Asked(Box::new(dialog(user, question))));
    change(journal, asked.into()).await;
    let kept = listed(journal).await.remove(0).dialogs;
    assert_eq!(kept, [dialog("u2", Some("q1")), dialog("u1", Some("q3"))]);
}

pub(crate) async fn dialog_that_is_left_is_gone(journal: &dyn Journal) {
    let asking = OpenForm {
        dialogs: vec![dialog("u1", Some("q0")), dialog("u2", Some("q1"))],
        ..form("m1", "f", FormAnswers::Any)
    };
    show(journal, "a", asking).await;
    change(journal, vec![FormStep::Left("u1".to_owned())]).await;
    let kept = listed(journal).await.remove(0).dialogs;
    assert_eq!(kept, [dialog("u2", Some("q1"))]);
}

pub(crate) async fn dialogs_of_a_taken_form_stay_until_they_are_told(journal: &dyn Journal) {
    let asking = OpenForm {
        dialogs: vec![dialog("u1", Some("q0")), dialog("u2", Some("q1"))],
        ..form("m1", "f", FormAnswers::Once)
    };
    show(journal, "a", asking).await;
    change(journal, vec![FormStep::Answered("u1".to_owned())]).await;
    let taken = listed(journal).await.remove(0);
    assert!(taken.is_taken());
    let ended = Dialog {
        ended: Some(DialogEnd::Taken),
        ..dialog("u2", Some("q1"))
    };
    assert_eq!(taken.dialogs, [ended]);
    change(journal, vec![FormStep::Left("u2".to_owned())]).await;
    assert_eq!(listed(journal).await, []);
}

pub(crate) async fn form_asks_so_many_people_and_no_more(journal: &dyn Journal) {
    let dialogs = (0..MAX_DIALOGS).map(|number| dialog(&number.to_string(), None));
    let asking = OpenForm {
        dialogs: dialogs.collect(),
        ..form("m1", "f", FormAnswers::Any)
    };
    show(journal, "a", asking).await;
    let steps = [("late", None), ("5", Some("q4"))];
    let steps = steps.map(|(user, question)| FormStep::Asked(Box::new(dialog(user, question))));
    change(journal, steps.into()).await;
    let kept = listed(journal).await.remove(0);
    assert_eq!(kept.dialogs.len(), MAX_DIALOGS);
    assert_eq!(kept.dialog("late"), None);
    assert_eq!(kept.dialog("5"), Some(&dialog("5", Some("q4"))));
}

pub(crate) async fn numbers_and_who_has_not_seen_them_are_kept(journal: &dyn Journal) {
    let button = ActionButton {
        id: "go".to_owned(),
        value: "1".to_owned(),
    };
    let numbered = OpenForm {
        numbered: vec![
            Numbered::Press(button),
            Numbered::Say("no".to_owned()),
            Numbered::Answer,
        ],
        agents_only: true,
        ..open("m1")
    };
    show(journal, "a", numbered.clone()).await;
    let unseen = ["u1", "u1", "u2"].map(|user| FormStep::Unseen(user.to_owned()));
    change(journal, unseen.into()).await;
    let wanted = OpenForm {
        unseen: vec!["u1".to_owned(), "u2".to_owned()],
        ..numbered
    };
    assert_eq!(listed(journal).await, [wanted]);
}

pub(crate) async fn form_in_the_place_of_another_knows_it(journal: &dyn Journal) {
    let old = OpenForm {
        answered: vec!["u1".to_owned()],
        dialogs: vec![dialog("u1", Some("q0")), dialog("u2", Some("q0"))],
        ..form("m1", "old", FormAnswers::OncePerUser)
    };
    show(journal, "a", old).await;
    let new = OpenForm {
        dialogs: vec![dialog("u1", Some("q0"))],
        ..form("m1", "new", FormAnswers::OncePerUser)
    };
    show(journal, "b", new.clone()).await;
    let ended = Dialog {
        ended: Some(DialogEnd::Gone),
        ..dialog("u2", Some("q0"))
    };
    let wanted = OpenForm {
        before: Some("old".to_owned()),
        dialogs: vec![dialog("u1", Some("q0")), ended],
        ..new
    };
    assert_eq!(listed(journal).await, std::slice::from_ref(&wanted));
    change(journal, vec![FormStep::Told]).await;
    let told = OpenForm {
        before: None,
        ..wanted
    };
    assert_eq!(listed(journal).await, [told]);
}

pub(crate) async fn form_shown_anew_keeps_who_answered(journal: &dyn Journal) {
    let answered = vec!["u1".to_owned()];
    let form = OpenForm {
        answered: answered.clone(),
        dialogs: vec![dialog("u2", Some("q1"))],
        ..form("m1", "f", FormAnswers::OncePerUser)
    };
    show(journal, "a", form.clone()).await;
    let anew = OpenForm {
        answered: Vec::new(),
        dialogs: Vec::new(),
        part: 8,
        ..form.clone()
    };
    show(journal, "b", anew).await;
    assert_eq!(listed(journal).await, [OpenForm { part: 8, ..form }]);
}

pub(crate) async fn message_without_its_form_keeps_it_until_it_is_told(journal: &dyn Journal) {
    let form = OpenForm {
        dialogs: vec![dialog("u1", Some("q1"))],
        ..form("m1", "f", FormAnswers::Any)
    };
    show(journal, "a", form.clone()).await;
    let gone = Gone {
        reason: FormCloseReason::Replaced,
        who: Some(User::of_id("b1")),
    };
    let nothing = OpenForm {
        form: None,
        numbered: Vec::new(),
        gone: Some(gone.clone()),
        ..open("m1")
    };
    show(journal, "b", nothing).await;
    let ended = Dialog {
        ended: Some(DialogEnd::Gone),
        ..dialog("u1", Some("q1"))
    };
    let wanted = OpenForm {
        dialogs: vec![ended],
        gone: Some(gone),
        ..form
    };
    assert_eq!(listed(journal).await, [wanted]);
}

pub(crate) async fn message_without_its_buttons_has_none(journal: &dyn Journal) {
    show(journal, "a", open("m1")).await;
    let nothing = OpenForm {
        numbered: Vec::new(),
        ..open("m1")
    };
    show(journal, "b", nothing.clone()).await;
    assert_eq!(listed(journal).await, []);
    // A message that never had any is none to remember.
    show(journal, "c", nothing).await;
    assert_eq!(listed(journal).await, []);
}

pub(crate) async fn change_of_an_unknown_form_is_no_error(journal: &dyn Journal) {
    let gone = Gone {
        reason: FormCloseReason::Cancelled,
        who: None,
    };
    let steps = vec![
        FormStep::Answered("u1".to_owned()),
        FormStep::Asked(Box::new(dialog("u1", Some("q0")))),
        FormStep::Left("u1".to_owned()),
        FormStep::Unseen("u1".to_owned()),
        FormStep::Gone(gone),
        FormStep::Told,
        FormStep::Closed,
    ];
    change(journal, steps).await;
    assert_eq!(listed(journal).await, []);
}
