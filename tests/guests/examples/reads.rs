//! `/read NAME ARGUMENTS…` calls that read of the directory and answers what came back; `/read-as USER
//! NAME ARGUMENTS…` does so on behalf of a user.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "reads", summary = "Reads the directory")]
impl Guest {
    #[command("/read {name} {arguments...}", help = "Reads")]
    fn read(&mut self, name: String, arguments: Option<String>) -> String {
        let arguments = arguments.unwrap_or_default();
        let given: Vec<&str> = arguments.split_whitespace().collect();
        let at = |index: usize| given.get(index).copied().unwrap_or("");
        let cursor = |index: usize| given.get(index).copied();
        match name.as_str() {
            "find-conversation" => {
                // Names of rooms have spaces.
                let name = arguments.split_once(' ').map_or("", |(_, name)| name);
                format!("{:?}", directory::find_conversation(at(0), name))
            }
            "conversations" => format!("{:?}", directory::conversations(at(0), cursor(1))),
            "members" => format!("{:?}", directory::members(at(0), cursor(1))),
            "find-user" => format!("{:?}", directory::find_user(at(0), at(1))),
            "contact" => format!("{:?}", directory::contact(at(0))),
            "presence" => format!("{:?}", directory::presence(at(0))),
            "message" => format!("{:?}", directory::message(at(0))),
            "history" => {
                let count = at(1).parse().unwrap_or(50);
                let before = cursor(2).and_then(|before| before.parse().ok());
                format!("{:?}", directory::history(at(0), before, count))
            }
            "attachment" => {
                let offset = at(1).parse().unwrap_or(0);
                format!("{:?}", directory::attachment(at(0), offset))
            }
            "transfer-targets" => format!("{:?}", directory::transfer_targets(at(0))),
            "capabilities" => format!("{:?}", directory::capabilities(at(0))),
            _ => format!("no read {name}"),
        }
    }

    #[command("/read-as {user} {name} {arguments...}", help = "Reads for a user")]
    fn read_as(&mut self, user: String, name: String, arguments: Option<String>) -> String {
        let arguments = arguments.unwrap_or_default();
        let given: Vec<&str> = arguments.split_whitespace().collect();
        let first = given.first().copied().unwrap_or("");
        let user = directory::as_user(&user);
        match name.as_str() {
            "conversations" => {
                format!("{:?}", user.conversations(first, given.get(1).copied()))
            }
            "contact" => format!("{:?}", user.contact(first)),
            "presence" => format!("{:?}", user.presence(first)),
            _ => format!("no read {name}"),
        }
    }

    // The event's own conversation, which needs no grant.
    #[command("/here {name}", help = "Reads of this conversation")]
    fn here(&mut self, cx: &Context, name: String) -> String {
        let id = cx.conversation().map_or("", |here| here.id.as_str());
        match name.as_str() {
            "members" => format!("{:?}", directory::members(id, None)),
            "history" => format!("{:?}", directory::history(id, None, 50)),
            "capabilities" => format!("{:?}", directory::capabilities(id)),
            "transfer-targets" => format!("{:?}", directory::transfer_targets(id)),
            "attachment" => here_attachment(cx),
            "attachment-ends" => here_attachment_ends(cx),
            _ => format!("no read {name}"),
        }
    }
}

/// Reads the file that the message carries, whole, and tells its size, ends and sum.
fn here_attachment(cx: &Context) -> String {
    let Some(file) = cx.message().and_then(|message| message.attachments.first()) else {
        return "no file".into();
    };
    match directory::whole_attachment(&file.id, 4 * 1024 * 1024) {
        Ok(bytes) => {
            let sum: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
            format!(
                "{} {} has {} bytes from {:?} to {:?}, sum {sum}",
                file.name,
                file.media_type,
                bytes.len(),
                bytes.first(),
                bytes.last()
            )
        }
        Err(error) => format!("{error:?}"),
    }
}

/// Reads the first and the last piece of the file that the message carries.
fn here_attachment_ends(cx: &Context) -> String {
    let Some(file) = cx.message().and_then(|message| message.attachments.first()) else {
        return "no file".into();
    };
    let first = match directory::attachment(&file.id, 0) {
        Ok(first) => first,
        Err(error) => return format!("{error:?}"),
    };
    match directory::attachment(&file.id, first.total.saturating_sub(1)) {
        Ok(last) => format!(
            "{}: {} bytes, first {}, last {}, {}",
            file.name,
            first.total,
            first.bytes.len(),
            last.bytes.len(),
            last.bytes.last().copied().unwrap_or_default(),
        ),
        Err(error) => format!("{error:?}"),
    }
}
