//! `config.json` of the clients before the BDKs.

use url::Url;

use super::credentials::Credential;
use super::draft::{Address, Draft, Feed, Proxy, Server, context};
use super::fields::Fields;
use super::{Import, NoteKind};

/// Keys by which such a file is known.
pub(super) const MARKS: [&str; 6] = [
    "podHost",
    "agentHost",
    "keyAuthHost",
    "sessionAuthHost",
    "botUsername",
    "botPrivateKeyPath",
];

/// Reads the file; none where there is a mistake that leaves nothing to go on with.
pub(super) fn read_legacy(import: &mut Import<'_>, mut fields: Fields<'_>) -> Option<Draft> {
    let username = fields.text(import, "botUsername");
    if username.is_none() {
        import.report(0, "`botUsername` is missing", "the service account's name");
    }
    let name = import.bot_name(username.as_deref().unwrap_or_default());
    let credential = read_credential(import, &mut fields, &name);
    let app = read_app(import, &mut fields, &name);
    let proxies = read_proxies(import, &mut fields, &name);
    let pod = read_address(
        import,
        &mut fields,
        ["podHost", "podPort", "podContextPath"],
    );
    if pod.is_none() && import.problems.is_empty() {
        import.report(0, "`podHost` is missing", "the pod's host");
    }
    let agent = read_address(
        import,
        &mut fields,
        ["agentHost", "agentPort", "agentContextPath"],
    );
    let keys = ["keyAuthHost", "keyAuthPort", "keyAuthContextPath"];
    let key_manager = read_address(import, &mut fields, keys);
    let session_keys = [
        "sessionAuthHost",
        "sessionAuthPort",
        "sessionAuthContextPath",
    ];
    let shows_certificate = Credential::any_certificate(credential.as_ref(), app.as_ref());
    let session_auth = match shows_certificate {
        true => read_address(import, &mut fields, session_keys),
        false => {
            fields.leave(
                import,
                &session_keys,
                "with a private key the login is at the pod",
            );
            None
        }
    };
    let ca_files = read_truststore(import, &mut fields);
    let feed = read_feed(import, &mut fields);
    leave_the_rest(import, &mut fields);
    fields.finish(import);

    let pod = pod?;
    let mut or_pod = |address: Option<Address>, key: &str| {
        address.unwrap_or_else(|| {
            let text = "is missing; the pod's host is taken";
            import.note(NoteKind::Chosen, 0, key, text);
            pod.clone()
        })
    };
    let agent = or_pod(agent, "agentHost");
    let key_manager = or_pod(key_manager, "keyAuthHost");
    let session_auth = match shows_certificate {
        true => or_pod(session_auth, "sessionAuthHost"),
        false => pod.clone(),
    };
    let server = |address: Address, proxy: &Option<Proxy>| Server {
        address,
        proxy: proxy.clone(),
        headers: Vec::new(),
    };
    Some(Draft {
        name,
        username: username?,
        credential: credential?,
        common: server(pod.clone(), &proxies.all),
        pod: server(pod, &proxies.pod),
        agents: vec![server(agent, &proxies.agent)],
        balancing: None,
        key_manager: server(key_manager, &proxies.key_manager),
        session_auth: server(session_auth, &proxies.pod),
        ca_files,
        app,
        feed,
        common_jwt: false,
    })
}

fn read_address(
    import: &mut Import<'_>,
    fields: &mut Fields<'_>,
    [host, port, path]: [&'static str; 3],
) -> Option<Address> {
    let host = fields.get(host);
    let port = fields.get(port).and_then(|field| field.port(import));
    let path = fields.text(import, path);
    let mut address = Address::https(import.host(&host?)?);
    if let Some(port) = port {
        address.port = port;
    }
    address.context = context(path.as_deref().unwrap_or_default());
    Some(address)
}

fn read_credential(
    import: &mut Import<'_>,
    fields: &mut Fields<'_>,
    bot: &str,
) -> Option<Credential> {
    const CERTIFICATE: [&str; 3] = ["botCertPath", "botCertName", "botCertPassword"];
    let older = ("botRSAPath", "botRSAName");
    let key = match import.folder_and_name(fields, ("botPrivateKeyPath", "botPrivateKeyName")) {
        Some(key) => {
            let why = "`botPrivateKeyPath` and `botPrivateKeyName` stand above it";
            fields.leave(import, &[older.0, older.1], why);
            Some(key)
        }
        None => import.folder_and_name(fields, older),
    };
    let Some(key) = key else {
        let file = import.folder_and_name(fields, (CERTIFICATE[0], CERTIFICATE[1]));
        let password = fields.get(CERTIFICATE[2]);
        let Some(file) = file else {
            import.report(
                0,
                "there is no credential",
                "`botPrivateKeyPath` and `botPrivateKeyName`, or `botCertPath` and `botCertName`",
            );
            return None;
        };
        let names = (bot, "certificate-password");
        return Some(import.certificate(&file, password.as_ref(), names));
    };
    if let Some(certificate) = CERTIFICATE.iter().find_map(|name| fields.get(name)) {
        let text = "there are a private key and a certificate; the key is taken, as Symphony \
                    recommends";
        import.note(NoteKind::Chosen, certificate.line, &certificate.key, text);
        fields.leave(
            import,
            &CERTIFICATE,
            "a bot has one credential, and that is its key",
        );
    }
    Some(import.key(&key))
}

fn read_app(
    import: &mut Import<'_>,
    fields: &mut Fields<'_>,
    bot: &str,
) -> Option<(String, Credential)> {
    const KEY: (&str, &str) = ("appPrivateKeyPath", "appPrivateKeyName");
    const CERTIFICATE: [&str; 3] = ["appCertPath", "appCertName", "appCertPassword"];
    let Some(id) = fields.text(import, "appId") else {
        let why = "an app without `appId` cannot act for anybody";
        fields.leave(import, &[KEY.0, KEY.1], why);
        fields.leave(import, &CERTIFICATE, why);
        return None;
    };
    if let Some(key) = import.folder_and_name(fields, KEY) {
        fields.leave(
            import,
            &CERTIFICATE,
            "an app has one credential, and that is its key",
        );
        return Some((id, import.key(&key)));
    }
    let file = import.folder_and_name(fields, (CERTIFICATE[0], CERTIFICATE[1]));
    let password = fields.get(CERTIFICATE[2]);
    let Some(file) = file else {
        let text = "the app has neither key nor certificate, so it cannot act for anybody";
        import.note(NoteKind::LeftOut, 0, "appId", text);
        return None;
    };
    let names = (bot, "app-certificate-password");
    Some((id, import.certificate(&file, password.as_ref(), names)))
}

/// One for everything, or one for each component.
#[derive(Default)]
struct Proxies {
    all: Option<Proxy>,
    pod: Option<Proxy>,
    agent: Option<Proxy>,
    key_manager: Option<Proxy>,
}

fn read_proxies(import: &mut Import<'_>, fields: &mut Fields<'_>, bot: &str) -> Proxies {
    const ALL: [&str; 3] = ["proxyURL", "proxyUsername", "proxyPassword"];
    const POD: [&str; 3] = ["podProxyURL", "podProxyUsername", "podProxyPassword"];
    const AGENT: [&str; 3] = ["agentProxyURL", "agentProxyUsername", "agentProxyPassword"];
    const KEYS: [&str; 3] = [
        "keyManagerProxyURL",
        "keyManagerProxyUsername",
        "keyManagerProxyPassword",
    ];
    if let Some(proxy) = read_proxy(import, fields, ALL, (bot, "proxy-password")) {
        let why = "`proxyURL` stands above it: everything goes through that one";
        for names in [POD, AGENT, KEYS] {
            fields.leave(import, &names, why);
        }
        let all = Some(proxy);
        return Proxies {
            pod: all.clone(),
            agent: all.clone(),
            key_manager: all.clone(),
            all,
        };
    }
    Proxies {
        all: None,
        pod: read_proxy(import, fields, POD, (bot, "pod-proxy-password")),
        agent: read_proxy(import, fields, AGENT, (bot, "agent-proxy-password")),
        key_manager: read_proxy(import, fields, KEYS, (bot, "key-manager-proxy-password")),
    }
}

/// A proxy's address, which people write with or without scheme, user name and password.
fn read_proxy(
    import: &mut Import<'_>,
    fields: &mut Fields<'_>,
    [url, username, password]: [&'static str; 3],
    (bot, what): (&str, &str),
) -> Option<Proxy> {
    let Some(field) = fields.get(url) else {
        let why = "there is no proxy that it belongs to";
        fields.leave(import, &[username, password], why);
        return None;
    };
    let username_text = fields.text(import, username);
    let password_field = fields.get(password);
    let text = field.text(import)?;
    let with_scheme = match text.contains("://") {
        true => text,
        false => {
            let mended = "`http://` is missing before the proxy's host";
            import.note(NoteKind::Mended, field.line, &field.key, mended);
            format!("http://{text}")
        }
    };
    let parsed = Url::parse(&with_scheme).ok();
    let parsed = parsed.filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.path() == "/"
    });
    let Some(mut parsed) = parsed else {
        // Not quoted: people write passwords into it.
        let found = format!("`{}` is no address of a proxy", field.key);
        import.report(field.line, found, "one such as http://proxy.acme.com:8080");
        return None;
    };
    let (own_name, has_own_password) = (
        percent_encoding::percent_decode_str(parsed.username())
            .decode_utf8_lossy()
            .into_owned(),
        parsed.password().is_some(),
    );
    // An address of http has both, however empty.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    let name = username_text.or((!own_name.is_empty()).then_some(own_name));
    let secret = match (&password_field, has_own_password) {
        (Some(password), _) => import.secret(password, bot, what),
        (None, true) => import.secret(&field, bot, what),
        (None, false) => None,
    };
    let login = match (name, secret) {
        (Some(name), Some(secret)) => Some((name, secret)),
        (None, None) => None,
        _ => {
            let text = "a proxy wants a user name and a password, and one of them is missing";
            import.note(NoteKind::ByHand, field.line, &field.key, text);
            None
        }
    };
    Some(Proxy {
        url: parsed.as_str().trim_end_matches('/').to_owned(),
        login,
    })
}

fn read_truststore(import: &mut Import<'_>, fields: &mut Fields<'_>) -> Vec<String> {
    let field = fields.get("truststorePath");
    let why = match field {
        Some(_) => "certificates in PEM have no password",
        None => "there is no truststore that it belongs to",
    };
    fields.leave(import, &["truststorePassword"], why);
    let Some(field) = field else {
        return Vec::new();
    };
    let Some(path) = field.text(import) else {
        return Vec::new();
    };
    let file = import.locate(&field.key, field.line, &[path]);
    let path = import.authorities_file(&file);
    vec![path.display().to_string()]
}

fn read_feed(import: &mut Import<'_>, fields: &mut Fields<'_>) -> Feed {
    let version = fields.get("datafeedVersion");
    let line = version.as_ref().map_or(0, |field| field.line);
    let chosen = version.and_then(|field| field.choice(import, &[("v1", "v1"), ("v2", "v2")]));
    let mut feed = Feed::default();
    if chosen == Some("v1") {
        let text = "Symphony has not supported v1 since 2023, and v1 loses what was handed out \
                    when the host dies; write v2 as soon as the agent knows it";
        import.note(NoteKind::Chosen, line, "datafeedVersion", text);
        feed.version = Some("v1");
        feed.reuse = fields
            .get("reuseDatafeedID")
            .and_then(|field| field.flag(import));
        feed.id_file = fields
            .text(import, "datafeedIdFilePath")
            .map(|path| import.whole_path(&path).display().to_string());
    } else {
        if chosen.is_none() {
            let text = "is missing, which meant v1; v2 is taken, because Symphony has not \
                        supported v1 since 2023. Add `datafeed = { version = \"v1\" }` where the \
                        agent knows no other";
            import.note(NoteKind::Chosen, 0, "datafeedVersion", text);
        }
        let why = "only v1 keeps the id of its feed; v2 finds it at the agent";
        fields.leave(import, &["reuseDatafeedID", "datafeedIdFilePath"], why);
    }
    let why =
        "the host waits longer from one failed read to the next by itself, and never gives up";
    let names = [
        "datafeedEventsErrorTimeout",
        "datafeedEventsErrorMaxTimeout",
    ];
    fields.leave(import, &names, why);
    feed
}

fn leave_the_rest(import: &mut Import<'_>, fields: &mut Fields<'_>) {
    for (names, why) in [
        (
            &["botEmailAddress"][..],
            "the account's own address is asked of the pod",
        ),
        (
            &["authTokenRefreshPeriod"],
            "tokens are renewed when the platform refuses them",
        ),
        (&["proxyPort"], "the port stands in the proxy's address"),
        (
            &["connectionTimeout"],
            "the host has limits of its own on every connection",
        ),
        (&["showFirehoseErrors"], "there is no firehose"),
        (
            &["authenticationFilterUrlPattern"],
            "it belongs to the web server of an extension app, which parlor is not",
        ),
    ] {
        fields.leave(import, names, why);
    }
}
