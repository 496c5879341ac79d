//! Coming, going, and bringing others in: there is no join and no leave, only memberships
//! (symphony.md §6.3).

use http::StatusCode;
use serde_json::json;

use super::{SymphonyConnector, made, number, unsupported};
use crate::connectors::symphony::api::ApiError;
use crate::connectors::symphony::site::Call;
use crate::connectors::symphony::wire::rest::Member;
use crate::journal::{Part, Sent};
use crate::mailbox::SendError;
use crate::model::payload::ActionError;

impl SymphonyConnector {
    /// Takes the bot into a room. Only public rooms can be entered; others let it in.
    pub(super) async fn join(&self, part: &Part, room: &str) -> Result<Sent, SendError> {
        not_for_others(part, "join")?;
        let own = self.known_own_id().await?;
        if let Some(members) = self.members_if_seen(part, room).await?
            && members.iter().any(|member| member.id == own)
        {
            return Ok(Sent {
                was_member: true,
                ..made(room.to_owned())
            });
        }
        self.change_member(part, room, "add", &own).await
    }

    /// Takes the bot out of a room.
    pub(super) async fn leave_room(&self, part: &Part, room: &str) -> Result<Sent, SendError> {
        not_for_others(part, "leave")?;
        let own = self.known_own_id().await?;
        self.remove_member(part, room, &own).await
    }

    /// Takes somebody out, but never the last owner: the platform would let it happen, and nobody
    /// could bring the room back.
    pub(super) async fn remove_member(
        &self,
        part: &Part,
        room: &str,
        user: &str,
    ) -> Result<Sent, SendError> {
        if let Some(members) = self.members_if_seen(part, room).await? {
            let is_owner = |member: &&Member| member.owner && member.id == user;
            let others_own = members
                .iter()
                .any(|member| member.owner && member.id != user);
            if members.iter().any(|member| is_owner(&member)) && !others_own && members.len() > 1 {
                return Err(SendError::Permanent {
                    class: ActionError::RefusedByPolicy,
                    detail: format!("{user} is the last owner; make another member an owner first"),
                });
            }
        }
        self.change_member(part, room, "remove", user).await
    }

    /// Adds, removes, promotes or demotes somebody. Asked again it changes nothing more.
    pub(super) async fn change_member(
        &self,
        part: &Part,
        room: &str,
        change: &str,
        user: &str,
    ) -> Result<Sent, SendError> {
        let body = json!({"id": number(user)?});
        let path = ["pod", "v1", "room", room, "membership", change];
        self.post(part, &path, Some(body))
            .await
            .map_err(super::again)?;
        Ok(made(room.to_owned()))
    }

    /// Who is in a room; none where the bot may not see it.
    async fn members_if_seen(
        &self,
        part: &Part,
        room: &str,
    ) -> Result<Option<Vec<Member>>, SendError> {
        let call = Call::get(&["pod", "v2", "room", room, "membership", "list"]);
        let call = call.on_behalf_of(part.what.action.as_user.as_deref());
        let found: Result<Vec<Member>, ApiError> = self.api.ask_pod(&call).await;
        match found {
            Ok(members) => Ok(Some(members)),
            Err(error) => {
                let is_no = error.refusal().is_some_and(|refusal| {
                    matches!(
                        refusal.status,
                        StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND
                    ) && refusal.throttled.is_none()
                });
                if is_no {
                    return Ok(None);
                }
                Err(super::again(error.send_error()))
            }
        }
    }
}

/// Coming and going are the bot's: on behalf of a user it would be the bot that is moved, by the
/// user's rights.
fn not_for_others(part: &Part, what: &str) -> Result<(), SendError> {
    if part.what.action.as_user.is_none() {
        return Ok(());
    }
    Err(unsupported(&format!(
        "on Symphony the bot cannot {what} on behalf of a user; invite or remove the user"
    )))
}
