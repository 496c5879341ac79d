//! `config.yaml` and `config.json` of the BDKs for Java and Python.

use super::credentials::Credential;
use super::draft::{Address, DEFAULT_PORT, Draft, Feed, Proxy, Server, context, is_own_machine};
use super::fields::{Field, Fields};
use super::{Import, NoteKind};

/// Keys by which such a file is known.
pub(super) const MARKS: [&str; 7] = [
    "bot",
    "host",
    "pod",
    "agent",
    "keyManager",
    "sessionAuth",
    "app",
];

/// How long a call may take, and how many at once, is not a setting.
const CONNECTION: [&str; 4] = [
    "connectionTimeout",
    "readTimeout",
    "connectionPoolMax",
    "connectionPoolPerRoute",
];
const WHY_CONNECTION: &str = "the host has limits of its own on every connection";

/// Parts of an address, each inherited by itself.
#[derive(Clone, Default)]
struct Parts {
    is_plain: Option<bool>,
    host: Option<String>,
    port: Option<u16>,
    context: Option<String>,
}

impl Parts {
    fn or(self, above: &Self) -> Self {
        Self {
            is_plain: self.is_plain.or(above.is_plain),
            host: self.host.or_else(|| above.host.clone()),
            port: self.port.or(above.port),
            context: self.context.or_else(|| above.context.clone()),
        }
    }

    fn address(self) -> Option<Address> {
        Some(Address {
            is_plain: self.is_plain.unwrap_or_default(),
            host: self.host?,
            port: self.port.unwrap_or(DEFAULT_PORT),
            context: self.context.unwrap_or_default(),
        })
    }
}

/// What is known of a component.
#[derive(Clone, Default)]
struct Component {
    parts: Parts,
    proxy: Option<Proxy>,
    headers: Vec<(String, String)>,
}

/// Reads the file; none where there is a mistake that leaves nothing to go on with.
pub(super) fn read_bdk(import: &mut Import<'_>, mut fields: Fields<'_>) -> Option<Draft> {
    let bot = fields.get("bot");
    let mut account = bot.and_then(|field| field.table(import));
    let username = account
        .as_mut()
        .and_then(|account| account.text(import, "username"));
    if username.is_none() {
        let found = "`bot.username` is missing; without it the BDK acts for users only";
        import.report(
            0,
            found,
            "the service account's name: a bot of parlor's has an account",
        );
    }
    let name = import.bot_name(username.as_deref().unwrap_or_default());
    let credential = account.and_then(|mut account| {
        let read = read_credential(import, &mut account, (&name, ""));
        if read.is_none() && import.problems.is_empty() {
            import.report(
                0,
                "the bot has no credential",
                "`bot.privateKey` or `bot.certificate`",
            );
        }
        account.finish(import);
        read
    });
    let common = read_component(import, &mut fields, (&name, ""));
    let app = fields.table(import, "app");
    let app = app.and_then(|app| read_app(import, app, &name));
    let pod = read_own(import, &mut fields, "pod", &name);
    let agent_field = fields.get("agent");
    let agent_table = agent_field.and_then(|field| field.table(import));
    let (agent, balanced) = match agent_table {
        Some(table) => read_agent(import, table, &name),
        None => (Component::default(), None),
    };
    let key_manager = read_own(import, &mut fields, "keyManager", &name);
    let shows_certificate = Credential::any_certificate(credential.as_ref(), app.as_ref());
    let session_auth = match shows_certificate {
        true => read_own(import, &mut fields, "sessionAuth", &name),
        false => {
            let why = "with a private key the login is at the pod";
            fields.leave(import, &["sessionAuth"], why);
            Component::default()
        }
    };
    let ca_files = read_ssl(import, &mut fields);
    let feed = read_feed(import, &mut fields);
    let common_jwt = read_common_jwt(import, &mut fields);
    leave_the_rest(import, &mut fields);
    fields.finish(import);

    // A host that is there and wrong has been named already.
    let is_right_so_far = import.problems.is_empty();
    let mut server = |component: Component, key: &str| {
        let Some(address) = component.parts.or(&common.parts).address() else {
            if is_right_so_far {
                let found = format!("neither `host` nor `{key}.host` is there");
                import.report(0, found, "a host for each component");
            }
            return None;
        };
        if address.is_plain && !is_own_machine(&address.host) {
            let text = "`scheme: http` is for this machine only; https is written";
            import.note(NoteKind::Chosen, 0, key, text);
        }
        Some(Server {
            address: Address {
                is_plain: address.is_plain && is_own_machine(&address.host),
                ..address
            },
            proxy: component.proxy.or_else(|| common.proxy.clone()),
            headers: component.headers,
        })
    };
    let pod = server(pod, "pod");
    let key_manager = server(key_manager, "keyManager");
    let session_auth = match shows_certificate {
        true => server(session_auth, "sessionAuth"),
        false => pod.clone(),
    };
    let (balancing, agents) = match balanced {
        None => (None, server(agent, "agent").map(|agent| vec![agent])),
        Some((mode, nodes)) => {
            let servers: Option<Vec<Server>> = nodes
                .into_iter()
                .map(|parts| {
                    let own = agent.clone();
                    // A node inherits nothing, not even its port.
                    let parts = parts.or(&Parts {
                        is_plain: Some(false),
                        host: None,
                        port: Some(DEFAULT_PORT),
                        context: Some(String::new()),
                    });
                    server(Component { parts, ..own }, "agent.loadBalancing.nodes")
                })
                .collect();
            (mode, servers)
        }
    };
    let pod = pod?;
    let common_address = common.parts.address();
    Some(Draft {
        name,
        username: username?,
        credential: credential?,
        common: Server {
            address: common_address.map_or_else(
                || pod.address.clone(),
                |address| Address {
                    is_plain: address.is_plain && is_own_machine(&address.host),
                    ..address
                },
            ),
            proxy: common.proxy,
            headers: common.headers,
        },
        pod,
        agents: agents?,
        balancing,
        key_manager: key_manager?,
        session_auth: session_auth?,
        ca_files,
        app,
        feed,
        common_jwt,
    })
}

/// A component of its own name: `pod`, `keyManager`.
fn read_own(
    import: &mut Import<'_>,
    fields: &mut Fields<'_>,
    name: &'static str,
    bot: &str,
) -> Component {
    let Some(mut table) = fields.table(import, name) else {
        return Component::default();
    };
    let prefix = match name {
        "keyManager" => "key-manager-",
        "sessionAuth" => "session-auth-",
        _ => "pod-",
    };
    let component = read_component(import, &mut table, (bot, prefix));
    table.finish(import);
    component
}

fn read_component(
    import: &mut Import<'_>,
    fields: &mut Fields<'_>,
    names: (&str, &str),
) -> Component {
    let parts = read_parts(import, fields);
    let proxy = fields.table(import, "proxy");
    let proxy = proxy.and_then(|proxy| read_proxy(import, proxy, names));
    let headers = fields.get("defaultHeaders");
    let headers = headers.map_or_else(Vec::new, |field| read_headers(import, &field));
    fields.leave(import, &CONNECTION, WHY_CONNECTION);
    Component {
        parts,
        proxy,
        headers,
    }
}

fn read_parts(import: &mut Import<'_>, fields: &mut Fields<'_>) -> Parts {
    let schemes = [("https", false), ("http", true)];
    let scheme = fields.get("scheme");
    let host = fields.get("host");
    Parts {
        is_plain: scheme.and_then(|field| field.choice(import, &schemes)),
        host: host.and_then(|field| import.host(&field)),
        port: fields.get("port").and_then(|field| field.port(import)),
        context: fields.text(import, "context").map(|text| context(&text)),
    }
}

fn read_proxy(
    import: &mut Import<'_>,
    mut fields: Fields<'_>,
    (bot, prefix): (&str, &str),
) -> Option<Proxy> {
    let host_field = fields.get("host");
    let port_field = fields.get("port");
    let username = fields.get("username");
    let password = fields.get("password");
    fields.finish(import);
    let (Some(host_field), Some(port_field)) = (host_field, port_field) else {
        import.report(
            0,
            "a proxy lacks its host or its port",
            "`proxy.host` and `proxy.port`",
        );
        return None;
    };
    let host = import.host(&host_field)?;
    let port = port_field.port(import)?;
    let login = match (username, password) {
        (Some(username), Some(password)) => {
            let what = format!("{prefix}proxy-password");
            let raw = username.raw(import)?;
            // A user name may be read from a variable, as the password may.
            let name = match import.variable(&username, raw) {
                Some(reference) => reference,
                None => username.text(import)?,
            };
            Some((name, import.secret(&password, bot, &what)?))
        }
        (None, None) => None,
        (Some(alone), None) | (None, Some(alone)) => {
            let text = "a proxy wants a user name and a password, and one of them is missing";
            import.note(NoteKind::ByHand, alone.line, &alone.key, text);
            None
        }
    };
    Some(Proxy {
        url: format!("http://{host}:{port}"),
        login,
    })
}

/// Headers. One that has the name of a secret is not written out.
fn read_headers(import: &mut Import<'_>, field: &Field<'_>) -> Vec<(String, String)> {
    const SECRETS: [&str; 6] = ["auth", "cookie", "key", "password", "secret", "token"];
    let mut headers = Vec::new();
    for pair in field.pairs(import) {
        let name = pair.name().to_owned();
        let small = name.to_ascii_lowercase();
        if SECRETS.iter().any(|part| small.contains(part)) {
            let text = "its name is that of a secret, and headers are written out in the settings; \
                        write it by hand where it is none";
            import.note(NoteKind::LeftOut, pair.line, &pair.key, text);
        } else if let Some(value) = pair.text(import) {
            headers.push((name, value));
        }
    }
    headers
}

type Balanced = (Option<&'static str>, Vec<Parts>);

fn read_agent(
    import: &mut Import<'_>,
    mut fields: Fields<'_>,
    bot: &str,
) -> (Component, Option<Balanced>) {
    let component = read_component(import, &mut fields, (bot, "agent-"));
    let field = fields.get("loadBalancing");
    fields.finish(import);
    let Some(field) = field else {
        return (component, None);
    };
    let Some(mut table) = field.table(import) else {
        return (component, None);
    };
    let has_own_address = component.parts.host.is_some() || component.parts.port.is_some();
    if has_own_address {
        let found = format!("`{}` stands beside an address of the agent", field.key);
        import.report(
            field.line,
            found,
            "`agent.host`, or `agent.loadBalancing.nodes`",
        );
    }
    let modes = [
        ("external", "external"),
        ("roundRobin", "round-robin"),
        ("random", "random"),
    ];
    let mode = table.get("mode");
    let mode = mode.and_then(|field| field.choice(import, &modes));
    if let Some(stickiness) = table.get("stickiness")
        && stickiness.flag(import) == Some(false)
    {
        let text = "reads of a feed stay with one agent while it answers; other calls are spread";
        import.note(NoteKind::LeftOut, stickiness.line, &stickiness.key, text);
    }
    let nodes = table.get("nodes");
    let nodes = nodes
        .and_then(|field| field.tables(import))
        .unwrap_or_default();
    let nodes: Vec<Parts> = nodes
        .into_iter()
        .map(|mut node| {
            let parts = read_parts(import, &mut node);
            node.finish(import);
            parts
        })
        .collect();
    table.finish(import);
    if nodes.is_empty() {
        let found = format!("`{}` has no nodes", field.key);
        import.report(field.line, found, "`nodes` with at least one host");
    }
    (component, Some((mode, nodes)))
}

/// A key, in one of three ways, or a certificate in one of three.
fn read_credential(
    import: &mut Import<'_>,
    fields: &mut Fields<'_>,
    (bot, prefix): (&str, &str),
) -> Option<Credential> {
    let key = read_key(import, fields, (bot, prefix));
    let certificate = fields.get("certificate");
    let flat = fields.get("certificatePath");
    let flat_password = fields.get("certificatePassword");
    let Some(key) = key else {
        if let Some(field) = certificate {
            return read_certificate(import, &field, (bot, prefix));
        }
        let field = flat?;
        let path = field.text(import)?;
        let file = import.locate(&field.key, field.line, &[path]);
        let what = format!("{prefix}certificate-password");
        return Some(import.certificate(&file, flat_password.as_ref(), (bot, &what)));
    };
    let fields = [certificate, flat, flat_password];
    let others: Vec<&Field<'_>> = fields.iter().flatten().collect();
    if let Some(first) = others.first() {
        let text = "there are a private key and a certificate; the key is taken, as Symphony \
                    recommends. The BDK takes neither";
        import.note(NoteKind::Chosen, first.line, &first.key, text);
        for field in others {
            let why = "an account has one credential, and that is its key";
            import.note(NoteKind::LeftOut, field.line, &field.key, why);
        }
    }
    Some(key)
}

fn read_key(
    import: &mut Import<'_>,
    fields: &mut Fields<'_>,
    (bot, prefix): (&str, &str),
) -> Option<Credential> {
    let flat = fields.get("privateKeyPath");
    let Some(mut table) = fields.table(import, "privateKey") else {
        let field = flat?;
        let path = field.text(import)?;
        let file = import.locate(&field.key, field.line, &[path]);
        return Some(import.key(&file));
    };
    let path = table.get("path");
    let content = table.get("content");
    table.finish(import);
    if let Some(field) = path {
        if let Some(content) = content {
            let text = "there is a path too, which is taken";
            import.note(NoteKind::LeftOut, content.line, &content.key, text);
        }
        let path = field.text(import)?;
        let file = import.locate(&field.key, field.line, &[path]);
        return Some(import.key(&file));
    }
    let what = format!("{prefix}key.pem");
    Some(Credential::Key(import.secret(&content?, bot, &what)?))
}

fn read_certificate(
    import: &mut Import<'_>,
    field: &Field<'_>,
    (bot, prefix): (&str, &str),
) -> Option<Credential> {
    let mut table = field.table(import)?;
    let path = table.get("path");
    let content = table.get("content");
    let password = table.get("password");
    table.finish(import);
    let what = format!("{prefix}certificate-password");
    if let Some(field) = path {
        if let Some(content) = content {
            let text = "there is a path too, which is taken";
            import.note(NoteKind::LeftOut, content.line, &content.key, text);
        }
        let path = field.text(import)?;
        let file = import.locate(&field.key, field.line, &[path]);
        return Some(import.certificate(&file, password.as_ref(), (bot, &what)));
    }
    let content = content?;
    let file = format!("secrets/{bot}-{prefix}certificate.p12");
    let text = format!(
        "a certificate is read from a file. Put what the Base64 here stands for into {file} beside \
         parlor.toml (`base64 -d`), which only parlor's user may read"
    );
    import.note(NoteKind::ByHand, content.line, &content.key, text);
    Some(Credential::Certificate {
        file: format!("file:{file}"),
        password: password.and_then(|field| import.secret(&field, bot, &what)),
    })
}

fn read_app(
    import: &mut Import<'_>,
    mut fields: Fields<'_>,
    bot: &str,
) -> Option<(String, Credential)> {
    let id = fields.get("appId");
    let credential = read_credential(import, &mut fields, (bot, "app-"));
    fields.finish(import);
    let id = match id {
        Some(id) => id.text(import)?,
        None => {
            let text = "an app without `appId` cannot act for anybody";
            import.note(NoteKind::LeftOut, 0, "app", text);
            return None;
        }
    };
    if credential.is_none() {
        let text = "the app has neither key nor certificate, so it cannot act for anybody";
        import.note(NoteKind::LeftOut, 0, "app.appId", text);
    }
    Some((id, credential?))
}

fn read_ssl(import: &mut Import<'_>, fields: &mut Fields<'_>) -> Vec<String> {
    let Some(mut ssl) = fields.table(import, "ssl") else {
        return Vec::new();
    };
    let why = "certificates in PEM have no password";
    let flat = ssl.get("trustStorePath");
    ssl.leave(import, &["trustStorePassword"], why);
    let store = ssl.table(import, "trustStore");
    let path = store.and_then(|mut store| {
        let path = store.get("path");
        store.leave(import, &["password"], why);
        store.finish(import);
        path
    });
    ssl.finish(import);
    let Some(field) = path.or(flat) else {
        return Vec::new();
    };
    let Some(path) = field.text(import) else {
        return Vec::new();
    };
    let file = import.locate(&field.key, field.line, &[path]);
    vec![import.authorities_file(&file).display().to_string()]
}

fn read_feed(import: &mut Import<'_>, fields: &mut Fields<'_>) -> Feed {
    let mut feed = Feed::default();
    let Some(mut table) = fields.table(import, "datafeed") else {
        return feed;
    };
    let version = table.get("version");
    let line = version.as_ref().map_or(0, |field| field.line);
    let chosen = version.and_then(|field| field.choice(import, &[("v1", "v1"), ("v2", "v2")]));
    feed.version = chosen;
    if chosen == Some("v1") {
        let text = "Symphony has not supported v1 since 2023, and v1 loses what was handed out \
                    when the host dies; write v2 as soon as the agent knows it";
        import.note(NoteKind::Chosen, line, "datafeed.version", text);
        feed.id_file = table
            .text(import, "idFilePath")
            .map(|path| import.whole_path(&path).display().to_string());
        table.leave(import, &["tag"], "only feeds of v2 have a tag");
    } else {
        feed.tag = table.text(import, "tag");
        let why = "only v1 keeps the id of its feed; v2 finds it at the agent";
        table.leave(import, &["idFilePath"], why);
    }
    let why = "events that a person does not see are not asked for";
    table.leave(import, &["includeInvisible"], why);
    table.leave(import, &["retry"], WHY_RETRY);
    table.finish(import);
    feed
}

const WHY_RETRY: &str = "the host tries again by itself, waits longer each time, and honours what \
                         the platform asks for";

fn read_common_jwt(import: &mut Import<'_>, fields: &mut Fields<'_>) -> bool {
    let Some(mut table) = fields.table(import, "commonJwt") else {
        return false;
    };
    let enabled = table.get("enabled");
    let enabled = enabled.and_then(|field| field.flag(import));
    table.finish(import);
    enabled.unwrap_or_default()
}

fn leave_the_rest(import: &mut Import<'_>, fields: &mut Fields<'_>) {
    fields.leave(import, &["retry"], WHY_RETRY);
    let why = "parlor hears what its bot hears, not the whole pod";
    fields.leave(import, &["datahose"], why);
}
