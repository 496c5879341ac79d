//! A SHA-256 as people write it: 64 hexadecimal digits.

use sha2::{Digest as _, Sha256};

use super::{PluginSettings, Problem};

/// Reads a SHA-256; none where the text is not 64 hexadecimal digits.
pub fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    let bytes: Vec<u8> = pairs.map(|pair| pair[0] << 4 | pair[1]).collect();
    bytes.try_into().ok()
}

/// Writes a SHA-256 as [`parse_sha256`] reads it.
pub fn write_sha256(sha256: &[u8; 32]) -> String {
    sha256.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hashes a file's content.
pub fn sha256_of(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl PluginSettings {
    /// Tells why a file with this hash is not the one that the settings ask for; nothing where it is.
    pub fn refuses(&self, found: &[u8; 32]) -> Option<Problem> {
        let pinned = self.sha256.filter(|pinned| pinned != found)?;
        let found = format!("{} has the hash {}", self.artifact, write_sha256(found));
        let problem = self.spot("sha256").problem(found);
        Some(problem.expected(write_sha256(&pinned)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sha256_has_64_digits() {
        let text = "00ff".repeat(16);
        assert_eq!(parse_sha256(&text).unwrap()[..4], [0, 255, 0, 255]);
        assert_eq!(parse_sha256(&text.to_uppercase()), parse_sha256(&text));
        for wrong in ["", "0f", &text[1..], &format!("{text}00"), &"g".repeat(64)] {
            assert_eq!(parse_sha256(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_hash_that_is_none_is_refused_with_its_line() {
        let parse = |text: &str| {
            let path = std::path::Path::new("parlor.toml");
            crate::config::Settings::parse(path, text, &|_| None)
        };
        let hash = "0f".repeat(32);
        let settings = parse(&format!("[plugin.joke]\nsha256 = \"{hash}\"")).unwrap();
        assert_eq!(settings.plugins["joke"].sha256, Some([15; 32]));
        assert_eq!(write_sha256(&[15; 32]), hash);
        let problems = parse("[plugin.joke]\nsha256 = \"0f\"").unwrap_err();
        let told = problems[0].to_string();
        assert!(told.starts_with("parlor.toml:2: "), "{told}");
        assert!(told.contains("64 hexadecimal digits"), "{told}");
    }
}
