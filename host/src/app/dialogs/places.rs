//! Where a dialog takes place and who is there from its beginning.

use std::collections::BTreeSet;

use super::script::{ExpectedPlace, Step, StepKind};

/// Who acts where nobody is named.
pub(super) const FIRST_PERSON: &str = "ada";
/// Where a dialog begins.
pub(super) const FIRST_ROOM: &str = "lobby";

/// Where a dialog is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a room.
    Room(String),
    /// Alone with the bot.
    Direct,
    /// In the chat of a customer.
    Chat(String),
}

/// Who acts, and where.
#[derive(Clone, Debug)]
pub(super) struct Acting {
    pub(super) person: String,
    pub(super) place: Place,
}

impl Acting {
    pub(super) fn first() -> Self {
        Self {
            person: FIRST_PERSON.to_owned(),
            place: Place::Room(FIRST_ROOM.to_owned()),
        }
    }

    /// Follows a step that says who acts or where; tells whether it was one.
    pub(super) fn follow(&mut self, step: &StepKind) -> bool {
        match step {
            StepKind::As(person) => self.person.clone_from(person),
            StepKind::Room(room) => self.place = Place::Room(room.clone()),
            StepKind::Direct => self.place = Place::Direct,
            StepKind::Chat(customer) => self.place = Place::Chat(customer.clone()),
            _ => return false,
        }
        true
    }
}

/// The rooms of a dialog, and who is in which before it begins: whoever acts there, but for those who
/// come in by a step.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cast {
    pub(super) rooms: Vec<String>,
    pub(super) members: Vec<(String, String)>,
    /// Everybody who is named.
    pub(super) people: BTreeSet<String>,
}

impl Cast {
    /// Reads it from the steps.
    pub(super) fn of(steps: &[Step]) -> Self {
        let mut cast = Self {
            rooms: vec![FIRST_ROOM.to_owned()],
            members: Vec::new(),
            people: [FIRST_PERSON.to_owned()].into(),
        };
        let mut seen = BTreeSet::new();
        let mut acting = Acting::first();
        for step in steps {
            match &step.kind {
                StepKind::As(person)
                | StepKind::Join(person)
                | StepKind::Leave(person)
                | StepKind::Chat(person) => {
                    cast.people.insert(person.clone());
                }
                StepKind::Expect(expected) => match &expected.place {
                    ExpectedPlace::Room(room) => cast.add_room(room),
                    ExpectedPlace::Person(person) => {
                        cast.people.insert(person.clone());
                    }
                    ExpectedPlace::Here => {}
                },
                _ => {}
            }
            acting.follow(&step.kind);
            let Place::Room(room) = &acting.place else {
                continue;
            };
            cast.add_room(room);
            match &step.kind {
                StepKind::Join(person) => {
                    seen.insert((room.clone(), person.clone()));
                }
                StepKind::Leave(person) => cast.add_member(&mut seen, room, person),
                // The clock and a webhook need nobody.
                StepKind::Advance(_) | StepKind::Webhook { .. } => {}
                kind if kind.acts() => cast.add_member(&mut seen, room, &acting.person),
                _ => {}
            }
        }
        cast
    }

    fn add_room(&mut self, room: &str) {
        if self
            .rooms
            .iter()
            .all(|known| !known.eq_ignore_ascii_case(room))
        {
            self.rooms.push(room.to_owned());
        }
    }

    fn add_member(&mut self, seen: &mut BTreeSet<(String, String)>, room: &str, person: &str) {
        let member = (room.to_owned(), person.to_owned());
        if seen.insert(member.clone()) {
            self.members.push(member);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn whoever_acts_is_there_from_the_beginning_unless_they_come_in() {
        let text = "say hi\nas grace\njoin grace\nsay hi\nroom ops\nsay hi\nas bob\ndirect\nsay hi\n\
                    expect in Quiet Hello\nexpect to eve Hello\n";
        let file = crate::app::dialogs::parse(Path::new("x.dialog"), text).unwrap();
        let cast = Cast::of(&file.dialogs[0].steps);
        assert_eq!(cast.rooms, ["lobby", "ops", "Quiet"]);
        let members: Vec<(&str, &str)> = cast
            .members
            .iter()
            .map(|(room, person)| (room.as_str(), person.as_str()))
            .collect();
        assert_eq!(members, [("lobby", "ada"), ("ops", "grace")]);
        let people: Vec<&String> = cast.people.iter().collect();
        assert_eq!(people, ["ada", "bob", "eve", "grace"]);
    }
}
