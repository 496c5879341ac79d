//! Secrets and what an account proves itself with. Nothing here gives a secret away: it says where
//! to put it.

use super::fields::{Field, Fields, only_variable};
use super::files::Located;
use super::{Import, NoteKind};

/// What an account proves itself with, as the settings write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    /// `private-key`.
    Key(String),
    /// `certificate` and `certificate-password`.
    Certificate {
        file: String,
        password: Option<String>,
    },
}

impl Credential {
    pub(super) fn is_certificate(&self) -> bool {
        matches!(self, Self::Certificate { .. })
    }

    /// Tells whether the bot or its app logs in where certificates are shown.
    pub(super) fn any_certificate(own: Option<&Self>, app: Option<&(String, Self)>) -> bool {
        let app = app.map(|(_, credential)| credential);
        own.into_iter().chain(app).any(Self::is_certificate)
    }
}

impl Import<'_> {
    /// Where a secret will be read from: the variable that it was in, else a file to be made.
    pub(super) fn secret(&mut self, field: &Field<'_>, bot: &str, what: &str) -> Option<String> {
        let raw = field.raw(self)?;
        if let Some(reference) = self.variable(field, raw) {
            return Some(reference);
        }
        let file = format!("secrets/{bot}-{what}");
        let text = format!(
            "secrets are never copied. Put this one alone into the file {file} beside parlor.toml, \
             which only parlor's user may read"
        );
        self.note(NoteKind::ByHand, field.line, &field.key, text);
        Some(format!("file:{file}"))
    }

    /// The variable that is all of a text, as the settings refer to it.
    pub(super) fn variable(&mut self, field: &Field<'_>, raw: &str) -> Option<String> {
        let (name, has_default) = self.fills.then(|| only_variable(raw)).flatten()?;
        let mut text = format!("the variable `{name}` must be set where parlor runs");
        if has_default {
            text.push_str("; what stands in for it here is not carried over");
        }
        self.note(NoteKind::ByHand, field.line, &field.key, text);
        Some(format!("${{{name}}}"))
    }

    /// A key in a file.
    pub(super) fn key(&mut self, file: &Located) -> Credential {
        let path = self.key_file(file);
        Credential::Key(format!("file:{}", path.display()))
    }

    /// A certificate in a file, with what opens it.
    pub(super) fn certificate(
        &mut self,
        file: &Located,
        password: Option<&Field<'_>>,
        (bot, what): (&str, &str),
    ) -> Credential {
        let path = self.certificate_file(file);
        Credential::Certificate {
            file: format!("file:{}", path.display()),
            password: password.and_then(|field| self.secret(field, bot, what)),
        }
    }

    /// A file that a folder and a name stand for, each with a key of its own. The old clients put
    /// them together in two ways, so that the folder may end with a `/` and the name begin with one.
    pub(super) fn folder_and_name(
        &mut self,
        fields: &mut Fields<'_>,
        (folder, name): (&'static str, &'static str),
    ) -> Option<Located> {
        let folder = fields.get(folder);
        let name = fields.get(name);
        let shown = name.as_ref().or(folder.as_ref())?;
        let (key, line) = (shown.key.clone(), shown.line);
        let folder_text = match &folder {
            Some(folder) => Some(folder.text(self)?),
            None => None,
        };
        let name_text = match &name {
            Some(name) => Some(name.text(self)?),
            None => None,
        };
        let paths = match (folder_text, name_text) {
            (Some(folder), Some(name)) => {
                let inside = name.trim_start_matches('/');
                vec![
                    format!("{}/{inside}", folder.trim_end_matches('/')),
                    format!("{folder}{name}"),
                    name,
                ]
            }
            (Some(path), None) | (None, Some(path)) => vec![path],
            (None, None) => return None,
        };
        Some(self.locate(&key, line, &paths))
    }
}
