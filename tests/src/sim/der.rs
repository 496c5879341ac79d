//! As much of DER as it takes to find a name in a certificate and a key in its envelope.
//!
//! By hand, because the crates that read certificates change the features of what wasmtime is built of, and so
//! double the time until a test runs.

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// The version of a certificate, which may be left out.
const VERSION: u8 = 0xa0;
/// `commonName`, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// The first value: its tag, its content, what comes after it.
fn value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let (digits, rest) = rest
            .split_at_checked(count)
            .filter(|_| (1..=4).contains(&count))?;
        let length = digits
            .iter()
            .fold(0, |length, digit| length << 8 | usize::from(*digit));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The content of the first value, where it is of this kind.
fn inside(bytes: &[u8], wanted: u8) -> Option<&[u8]> {
    let (tag, content, _) = value(bytes)?;
    (tag == wanted).then_some(content)
}

fn after(bytes: &[u8]) -> Option<&[u8]> {
    value(bytes).map(|(_, _, rest)| rest)
}

/// The common name of whom a certificate is of.
pub(crate) fn common_name(certificate: &[u8]) -> Option<String> {
    let mut part = inside(inside(certificate, SEQUENCE)?, SEQUENCE)?;
    if part.first() == Some(&VERSION) {
        part = after(part)?;
    }
    // Serial number, algorithm, issuer, validity.
    for _ in 0..4 {
        part = after(part)?;
    }
    let mut names = inside(part, SEQUENCE)?;
    while let Some((_, set, rest)) = value(names) {
        let pair = inside(set, SEQUENCE)?;
        let (_, kind, text) = value(pair)?;
        if kind == COMMON_NAME {
            let (_, text, _) = value(text)?;
            return String::from_utf8(text.to_vec()).ok();
        }
        names = rest;
    }
    None
}

/// The key in a public key's envelope, which says what kind of key it is.
pub(crate) fn public_key(envelope: &[u8]) -> Option<&[u8]> {
    let bits = inside(after(inside(envelope, SEQUENCE)?)?, BIT_STRING)?;
    let (unused, key) = bits.split_first()?;
    (*unused == 0).then_some(key)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData as _};

    use super::*;

    #[test]
    fn the_name_in_a_certificate_is_the_subjects() {
        for name in ["trade.bot", &"long.".repeat(40)] {
            let mut params = CertificateParams::new(["other.test".to_owned()]).expect("a name");
            params
                .distinguished_name
                .push(DnType::OrganizationName, "Acme");
            params.distinguished_name.push(DnType::CommonName, name);
            let certificate = params.self_signed(&KeyPair::generate().expect("a key"));
            let certificate = certificate.expect("it signs itself");
            assert_eq!(common_name(certificate.der()).as_deref(), Some(name));
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_name() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 0x84],
            &[0x30, 0x85, 1, 1, 1, 1, 1],
            b"hello",
        ] {
            assert_eq!(common_name(bytes), None);
            assert_eq!(public_key(bytes), None);
        }
    }

    #[test]
    fn a_key_is_taken_out_of_its_envelope() {
        let key = KeyPair::generate().expect("a key");
        let envelope = key.subject_public_key_info();
        assert_eq!(public_key(&envelope), Some(key.der_bytes()));
    }
}
