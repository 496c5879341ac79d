//! What requests carry, in the three forms that are taken, and how they are refused.

use std::convert::Infallible;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::ids::uuid;
use crate::sim::{Reply, Request};

/// An answer, or why there is none.
pub(super) type Answer = Result<Reply, Refusal>;

/// A refusal, as the platform words it.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) body: Value,
}

/// Refuses with a message.
pub(super) fn refuse(status: u16, message: &str) -> Refusal {
    let body = json!({
        "message": message,
        "errors": [{ "description": message }],
    });
    Refusal { status, body }
}

impl Refusal {
    pub(super) fn reply(self) -> Reply {
        let tracking = format!("ROUTER_{}", uuid().to_uppercase());
        let mut body = self.body;
        body["trackingId"] = tracking.clone().into();
        finish(Reply::json(self.status, &body), &tracking)
    }
}

/// Answers with a resource.
pub(super) fn good(body: &Value) -> Answer {
    let tracking = format!("ROUTER_{}", uuid().to_uppercase());
    Ok(finish(Reply::json(200, body), &tracking))
}

/// Answers that something is gone.
pub(super) fn gone() -> Answer {
    Ok(Reply::empty(204))
}

fn finish(reply: Reply, tracking: &str) -> Reply {
    reply
        .header("TrackingID", tracking)
        .header("Cache-Control", "no-cache")
}

/// A file that was uploaded.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) bytes: Bytes,
}

/// What a request carries.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    pub(super) values: Map<String, Value>,
    pub(super) uploads: Vec<Upload>,
    /// What the record shows of a form of files.
    pub(super) parts: Vec<Value>,
}

impl Fields {
    /// Reads JSON, a form, or a form of files; anything else is 415.
    pub(super) async fn read(request: &Request) -> Result<Self, Refusal> {
        let kind = request
            .header("content-type")
            .unwrap_or_default()
            .to_owned();
        // Clients say a type with nothing at all, and no type is wrong there.
        if request.body.is_empty() {
            return Ok(Self::default());
        }
        let media = kind.split(';').next().unwrap_or_default().trim();
        match media {
            "application/json" => match request.json() {
                Ok(Value::Object(values)) => Ok(Self {
                    values,
                    ..Self::default()
                }),
                _ => Err(refuse(400, "Request body is not readable.")),
            },
            "application/x-www-form-urlencoded" => {
                let pairs = url::form_urlencoded::parse(&request.body);
                let values =
                    pairs.map(|(name, value)| (name.into_owned(), value.into_owned().into()));
                Ok(Self {
                    values: values.collect(),
                    ..Self::default()
                })
            }
            "multipart/form-data" => Self::read_files(request, &kind).await,
            other => Err(refuse(
                415,
                &format!("Content type '{other}' not supported"),
            )),
        }
    }

    async fn read_files(request: &Request, kind: &str) -> Result<Self, Refusal> {
        let wrong = |_| refuse(400, "Multipart body is not readable.");
        let boundary = multer::parse_boundary(kind).map_err(wrong)?;
        let body = request.body.clone();
        let stream = futures::stream::once(async move { Ok::<Bytes, Infallible>(body) });
        let mut multipart = multer::Multipart::new(stream, boundary);
        let mut fields = Self::default();
        while let Some(field) = multipart.next_field().await.map_err(wrong)? {
            let name = field.name().unwrap_or_default().to_owned();
            let file = field.file_name().map(str::to_owned);
            let kind = field.content_type().map(ToString::to_string);
            let bytes = field.bytes().await.map_err(wrong)?;
            fields.parts.push(json!({
                "name": name, "filename": file, "type": kind, "size": bytes.len(),
            }));
            match file {
                Some(file) if name == "files" => fields.uploads.push(Upload {
                    name: file,
                    kind: kind.unwrap_or_else(|| "application/octet-stream".to_owned()),
                    bytes,
                }),
                _ => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    fields.values.insert(name, text.into());
                }
            }
        }
        Ok(fields)
    }

    /// A text that is there and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)?
            .as_str()
            .filter(|text| !text.is_empty())
    }

    /// A flag; forms write it as a text.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.values.get(name)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }
}
