//! `[plugin.NAME.webhooks.HOOK]`: who may call a plugin from outside, and how they prove it.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use http::HeaderName;

use super::names::is_name;
use super::read::{Item, Reader, Table, one_of};
use crate::web::hooks::config::{
    DEFAULT_PER_MINUTE, Encoding, HookConfig, HookDigest, HookKey, MAX_BODY_BYTES, Verify,
};

/// Webhooks of one plugin.
const MAX_WEBHOOKS: usize = 100;
/// Calls a minute that a webhook may allow.
const MAX_PER_MINUTE: u64 = 600_000;
/// Bytes of what stands before a signature or a token.
const MAX_PREFIX_BYTES: usize = 64;
const KINDS: [&str; 3] = ["hmac-sha256", "token", "basic"];
const HEADER: &str = "a header's name, \"X-Signature\"";

/// One webhook of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSettings {
    /// What it asks of a call.
    pub check: HookConfig,
    /// The bot that the event concerns.
    pub bot: Option<String>,
    /// The conversation that the event belongs to, by id or by name: `reply` goes there.
    pub conversation: Option<String>,
}

/// Reads all webhooks of a plugin. `heard` are the bots that its `only` names; empty: all.
pub(super) fn read_webhooks(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    bots: &BTreeSet<String>,
    heard: &[String],
) -> BTreeMap<String, WebhookSettings> {
    let mut webhooks = BTreeMap::new();
    let Some(table) = item.table(reader) else {
        return webhooks;
    };
    let items = table.items(reader);
    if items.len() > MAX_WEBHOOKS {
        let problem = item
            .problem(format!("has {} entries", items.len()))
            .expected(format!("at most {MAX_WEBHOOKS}"));
        reader.report(problem);
        return webhooks;
    }
    for item in items {
        if !is_name(&item.name) {
            let problem = item
                .spot
                .problem(format!("a webhook cannot be named \"{}\"", item.name))
                .expected("letters, digits, `-`, `_` and `.`");
            reader.report(problem);
            continue;
        }
        if let Some(webhook) = read_webhook(reader, &item, bots, heard) {
            webhooks.insert(item.name, webhook);
        }
    }
    webhooks
}

fn read_webhook(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    bots: &BTreeSet<String>,
    heard: &[String],
) -> Option<WebhookSettings> {
    let mut table = item.table(reader)?;
    let verify = match table.get(reader, "verify") {
        Some(item) => read_verify(reader, &item),
        None => {
            let problem = table
                .spot
                .problem(format!("`verify` is missing in [{}]", table.path))
                .expected(one_of(KINDS.into_iter().chain(["\"none\""])))
                .hint("`verify = \"none\"` takes calls from anybody");
            reader.report(problem);
            None
        }
    };
    let delivery_id = table
        .get(reader, "delivery-id")
        .and_then(|item| item.parse::<HeaderName>(reader, HEADER));
    let per_minute = table
        .get(reader, "per-minute")
        .and_then(|item| item.integer(reader, 1..=MAX_PER_MINUTE))
        .and_then(|most| NonZeroU32::new(u32::try_from(most).ok()?));
    let max_body_bytes = table
        .get(reader, "max-body-kib")
        .and_then(|item| item.integer(reader, 1..=(MAX_BODY_BYTES / 1024) as u64))
        .and_then(|kib| usize::try_from(kib * 1024).ok());
    let bot = table
        .get(reader, "bot")
        .and_then(|item| read_bot(reader, &item, bots, heard));
    let place = table.get(reader, "conversation");
    let conversation = place.as_ref().and_then(|item| item.text(reader));
    let bot = match (&place, bot) {
        (Some(place), None) => the_only_bot(reader, place, bots, heard),
        (_, bot) => bot,
    };
    if let Some(item) = place.filter(|_| conversation.is_some_and(|text| text.trim().is_empty())) {
        item.wrong(reader, "a conversation's id or name");
    }
    table.finish(reader);
    Some(WebhookSettings {
        check: HookConfig {
            verify: verify?,
            delivery_id,
            max_body_bytes: max_body_bytes.unwrap_or(MAX_BODY_BYTES),
            per_minute: per_minute.unwrap_or(DEFAULT_PER_MINUTE),
        },
        bot,
        conversation: conversation.map(str::to_owned),
    })
}

fn read_bot(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    bots: &BTreeSet<String>,
    heard: &[String],
) -> Option<String> {
    let name = item.text(reader)?;
    if !bots.contains(name) {
        let problem = item
            .problem(format!("is \"{name}\", which is not set up"))
            .expected(one_of(bots.iter().map(String::as_str)));
        reader.report(problem);
        return None;
    }
    if !heard.is_empty() && !heard.iter().any(|bot| bot == name) {
        let problem = item
            .problem(format!("is \"{name}\", which `only` leaves out"))
            .expected(one_of(heard.iter().map(String::as_str)));
        reader.report(problem);
        return None;
    }
    Some(name.to_owned())
}

/// The bot of a webhook that names a conversation and no bot.
fn the_only_bot(
    reader: &mut Reader<'_>,
    conversation: &Item<'_>,
    bots: &BTreeSet<String>,
    heard: &[String],
) -> Option<String> {
    let mut known: Vec<&str> = match heard {
        [] => bots.iter().map(String::as_str).collect(),
        heard => heard.iter().map(String::as_str).collect(),
    };
    match (known.pop(), known.is_empty()) {
        (Some(bot), true) => Some(bot.to_owned()),
        (last, _) => {
            let names = known.iter().copied().chain(last);
            let problem = conversation
                .problem("does not say of which bot")
                .expected(format!("`bot` beside it, {}", one_of(names)));
            reader.report(problem);
            None
        }
    }
}

fn read_verify(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Verify> {
    if !item.is_table() {
        // `none` is the only one that needs nothing else.
        return item.choice(reader, &[("none", ())]).map(|()| Verify::None);
    }
    let mut table = item.table(reader)?;
    let before = reader.problems.len();
    let mut found = Vec::new();
    if let Some(item) = table.get(reader, "hmac-sha256") {
        found.push(read_hmac(reader, &item));
    }
    if let Some(item) = table.get(reader, "token") {
        found.push(read_token(reader, &item));
    }
    if let Some(item) = table.get(reader, "basic") {
        found.push(read_basic(reader, &item));
    }
    let asked = found.len();
    let verify = found.into_iter().flatten().next();
    table.finish(reader);
    if asked != 1 && reader.problems.len() == before {
        let problem = item
            .problem(format!("asks for {asked} proofs"))
            .expected(one_of(KINDS));
        reader.report(problem);
    }
    verify
}

fn read_hmac(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Verify> {
    let mut table = item.table(reader)?;
    let secret = table
        .require(reader, "secret")
        .and_then(|item| item.secret(reader));
    let header = require_header(reader, &mut table);
    let prefix = read_prefix(reader, &mut table);
    let choices = [("hex", Encoding::Hex), ("base64", Encoding::Base64)];
    let encoding = table
        .get(reader, "encoding")
        .and_then(|item| item.choice(reader, &choices))
        .unwrap_or_default();
    table.finish(reader);
    Some(Verify::HmacSha256 {
        key: HookKey::new(secret?.expose()),
        header: header?,
        prefix,
        encoding,
    })
}

fn read_token(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Verify> {
    let mut table = item.table(reader)?;
    let token = table
        .require(reader, "value")
        .and_then(|item| item.secret(reader));
    let header = require_header(reader, &mut table);
    let prefix = read_prefix(reader, &mut table);
    table.finish(reader);
    Some(Verify::Token {
        header: header?,
        prefix,
        token: HookDigest::of(token?.expose().as_bytes()),
    })
}

fn read_basic(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Verify> {
    let mut table = item.table(reader)?;
    let username = table.require(reader, "username").and_then(|item| {
        let name = item.text(reader)?;
        if name.contains(':') {
            item.wrong(reader, "a user name without `:`");
            return None;
        }
        Some(name)
    });
    let password = table
        .require(reader, "password")
        .and_then(|item| item.secret(reader));
    table.finish(reader);
    Some(Verify::Basic {
        username: HookDigest::of(username?.as_bytes()),
        password: HookDigest::of(password?.expose().as_bytes()),
    })
}

fn require_header(reader: &mut Reader<'_>, table: &mut Table<'_>) -> Option<HeaderName> {
    table
        .require(reader, "header")
        .and_then(|item| item.parse(reader, HEADER))
}

fn read_prefix(reader: &mut Reader<'_>, table: &mut Table<'_>) -> String {
    let Some(item) = table.get(reader, "prefix") else {
        return String::new();
    };
    let prefix = item.text(reader).unwrap_or_default();
    if prefix.len() > MAX_PREFIX_BYTES || !prefix.chars().all(|c| matches!(c, ' '..='~')) {
        item.wrong(reader, "what stands before it in the header, \"sha256=\"");
    }
    prefix.to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{PluginScope, Settings, parse_plugin_file};

    fn environment(name: &str) -> Option<String> {
        (name == "PAGER_SECRET").then(|| "s3cret".to_owned())
    }

    fn parse(text: &str) -> Result<Settings, Vec<super::super::Problem>> {
        Settings::parse(Path::new("/etc/parlor/parlor.toml"), text, &environment)
    }

    /// Checks the one message that a text gives.
    #[track_caller]
    fn check(text: &str, message: &str) {
        let problems = parse(text).unwrap_err();
        let messages: Vec<String> = problems
            .iter()
            .map(|problem| problem.to_string().replace("/etc/parlor/", ""))
            .collect();
        assert_eq!(messages, [message], "{text}");
    }

    #[test]
    fn reads_each_way_to_prove_a_sender() {
        let settings = parse(
            r#"
[[bot]]
name = "desk"
platform = "local"
[[bot]]
name = "other"
platform = "local"
[plugin.alerts.webhooks.pager]
verify.hmac-sha256 = { secret = "${PAGER_SECRET}", header = "X-Hub-Signature-256", prefix = "sha256=" }
delivery-id = "X-GitHub-Delivery"
per-minute = 60
max-body-kib = 64
bot = "desk"
conversation = "Ops"
[plugin.alerts.webhooks.token]
verify.token = { value = "${PAGER_SECRET}", header = "Authorization", prefix = "Bearer " }
[plugin.alerts.webhooks.basic]
verify.basic = { username = "pager", password = "${PAGER_SECRET}" }
[plugin.alerts.webhooks.open]
verify = "none"
"#,
        )
        .unwrap();
        let webhooks = &settings.plugins["alerts"].webhooks;
        let pager = &webhooks["pager"];
        assert_eq!(
            pager.check.verify,
            Verify::HmacSha256 {
                key: HookKey::new("s3cret"),
                header: HeaderName::from_static("x-hub-signature-256"),
                prefix: "sha256=".to_owned(),
                encoding: Encoding::Hex,
            }
        );
        assert_eq!(
            pager.check.delivery_id,
            Some(HeaderName::from_static("x-github-delivery"))
        );
        assert_eq!(
            (pager.check.per_minute.get(), pager.check.max_body_bytes),
            (60, 65_536)
        );
        assert_eq!(pager.bot.as_deref(), Some("desk"));
        assert_eq!(pager.conversation.as_deref(), Some("Ops"));
        let names: Vec<&str> = webhooks
            .values()
            .map(|webhook| webhook.check.verify.name())
            .collect();
        assert_eq!(names, ["basic", "none", "hmac-sha256", "token"]);
        assert_eq!(webhooks["open"].check.per_minute, DEFAULT_PER_MINUTE);
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn the_only_bot_need_not_be_named() {
        let text = "[plugin.a.webhooks.h]\nverify = \"none\"\nconversation = \"Ops\"\n";
        let settings = parse(text).unwrap();
        let bot = settings.plugins["a"].webhooks["h"].bot.as_deref();
        assert_eq!(bot, Some(super::super::DEFAULT_BOT));
    }

    #[test]
    fn names_the_line_of_each_mistake() {
        check(
            "[plugin.a.webhooks.h]\nper-minute = 1\n",
            "parlor.toml:1: `verify` is missing in [plugin.a.webhooks.h]; expected one of `hmac-sha256`, `token`, `basic`, `\"none\"`; `verify = \"none\"` takes calls from anybody",
        );
        check(
            "[plugin.a.webhooks.h]\nverify = \"nono\"\n",
            "parlor.toml:2: `verify` in [plugin.a.webhooks.h] is \"nono\"; expected `none`; did you mean `none`?",
        );
        check(
            "[plugin.a.webhooks.h]\nverify = {}\n",
            "parlor.toml:2: `verify` in [plugin.a.webhooks.h] asks for 0 proofs; expected one of `hmac-sha256`, `token`, `basic`",
        );
        check(
            "[plugin.a.webhooks.h.verify]\nhmac-sha256 = { secret = \"${PAGER_SECRET}\" }\n",
            "parlor.toml:2: `header` is missing in [plugin.a.webhooks.h.verify.hmac-sha256]",
        );
        check(
            "[plugin.a.webhooks.h.verify]\nhmac-sha256 = { secret = \"${NONE}\", header = \"x\" }\n",
            "parlor.toml:2: `secret` in [plugin.a.webhooks.h.verify.hmac-sha256] cannot be read: environment variable `NONE` is not set",
        );
        check(
            "[plugin.a.webhooks.h.verify]\ntoken = { value = \"${PAGER_SECRET}\", header = \"a b\" }\n",
            "parlor.toml:2: `header` in [plugin.a.webhooks.h.verify.token] is \"a b\"; expected a header's name, \"X-Signature\"",
        );
        check(
            "[plugin.a.webhooks.h.verify]\nbasic = { username = \"a:b\", password = \"${PAGER_SECRET}\" }\n",
            "parlor.toml:2: `username` in [plugin.a.webhooks.h.verify.basic] is \"a:b\"; expected a user name without `:`",
        );
        check(
            "[plugin.a.webhooks.h]\nverify = \"none\"\nmax-body-kib = 2048\n",
            "parlor.toml:3: `max-body-kib` in [plugin.a.webhooks.h] is the number 2048; expected a whole number from 1 to 1024",
        );
        check(
            "[plugin.a.webhooks.h]\nverify = \"none\"\nbot = \"desk\"\n",
            "parlor.toml:3: `bot` in [plugin.a.webhooks.h] is \"desk\", which is not set up; expected `parlor`",
        );
        check(
            "[plugin.a.webhooks.\"a/b\"]\nverify = \"none\"\n",
            "parlor.toml:1: a webhook cannot be named \"a/b\"; expected letters, digits, `-`, `_` and `.`",
        );
        check(
            "[plugin.a.webhooks.h]\nverify = \"none\"\nrate = 1\n",
            "parlor.toml:3: unknown key `rate` in [plugin.a.webhooks.h]; expected one of `verify`, `delivery-id`, `per-minute`, `max-body-kib`, `bot`, `conversation`",
        );
        let two = "[[bot]]\nname = \"a\"\nplatform = \"local\"\n[[bot]]\nname = \"b\"\nplatform = \"local\"\n";
        check(
            &format!("{two}[plugin.a.webhooks.h]\nverify = \"none\"\nconversation = \"Ops\"\n"),
            "parlor.toml:9: `conversation` in [plugin.a.webhooks.h] does not say of which bot; expected `bot` beside it, one of `a`, `b`",
        );
        check(
            &format!(
                "{two}[plugin.a]\nonly.bots = [\"a\"]\n[plugin.a.webhooks.h]\nverify = \"none\"\nbot = \"b\"\n"
            ),
            "parlor.toml:11: `bot` in [plugin.a.webhooks.h] is \"b\", which `only` leaves out; expected `a`",
        );
    }

    #[test]
    fn a_plugins_own_file_has_webhooks_too() {
        let scope = PluginScope {
            bots: ["parlor".to_owned()].into(),
            ..PluginScope::default()
        };
        let file = Path::new("/p/alerts.toml");
        let text = "[webhooks.pager]\nverify = \"none\"\n";
        let own = parse_plugin_file(file, text, "alerts", &scope, &environment).unwrap();
        assert!(own.webhooks.contains_key("pager"));
        let text = "\n[webhooks.pager]\n";
        let wrong = parse_plugin_file(file, text, "alerts", &scope, &environment).unwrap_err();
        assert!(
            wrong[0]
                .to_string()
                .starts_with("/p/alerts.toml:2: `verify` is missing")
        );
    }
}
