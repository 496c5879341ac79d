//! `[log]` and `[observe]`: what the host tells of itself, and to whom.

use std::net::SocketAddr;

use super::read::{Item, Reader};
use crate::telemetry::{LogConfig, LogFile, LogFormat, LogLevel, PARTS};

const MIB: u64 = 1024 * 1024;
/// The size at which the log's file is put aside, where the settings say nothing.
const DEFAULT_FILE_MIB: u64 = 64;
/// The files put aside that are kept, where the settings say nothing.
const DEFAULT_KEEP: u64 = 5;

const LEVELS: [(&str, LogLevel); 5] = [
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

/// Where health and metrics are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObserveConfig {
    /// The address listened on; none without the section.
    pub listen: Option<SocketAddr>,
}

pub(super) fn read_log(reader: &mut Reader<'_>, item: Option<&Item<'_>>) -> LogConfig {
    let mut config = LogConfig::at(LogLevel::Info);
    let Some(mut table) = item.and_then(|item| item.table(reader)) else {
        return config;
    };
    if let Some(level) = table
        .get(reader, "level")
        .and_then(|item| item.choice(reader, &LEVELS))
    {
        config.level = level;
    }
    if let Some(item) = table.get(reader, "levels") {
        read_levels(reader, &item, &mut config);
    }
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    if let Some(format) = table
        .get(reader, "format")
        .and_then(|item| item.choice(reader, &formats))
    {
        config.format = format;
    }
    if let Some(wire) = table.get(reader, "wire").and_then(|item| item.flag(reader)) {
        config.wire = wire;
    }
    let path = table.get(reader, "file").and_then(|item| item.path(reader));
    let size = table.get(reader, "max-size-mib");
    let keep = table.get(reader, "keep");
    if let (None, Some(item)) = (&path, size.as_ref().or(keep.as_ref())) {
        let problem = item
            .problem("says how a file is kept, and there is none")
            .expected("`file` beside it, \"parlor.log\"");
        reader.report(problem);
    }
    let size = size.and_then(|item| item.integer(reader, 1..=100_000));
    let keep = keep.and_then(|item| item.integer(reader, 0..=1_000));
    config.file = path.map(|path| LogFile {
        path,
        max_bytes: size.unwrap_or(DEFAULT_FILE_MIB) * MIB,
        keep: u32::try_from(keep.unwrap_or(DEFAULT_KEEP)).unwrap_or(u32::MAX),
    });
    table.finish(reader);
    config
}

fn read_levels(reader: &mut Reader<'_>, item: &Item<'_>, config: &mut LogConfig) {
    let Some(mut table) = item.table(reader) else {
        return;
    };
    for name in PARTS {
        if let Some(level) = table
            .get(reader, name)
            .and_then(|item| item.choice(reader, &LEVELS))
        {
            config.levels.insert(name.to_owned(), level);
        }
    }
    table.finish(reader);
}

pub(super) fn read_observe(reader: &mut Reader<'_>, item: Option<&Item<'_>>) -> ObserveConfig {
    let mut config = ObserveConfig::default();
    let Some(mut table) = item.and_then(|item| item.table(reader)) else {
        return config;
    };
    config.listen = Some(SocketAddr::from(([127, 0, 0, 1], 8644)));
    if let Some(item) = table.get(reader, "listen") {
        config.listen = item.parse(reader, "an address and a port, \"127.0.0.1:8644\"");
    }
    table.finish(reader);
    config
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Problem, Settings};

    fn parse(text: &str) -> Result<Settings, Vec<Problem>> {
        Settings::parse(Path::new("/etc/parlor/parlor.toml"), text, &|_| None)
    }

    #[test]
    fn reads_levels_format_and_file() {
        let text = r#"
[log]
level = "warn"
levels = { outbox = "debug", plugins = "info" }
format = "json"
file = "log/parlor.log"
max-size-mib = 10
keep = 3
wire = true
[observe]
listen = "0.0.0.0:9100"
"#;
        let settings = parse(text).unwrap();
        let mut wanted = LogConfig::at(LogLevel::Warn);
        wanted.levels = [
            ("outbox".to_owned(), LogLevel::Debug),
            ("plugins".to_owned(), LogLevel::Info),
        ]
        .into();
        wanted.format = LogFormat::Json;
        wanted.wire = true;
        wanted.file = Some(LogFile {
            path: "/etc/parlor/log/parlor.log".into(),
            max_bytes: 10 * MIB,
            keep: 3,
        });
        assert_eq!(settings.log, wanted);
        assert_eq!(settings.observe.listen, "0.0.0.0:9100".parse().ok());
    }

    #[test]
    fn nothing_is_observed_without_its_section() {
        assert_eq!(parse("").unwrap().observe.listen, None);
        let listen = parse("[observe]\n").unwrap().observe.listen;
        assert!(listen.is_some_and(|address| address.ip().is_loopback()));
    }

    #[test]
    fn names_the_line_of_each_mistake() {
        for (text, message) in [
            (
                "[log]\nlevels = { outbx = \"debug\" }\n",
                "/etc/parlor/parlor.toml:2: unknown key `outbx` in [log.levels]; expected one of `app`, `config`, `connectors`, `content`, `journal`, `net`, `outbox`, `plugins`, `router`, `runtime`, `web`; did you mean `outbox`?",
            ),
            (
                "[log]\nlevels.web = \"loud\"\n",
                "/etc/parlor/parlor.toml:2: `web` in [log.levels] is \"loud\"; expected one of `error`, `warn`, `info`, `debug`, `trace`",
            ),
            (
                "[log]\nkeep = 3\n",
                "/etc/parlor/parlor.toml:2: `keep` in [log] says how a file is kept, and there is none; expected `file` beside it, \"parlor.log\"",
            ),
            (
                "[observe]\nlisten = \"here\"\n",
                "/etc/parlor/parlor.toml:2: `listen` in [observe] is \"here\"; expected an address and a port, \"127.0.0.1:8644\"",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err()[0].to_string(), message, "{text}");
        }
    }

    #[test]
    fn the_text_of_the_settings_has_a_hash() {
        let hash = |text| parse(text).unwrap().text_hash.0;
        assert_eq!(hash("").len(), 64);
        assert_ne!(hash("# one\n"), hash("# two\n"));
    }
}
