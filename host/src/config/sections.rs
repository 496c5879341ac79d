//! The host's own sections: listeners, journal, roles, reload, limits.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use url::Url;

use super::duration::parse_duration_ms;
use super::names::report_bad_name;
use super::read::{Item, Reader};

const MIB: u64 = 1024 * 1024;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// The shortest and the longest that the past can be kept.
const MIN_KEEP_MS: u64 = DAY_MS / 24;
const MAX_KEEP_MS: u64 = 3650 * DAY_MS;
/// Rooms or users that a file may name.
const MAX_NAMED: usize = 1_000;
/// Patterns that a role may have.
const MAX_PATTERNS: usize = 10_000;

/// Where webhooks and redirects arrive, where the settings do not say.
pub const DEFAULT_HTTP_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8642);

/// Where webhooks and redirects arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// The address listened on as soon as something needs it; none without the section.
    pub listen: Option<SocketAddr>,
    /// What platforms and partners are told.
    pub public_url: Option<Url>,
}

impl HttpConfig {
    /// The address listened on as soon as something needs it.
    pub fn address(&self) -> SocketAddr {
        self.listen.unwrap_or(DEFAULT_HTTP_LISTEN)
    }

    /// What comes before a path in what partners are told; `bound` is where the listener is, once it is.
    pub fn base_url(&self, bound: Option<SocketAddr>) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", bound.unwrap_or_else(|| self.address())),
        }
    }
}

/// The local platform and its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalConfig {
    /// Whether there is one.
    pub enabled: bool,
    /// Where the page is; a loopback address.
    pub listen: SocketAddr,
    /// Rooms that are there from the start.
    pub rooms: Vec<String>,
    /// Users that are there from the start.
    pub users: Vec<String>,
    /// Groups that customer chats can be handed to, with the people who answer for them.
    pub groups: BTreeMap<String, Vec<String>>,
}

/// When a write counts as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It survives a power failure.
    Power,
    /// It survives the end of the process.
    Process,
}

/// The journal on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalConfig {
    /// When a write counts as written.
    pub durability: Durability,
    /// Bytes that it may take.
    pub max_bytes: u64,
    /// Milliseconds that what is finished is kept.
    pub keep_ms: u64,
    /// Milliseconds that dead letters are kept.
    pub keep_dead_ms: u64,
}

/// Whether a change in the folder serves at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadMode {
    /// It does.
    Watch,
    /// It waits for `parlor reload`.
    Manual,
}

/// How changes in the plugin folder are noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadConfig {
    /// Whether a change serves at once.
    pub mode: ReloadMode,
    /// How often the folder is looked through where its file system tells nothing.
    pub poll_interval: Duration,
    /// How long a new build serves on probation at least; zero is none.
    pub probation: Duration,
}

impl Default for ReloadConfig {
    fn default() -> Self {
        Self {
            mode: ReloadMode::Watch,
            poll_interval: Duration::from_secs(2),
            probation: Duration::from_secs(60),
        }
    }
}

/// What all plugins together may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLimits {
    /// Bytes of guest memory; none is half of the machine's.
    pub guest_memory_bytes: Option<u64>,
    /// Instances alive at one time.
    pub instances: u32,
    /// Calls in flight.
    pub calls: u32,
    /// HTTP requests in flight.
    pub http_requests: u32,
    /// How long what is in flight may take to end when the host stops.
    pub grace: Duration,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            guest_memory_bytes: None,
            instances: 1_000,
            calls: 256,
            http_requests: 512,
            grace: Duration::from_secs(10),
        }
    }
}

pub(super) fn read_http(reader: &mut Reader<'_>, item: Option<&Item<'_>>) -> HttpConfig {
    let mut config = HttpConfig {
        listen: None,
        public_url: None,
    };
    let Some(mut table) = item.and_then(|item| item.table(reader)) else {
        return config;
    };
    config.listen = Some(DEFAULT_HTTP_LISTEN);
    if let Some(item) = table.get(reader, "listen") {
        config.listen = item.parse(reader, "an address and a port, \"127.0.0.1:8642\"");
    }
    if let Some(item) = table.get(reader, "public-url") {
        let expected = "an address that begins with https:// or http://";
        config.public_url = item.parse::<Url>(reader, expected);
        if let Some(url) = &config.public_url
            && (!matches!(url.scheme(), "https" | "http")
                || url.host().is_none()
                || url.query().is_some()
                || url.fragment().is_some())
        {
            item.wrong(reader, expected);
        }
    }
    table.finish(reader);
    config
}

pub(super) fn read_local(reader: &mut Reader<'_>, item: Option<&Item<'_>>) -> LocalConfig {
    let mut config = LocalConfig {
        enabled: true,
        listen: SocketAddr::from(([127, 0, 0, 1], 8643)),
        rooms: vec!["lobby".to_owned()],
        users: vec!["you".to_owned()],
        groups: BTreeMap::new(),
    };
    let support = |users: &[String]| BTreeMap::from([("support".to_owned(), users.to_owned())]);
    config.groups = support(&config.users);
    let Some(mut table) = item.and_then(|item| item.table(reader)) else {
        return config;
    };
    if let Some(enabled) = table
        .get(reader, "enabled")
        .and_then(|item| item.flag(reader))
    {
        config.enabled = enabled;
    }
    if let Some(item) = table.get(reader, "listen") {
        let expected = "a loopback address and a port, \"127.0.0.1:8643\"";
        if let Some(listen) = item.parse::<SocketAddr>(reader, expected) {
            // Anyone who reaches the page speaks as anyone.
            if !listen.ip().is_loopback() {
                item.wrong(reader, expected);
            }
            config.listen = listen;
        }
    }
    for (name, list) in [("rooms", &mut config.rooms), ("users", &mut config.users)] {
        if let Some(item) = table.get(reader, name)
            && let Some(names) = item.texts(reader, MAX_NAMED)
        {
            if names.iter().any(|name| name.trim().is_empty()) {
                item.wrong(reader, "names that are not empty");
            }
            *list = names;
        }
    }
    config.groups = match table.get(reader, "groups") {
        Some(item) => read_groups(reader, &item),
        None => support(&config.users),
    };
    table.finish(reader);
    config
}

fn read_groups(reader: &mut Reader<'_>, item: &Item<'_>) -> BTreeMap<String, Vec<String>> {
    let mut groups = BTreeMap::new();
    let Some(table) = item.table(reader) else {
        return groups;
    };
    for item in table.items(reader) {
        let name = item.name.clone();
        if report_bad_name(reader, &item, &name) {
            continue;
        }
        if let Some(people) = item.texts(reader, MAX_NAMED) {
            groups.insert(name, people);
        }
    }
    groups
}

pub(super) fn read_journal(reader: &mut Reader<'_>, item: Option<&Item<'_>>) -> JournalConfig {
    let mut config = JournalConfig {
        durability: Durability::Power,
        max_bytes: 10 * 1024 * MIB,
        keep_ms: DAY_MS,
        keep_dead_ms: 30 * DAY_MS,
    };
    let Some(mut table) = item.and_then(|item| item.table(reader)) else {
        return config;
    };
    let choices = [
        ("power", Durability::Power),
        ("process", Durability::Process),
    ];
    if let Some(durability) = table
        .get(reader, "durability")
        .and_then(|item| item.choice(reader, &choices))
    {
        config.durability = durability;
    }
    if let Some(size) = table
        .get(reader, "max-size-mib")
        .and_then(|item| item.integer(reader, 16..=16 * 1024 * 1024))
    {
        config.max_bytes = size * MIB;
    }
    for (name, keep) in [
        ("keep", &mut config.keep_ms),
        ("keep-dead", &mut config.keep_dead_ms),
    ] {
        let Some(item) = table.get(reader, name) else {
            continue;
        };
        let age = item.value().as_str().and_then(parse_duration_ms);
        match age.filter(|age| (MIN_KEEP_MS..=MAX_KEEP_MS).contains(age)) {
            Some(age) => *keep = age,
            None => item.wrong(reader, "a time from \"1h\" to \"3650d\": \"30d\""),
        }
    }
    table.finish(reader);
    config
}

pub(super) fn read_roles(
    reader: &mut Reader<'_>,
    item: Option<&Item<'_>>,
) -> BTreeMap<String, Vec<String>> {
    let mut roles = BTreeMap::new();
    let Some(table) = item.and_then(|item| item.table(reader)) else {
        return roles;
    };
    for item in table.items(reader) {
        let name = item.name.clone();
        if report_bad_name(reader, &item, &name) {
            continue;
        }
        let Some(patterns) = item.texts(reader, MAX_PATTERNS) else {
            continue;
        };
        if let Some(pattern) = patterns.iter().find(|pattern| !is_glob(pattern)) {
            let problem = item
                .problem(format!("has the pattern \"{pattern}\""))
                .expected("a glob, \"*@acme.com\"");
            reader.report(problem);
        }
        roles.insert(name, patterns);
    }
    roles
}

/// Tells whether a text is a glob.
pub(super) fn is_glob(text: &str) -> bool {
    !text.is_empty() && globset::Glob::new(text).is_ok()
}

pub(super) fn read_reload(reader: &mut Reader<'_>, item: Option<&Item<'_>>) -> ReloadConfig {
    let mut config = ReloadConfig::default();
    let Some(mut table) = item.and_then(|item| item.table(reader)) else {
        return config;
    };
    let choices = [("watch", ReloadMode::Watch), ("manual", ReloadMode::Manual)];
    if let Some(mode) = table
        .get(reader, "mode")
        .and_then(|item| item.choice(reader, &choices))
    {
        config.mode = mode;
    }
    if let Some(interval) = table
        .get(reader, "poll-interval-ms")
        .and_then(|item| item.integer(reader, 50..=3_600_000))
    {
        config.poll_interval = Duration::from_millis(interval);
    }
    if let Some(probation) = table
        .get(reader, "probation-secs")
        .and_then(|item| item.integer(reader, 0..=86_400))
    {
        config.probation = Duration::from_secs(probation);
    }
    table.finish(reader);
    config
}

pub(super) fn read_limits(reader: &mut Reader<'_>, item: Option<&Item<'_>>) -> HostLimits {
    let mut limits = HostLimits::default();
    let Some(mut table) = item.and_then(|item| item.table(reader)) else {
        return limits;
    };
    if let Some(memory) = table
        .get(reader, "guest-memory-mib")
        .and_then(|item| item.integer(reader, 64..=16 * 1024 * 1024))
    {
        limits.guest_memory_bytes = Some(memory * MIB);
    }
    for (name, limit, most) in [
        ("instances", &mut limits.instances, 100_000),
        ("calls", &mut limits.calls, 100_000),
        ("http-requests", &mut limits.http_requests, 100_000),
    ] {
        if let Some(number) = table
            .get(reader, name)
            .and_then(|item| item.integer(reader, 1..=most))
        {
            *limit = u32::try_from(number).unwrap_or(u32::MAX);
        }
    }
    if let Some(seconds) = table
        .get(reader, "grace-secs")
        .and_then(|item| item.integer(reader, 0..=3_600))
    {
        limits.grace = Duration::from_secs(seconds);
    }
    table.finish(reader);
    limits
}
