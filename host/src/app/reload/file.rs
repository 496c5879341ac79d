//! One file of the folder: its stamp, its whole content, and whether it looks finished.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What the file system says of a file; another content nearly always has another stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    /// Device, inode, change time: a file put in place of another, or whose time was set back.
    identity: (u64, u64, i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            identity: identity(metadata),
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// How long ago the file was written; none where its time is unknown or to come.
    pub(super) fn age(&self, wall: SystemTime) -> Option<Duration> {
        wall.duration_since(self.modified?).ok()
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64, i64, i64) {
    use std::os::unix::fs::MetadataExt as _;
    (
        metadata.dev(),
        metadata.ino(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    )
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64, i64, i64) {
    (0, 0, 0, 0)
}

/// Tells folders apart, so that one made anew is watched anew.
pub(super) fn folder_identity(folder: &Path) -> Option<(u64, u64)> {
    let (device, inode, ..) = identity(&std::fs::metadata(folder).ok()?);
    Some((device, inode))
}

/// A file read whole.
pub(super) enum Content {
    /// Its bytes; the stamp was the same before and after.
    Whole(Vec<u8>),
    /// It changed meanwhile.
    Moving,
}

/// Reads a file whose stamp is known. At most one byte more than its size is read.
pub(super) fn read_whole(path: &Path, stamp: &Stamp) -> io::Result<Content> {
    let file = File::open(path)?;
    if Stamp::of(&file.metadata()?) != *stamp {
        return Ok(Content::Moving);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(stamp.size).unwrap_or_default());
    (&file).take(stamp.size + 1).read_to_end(&mut bytes)?;
    let unchanged = bytes.len() as u64 == stamp.size && Stamp::of(&file.metadata()?) == *stamp;
    Ok(if unchanged {
        Content::Whole(bytes)
    } else {
        Content::Moving
    })
}

/// Tells whether a wasm file ends in the middle: writers pause, and a quiet half is still a half.
pub(super) fn is_cut_short(bytes: &[u8]) -> bool {
    const MAGIC: &[u8] = b"\0asm";
    const HEADER_BYTES: usize = 8;
    if bytes.len() < HEADER_BYTES {
        return bytes.is_empty() || MAGIC.starts_with(&bytes[..bytes.len().min(MAGIC.len())]);
    }
    if !bytes.starts_with(MAGIC) {
        return false;
    }
    // Modules and components alike are sections: an id, a length, so many bytes.
    let mut rest = &bytes[HEADER_BYTES..];
    while let [_, after @ ..] = rest {
        let Some((length, after)) = read_length(after) else {
            return true;
        };
        match after.get(length..) {
            Some(next) => rest = next,
            None => return true,
        }
    }
    false
}

/// An unsigned LEB128 of 32 bits; none where it is cut short.
fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    const MAX_BYTES: usize = 5;
    let mut length = 0_usize;
    for (index, byte) in bytes.iter().take(MAX_BYTES).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((length, &bytes[index + 1..]));
        }
    }
    // Too long for a length: not cut short but wrong, which the loader says better.
    (bytes.len() >= MAX_BYTES).then_some((0, &[]))
}

#[cfg(test)]
mod tests {
    use super::is_cut_short;

    #[test]
    fn knows_a_half_written_file() {
        let whole = b"\0asm\x0d\0\x01\0\x01\x02ab\x02\x01c";
        for cut in 0..whole.len() {
            let at_section_end = cut == 8 || cut == 12;
            assert_eq!(is_cut_short(&whole[..cut]), !at_section_end, "{cut}");
        }
        assert!(!is_cut_short(whole));
        assert!(!is_cut_short(b"this is text, not wasm"));
        assert!(!is_cut_short(b"text"));
        assert!(!is_cut_short(
            b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\xff\xff"
        ));
    }
}
