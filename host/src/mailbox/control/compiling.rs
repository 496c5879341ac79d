//! A component that is being compiled, for people who wait for it.

use serde::{Deserialize, Serialize};

/// A component that is being compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CompilingLine {
    /// Its bytes.
    pub bytes: u64,
    /// Seconds since it began; absent while another is compiled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secs: Option<u64>,
}

impl CompilingLine {
    /// It in words.
    pub fn text(&self) -> String {
        let mib = self.bytes.div_ceil(1024 * 1024);
        match self.secs {
            Some(secs) => format!("compiling {mib} MiB, {secs} s so far"),
            None => format!("{mib} MiB wait for the compiler"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_well() {
        let line = |secs| CompilingLine {
            bytes: 18_914_692,
            secs,
        };
        assert_eq!(line(Some(4)).text(), "compiling 19 MiB, 4 s so far");
        assert_eq!(line(None).text(), "19 MiB wait for the compiler");
    }
}
