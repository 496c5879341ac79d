//! Lines on a socket, bounded in bytes.

use serde::Serialize;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Why a line did not come or go.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It has more bytes than it may.
    #[error("line has more than {0} bytes")]
    TooLong(usize),
    /// The other end went away in the middle of it.
    #[error("line ends early")]
    Cut,
    /// The system's.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It cannot be written as JSON.
    #[error("line has no JSON form: {0}")]
    Json(serde_json::Error),
}

/// Reads a line of at most so many bytes, without its end; none where nothing comes any more.
///
/// # Errors
/// [`LineError`]; nothing more can be read then.
pub async fn read_line<R>(reader: &mut R, most: usize) -> Result<Option<Vec<u8>>, LineError>
where
    R: AsyncBufRead + Unpin + ?Sized,
{
    let mut line = Vec::new();
    loop {
        let read = reader.fill_buf().await?;
        if read.is_empty() {
            return if line.is_empty() {
                Ok(None)
            } else {
                Err(LineError::Cut)
            };
        }
        let end = read.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(read.len());
        if line.len() + taken > most {
            return Err(LineError::TooLong(most));
        }
        line.extend_from_slice(&read[..taken]);
        reader.consume(taken + usize::from(end.is_some()));
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

/// Writes a value as one line of at most so many bytes.
///
/// # Errors
/// [`LineError`].
pub async fn write_line<W, T>(writer: &mut W, value: &T, most: usize) -> Result<(), LineError>
where
    W: AsyncWrite + Unpin + ?Sized,
    T: Serialize + Sync + ?Sized,
{
    let mut line = serde_json::to_vec(value).map_err(LineError::Json)?;
    if line.len() > most {
        return Err(LineError::TooLong(most));
    }
    line.push(b'\n');
    writer.write_all(&line).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8], most: usize) -> Result<Option<String>, LineError> {
        let mut reader = tokio::io::BufReader::with_capacity(3, bytes);
        let line = read_line(&mut reader, most).await?;
        Ok(line.map(|line| String::from_utf8(line).expect("text")))
    }

    #[tokio::test]
    async fn a_line_is_read_whole_or_not_at_all() {
        assert_eq!(read(b"abcdef\nx", 6).await.unwrap().unwrap(), "abcdef");
        assert!(matches!(
            read(b"abcdefg\n", 6).await,
            Err(LineError::TooLong(6))
        ));
        assert!(matches!(read(b"abc", 6).await, Err(LineError::Cut)));
        assert!(read(b"", 6).await.unwrap().is_none());
        let mut reader = tokio::io::BufReader::new(&b"a\n\nb\n"[..]);
        for wanted in ["a", "", "b"] {
            let line = read_line(&mut reader, 6).await.unwrap().unwrap();
            assert_eq!(line, wanted.as_bytes());
        }
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_not_written() {
        let mut out = Vec::new();
        write_line(&mut out, "ab", 4).await.unwrap();
        assert_eq!(out, b"\"ab\"\n");
        let long = write_line(&mut out, "abc", 4).await;
        assert!(matches!(long, Err(LineError::TooLong(4))));
        assert_eq!(out.len(), 5);
    }
}
