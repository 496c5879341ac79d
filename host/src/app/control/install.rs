//! Where bots are installed that somebody has to agree to.

use super::refused;
use crate::app::host::Host;
use crate::mailbox::control::{InstallLine, InstalledOn, Line, Refused, RefusedReason};

/// The one that is named, or the only one there is.
pub(super) fn lines(host: &Host, bot: Option<&str>, with_link: bool) -> Result<Vec<Line>, Refused> {
    let all = host.sessions().installations();
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    let found = match (bot, all.as_slice()) {
        (Some(bot), _) => all.iter().find(|(name, _)| name == bot),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let Some((name, installation)) = found else {
        let text = match (bot, names.is_empty()) {
            (_, true) => {
                "no bot is installed by consent; one on LiveChat is, with `redirect-uri`".to_owned()
            }
            (Some(bot), false) => format!(
                "{bot} is not installed by consent; these are: {}",
                names.join(", ")
            ),
            (None, false) => format!("which one? {}", names.join(", ")),
        };
        return Err(refused(RefusedReason::NotFound, text));
    };
    let licences = installation.licences.iter().map(|on| InstalledOn {
        licence: on.licence.clone(),
        reason: on.reason.clone(),
        installed_at: on.installed_at,
    });
    Ok(vec![Line::Install(InstallLine {
        bot: name.clone(),
        licences: licences.collect(),
        link: match with_link {
            true => host.sessions().install_link(name),
            false => None,
        },
    })])
}
