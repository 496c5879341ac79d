//! What one user sees of the changes.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::{Change, RoomEvent, RoomInfo, RoomMember, Snapshot};
use crate::model::event::{ConversationKind, ConversationRole, Visibility};
use crate::model::payload::MemberChange;
use crate::model::{Name, NameSet};

/// A subscriber was too slow and lost changes: it reads a new snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// Changes were lost.
    #[error("changes were lost")]
    Lagged,
    /// The platform is gone.
    #[error("local platform is closed")]
    Closed,
}

/// The changes after a snapshot that its user may see.
#[derive(Debug)]
pub struct View {
    receiver: broadcast::Receiver<Arc<RoomEvent>>,
    after: u64,
    viewer: Name,
    customer_in: NameSet<Name>,
    private: NameSet<Name>,
    member_of: NameSet<Name>,
}

impl View {
    /// Makes the view that goes on where `snapshot` ends.
    pub fn new(snapshot: &Snapshot, receiver: broadcast::Receiver<Arc<RoomEvent>>) -> Self {
        let mut view = Self {
            receiver,
            after: snapshot.number,
            viewer: snapshot.viewer.id.clone(),
            customer_in: NameSet::default(),
            private: NameSet::default(),
            member_of: NameSet::default(),
        };
        for room in &snapshot.rooms {
            view.learn_room(&room.room, &room.members);
        }
        view
    }

    /// Who looks.
    pub fn viewer(&self) -> &str {
        &self.viewer
    }

    /// Waits for the next change.
    ///
    /// # Errors
    /// [`ViewError::Lagged`] when changes were lost.
    pub async fn next(&mut self) -> Result<Arc<RoomEvent>, ViewError> {
        loop {
            let event = match self.receiver.recv().await {
                Ok(event) => event,
                Err(broadcast::error::RecvError::Lagged(_)) => return Err(ViewError::Lagged),
                Err(broadcast::error::RecvError::Closed) => return Err(ViewError::Closed),
            };
            if let Some(event) = self.admit(event) {
                return Ok(event);
            }
        }
    }

    /// Takes the next change where there is one.
    ///
    /// # Errors
    /// [`ViewError::Lagged`] when changes were lost.
    pub fn try_next(&mut self) -> Result<Option<Arc<RoomEvent>>, ViewError> {
        loop {
            let event = match self.receiver.try_recv() {
                Ok(event) => event,
                Err(broadcast::error::TryRecvError::Empty) => return Ok(None),
                Err(broadcast::error::TryRecvError::Lagged(_)) => return Err(ViewError::Lagged),
                Err(broadcast::error::TryRecvError::Closed) => return Err(ViewError::Closed),
            };
            if let Some(event) = self.admit(event) {
                return Ok(Some(event));
            }
        }
    }

    fn admit(&mut self, event: Arc<RoomEvent>) -> Option<Arc<RoomEvent>> {
        if !event.change.is_passing() && event.number <= self.after {
            return None;
        }
        match &event.change {
            Change::Created { room, members } => self.learn_room(room, members),
            Change::Updated { room, .. } => self.learn_privacy(room),
            Change::Member {
                conversation,
                user,
                role,
                change,
            } if *user == self.viewer => self.learn_role(conversation, *role, *change),
            _ => {}
        }
        self.sees(&event.change).then_some(event)
    }

    fn sees(&self, change: &Change) -> bool {
        if let Change::Contact { user, .. } = change {
            return *user == self.viewer;
        }
        let Some(conversation) = change.conversation() else {
            return true;
        };
        if self.private.contains(conversation) && !self.member_of.contains(conversation) {
            return false;
        }
        match change {
            Change::Posted(message) | Change::Edited(message) => {
                message.visibility == Visibility::All || !self.customer_in.contains(conversation)
            }
            _ => true,
        }
    }

    fn learn_room(&mut self, room: &RoomInfo, members: &[RoomMember]) {
        self.learn_privacy(room);
        if let Some(member) = members.iter().find(|m| m.user.id == self.viewer) {
            self.learn_role(&room.id, member.role, MemberChange::Joined);
        }
    }

    fn learn_privacy(&mut self, room: &RoomInfo) {
        if is_private(room) {
            self.private.insert(room.id.clone());
        } else {
            self.private.remove(&room.id);
        }
    }

    fn learn_role(&mut self, room: &Name, role: ConversationRole, change: MemberChange) {
        if change == MemberChange::Left {
            // What a customer could not see stays unseen after leaving.
            self.member_of.remove(room);
            return;
        }
        if change == MemberChange::JoinRequested {
            return;
        }
        self.member_of.insert(room.clone());
        if role == ConversationRole::Customer {
            self.customer_in.insert(room.clone());
        } else {
            self.customer_in.remove(room);
        }
    }
}

/// Tells whether only members may see a conversation.
pub fn is_private(room: &RoomInfo) -> bool {
    match room.kind {
        ConversationKind::CustomerChat => false,
        ConversationKind::Room => !room.public,
        _ => true,
    }
}
