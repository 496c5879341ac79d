//! Official descriptions of platforms' interfaces, and whether requests and answers fit them.
//!
//! OpenAPI 3 and Swagger 2 as the platforms publish them, in YAML. What a description leaves open is not
//! checked; a member of an object that it does not name is a complaint, because whoever reads or writes it
//! relies on something that is not promised.

mod schema;

use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

use schema::Schemas;

/// Descriptions that are checked against together.
#[derive(Debug, Default)]
pub struct OpenApi {
    documents: Vec<Document>,
}

#[derive(Debug)]
struct Document {
    prefix: String,
    root: Value,
}

/// An operation of a description.
struct Operation<'a> {
    document: &'a Document,
    path_item: &'a Value,
    operation: &'a Value,
}

/// A request to be checked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path, from the host on.
    pub path: &'a str,
    /// Its query.
    pub query: &'a [(String, String)],
    /// Its headers.
    pub headers: &'a [(String, String)],
    /// Its body, where it is JSON.
    pub body: Option<&'a Value>,
    /// The names of its parts, where it is multipart.
    pub parts: Option<&'a [String]>,
}

/// What is wrong with a value, by a JSON Schema that stands by itself.
pub fn check_by_schema(schema: &Value, value: &Value) -> Vec<String> {
    Schemas(schema).check(schema, value, "#")
}

impl OpenApi {
    /// Reads a description; its paths begin with this prefix on the wire.
    ///
    /// # Errors
    /// When the file cannot be read, or is no description.
    pub fn read(&mut self, file: &Path, prefix: &str) -> anyhow::Result<()> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(|| name.clone())?;
        let root: Value = serde_saphyr::from_str(&text).with_context(|| name.clone())?;
        self.add(&name, prefix, root)
    }

    /// Takes a description.
    ///
    /// # Errors
    /// When it has no paths.
    pub fn add(&mut self, name: &str, prefix: &str, root: Value) -> anyhow::Result<()> {
        let has_paths = root.get("paths").is_some_and(Value::is_object);
        anyhow::ensure!(has_paths, "{name}: no paths");
        self.documents.push(Document {
            prefix: prefix.trim_end_matches('/').to_owned(),
            root,
        });
        Ok(())
    }

    /// Whether any description has this operation.
    pub fn knows(&self, method: &str, path: &str) -> bool {
        self.operation(method, path).is_some()
    }

    /// How many operations there are.
    pub fn operations(&self) -> usize {
        let paths = self
            .documents
            .iter()
            .filter_map(|it| it.root["paths"].as_object());
        let items = paths
            .flat_map(|paths| paths.values())
            .filter_map(Value::as_object);
        items
            .map(|item| item.keys().filter(|key| is_method(key)).count())
            .sum()
    }

    /// What is wrong with a request.
    pub fn check_request(&self, asked: Asked<'_>) -> Vec<String> {
        let Some(found) = self.operation(asked.method, asked.path) else {
            return vec![format!(
                "no description has {} {}",
                asked.method, asked.path
            )];
        };
        let schemas = Schemas(&found.document.root);
        let mut complaints = Vec::new();
        let parameters = found.parameters(schemas);
        for parameter in &parameters {
            check_parameter(schemas, parameter, asked, &mut complaints);
        }
        for (name, _) in asked.query {
            let is_known = parameters.iter().any(|parameter| {
                parameter["in"] == "query" && parameter["name"].as_str() == Some(name)
            });
            if !is_known {
                complaints.push(format!("query parameter {name} is not described"));
            }
        }
        found.check_body(schemas, &parameters, asked, &mut complaints);
        complaints
    }

    /// What is wrong with an answer.
    pub fn check_response(
        &self,
        method: &str,
        path: &str,
        status: u16,
        body: &[u8],
    ) -> Vec<String> {
        let Some(found) = self.operation(method, path) else {
            return vec![format!("no description has {method} {path}")];
        };
        let schemas = Schemas(&found.document.root);
        let responses = &found.operation["responses"];
        let response = responses
            .get(status.to_string())
            .or_else(|| responses.get("default"));
        let Some(response) = response else {
            return vec![format!("status {status} is not described")];
        };
        let response = schemas.resolved(response);
        let schema = response
            .get("schema")
            .or_else(|| content(response, "application/json"));
        let Some(schema) = schema else {
            return Vec::new();
        };
        // No body where one is described is how "nothing" is written.
        if body.is_empty() {
            return if status == 204 {
                Vec::new()
            } else {
                vec!["the body is missing".to_owned()]
            };
        }
        if schemas.resolved(schema)["type"] == "string" {
            return Vec::new();
        }
        match serde_json::from_slice(body) {
            Ok(value) => schemas.check(schema, &value, "body"),
            Err(error) => vec![format!("the body is no JSON: {error}")],
        }
    }

    fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let method = method.to_lowercase();
        let candidates = self.documents.iter().flat_map(|document| {
            let rest = path
                .strip_prefix(&document.prefix)
                .filter(|rest| rest.starts_with('/'));
            let paths = document.root["paths"].as_object();
            let pairs = rest.into_iter().flat_map(move |rest| {
                paths
                    .into_iter()
                    .flatten()
                    .map(move |(template, item)| (rest, template, item))
            });
            pairs.map(move |(rest, template, item)| (document, rest, template, item))
        });
        let method = method.as_str();
        let found = candidates.filter_map(|(document, rest, template, path_item)| {
            let operation = path_item.get(method)?;
            let score = likeness(template, rest)?;
            Some((
                score,
                Operation {
                    document,
                    path_item,
                    operation,
                },
            ))
        });
        // The first of the most literal ones: a current description is read before a deprecated one.
        let best = found.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, operation)| operation)
    }
}

fn is_method(key: &str) -> bool {
    matches!(
        key,
        "get" | "post" | "put" | "patch" | "delete" | "head" | "options"
    )
}

/// How many parts of a template are literally those of a path; none: it is not like it.
fn likeness(template: &str, path: &str) -> Option<usize> {
    let parts = |text: &str| {
        text.trim_matches('/')
            .split('/')
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (template, path) = (parts(template), parts(path));
    if template.len() != path.len() {
        return None;
    }
    let mut same = 0;
    for (wanted, found) in template.iter().zip(&path) {
        if wanted == found {
            same += 1;
        } else if !wanted.starts_with('{') || found.is_empty() {
            return None;
        }
    }
    Some(same)
}

/// The schema of a kind of content.
fn content<'a>(described: &'a Value, kind: &str) -> Option<&'a Value> {
    let contents = described.get("content")?.as_object()?;
    let exact = contents.get(kind).or_else(|| contents.get("*/*"));
    exact.or_else(|| contents.values().next())?.get("schema")
}

impl<'a> Operation<'a> {
    fn parameters(&self, schemas: Schemas<'a>) -> Vec<&'a Value> {
        let lists = [&self.path_item["parameters"], &self.operation["parameters"]];
        let all = lists.into_iter().filter_map(Value::as_array).flatten();
        all.map(|parameter| schemas.resolved(parameter)).collect()
    }

    fn check_body(
        &self,
        schemas: Schemas<'_>,
        parameters: &[&Value],
        asked: Asked<'_>,
        complaints: &mut Vec<String>,
    ) {
        if let Some(parts) = asked.parts {
            self.check_parts(schemas, parts, complaints);
            return;
        }
        let by_parameter = parameters
            .iter()
            .find(|parameter| parameter["in"] == "body");
        let described = self
            .operation
            .get("requestBody")
            .map(|body| schemas.resolved(body));
        let (schema, is_needed) = match (by_parameter, described) {
            (Some(parameter), _) => (parameter.get("schema"), parameter["required"] == true),
            (None, Some(body)) => (content(body, "application/json"), body["required"] == true),
            (None, None) => {
                if asked.body.is_some() {
                    complaints.push("a body is not described".to_owned());
                }
                return;
            }
        };
        match (asked.body, schema) {
            (None, _) if is_needed => complaints.push("the body is missing".to_owned()),
            (Some(body), Some(schema)) => complaints.extend(schemas.check(schema, body, "body")),
            _ => {}
        }
    }

    fn check_parts(&self, schemas: Schemas<'_>, parts: &[String], complaints: &mut Vec<String>) {
        let described = self
            .operation
            .get("requestBody")
            .map(|body| schemas.resolved(body));
        let Some(schema) = described.and_then(|body| content(body, "multipart/form-data")) else {
            complaints.push("a multipart body is not described".to_owned());
            return;
        };
        let known = schemas.members(schema);
        for part in parts {
            if !known.iter().any(|(name, _)| name == part) {
                complaints.push(format!("part {part} is not described"));
            }
        }
        for name in schemas.required(schema) {
            if !parts.contains(&name) {
                complaints.push(format!("part {name} is missing"));
            }
        }
    }
}

fn check_parameter(
    schemas: Schemas<'_>,
    parameter: &Value,
    asked: Asked<'_>,
    complaints: &mut Vec<String>,
) {
    let name = parameter["name"].as_str().unwrap_or("");
    let place = parameter["in"].as_str().unwrap_or("");
    let (pairs, is_loose) = match place {
        "query" => (asked.query, false),
        "header" => (asked.headers, true),
        _ => return,
    };
    let mut found = pairs.iter().filter(|(key, _)| {
        if is_loose {
            key.eq_ignore_ascii_case(name)
        } else {
            key == name
        }
    });
    let Some((_, text)) = found.next() else {
        if parameter["required"] == true {
            complaints.push(format!("{place} parameter {name} is missing"));
        }
        return;
    };
    let schema = parameter.get("schema").unwrap_or(parameter);
    let schema = schemas.resolved(schema);
    let value = match schema["type"].as_str() {
        Some("integer" | "number" | "boolean") => {
            serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into())
        }
        Some("string") => text.as_str().into(),
        // Lists are written in too many ways to be told apart here.
        _ => return,
    };
    complaints.extend(schemas.check(schema, &value, name));
}

#[cfg(test)]
mod tests;
