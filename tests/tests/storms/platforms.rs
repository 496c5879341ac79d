//! The storms over bots on Webex, LiveChat and LSEG Messenger that have to pass before a change is taken;
//! `parlor-storm --platform webex|livechat|lseg` makes longer ones.

use parlor_tests::storm::{Amount, Remote, Report};

use super::passes;

/// Lets a storm pass; nothing is lost, twice or out of order but what the platform's own rules
/// allow, and everything of the storm happened.
async fn passes_over(remote: Remote) -> Report {
    // Of the builds the tenth is broken; the last ones may come too late to be shipped. With fewer messages not
    // everything would happen that the platform can do.
    let small = Amount {
        events: 600,
        kills: 2,
        reloads: 12,
    };
    let whole = Amount {
        events: 800,
        kills: 3,
        reloads: 12,
    };
    let what = format!("a storm over {remote:?}");
    let (_, report) = passes(&what, Some(remote), 24, small, whole).await;
    assert!(report.reloads >= 10 && report.broken >= 1, "{report:?}");
    for (what, count) in &report.platform {
        // Whether these show is a matter of moments.
        let is_sure = !matches!(
            *what,
            "handed_out_of_order" | "resent" | "throttled_sends" | "webhooks_off"
        );
        assert!(!is_sure || *count > 0, "{what}: {report:?}");
    }
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_over_webex_loses_nothing_and_repeats_only_what_a_space_hides() {
    let report = passes_over(Remote::Webex).await;
    // No more than sends in doubt, and those under way at a kill.
    let most = report.in_doubt + 24 * report.kills;
    assert!(report.platform["resent"] <= most, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_over_livechat_loses_nothing_and_repeats_nothing() {
    let report = passes_over(Remote::LiveChat).await;
    assert!(!report.platform.contains_key("resent"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_over_messenger_loses_only_what_nobody_held() {
    let report = passes_over(Remote::Lseg).await;
    // People waited for every answer but those that nobody could give.
    assert!(report.platform["unheld"] < report.events / 2, "{report:?}");
}
