//! Coming, going, and bringing others in: there is no join and no leave, only memberships
//! (webex.md §9).

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{made, membership, unsupported};
use crate::connectors::webex::WebexConnector;
use crate::connectors::webex::api::{ApiError, Body};
use crate::connectors::webex::wire::Membership;
use crate::journal::Sent;
use crate::mailbox::SendError;
use crate::model::payload::ActionError;

impl WebexConnector {
    /// Takes the bot into a space. Others let it in; a public one it may enter.
    pub(super) async fn join(&self, room: &str) -> Result<Sent, SendError> {
        let own = self.known_own_id().await;
        let own = own.map_err(|error| error.repeat_error())?;
        let known = membership(self, room, &own).await;
        if matches!(known, Ok(Some(_))) {
            return Ok(Sent {
                was_member: true,
                ..made(room.to_owned())
            });
        }
        self.add_member(room, &own)
            .await
            .map_err(|error| match error {
                SendError::Permanent { detail, .. } => SendError::Permanent {
                    class: ActionError::Denied,
                    detail: format!("{detail}; people bring a bot into a space by its address"),
                },
                other => other,
            })?;
        Ok(made(room.to_owned()))
    }

    /// Takes the bot out of a space.
    pub(super) async fn leave_room(&self, room: &str) -> Result<Sent, SendError> {
        let place = self
            .room(room)
            .await
            .map_err(|error| error.repeat_error())?;
        if place.is_some_and(|place| place.r#type.as_deref() == Some("direct")) {
            return Err(unsupported("nobody leaves a direct space"));
        }
        let own = self.known_own_id().await;
        let own = own.map_err(|error| error.repeat_error())?;
        self.remove_member(room, &own).await
    }

    /// Brings somebody in; tells whether they were there.
    pub(super) async fn add_member(&self, room: &str, user: &str) -> Result<bool, SendError> {
        let mut body = json!({"roomId": room});
        let who = if user.contains('@') {
            "personEmail"
        } else {
            "personId"
        };
        body[who] = user.into();
        let added: Result<Value, ApiError> = self
            .api
            .send(Method::POST, &["memberships"], Body::Json(body))
            .await;
        match added {
            Ok(_) => Ok(false),
            Err(error) if error.status() == Some(StatusCode::CONFLICT) => Ok(true),
            // This is how Webex says that the bot is not there itself (webex.md §9.1).
            Err(error)
                if error.status() == Some(StatusCode::BAD_GATEWAY)
                    && error.to_string().contains("Add participant failed") =>
            {
                Err(SendError::Permanent {
                    class: ActionError::Denied,
                    detail: error.to_string(),
                })
            }
            Err(error) => Err(error.repeat_error()),
        }
    }

    /// Takes somebody out. Who is not there is out.
    pub(super) async fn remove_member(&self, room: &str, user: &str) -> Result<Sent, SendError> {
        let found = membership(self, room, user).await;
        let Some(found) = found.map_err(|error| error.repeat_error())? else {
            return Ok(made(room.to_owned()));
        };
        match self.api.delete(&["memberships", &found.id]).await {
            Ok(()) => {}
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {}
            Err(error) => return Err(error.repeat_error()),
        }
        Ok(made(room.to_owned()))
    }

    /// Makes somebody a moderator, or no more.
    pub(super) async fn set_moderator(
        &self,
        room: &str,
        user: &str,
        is_moderator: bool,
    ) -> Result<Sent, SendError> {
        let found = membership(self, room, user).await;
        let found = found.map_err(|error| error.repeat_error())?;
        let Some(found) = found else {
            return Err(SendError::Permanent {
                class: ActionError::NotFound,
                detail: format!("{user} is not there"),
            });
        };
        // Both must be said, by the official description.
        let body = json!({
            "isModerator": is_moderator,
            "isRoomHidden": found.is_room_hidden,
        });
        let _changed: Membership = self
            .api
            .send(Method::PUT, &["memberships", &found.id], Body::Json(body))
            .await
            .map_err(|error| error.repeat_error())?;
        Ok(made(room.to_owned()))
    }
}
