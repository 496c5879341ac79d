//! What a model test does to a journal: steps of chance that name what they mean by its place in a
//! list, so that any few of them are a test too.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::subsequence;

/// Who gets events.
pub(crate) const PLUGINS: [&str; 2] = ["joke", "poll"];
/// Who says things.
pub(crate) const USERS: [&str; 2] = ["u0", "u1"];
/// Where.
pub(crate) const LANES: [&str; 2] = ["room-0", "room-1"];
/// Where broadcasts go.
pub(crate) const TARGETS: [&str; 3] = ["hall-0", "hall-1", "hall-2"];
/// Scopes of state: the plugin's, a user's, a conversation's.
pub(crate) const SCOPES: [&str; 3] = ["p", "uu0", "croom-0"];
/// Keys of state.
pub(crate) const KEYS: [&str; 3] = ["a", "b", "cc"];
/// Names of timers.
pub(crate) const TIMERS: [&str; 2] = ["t0", "t1"];
/// Names of messages.
pub(crate) const NAMES: [&str; 2] = ["n0", "n1"];
/// Different keys of events, so that many come twice.
const EVENT_KEYS: usize = 12;

/// An event that arrives.
#[derive(Clone, Debug)]
pub(crate) struct In {
    pub(crate) key: usize,
    pub(crate) user: &'static str,
    pub(crate) lane: &'static str,
    pub(crate) plugins: Vec<&'static str>,
    /// Its content need not be fetched first.
    pub(crate) is_routed: bool,
}

/// How long a value lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Lasting,
    /// Half a day.
    Soon,
    /// It is over when it comes.
    Over,
}

/// What a turn does to a value.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Set(u8, Life),
    Delete,
    Add(i8),
}

/// What a turn does.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// It depends on everything that was looked at for its plugin.
    pub(crate) uses_looks: bool,
    pub(crate) state: Vec<(&'static str, &'static str, Change)>,
    pub(crate) parts: usize,
    /// The first part is marked as being sent.
    pub(crate) sending: bool,
    /// The first part sends this file.
    pub(crate) file: Option<u8>,
    /// Targets, and parts for each.
    pub(crate) broadcast: Option<(usize, usize)>,
    /// Timers set, or ended where there is no moment.
    pub(crate) timers: Vec<(&'static str, Option<u64>)>,
    pub(crate) requests: usize,
}

/// What became of a part.
#[derive(Clone, Debug)]
pub(crate) enum Mark {
    Sending,
    Queued,
    Sent(Option<&'static str>, i64),
    Failed,
    Skipped,
}

/// How a delivery ends without a turn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Again(u32),
    Refused,
    Failed,
    Expired,
}

/// When the journal is pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// Before anything is old.
    Hour,
    /// When what is finished is.
    Day,
    /// When dead letters are.
    Month,
}

/// A step. The numbers are places in lists of what there is, taken round.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Accept(Vec<In>),
    Route(usize, Vec<&'static str>),
    /// Looks at a value, or at which keys a scope has.
    Look(&'static str, &'static str, Option<&'static str>),
    Commit(usize, Plan),
    End(usize, End),
    /// A call that ends after its delivery has; with a turn or without.
    Late(usize, bool),
    PutBack(usize),
    Record(Vec<(usize, Mark)>),
    Expand(usize, usize),
    MarkRequest(usize, bool),
    Answer(usize),
    AnswerAgain(usize),
    /// A timer's firing, and when it is due next; off where it was set anew meanwhile.
    Fire(usize, Option<u64>, bool),
    Park(&'static str, bool),
    HostValue(u8),
    Prune(Age),
    Forget(&'static str),
}

fn one<const N: usize>(of: [&'static str; N]) -> impl Strategy<Value = &'static str> + Clone {
    proptest::sample::select(of.to_vec())
}

fn arrival() -> impl Strategy<Value = In> {
    let plugins = subsequence(PLUGINS.to_vec(), 0..=PLUGINS.len());
    let is_routed = proptest::bool::weighted(0.85);
    (0..EVENT_KEYS, one(USERS), one(LANES), plugins, is_routed).prop_map(
        |(key, user, lane, plugins, is_routed)| In {
            key,
            user,
            lane,
            plugins,
            is_routed,
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let life = prop_oneof![
        4 => Just(Life::Lasting),
        1 => Just(Life::Soon),
        1 => Just(Life::Over),
    ];
    prop_oneof![
        3 => (any::<u8>(), life).prop_map(|(value, life)| Change::Set(value, life)),
        1 => Just(Change::Delete),
        2 => any::<i8>().prop_map(Change::Add),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let state = vec((one(SCOPES), one(KEYS), change()), 0..4);
    let parts = (0..3usize, any::<bool>(), option::weighted(0.3, 0..3u8));
    let broadcast = option::weighted(0.2, (1..=TARGETS.len(), 1..=2usize));
    let timers = vec((one(TIMERS), option::weighted(0.8, 1..6u64)), 0..2);
    (any::<bool>(), state, parts, broadcast, timers, 0..2usize).prop_map(
        |(uses_looks, state, (parts, sending, file), broadcast, timers, requests)| Plan {
            uses_looks,
            state,
            parts,
            sending,
            file,
            broadcast,
            timers,
            requests,
        },
    )
}

fn mark() -> impl Strategy<Value = Mark> {
    prop_oneof![
        3 => Just(Mark::Sending),
        1 => Just(Mark::Queued),
        3 => (option::of(one(NAMES)), -1..=1i64).prop_map(|(name, joins)| Mark::Sent(name, joins)),
        1 => Just(Mark::Failed),
        1 => Just(Mark::Skipped),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        2 => (2..4u32).prop_map(End::Again),
        1 => Just(End::Refused),
        2 => Just(End::Failed),
        1 => Just(End::Expired),
    ]
}

/// Any step.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    let place = 0..64usize;
    let age = prop_oneof![
        1 => Just(Age::Hour),
        3 => Just(Age::Day),
        1 => Just(Age::Month),
    ];
    let routes = subsequence(PLUGINS.to_vec(), 0..=PLUGINS.len());
    let next = option::of(1..6u64);
    prop_oneof![
        12 => vec(arrival(), 1..4).prop_map(Step::Accept),
        3 => (place.clone(), routes).prop_map(|(at, plugins)| Step::Route(at, plugins)),
        3 => (one(PLUGINS), one(SCOPES), option::of(one(KEYS)))
            .prop_map(|(plugin, scope, key)| Step::Look(plugin, scope, key)),
        12 => (place.clone(), plan()).prop_map(|(at, plan)| Step::Commit(at, plan)),
        5 => (place.clone(), end()).prop_map(|(at, end)| Step::End(at, end)),
        2 => (place.clone(), any::<bool>()).prop_map(|(at, commits)| Step::Late(at, commits)),
        3 => place.clone().prop_map(Step::PutBack),
        8 => vec((place.clone(), mark()), 1..3).prop_map(Step::Record),
        3 => (place.clone(), 1..4usize).prop_map(|(at, rows)| Step::Expand(at, rows)),
        2 => (place.clone(), any::<bool>()).prop_map(|(at, is)| Step::MarkRequest(at, is)),
        2 => place.clone().prop_map(Step::Answer),
        1 => place.clone().prop_map(Step::AnswerAgain),
        3 => (place, next, proptest::bool::weighted(0.2))
            .prop_map(|(at, next, is_off)| Step::Fire(at, next, is_off)),
        1 => (one(PLUGINS), any::<bool>()).prop_map(|(plugin, is)| Step::Park(plugin, is)),
        1 => any::<u8>().prop_map(Step::HostValue),
        2 => age.prop_map(Step::Prune),
        1 => one(USERS).prop_map(Step::Forget),
    ]
}
