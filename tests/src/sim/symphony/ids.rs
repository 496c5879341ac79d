//! Identifiers in the shapes that the platform gives them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom as _, SystemRandom};

/// The tenant that is the bot's own pod.
pub(super) const OWN_TENANT: i64 = 5_008;
/// The tenant of everybody outside.
pub(super) const OTHER_TENANT: i64 = 5_009;
/// The bit from which on a user's id is the tenant's.
const TENANT_SHIFT: u32 = 36;

/// Makes identifiers.
#[derive(Debug, Default)]
pub(super) struct Ids {
    users: i64,
}

impl Ids {
    /// The id of the next user of a tenant.
    pub(super) fn user(&mut self, tenant: i64) -> i64 {
        self.users += 1;
        (tenant << TENANT_SHIFT) + 0x3_0000 + self.users
    }

    /// The id of a message of this moment: random, then the moment counted down, as real ones.
    pub(super) fn message(at: i64) -> String {
        moment(at, 0x6d)
    }

    /// The id of a conversation made at this moment.
    pub(super) fn stream(at: i64) -> String {
        moment(at, 0x74)
    }

    /// So many letters and digits.
    pub(super) fn short(length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let bytes = random(length);
        let letters = bytes
            .iter()
            .map(|byte| LETTERS[usize::from(*byte) % LETTERS.len()]);
        letters.map(char::from).collect()
    }

    /// So many bytes in hexadecimal digits.
    pub(super) fn hex(bytes: usize) -> String {
        random(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// A universally unique id.
    pub(super) fn uuid() -> String {
        let hex = Self::hex(16);
        let (a, b, c, d, e) = (
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..],
        );
        format!("{a}-{b}-4{c}-a{d}-{e}")
    }
}

/// The tenant of a user.
pub(super) fn tenant_of(user: i64) -> i64 {
    (user >> TENANT_SHIFT) & 0x7FF_FFFF
}

/// An id as Elements events write it: standard base64.
pub(super) fn standard(id: &str) -> String {
    URL_SAFE_NO_PAD
        .decode(id)
        .map_or_else(|_| id.to_owned(), |bytes| STANDARD.encode(bytes))
}

/// An id as addresses write it, whichever way it came.
pub(super) fn url_safe(id: &str) -> String {
    let id = id.trim_end_matches('=');
    let safe = id.replace('+', "-").replace('/', "_");
    let is_id = STANDARD_NO_PAD
        .decode(safe.replace('-', "+").replace('_', "/"))
        .is_ok();
    if is_id { safe } else { id.to_owned() }
}

fn moment(at: i64, kind: u8) -> String {
    let mut bytes = random(16);
    bytes.extend_from_slice(&(!at).to_be_bytes());
    bytes.push(kind);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system has random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_shapes_of_the_document() {
        let id = Ids::message(1_700_000_000_000);
        assert_eq!(id.len(), 34, "{id}");
        assert!(id.contains("___") && id.ends_with("bQ"), "{id}");
        assert!(Ids::stream(1_700_000_000_000).ends_with("dA"));
        assert_eq!(Ids::uuid().len(), 36);
        assert_eq!(tenant_of(Ids::default().user(OWN_TENANT)), OWN_TENANT);
    }

    #[test]
    fn an_id_comes_back_from_standard_base64() {
        for id in (0..50).map(Ids::stream) {
            let standard = standard(&id);
            assert!(standard.ends_with("=="), "{standard}");
            assert_eq!(url_safe(&standard), id);
            assert_eq!(url_safe(&id), id);
        }
    }
}
