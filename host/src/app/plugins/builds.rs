//! What is remembered of a plugin's builds, over restarts too: which were good, which are set aside.

use serde::{Deserialize, Serialize};

use crate::journal::{Journal, JournalResult};
use crate::runtime::ArtifactHash;
use crate::runtime::lanes::FORGOTTEN_FAULT;

/// Why a build is set aside that had a fault. What the fault said follows and is the end, wherever this stands.
const FAULTED: &str = "had a fault in its probation: ";
/// Good builds of a plugin that are kept.
const KEPT_GOOD: usize = 3;
/// Builds of a plugin that are set aside at one time; the oldest gets another chance then.
const KEPT_ASIDE: usize = 16;

/// The builds of one plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Builds {
    /// Those that served out their probation, the newest first.
    #[serde(default)]
    good: Vec<GoodBuild>,
    /// Those that do not serve again by themselves, the newest last.
    #[serde(default)]
    aside: Vec<Aside>,
    /// The one that is compared with what serves, and does not serve itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shadow: Option<Shadowed>,
}

/// A build in the shadow of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Shadowed {
    #[serde(with = "hex")]
    sha256: ArtifactHash,
    serving: GoodBuild,
}

/// A build that served out its probation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GoodBuild {
    /// Its hash.
    #[serde(with = "hex")]
    pub(super) sha256: ArtifactHash,
    /// The version that it states.
    pub(super) version: String,
    /// The version of its state.
    pub(super) state_version: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Aside {
    #[serde(with = "hex")]
    sha256: ArtifactHash,
    reason: String,
}

impl Builds {
    /// Reads what the journal remembers of a plugin.
    pub(super) async fn read(
        journal: &dyn Journal,
        tenant: &str,
        plugin: &str,
    ) -> JournalResult<Self> {
        let Some(text) = journal.host_value(&key(tenant, plugin)).await? else {
            return Ok(Self::default());
        };
        Ok(serde_json::from_str(&text).unwrap_or_else(|error| {
            tracing::error!(plugin, %error, "builds cannot be read; none is known to be good");
            Self::default()
        }))
    }

    /// Has the journal remember them.
    pub(super) async fn write(
        &self,
        journal: &dyn Journal,
        tenant: &str,
        plugin: &str,
    ) -> JournalResult<()> {
        let text = serde_json::to_string(self).unwrap_or_default();
        let written = journal.set_host_value(&key(tenant, plugin), &text).await?;
        written.durable.wait().await
    }

    /// The build that serves while another is in its shadow.
    pub(super) fn served(&self) -> Option<&GoodBuild> {
        self.shadow.as_ref().map(|shadow| &shadow.serving)
    }

    /// Notes which build is in the shadow of which; none where none is.
    pub(super) fn set_shadow(&mut self, shadow: Option<(ArtifactHash, GoodBuild)>) {
        self.shadow = shadow.map(|(sha256, serving)| Shadowed { sha256, serving });
    }

    /// The good builds, the newest first.
    pub(super) fn good(&self) -> &[GoodBuild] {
        &self.good
    }

    /// Tells whether a build is good.
    pub(super) fn is_good(&self, sha256: ArtifactHash) -> bool {
        self.good.iter().any(|build| build.sha256 == sha256)
    }

    /// The good builds that may stand in for this one.
    pub(super) fn instead_of(&self, sha256: ArtifactHash) -> Vec<GoodBuild> {
        let good = self.good.iter();
        good.filter(|build| build.sha256 != sha256)
            .cloned()
            .collect()
    }

    /// Why a build is set aside, where it is.
    pub(super) fn aside(&self, sha256: ArtifactHash) -> Option<&str> {
        let mut aside = self.aside.iter();
        let found = aside.find(|build| build.sha256 == sha256)?;
        Some(&found.reason)
    }

    /// Notes that a build is good; gives those that are not kept any more.
    pub(super) fn promote(&mut self, build: GoodBuild) -> Vec<ArtifactHash> {
        self.aside.retain(|aside| aside.sha256 != build.sha256);
        self.good.retain(|good| good.sha256 != build.sha256);
        self.good.insert(0, build);
        let over = self.good.split_off(self.good.len().min(KEPT_GOOD));
        over.into_iter().map(|build| build.sha256).collect()
    }

    /// Keeps a build from serving again by itself.
    pub(super) fn set_aside(&mut self, sha256: ArtifactHash, reason: String) {
        self.good.retain(|good| good.sha256 != sha256);
        self.aside.retain(|aside| aside.sha256 != sha256);
        self.aside.push(Aside { sha256, reason });
        let over = self.aside.len().saturating_sub(KEPT_ASIDE);
        self.aside.drain(..over);
    }

    /// Forgets what the faults said for which builds are set aside.
    pub(super) fn forget_faults(&mut self) {
        for aside in &mut self.aside {
            forget_fault(&mut aside.reason);
        }
    }

    /// Gives every build another chance; tells whether one was set aside.
    pub(super) fn forgive(&mut self) -> bool {
        let had = !self.aside.is_empty();
        self.aside.clear();
        had
    }
}

/// Says that a version had a fault in its probation, and which.
pub(super) fn faulted(version: &str, fault: &str) -> String {
    format!("version {version} {FAULTED}{fault}")
}

/// Takes out of a text what a fault said in a probation.
pub(super) fn forget_fault(text: &mut String) {
    if let Some(said) = text.find(FAULTED) {
        text.truncate(said + FAULTED.len());
        text.push_str(FORGOTTEN_FAULT);
    }
}

fn key(tenant: &str, plugin: &str) -> String {
    format!("plugin-builds:{tenant}/{plugin}")
}

/// A hash as people write it.
mod hex {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::runtime::ArtifactHash;

    pub(super) fn serialize<S: Serializer>(
        hash: &ArtifactHash,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(hash)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ArtifactHash, D::Error> {
        let text = String::deserialize(deserializer)?;
        crate::config::parse_sha256(&text)
            .map(ArtifactHash)
            .ok_or_else(|| D::Error::custom("no sha256"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::memory::MemoryJournal;

    fn build(number: u8) -> GoodBuild {
        GoodBuild {
            sha256: ArtifactHash([number; 32]),
            version: format!("1.{number}.0"),
            state_version: 0,
        }
    }

    #[test]
    fn the_newest_good_builds_are_kept() {
        let mut builds = Builds::default();
        for number in 1..=3 {
            assert_eq!(builds.promote(build(number)), []);
        }
        assert_eq!(builds.promote(build(4)), [ArtifactHash([1; 32])]);
        // One that is good already comes to the front.
        assert_eq!(builds.promote(build(2)), []);
        assert_eq!(builds.good(), [build(2), build(4), build(3)]);
        assert_eq!(
            builds.instead_of(ArtifactHash([2; 32])),
            [build(4), build(3)]
        );
    }

    #[test]
    fn a_build_that_is_set_aside_is_good_no_more_until_it_is_good_again() {
        let mut builds = Builds::default();
        builds.promote(build(1));
        builds.promote(build(2));
        builds.set_aside(ArtifactHash([2; 32]), "it failed".to_owned());
        assert_eq!(builds.good(), [build(1)]);
        assert_eq!(builds.aside(ArtifactHash([2; 32])), Some("it failed"));
        for number in 10..40 {
            builds.set_aside(ArtifactHash([number; 32]), String::new());
        }
        assert_eq!(builds.aside.len(), KEPT_ASIDE);
        assert_eq!(builds.aside(ArtifactHash([2; 32])), None);
        builds.promote(build(39));
        assert_eq!(builds.aside(ArtifactHash([39; 32])), None);
        assert!(builds.forgive());
        assert!(!builds.forgive());
    }

    #[tokio::test]
    async fn the_journal_remembers_them() {
        let journal = MemoryJournal::new();
        let read = Builds::read(&journal, "default", "joke").await.unwrap();
        assert_eq!(read, Builds::default());
        let mut builds = Builds::default();
        builds.promote(build(171));
        builds.set_aside(ArtifactHash([2; 32]), "it failed".to_owned());
        builds.set_shadow(Some((ArtifactHash([3; 32]), build(171))));
        builds.write(&journal, "default", "joke").await.unwrap();
        let read = Builds::read(&journal, "default", "joke").await.unwrap();
        assert_eq!(read, builds);
        assert_eq!(read.served(), Some(&build(171)));
        let other = Builds::read(&journal, "default", "pizza").await.unwrap();
        assert_eq!(other, Builds::default());
    }
}
