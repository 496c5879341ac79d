//! The multipart bodies of messages.

use std::convert::Infallible;

use bytes::Bytes;
use serde_json::{Value, json};

use super::answer::{Refusal, refuse};
use crate::sim::Request;

/// Bytes that a message's attachments may have together.
const ATTACHMENTS: usize = 30 * 1_024 * 1_024;
/// Bytes that a message's text and data may have together.
const CONTENT: usize = 1_500_000;

/// A file that came with a message.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) bytes: Bytes,
}

/// A message as it was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) message: Option<String>,
    pub(super) data: Option<String>,
    pub(super) silent: Option<String>,
    pub(super) sids: Option<String>,
    pub(super) attachments: Vec<Upload>,
    pub(super) previews: Vec<Upload>,
}

/// Reads a body; the second part is what the record shows of it.
pub(super) async fn read(request: &Request) -> (Result<Draft, Refusal>, Value) {
    let mut parts = Vec::new();
    let draft = parse(request, &mut parts).await;
    (draft.and_then(Draft::checked), Value::Array(parts))
}

async fn parse(request: &Request, parts: &mut Vec<Value>) -> Result<Draft, Refusal> {
    let kind = request.header("content-type").unwrap_or("");
    let boundary =
        multer::parse_boundary(kind).map_err(|_| refuse(415, "HTTP 415 Unsupported Media Type"))?;
    let body = request.body.clone();
    let stream = futures::stream::once(async move { Ok::<Bytes, Infallible>(body) });
    let mut multipart = multer::Multipart::new(stream, boundary);
    let mut draft = Draft::default();
    let wrong = |_| refuse(400, "Invalid multipart body");
    while let Some(field) = multipart.next_field().await.map_err(wrong)? {
        let name = field.name().unwrap_or("").to_owned();
        let file = field.file_name().map(str::to_owned);
        let kind = field.content_type().map(ToString::to_string);
        let bytes = field.bytes().await.map_err(wrong)?;
        parts.push(json!({
            "name": name, "filename": file, "type": kind, "size": bytes.len(),
        }));
        let text = || String::from_utf8(bytes.to_vec()).map_err(|_| refuse(400, "Not UTF-8"));
        match name.as_str() {
            "message" => draft.message = Some(text()?),
            "data" => draft.data = Some(text()?),
            "silent" => draft.silent = Some(text()?),
            "sids" => {
                // Some clients send a part for each, some one with commas.
                let more = text()?;
                draft.sids = Some(
                    draft
                        .sids
                        .map_or(more.clone(), |sids| format!("{sids},{more}")),
                );
            }
            "version" => {}
            "attachment" | "preview" => {
                let (Some(file), Some(kind)) = (file.filter(|file| !file.is_empty()), kind) else {
                    return Err(refuse(
                        400,
                        "An attachment needs a file name and a content type",
                    ));
                };
                let upload = Upload {
                    name: file,
                    kind,
                    bytes,
                };
                if name == "preview" {
                    draft.previews.push(upload);
                } else {
                    draft.attachments.push(upload);
                }
            }
            other => return Err(refuse(400, &format!("Unexpected part \"{other}\""))),
        }
    }
    Ok(draft)
}

impl Draft {
    fn checked(self) -> Result<Self, Refusal> {
        let content = self.message.as_ref().map_or(0, String::len)
            + self.data.as_ref().map_or(0, String::len);
        if content > CONTENT {
            return Err(Refusal {
                status: 413,
                body: json!({
                    "code": "LIMIT_MESSAGE_CONTENT_MAX_TOTAL_SIZE_REACHED",
                    "message": "Limit message-content-max-total-size reached",
                    "status": "PAYLOAD_TOO_LARGE",
                }),
            });
        }
        let size: usize = self.attachments.iter().map(|file| file.bytes.len()).sum();
        if size > ATTACHMENTS {
            return Err(Refusal {
                status: 413,
                body: json!({
                    "code": "LIMIT_MESSAGE_ATTACHMENT_MAX_TOTAL_SIZE_REACHED",
                    "message": "Limit message-attachment-max-total-size reached",
                    "status": "PAYLOAD_TOO_LARGE",
                }),
            });
        }
        if !self.previews.is_empty() && self.previews.len() != self.attachments.len() {
            return Err(refuse(
                400,
                "There must be as many previews as attachments, or none",
            ));
        }
        Ok(self)
    }
}
