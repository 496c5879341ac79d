//! `[net]`, and grants that carry credentials.

use super::*;
use crate::net::{Account, ClientAuth, Credential, OAuth2, Proxy};

const GRANT: &str = "[plugin.joke]\ngrants.http = [{ allow = \"GET https://a.example/\"";

/// The message that the rest of a grant gives, without the place that all have.
fn check_grant(rest: &str, message: &str) {
    let text = format!("{GRANT}, {rest} }}]\n");
    let place = " in entry 1 of `http` in [plugin.joke.grants]";
    let found: Vec<String> = messages(&text)
        .iter()
        .map(|message| message.replace(place, "").replace("parlor.toml:2: ", ""))
        .collect();
    assert_eq!(found, [message], "{rest}");
}

fn read_grant(rest: &str) -> HttpGrant {
    let settings = parse(&format!("{GRANT}, {rest} }}]\n")).unwrap();
    settings.plugins["joke"].grants.http[0].clone()
}

fn secret() -> Secret {
    Secret::new("s3cret".into())
}

#[test]
fn grants_carry_credentials() {
    let bearer = read_grant("bearer = \"${API_TOKEN}\"");
    assert_eq!(bearer.credential, Credential::bearer(&secret()).ok());
    let basic = read_grant("basic = { username = \"joe\", password = \"${API_TOKEN}\" }");
    let joe = Account::Open("joe".into());
    assert_eq!(
        basic.credential,
        Credential::basic(&joe, Some(&secret())).ok()
    );
    let key = read_grant("basic = { username = \"${API_TOKEN}\" }");
    let account = Account::Hidden(secret());
    assert_eq!(key.credential, Credential::basic(&account, None).ok());
    let header = read_grant("header = { name = \"X-Api-Key\", value = \"Key ${API_TOKEN}\" }");
    let name = http::HeaderName::from_static("x-api-key");
    let value = Secret::new("Key s3cret".into());
    assert_eq!(header.credential, Credential::header(name, &value).ok());
    let oauth2 = read_grant(
        "oauth2 = { token-url = \"https://login.example/token\", client-id = \"bot\", \
         client-secret = \"${API_TOKEN}\", scope = \"read\", client-auth = \"body\" }",
    );
    let settings = OAuth2 {
        token_url: "https://login.example/token".parse().unwrap(),
        client_id: Account::Open("bot".into()),
        client_secret: secret(),
        scope: Some("read".into()),
        audience: None,
        client_auth: ClientAuth::Body,
    };
    assert_eq!(oauth2.credential, Credential::oauth2(settings).ok());
    for grant in [bearer, basic, key, header, oauth2] {
        assert!(!format!("{grant:?}").contains("s3cret"), "{grant:?}");
    }
}

#[test]
fn grants_may_be_tables_of_their_own() {
    let text = "[[plugin.joke.grants.http]]\nallow = \"GET https://a.example/\"\n[plugin.joke.grants.http.basic]\nusername = \"joe\"\npassword = \"${API_TOKEN}\"\n\n[[plugin.joke.grants.http]]\nallow = \"GET https://b.example/\"\nbearer = \"open\"\n";
    let expected = "parlor.toml:9: `bearer` in entry 2 of `http` in [plugin.joke.grants] is written out; expected `${NAME}` for a variable of the environment, or `file:PATH`";
    check(text, expected);
    let settings = parse(&text.replace("open", "${API_TOKEN}")).unwrap();
    let grants = &settings.plugins["joke"].grants.http;
    assert!(grants.len() == 2 && grants.iter().all(|grant| grant.credential.is_some()));
}

#[test]
fn a_secret_that_is_written_out_is_refused_and_not_quoted() {
    let expected =
        "is written out; expected `${NAME}` for a variable of the environment, or `file:PATH`";
    check_grant("bearer = \"hunter22\"", &format!("`bearer` {expected}"));
    let text = "[net]\nproxy = { url = \"http://p\", username = \"u\", password = \"hunter22\" }\n";
    check(
        text,
        &format!("parlor.toml:2: `password` in [net.proxy] {expected}"),
    );
    check_grant(
        "bearer = 7",
        "`bearer` is not text; expected `${NAME}` for a variable of the environment, or `file:PATH`",
    );
}

#[test]
fn says_what_is_wrong_with_a_credential() {
    check_grant(
        "bearer = \"${API_TOKEN}\", basic = { username = \"joe\", password = \"${API_TOKEN}\" }",
        "entry 1 of `http` in [plugin.joke.grants] has several credentials; expected one of `bearer`, `basic`, `header`, `oauth2`; `client-certificate` may stand beside it",
    );
    check_grant(
        "bearer = \"a ${API_TOKEN}\"",
        "`bearer` holds a line break or another character that no header can hold",
    );
    check_grant(
        "basic = { username = \"joe\" }",
        "`password` is missing in [plugin.joke.grants.http.1.basic]",
    );
    check_grant(
        "header = { name = \"host\", value = \"${API_TOKEN}\" }",
        "`name` in [plugin.joke.grants.http.1.header] is a header that the sender makes itself",
    );
    check_grant(
        "header = { name = \"no name\", value = \"${API_TOKEN}\" }",
        "`name` in [plugin.joke.grants.http.1.header] is \"no name\"; expected a header's name, \"X-Api-Key\"",
    );
    check_grant(
        "oauth2 = { token-url = \"ftp://login.example\", client-id = \"bot\", client-secret = \"${API_TOKEN}\" }",
        "`token-url` in [plugin.joke.grants.http.1.oauth2] is no address of a token endpoint; expected an address such as \"https://login.example.com/token\"",
    );
    check_grant(
        "oauth2 = { token-url = \"https://a.example\", client-id = \"bot\", client-secret = \"${API_TOKEN}\", scop = \"x\" }",
        "unknown key `scop` in [plugin.joke.grants.http.1.oauth2]; expected one of `token-url`, `client-id`, `client-secret`, `scope`, `audience`, `client-auth`; did you mean `scope`?",
    );
    let path = "/etc/parlor/nope.pem: No such file or directory (os error 2)";
    let found = messages(&format!(
        "{GRANT}, client-certificate = {{ certificate = \"file:nope.pem\", key = \"${{API_TOKEN}}\" }} }}]\n"
    ));
    assert_eq!(
        found,
        [format!(
            "parlor.toml:2: `certificate` in [plugin.joke.grants.http.1.client-certificate] cannot be read: cannot read {}",
            path.replace("/etc/parlor/", "")
        )]
    );
    check_grant(
        "client-certificate = { certificate = \"${API_TOKEN}\", key = \"${API_TOKEN}\" }",
        "`certificate` in [plugin.joke.grants.http.1.client-certificate] holds no certificate in PEM; expected a certificate in PEM, those that vouch for it after it",
    );
}

#[test]
fn reads_the_way_out() {
    let text = "[net]\nproxy = { url = \"http://proxy:8080\", username = \"joe\", password = \"${API_TOKEN}\" }\nno-proxy = [\"*.acme.net\", \"10.0.0.0/8\"]\n";
    let net = parse(text).unwrap().net;
    let joe = Account::Open("joe".into());
    let proxy = Proxy::new("http://proxy:8080", Some((&joe, &secret()))).unwrap();
    assert_eq!(net.proxy, Some(proxy));
    let expected = ["*.acme.net", "10.0.0.0/8"].map(|text| text.parse().unwrap());
    assert_eq!(net.no_proxy, expected);
    let net = parse("[net]\nproxy = \"https://proxy.acme.net\"\n")
        .unwrap()
        .net;
    assert_eq!(net.proxy.unwrap().name(), "https://proxy.acme.net");
}

#[test]
fn says_what_is_wrong_with_the_way_out() {
    check(
        "[net]\nproxy = { url = \"http://joe:hunter22@proxy:8080\" }\n",
        "parlor.toml:2: `url` in [net.proxy] holds a user name or a password; expected `username` and `password` beside `url`",
    );
    check(
        "[net]\nproxy = \"socks5://joe:hunter22@proxy\"\n",
        "parlor.toml:2: `proxy` in [net] holds a user name or a password; expected `username` and `password` beside `url`",
    );
    check(
        "[net]\nproxy = \"proxy:8080\"\n",
        "parlor.toml:2: `proxy` in [net] is no address of a proxy; expected an address such as \"http://proxy.example.com:8080\"",
    );
    check(
        "[net]\nproxy = { url = \"http://proxy\", username = \"joe\" }\n",
        "parlor.toml:2: `password` is missing in [net.proxy]",
    );
    check(
        "[net]\n\nno-proxy = [\"acme.net\",\n  \"*acme.net\"]\n",
        "parlor.toml:4: entry 2 of `no-proxy` in [net] is \"*acme.net\"; expected a name, \"*.example.com\", an address, or a network such as \"10.0.0.0/8\"",
    );
    check(
        "[net]\nca-files = [\"ca.pem\"]\n",
        "parlor.toml:2: entry 1 of `ca-files` in [net] cannot be used: cannot read ca.pem: No such file or directory (os error 2); expected a file of certificates in PEM",
    );
    check(
        "[net]\nno-proxi = []\n",
        "parlor.toml:2: unknown key `no-proxi` in [net]; expected one of `proxy`, `no-proxy`, `ca-files`; did you mean `no-proxy`?",
    );
}

#[test]
fn a_file_of_authorities_holds_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(SETTINGS_FILE);
    std::fs::write(folder.path().join("ca.pem"), "no certificate\n").unwrap();
    std::fs::write(&path, "[net]\nca-files = [\"ca.pem\"]\n").unwrap();
    let problem = Settings::load(&path).unwrap_err().remove(0);
    assert_eq!(problem.line, 2);
    assert!(
        problem
            .found
            .ends_with("ca.pem holds no certificate in PEM"),
        "{problem}"
    );
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(folder.path().join("ca.pem"), broken).unwrap();
    let problem = Settings::load(&path).unwrap_err().remove(0);
    assert!(
        problem
            .found
            .ends_with("number 1, that cannot be an authority's"),
        "{problem}"
    );
}
