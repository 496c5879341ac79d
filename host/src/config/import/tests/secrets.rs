use super::*;

const SECRET: &str = "c0rrect-horse";

/// Everything that a person could see of an import.
fn everything(file: &str, text: &str) -> String {
    match import(file, text) {
        Ok(imported) => serde_json::to_string(&imported).unwrap() + &imported.section,
        Err(problems) => format!("{problems:?} {}", lines(&problems)),
    }
}

#[track_caller]
fn check_hidden(file: &str, text: &str) {
    assert!(text.contains(SECRET), "{text}");
    let shown = everything(file, text);
    assert!(!shown.contains(SECRET), "{shown}");
}

#[test]
fn no_secret_of_an_old_file_is_printed() {
    let all = r#"{"podHost": "a.com", "botUsername": "x", "botCertPath": "/keys/", "botCertName": "c.p12",
        "botCertPassword": "SECRET", "appId": "a", "appCertName": "/keys/a.p12", "appCertPassword": "SECRET",
        "podProxyURL": "http://u:SECRET@p:1", "agentProxyURL": "http://p:1", "agentProxyUsername": "u",
        "agentProxyPassword": "SECRET", "keyManagerProxyURL": "p:1", "keyManagerProxyPassword": "SECRET",
        "truststorePassword": "SECRET", "unknownSecret": "SECRET"}"#;
    check_hidden("c.json", &all.replace("SECRET", SECRET));
    for more in [
        r#""proxyURL": "ftp://u:SECRET@p""#,
        r#""proxyURL": "http://u:SECRET@p/path""#,
        r#""podHost": "u:SECRET@a.com""#,
        r#""podPort": "SECRET""#,
        r#""datafeedVersion": "SECRET""#,
        r#""botCertPassword": ["SECRET"]"#,
        r#""proxyURL": "http://p:1", "proxyUsername": "u", "proxyPassword": "SECRET", SECRET"#,
        r#""proxyPassword": "SECRET" "x": : 1"#,
        r#""proxyPassword": "SECRET"#,
    ] {
        let text = format!("{{\"podHost\": \"a.com\", \"botUsername\": \"x\", {more}}}");
        check_hidden("c.json", &text.replace("SECRET", SECRET));
    }
}

#[test]
fn no_secret_of_a_bdks_file_is_printed() {
    let all = "host: a.com\nbot: { username: x, privateKey: { content: 'SECRET' } }\n\
        proxy: { host: p, port: 1, username: u, password: SECRET }\n\
        agent: { proxy: { host: p, port: 1, username: u, password: '${X:-SECRET}' }, defaultHeaders: { X-Token: SECRET } }\n\
        pod: { proxy: { host: p, port: 1, password: SECRET } }\n\
        app: { appId: a, certificate: { content: SECRET, password: SECRET } }\n\
        ssl: { trustStore: { path: t.jks, password: SECRET } }\nother: SECRET\n";
    check_hidden("c.yaml", &all.replace("SECRET", SECRET));
    for more in [
        "port: SECRET",
        "proxy: { host: p, port: SECRET, username: u, password: SECRET }",
        "proxy: { host: p, port: 1, username: u, password: [SECRET] }",
        "proxy: { password: SECRET }",
        "commonJwt: { enabled: SECRET }",
        "proxy: { password: SECRET",
        "proxy:\n  password: 'SECRET",
        "proxy: { password: *SECRET }",
        "proxy: { password: \"SECRET\\q\" }",
        "proxy:\n password: SECRET\n   x: SECRET",
    ] {
        let text = format!("host: a.com\nbot: {{ username: x, privateKeyPath: k }}\n{more}\n");
        check_hidden("c.yaml", &text.replace("SECRET", SECRET));
    }
}

#[test]
fn conversions_are_commands_that_can_be_pasted() {
    let text = "host: a.com\nbot: { username: x, certificate: { path: '/keys/my bot.jks' } }\n\
                ssl: { trustStorePath: /keys/ca.jks }";
    let imported = imported("c.yaml", text);
    let commands: Vec<&str> = imported
        .notes
        .iter()
        .flat_map(|note| note.commands.iter().map(String::as_str))
        .collect();
    assert_eq!(
        commands,
        [
            "keytool -importkeystore -srckeystore '/keys/my bot.jks' -destkeystore '/keys/my bot.p12' -deststoretype pkcs12",
            "keytool -importkeystore -srckeystore /keys/ca.jks -destkeystore /keys/ca.p12 -deststoretype pkcs12",
            "openssl pkcs12 -in /keys/ca.p12 -nokeys -out /keys/ca.pem",
        ]
    );
    for command in commands {
        let line = format!("\n#     {command}\n");
        assert!(imported.section.contains(&line), "{}", imported.section);
    }
}
