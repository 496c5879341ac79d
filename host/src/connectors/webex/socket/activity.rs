//! Frames of the WebSocket as notices (webex.md §10.2). Pure.

use serde_json::Value;

use crate::connectors::webex::ids::{cluster_of, public_id};
use crate::connectors::webex::wire::{Notice, NoticeData};

/// A frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame(pub Value);

impl Frame {
    /// Its type; events have none.
    pub fn kind(&self) -> Option<&str> {
        self.0["type"].as_str()
    }

    /// The id by which it is acknowledged.
    pub fn id(&self) -> Option<&str> {
        self.0["id"].as_str()
    }

    /// Its place in the row.
    pub fn sequence(&self) -> Option<u64> {
        self.0["sequenceNumber"].as_u64()
    }

    /// Tells whether the server says that it knows the device.
    pub fn is_welcome(&self) -> bool {
        let event = self.0["data"]["eventType"].as_str();
        let says_so = matches!(
            event,
            Some("mercury.buffer_state" | "mercury.registration_status")
        );
        self.kind().is_none() && says_so
    }
}

/// The notices of a frame; none where it tells of something else.
pub fn notices_of(frame: &Frame) -> Vec<Notice> {
    let data = overridden(&frame.0);
    if data["eventType"] != "conversation.activity" {
        return Vec::new();
    }
    of_activity(&data["activity"])
}

/// The data of a frame, with what its headers put in the place of some of it: the names of headers are
/// ways through the data.
fn overridden(frame: &Value) -> Value {
    let mut data = frame["data"].clone();
    let headers = frame["headers"].as_object().into_iter().flatten();
    for (path, value) in headers {
        let mut place = &mut data;
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            let Some(object) = place.as_object_mut() else {
                break;
            };
            if parts.peek().is_none() {
                object.insert(part.to_owned(), value.clone());
                break;
            }
            place = object
                .entry(part)
                .or_insert_with(|| Value::Object(serde_json::Map::new()));
        }
    }
    data
}

fn of_activity(activity: &Value) -> Vec<Notice> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let Some(id) = activity["id"].as_str() else {
        return Vec::new();
    };
    let (object, target, parent) = (
        &activity["object"],
        &activity["target"],
        &activity["parent"],
    );
    let cluster = target["globalId"].as_str().and_then(cluster_of);
    let cluster = cluster.as_deref().unwrap_or("us");
    let actor = activity["actor"]["entryUUID"]
        .as_str()
        .or_else(|| activity["actor"]["id"].as_str());
    let person = |uuid: &str| public_id("us", "PEOPLE", uuid);
    let room = target["id"].as_str();
    let is_direct = target["tags"]
        .as_array()
        .is_some_and(|tags| tags.iter().any(|tag| tag == "ONE_ON_ONE"));
    let base = NoticeData {
        room_id: room.map(|room| public_id(cluster, "ROOM", room)),
        room_type: Some(if is_direct { "direct" } else { "group" }.to_owned()),
        created: text(&activity["published"]),
        ..NoticeData::default()
    };
    let notice = |resource: &str, event: &str, data: NoticeData, lookup: Option<String>| Notice {
        resource: resource.to_owned(),
        event: event.to_owned(),
        actor_id: actor.map(person),
        data,
        message: None,
        lookup,
    };
    let lookup = |what: &str, id: &str| lookup_of(target, what, id);
    match activity["verb"].as_str().unwrap_or_default() {
        "post" | "share" => {
            let (event, id) = match parent["type"].as_str() {
                Some("edit") => ("updated", parent["id"].as_str().unwrap_or(id)),
                _ => ("created", id),
            };
            let data = NoticeData {
                id: id.to_owned(),
                person_id: actor.map(person),
                person_email: text(&activity["actor"]["emailAddress"]),
                ..base
            };
            vec![notice("messages", event, data, lookup("messages", id))]
        }
        "delete" => {
            let Some(gone) = object["id"].as_str() else {
                return Vec::new();
            };
            let data = NoticeData {
                id: public_id(cluster, "MESSAGE", gone),
                ..base
            };
            vec![notice("messages", "deleted", data, None)]
        }
        "cardAction" => {
            let data = NoticeData {
                id: id.to_owned(),
                message_id: text(&parent["id"]),
                person_id: actor.map(person),
                ..base
            };
            let lookup = lookup("attachment/actions", id);
            vec![notice("attachmentActions", "created", data, lookup)]
        }
        verb @ ("add" | "leave" | "assignModerator" | "unassignModerator") => {
            let (Some(who), Some(room)) = (of_person(object), room) else {
                return Vec::new();
            };
            let (event, is_moderator) = match verb {
                "add" => ("created", None),
                "leave" => ("deleted", None),
                "assignModerator" => ("updated", Some(true)),
                _ => ("updated", Some(false)),
            };
            let data = member(base, cluster, object, who, room, is_moderator);
            vec![notice("memberships", event, data, None)]
        }
        "create" => {
            // The activity's id is not the space's.
            let Some(room) = object["id"].as_str().or(room) else {
                return Vec::new();
            };
            let room_id = public_id(cluster, "ROOM", room);
            let members = object["participants"]["items"].as_array();
            let members = members.into_iter().flatten();
            let told = members.filter_map(|who| {
                let id = of_person(who)?;
                let base = NoticeData {
                    room_id: Some(room_id.clone()),
                    ..base.clone()
                };
                let data = member(base, cluster, who, id, room, None);
                Some(notice("memberships", "created", data, None))
            });
            told.collect()
        }
        "update" | "lock" | "unlock" => {
            let is_room = object["objectType"] == "conversation";
            let changed = object["id"].as_str().or(room).filter(|_| is_room);
            let Some(changed) = changed else {
                return Vec::new();
            };
            let data = NoticeData {
                id: public_id(cluster, "ROOM", changed),
                last_activity: base.created.clone(),
                ..base
            };
            vec![notice("rooms", "updated", data, None)]
        }
        _ => Vec::new(),
    }
}

fn of_person(who: &Value) -> Option<&str> {
    who["entryUUID"].as_str().or_else(|| who["id"].as_str())
}

fn member(
    base: NoticeData,
    cluster: &str,
    who: &Value,
    person: &str,
    room: &str,
    is_moderator: Option<bool>,
) -> NoticeData {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    NoticeData {
        id: public_id(cluster, "MEMBERSHIP", &format!("{person}:{room}")),
        person_id: Some(public_id("us", "PEOPLE", person)),
        person_email: text(&who["emailAddress"]),
        person_display_name: text(&who["displayName"]),
        is_moderator,
        ..base
    }
}

/// Where something is asked for whose id is not known in the form that the API has: beside its
/// conversation. No map of data centres is needed for that.
fn lookup_of(target: &Value, what: &str, id: &str) -> Option<String> {
    let url = target["url"].as_str()?;
    let room = target["id"].as_str()?;
    let at = format!("conversations/{room}");
    url.contains(&at)
        .then(|| url.replace(&at, &format!("{what}/{id}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROOM: &str = "bbceb1ad-43f1-3b58-9147-f14bb0c4d154";

    fn frame(verb: &str, more: Value) -> Frame {
        let mut activity = json!({
            "id": "a1", "objectType": "activity", "verb": verb, "published": "2026-01-05T10:00:00.000Z",
            "actor": {"id": "p1", "entryUUID": "p1", "emailAddress": "alice@example.com"},
            "object": {"objectType": "comment", "displayName": "eyJhbGciOi"},
            "target": {"id": ROOM, "url": format!("https://conv-a.wbx2.com/conversation/api/v1/conversations/{ROOM}"),
                       "tags": ["ONE_ON_ONE"],
                       "globalId": public_id("urn:TEAM:eu-central-1_k", "ROOM", ROOM)},
        });
        for (name, value) in more.as_object().unwrap() {
            activity[name] = value.clone();
        }
        Frame(
            json!({"id": "f1", "data": {"eventType": "conversation.activity", "activity": activity},
                     "sequenceNumber": 7}),
        )
    }

    fn told(verb: &str, more: Value) -> Vec<(String, String, Option<String>)> {
        let notices = notices_of(&frame(verb, more)).into_iter();
        notices
            .map(|notice| {
                let what = format!("{} {}", notice.resource, notice.event);
                (what, notice.data.id, notice.lookup)
            })
            .collect()
    }

    #[test]
    fn a_message_is_looked_up_beside_its_conversation() {
        let lookup = "https://conv-a.wbx2.com/conversation/api/v1/messages/a1".to_owned();
        for verb in ["post", "share"] {
            assert_eq!(
                told(verb, json!({})),
                [(
                    "messages created".to_owned(),
                    "a1".to_owned(),
                    Some(lookup.clone())
                )]
            );
        }
        let edit = told("post", json!({"parent": {"id": "m0", "type": "edit"}}));
        assert_eq!(edit[0].0, "messages updated");
        assert!(edit[0].2.as_ref().unwrap().ends_with("/messages/m0"));
        let card = told("cardAction", json!({"parent": {"id": "m0"}}));
        assert_eq!(card[0].0, "attachmentActions created");
        assert!(
            card[0]
                .2
                .as_ref()
                .unwrap()
                .ends_with("/attachment/actions/a1")
        );
    }

    #[test]
    fn what_is_told_by_id_has_the_id_of_the_api() {
        let eu = "urn:TEAM:eu-central-1_k";
        let gone = told("delete", json!({"object": {"id": "m0"}}));
        assert_eq!(
            gone,
            [(
                "messages deleted".to_owned(),
                public_id(eu, "MESSAGE", "m0"),
                None
            )]
        );
        let who = json!({"object": {"id": "p2", "objectType": "person"}});
        let membership = public_id(eu, "MEMBERSHIP", &format!("p2:{ROOM}"));
        for (verb, event) in [
            ("add", "created"),
            ("leave", "deleted"),
            ("assignModerator", "updated"),
            ("unassignModerator", "updated"),
        ] {
            let found = told(verb, who.clone());
            assert_eq!(
                found,
                [(format!("memberships {event}"), membership.clone(), None)]
            );
        }
        let made = told(
            "create",
            json!({"object": {"id": ROOM, "objectType": "conversation",
            "participants": {"items": [{"id": "p1"}, {"id": "p2"}]}}}),
        );
        assert_eq!(made.len(), 2);
        let room = json!({"object": {"objectType": "conversation", "id": ROOM}});
        for verb in ["update", "lock", "unlock"] {
            assert_eq!(
                told(verb, room.clone())[0],
                (
                    "rooms updated".to_owned(),
                    public_id(eu, "ROOM", ROOM),
                    None
                )
            );
        }
        // A file was looked at: nothing that was said.
        assert!(
            told(
                "update",
                json!({"object": {"objectType": "content", "id": "c"}})
            )
            .is_empty()
        );
        assert!(told("acknowledge", json!({})).is_empty());
    }

    #[test]
    fn headers_take_the_place_of_data() {
        let mut frame = frame("post", json!({}));
        frame.0["headers"] =
            json!({"data.activity": 1, "activity.verb": "delete", "activity.object.id": "m0"});
        assert_eq!(notices_of(&frame)[0].event, "deleted");
    }

    #[test]
    fn other_frames_tell_nothing() {
        for other in [
            json!({}),
            json!({"data": null}),
            json!({"data": {"eventType": "status.start_typing"}}),
            json!({"data": {"eventType": "conversation.activity"}}),
            json!({"data": {"eventType": "conversation.activity", "activity": {"id": "x"}}}),
            json!({"data": {"eventType": "conversation.activity", "activity": {"id": "x", "verb": "add"}}}),
        ] {
            assert!(notices_of(&Frame(other)).is_empty());
        }
        let welcome = Frame(json!({"id": "f", "data": {"eventType": "mercury.buffer_state"}}));
        assert!(welcome.is_welcome());
        assert!(!Frame(json!({"type": "pong"})).is_welcome());
    }
}
