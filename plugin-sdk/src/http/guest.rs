//! Blocking requests over `wasi:http` 0.2.

use std::time::Duration;

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
    Scheme,
};
use wasip2::io::streams::StreamError;

use super::{Call, HttpError, Response, split};

const CHUNK: u64 = 64 * 1024;
// `blocking-write-and-flush` takes at most this much at once.
const WRITE: usize = 4096;

/// Adds a request's headers.
pub(super) type AddHeaders = fn(&Fields, &[(String, String)]) -> Result<(), HttpError>;
/// Writes a request's body.
pub(super) type WriteBody = fn(OutgoingBody, &[u8]) -> Result<(), HttpError>;
/// Makes a request's options.
pub(super) type MakeOptions = fn(Duration) -> RequestOptions;

pub(super) fn send(call: &Call) -> Result<Response, HttpError> {
    let request = request(call)?;
    let body = match call.write_body {
        Some(write) => Some((write, request.body().map_err(|()| HttpError::Failed)?)),
        None => None,
    };
    let options = call.make_options.map(|make| make(call.timeout));
    let pending = outgoing_handler::handle(request, options).map_err(|code| error(&code))?;
    if let Some((write, body)) = body {
        write(body, &call.body)?;
    }
    pending.subscribe().block();
    let response = pending
        .get()
        .ok_or(HttpError::Failed)?
        .map_err(|()| HttpError::Failed)?
        .map_err(|code| error(&code))?;
    read(&response, call.max_body)
}

pub(super) fn add_headers(fields: &Fields, headers: &[(String, String)]) -> Result<(), HttpError> {
    for (name, value) in headers {
        fields
            .append(name, value.as_bytes())
            .map_err(|_| HttpError::Invalid)?;
    }
    Ok(())
}

pub(super) fn make_options(timeout: Duration) -> RequestOptions {
    let options = RequestOptions::new();
    let nanos = Some(timeout.as_nanos().try_into().unwrap_or(u64::MAX));
    // A host that knows no such option keeps its own, which is no error here.
    let _ignored = options.set_connect_timeout(nanos);
    let _ignored = options.set_first_byte_timeout(nanos);
    let _ignored = options.set_between_bytes_timeout(nanos);
    options
}

fn request(call: &Call) -> Result<OutgoingRequest, HttpError> {
    let (secure, authority, path) = split(&call.url).ok_or(HttpError::Invalid)?;
    let headers = Fields::new();
    if let Some(add) = call.add_headers {
        add(&headers, &call.headers)?;
    }
    let request = OutgoingRequest::new(headers);
    let method = match call.method.as_str() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    };
    let scheme = if secure { Scheme::Https } else { Scheme::Http };
    let path = match path.as_bytes().first() {
        None => "/".to_owned(),
        Some(b'?') => ["/", path].concat(),
        Some(_) => path.to_owned(),
    };
    request
        .set_method(&method)
        .map_err(|()| HttpError::Invalid)?;
    request
        .set_scheme(Some(&scheme))
        .map_err(|()| HttpError::Invalid)?;
    request
        .set_authority(Some(authority))
        .map_err(|()| HttpError::Invalid)?;
    request
        .set_path_with_query(Some(&path))
        .map_err(|()| HttpError::Invalid)?;
    Ok(request)
}

pub(super) fn write_body(body: OutgoingBody, bytes: &[u8]) -> Result<(), HttpError> {
    let stream = body.write().map_err(|()| HttpError::Failed)?;
    for part in bytes.chunks(WRITE) {
        stream
            .blocking_write_and_flush(part)
            .map_err(|_| HttpError::Failed)?;
    }
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|code| error(&code))
}

fn read(response: &IncomingResponse, max_body: usize) -> Result<Response, HttpError> {
    let status = response.status();
    let headers = response.headers().entries();
    let incoming = response.consume().map_err(|()| HttpError::Failed)?;
    let stream = incoming.stream().map_err(|()| HttpError::Failed)?;
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(CHUNK) {
            Ok(part) => body.extend_from_slice(&part),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(_)) => return Err(HttpError::Failed),
        }
        if body.len() > max_body {
            return Err(HttpError::TooLarge);
        }
    }
    Ok(Response {
        status,
        headers,
        body,
    })
}

fn error(code: &ErrorCode) -> HttpError {
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => HttpError::Denied,
        ErrorCode::HttpRequestUriInvalid | ErrorCode::HttpRequestMethodInvalid => {
            HttpError::Invalid
        }
        ErrorCode::DnsError(_)
        | ErrorCode::DnsTimeout
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused => HttpError::Unreachable,
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => HttpError::TimedOut,
        ErrorCode::HttpResponseBodySize(_)
        | ErrorCode::HttpResponseHeaderSectionSize(_)
        | ErrorCode::HttpRequestBodySize(_)
        | ErrorCode::HttpRequestHeaderSectionSize(_) => HttpError::TooLarge,
        ErrorCode::ConnectionLimitReached => HttpError::TooMany,
        _ => HttpError::Failed,
    }
}
