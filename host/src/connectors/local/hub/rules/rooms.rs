//! What happens to conversations and who is in them.

use std::sync::Arc;

use super::super::names::{self, id_from_name};
use super::super::state::Room;
use super::{MEMBERS_MAX, ROOMS_MAX, Rules, TAGS_MAX, check_name, check_size, room_info};
use crate::mailbox::rooms::{Change, Done, RoomInfo, RoomMember, RoomUser, RoomsError};
use crate::model::Name;
use crate::model::action::TransferTarget;
use crate::model::event::{ConversationKind, ConversationRole, UserKind};
use crate::model::payload::{ConversationChanged, MemberChange, Transfer};

impl Rules<'_> {
    pub(super) fn join(&mut self, id: &str) -> Result<(), RoomsError> {
        let room = self.room(id)?;
        let info = room.info.clone();
        if room.member(&self.asked.by.id).is_some() {
            self.out.done = Done {
                conversation: Some(info.id.clone()),
                message: None,
                was_member: true,
            };
            return Ok(());
        }
        let role = match info.kind {
            ConversationKind::Room if info.public => ConversationRole::Member,
            ConversationKind::CustomerChat => ConversationRole::Agent,
            ConversationKind::Room => {
                return Err(RoomsError::Denied(
                    "the room is private: ask a member to invite you".into(),
                ));
            }
            _ => {
                return Err(RoomsError::Denied(
                    "nobody joins other people's conversation".into(),
                ));
            }
        };
        self.check_members(id)?;
        self.push(Change::Member {
            conversation: info.id.clone(),
            user: self.asked.by.id.clone(),
            role,
            change: MemberChange::Joined,
        });
        Ok(())
    }

    pub(super) fn request_join(&mut self, id: &str) -> Result<(), RoomsError> {
        let room = self.room(id)?;
        if room.member(&self.asked.by.id).is_some() {
            return Err(RoomsError::Denied("already a member".into()));
        }
        let conversation = room.info.id.clone();
        self.push(Change::Member {
            conversation,
            user: self.asked.by.id.clone(),
            role: ConversationRole::Unknown,
            change: MemberChange::JoinRequested,
        });
        Ok(())
    }

    pub(super) fn leave(&mut self, id: &str) -> Result<(), RoomsError> {
        let room = self.room(id)?;
        let conversation = room.info.id.clone();
        let role = self.role_in(room);
        let is_member = room.member(&self.asked.by.id).is_some();
        self.out.done.conversation = Some(conversation.clone());
        if is_member {
            self.push(Change::Member {
                conversation,
                user: self.asked.by.id.clone(),
                role,
                change: MemberChange::Left,
            });
        }
        Ok(())
    }

    pub(super) fn member(
        &mut self,
        id: &str,
        user: &str,
        change: MemberChange,
    ) -> Result<(), RoomsError> {
        let user = self.user(user)?;
        let room = self.room_of_member(id)?;
        let info = room.info.clone();
        if matches!(info.kind, ConversationKind::Direct) {
            return Err(RoomsError::Unsupported(
                "a direct conversation keeps its two members".into(),
            ));
        }
        let there = room.member(&user.id).map(|member| member.role);
        let mine = self.role_in(room);
        let owned = room
            .members
            .iter()
            .any(|member| member.role == ConversationRole::Owner);
        let rules = !owned || matches!(mine, ConversationRole::Owner | ConversationRole::Agent);
        let allowed = match change {
            MemberChange::Invited => info.open || rules,
            _ => rules,
        };
        if !allowed {
            return Err(RoomsError::Denied("only an owner may do that".into()));
        }
        let is_chat = info.kind == ConversationKind::CustomerChat;
        let role = match (change, there) {
            (MemberChange::Invited, Some(_)) => {
                self.out.done.conversation = Some(info.id.clone());
                self.out.done.was_member = true;
                return Ok(());
            }
            (MemberChange::Invited, None) if is_chat => ConversationRole::Agent,
            (MemberChange::Invited, None) => ConversationRole::Member,
            (_, None) => {
                return Err(RoomsError::NotFound(format!("member {}", user.name)));
            }
            (_, Some(ConversationRole::Customer | ConversationRole::Agent))
                if change != MemberChange::Left =>
            {
                return Err(RoomsError::Unsupported(
                    "customer chats have no owners".into(),
                ));
            }
            (MemberChange::Promoted, Some(_)) => ConversationRole::Owner,
            (_, Some(_)) => ConversationRole::Member,
        };
        if change == MemberChange::Invited {
            self.check_members(id)?;
        }
        self.push(Change::Member {
            conversation: info.id.clone(),
            user: user.id.clone(),
            role,
            change,
        });
        Ok(())
    }

    pub(super) fn check_members(&self, id: &str) -> Result<(), RoomsError> {
        if self.room(id)?.members.len() >= MEMBERS_MAX {
            return Err(RoomsError::TooLarge(format!(
                "a conversation has at most {MEMBERS_MAX} members"
            )));
        }
        Ok(())
    }

    pub(super) fn open_room(&mut self, name: &str) -> Result<(), RoomsError> {
        check_name(name)?;
        if let Some(room) = names::find_room(self.state, name) {
            let id = room.info.id.clone();
            return self.join(&id);
        }
        let info = room_info(self.new_room_id("room", name), ConversationKind::Room, name);
        self.create(info, vec![self.me(ConversationRole::Member)], true)
    }

    pub(super) fn create_room(
        &mut self,
        info: RoomInfo,
        others: &[String],
    ) -> Result<(), RoomsError> {
        check_name(&info.name)?;
        let mut members = vec![self.me(ConversationRole::Owner)];
        if others.len() >= MEMBERS_MAX {
            return Err(RoomsError::TooLarge(format!(
                "a conversation has at most {MEMBERS_MAX} members"
            )));
        }
        for other in others {
            let user = self.user(other)?;
            if members.iter().all(|member| member.user.id != user.id) {
                members.push(RoomMember {
                    user,
                    role: ConversationRole::Member,
                });
            }
        }
        let with_bots = self.asked.by.kind != UserKind::Bot;
        self.create(info, members, with_bots)
    }

    pub(super) fn open_direct(&mut self, with: &str) -> Result<(), RoomsError> {
        let other = self.user(with)?;
        if other.id == self.asked.by.id {
            return Err(RoomsError::Unsupported(
                "nobody talks to oneself here".into(),
            ));
        }
        self.open_private(ConversationKind::Direct, vec![other])
    }

    pub(super) fn open_group(&mut self, users: &[String]) -> Result<(), RoomsError> {
        let mut others: Vec<Arc<RoomUser>> = Vec::new();
        if users.len() >= MEMBERS_MAX {
            return Err(RoomsError::TooLarge(format!(
                "a conversation has at most {MEMBERS_MAX} members"
            )));
        }
        for name in users {
            let user = self.user(name)?;
            if user.id != self.asked.by.id && others.iter().all(|o| o.id != user.id) {
                others.push(user);
            }
        }
        match others.len() {
            0 => Err(RoomsError::Unsupported(
                "nobody talks to oneself here".into(),
            )),
            1 => self.open_private(ConversationKind::Direct, others),
            _ => self.open_private(ConversationKind::Group, others),
        }
    }

    pub(super) fn open_private(
        &mut self,
        kind: ConversationKind,
        others: Vec<Arc<RoomUser>>,
    ) -> Result<(), RoomsError> {
        let mut people: Vec<&str> = others.iter().map(|user| &*user.id).collect();
        people.push(&self.asked.by.id);
        people.sort_unstable();
        let id = names::private_id(kind, &people);
        if let Some(room) = self.state.rooms.get(&id) {
            self.out.done.conversation = Some(room.info.id.clone());
            self.out.done.was_member = true;
            return Ok(());
        }
        let mut members = vec![self.me(ConversationRole::Member)];
        members.extend(others.into_iter().map(|user| RoomMember {
            user,
            role: ConversationRole::Member,
        }));
        let shown: Vec<&str> = members.iter().map(|m| &*m.user.name).collect();
        let name = shown.join(", ");
        let info = RoomInfo {
            public: false,
            open: false,
            ..room_info(id, kind, &name)
        };
        self.create(info, members, false)
    }

    pub(super) fn open_chat(&mut self, customer: &str) -> Result<(), RoomsError> {
        let customer = self.user(customer)?;
        if customer.kind == UserKind::Bot {
            return Err(RoomsError::Unsupported("a bot is no customer".into()));
        }
        let id: Name = format!("chat:{}", customer.id).into();
        if let Some(room) = self.state.rooms.get(&id) {
            if customer.id == self.asked.by.id {
                self.out.done.conversation = Some(room.info.id.clone());
                self.out.done.was_member = true;
                return Ok(());
            }
            return self.join(&id);
        }
        let mut members = vec![RoomMember {
            user: customer.clone(),
            role: ConversationRole::Customer,
        }];
        if customer.id != self.asked.by.id {
            members.push(self.me(ConversationRole::Agent));
        }
        let info = RoomInfo {
            external: true,
            ..room_info(id, ConversationKind::CustomerChat, &customer.name)
        };
        // A customer chat begins without the bots: they overhear it and join when they have something to say.
        self.create(info, members, false)
    }

    pub(super) fn create(
        &mut self,
        info: RoomInfo,
        mut members: Vec<RoomMember>,
        with_bots: bool,
    ) -> Result<(), RoomsError> {
        if self.state.rooms.len() >= ROOMS_MAX {
            return Err(RoomsError::TooLarge(
                "there are too many conversations".into(),
            ));
        }
        if with_bots {
            for bot in self.asked.bots {
                if members.iter().all(|member| member.user.id != bot.id) {
                    members.push(RoomMember {
                        user: bot.clone(),
                        role: ConversationRole::Member,
                    });
                }
            }
        }
        self.out.done.conversation = Some(info.id.clone());
        self.push(Change::Created {
            room: Arc::new(info),
            members,
        });
        Ok(())
    }

    pub(super) fn me(&self, role: ConversationRole) -> RoomMember {
        RoomMember {
            user: self.asked.by.clone(),
            role,
        }
    }

    pub(super) fn new_room_id(&self, prefix: &str, name: &str) -> Name {
        let base = format!("{prefix}:{}", id_from_name(name));
        if !self.state.rooms.contains_key(base.as_str()) {
            return base.into();
        }
        // Another room once had this name: ids are never used again for something else.
        let number = self.state.number + 1;
        format!("{base}-{number}").into()
    }

    pub(super) fn update(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut RoomInfo),
    ) -> Result<(), RoomsError> {
        let room = self.room_of_member(id)?;
        if room.info.kind != ConversationKind::Room {
            return Err(RoomsError::Unsupported("only rooms have settings".into()));
        }
        let owned = room
            .members
            .iter()
            .any(|member| member.role == ConversationRole::Owner);
        if owned && self.role_in(room) != ConversationRole::Owner {
            return Err(RoomsError::Denied("only an owner may do that".into()));
        }
        let mut info = (*room.info).clone();
        change(&mut info);
        check_name(&info.name)?;
        check_size(&info.description, 0)?;
        self.push(Change::Updated {
            room: Arc::new(info),
            what: ConversationChanged::Updated,
        });
        Ok(())
    }

    pub(super) fn chat(&self, id: &str) -> Result<&Room, RoomsError> {
        let room = self.room_of_member(id)?;
        if room.info.kind == ConversationKind::CustomerChat {
            Ok(room)
        } else {
            Err(RoomsError::Unsupported("only for customer chats".into()))
        }
    }

    pub(super) fn close(&mut self, id: &str, closed: bool) -> Result<(), RoomsError> {
        let info = self.chat(id)?.info.clone();
        self.out.done.conversation = Some(info.id.clone());
        if info.closed == closed {
            return Ok(());
        }
        self.push(Change::Updated {
            room: Arc::new(RoomInfo {
                closed,
                ..(*info).clone()
            }),
            what: if closed {
                ConversationChanged::Closed
            } else {
                ConversationChanged::Reopened
            },
        });
        Ok(())
    }

    pub(super) fn transfer(&mut self, id: &str, to: &TransferTarget) -> Result<(), RoomsError> {
        let info = self.chat(id)?.info.clone();
        let to = match to {
            TransferTarget::Group(group) => {
                let people = self.asked.groups.get(group);
                let people =
                    people.ok_or_else(|| RoomsError::NotFound(format!("group {group}")))?;
                let agent = names::somebody_there(self.state, people).cloned();
                let agent = agent.ok_or_else(|| {
                    RoomsError::Unavailable(format!("nobody of {group} is there"))
                })?;
                self.bring_in(id, &agent)?;
                group.clone()
            }
            TransferTarget::Agent(agent) => {
                let agent = self.known_user(agent)?.clone();
                let role = self.chat(id)?.member(&agent.id).map(|member| member.role);
                if role == Some(ConversationRole::Customer) {
                    return Err(RoomsError::Denied("that is the customer".into()));
                }
                if !names::is_available(self.state, &agent.id) {
                    return Err(RoomsError::Unavailable(format!(
                        "{} is not there",
                        agent.name
                    )));
                }
                self.bring_in(id, &agent)?;
                agent.id.to_string()
            }
        };
        self.push(Change::Updated {
            room: info,
            what: ConversationChanged::Transferred(Transfer {
                to,
                why: None,
                queue_position: None,
            }),
        });
        Ok(())
    }

    /// Brings an agent into a customer chat who is not in it.
    fn bring_in(&mut self, id: &str, agent: &RoomUser) -> Result<(), RoomsError> {
        let room = self.chat(id)?;
        if room.member(&agent.id).is_some() {
            return Ok(());
        }
        let conversation = room.info.id.clone();
        self.check_members(id)?;
        self.push(Change::Member {
            conversation,
            user: agent.id.clone(),
            role: ConversationRole::Agent,
            change: MemberChange::Joined,
        });
        Ok(())
    }

    pub(super) fn tag(&mut self, id: &str, tag: String, add: bool) -> Result<(), RoomsError> {
        check_name(&tag)?;
        let mut info = (*self.chat(id)?.info).clone();
        info.tags.retain(|known| *known != tag);
        if add {
            info.tags.push(tag);
        }
        if info.tags.len() > TAGS_MAX {
            return Err(RoomsError::TooLarge(format!(
                "a chat has at most {TAGS_MAX} tags"
            )));
        }
        self.push(Change::Updated {
            room: Arc::new(info),
            what: ConversationChanged::Updated,
        });
        Ok(())
    }
}
