//! Keys: whose signature is whose, and the pod's own.
//!
//! The keys in `keys/` are for this simulator alone. Everybody may know them: it listens on loopback only, and
//! making an RSA key takes longer than most tests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding, UnparsedPublicKey,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer};
use serde_json::{Value, json};

use crate::sim::der;

/// The bot's private key, PKCS#8.
pub(super) const BOT_KEY: &str = include_str!("keys/bot.pem");
/// The app's private key, PKCS#1.
pub(super) const APP_KEY: &str = include_str!("keys/app.pem");
const POD_KEY: &str = include_str!("keys/pod.pem");

/// The longest that a token may be valid for, in seconds.
const LONGEST: i64 = 300;
/// By how many seconds clocks may differ.
const LEEWAY: i64 = 5;

/// Reads a private key in PEM, PKCS#1 or PKCS#8.
pub(super) fn private_key(pem: &str) -> Result<KeyPair, String> {
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| error.to_string())?;
    let pair = match &key {
        PrivateKeyDer::Pkcs1(key) => KeyPair::from_der(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => KeyPair::from_pkcs8(key.secret_pkcs8_der()),
        _ => return Err("not an RSA key".to_owned()),
    };
    pair.map_err(|error| error.to_string())
}

/// Reads the public key of a key in PEM, private or public.
pub(super) fn public_key(pem: &str) -> Result<Vec<u8>, String> {
    if pem.contains("PRIVATE KEY") {
        return Ok(private_key(pem)?.public().as_ref().to_vec());
    }
    let key = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes());
    let key = key.map_err(|error| error.to_string())?;
    let key = der::public_key(&key).ok_or("not a public key")?;
    Ok(key.to_vec())
}

/// A token that was shown, with what it says.
pub(super) struct Shown {
    pub(super) header: Value,
    pub(super) claims: Value,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Shown {
    /// Takes a token apart.
    pub(super) fn read(token: &str) -> Result<Self, String> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else {
            return Err("a token has three parts".to_owned());
        };
        let json = |part: &str| -> Result<Value, String> {
            let bytes = URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|error| error.to_string())?;
            serde_json::from_slice(&bytes).map_err(|error| error.to_string())
        };
        Ok(Self {
            header: json(header)?,
            claims: json(claims)?,
            signed: format!("{header}.{claims}").into_bytes(),
            signature: URL_SAFE_NO_PAD
                .decode(signature)
                .map_err(|error| error.to_string())?,
        })
    }

    /// Whom it says it is of.
    pub(super) fn subject(&self) -> Option<&str> {
        self.claims.get("sub")?.as_str()
    }

    /// Checks it as the platform does: RS512 by one of these keys, not expired, not for long.
    pub(super) fn check(&self, keys: &[&[u8]], now: i64) -> Result<(), String> {
        if self.header.get("alg").and_then(Value::as_str) != Some("RS512") {
            return Err("the algorithm is not RS512".to_owned());
        }
        let expires = self.claims.get("exp").and_then(Value::as_i64);
        let expires = expires.ok_or("no whole number of seconds in exp")?;
        let left = expires - now / 1_000;
        if left <= -LEEWAY {
            return Err("it has expired".to_owned());
        }
        if left > LONGEST + LEEWAY {
            return Err("exp is more than five minutes ahead".to_owned());
        }
        let is_signed = keys.iter().any(|key| {
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA512, key);
            key.verify(&self.signed, &self.signature).is_ok()
        });
        if is_signed {
            Ok(())
        } else {
            Err("signed by another key".to_owned())
        }
    }
}

/// Signs a token with a key of RSA's.
pub(super) fn sign(
    pair: &KeyPair,
    algorithm: &str,
    key_id: Option<&str>,
    claims: &Value,
) -> String {
    let encoding: &'static dyn RsaEncoding = match algorithm {
        "RS256" => &RSA_PKCS1_SHA256,
        _ => &RSA_PKCS1_SHA512,
    };
    let mut header = json!({ "alg": algorithm });
    if let Some(key_id) = key_id {
        header["kid"] = key_id.into();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(claims));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(
        encoding,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .expect("the buffer has the key's length");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The pod's key, and what others need to check what it signed.
pub(super) struct PodKey(KeyPair);

impl std::fmt::Debug for PodKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PodKey")
    }
}

impl Default for PodKey {
    fn default() -> Self {
        Self(private_key(POD_KEY).expect("the pod's key is a key"))
    }
}

impl PodKey {
    /// The id under which its public part is published.
    pub(super) const ID: &'static str = "parlor-sim";

    pub(super) fn sign(&self, algorithm: &str, claims: &Value) -> String {
        sign(&self.0, algorithm, Some(Self::ID), claims)
    }

    /// The set of keys by which its signatures are checked.
    pub(super) fn published(&self) -> Value {
        let parts = PublicKeyComponents::<Vec<u8>>::from(self.0.public());
        json!({ "keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": Self::ID,
            "n": URL_SAFE_NO_PAD.encode(parts.n), "e": URL_SAFE_NO_PAD.encode(parts.e),
        }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    #[track_caller]
    fn check(algorithm: &str, signer: &str, known: &str, claims: &Value) -> Result<(), String> {
        let token = sign(
            &private_key(signer).expect("a key"),
            algorithm,
            None,
            claims,
        );
        let shown = Shown::read(&token).expect("a token");
        let known = public_key(known).expect("a key");
        shown.check(&[&known], NOW)
    }

    #[test]
    fn a_token_is_good_when_signed_by_a_known_key_for_five_minutes_at_most() {
        for left in [1, 240, 290, 300] {
            let claims = json!({ "sub": "bot", "exp": NOW / 1_000 + left });
            assert_eq!(check("RS512", BOT_KEY, BOT_KEY, &claims), Ok(()), "{left}");
            assert_eq!(check("RS512", APP_KEY, APP_KEY, &claims), Ok(()), "{left}");
        }
    }

    #[test]
    fn a_token_is_refused_for_its_key_its_algorithm_its_time() {
        let good = json!({ "sub": "bot", "exp": NOW / 1_000 + 240 });
        let cases = [
            ("RS512", APP_KEY, good.clone(), "another key"),
            ("RS256", BOT_KEY, good, "RS512"),
            (
                "RS512",
                BOT_KEY,
                json!({ "exp": NOW / 1_000 - 60 }),
                "expired",
            ),
            (
                "RS512",
                BOT_KEY,
                json!({ "exp": NOW / 1_000 + 400 }),
                "five minutes",
            ),
            ("RS512", BOT_KEY, json!({ "exp": "soon" }), "exp"),
            ("RS512", BOT_KEY, json!({ "exp": 1.5e9 + 0.25 }), "exp"),
        ];
        for (algorithm, signer, claims, expected) in cases {
            let refused = check(algorithm, signer, BOT_KEY, &claims);
            let refused = refused.expect_err("refused");
            assert!(refused.contains(expected), "{refused}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for token in ["", "a.b", "a.b.c", "e30.e30.!", "..", "e30.e30.e30.e30"] {
            assert!(Shown::read(token).is_err(), "{token}");
        }
    }
}
