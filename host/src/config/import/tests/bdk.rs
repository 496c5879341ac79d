use super::*;

const WITH_KEY: &str =
    "host: acme.symphony.com\nbot:\n  username: desk\n  privateKey:\n    path: /keys/bot.pem\n";
const WITH_CERTIFICATE: &str = "host: acme.symphony.com\nbot:\n  username: desk\n  certificate:\n    path: /keys/bot.p12\n    password: changeit\n";

#[test]
fn every_key_is_carried_over_or_named() {
    let nodes = "agent: { loadBalancing: { mode: MODE, stickiness: false, nodes: [{ host: a1.acme.com, port: 8443, context: x }, { scheme: https, host: a2.acme.com }] } }";
    let balanced = |mode: &str| nodes.replace("MODE", mode);
    let proxied = "proxy: { host: proxy, port: 8080, username: u, password: p }";
    let rows: Vec<(&str, String, Becomes)> = vec![
        ("scheme", "pod: { scheme: http, host: localhost, port: 9000 }".into(), Setting("pod = \"http://localhost:9000\"")),
        ("host", String::new(), Setting("host = \"acme.symphony.com\"")),
        ("port", "port: 8443".into(), Setting("host = \"acme.symphony.com:8443\"")),
        ("context", "context: /ctx".into(), Setting("host = \"acme.symphony.com/ctx\"")),
        ("defaultHeaders", "defaultHeaders: { X-Tenant: desk }".into(), Setting("headers = { X-Tenant = \"desk\" }")),
        ("proxy.host", "proxy: { host: proxy, port: 8080 }".into(), Setting("proxy = \"http://proxy:8080\"")),
        ("proxy.port", "proxy: { host: proxy, port: '3128' }".into(), Setting("proxy = \"http://proxy:3128\"")),
        ("proxy.username", proxied.into(), Setting("username = \"u\"")),
        ("proxy.password", proxied.into(), ByHand("secrets/desk-proxy-password", "password = \"file:secrets/desk-proxy-password\"")),
        ("connectionTimeout", "connectionTimeout: 1".into(), Left("limits of its own")),
        ("readTimeout", "readTimeout: 1".into(), Left("limits of its own")),
        ("connectionPoolMax", "connectionPoolMax: 1".into(), Left("limits of its own")),
        ("connectionPoolPerRoute", "connectionPoolPerRoute: 1".into(), Left("limits of its own")),
        ("pod.host", "pod: { host: pod.acme.com }".into(), Setting("pod = \"pod.acme.com\"")),
        ("pod.readTimeout", "pod: { readTimeout: 1 }".into(), Left("limits of its own")),
        ("pod.defaultHeaders", "pod: { defaultHeaders: { X-A: b } }".into(), Setting("pod = { host = \"acme.symphony.com\", headers = { X-A = \"b\" } }")),
        ("agent.host", "agent: { host: agent.acme.com, port: 444, context: /c/ }".into(), Setting("agent = \"agent.acme.com:444/c\"")),
        ("agent.proxy.host", "agent: { proxy: { host: p, port: 1 } }".into(), Setting("agent = { host = \"acme.symphony.com\", proxy = \"http://p:1\" }")),
        (
            "agent.proxy.password",
            "agent: { proxy: { host: p, port: 1, username: u, password: p } }".into(),
            ByHand("secrets/desk-agent-proxy-password", "password = \"file:secrets/desk-agent-proxy-password\""),
        ),
        ("keyManager.host", "keyManager: { host: keys.acme.com }".into(), Setting("key-manager = \"keys.acme.com\"")),
        ("sessionAuth", "sessionAuth: { host: s.acme.com }".into(), Left("the login is at the pod")),
        ("agent.loadBalancing.mode", balanced("external"), Setting("balancing = \"external\"")),
        ("agent.loadBalancing.mode", balanced("roundRobin"), Setting("balancing = \"round-robin\"")),
        ("agent.loadBalancing.mode", balanced("random"), Setting("balancing = \"random\"")),
        ("agent.loadBalancing.stickiness", balanced("random"), Left("stay with one agent")),
        ("agent.loadBalancing.nodes", balanced("random"), Setting("agents = [\"a1.acme.com:8443/x\", \"a2.acme.com\"]")),
        ("bot.username", String::new(), Setting("username = \"desk\"")),
        ("bot.privateKey.path", String::new(), Setting("private-key = \"file:/keys/bot.pem\"")),
        ("app.appId", "app: { appId: a, privateKey: { path: /keys/app.pem } }".into(), Setting("app = { id = \"a\", private-key = \"file:/keys/app.pem\" }")),
        (
            "app.privateKey.content",
            "app: { appId: a, privateKey: { content: KEY } }".into(),
            ByHand("secrets/desk-app-key.pem", "private-key = \"file:secrets/desk-app-key.pem\""),
        ),
        ("app.certificate.path", "app: { appId: a, certificate: { path: /keys/app.p12 } }".into(), Setting("certificate = \"file:/keys/app.p12\"")),
        (
            "app.certificate.password",
            "app: { appId: a, certificate: { path: /keys/app.p12, password: x } }".into(),
            ByHand("secrets/desk-app-certificate-password", "certificate-password = \"file:secrets/desk-app-certificate-password\""),
        ),
        ("app.privateKeyPath", "app: { appId: a, privateKeyPath: /keys/app.pem }".into(), Setting("private-key = \"file:/keys/app.pem\"")),
        ("app.certificatePath", "app: { appId: a, certificatePath: /keys/app.p12 }".into(), Setting("certificate = \"file:/keys/app.p12\"")),
        (
            "app.certificatePassword",
            "app: { appId: a, certificatePath: /keys/app.p12, certificatePassword: x }".into(),
            ByHand("secrets/desk-app-certificate-password", "certificate-password ="),
        ),
        ("ssl.trustStore.path", "ssl: { trustStore: { path: /keys/ca.pem } }".into(), Setting("ca-files = [\"/keys/ca.pem\"]")),
        ("ssl.trustStore.path", "ssl: { trustStore: { path: /keys/ca.jks } }".into(), ByHand("a Java key store is not read", "ca-files = [\"/keys/ca.pem\"]")),
        ("ssl.trustStore.path", "ssl: { trustStore: { path: /keys/ca.p12 } }".into(), ByHand("PKCS#12 is not read here", "ca-files = [\"/keys/ca.pem\"]")),
        ("ssl.trustStore.password", "ssl: { trustStore: { path: /keys/ca.pem, password: x } }".into(), Left("have no password")),
        ("ssl.trustStorePath", "ssl: { trustStorePath: /keys/ca.pem }".into(), Setting("ca-files = [\"/keys/ca.pem\"]")),
        ("ssl.trustStorePassword", "ssl: { trustStorePath: /keys/ca.pem, trustStorePassword: x }".into(), Left("have no password")),
        ("datafeed.version", "datafeed: { version: v2 }".into(), Setting("datafeed = { version = \"v2\" }")),
        ("datafeed.version", "datafeed: { version: v1 }".into(), Setting("datafeed = { version = \"v1\" }")),
        ("datafeed.idFilePath", "datafeed: { version: v1, idFilePath: feed }".into(), Setting("id-file = \"/etc/bots/feed\"")),
        ("datafeed.idFilePath", "datafeed: { idFilePath: feed }".into(), Left("only v1 keeps")),
        ("datafeed.tag", "datafeed: { tag: desk }".into(), Setting("datafeed = { tag = \"desk\" }")),
        ("datafeed.includeInvisible", "datafeed: { includeInvisible: true }".into(), Left("are not asked for")),
        ("datafeed.retry", "datafeed: { retry: { maxAttempts: 1 } }".into(), Left("tries again by itself")),
        ("datahose", "datahose: { tag: x, eventTypes: [MESSAGESENT], retry: { maxAttempts: 1 } }".into(), Left("not the whole pod")),
        (
            "retry",
            "retry: { maxAttempts: 10, initialIntervalMillis: 500, multiplier: 2, maxIntervalMillis: 300000 }".into(),
            Left("tries again by itself"),
        ),
        ("commonJwt.enabled", "commonJwt: { enabled: true }".into(), Setting("common-jwt = true")),
    ];
    for (key, more, becomes) in &rows {
        check_row("config.yaml", &format!("{WITH_KEY}{more}\n"), key, becomes);
    }
    // As the same file in JSON, which a BDK reads too.
    let json = r#"{"host": "acme.symphony.com", "bot": {"username": "desk", "privateKey": {"path": "/keys/bot.pem"}}, "port": 8443}"#;
    check_row(
        "config.json",
        json,
        "port",
        &Setting("host = \"acme.symphony.com:8443\""),
    );
}

#[test]
fn every_key_of_the_account_is_carried_over_or_named() {
    for (account, key, becomes) in [
        (
            "privateKey: { path: bot.pem }",
            "bot.privateKey.path",
            ByHand(
                "there is no file /etc/bots/bot.pem",
                "private-key = \"file:/etc/bots/bot.pem\"",
            ),
        ),
        (
            "privateKey: { content: KEY }",
            "bot.privateKey.content",
            ByHand(
                "secrets/desk-key.pem",
                "private-key = \"file:secrets/desk-key.pem\"",
            ),
        ),
        (
            "privateKey: { path: /keys/k, content: KEY }",
            "bot.privateKey.content",
            Left("there is a path too"),
        ),
        (
            "privateKey: { path: /keys/k.locked }",
            "bot.privateKey.path",
            ByHand(
                "PEM without a password",
                "private-key = \"file:/keys/k-plain.pem\"",
            ),
        ),
        (
            "privateKeyPath: /keys/k",
            "bot.privateKeyPath",
            Setting("private-key = \"file:/keys/k\""),
        ),
        (
            "certificate: { path: /keys/c.p12 }",
            "bot.certificate.path",
            Setting("certificate = \"file:/keys/c.p12\""),
        ),
        (
            "certificate: { path: /keys/c.jks }",
            "bot.certificate.path",
            ByHand(
                "a Java key store is not read",
                "certificate = \"file:/keys/c.p12\"",
            ),
        ),
        (
            "certificate: { path: /keys/c.locked }",
            "bot.certificate.path",
            ByHand(
                "must be without a password",
                "certificate = \"file:/keys/c-plain.pem\"",
            ),
        ),
        (
            "certificate: { path: /keys/c.p12, password: x }",
            "bot.certificate.password",
            ByHand(
                "secrets/desk-certificate-password",
                "certificate-password = \"file:secrets/desk-certificate-password\"",
            ),
        ),
        (
            "certificate: { content: QUJD }",
            "bot.certificate.content",
            ByHand(
                "base64 -d",
                "certificate = \"file:secrets/desk-certificate.p12\"",
            ),
        ),
        (
            "certificatePath: /keys/c.p12",
            "bot.certificatePath",
            Setting("certificate = \"file:/keys/c.p12\""),
        ),
        (
            "certificatePath: /keys/c.p12, certificatePassword: x",
            "bot.certificatePassword",
            ByHand(
                "secrets/desk-certificate-password",
                "certificate-password =",
            ),
        ),
        (
            "privateKeyPath: /keys/k, certificatePath: /keys/c.p12",
            "bot.certificatePath",
            Left("one credential"),
        ),
    ] {
        let text = format!("host: acme.symphony.com\nbot: {{ username: desk, {account} }}\n");
        check_row("config.yaml", &text, key, &becomes);
    }
}

#[test]
fn a_certificate_is_shown_at_the_port_that_was_meant() {
    for (more, expected) in [
        ("", "session-auth = \"acme.symphony.com:443\""),
        (
            "sessionAuth: { port: 8444 }",
            "session-auth = \"acme.symphony.com:8444\"",
        ),
        (
            "sessionAuth: { host: api.acme.com }",
            "session-auth = \"api.acme.com:443\"",
        ),
        ("", "key-manager = \"acme.symphony.com:443\""),
        (
            "keyManager: { host: api.acme.com, port: 8444 }",
            "key-manager = \"api.acme.com:8444\"",
        ),
        (
            "sessionAuth: { proxy: { host: p, port: 1, username: u, password: x } }",
            "session-auth = { host = \"acme.symphony.com:443\", proxy = { url = \"http://p:1\", username = \"u\", password = \"file:secrets/desk-session-auth-proxy-password\" } }",
        ),
    ] {
        let section = imported("config.yaml", &format!("{WITH_CERTIFICATE}{more}\n")).section;
        assert!(section.contains(expected), "{section}");
    }
}

#[test]
fn an_app_with_a_certificate_logs_in_where_certificates_are_shown() {
    let text = format!(
        "{WITH_KEY}app: {{ appId: a, certificate: {{ path: /keys/app.p12 }} }}\nsessionAuth: {{ host: api.acme.com, port: 8444 }}\n"
    );
    let section = imported("config.yaml", &text).section;
    assert!(
        section.contains("\nsession-auth = \"api.acme.com:8444\"\n"),
        "{section}"
    );
}

#[test]
fn each_part_of_an_address_is_inherited_by_itself() {
    let text = "scheme: https\nhost: acme.com\nport: 8443\ncontext: ctx\n\
                bot: { username: desk, privateKey: { path: /keys/k } }\n\
                agent: { host: agent.acme.com }\nkeyManager: { context: '' , port: 443 }\n";
    let section = imported("config.yaml", text).section;
    for line in [
        "host = \"acme.com:8443/ctx\"",
        "agent = \"agent.acme.com:8443/ctx\"",
        "key-manager = \"acme.com/ctx\"",
    ] {
        assert!(
            section.contains(&format!("\n{line}\n")),
            "{line}\n{section}"
        );
    }
    let text = "bot: { username: desk, privateKey: { path: /keys/k } }\n\
                pod: { host: pod.acme.com }\nagent: { host: agent.acme.com }\n\
                keyManager: { host: keys.acme.com }\n";
    let section = imported("config.yaml", text).section;
    assert!(section.contains("\nhost = \"pod.acme.com\"\n"), "{section}");
    assert!(!section.contains("\npod ="), "{section}");
}

#[test]
fn variables_are_filled_in_or_stay_where_they_are_secrets() {
    let text = "host: ${HOST}\nbot: { username: '${NOBODY:-desk}', privateKey: { path: '${FOLDER}/k' } }\n\
                proxy: { host: proxy, port: 1, username: '${USER_OF_PROXY}', password: '${PASSWORD}' }\n\
                agent: { proxy: { host: p, port: 1, username: u, password: '${OTHER:-changeit}' } }\n\
                pod: { context: '$${HOST}' }\n";
    let imported = imported("config.yaml", text);
    for part in [
        "host = \"acme.symphony.com\"\n",
        "username = \"desk\"\n",
        "private-key = \"file:/keys/k\"\n",
        "username = \"${USER_OF_PROXY}\", password = \"${PASSWORD}\"",
        "password = \"${OTHER}\"",
        "pod = \"acme.symphony.com/${HOST}\"",
    ] {
        assert!(
            imported.section.contains(part),
            "{part}\n{}",
            imported.section
        );
    }
    assert!(!imported.section.contains("changeit"));
    assert!(!imported.section.contains("never-shown"));
    let said = |part: &str| imported.notes.iter().any(|note| note.text.contains(part));
    assert!(said(
        "the variable `PASSWORD` must be set where parlor runs"
    ));
    assert!(said("what stands in for it here is not carried over"));
    assert!(said("is filled in now, of `HOST`"));

    let found = refused(
        "config.yaml",
        "host: '${GONE}'\nbot: { username: a, privateKey: { path: k } }",
    );
    assert!(found.contains("config.yaml:1: `host`: the variable `GONE` is not set; expected it to be set for this command, or `${GONE:-default}`"), "{found}");
}

#[test]
fn headers_that_may_be_secrets_are_not_written_out() {
    let text = format!(
        "{WITH_KEY}defaultHeaders: {{ X-Api-Key: s3cret, Authorization: s3cret, X-Zone: eu }}\n"
    );
    let imported = imported("config.yaml", &text);
    assert!(
        imported.section.contains("headers = { X-Zone = \"eu\" }"),
        "{}",
        imported.section
    );
    let left = imported
        .notes
        .iter()
        .filter(|note| note.kind == NoteKind::LeftOut);
    assert_eq!(left.count(), 2);
}

#[test]
fn plain_http_is_for_this_machine_only() {
    let text = format!("scheme: http\n{WITH_KEY}");
    let imported = imported("config.yaml", &text);
    assert!(
        imported.section.contains("host = \"acme.symphony.com\"\n"),
        "{}",
        imported.section
    );
    assert!(
        imported
            .notes
            .iter()
            .any(|note| note.text.contains("for this machine only"))
    );
}

#[test]
fn mistakes_are_named_with_their_line() {
    let account = "bot: { username: desk, privateKey: { path: /keys/k } }";
    for (text, expected) in [
        (
            "host: a.com\nbot: { privateKey: { path: k } }".to_owned(),
            "config.yaml: `bot.username` is missing",
        ),
        (
            "host: a.com\nbot: { username: x }".to_owned(),
            "the bot has no credential; expected `bot.privateKey`",
        ),
        (account.to_owned(), "neither `host` nor `pod.host` is there"),
        (
            format!("host: a.com\n{account}\nproxy: {{ host: x }}"),
            "a proxy lacks its host or its port",
        ),
        (
            format!("host: a.com\n{account}\nport: x"),
            "config.yaml:3: `port` is a text or number; expected a port",
        ),
        (
            format!("host: a.com\n{account}\npod: x"),
            "config.yaml:3: `pod` is a text or number; expected a table",
        ),
        (
            format!(
                "host: a.com\n{account}\nagent: {{ host: b.com, loadBalancing: {{ mode: random, nodes: [{{ host: c.com }}] }} }}"
            ),
            "config.yaml:3: `agent.loadBalancing` stands beside an address of the agent",
        ),
        (
            format!(
                "host: a.com\n{account}\nagent:\n  loadBalancing:\n    mode: chance\n    nodes: [{{ host: c.com }}]"
            ),
            "config.yaml:5: `agent.loadBalancing.mode` is a text or number; expected one of external, roundRobin, random",
        ),
        (
            format!("host: a.com\n{account}\nagent: {{ loadBalancing: {{ mode: random }} }}"),
            "`agent.loadBalancing` has no nodes",
        ),
        (
            format!("host: a.com\n{account}\ncommonJwt: {{ enabled: perhaps }}"),
            "expected true or false",
        ),
    ] {
        let found = refused("config.yaml", &text);
        assert!(found.contains(expected), "{text}: {found}");
    }
}

#[test]
fn a_host_that_is_wrong_is_named_once() {
    let text = "host: [a]\nbot: { username: desk, privateKey: { path: /keys/k } }\n";
    let found = refused("config.yaml", text);
    assert_eq!(found, "config.yaml:1: `host` is a list; expected a text");
}

#[test]
fn unknown_keys_are_named_at_every_level() {
    let text = format!(
        "{WITH_KEY}  usrname: x\nagent: {{ hots: a }}\nssl: {{ trustStore: {{ path: /keys/c, x: 1 }} }}\nnope: 1\n"
    );
    let imported = imported("config.yaml", &text);
    let unknown: Vec<String> = imported
        .notes
        .iter()
        .filter(|note| note.text.contains("know no such key"))
        .map(Note::line_of_text)
        .collect();
    assert_eq!(
        unknown,
        [
            "line 6: `bot.usrname`: the clients know no such key; did you mean `username`?",
            "line 7: `agent.hots`: the clients know no such key; did you mean `host`?",
            "line 8: `ssl.trustStore.x`: the clients know no such key",
            "line 9: `nope`: the clients know no such key",
        ]
    );
}

#[test]
fn a_whole_file_reads_well() {
    let text = include_str!("config.yaml");
    insta::assert_snapshot!("whole", imported("config.yaml", text).section);
}
