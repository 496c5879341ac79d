//! The bot's session: it is made ready on its licences, its tokens are renewed, and what was missed is
//! read back. What the platform says comes by webhooks (`calls`), whether a session runs or not.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::core::{Core, Ready, not_kept};
use super::missed::Plan;
use super::prepare::Which;
use super::site::ApiError;
use crate::mailbox::Intake;
use crate::mailbox::session::{SessionEnd, Watch};

/// How often it is looked whether a token is old.
const LOOK: Duration = Duration::from_secs(60);
/// How long an exchange that is under way is waited for at the end.
const TASKS: Duration = Duration::from_secs(10);

impl Core {
    /// Runs the session until something ends it.
    pub(super) async fn hear(
        &self,
        intake: &dyn Intake,
        watch: &dyn Watch,
        stop: &CancellationToken,
    ) -> SessionEnd {
        // Another connector of the bot may have been here before, with its last settings.
        if let Err(error) = self.store.reread() {
            return SessionEnd::Lost(not_kept(&error).to_string());
        }
        self.missed.begin();
        // What was said while it was left is read, before anything new hides when that began.
        if self.is_left.swap(false, Ordering::AcqRel) {
            self.missed.progress.open_gap(None);
        }
        let end = tokio::select! {
            () = stop.cancelled() => SessionEnd::Stopped,
            end = self.run(intake, watch) => end,
        };
        // The platform gives a token once.
        self.tasks.close();
        if tokio::time::timeout(TASKS, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(bot = self.name(), "an exchange of tokens does not end");
        }
        self.tasks.reopen();
        end
    }

    async fn run(&self, intake: &dyn Intake, watch: &dyn Watch) -> SessionEnd {
        let mut address = self.address.subscribe();
        let mut installed = self.installed.subscribe();
        // Its sender is in `self`.
        let _listening = address.wait_for(Option::is_some).await.is_ok();
        installed.mark_unchanged();
        if let Some(at) = self.address.borrow().as_deref() {
            tracing::info!(bot = self.name(), at, "webhooks are expected");
        }
        if self.licences().is_empty() {
            tracing::info!(
                bot = self.name(),
                "on no licence yet; `parlor install livechat {}`",
                self.name()
            );
            let _installed = installed.changed().await.is_ok();
        }
        address.mark_unchanged();
        installed.mark_unchanged();
        if let Err(error) = self.prepare_all(Which::All).await {
            return self.end_of(&error);
        }
        // Who has never heard anything has missed nothing.
        self.missed.progress.begin(self.now());
        watch.connected();
        let mut plan = Plan::default();
        if self.missed.progress.gap().is_some() {
            plan.now();
        }
        let mut look_at = Instant::now() + LOOK;
        loop {
            self.plan(&mut plan);
            let done = tokio::select! {
                // Where it is reached, or where it is, has changed.
                _ = address.changed() => {
                    if address.borrow_and_update().is_none() {
                        return SessionEnd::Lost("nothing listens for webhooks".to_owned());
                    }
                    self.prepare_all(Which::All).await
                }
                _ = installed.changed() => {
                    installed.mark_unchanged();
                    self.prepare_all(Which::Waiting).await
                }
                () = self.missed.wake.notified() => Ok(()),
                () = plan.is_due() => self.read_back(&mut plan, intake).await,
                () = self.look.notified() => self.look_after(&mut plan, Which::Waiting).await,
                () = tokio::time::sleep_until(look_at) => {
                    look_at = Instant::now() + LOOK;
                    self.look_after(&mut plan, Which::All).await
                }
            };
            if let Err(error) = done {
                return self.end_of(&error);
            }
        }
    }

    /// Renews what is old, and tries again where the bot is not ready. The error is that of a bot that
    /// has no licence any more.
    async fn look_after(&self, plan: &mut Plan, which: Which) -> Result<(), ApiError> {
        let mut gone = None;
        for licence in &self.licences() {
            let done = match (self.ready_of(licence), which) {
                (Ready::Yes, Which::All) => self.renew_old(licence).await,
                (Ready::Yes, Which::Waiting) => Ok(()),
                (Ready::No(_), _) => {
                    let prepared = self.prepare(licence).await;
                    if prepared.is_ok() && self.missed.progress.gap().is_some() {
                        // Its chats were not read with those of others.
                        plan.now();
                    }
                    prepared
                }
                // Somebody has to agree again: asking helps nothing, and costs.
                (Ready::Gone(why), _) => Err(ApiError::NotInstalled(why)),
            };
            match done {
                Ok(()) => {}
                Err(error) if error.is_about_installing() => {
                    gone.get_or_insert(error);
                }
                Err(error) => {
                    tracing::warn!(bot = self.name(), licence = licence.id, %error, "not looked after");
                }
            }
        }
        let all = self.readiness();
        let is_lost = all.iter().all(|(_, ready)| matches!(ready, Ready::Gone(_)));
        gone.filter(|_| is_lost).map_or(Ok(()), Err)
    }

    /// What an error means for the session. Where one of several licences is lost, the others go on
    /// after a while.
    fn end_of(&self, error: &ApiError) -> SessionEnd {
        let is_only = self.licences().len() <= 1;
        if error.is_about_installing() || (is_only && error.is_for_good()) {
            return SessionEnd::Refused(error.to_string());
        }
        match error.throttled() {
            Some(wait) => SessionEnd::Later(error.to_string(), wait),
            None => SessionEnd::Lost(error.to_string()),
        }
    }
}
