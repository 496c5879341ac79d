use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

fn settings(client_auth: ClientAuth) -> OAuth2 {
    OAuth2 {
        token_url: "https://login.example/token?tenant=7".parse().unwrap(),
        client_id: Account::Open("bot 1".into()),
        client_secret: Secret::new("s3cret/+".into()),
        scope: Some("read write".into()),
        audience: None,
        client_auth,
    }
}

fn source() -> TokenSource {
    let secrets = Arc::new(Secrets::new(Vec::new()));
    TokenSource::new(Arc::new(settings(ClientAuth::Basic)), secrets)
}

/// Answers the n-th request with a token of that number.
#[derive(Default)]
struct Server {
    asked: AtomicU32,
}

impl Server {
    async fn answer(&self, _request: Request<Bytes>) -> Result<(StatusCode, Bytes), EgressError> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        // The others come meanwhile.
        tokio::task::yield_now().await;
        let body = format!(r#"{{"access_token":"token{number}","expires_in":600}}"#);
        Ok((StatusCode::OK, body.into()))
    }

    async fn take(&self, source: &TokenSource, refused: Option<u64>) -> Taken {
        let taken = source.take(refused, |request| self.answer(request)).await;
        taken.expect("a token")
    }
}

#[tokio::test]
async fn many_requests_fetch_one_token() {
    let (source, server) = (source(), Server::default());
    let all = futures::future::join_all((0..50).map(|_| server.take(&source, None))).await;
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);
    assert_eq!(all.iter().filter(|taken| taken.is_new).count(), 1);
    assert!(all.iter().all(|taken| taken.header == "Bearer token1"));
    assert!(format!("{:?}", all[0].header).contains("Sensitive"));
    // All were refused: one renews.
    let all = futures::future::join_all((0..50).map(|_| server.take(&source, Some(1)))).await;
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
    assert!(all.iter().all(|taken| taken.number == 2));
}

#[tokio::test]
async fn a_token_is_kept_until_shortly_before_it_expires() {
    let (source, server) = (source(), Server::default());
    server.take(&source, None).await;
    let state = source.state.lock().await;
    let until = state.token.as_ref().expect("it is kept").until;
    let left = until.saturating_duration_since(Instant::now());
    assert!(left <= Duration::from_secs(570), "{left:?}");
    assert!(state.kept(None, until - Duration::from_millis(1)).is_some());
    assert!(state.kept(None, until).is_none());
    assert_eq!(usable(Duration::from_secs(60)), Duration::from_secs(54));
    assert_eq!(usable(Duration::ZERO), Duration::ZERO);
}

#[tokio::test]
async fn one_failure_is_everybodys_and_nobody_tries_on_at_once() {
    let source = source();
    let asked = AtomicU32::new(0);
    let take = || {
        source.take(None, |_| async {
            asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            let body = r#"{"error":"invalid_client","error_description":"s3cret"}"#;
            Ok((StatusCode::UNAUTHORIZED, Bytes::from(body)))
        })
    };
    let all = futures::future::join_all((0..20).map(|_| take())).await;
    for error in all.into_iter().map(|taken| taken.err().expect("no token")) {
        let expected = "no credential: no token from https://login.example/token: answered 401 (invalid_client)";
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let state = source.state.lock().await;
    let at = state.failed.as_ref().expect("it failed").0;
    assert!(state.failure(at + COOL_DOWN / 2).is_some());
    assert!(state.failure(at + COOL_DOWN).is_none());
}

#[tokio::test]
async fn a_fetch_that_is_given_up_leaves_the_next_to_fetch() {
    let (source, server) = (source(), Server::default());
    let mut impatient = Box::pin(server.take(&source, None));
    assert!(futures::poll!(&mut impatient).is_pending());
    drop(impatient);
    assert_eq!(server.take(&source, None).await.header, "Bearer token2");
}

#[test]
fn shows_the_client_in_the_header_or_in_the_body() {
    let request = settings(ClientAuth::Basic).request().unwrap();
    assert_eq!(
        request.body(),
        "grant_type=client_credentials&scope=read+write"
    );
    // bot+1:s3cret%2F%2B
    let header = request.headers()[header::AUTHORIZATION].to_str().unwrap();
    assert_eq!(header, "Basic Ym90KzE6czNjcmV0JTJGJTJC");
    assert_eq!(request.uri(), "https://login.example/token?tenant=7");

    let request = settings(ClientAuth::Body).request().unwrap();
    assert!(!request.headers().contains_key(header::AUTHORIZATION));
    let body =
        "grant_type=client_credentials&scope=read+write&client_id=bot+1&client_secret=s3cret%2F%2B";
    assert_eq!(request.body(), body);
}

fn check_answer(status: u16, body: &str, expected: Result<(&str, u64), &str>) {
    let status = StatusCode::from_u16(status).unwrap();
    let answer = read_answer(status, body.as_bytes());
    let answer = answer.map(|answer| (answer.token, answer.life.as_secs()));
    let expected = expected
        .map(|(token, life)| (token.to_owned(), life))
        .map_err(str::to_owned);
    assert_eq!(answer, expected, "{body}");
}

#[test]
fn reads_what_token_endpoints_answer() {
    check_answer(
        200,
        r#"{"access_token":"abcd","expires_in":60}"#,
        Ok(("abcd", 60)),
    );
    check_answer(
        200,
        r#"{"access_token":"abcd","expires_in":"60","x":[]}"#,
        Ok(("abcd", 60)),
    );
    check_answer(
        200,
        r#"{"access_token":"abcd","token_type":"BEARER"}"#,
        Ok(("abcd", 3_600)),
    );
    check_answer(
        200,
        r#"{"access_token":"abcd","expires_in":-5}"#,
        Ok(("abcd", 0)),
    );
    check_answer(
        200,
        r#"{"access_token":"abcd","expires_in":1e300}"#,
        Ok(("abcd", 86_400)),
    );
    let kind = "the token is not of the type Bearer";
    check_answer(
        200,
        r#"{"access_token":"abcd","token_type":"mac"}"#,
        Err(kind),
    );
    let none = "the answer has no access_token that can be used";
    check_answer(200, r#"{"access_token":""}"#, Err(none));
    check_answer(200, "<html>", Err("the answer is not JSON of a token"));
    check_answer(302, "", Err("answered 302"));
    check_answer(
        400,
        r#"{"error":"invalid_scope"}"#,
        Err("answered 400 (invalid_scope)"),
    );
    check_answer(400, r#"{"error":"S3cret!"}"#, Err("answered 400"));
}
