//! Submissions of Elements.

use serde_json::{Value, json};

use super::support::{converted, event, incoming, made, message_of};
use crate::model::event::Addressing;
use crate::model::payload::{EventPayload, FieldValue, FormSubmitted};

fn action(form: &str, values: Value) -> Value {
    event(
        "SYMPHONYELEMENTSACTION",
        json!({"symphonyElementsAction": {
        "stream": {"streamId": "YuK1c2y2yuie6+UfQnjSPX///pQEn69idA==", "streamType": "ROOM"},
        "formMessageId": "xtZqqBNGwLDkLuvuQTyjH3///pQENvjudA==5454",
        "formId": form, "formValues": values}}),
    )
}

fn submitted(values: Value) -> FormSubmitted {
    match made(&action("hello-form", values)).payload {
        EventPayload::FormSubmitted(submitted) => submitted,
        other => panic!("{other:?}"),
    }
}

fn value(values: Value, name: &str) -> Option<FieldValue> {
    let mut found = submitted(values).values;
    let place = found.iter().position(|field| field.id == name)?;
    Some(found.swap_remove(place).value)
}

#[test]
fn ids_are_those_of_the_rest_of_the_interface() {
    let event = made(&action(
        "hello-form",
        json!({"action": "submit", "name": "Ada"}),
    ));
    assert_eq!(
        event.conversation.clone().unwrap().id,
        "YuK1c2y2yuie6-UfQnjSPX___pQEn69idA"
    );
    assert_eq!(event.addressing, Addressing::Ambient);
    let EventPayload::FormSubmitted(form) = event.payload else {
        panic!("no form")
    };
    assert_eq!(form.message_id, "xtZqqBNGwLDkLuvuQTyjH3___pQENvjudA");
    assert_eq!(
        (form.form_id.as_str(), form.button.as_str()),
        ("hello-form", "submit")
    );
    assert_eq!(form.values.len(), 1);
}

#[test]
fn who_may_be_there_is_not_said_and_counts_as_anybody() {
    let submission = action("hello-form", json!({"action": "submit"}));
    let found = converted(&submission);
    let place = found.incoming[0].event.conversation.clone().unwrap();
    assert!(found.is_place_unsaid && place.external && place.cross_pod);
    for (said, is_external) in [
        (json!({"external": false}), false),
        (json!({"external": true}), true),
        (json!({"crossPod": false}), false),
        (json!({"crossPod": true}), true),
    ] {
        let mut submission = submission.clone();
        let stream = &mut submission["payload"]["symphonyElementsAction"]["stream"];
        for (name, flag) in said.as_object().unwrap() {
            stream[name] = flag.clone();
        }
        let found = converted(&submission);
        let place = found.incoming[0].event.conversation.clone().unwrap();
        assert!(!found.is_place_unsaid, "{said}");
        assert_eq!(
            (place.external, place.cross_pod),
            (is_external, is_external)
        );
    }
}

#[test]
fn values_go_on_as_they_are() {
    let text = |text: &str| Some(FieldValue::Text(text.to_owned()));
    let values = json!({"action": "submit", "name": "Ada", "empty": "", "country": "fr",
        "colours": ["red", "blue"], "agree": "on", "day": "2026-11-20", "at": "14:30:00",
        "zone": "Europe/London", "count": 3, "yes": true, "none": null});
    assert_eq!(value(values.clone(), "name"), text("Ada"));
    assert_eq!(value(values.clone(), "empty"), text(""));
    assert_eq!(value(values.clone(), "agree"), text("on"));
    assert_eq!(value(values.clone(), "day"), text("2026-11-20"));
    assert_eq!(value(values.clone(), "at"), text("14:30:00"));
    assert_eq!(value(values.clone(), "count"), text("3"));
    assert_eq!(value(values.clone(), "yes"), Some(FieldValue::Flag(true)));
    assert_eq!(value(values.clone(), "none"), None);
    let colours = FieldValue::Choices(vec!["red".to_owned(), "blue".to_owned()]);
    assert_eq!(value(values, "colours"), Some(colours));
    let odd = json!({"action": "x", "deep": {"a": [1]}, "list": [{"a": 1}]});
    assert_eq!(
        value(odd.clone(), "deep"),
        Some(FieldValue::Other(r#"{"a":[1]}"#.to_owned()))
    );
    assert_eq!(
        value(odd, "list"),
        Some(FieldValue::Other(r#"[{"a":1}]"#.to_owned()))
    );
}

#[test]
fn people_and_rooms_are_told_apart() {
    let values = json!({"action": "submit", "people": [7_078_106_482_890_u64, "8"],
        "rooms": {"userIds": ["7078106482890"], "streamIds": ["YuK1+/==", "x"]}});
    let Some(FieldValue::Users(people)) = value(values.clone(), "people") else {
        panic!("no people")
    };
    let ids: Vec<&str> = people.iter().map(|user| user.id.as_str()).collect();
    assert_eq!(ids, ["7078106482890", "8"]);
    let rooms = ["YuK1-_", "x", "user:7078106482890"].map(str::to_owned);
    assert_eq!(
        value(values, "rooms"),
        Some(FieldValue::Conversations(rooms.to_vec()))
    );
}

#[test]
fn a_row_of_buttons_is_pressed() {
    let event = made(&action("parlor-buttons-1", json!({"action": "approve"})));
    let EventPayload::ButtonPressed(pressed) = event.payload else {
        panic!("no press")
    };
    assert_eq!(pressed.button_id, "approve");
    assert_eq!(pressed.message_id, "xtZqqBNGwLDkLuvuQTyjH3___pQENvjudA");
}

#[test]
fn a_reply_button_says_its_text() {
    let event = made(&action(
        "parlor-buttons-1",
        json!({"action": "parlor.reply./joke please"}),
    ));
    assert_eq!(event.actor.clone().unwrap().display_name, "Ada Lovelace");
    let message = message_of(event);
    assert_eq!(message.text, "/joke please");
    assert_eq!(message.id, "Fd4Pc8xO5Vg6hVfzabFe2X___oyM1eXobQ");
    assert_eq!(
        message.reply_to.as_deref(),
        Some("xtZqqBNGwLDkLuvuQTyjH3___pQENvjudA")
    );
}

#[test]
fn a_field_may_be_called_action() {
    let values = json!({"action": "submit", "parlor.field.action": "sell"});
    assert_eq!(
        value(values, "action"),
        Some(FieldValue::Text("sell".to_owned()))
    );
}

#[test]
fn an_older_pod_names_the_stream_in_another_way() {
    let mut event = action("f", json!({"action": "x"}));
    let payload = &mut event["payload"]["symphonyElementsAction"];
    payload["formStream"] = payload["stream"].take();
    payload.as_object_mut().unwrap().remove("stream");
    let event = made(&event);
    assert_eq!(
        event.conversation.unwrap().id,
        "YuK1c2y2yuie6-UfQnjSPX___pQEn69idA"
    );
}

#[test]
fn a_form_answered_twice_is_answered_twice() {
    let first = action("f", json!({"action": "x"}));
    let mut second = first.clone();
    second["messageId"] = json!("another");
    assert_ne!(incoming(&first).key, incoming(&second).key);
    assert_eq!(incoming(&first).key, incoming(&first.clone()).key);
}

#[test]
fn a_submission_without_values_is_one() {
    for values in [json!({}), Value::Null] {
        let form = submitted(values);
        assert!(form.values.is_empty() && form.button.is_empty());
    }
    assert_eq!(
        submitted(json!({"action": "tablesel-row-3"})).button,
        "tablesel-row-3"
    );
}
