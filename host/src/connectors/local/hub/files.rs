//! Files that came with messages: in memory, or each a file of its own beside the log.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;

use bytes::Bytes;
use parking_lot::Mutex;

use super::log::create_private;
use crate::model::action::File;
use crate::model::event::ReceivedAttachment;

/// Bytes of one file.
pub const FILE_MAX: usize = 10 * 1024 * 1024;
/// Bytes of all files that are kept in memory.
pub const MEMORY_MAX: usize = 64 * 1024 * 1024;

/// Where files are.
#[derive(Debug)]
pub struct Files {
    folder: Option<PathBuf>,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    files: HashMap<String, Bytes>,
    order: VecDeque<String>,
    bytes: usize,
}

impl Files {
    /// Opens the folder, or keeps files in memory.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: Option<PathBuf>) -> std::io::Result<Self> {
        if let Some(folder) = &folder {
            create_private(folder)?;
        }
        Ok(Self {
            folder,
            memory: Mutex::default(),
        })
    }

    /// Keeps the file number `place` of a message.
    ///
    /// # Errors
    /// When it is too large or cannot be written.
    pub fn keep(
        &self,
        message: &str,
        place: usize,
        file: File,
    ) -> std::io::Result<ReceivedAttachment> {
        if file.bytes.len() > FILE_MAX {
            return Err(std::io::Error::new(
                std::io::ErrorKind::FileTooLarge,
                format!("a file has at most {FILE_MAX} bytes"),
            ));
        }
        let id = format!("{message}.{place}");
        let about = ReceivedAttachment {
            id: id.clone(),
            name: file.name,
            media_type: file.media_type,
            size: Some(file.bytes.len() as u64),
        };
        match &self.folder {
            Some(folder) => std::fs::write(folder.join(&id), &file.bytes)?,
            None => self.memory.lock().keep(id, file.bytes.into()),
        }
        Ok(about)
    }

    /// Reads a file. The id must come from a message, never from outside.
    pub fn read(&self, id: &str) -> Option<Bytes> {
        match &self.folder {
            Some(folder) => match std::fs::read(folder.join(id)) {
                Ok(bytes) => Some(bytes.into()),
                Err(error) => {
                    tracing::warn!(id, %error, "file of a message cannot be read");
                    None
                }
            },
            None => self.memory.lock().files.get(id).cloned(),
        }
    }

    /// Drops a file.
    pub fn drop_file(&self, id: &str) {
        match &self.folder {
            Some(folder) => {
                if let Err(error) = std::fs::remove_file(folder.join(id)) {
                    tracing::warn!(id, %error, "file of a message cannot be removed");
                }
            }
            None => self.memory.lock().forget(id),
        }
    }
}

impl Memory {
    fn keep(&mut self, id: String, bytes: Bytes) {
        self.bytes += bytes.len();
        self.order.push_back(id.clone());
        if let Some(old) = self.files.insert(id, bytes) {
            self.bytes -= old.len();
        }
        while self.bytes > MEMORY_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.forget(&oldest);
        }
    }

    fn forget(&mut self, id: &str) {
        if let Some(old) = self.files.remove(id) {
            self.bytes -= old.len();
            self.order.retain(|known| known != id);
        }
    }
}
