//! Looks for bytes wherever a host may have left them.

use std::path::Path;

/// Tells whether some bytes hold others.
pub fn holds(bytes: &[u8], part: &str) -> bool {
    bytes
        .windows(part.len())
        .any(|window| window == part.as_bytes())
}

/// Every file below a folder with its bytes.
///
/// # Panics
/// When one cannot be read.
pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            found.push((path.display().to_string(), bytes));
        }
    }
    found
}
