//! Ships builds of a plugin while it serves, some of them broken.

use std::path::{Path, PathBuf};

use crate::guests;
use crate::random::Random;

/// The plugin that is shipped again and again.
const SHIPPED: &str = "echo";
/// Different builds; more would be as good and each must be compiled.
const BUILDS: u8 = 6;
/// Of so many one is broken.
const BROKEN: u64 = 10;

/// Builds on their way into a plugin folder.
pub(super) struct Builds {
    folder: PathBuf,
    wasm: Vec<u8>,
    pub(super) shipped: u64,
    pub(super) broken: u64,
    /// The last one was.
    pub(super) is_broken: bool,
}

impl Builds {
    /// Puts the plugins of a storm into the folder.
    pub(super) fn start(folder: &Path, plugins: &[&str]) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        for plugin in plugins {
            std::fs::write(folder.join(format!("{plugin}.wasm")), guests::bytes(plugin))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            wasm: guests::bytes(SHIPPED),
            shipped: 0,
            broken: 0,
            is_broken: false,
        })
    }

    /// Ships one more.
    pub(super) fn ship(&mut self, random: &mut Random) -> std::io::Result<()> {
        self.shipped += 1;
        let mut wasm = self.wasm.clone();
        self.is_broken = self.shipped.is_multiple_of(BROKEN);
        if self.is_broken {
            self.broken += 1;
            wasm.truncate(wasm.len() / 2);
        } else {
            wasm.extend(custom_section(
                u8::try_from(random.draw() % u64::from(BUILDS)).unwrap_or(0),
            ));
        }
        let target = self.folder.join(format!("{SHIPPED}.wasm"));
        if random.one_in(4) {
            // As a compiler that writes in place.
            return std::fs::write(target, wasm);
        }
        let beside = self.folder.join(format!(".{SHIPPED}.part"));
        std::fs::write(&beside, wasm)?;
        std::fs::rename(beside, target)
    }

    /// Ships a build that works, so that the storm does not end on a broken one.
    pub(super) fn mend(&mut self) -> std::io::Result<()> {
        std::fs::write(self.folder.join(format!("{SHIPPED}.wasm")), &self.wasm)
    }
}

/// A custom section named `storm`, which changes a component's bytes and nothing else.
fn custom_section(build: u8) -> [u8; 9] {
    [0, 7, 5, b's', b't', b'o', b'r', b'm', build]
}
