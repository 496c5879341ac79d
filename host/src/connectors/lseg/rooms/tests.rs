use super::*;

fn list(rooms: &[(&str, &str)]) -> Vec<(ListedRoom, bool)> {
    let room = |(id, name): &(&str, &str)| ListedRoom {
        id: (*id).to_owned(),
        name: Some((*name).to_owned()),
    };
    rooms.iter().map(|pair| (room(pair), false)).collect()
}

fn ids(rooms: &[KnownRoom]) -> Vec<&str> {
    rooms.iter().map(|room| room.id.as_str()).collect()
}

fn named(names: &[&str]) -> WantedRooms {
    WantedRooms::Named(names.iter().map(|name| (*name).to_owned()).collect())
}

fn tell(rooms: &Rooms) -> Vec<String> {
    let untold = rooms.untold();
    for news in &untold {
        rooms.told(news);
    }
    let name = |news: &RoomNews| format!("{} {:?} {}", news.room.id, news.what, news.number);
    untold.iter().map(name).collect()
}

#[test]
fn rooms_are_wanted_by_name_or_as_they_are_listed() {
    let rooms = Rooms::new(None);
    rooms.take(&list(&[("a", "Desk"), ("b", "Ops"), ("c", "Desk")]));
    let (found, missing) = rooms.wanted(&named(&["Desk", "Gone"]));
    assert_eq!(ids(&found), ["a", "c"], "two of one name are two rooms");
    assert_eq!(missing, ["Gone"]);
    let (found, missing) = rooms.wanted(&WantedRooms::Listed);
    assert_eq!(ids(&found), ["a", "b", "c"]);
    assert_eq!(missing, [""; 0]);
}

#[test]
fn a_room_that_was_left_on_purpose_stays_left_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let rooms = Rooms::new(Some(&path));
    rooms.take(&list(&[("a", "Desk"), ("b", "Ops")]));
    rooms.joined("a", false, false);
    rooms.left("a");
    rooms.joined("b", false, true);
    let rooms = Rooms::new(Some(&path));
    rooms.take(&list(&[("a", "Desk"), ("b", "Ops")]));
    let (found, _) = rooms.wanted(&WantedRooms::Listed);
    assert_eq!(ids(&found), ["b"]);
    assert!(rooms.was_left("a") && !rooms.is_in("a"));
    let (found, _) = rooms.wanted(&named(&["Desk"]));
    assert_eq!(
        ids(&found),
        ["b"],
        "what a plugin joined is wanted without the settings"
    );
    rooms.joined("a", false, true);
    let (found, _) = rooms.wanted(&named(&[]));
    assert_eq!(ids(&found), ["a", "b"]);
}

#[test]
fn joining_again_and_again_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let rooms = Rooms::new(Some(&path));
    rooms.take(&list(&[("a", "Desk")]));
    rooms.joined("a", false, false);
    assert_eq!(tell(&rooms), ["a Joined 1"]);
    rooms.joined("a", false, false);
    let rooms = Rooms::new(Some(&path));
    rooms.joined("a", false, false);
    assert_eq!(tell(&rooms), [""; 0]);
    rooms.left("a");
    assert_eq!(tell(&rooms), ["a Left 2"]);
    rooms.joined("a", false, true);
    assert_eq!(tell(&rooms), ["a Joined 3"]);
}

#[test]
fn what_was_not_told_before_a_crash_is_told_under_its_old_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let rooms = Rooms::new(Some(&path));
    rooms.joined("a", false, true);
    let before = rooms.untold();
    let rooms = Rooms::new(Some(&path));
    assert_eq!(rooms.untold(), before);
}

#[test]
fn a_list_tells_what_is_new_renamed_and_gone() {
    let rooms = Rooms::new(None);
    let news = |found: &[(&str, &str)]| {
        let found = list(found);
        let news = rooms.news(&found);
        rooms.take(&found);
        let line = |news: RoomNews| match news.what {
            RoomChange::Room(change) => {
                let name = news.room.name.unwrap_or_default();
                format!("{} {name} {change:?} {}", news.room.id, news.number)
            }
            other => format!("{other:?}"),
        };
        news.into_iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(news(&[("a", "Desk")]), [""; 0], "the first list is no news");
    assert_eq!(news(&[("a", "Desk")]), [""; 0]);
    assert_eq!(
        news(&[("a", "Front desk"), ("b", "Ops")]),
        ["a Front desk Updated 1", "b Ops Created 1"]
    );
    rooms.joined("b", false, true);
    assert_eq!(tell(&rooms), ["b Joined 2"]);
    assert_eq!(news(&[("a", "Front desk")]), ["b Ops Closed 3"]);
    assert_eq!(tell(&rooms), ["b Left 4"], "who is not listed is not there");
    assert_eq!(
        news(&[("a", "Front desk"), ("b", "Ops")]),
        ["b Ops Created 5"]
    );
}

#[test]
fn what_is_damaged_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    std::fs::write(path.join(FILE), "{").unwrap();
    let rooms = Rooms::new(Some(&path));
    assert_eq!(rooms.listed(), []);
}
