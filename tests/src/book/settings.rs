//! Settings on a page, as the host itself reads them. What they name and the machine does not have (secrets,
//! keys, certificates) is put where they look for it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKeyChain};
use parlor_host::config::{PluginScope, Problem, Settings, parse_plugin_file};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use toml::{Table, Value};

use super::Block;
use crate::guests::workspace;
use crate::outside::{Authority, Pair};

/// What a secret is.
const SECRET: &str = "only-whoever-reads-this-knows";

/// A bot and a plugin that pages speak of, where a piece of settings has none of its own.
const DESK: &str = "\n[[bot]]\nname = \"desk\"\nplatform = \"local\"\n";

/// Reads a block as a parlor.toml; with `plugin` as the file beside a component, with `bot PLATFORM` as
/// keys of a `[[bot]]`.
pub(super) fn check(block: &Block) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = folder.path();
    let mut text = block.text.clone();
    if let [bot, platform] = block.marks.as_slice()
        && bot == "bot"
    {
        text = whole_bot(platform, &text);
    } else if !block.is("plugin") && !text.contains("[[bot]]") {
        text.push_str(DESK);
    }
    let text = stand_in(&text, folder)?;
    let environment = |name: &str| Some(format!("{SECRET}-{name}"));
    let read = if block.is("plugin") {
        let scope = PluginScope {
            bots: ["desk".to_owned()].into(),
            roles: ["staff".to_owned(), "chiefs".to_owned()].into(),
        };
        let path = folder.join("joke.toml");
        parse_plugin_file(&path, &text, "joke", &scope, &environment).map(|_| ())
    } else {
        Settings::parse(&folder.join("parlor.toml"), &text, &environment).map(|_| ())
    };
    read.map_err(|problems: Vec<Problem>| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        problems.join("\n")
    })
}

/// Reads a block as the file of a project in Python.
pub(super) fn check_project(block: &Block) -> Result<(), String> {
    let project: Table = toml::from_str(&block.text).map_err(|error| error.to_string())?;
    let name = project.get("project").and_then(|it| it.get("name"));
    match name.and_then(Value::as_str) {
        Some(_) => Ok(()),
        None => Err("a project has a name".to_owned()),
    }
}

/// The keys of a bot that every one of its platform has, before those of a block.
fn whole_bot(platform: &str, keys: &str) -> String {
    let key = "private-key = \"file:desk.pem\"\n";
    let own = match platform {
        "symphony" if keys.contains("certificate =") => {
            "host = \"acme.symphony.com\"\nusername = \"desk-bot\"\n".to_owned()
        }
        "symphony" => format!("host = \"acme.symphony.com\"\nusername = \"desk-bot\"\n{key}"),
        "webex" => "token = \"file:token\"\n".to_owned(),
        _ => String::new(),
    };
    format!("[[bot]]\nname = \"desk\"\nplatform = \"{platform}\"\n{own}{keys}")
}

/// Writes the files that settings name, and turns paths from the root into ones below the folder.
fn stand_in(text: &str, folder: &Path) -> Result<String, String> {
    let table: Table = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut named = Vec::new();
    find(&Value::Table(table), "", &mut named);
    let mut text = text.to_owned();
    for (key, path) in named {
        let relative = path.trim_start_matches('/');
        let file: PathBuf = folder.join(relative);
        if path.starts_with('/') {
            text = text.replace(&path, &file.display().to_string());
        }
        let parent = file.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
        let bytes = content(&key, relative)?;
        std::fs::write(&file, bytes).map_err(|error| error.to_string())?;
    }
    Ok(text)
}

/// Finds the files that settings name, with the keys under which they do.
fn find(value: &Value, key: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => {
            if let Some(path) = text.strip_prefix("file:") {
                found.push((key.to_owned(), path.to_owned()));
            } else if key == "ca-files" {
                found.push((key.to_owned(), text.clone()));
            }
        }
        Value::Array(values) => values.iter().for_each(|value| find(value, key, found)),
        Value::Table(table) => table
            .iter()
            .for_each(|(key, value)| find(value, key, found)),
        _ => {}
    }
}

/// What a file holds under a key of the settings.
fn content(key: &str, path: &str) -> Result<Vec<u8>, String> {
    let (authority, pair) = certified();
    Ok(match key {
        "ca-files" => authority.clone().into_bytes(),
        "private-key" => {
            let key = workspace().join("tests/src/sim/symphony/keys/bot.pem");
            std::fs::read(key).map_err(|error| error.to_string())?
        }
        "certificate" if path.ends_with(".p12") => pkcs12(pair)?,
        "certificate" => pair.certificate.clone().into_bytes(),
        "key" => pair.key.clone().into_bytes(),
        _ => format!("{SECRET}\n").into_bytes(),
    })
}

/// An authority's certificate, and one that it signed with its key.
fn certified() -> &'static (String, Pair) {
    static CERTIFIED: OnceLock<(String, Pair)> = OnceLock::new();
    CERTIFIED.get_or_init(|| {
        let authority = Authority::new("An authority of the book");
        (authority.pem(), authority.client("desk-bot"))
    })
}

fn pkcs12(pair: &Pair) -> Result<Vec<u8>, String> {
    let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes());
    let certificate = certificate.map_err(|error| error.to_string())?;
    let key =
        PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).map_err(|error| error.to_string())?;
    let chain = [Certificate::from_der(&certificate).map_err(|error| error.to_string())?];
    let mut store = KeyStore::new();
    let chain = PrivateKeyChain::new(key.secret_der(), [1], chain);
    store.add_entry("desk", KeyStoreEntry::PrivateKeyChain(chain));
    store
        .writer(SECRET)
        .write()
        .map_err(|error| error.to_string())
}
