//! Every printed section is read back as the settings that were meant.

use std::path::Path;

use super::*;
use crate::config::{Platform, Settings};
use crate::connectors::symphony::SymphonyConfig;
use crate::connectors::symphony::config::{Balancing, Credential, Endpoint, FeedVersion};

/// A machine with the files that an imported one names, and with what is to be done by hand done.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        let key = include_str!("key.pem");
        let certificate = include_str!("certificate.pem");
        machine.put("keys/bot.pem", key);
        machine.put("keys/app.pem", key);
        machine.put("keys/bot-cert.pem", &format!("{certificate}{key}"));
        machine.put("keys/ca.pem", certificate);
        machine
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Imports a file and reads the section as parlor.toml.
    #[track_caller]
    fn settings(&self, name: &str, text: &str) -> SymphonyConfig {
        self.put(name, text);
        let environment = |name: &str| (name == "PROXY_PASSWORD").then(|| "from there".to_owned());
        let around = Surroundings {
            folder: self.0.path(),
            environment: &environment,
            look: &look_at,
        };
        let imported = import_symphony(Path::new(name), text, Some("desk"), &around);
        let imported = imported.unwrap_or_else(|problems| panic!("{}", lines(&problems)));
        // The secrets that the notes ask for.
        for word in imported.section.split('"') {
            if let Some(file) = word.strip_prefix("file:secrets/") {
                let is_key = file.ends_with(".pem");
                let secret = if is_key {
                    include_str!("key.pem")
                } else {
                    "s3cret"
                };
                self.put(&format!("secrets/{file}"), secret);
            }
        }
        let path = self.0.path().join("parlor.toml");
        let settings = Settings::parse(&path, &imported.section, &environment);
        let settings = settings
            .unwrap_or_else(|problems| panic!("{}\n{}", lines(&problems), imported.section));
        let mut bots = settings.bots.into_iter();
        match bots.next().map(|bot| (bot.name, bot.platform)) {
            Some((name, Platform::Symphony(config))) if name == "desk" => *config,
            other => panic!("{other:?}"),
        }
    }
}

fn base(endpoint: &Endpoint) -> &str {
    endpoint.base.as_str().trim_end_matches('/')
}

fn proxy(endpoint: &Endpoint) -> Option<&str> {
    endpoint.net.proxy.as_ref().map(|proxy| proxy.name())
}

#[test]
fn an_old_file_is_read_back() {
    let machine = Machine::new();
    let config = machine.settings(
        "config.json",
        r#"{"podHost": "acme.symphony.com", "podPort": 443, "agentHost": "agent.acme.com", "agentPort": 8443,
            "agentContextPath": "/ctx/", "keyAuthHost": "keys.acme.com", "keyAuthPort": 444,
            "botUsername": "desk-bot", "botPrivateKeyPath": "./keys/", "botPrivateKeyName": "bot.pem",
            "appId": "desk-app", "appPrivateKeyPath": "keys", "appPrivateKeyName": "app.pem",
            "podProxyURL": "http://u:p@pod-proxy:3128", "agentProxyURL": "agent-proxy:3128",
            "agentProxyUsername": "u", "agentProxyPassword": "p", "truststorePath": "keys/ca.pem",
            "datafeedVersion": "v1", "reuseDatafeedID": false, "datafeedIdFilePath": "feed"}"#,
    );
    assert_eq!(config.username, "desk-bot");
    let key = format!("file:{}", machine.0.path().join("keys/bot.pem").display());
    assert_eq!(config.credential.origin(), key);
    assert_eq!(base(&config.pod), "https://acme.symphony.com");
    assert_eq!(proxy(&config.pod), Some("http://pod-proxy:3128"));
    let [agent] = config.agents.as_slice() else {
        panic!("{:?}", config.agents)
    };
    assert_eq!(base(agent), "https://agent.acme.com:8443/ctx");
    assert_eq!(proxy(agent), Some("http://agent-proxy:3128"));
    assert_eq!(base(&config.key_manager), "https://keys.acme.com:444");
    assert_eq!(proxy(&config.key_manager), None);
    let app = config.app.expect("there is an app");
    assert_eq!(app.id, "desk-app");
    assert!(matches!(app.credential, Credential::Key(_)));
    assert_eq!(agent.net.authorities.len(), 1);
    assert_eq!(config.feed.version, FeedVersion::V1);
    assert!(!config.feed.reuse);
    assert_eq!(config.feed.id_file, Some(machine.0.path().join("feed")));
}

#[test]
fn the_sample_of_the_old_client_is_read_back() {
    let machine = Machine::new();
    let folder = machine.0.path().display().to_string();
    machine.put(
        "sym_api_client_python/resources/bot_private_key.pem",
        include_str!("key.pem"),
    );
    machine.put("truststore.pem", include_str!("certificate.pem"));
    let sample = include_str!("seed.json").replace(
        "/path/to/truststore.pem",
        &format!("{folder}/truststore.pem"),
    );
    let config = machine.settings("config.json", &sample);
    assert_eq!(base(&config.pod), "https://my_environment.symphony.com");
    assert_eq!(proxy(&config.agents[0]), Some("http://localhost:8888"));
    assert!(matches!(config.credential, Credential::Key(_)));
    assert_eq!(config.pod.net.authorities.len(), 1);
    assert_eq!(config.feed.version, FeedVersion::V2);
}

#[test]
fn a_login_by_certificate_is_read_back() {
    let machine = Machine::new();
    let config = machine.settings(
        "config.json",
        r#"{"podHost": "acme.symphony.com", "sessionAuthHost": "acme-api.symphony.com", "sessionAuthPort": 8444,
            "keyAuthHost": "acme.symphony.com", "botUsername": "desk-bot", "botCertPath": "keys/",
            "botCertName": "/bot-cert.pem", "botCertPassword": "changeit", "keyManagerProxyURL": "http://p:1"}"#,
    );
    assert!(config.credential.origin().ends_with("/keys/bot-cert.pem"));
    assert_eq!(
        base(&config.session_auth),
        "https://acme-api.symphony.com:8444"
    );
    // Not 8444, which the host would take by itself.
    assert_eq!(base(&config.key_manager), "https://acme.symphony.com");
    assert_eq!(proxy(&config.key_manager), Some("http://p:1"));
    assert_eq!(proxy(&config.session_auth), None);
}

#[test]
fn a_file_of_a_bdk_is_read_back() {
    let machine = Machine::new();
    let config = machine.settings(
        "config.yaml",
        "host: acme.symphony.com\ncontext: ctx\n\
         bot: { username: desk-bot, privateKey: { content: secret } }\n\
         defaultHeaders: { X-Zone: eu }\n\
         proxy: { host: proxy, port: 3128, username: u, password: '${PROXY_PASSWORD}' }\n\
         agent:\n  proxy: { host: inner, port: 1 }\n  loadBalancing:\n    mode: random\n    nodes:\n\
         \x20     - { host: a1.acme.com, port: 8443 }\n      - { host: a2.acme.com, context: x }\n\
         pod: { defaultHeaders: { X-Pod: p } }\nkeyManager: { host: keys.acme.com }\n\
         app: { appId: desk-app, certificate: { path: keys/bot-cert.pem } }\n\
         ssl: { trustStore: { path: keys/ca.pem } }\ndatafeed: { tag: desk }\ncommonJwt: { enabled: true }\n",
    );
    assert_eq!(base(&config.pod), "https://acme.symphony.com/ctx");
    assert_eq!(config.pod.headers.get("x-zone").unwrap(), "eu");
    assert_eq!(config.pod.headers.get("x-pod").unwrap(), "p");
    assert_eq!(proxy(&config.pod), Some("http://proxy:3128"));
    let agents: Vec<_> = config
        .agents
        .iter()
        .map(|agent| (base(agent), proxy(agent)))
        .collect();
    let inner = Some("http://inner:1");
    assert_eq!(
        agents,
        [
            ("https://a1.acme.com:8443", inner),
            ("https://a2.acme.com/x", inner)
        ]
    );
    assert_eq!(config.agents[0].headers.get("x-zone").unwrap(), "eu");
    assert_eq!(config.balancing, Balancing::Random);
    assert_eq!(base(&config.key_manager), "https://keys.acme.com/ctx");
    assert_eq!(config.credential.origin(), "file:secrets/desk-key.pem");
    let app = config.app.expect("there is an app");
    assert!(matches!(app.credential, Credential::Certificate(_)));
    assert_eq!(config.feed.version, FeedVersion::V2);
    assert_eq!(config.feed.tag.as_deref(), Some("desk"));
    assert!(config.common_jwt);
}
