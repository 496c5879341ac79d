//! A guest's HTTP requests, from `wasi:http` to a socket.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::guest::CallEnd;
use super::testing::{Bench, Guest, live};
use super::*;
use crate::net::HttpGrants;

const PACKAGES: &str = "package test:deps;
package wasi:io@0.2.0 { interface poll { resource pollable { block: func(); } } }
package wasi:http@0.2.0 {
  interface types {
    use wasi:io/poll@0.2.0.{pollable};
    resource fields { constructor(); }
    resource request-options { constructor(); }
    resource incoming-response { status: func() -> u16; }
    resource outgoing-request {
      constructor(headers: fields);
      set-scheme: func(scheme: option<scheme>) -> result;
      set-authority: func(authority: option<string>) -> result;
      set-path-with-query: func(path: option<string>) -> result;
    }
    variant scheme { HTTP, HTTPS, other(string) }
    record dns-error-payload { rcode: option<string>, info-code: option<u16> }
    record tls-alert-received-payload { alert-id: option<u8>, alert-message: option<string> }
    record field-size-payload { field-name: option<string>, field-size: option<u32> }
    variant error-code {
      DNS-timeout, DNS-error(dns-error-payload), destination-not-found, destination-unavailable,
      destination-IP-prohibited, destination-IP-unroutable, connection-refused, connection-terminated,
      connection-timeout, connection-read-timeout, connection-write-timeout, connection-limit-reached,
      TLS-protocol-error, TLS-certificate-error, TLS-alert-received(tls-alert-received-payload),
      HTTP-request-denied, HTTP-request-length-required, HTTP-request-body-size(option<u64>),
      HTTP-request-method-invalid, HTTP-request-URI-invalid, HTTP-request-URI-too-long,
      HTTP-request-header-section-size(option<u32>), HTTP-request-header-size(option<field-size-payload>),
      HTTP-request-trailer-section-size(option<u32>), HTTP-request-trailer-size(field-size-payload),
      HTTP-response-incomplete, HTTP-response-header-section-size(option<u32>),
      HTTP-response-header-size(field-size-payload), HTTP-response-body-size(option<u64>),
      HTTP-response-trailer-section-size(option<u32>), HTTP-response-trailer-size(field-size-payload),
      HTTP-response-transfer-coding(option<string>), HTTP-response-content-coding(option<string>),
      HTTP-response-timeout, HTTP-upgrade-failed, HTTP-protocol-error, loop-detected,
      configuration-error, internal-error(option<string>),
    }
    resource future-incoming-response {
      subscribe: func() -> pollable;
      get: func() -> option<result<result<incoming-response, error-code>>>;
    }
  }
  interface outgoing-handler {
    use types.{outgoing-request, request-options, future-incoming-response, error-code};
    handle: func(request: outgoing-request, options: option<request-options>) -> result<future-incoming-response, error-code>;
  }
}";

const WORLD: &str = "import wasi:io/poll@0.2.0; import wasi:http/types@0.2.0; import wasi:http/outgoing-handler@0.2.0;";

/// Case numbers of `error-code`.
const PROHIBITED: u32 = 4;
const LIMIT: u32 = 11;
const DENIED: u32 = 15;

/// The guest's functions: `$send` makes a request to the authority at 600 and returns its future, or
/// minus one less the error's number; `$answer` waits for it and returns the status, or minus one less
/// the error's number.
fn module(authority: &str) -> String {
    let len = authority.len();
    format!(
        r#"
(import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
(import "wasi:http/types@0.2.0" "[constructor]outgoing-request" (func $request (param i32) (result i32)))
(import "wasi:http/types@0.2.0" "[method]outgoing-request.set-scheme" (func $scheme (param i32 i32 i32 i32 i32) (result i32)))
(import "wasi:http/types@0.2.0" "[method]outgoing-request.set-authority" (func $authority (param i32 i32 i32 i32) (result i32)))
(import "wasi:http/types@0.2.0" "[method]outgoing-request.set-path-with-query" (func $path (param i32 i32 i32 i32) (result i32)))
(import "wasi:http/outgoing-handler@0.2.0" "handle" (func $handle_request (param i32 i32 i32 i32)))
(import "wasi:http/types@0.2.0" "[method]future-incoming-response.subscribe" (func $subscribe (param i32) (result i32)))
(import "wasi:http/types@0.2.0" "[method]future-incoming-response.get" (func $get (param i32 i32)))
(import "wasi:http/types@0.2.0" "[method]incoming-response.status" (func $status (param i32) (result i32)))
(import "wasi:http/types@0.2.0" "[resource-drop]incoming-response" (func $drop_response (param i32)))
(import "wasi:http/types@0.2.0" "[resource-drop]future-incoming-response" (func $drop_future (param i32)))
(import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
(import "wasi:io/poll@0.2.0" "[resource-drop]pollable" (func $drop_pollable (param i32)))
(data (i32.const 560) "/")
(data (i32.const 600) "{authority}")
(func $send (result i32) (local $r i32)
  (local.set $r (call $request (call $fields)))
  (drop (call $scheme (local.get $r) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
  (drop (call $authority (local.get $r) (i32.const 1) (i32.const 600) (i32.const {len})))
  (drop (call $path (local.get $r) (i32.const 1) (i32.const 560) (i32.const 1)))
  (call $handle_request (local.get $r) (i32.const 0) (i32.const 0) (i32.const 4096))
  (if (i32.load8_u (i32.const 4096))
    (then (return (i32.sub (i32.const -1) (i32.load8_u (i32.const 4104))))))
  (i32.load (i32.const 4104)))
(func $answer (param $f i32) (result i32) (local $p i32) (local $r i32)
  (local.set $p (call $subscribe (local.get $f)))
  (call $block (local.get $p))
  (call $drop_pollable (local.get $p))
  (call $get (local.get $f) (i32.const 4096))
  (call $drop_future (local.get $f))
  ;; option at 4096, the outer result at 4104, the inner at 4112, its payload at 4120.
  (if (i32.load8_u (i32.const 4112))
    (then (return (i32.sub (i32.const -1) (i32.load8_u (i32.const 4120))))))
  (local.set $r (call $status (i32.load (i32.const 4120))))
  (call $drop_response (i32.load (i32.const 4120)))
  (local.get $r))
"#
    )
}

/// Serves 200 to everybody.
async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 1024];
                while socket.read(&mut request).await.unwrap_or(0) > 0 {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                    if socket.write_all(answer).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

/// A body of `handle` that traps unless an expression has a value.
fn expect_value(expression: &str, value: i64) -> String {
    format!("(if (i32.ne {expression} (i32.const {value})) (then unreachable))")
}

fn error_value(code: u32) -> i64 {
    -1 - i64::from(code)
}

async fn check(authority: &str, grant: &str, handle: &str) -> guest::Called {
    let bench = Bench::new();
    let module = module(authority);
    let guest = Guest {
        packages: PACKAGES,
        world: WORLD,
        module: &module,
        handle,
        ..Guest::default()
    };
    bench
        .call(&guest, |parts| {
            parts.http_grants = HttpGrants::parse(&[grant]).expect("a grant");
        })
        .await
}

#[tokio::test]
async fn a_granted_request_is_answered() {
    let address = serve().await;
    let handle = expect_value("(call $answer (call $send))", 200);
    let called = check(&address, &format!("GET http://{address}/"), &handle).await;
    live(called);
}

#[tokio::test]
async fn a_request_without_grant_is_denied() {
    let address = serve().await;
    let handle = expect_value("(call $answer (call $send))", error_value(DENIED));
    live(check(&address, "GET http://127.0.0.1:1/", &handle).await);
}

#[tokio::test]
async fn a_name_that_leads_home_is_prohibited() {
    let address = serve().await.replace("127.0.0.1", "localhost");
    let handle = expect_value("(call $answer (call $send))", error_value(PROHIBITED));
    live(check(&address, &format!("GET http://{address}/"), &handle).await);
}

#[tokio::test]
async fn a_call_has_sixteen_requests() {
    let address = serve().await;
    let handle = format!(
        "(local.set $i (i32.const 16)) (loop $more {} (br_if $more (local.tee $i (i32.sub (local.get $i) (i32.const 1))))) {}",
        expect_value("(call $answer (call $send))", 200),
        expect_value("(call $answer (call $send))", error_value(LIMIT)),
    );
    live(check(&address, &format!("GET http://{address}/"), &handle).await);
}

#[tokio::test]
async fn a_request_left_open_ends_the_instance() {
    let address = serve().await;
    let handle = "(drop (call $send))";
    let called = check(&address, &format!("GET http://{address}/"), handle).await;
    assert!(matches!(called.end, CallEnd::Done(_)), "{:?}", called.end);
    assert!(called.instance.is_none());
}
