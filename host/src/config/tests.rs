mod egress;
mod livechat;
mod local;
mod lseg;
mod symphony;
mod webex;

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::model::config::ConfigValue;
use crate::model::description::{
    CommandSpec, ConfigKey, ConfigKind, Description, MentionRule, Subscriptions,
};
use crate::outbox::InDoubt;

fn environment(name: &str) -> Option<String> {
    (name == "API_TOKEN").then(|| "s3cret".to_owned())
}

fn parse(text: &str) -> Result<Settings, Vec<Problem>> {
    Settings::parse(Path::new("/etc/parlor/parlor.toml"), text, &environment)
}

fn messages(text: &str) -> Vec<String> {
    parse(text)
        .unwrap_err()
        .iter()
        .map(|problem| problem.to_string().replace("/etc/parlor/", ""))
        .collect()
}

/// Checks the one message that a text gives.
fn check(text: &str, message: &str) {
    assert_eq!(messages(text), [message], "{text}");
}

#[test]
fn reads_every_section() {
    let settings = parse(
        r#"
data = "state"
plugins = "/srv/plugins"
[http]
listen = "127.0.0.1:9000"
public-url = "https://bots.acme.com"
[local]
listen = "127.0.0.1:0"
rooms = ["desk"]
users = ["ann", "bob"]
[journal]
durability = "process"
max-size-mib = 64
[outbox]
in-doubt = "drop"
doubt-wait = "2s"
[[bot]]
name = "desk"
platform = "local"
[roles]
staff = ["*@acme.com"]
[plugin.joke]
fresh = true
only = { bots = ["desk"], conversations = ["Desk *"], external = false }
allow = { "*" = ["staff"] }
config = { source = "https://jokes.example/random", n = 3, x = 1.5, yes = true, l = ["a"] }
grants.http = [
  "GET https://jokes.example/random",
  { allow = "* https://*.acme.net/v1/*" },
]
grants.actions = ["send-user"]
grants.reads = ["history"]
limits = { memory-mib = 32, cpu-ms = 50, deadline-ms = 1000, instances = 2 }
[plugin.other]
artifact = "joke.wasm"
enabled = false
[reload]
mode = "manual"
poll-interval-ms = 100
[limits]
guest-memory-mib = 512
instances = 5
[log]
level = "debug"
"#,
    )
    .unwrap();
    assert_eq!(settings.data, Path::new("/etc/parlor/state"));
    assert_eq!(settings.plugins_folder, Path::new("/srv/plugins"));
    assert_eq!(settings.local.users, ["ann", "bob"]);
    assert_eq!(settings.journal.durability, Durability::Process);
    assert_eq!(settings.journal.max_bytes, 64 * 1024 * 1024);
    assert_eq!(settings.outbox.in_doubt, InDoubt::Drop);
    assert_eq!(settings.outbox.doubt_wait, Duration::from_secs(2));
    assert_eq!(settings.reload.mode, ReloadMode::Manual);
    assert_eq!(settings.reload.poll_interval, Duration::from_millis(100));
    assert_eq!(settings.limits.guest_memory_bytes, Some(512 * 1024 * 1024));
    assert_eq!(settings.log, LogConfig::at(LogLevel::Debug));
    let joke = &settings.plugins["joke"];
    assert_eq!(
        joke.grants.http[0].allow,
        "GET https://jokes.example/random"
    );
    assert_eq!(joke.grants.http[1].allow, "* https://*.acme.net/v1/*");
    assert_eq!(joke.limits.memory_bytes, 32 * 1024 * 1024);
    assert_eq!(joke.limits.instances, 2);
    assert_eq!(joke.limits.actions, DEFAULT_LIMITS.actions);
    assert_eq!(joke.only.external, Some(false));
    assert!(joke.fresh && joke.enabled && !settings.plugins["other"].enabled);
    assert_eq!(settings.plugins_of("joke", false), ["joke", "other"]);
}

#[test]
fn an_empty_file_is_the_defaults() {
    let settings = parse("").unwrap();
    assert_eq!(settings.bots[0].name, DEFAULT_BOT);
    assert_eq!(settings.http.listen, None);
    assert!(settings.local.listen.ip().is_loopback());
    assert_eq!(settings.plugins_folder, Path::new("/etc/parlor/plugins"));
}

#[test]
fn names_the_line_of_each_mistake() {
    check(
        "data = \"d\"\n\n[http]\nlisen = \"127.0.0.1:1\"\n",
        "parlor.toml:4: unknown key `lisen` in [http]; expected one of `listen`, `public-url`; did you mean `listen`?",
    );
    check(
        "[outbox]\ndoubt-wait = \"1h\"\n",
        "parlor.toml:2: `doubt-wait` in [outbox] is \"1h\"; expected a time of at most 10 minutes, \"10s\"",
    );
    check(
        "[local]\nlisten = 8643\n",
        "parlor.toml:2: `listen` in [local] is the number 8643; expected text in quotes",
    );
    check(
        "[local]\nlisten = \"0.0.0.0:8643\"\n",
        "parlor.toml:2: `listen` in [local] is \"0.0.0.0:8643\"; expected a loopback address and a port, \"127.0.0.1:8643\"",
    );
    check(
        "\n[journal]\ndurability = \"powre\"\n",
        "parlor.toml:3: `durability` in [journal] is \"powre\"; expected one of `power`, `process`; did you mean `power`?",
    );
    check(
        "[plugin.joke]\nlimits = { cpu-ms = 0 }\n",
        "parlor.toml:2: `cpu-ms` in [plugin.joke.limits] is the number 0; expected a whole number from 1 to 60000",
    );
    check(
        "[plugin.joke.limits]\ncpu-mss = 1\n",
        &format!(
            "parlor.toml:2: unknown key `cpu-mss` in [plugin.joke.limits]; expected one of {}; did you mean `cpu-ms`?",
            "`memory-mib`, `table-elements`, `cpu-ms`, `deadline-ms`, `instances`, `actions`, `message-kib`, `attachment-mib`, `broadcast`, `log-kib`, `state-value-kib`, `state-mib`, `http-requests`, `http-open`, `http-body-mib`, `timers`"
        ),
    );
    check(
        "[[bot]]\nname = \"a\"\nplatform = \"matrix\"\nhost = \"x\"\n",
        "parlor.toml:3: `platform` in entry 1 of `bot` is \"matrix\", which is not supported yet by this version; expected one of `livechat`, `local`, `lseg`, `symphony`, `webex`",
    );
    check(
        "[[bot]]\nplatform = \"local\"\n",
        "parlor.toml:1: `name` is missing in entry 1 of `bot`",
    );
    check(
        "[plugin.joke]\nallow = { tell = [\"staff\"] }\n",
        "parlor.toml:2: `tell` in [plugin.joke.allow] names the role \"staff\", which is not set up; no role is set up",
    );
    check(
        "[plugin.joke]\nonly = { bots = [\"desk\"] }\n",
        "parlor.toml:2: `bots` in [plugin.joke.only] names the bot \"desk\", which is not set up; expected `parlor`",
    );
}

#[test]
fn refuses_grants_that_are_not_exact() {
    let expected = "a method and an address, \"GET https://api.example.com/v1/*\"";
    for wrong in [
        "https://a.example/",
        "FETCH https://a.example/",
        "GET ftp://a.example/",
        "GET https://a.*.example/",
        "GET https://a.example/?q=1",
    ] {
        check(
            &format!("[plugin.joke]\ngrants.http = [\n  \"{wrong}\"]\n"),
            &format!(
                "parlor.toml:3: entry 1 of `http` in [plugin.joke.grants] is \"{wrong}\"; expected {expected}"
            ),
        );
    }
    check(
        "[plugin.joke]\ngrants.http = [\"GET https://user:pw@a.example/\"]\n",
        "parlor.toml:2: entry 1 of `http` in [plugin.joke.grants] has an `@`, as before a password; expected `basic` beside `allow` for a user name and a password",
    );
    let wrong = messages("[plugin.joke]\ngrants.actions = [\"send-usr\"]\n");
    assert!(wrong[0].ends_with("did you mean `send-user`?"), "{wrong:?}");
}

#[test]
fn says_which_secret_is_missing() {
    check(
        "[plugin.joke]\ngrants.http = [{ allow = \"GET https://a.example/\", bearer = \"${NONE}\" }]\n",
        "parlor.toml:2: `bearer` in entry 1 of `http` in [plugin.joke.grants] cannot be read: environment variable `NONE` is not set",
    );
    let message = messages(
        "[plugin.joke]\ngrants.http = [{ allow = \"GET https://a.example/\", bearer = \"file:nope\" }]\n",
    );
    assert!(message[0].contains("nope: No such file"), "{message:?}");
}

#[test]
fn a_secret_is_no_config_of_a_plugin() {
    for text in ["${API_TOKEN}", "file:key"] {
        let message = messages(&format!("[plugin.joke]\nconfig = {{ k = \"{text}\" }}\n"));
        assert!(message[0].starts_with(
            "parlor.toml:2: `k` in [plugin.joke.config] holds `${…}` or `file:`, and the plugin can read it"
        ));
        assert!(!message[0].contains("s3cret"));
    }
}

#[test]
fn reports_all_mistakes_in_order() {
    let lines: Vec<usize> = parse("[log]\nlevel = 3\n[reload]\nmod = 1\n[http]\nlisten = \"x\"\n")
        .unwrap_err()
        .iter()
        .map(|problem| problem.line)
        .collect();
    assert_eq!(lines, [2, 4, 6]);
}

#[test]
fn syntax_errors_have_their_line() {
    for (text, line) in [
        ("a = \n", 1),
        ("[http]\nlisten = \"x\nb = 1\n", 2),
        ("[log]\nlevel = \"info\"\n[log]\n", 3),
        ("[log]\nlevel = \"info\"\nlevel = \"warn\"\n", 3),
    ] {
        assert_eq!(parse(text).unwrap_err()[0].line, line, "{text}");
    }
}

#[test]
fn a_plugin_has_settings_in_one_place() {
    let settings = parse("[plugin.joke]\nfresh = true\n").unwrap();
    let path = Path::new("/p/joke.toml");
    assert!(settings.plugin("joke", None).unwrap().fresh);
    let both = settings.plugin("joke", Some((path, ""))).unwrap_err();
    assert_eq!(
        both[0].to_string(),
        "/etc/parlor/parlor.toml:1: plugin joke has settings here and in /p/joke.toml; expected one of the two"
    );
    let own = settings.plugin("echo", Some((Path::new("/p/echo.toml"), "fresh = true\n")));
    assert!(own.unwrap().fresh);
    let wrong = settings
        .plugin("echo", Some((Path::new("/p/echo.toml"), "\nfrseh = 1\n")))
        .unwrap_err();
    assert!(
        wrong[0]
            .to_string()
            .starts_with("/p/echo.toml:2: unknown key `frseh`; expected one of"),
        "{wrong:?}"
    );
    assert!(settings.plugin("none", None).unwrap().enabled);
}

#[test]
fn moving_a_line_changes_no_setting() {
    let here = parse("[plugin.a]\nfresh = true\n").unwrap();
    let there = parse("\n\n[plugin.a]\nfresh = true\n").unwrap();
    assert_eq!(here, there);
}

#[test]
fn a_renamed_artifact_is_found_by_sections() {
    let settings = parse("[plugin.joke]\nartifact = \"funny.wasm\"\n").unwrap();
    assert_eq!(settings.plugins_of("funny", false), ["joke"]);
    assert_eq!(settings.plugins_of("funny", true), ["joke", "funny"]);
    assert_eq!(settings.plugins_of("joke", false), Vec::<String>::new());
    assert_eq!(settings.plugins_of("echo", false), ["echo"]);
}

#[test]
fn a_name_that_a_section_gave_to_another_file_is_taken() {
    let settings = parse("[plugin.joke]\nfresh = true\nartifact = \"funny.wasm\"\n").unwrap();
    let taken = settings.name_is_taken("joke", false).unwrap();
    assert_eq!(
        taken.to_string(),
        "/etc/parlor/parlor.toml:3: plugin joke is funny.wasm, and joke.wasm is there too; \
         expected one plugin of that name; rename one of the two"
    );
    for free in ["funny", "echo"] {
        assert_eq!(settings.name_is_taken(free, true), None, "{free}");
    }
    // The file has another name by a section of its own; settings beside it still have none.
    let settings =
        parse("[plugin.joke]\nartifact = \"funny.wasm\"\n[plugin.old]\nartifact = \"joke.wasm\"\n")
            .unwrap();
    assert_eq!(settings.name_is_taken("joke", false), None);
    let taken = settings.name_is_taken("joke", true).unwrap().to_string();
    assert!(taken.contains("and joke.toml is there too"), "{taken}");
}

fn description(config: Vec<ConfigKey>) -> Description {
    Description {
        name: "joke".into(),
        version: "1.0.0".into(),
        state_version: 0,
        summary: String::new(),
        author: String::new(),
        licence: String::new(),
        homepage: None,
        subscriptions: Subscriptions {
            kinds: vec![],
            platforms: vec![],
            messages: vec![],
        },
        commands: vec![CommandSpec {
            name: "tell".into(),
            pattern: "/tell".into(),
            mention: MentionRule::Optional,
            help: String::new(),
            arguments: vec![],
            hidden: false,
        }],
        config,
        capabilities: vec![],
        extras: vec![],
    }
}

fn key(name: &str, kind: ConfigKind) -> ConfigKey {
    ConfigKey {
        name: name.into(),
        kind,
        required: false,
        default: None,
        help: "say it".into(),
    }
}

#[test]
fn config_is_converted_by_kind() {
    let text =
        "[plugin.joke.config]\nt = \"x\"\nn = 3\nf = true\nd = \"300ms\"\nc = \"b\"\nl = [\"a\"]\n";
    let settings = parse(text).unwrap();
    let mut number = key("m", ConfigKind::Number);
    number.default = Some("2.5".into());
    let mut list = key("k", ConfigKind::List);
    list.default = Some("[\"p\", \"q\"]".into());
    let mut wait = key("w", ConfigKind::Duration);
    wait.default = Some("5m".into());
    let values = check_plugin(
        &settings.plugins["joke"],
        &description(vec![
            key("t", ConfigKind::Text),
            key("n", ConfigKind::Number),
            key("f", ConfigKind::Flag),
            key("d", ConfigKind::Duration),
            key("c", ConfigKind::Choice(vec!["a".into(), "b".into()])),
            key("l", ConfigKind::List),
            key("absent", ConfigKind::Text),
            number,
            list,
            wait,
        ]),
    )
    .unwrap();
    let expected = [
        ("c", ConfigValue::Text("b".into())),
        ("d", ConfigValue::Duration(300)),
        ("f", ConfigValue::Flag(true)),
        ("k", ConfigValue::Texts(vec!["p".into(), "q".into()])),
        ("l", ConfigValue::Texts(vec!["a".into()])),
        ("m", ConfigValue::Number(2.5)),
        ("n", ConfigValue::Number(3.0)),
        ("t", ConfigValue::Text("x".into())),
        ("w", ConfigValue::Duration(300_000)),
    ];
    let values: Vec<_> = values
        .iter()
        .map(|(k, v)| (k.as_str(), v.clone()))
        .collect();
    assert_eq!(values, expected);
}

#[test]
fn config_that_does_not_fit_is_refused_with_its_line() {
    let settings = parse("[roles]\nr = [\"*\"]\n[plugin.joke]\nallow = { tel = [\"r\"] }\n[plugin.joke.config]\nsource = 3\nsorce = \"x\"\n").unwrap();
    let mut required = key("must", ConfigKind::Duration);
    required.required = true;
    let problems = check_plugin(
        &settings.plugins["joke"],
        &description(vec![key("source", ConfigKind::Text), required]),
    )
    .unwrap_err();
    let messages: Vec<String> = problems
        .iter()
        .map(|problem| problem.to_string().replace("/etc/parlor/", ""))
        .collect();
    assert_eq!(
        messages,
        [
            "parlor.toml:7: plugin joke has no config key `sorce`; did you mean `source`?",
            "parlor.toml:6: config key `source` of plugin joke is the number 3; expected text in quotes",
            "parlor.toml:5: config key `must` of plugin joke is missing; expected a duration in quotes, \"5m\" or \"300ms\"; say it",
            "parlor.toml:4: plugin joke has no command `tel`; did you mean `tell`?",
        ]
    );
}

#[test]
fn folders_and_ports_are_tried_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(SETTINGS_FILE);
    std::fs::write(
        &path,
        "\nplugins = \"nope\"\n[local]\nlisten = \"127.0.0.1:0\"\n",
    )
    .unwrap();
    let settings = Settings::load(&path).unwrap();
    let problem = open_folders(&settings).unwrap_err();
    assert_eq!(problem.line, 2);
    std::fs::create_dir(folder.path().join("nope")).unwrap();
    open_folders(&settings).unwrap();
    assert!(settings.data.is_dir());

    let taken = bind(&settings, "local.listen", settings.local.listen).unwrap();
    let problem = bind(&settings, "local.listen", taken.local_addr().unwrap()).unwrap_err();
    assert_eq!(problem.line, 4);
    assert!(problem.to_string().contains("is in use"), "{problem}");

    let missing = Settings::load(&folder.path().join("gone.toml")).unwrap_err();
    assert!(missing[0].to_string().contains("gone.toml: cannot be read"));
}

#[test]
fn a_bot_may_be_told_its_pace() {
    let settings =
        parse("[[bot]]\nname = \"desk\"\nplatform = \"local\"\nmessages-per-minute = 60\n")
            .unwrap();
    assert_eq!(settings.bots[0].messages_per_minute, Some(60));
    assert_eq!(settings.bots[0].conversation_messages_per_minute, None);
    let both = "[[bot]]\nname = \"desk\"\nplatform = \"local\"\nmessages-per-minute = 600\n\
                conversation-messages-per-minute = 30\n";
    let bot = parse(both).unwrap().bots.remove(0);
    assert_eq!(
        (
            bot.messages_per_minute,
            bot.conversation_messages_per_minute
        ),
        (Some(600), Some(30))
    );
    check(
        "[[bot]]\nname = \"desk\"\nplatform = \"local\"\nconversation-messages-per-minute = 700000\n",
        "parlor.toml:4: `conversation-messages-per-minute` in entry 1 of `bot` is the number 700000; expected a whole number from 1 to 600000",
    );
    check(
        "[[bot]]\nname = \"desk\"\nplatform = \"local\"\nmessages-per-minute = 0\n",
        "parlor.toml:4: `messages-per-minute` in entry 1 of `bot` is the number 0; expected a whole number from 1 to 600000",
    );
}

#[test]
fn what_waits_for_the_next_start_is_named_with_its_line() {
    let old = parse("data = \"a\"\n").unwrap();
    let new = parse(
        "data = \"b\"\n[local]\nlisten = \"127.0.0.1:1\"\n[journal]\ndurability = \"process\"\n\
         [roles]\nstaff = [\"*\"]\n[log]\nlevel = \"debug\"\nformat = \"json\"\n\
         [observe]\nlisten = \"127.0.0.1:2\"\n",
    )
    .unwrap();
    let named: Vec<String> = old
        .needs_restart(&new)
        .iter()
        .map(|problem| problem.to_string().replace("/etc/parlor/", ""))
        .collect();
    assert_eq!(
        named,
        [
            "parlor.toml:1: `data` takes effect at the next start",
            "parlor.toml:3: `local.listen` takes effect at the next start",
            "parlor.toml:5: `journal.durability` takes effect at the next start",
            "parlor.toml:10: `log.format` takes effect at the next start",
            "parlor.toml:11: `observe` takes effect at the next start",
        ]
    );
    assert!(old.needs_restart(&old).is_empty());
}

#[test]
fn the_data_folder_is_found_in_settings_that_are_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parlor.toml");
    for (text, data) in [
        ("data = \"state\"\nnonsense = 1\n", "state"),
        ("data = \"state\"\n[local\n", "state"),
        ("data = 7\n", "data"),
        ("", "data"),
    ] {
        std::fs::write(&file, text).unwrap();
        assert_eq!(
            Settings::data_folder(&file),
            folder.path().join(data),
            "{text}"
        );
    }
    let missing = Settings::data_folder(&folder.path().join("none/parlor.toml"));
    assert_eq!(missing, folder.path().join("none/data"));
}
