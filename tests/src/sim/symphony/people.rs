//! Who is on the pod: people and service accounts.

use serde_json::{Map, Value, json};

use super::ids::{OTHER_TENANT, OWN_TENANT, tenant_of};
use super::world::World;

/// The domain of the bot's own company.
pub(super) const OWN_DOMAIN: &str = "acme.com";

/// A person or a service account.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: i64,
    pub(super) username: String,
    pub(super) first: Option<String>,
    pub(super) last: Option<String>,
    pub(super) display: String,
    pub(super) email: String,
    pub(super) enabled: bool,
    pub(super) presence: String,
    pub(super) presence_at: i64,
    pub(super) manifest: Option<String>,
    /// What it may do beyond what everybody may.
    pub(super) entitlements: Entitlements,
}

/// Rights that an administrator gives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entitlements {
    pub(super) create_public_room: bool,
    pub(super) external_rooms: bool,
    pub(super) update_message: bool,
    pub(super) suppress: bool,
}

impl Default for Entitlements {
    fn default() -> Self {
        Self {
            create_public_room: true,
            external_rooms: true,
            update_message: true,
            suppress: true,
        }
    }
}

impl Person {
    pub(super) fn is_service(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn is_external(&self) -> bool {
        tenant_of(self.id) != OWN_TENANT
    }

    /// As events and messages show it: no names of service accounts, no user name of outsiders.
    pub(super) fn v4(&self) -> Value {
        let mut user = Map::new();
        user.insert("userId".into(), self.id.into());
        if let (Some(first), Some(last)) = (&self.first, &self.last) {
            user.insert("firstName".into(), first.as_str().into());
            user.insert("lastName".into(), last.as_str().into());
        }
        user.insert("displayName".into(), self.display.as_str().into());
        user.insert("email".into(), self.email.as_str().into());
        if !self.is_external() {
            user.insert("username".into(), self.username.as_str().into());
        }
        Value::Object(user)
    }

    /// As the pod's user endpoints show it.
    pub(super) fn v2(&self) -> Value {
        let mut user = Map::new();
        user.insert("id".into(), self.id.into());
        user.insert("emailAddress".into(), self.email.as_str().into());
        if let (Some(first), Some(last)) = (&self.first, &self.last) {
            user.insert("firstName".into(), first.as_str().into());
            user.insert("lastName".into(), last.as_str().into());
        }
        user.insert("displayName".into(), self.display.as_str().into());
        user.insert("company".into(), self.company().into());
        if !self.is_external() {
            user.insert("username".into(), self.username.as_str().into());
        }
        let kind = if self.is_service() {
            "SYSTEM"
        } else {
            "NORMAL"
        };
        user.insert("accountType".into(), kind.into());
        user.insert(
            "avatars".into(),
            json!([{ "size": "small", "url": "../avatars/static/50/default.png" }]),
        );
        if !self.is_external() {
            user.insert("roles".into(), json!(["INDIVIDUAL"]));
        }
        Value::Object(user)
    }

    pub(super) fn company(&self) -> &'static str {
        if self.is_external() {
            "Other Ltd"
        } else {
            "Acme"
        }
    }
}

impl World {
    /// Adds a service account.
    pub(super) fn add_service(&mut self, username: &str, display: &str) -> i64 {
        let person = Person {
            id: self.ids.user(OWN_TENANT),
            username: username.to_owned(),
            first: None,
            last: None,
            display: display.to_owned(),
            email: format!("{username}@{OWN_DOMAIN}"),
            enabled: true,
            presence: "OFFLINE".to_owned(),
            presence_at: self.clock.now(),
            manifest: None,
            entitlements: Entitlements::default(),
        };
        let id = person.id;
        self.people.insert(id, person);
        id
    }

    /// The person of this name, e-mail, display name or id; made where there is none yet. Who has an
    /// e-mail of another company's is of another pod.
    pub(super) fn person(&mut self, name: &str) -> i64 {
        if let Some(id) = self.find_person(name) {
            return id;
        }
        let (local, domain) = name.split_once('@').unwrap_or((name, OWN_DOMAIN));
        let tenant = if domain == OWN_DOMAIN {
            OWN_TENANT
        } else {
            OTHER_TENANT
        };
        let words: Vec<String> = local
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(capital)
            .collect();
        let first = words
            .first()
            .cloned()
            .unwrap_or_else(|| "Nobody".to_owned());
        let last = words.get(1..).filter(|rest| !rest.is_empty());
        let last = last.map_or_else(|| "Smith".to_owned(), |rest| rest.join(" "));
        let username = local.to_lowercase().replace(char::is_whitespace, ".");
        let person = Person {
            id: self.ids.user(tenant),
            display: format!("{first} {last}"),
            email: format!("{username}@{domain}"),
            username,
            first: Some(first),
            last: Some(last),
            enabled: true,
            presence: "AVAILABLE".to_owned(),
            presence_at: self.clock.now(),
            manifest: None,
            entitlements: Entitlements::default(),
        };
        let id = person.id;
        self.people.insert(id, person);
        id
    }

    /// The person of this name, e-mail, display name or id.
    pub(super) fn find_person(&self, name: &str) -> Option<i64> {
        let found = self.people.values().find(|person| {
            person.username.eq_ignore_ascii_case(name)
                || person.email.eq_ignore_ascii_case(name)
                || person.display == name
                || name.parse() == Ok(person.id)
        });
        found.map(|person| person.id)
    }

    /// A person as messages show it.
    pub(super) fn v4(&self, user: i64) -> Value {
        self.people
            .get(&user)
            .map_or_else(|| json!({ "userId": user }), Person::v4)
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
