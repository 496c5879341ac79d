use super::*;

/// As printed in the client's own documentation: with comments, and without a comma.
const SAMPLE: &str = include_str!("seed.json");

/// A file that is right, with a key; `more` stands behind, and counts where a key is there twice.
fn with_key(more: &str) -> String {
    format!(
        r#"{{"podHost": "acme.symphony.com", "agentHost": "acme.symphony.com",
            "keyAuthHost": "acme.symphony.com", "botUsername": "desk",
            "botPrivateKeyPath": "/keys/", "botPrivateKeyName": "bot.pem",
            "truststorePath": "", "datafeedVersion": "v2",
            {more}}}"#
    )
}

/// The same with a certificate.
fn with_certificate(more: &str) -> String {
    format!(
        r#"{{"podHost": "acme.symphony.com", "agentHost": "acme.symphony.com",
            "keyAuthHost": "acme.symphony.com", "sessionAuthHost": "acme.symphony.com",
            "botUsername": "desk", "botCertPath": "/keys/", "botCertName": "bot.p12",
            {more}}}"#
    )
}

#[test]
fn every_key_is_carried_over_or_named() {
    let proxy = r#""proxyURL": "http://proxy:8080""#;
    let pod_proxy = r#""podProxyURL": "http://pod-proxy:8080""#;
    let agent_proxy = r#""agentProxyURL": "http://agent-proxy:8080""#;
    let key_proxy = r#""keyManagerProxyURL": "http://key-proxy:8080""#;
    let app =
        r#""appId": "desk-app", "appPrivateKeyPath": "/keys", "appPrivateKeyName": "app.pem""#;
    let rows: Vec<(&str, String, Becomes)> = vec![
        (
            "podHost",
            r#""podHost": "pod.acme.com""#.into(),
            Setting("host = \"pod.acme.com\""),
        ),
        (
            "podPort",
            r#""podPort": 8443"#.into(),
            Setting("host = \"acme.symphony.com:8443\""),
        ),
        (
            "podContextPath",
            r#""podContextPath": "ctx/""#.into(),
            Setting("host = \"acme.symphony.com/ctx\""),
        ),
        (
            "agentHost",
            r#""agentHost": "agent.acme.com""#.into(),
            Setting("agent = \"agent.acme.com\""),
        ),
        (
            "agentPort",
            r#""agentPort": "8444""#.into(),
            Setting("agent = \"acme.symphony.com:8444\""),
        ),
        (
            "agentContextPath",
            r#""agentContextPath": "/a/b""#.into(),
            Setting("agent = \"acme.symphony.com/a/b\""),
        ),
        (
            "keyAuthHost",
            r#""keyAuthHost": "keys.acme.com""#.into(),
            Setting("key-manager = \"keys.acme.com\""),
        ),
        (
            "keyAuthPort",
            r#""keyAuthPort": 8444"#.into(),
            Setting("key-manager = \"acme.symphony.com:8444\""),
        ),
        (
            "keyAuthContextPath",
            r#""keyAuthContextPath": "k""#.into(),
            Setting("key-manager = \"acme.symphony.com/k\""),
        ),
        (
            "sessionAuthHost",
            r#""sessionAuthHost": "acme-api.symphony.com""#.into(),
            Left("the login is at the pod"),
        ),
        (
            "sessionAuthPort",
            r#""sessionAuthPort": 8444"#.into(),
            Left("the login is at the pod"),
        ),
        (
            "sessionAuthContextPath",
            r#""sessionAuthContextPath": "s""#.into(),
            Left("the login is at the pod"),
        ),
        (
            "botPrivateKeyPath",
            r#""botPrivateKeyPath": "/keys/more""#.into(),
            Setting("private-key = \"file:/keys/more/bot.pem\""),
        ),
        (
            "botPrivateKeyName",
            r#""botPrivateKeyName": "other.pem""#.into(),
            Setting("private-key = \"file:/keys/other.pem\""),
        ),
        (
            "botRSAPath",
            r#""botRSAPath": "/keys/""#.into(),
            Left("stand above it"),
        ),
        (
            "botRSAName",
            r#""botRSAName": "old.pem""#.into(),
            Left("stand above it"),
        ),
        (
            "botCertPath",
            r#""botCertPath": "/keys/""#.into(),
            Left("a bot has one credential"),
        ),
        (
            "botCertName",
            r#""botCertName": "bot.p12""#.into(),
            Left("a bot has one credential"),
        ),
        (
            "botCertPassword",
            r#""botCertPassword": "changeit""#.into(),
            Left("a bot has one credential"),
        ),
        (
            "botUsername",
            r#""botUsername": "other""#.into(),
            Setting("username = \"other\""),
        ),
        (
            "botEmailAddress",
            r#""botEmailAddress": "bot@acme.com""#.into(),
            Left("asked of the pod"),
        ),
        (
            "appId",
            app.into(),
            Setting("app = { id = \"desk-app\", private-key = \"file:/keys/app.pem\" }"),
        ),
        (
            "appPrivateKeyPath",
            app.into(),
            Setting("private-key = \"file:/keys/app.pem\" }"),
        ),
        (
            "appPrivateKeyName",
            app.into(),
            Setting("private-key = \"file:/keys/app.pem\" }"),
        ),
        (
            "appCertPath",
            r#""appCertPath": "/keys/""#.into(),
            Left("without `appId`"),
        ),
        (
            "appCertName",
            r#""appCertName": "app.p12""#.into(),
            Left("without `appId`"),
        ),
        (
            "appCertPassword",
            r#""appCertPassword": "changeit""#.into(),
            Left("without `appId`"),
        ),
        (
            "connectionTimeout",
            r#""connectionTimeout": 1000"#.into(),
            Left("limits of its own"),
        ),
        (
            "showFirehoseErrors",
            r#""showFirehoseErrors": false"#.into(),
            Left("no firehose"),
        ),
        (
            "authenticationFilterUrlPattern",
            r#""authenticationFilterUrlPattern": "/x""#.into(),
            Left("extension app"),
        ),
        (
            "authTokenRefreshPeriod",
            r#""authTokenRefreshPeriod": "30""#.into(),
            Left("renewed when the platform refuses them"),
        ),
        (
            "proxyURL",
            proxy.into(),
            Setting("proxy = \"http://proxy:8080\""),
        ),
        (
            "proxyUsername",
            format!(r#"{proxy}, "proxyUsername": "u", "proxyPassword": "p""#),
            Setting("username = \"u\""),
        ),
        (
            "proxyPassword",
            format!(r#"{proxy}, "proxyUsername": "u", "proxyPassword": "p""#),
            ByHand(
                "secrets/desk-proxy-password beside parlor.toml",
                "password = \"file:secrets/desk-proxy-password\"",
            ),
        ),
        (
            "podProxyURL",
            pod_proxy.into(),
            Setting("pod = { host = \"acme.symphony.com\", proxy = \"http://pod-proxy:8080\" }"),
        ),
        (
            "podProxyUsername",
            format!(r#"{pod_proxy}, "podProxyUsername": "u", "podProxyPassword": "p""#),
            Setting("username = \"u\""),
        ),
        (
            "podProxyPassword",
            format!(r#"{pod_proxy}, "podProxyUsername": "u", "podProxyPassword": "p""#),
            ByHand(
                "secrets/desk-pod-proxy-password",
                "password = \"file:secrets/desk-pod-proxy-password\"",
            ),
        ),
        (
            "agentProxyURL",
            agent_proxy.into(),
            Setting(
                "agent = { host = \"acme.symphony.com\", proxy = \"http://agent-proxy:8080\" }",
            ),
        ),
        (
            "agentProxyUsername",
            format!(r#"{agent_proxy}, "agentProxyUsername": "u", "agentProxyPassword": "p""#),
            Setting("username = \"u\""),
        ),
        (
            "agentProxyPassword",
            format!(r#"{agent_proxy}, "agentProxyUsername": "u", "agentProxyPassword": "p""#),
            ByHand(
                "secrets/desk-agent-proxy-password",
                "password = \"file:secrets/desk-agent-proxy-password\"",
            ),
        ),
        (
            "keyManagerProxyURL",
            key_proxy.into(),
            Setting(
                "key-manager = { host = \"acme.symphony.com\", proxy = \"http://key-proxy:8080\" }",
            ),
        ),
        (
            "keyManagerProxyUsername",
            format!(
                r#"{key_proxy}, "keyManagerProxyUsername": "u", "keyManagerProxyPassword": "p""#
            ),
            Setting("username = \"u\""),
        ),
        (
            "keyManagerProxyPassword",
            format!(
                r#"{key_proxy}, "keyManagerProxyUsername": "u", "keyManagerProxyPassword": "p""#
            ),
            ByHand(
                "secrets/desk-key-manager-proxy-password",
                "file:secrets/desk-key-manager-proxy-password",
            ),
        ),
        (
            "proxyPort",
            r#""proxyPort": 8080"#.into(),
            Left("stands in the proxy's address"),
        ),
        (
            "truststorePath",
            r#""truststorePath": "/keys/ca.pem""#.into(),
            Setting("ca-files = [\"/keys/ca.pem\"]"),
        ),
        (
            "truststorePassword",
            r#""truststorePath": "/keys/ca.pem", "truststorePassword": "changeit""#.into(),
            Left("PEM have no password"),
        ),
        (
            "datafeedVersion",
            r#""datafeedVersion": "v1""#.into(),
            Setting("datafeed = { version = \"v1\" }"),
        ),
        (
            "reuseDatafeedID",
            r#""datafeedVersion": "v1", "reuseDatafeedID": false"#.into(),
            Setting("datafeed = { version = \"v1\", reuse = false }"),
        ),
        (
            "datafeedIdFilePath",
            r#""datafeedVersion": "V1", "datafeedIdFilePath": "feed/""#.into(),
            Setting("id-file = \"/etc/bots/feed\""),
        ),
        (
            "datafeedEventsErrorTimeout",
            r#""datafeedEventsErrorTimeout": 30"#.into(),
            Left("never gives up"),
        ),
        (
            "datafeedEventsErrorMaxTimeout",
            r#""datafeedEventsErrorMaxTimeout": 60"#.into(),
            Left("never gives up"),
        ),
        (
            "reuseDatafeedID",
            r#""reuseDatafeedID": true"#.into(),
            Left("only v1 keeps"),
        ),
        (
            "datafeedIdFilePath",
            r#""datafeedIdFilePath": "/x""#.into(),
            Left("only v1 keeps"),
        ),
    ];
    let mut whole = Vec::new();
    for (key, more, becomes) in &rows {
        check_row("config.json", &with_key(more), key, becomes);
        whole.push(more.as_str());
    }
    let mut keys: Vec<&str> = rows.iter().map(|(key, ..)| *key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 51, "the client's documentation has 51 keys");
}

#[test]
fn every_key_of_a_login_by_certificate_is_carried_over() {
    let server = "session-auth = \"acme.symphony.com:443\"";
    for (key, more, becomes) in [
        (
            "botCertPath",
            "",
            Setting("certificate = \"file:/keys/bot.p12\""),
        ),
        (
            "botCertName",
            r#""botCertName": "/bot.p12""#,
            Setting("certificate = \"file:/keys/bot.p12\""),
        ),
        (
            "botCertPassword",
            r#""botCertPassword": "changeit""#,
            ByHand(
                "secrets/desk-certificate-password",
                "certificate-password = \"file:secrets/desk-certificate-password\"",
            ),
        ),
        ("sessionAuthHost", "", Setting(server)),
        (
            "sessionAuthPort",
            r#""sessionAuthPort": 8444"#,
            Setting("session-auth = \"acme.symphony.com:8444\""),
        ),
        (
            "sessionAuthContextPath",
            r#""sessionAuthContextPath": "s""#,
            Setting("session-auth = \"acme.symphony.com:443/s\""),
        ),
        // Else the host would take 8444, where certificates are as a rule.
        (
            "keyAuthHost",
            "",
            Setting("key-manager = \"acme.symphony.com:443\""),
        ),
        (
            "podProxyURL",
            r#""podProxyURL": "http://p:1""#,
            Setting("session-auth = { host = \"acme.symphony.com:443\", proxy = \"http://p:1\" }"),
        ),
        (
            "botRSAPath",
            r#""botRSAPath": "/keys", "botRSAName": "old.pem""#,
            Setting("private-key = \"file:/keys/old.pem\""),
        ),
        (
            "appCertPath",
            r#""appId": "desk-app", "appCertPath": "/keys/", "appCertName": "app.p12""#,
            Setting("app = { id = \"desk-app\", certificate = \"file:/keys/app.p12\" }"),
        ),
        (
            "appCertPassword",
            r#""appId": "a", "appCertPath": "/keys/", "appCertName": "app.p12", "appCertPassword": "x""#,
            ByHand(
                "secrets/desk-app-certificate-password",
                "file:secrets/desk-app-certificate-password",
            ),
        ),
    ] {
        check_row("config.json", &with_certificate(more), key, &becomes);
    }
}

#[test]
fn the_sample_of_the_client_itself_is_mended_and_read() {
    let imported = imported("config.json", SAMPLE);
    insta::assert_snapshot!("sample", imported.section);
    let mended: Vec<(usize, &str)> = imported
        .notes
        .iter()
        .filter(|note| note.kind == NoteKind::Mended)
        .map(|note| (note.line, note.text.as_str()))
        .collect();
    let comma = (26, "a comma is missing at the end of the line");
    assert!(mended.contains(&comma), "{mended:?}");
    assert_eq!(
        SAMPLE.lines().nth(25).map(str::trim),
        Some(r#""authTokenRefreshPeriod": "30""#)
    );
    assert!(
        mended[0].0 == 11 && mended[0].1.starts_with("JSON has no comments"),
        "{mended:?}"
    );
    let rsa = imported
        .notes
        .iter()
        .find(|note| note.kind == NoteKind::Chosen);
    let rsa = rsa.map(|note| note.text.as_str()).unwrap_or_default();
    assert!(
        imported
            .notes
            .iter()
            .any(|note| note.kind == NoteKind::Chosen
                && note
                    .text
                    .contains("a private key and a certificate; the key is taken")),
        "{rsa}"
    );
}

#[test]
fn the_file_is_the_one_that_is_there() {
    for (folder, name, expected) in [
        ("/keys", "bot.pem", "/keys/bot.pem"),
        ("/keys/", "bot.pem", "/keys/bot.pem"),
        ("/keys/", "/bot.pem", "/keys/bot.pem"),
        // The oldest clients put the two together as they are.
        ("/keys/my-", "bot.pem", "/keys/my-/bot.pem"),
        ("/nowhere", "/keys/bot.pem", "/keys/bot.pem"),
        ("", "/keys/bot.pem", "/keys/bot.pem"),
        ("/keys/bot.pem", "", "/keys/bot.pem"),
        ("./a/../keys", "bot.pem", "/etc/bots/a/../keys/bot.pem"),
    ] {
        let more = format!(r#""botPrivateKeyPath": "{folder}", "botPrivateKeyName": "{name}""#);
        let section = imported("config.json", &with_key(&more)).section;
        let line = format!("private-key = \"file:{expected}\"\n");
        assert!(section.contains(&line), "{folder} {name}\n{section}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let text = with_key(r#""botPrivateKeyPath": "./keys/""#);
    let imported = imported("config.json", &text);
    let note = imported
        .notes
        .iter()
        .find(|note| note.kind == NoteKind::ByHand);
    let note = note.map(Note::line_of_text).unwrap_or_default();
    assert!(
        note.starts_with(
            "line 3: `botPrivateKeyName`: there is no file /etc/bots/keys/bot.pem; a relative path"
        ),
        "{note}"
    );
}

#[test]
fn one_proxy_for_everything_stands_above_the_others() {
    let text = with_key(
        r#""proxyURL": "http://one:1", "podProxyURL": "http://two:2", "agentProxyUsername": "u""#,
    );
    let imported = imported("config.json", &text);
    assert!(imported.section.contains("\nproxy = \"http://one:1\"\n"));
    assert!(!imported.section.contains("two:2"));
    let left: Vec<&str> = imported
        .notes
        .iter()
        .filter(|note| note.text.contains("stands above it"))
        .map(|note| note.key.as_str())
        .collect();
    assert_eq!(left, ["podProxyURL", "agentProxyUsername"]);
}

#[test]
fn an_address_of_a_proxy_is_read_as_people_write_it() {
    for (written, expected) in [
        ("http://proxy:8080/", "proxy = \"http://proxy:8080\""),
        ("proxy:8080", "proxy = \"http://proxy:8080\""),
        ("https://proxy", "proxy = \"https://proxy\""),
        (
            "http://us%20er:s3cret@proxy:8080",
            "proxy = { url = \"http://proxy:8080\", username = \"us er\", password = \"file:secrets/desk-proxy-password\" }",
        ),
    ] {
        let section = imported(
            "config.json",
            &with_key(&format!(r#""proxyURL": "{written}""#)),
        )
        .section;
        assert!(section.contains(expected), "{section}");
        assert!(!section.contains("s3cret"), "{section}");
    }
    let half = with_key(r#""proxyURL": "http://proxy:1", "proxyUsername": "u""#);
    let imported = imported("config.json", &half);
    assert!(
        imported.section.contains("\nproxy = \"http://proxy:1\"\n"),
        "{}",
        imported.section
    );
    assert!(
        imported
            .notes
            .iter()
            .any(|note| note.text.contains("one of them is missing"))
    );
}

#[test]
fn mistakes_are_named_with_their_line() {
    for (more, expected) in [
        (
            r#""podPort": "many""#,
            "config.json:5: `podPort` is a text or number; expected a port, from 1 to 65535",
        ),
        (
            r#""podPort": 0"#,
            "`podPort` is a text or number; expected a port",
        ),
        (
            r#""podHost": "a b""#,
            "config.json:5: `podHost` is no host; expected a name such as acme.symphony.com",
        ),
        (r#""podHost": "a.com:443""#, "`podHost` is no host"),
        (r#""podHost": "a.com/x""#, "`podHost` is no host"),
        (
            r#""podHost": ["a.com"]"#,
            "`podHost` is a list; expected a text",
        ),
        (
            r#""botUsername": """#,
            "config.json: `botUsername` is missing",
        ),
        (r#""podHost": null"#, "config.json: `podHost` is missing"),
        (
            r#""botPrivateKeyPath": "", "botPrivateKeyName": """#,
            "there is no credential; expected `botPrivateKeyPath`",
        ),
        (
            r#""proxyURL": "ftp://u:s3cret@x""#,
            "config.json:5: `proxyURL` is no address of a proxy; expected one such as",
        ),
        (
            r#""datafeedVersion": "v3""#,
            "`datafeedVersion` is a text or number; expected one of v1, v2",
        ),
    ] {
        let found = refused("config.json", &with_key(more));
        assert!(found.contains(expected), "{more}: {found}");
        assert!(!found.contains("s3cret"), "{found}");
    }
}

#[test]
fn what_is_missing_is_taken_from_the_pod_and_said() {
    let text = r#"{"podHost": "https://acme.symphony.com/", "botUsername": "desk",
        "botPrivateKeyName": "/keys/bot.pem", "podhost": "x", "nonsense": 1}"#;
    let imported = imported("config.json", text);
    assert!(
        imported.section.contains("host = \"acme.symphony.com\"\n"),
        "{}",
        imported.section
    );
    assert!(
        !imported.section.contains("\nagent ="),
        "{}",
        imported.section
    );
    let said = |key: &str, part: &str| {
        let mut notes = imported.notes.iter();
        assert!(
            notes.any(|note| note.key == key && note.text.contains(part)),
            "{key}"
        );
    };
    said("podHost", "without `https://` and `/`");
    said("agentHost", "the pod's host is taken");
    said("keyAuthHost", "the pod's host is taken");
    said("datafeedVersion", "v2 is taken");
    said("podhost", "know no such key; did you mean `podHost`?");
    said("nonsense", "know no such key");
}
