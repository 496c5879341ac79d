//! Addresses of platforms.

use url::{Host, Url};

/// Reads `acme.symphony.com`, `agent.acme.com:8443/context`, `https://…`, `http://127.0.0.1:…`.
pub(super) fn address_of_host(text: &str) -> Option<Url> {
    match text.contains("://") {
        true => address(text),
        false => address(&format!("https://{text}")),
    }
}

/// Reads an address below which requests go: over TLS, or on this machine; without credentials.
pub(super) fn address(text: &str) -> Option<Url> {
    let mut url = Url::parse(text.trim_end_matches('/')).ok()?;
    let is_taken = url.scheme() == "https" || (url.scheme() == "http" && is_own_machine(&url));
    if !is_taken || !is_without_credentials(&url) || url.query().is_some() {
        return None;
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Some(url)
}

/// Reads the address of a WebSocket, on the same terms.
pub(super) fn stream_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_taken = url.scheme() == "wss" || (url.scheme() == "ws" && is_own_machine(&url));
    (is_taken && is_without_credentials(&url)).then_some(url)
}

fn is_own_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn is_without_credentials(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::{address_of_host, stream_address};

    #[test]
    fn an_address_is_a_host_with_what_stands_before_the_platform_s_own_path() {
        let read = |text: &str| address_of_host(text).map(|url| url.to_string());
        let is = |text: &str, expected: &str| {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        };
        is("acme.symphony.com", "https://acme.symphony.com/");
        is("acme.symphony.com/", "https://acme.symphony.com/");
        is(
            "agent.acme.com:8443/ctx/",
            "https://agent.acme.com:8443/ctx",
        );
        is(
            "https://acme.symphony.com:443",
            "https://acme.symphony.com/",
        );
        is("http://127.0.0.1:9000", "http://127.0.0.1:9000/");
        is("http://localhost:9000/x", "http://localhost:9000/x");
        for wrong in [
            "",
            "http://acme.com",
            "https://a:b@acme.com",
            "acme.com?x",
            "ftp://acme.com",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_stream_is_encrypted_unless_it_is_on_this_machine() {
        for (text, is_taken) in [
            ("wss://api.collab.refinitiv.com/services/stream", true),
            ("wss://acme.com:8443/x?y=1", true),
            ("ws://127.0.0.1:9000/stream", true),
            ("ws://[::1]:9000/stream", true),
            ("ws://localhost:9000", true),
            ("ws://acme.com/stream", false),
            ("https://acme.com/stream", false),
            ("wss://a:b@acme.com/stream", false),
            ("acme.com/stream", false),
            ("", false),
        ] {
            assert_eq!(stream_address(text).is_some(), is_taken, "{text}");
        }
    }
}
