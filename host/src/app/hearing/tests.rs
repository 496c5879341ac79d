//! What an event comes to, decided over a view of open forms.

use std::sync::Arc;

use super::*;
use crate::app::forms::Forms;
use crate::content::dialog::SILENCE_MS;
use crate::journal::OpenForm;
use crate::model::content::{
    ActionButton, Button, ButtonKind, ButtonStyle, Field, FieldKind, Form, FormAnswers,
    FormAudience, FormEnd,
};
use crate::model::event::{Bot, Conversation};
use crate::model::payload::MemberChanged;
use crate::router::{Roles, Table};

const NOW: Timestamp = 1_000_000_000;

struct Scene {
    forms: Forms,
    table: Table,
    sentences: HostedSentences,
    kind: ConversationKind,
    shows_forms: bool,
    now: Timestamp,
}

impl Scene {
    fn with(form: OpenForm) -> Self {
        let forms = Forms::default();
        forms.opened(form);
        let roles = [("staff".to_owned(), vec!["bob".to_owned()])].into();
        Self {
            forms,
            table: Table::new(Vec::new(), &Roles(roles)).0,
            sentences: HostedSentences::default(),
            kind: ConversationKind::Room,
            shows_forms: false,
            now: NOW,
        }
    }

    fn hear(&self, event: &mut Event) -> Hearing {
        let tenant = Name::from("default");
        let hearings = Hearings {
            forms: &self.forms,
            tenant: &tenant,
            table: Some(&self.table),
            sentences: &self.sentences,
            found: &Found::default(),
            kind: self.kind,
            shows_forms: self.shows_forms,
            now: self.now,
        };
        let hearing = hearings.hear(event, None);
        self.forms.apply(&tenant, &hearing.changes);
        hearing
    }

    /// Says something; gives what the host says to it, or the kind of event that plugins get.
    fn say(&self, user: &str, text: &str) -> String {
        let mut event = message(user, text);
        let hearing = self.hear(&mut event);
        outcome(&event, &hearing)
    }
}

fn outcome(event: &Event, hearing: &Hearing) -> String {
    let said = crate::content::text(&hearing.says).0;
    let said = said.lines().next().unwrap_or_default();
    let heard = match &event.payload {
        _ if !hearing.for_plugins => "",
        EventPayload::Message(message) => &format!("message {}", message.text),
        EventPayload::FormSubmitted(form) => &format!("submitted {}", form.button),
        EventPayload::FormClosed(form) => &format!("closed {:?}", form.reason),
        EventPayload::ButtonPressed(button) => &format!("pressed {}", button.button_id),
        _ => "other",
    };
    [heard, said]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" | ")
}

fn user(id: &str) -> User {
    User::of_id(id)
}

fn event(actor: &str, payload: EventPayload) -> Event {
    Event {
        id: "e".to_owned(),
        sequence: 1,
        attempt: 1,
        occurred_at: NOW,
        received_at: NOW,
        bot: Some(Bot {
            name: "desk".to_owned(),
            platform: "local".to_owned(),
            user_id: "b".to_owned(),
            display_name: "Desk".to_owned(),
        }),
        conversation: Some(Conversation {
            id: "room".to_owned(),
            kind: ConversationKind::Room,
            name: None,
            external: false,
            cross_pod: false,
            thread: None,
        }),
        actor: Some(user(actor)),
        addressing: Addressing::Ambient,
        cause: None,
        depth: 0,
        trace_id: "t".to_owned(),
        extras: Vec::new(),
        raw: None,
        payload,
    }
}

fn message(actor: &str, text: &str) -> Event {
    let message = Message::of_text("m", text);
    event(actor, EventPayload::Message(message))
}

fn open(numbered: Vec<Numbered>) -> OpenForm {
    OpenForm {
        tenant: "default".into(),
        plugin: "p".into(),
        bot: "desk".into(),
        conversation: "room".into(),
        message: "m1".to_owned(),
        form: None,
        buttons: Vec::new(),
        actor: None,
        answered: Vec::new(),
        ends_at: NOW + 100 * SILENCE_MS,
        part: 1,
        origin: Some(Arc::new(message("ada", ""))),
        numbered,
        agents_only: false,
        unseen: Vec::new(),
        dialogs: Vec::new(),
        before: None,
        gone: None,
    }
}

fn asking(answers: FormAnswers, audience: FormAudience) -> OpenForm {
    let field = Field {
        id: "name".to_owned(),
        label: "Name".to_owned(),
        kind: FieldKind::Text,
        choices: Vec::new(),
        required: true,
        multiple: false,
        read_only: false,
        defaults: Vec::new(),
        placeholder: None,
        pattern: None,
        min: None,
        max: None,
    };
    OpenForm {
        form: Some(Form {
            id: "f".to_owned(),
            title: None,
            fields: vec![field],
            buttons: Vec::new(),
            answers,
            audience,
            end: FormEnd::Never,
        }),
        ..open(vec![Numbered::Answer])
    }
}

fn press(id: &str) -> Numbered {
    Numbered::Press(ActionButton {
        id: id.to_owned(),
        value: String::new(),
    })
}

#[test]
fn number_begins_and_the_last_answer_is_the_submission() {
    let scene = Scene::with(asking(FormAnswers::OncePerUser, FormAudience::Anyone));
    assert_eq!(scene.say("ada", "hello"), "message hello");
    assert_eq!(scene.say("ada", "1"), "ada: Name");
    assert_eq!(scene.say("bob", "1"), "bob: Name");
    assert_eq!(scene.say("ada", "Ada"), "submitted submit");
    assert_eq!(scene.say("ada", "Ada"), "message Ada");
    assert_eq!(
        scene.say("ada", "1"),
        "ada: You have answered that form already."
    );
    assert_eq!(
        scene.say("bob", "cancel"),
        "closed Cancelled | bob: Cancelled."
    );
    assert_eq!(scene.say("bob", "1"), "bob: Name");
}

#[test]
fn who_may_not_answer_is_told() {
    let roles = FormAudience::Roles(vec!["staff".to_owned()]);
    let scene = Scene::with(asking(FormAnswers::Any, roles));
    assert_eq!(
        scene.say("ada", "1"),
        "ada: That form is for somebody else."
    );
    assert_eq!(scene.say("bob", "1"), "bob: Name");
    let actor = OpenForm {
        actor: Some("ada".to_owned()),
        ..asking(FormAnswers::Any, FormAudience::Actor)
    };
    let scene = Scene::with(actor);
    assert_eq!(
        scene.say("bob", "1"),
        "bob: That form is for somebody else."
    );
    assert_eq!(scene.say("ada", "1"), "ada: Name");
}

#[test]
fn so_many_people_are_asked_and_no_more() {
    let scene = Scene::with(asking(FormAnswers::Any, FormAudience::Anyone));
    for number in 0..MAX_DIALOGS {
        let user = format!("u{number}");
        assert_eq!(scene.say(&user, "1"), format!("{user}: Name"));
    }
    let told = scene.say("late", "1");
    assert!(told.starts_with("late: Too many people"), "{told}");
    // Who is asked already begins anew.
    assert_eq!(
        scene.say("u0", "cancel"),
        "closed Cancelled | u0: Cancelled."
    );
    assert_eq!(scene.say("late", "1"), "late: Name");
}

#[test]
fn silence_and_the_end_of_a_form_make_messages_of_answers() {
    let form = OpenForm {
        ends_at: NOW + 2 * SILENCE_MS,
        ..asking(FormAnswers::Any, FormAudience::Anyone)
    };
    let mut scene = Scene::with(form);
    scene.say("ada", "1");
    scene.now += SILENCE_MS;
    assert_eq!(scene.say("ada", "Ada"), "message Ada");
    scene.say("ada", "1");
    scene.now += SILENCE_MS - 1;
    assert_eq!(scene.say("ada", "back"), "ada: Name");
    scene.now += 1;
    assert_eq!(scene.say("ada", "Ada"), "message Ada");
    assert_eq!(scene.say("ada", "1"), "message 1");
}

#[test]
fn numbers_hold_for_those_who_saw_them() {
    let scene = Scene::with(open(vec![
        press("yes"),
        Numbered::Say("/joke $goog".to_owned()),
    ]));
    assert_eq!(scene.say("ada", "1"), "pressed yes");
    assert_eq!(scene.say("ada", "2"), "message /joke $goog");
    assert_eq!(scene.say("ada", "3"), "message 3");
    let came = event(
        "eve",
        EventPayload::MemberChanged(MemberChanged {
            who: user("eve"),
            change: MemberChange::Joined,
            is_self: false,
        }),
    );
    let hearing = scene.hear(&mut came.clone());
    assert!(hearing.for_plugins);
    assert_eq!(scene.say("eve", "1"), "message 1");
    // What is shown from then on holds for her too.
    scene.forms.opened(OpenForm {
        message: "m2".to_owned(),
        part: 2,
        ..open(vec![press("no")])
    });
    assert_eq!(scene.say("eve", "1"), "pressed no");
    assert_eq!(scene.say("ada", "1"), "pressed no");
    assert_eq!(scene.say("ada", "2"), "message 2");
}

#[test]
fn customer_does_not_press_what_agents_see() {
    let scene = Scene::with(OpenForm {
        agents_only: true,
        ..open(vec![press("yes")])
    });
    let mut said = message("carol", "1");
    said.actor = Some(User {
        role_here: ConversationRole::Customer,
        ..user("carol")
    });
    let hearing = scene.hear(&mut said);
    assert_eq!(outcome(&said, &hearing), "message 1");
    assert_eq!(scene.say("ada", "1"), "pressed yes");
}

#[test]
fn bots_answer_nothing() {
    let scene = Scene::with(asking(FormAnswers::Any, FormAudience::Anyone));
    let mut said = message("robot", "1");
    said.actor = Some(User {
        kind: UserKind::Bot,
        ..user("robot")
    });
    let hearing = scene.hear(&mut said);
    assert_eq!(outcome(&said, &hearing), "message 1");
}

#[test]
fn mention_is_no_answer() {
    let scene = Scene::with(asking(FormAnswers::Any, FormAudience::Anyone));
    scene.say("ada", "1");
    let mut said = message("ada", "Ada");
    said.addressing = Addressing::Mention;
    let hearing = scene.hear(&mut said);
    assert_eq!(outcome(&said, &hearing), "message Ada");
    assert_eq!(scene.say("ada", "Ada"), "submitted submit");
}

#[test]
fn only_answer_ends_the_others() {
    let scene = Scene::with(asking(FormAnswers::Once, FormAudience::Anyone));
    scene.say("ada", "1");
    scene.say("bob", "1");
    assert_eq!(scene.say("bob", "Bob"), "submitted submit");
    assert_eq!(scene.say("ada", "Ada"), "message Ada");
    assert_eq!(scene.say("eve", "1"), "eve: That form is closed.");
}

#[test]
fn another_form_takes_the_place_of_the_one_before() {
    let scene = Scene::with(asking(FormAnswers::Any, FormAudience::Anyone));
    scene.say("ada", "1");
    scene.forms.opened(OpenForm {
        message: "m2".to_owned(),
        part: 2,
        ..asking(FormAnswers::Any, FormAudience::Anyone)
    });
    assert_eq!(scene.say("bob", "1"), "bob: Name");
    let key = ("default".into(), "desk".into(), "m1".to_owned());
    let first = scene.forms.find(&key).expect("it is open");
    assert_eq!(first.dialogs[0].ended, None);
    // Cancelled first: a number among answers is an answer.
    assert_eq!(
        scene.say("ada", "cancel"),
        "closed Cancelled | ada: Cancelled."
    );
    assert_eq!(scene.say("ada", "1"), "ada: Name");
    let dialog = |message: &str| {
        let key = ("default".into(), "desk".into(), message.to_owned());
        let form = scene.forms.find(&key);
        form.is_some_and(|form| form.dialog("ada").is_some())
    };
    assert!(!dialog("m1") && dialog("m2"));
}

#[test]
fn button_begins_where_a_platform_has_buttons_and_no_forms() {
    let mut scene = Scene::with(asking(FormAnswers::Any, FormAudience::Anyone));
    let pressed = |id: &str| {
        event(
            "ada",
            EventPayload::ButtonPressed(ButtonPressed {
                button_id: id.to_owned(),
                value: String::new(),
                message_id: "m1".to_owned(),
            }),
        )
    };
    let mut begun = pressed(crate::content::hosted::ANSWER_BUTTON);
    let hearing = scene.hear(&mut begun);
    assert_eq!(outcome(&begun, &hearing), "ada: Name");
    let mut unknown = pressed("other");
    let hearing = scene.hear(&mut unknown);
    assert_eq!(
        outcome(&unknown, &hearing),
        "That button is no longer in use."
    );
    // A platform with forms never sent that button.
    scene.shows_forms = true;
    let mut made_up = pressed(crate::content::hosted::ANSWER_BUTTON);
    let hearing = scene.hear(&mut made_up);
    assert_eq!(
        outcome(&made_up, &hearing),
        "That button is no longer in use."
    );
}

#[test]
fn a_press_has_the_value_that_was_sent_with_the_button() {
    let mut form = open(Vec::new());
    form.buttons = vec![Button {
        label: "Approve".to_owned(),
        kind: ButtonKind::Action(ActionButton {
            id: "ok".to_owned(),
            value: "order-7".to_owned(),
        }),
        style: ButtonStyle::Primary,
    }];
    let mut scene = Scene::with(form);
    scene.shows_forms = true;
    for value in ["", "order-8"] {
        let mut pressed = event(
            "ada",
            EventPayload::ButtonPressed(ButtonPressed {
                button_id: "ok".to_owned(),
                value: value.to_owned(),
                message_id: "m1".to_owned(),
            }),
        );
        let hearing = scene.hear(&mut pressed);
        assert!(hearing.for_plugins);
        let EventPayload::ButtonPressed(pressed) = pressed.payload else {
            panic!("no press")
        };
        assert_eq!(pressed.value, "order-7");
    }
}

#[test]
fn a_form_that_nobody_can_begin_is_over_with_its_person() {
    let direct = OpenForm {
        numbered: Vec::new(),
        ..asking(FormAnswers::Any, FormAudience::Anyone)
    };
    let key = ("default".into(), "desk".into(), "m1".to_owned());
    let asked = |keeps: bool| {
        let scene = Scene::with(direct.clone());
        let hearings = Dialog {
            person: user("ada"),
            question: Some("name".to_owned()),
            answers: Default::default(),
            tries: 0,
            heard_at: NOW,
            ended: None,
        };
        let button = Button {
            label: "x".to_owned(),
            kind: ButtonKind::Reply("x".to_owned()),
            style: ButtonStyle::Primary,
        };
        scene.forms.opened(OpenForm {
            dialogs: vec![hearings],
            buttons: keeps.then_some(button).into_iter().collect(),
            ..direct.clone()
        });
        scene
    };
    let scene = asked(false);
    assert_eq!(scene.say("ada", "Ada"), "submitted submit");
    assert!(scene.forms.find(&key).is_none());
    let scene = asked(true);
    assert_eq!(
        scene.say("ada", "cancel"),
        "closed Cancelled | ada: Cancelled."
    );
    assert!(scene.forms.find(&key).is_some());
}
