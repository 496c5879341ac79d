use super::*;
use crate::connectors::lseg::wire::ListedRoom;

fn list(rooms: &[(&str, &str)]) -> RoomList {
    let room = |(id, name): &(&str, &str)| ListedRoom {
        id: (*id).to_owned(),
        name: Some((*name).to_owned()),
        status: None,
    };
    RoomList {
        rooms: rooms.iter().map(|pair| (room(pair), false)).collect(),
        knows_managed: true,
    }
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
    let (found, missing) = rooms.wanted(&named(&["b"]));
    assert_eq!(
        (ids(&found), missing.len()),
        (vec!["b"], 0),
        "by its id too"
    );
}

#[test]
fn managed_rooms_of_which_nothing_is_known_stay_as_they_are() {
    let rooms = Rooms::new(None);
    let mut whole = list(&[("a", "Desk"), ("m", "Compliance")]);
    whole.rooms[1].1 = true;
    rooms.take(&whole);
    rooms.joined("m", true, false);
    let half = RoomList {
        knows_managed: false,
        ..list(&[("b", "Ops")])
    };
    let gone = |list: &RoomList| {
        let news = rooms.news(list);
        let closed = |news: &RoomNews| news.what == RoomChange::Room(ConversationChanged::Closed);
        let gone = news.into_iter().filter(closed);
        gone.map(|news| news.room.id).collect::<Vec<_>>()
    };
    assert_eq!(gone(&half), ["a"]);
    rooms.take(&half);
    assert!(rooms.is_in("m"));
    assert_eq!(gone(&list(&[("b", "Ops")])), ["m"]);
}

#[test]
fn a_first_list_that_is_not_whole_makes_no_news_of_the_rest() {
    let rooms = Rooms::new(None);
    let half = RoomList {
        knows_managed: false,
        ..list(&[("a", "Desk")])
    };
    rooms.take(&half);
    let whole = list(&[("a", "Desk"), ("m", "Compliance")]);
    assert_eq!(rooms.news(&whole), []);
}

#[test]
fn who_is_asked_in_goes_there_over_restarts_until_it_is_there_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let rooms = Rooms::new(Some(&path));
    rooms.ask_in("a");
    rooms.ask_in("b");
    let rooms = Rooms::new(Some(&path));
    let wanted = |rooms: &Rooms| ids(&rooms.wanted(&named(&[])).0).join(" ");
    assert_eq!(wanted(&rooms), "a b");
    rooms.refused("a");
    rooms.joined("b", false, false);
    assert_eq!(wanted(&rooms), "", "b is not listed yet");
    rooms.take(&list(&[("b", "Ops")]));
    assert_eq!(wanted(&rooms), "b", "it was asked in, and stays");
    rooms.left("b");
    assert!(rooms.was_left("b"));
    rooms.ask_in("b");
    assert!(!rooms.was_left("b"), "who is asked anew may come again");
}

#[test]
fn what_is_being_made_is_known_over_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let rooms = Rooms::new(Some(&path));
    rooms.begin_making("part", vec!["old".to_owned()]);
    let rooms = Rooms::new(Some(&path));
    let making = rooms.making("part").unwrap();
    assert_eq!(
        (making.before.as_slice(), making.made),
        (&["old".to_owned()][..], None)
    );
    rooms.made("part", "new", "Tigers");
    let rooms = Rooms::new(Some(&path));
    assert_eq!(rooms.making("part").unwrap().made.as_deref(), Some("new"));
    rooms.end_making("part");
    assert_eq!(Rooms::new(Some(&path)).making("part"), None);
}

#[test]
fn a_room_that_was_made_while_rooms_were_listed_is_not_gone() {
    let rooms = Rooms::new(None);
    rooms.take(&list(&[("a", "Desk")]));
    rooms.begin_list();
    rooms.made("part", "new", "Tigers");
    rooms.joined("new", false, true);
    let before = list(&[("a", "Desk")]);
    assert_eq!(rooms.news(&before), []);
    rooms.take(&before);
    assert!(rooms.is_in("new"));
    // The next list is asked for after it was made.
    rooms.begin_list();
    assert_eq!(rooms.news(&before).len(), 1);
}

#[test]
fn who_goes_nowhere_when_asked_is_asked_in_vain() {
    let rooms = Rooms::new(None);
    rooms.ask_in("a");
    rooms.decline_all();
    assert_eq!(rooms.asked_into(), []);
}

#[test]
fn what_the_session_before_wrote_at_its_end_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let before = Rooms::new(Some(&path));
    before.joined("a", false, true);
    // Made for new settings, while the session before goes on.
    let next = Rooms::new(Some(&path));
    before.left("a");
    assert!(next.was_left("a"));
}

#[test]
fn a_room_that_is_over_makes_place_for_another() {
    let rooms = Rooms::new(None);
    let many: Vec<String> = (0..MAX_ROOMS)
        .map(|number| format!("r{number:05}"))
        .collect();
    let pairs: Vec<(&str, &str)> = many.iter().map(|id| (id.as_str(), "Desk")).collect();
    rooms.take(&list(&pairs));
    rooms.ask_in("another");
    assert!(
        rooms.find("another").is_none(),
        "all of them are somebody's"
    );
    rooms.take(&list(&pairs[1..]));
    rooms.ask_in("another");
    assert!(rooms.find("another").is_some());
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
    // What it numbers from now on is told apart from what was told before.
    rooms.joined("a", false, true);
    assert!(rooms.untold()[0].era > 0);
}
