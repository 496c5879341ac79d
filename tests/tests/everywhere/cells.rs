//! What matches on every platform, with which arguments, and how the bot was spoken to: a test a cell.
//!
//! All cells are said to one host, which has one plugin, [`PLUGIN`]. A cell says what people say, then
//! `over`, and looks at everything that the bot said in that conversation: so what is not to match is seen
//! not to. What begins with `Usage:` says the host.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use parlor_tests::everywhere::{Company, Everywhere, Manner, Site};
use tokio::runtime::Runtime;

const PLUGIN: &str = "matched";
/// Ends a cell; by mention, so that it is heard everywhere.
const OVER: &str = "over";

/// The host of all cells, while one of them runs.
static WORLD: Mutex<Weak<World>> = Mutex::new(Weak::new());

struct World {
    runtime: Runtime,
    everywhere: Option<Everywhere>,
}

impl World {
    fn shared() -> Arc<Self> {
        let mut shared = WORLD.lock();
        if let Some(world) = shared.upgrade() {
            return world;
        }
        let runtime = Runtime::new().expect("a runtime");
        let everywhere = runtime.block_on(Everywhere::with(&[PLUGIN]));
        let world = Arc::new(Self {
            runtime,
            everywhere: Some(everywhere),
        });
        *shared = Arc::downgrade(&world);
        world
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(everywhere) = self.everywhere.take().filter(|_| !std::thread::panicking()) {
            self.runtime.block_on(everywhere.stop());
        }
    }
}

/// Says something in a conversation of its own; the bot answers this and nothing else.
#[track_caller]
fn check(site: Site, company: Company, manner: Manner, said: &str, answers: &[&str]) {
    let world = World::shared();
    let everywhere = world
        .everywhere
        .as_ref()
        .expect("it is there until the end");
    let heard = world.runtime.block_on(async {
        let talk = everywhere.open(site, company).await;
        everywhere.say(&talk, said, manner).await;
        if !answers.is_empty() {
            // Nobody who waits for an answer says something else before.
            everywhere.until_said(&talk, |_| true).await;
        }
        everywhere.say(&talk, OVER, Manner::ToTheBot).await;
        everywhere
            .until_said(&talk, |text| text.ends_with(OVER))
            .await
    });
    let (over, heard) = heard.split_last().expect("the end was answered");
    assert!(
        over.ends_with(OVER),
        "{site:?} {company:?}: behind the end: {over}"
    );
    assert_eq!(heard, answers, "{site:?} {company:?}: {manner:?} {said:?}");
}

/// A test for each cell: `ROW: MANNER TEXT`, then for each platform what is answered to a person who is
/// alone with the bot, and to one in company.
macro_rules! cells {
    ($(
        $row:ident: $manner:ident $said:literal
        symphony $symphony_alone:expr, $symphony_together:expr;
        webex $webex_alone:expr, $webex_together:expr;
        livechat $livechat_alone:expr, $livechat_together:expr;
        chatio $chatio_alone:expr, $chatio_together:expr;
        lseg $lseg_alone:expr, $lseg_together:expr;
        local $local_alone:expr, $local_together:expr;
    )+) => {
        $(
            mod $row {
                use super::{Company, Manner, Site, check};

                cells!(@site symphony Symphony $manner $said $symphony_alone, $symphony_together);
                cells!(@site webex Webex $manner $said $webex_alone, $webex_together);
                cells!(@site livechat LiveChat $manner $said $livechat_alone, $livechat_together);
                cells!(@site chatio ChatIo $manner $said $chatio_alone, $chatio_together);
                cells!(@site lseg Lseg $manner $said $lseg_alone, $lseg_together);
                cells!(@site local Local $manner $said $local_alone, $local_together);
            }
        )+
    };
    (@site $name:ident $site:ident $manner:ident $said:literal $alone:expr, $together:expr) => {
        mod $name {
            use super::{Company, Manner, Site, check};

            #[test]
            fn alone() {
                check(Site::$site, Company::Alone, Manner::$manner, $said, &$alone);
            }

            #[test]
            fn together() {
                check(Site::$site, Company::Together, Manner::$manner, $said, &$together);
            }
        }
    };
}

cells! {
    joke: Plainly "/joke"
        symphony ["alone: joke"], ["in passing: joke"];
        // In a space nobody tells a bot what does not mention it.
        webex ["alone: joke"], [];
        // A chat is the customer's with whoever is there: nobody is alone with the bot.
        livechat ["in passing: joke"], ["in passing: joke"];
        chatio ["in passing: joke"], ["in passing: joke"];
        // Messenger tells of rooms only.
        lseg ["in passing: joke"], ["in passing: joke"];
        local ["alone: joke"], ["in passing: joke"];

    joke_to_the_bot: ToTheBot "/joke"
        symphony ["alone: joke"], ["mentioned: joke"];
        webex ["alone: joke"], ["mentioned: joke"];
        livechat ["mentioned: joke"], ["mentioned: joke"];
        chatio ["mentioned: joke"], ["mentioned: joke"];
        lseg ["mentioned: joke"], ["mentioned: joke"];
        local ["alone: joke"], ["mentioned: joke"];

    buy: Plainly "/buy 1000 $goog"
        symphony ["alone: buy 1000 of goog"], ["in passing: buy 1000 of goog"];
        webex ["alone: buy 1000 of goog"], [];
        livechat ["in passing: buy 1000 of goog"], ["in passing: buy 1000 of goog"];
        chatio ["in passing: buy 1000 of goog"], ["in passing: buy 1000 of goog"];
        lseg ["in passing: buy 1000 of goog"], ["in passing: buy 1000 of goog"];
        local ["alone: buy 1000 of goog"], ["in passing: buy 1000 of goog"];

    buy_to_the_bot: ToTheBot "/buy 1000 $goog"
        symphony ["alone: buy 1000 of goog"], ["mentioned: buy 1000 of goog"];
        webex ["alone: buy 1000 of goog"], ["mentioned: buy 1000 of goog"];
        livechat ["mentioned: buy 1000 of goog"], ["mentioned: buy 1000 of goog"];
        chatio ["mentioned: buy 1000 of goog"], ["mentioned: buy 1000 of goog"];
        lseg ["mentioned: buy 1000 of goog"], ["mentioned: buy 1000 of goog"];
        local ["alone: buy 1000 of goog"], ["mentioned: buy 1000 of goog"];

    hello: Plainly "hello"
        symphony ["alone: hello"], ["in passing: hello"];
        webex ["alone: hello"], [];
        livechat ["in passing: hello"], ["in passing: hello"];
        chatio ["in passing: hello"], ["in passing: hello"];
        lseg ["in passing: hello"], ["in passing: hello"];
        local ["alone: hello"], ["in passing: hello"];

    hello_to_the_bot: ToTheBot "hello"
        symphony ["alone: hello"], ["mentioned: hello"];
        webex ["alone: hello"], ["mentioned: hello"];
        livechat ["mentioned: hello"], ["mentioned: hello"];
        chatio ["mentioned: hello"], ["mentioned: hello"];
        lseg ["mentioned: hello"], ["mentioned: hello"];
        local ["alone: hello"], ["mentioned: hello"];

    convert: Plainly "please convert IBM.N to ISIN"
        symphony ["alone: convert IBM.N to ISIN"], ["in passing: convert IBM.N to ISIN"];
        webex ["alone: convert IBM.N to ISIN"], [];
        livechat ["in passing: convert IBM.N to ISIN"], ["in passing: convert IBM.N to ISIN"];
        chatio ["in passing: convert IBM.N to ISIN"], ["in passing: convert IBM.N to ISIN"];
        lseg ["in passing: convert IBM.N to ISIN"], ["in passing: convert IBM.N to ISIN"];
        local ["alone: convert IBM.N to ISIN"], ["in passing: convert IBM.N to ISIN"];

    convert_to_the_bot: ToTheBot "please convert IBM.N to ISIN"
        symphony ["alone: convert IBM.N to ISIN"], ["mentioned: convert IBM.N to ISIN"];
        webex ["alone: convert IBM.N to ISIN"], ["mentioned: convert IBM.N to ISIN"];
        livechat ["mentioned: convert IBM.N to ISIN"], ["mentioned: convert IBM.N to ISIN"];
        chatio ["mentioned: convert IBM.N to ISIN"], ["mentioned: convert IBM.N to ISIN"];
        lseg ["mentioned: convert IBM.N to ISIN"], ["mentioned: convert IBM.N to ISIN"];
        local ["alone: convert IBM.N to ISIN"], ["mentioned: convert IBM.N to ISIN"];

    // A command that wants a mention: a person alone with the bot has made it, but on Symphony.
    called: Plainly "/called"
        symphony ["Usage: @Trade Bot /called"], [];
        webex ["alone: called"], [];
        livechat [], [];
        chatio [], [];
        lseg [], [];
        local ["alone: called"], [];

    called_to_the_bot: ToTheBot "/called"
        symphony ["alone: called"], ["mentioned: called"];
        webex ["alone: called"], ["mentioned: called"];
        livechat ["mentioned: called"], ["mentioned: called"];
        chatio ["mentioned: called"], ["mentioned: called"];
        lseg ["mentioned: called"], ["mentioned: called"];
        local ["alone: called"], ["mentioned: called"];

    // A command that wants none.
    uncalled: Plainly "/uncalled"
        symphony ["alone: uncalled"], ["in passing: uncalled"];
        webex ["alone: uncalled"], [];
        livechat ["in passing: uncalled"], ["in passing: uncalled"];
        chatio ["in passing: uncalled"], ["in passing: uncalled"];
        lseg ["in passing: uncalled"], ["in passing: uncalled"];
        local ["alone: uncalled"], ["in passing: uncalled"];

    uncalled_to_the_bot: ToTheBot "/uncalled"
        symphony ["Usage: /uncalled"], ["Usage: /uncalled"];
        // In a space everything mentions the bot, so it says nothing; nor does it where nobody else is.
        webex ["alone: uncalled"], ["mentioned: uncalled"];
        livechat ["Usage: /uncalled"], ["Usage: /uncalled"];
        chatio ["Usage: /uncalled"], ["Usage: /uncalled"];
        lseg ["Usage: /uncalled"], ["Usage: /uncalled"];
        local ["alone: uncalled"], ["Usage: /uncalled"];
}
