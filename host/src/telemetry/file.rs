//! A file of lines with a bound: at its size it is put aside, and only so many are kept.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The log's file, open at its end.
pub(super) struct RotatingFile {
    path: PathBuf,
    max_bytes: u64,
    keep: u32,
    file: File,
    bytes: u64,
}

impl RotatingFile {
    /// Opens the file, and makes it where there is none.
    pub(super) fn open(path: &Path, max_bytes: u64, keep: u32) -> io::Result<Self> {
        let file = open_end(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            max_bytes,
            keep,
            file,
            bytes,
        })
    }

    /// Writes a line whole, into a new file where it has no room in this one.
    pub(super) fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        let size = line.len() as u64;
        if self.bytes > 0 && self.bytes + size > self.max_bytes {
            self.put_aside()?;
        }
        self.file.write_all(line)?;
        self.bytes += size;
        Ok(())
    }

    fn put_aside(&mut self) -> io::Result<()> {
        for number in (1..self.keep).rev() {
            let from = self.numbered(number);
            // The first rounds have no such file yet.
            if from.exists() {
                std::fs::rename(from, self.numbered(number + 1))?;
            }
        }
        if self.keep > 0 {
            std::fs::rename(&self.path, self.numbered(1))?;
        } else {
            std::fs::remove_file(&self.path)?;
        }
        self.file = open_end(&self.path)?;
        self.bytes = 0;
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

fn open_end(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    // A log tells who said what where: it is nobody else's.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn keeps_so_many_files_of_such_a_size_and_loses_the_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parlor.log");
        let mut file = RotatingFile::open(&path, 100, 2).unwrap();
        for number in 0..100 {
            file.write_line(format!("line {number:04}\n").as_bytes())
                .unwrap();
        }
        assert_eq!(
            names(folder.path()),
            ["parlor.log", "parlor.log.1", "parlor.log.2"]
        );
        let text = ["parlor.log.2", "parlor.log.1", "parlor.log"]
            .map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap());
        assert!(text.iter().all(|text| text.len() <= 100));
        let kept = text.concat();
        let wanted: String = (70..100).map(|n| format!("line {n:04}\n")).collect();
        assert_eq!(kept, wanted);
    }

    #[test]
    fn goes_on_with_what_is_there_and_takes_a_line_larger_than_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parlor.log");
        std::fs::write(&path, "before\n").unwrap();
        let mut file = RotatingFile::open(&path, 10, 0).unwrap();
        file.write_line(b"ab\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before\nab\n");
        file.write_line(&[b'x'; 50]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [b'x'; 50]);
        assert_eq!(names(folder.path()), ["parlor.log"]);
    }
}
