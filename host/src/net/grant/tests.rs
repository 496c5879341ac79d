use super::*;
use crate::net::credential::Credential;

fn check(grant: &str, request: &str, covered: bool) {
    let grants = HttpGrants::parse(&[grant]).expect("a grant");
    let (method, uri) = request.split_once(' ').expect("a request");
    let method = method.parse().expect("a method");
    let uri = uri.parse().expect("an address");
    let got = grants.check(&method, &uri);
    assert_eq!(got.is_ok(), covered, "{grant} · {request}: {got:?}");
}

#[test]
fn covers_what_it_names() {
    check(
        "GET https://a.example/v1/*",
        "GET https://a.example/v1/x?q=1",
        true,
    );
    check(
        "GET https://a.example/v1/*",
        "GET https://A.example:443/v1/x/y",
        true,
    );
    check("GET https://a.example/v1", "GET https://a.example/v1", true);
    check(
        "* https://*.a.example/*",
        "PATCH https://b.a.example/",
        true,
    );
    check(
        "GET http://127.0.0.1:8080/x*",
        "GET http://127.0.0.1:8080/xy",
        true,
    );
    check("GET http://[::1]/*", "GET http://[0:0::1]/", true);
    check(
        "GET https://a.example/u/*/file",
        "GET https://a.example/u/7/file",
        true,
    );
}

#[test]
fn covers_nothing_else() {
    check(
        "GET https://a.example/v1/*",
        "POST https://a.example/v1/x",
        false,
    );
    check(
        "GET https://a.example/v1/*",
        "GET http://a.example/v1/x",
        false,
    );
    check(
        "GET https://a.example/v1/*",
        "GET https://a.example:8443/v1/x",
        false,
    );
    check(
        "GET https://a.example/v1/*",
        "GET https://b.example/v1/x",
        false,
    );
    check(
        "GET https://a.example/v1/*",
        "GET https://a.example/v2",
        false,
    );
    check(
        "GET https://a.example/v1/*",
        "GET https://a.example/v1/../v2",
        false,
    );
    check(
        "GET https://a.example/v1/*",
        "GET https://a.example/v1/%2e%2e/v2",
        false,
    );
    check(
        "GET https://a.example/v1/*",
        "GET https://a.example/v1/..%2fv2",
        false,
    );
    check(
        "GET https://a.example/*",
        "GET https://u:p@a.example/x",
        false,
    );
    check("* https://*.a.example/*", "GET https://a.example/", false);
    check(
        "* https://*.a.example/*",
        "GET https://evila.example/",
        false,
    );
    check(
        "GET https://a.example/v1",
        "GET https://a.example/v1/x",
        false,
    );
    check("GET http://127.0.0.1/*", "GET http://127.0.0.2/", false);
    // What an address parser makes of other spellings is what is compared.
    check("GET http://localhost/*", "GET http://127.1/", false);
}

fn check_error(grant: &str, part: &str) {
    let error = HttpGrants::parse(&[grant]).expect_err("is refused");
    assert!(error.to_string().contains(part), "{error}");
}

#[test]
fn says_what_is_wrong() {
    check_error("https://a.example", "expected a method");
    check_error("get https://a.example/", "no method in capitals");
    check_error("GET a.example/", "expected a method");
    check_error("GET ftp://a.example/", "only http and https");
    check_error("GET https://u:p@a.example/", "credentials");
    check_error("GET https://a.example/?q=1", "ends with the path");
    check_error("GET https://*/x", "stands only before");
    check_error("GET https://*.com/x", "stands only before");
}

fn grant(allow: &str, bearer: Option<&str>) -> HttpGrant {
    let secret = bearer.map(|text| Secret::new(text.to_owned()));
    HttpGrant {
        allow: allow.to_owned(),
        credential: secret.map(|secret| Credential::bearer(&secret).expect("a token")),
        certificate: None,
    }
}

#[test]
fn the_first_grant_that_covers_a_request_counts() {
    let grants = HttpGrants::new(&[
        grant("GET https://a.example/open/*", None),
        grant("* https://a.example/*", Some("first-token")),
        grant("* https://a.example/*", Some("second-token")),
    ])
    .expect("grants");
    let header = |uri: &'static str| {
        let granted = grants
            .check(&Method::GET, &Uri::from_static(uri))
            .expect("covered");
        let rights = granted.rights().and_then(Rights::fixed_header).cloned();
        rights.map(|(_, value)| value.to_str().expect("text").to_owned())
    };
    assert_eq!(header("https://a.example/open/x"), None);
    assert_eq!(
        header("https://a.example/x").as_deref(),
        Some("Bearer first-token")
    );
    assert!(grants.has_secrets());
    assert!(!format!("{grants:?}").contains("token\""), "{grants:?}");
}

#[test]
fn a_header_that_the_host_sets_is_refused() {
    let grants = HttpGrants::new(&[
        grant("GET https://a.example/*", Some("a-token")),
        grant("GET https://b.example/*", None),
    ])
    .expect("grants");
    let admit = |uri: &str| {
        let request = Request::get(uri)
            .header("AUTHORIZATION", "Bearer mine")
            .body(());
        grants.admit(&request.expect("a request"))
    };
    let refused = admit("https://a.example/x?q=1").expect_err("the host sets it");
    assert_eq!(
        refused.to_string(),
        "GET https://a.example/x: the header authorization is set by the host"
    );
    assert!(admit("https://b.example/").is_ok());
}

#[test]
fn methods_that_reveal_or_tunnel_are_never_granted() {
    check("* https://a.example/*", "TRACE https://a.example/", false);
    check("* https://a.example/*", "CONNECT https://a.example/", false);
}
