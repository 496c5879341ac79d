//! Several agents, and one behind a balancer: who is down is gone around.

use std::net::SocketAddr;

use parlor_host::mailbox::control::BotState;
use parlor_tests::sim::Logged;
use parlor_tests::sim::symphony::{Symphony, SymphonyOptions};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::bank::{Bank, settings};
use crate::faults::each_is_repeated_once;

/// An agent of its own address, which can go down; behind it is the pod's.
struct Node {
    address: SocketAddr,
    power: CancellationToken,
}

impl Node {
    async fn of(sim: &Symphony) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback can be listened on");
        let address = listener.local_addr().expect("it has an address");
        let power = CancellationToken::new();
        let (off, port) = (power.clone(), sim.port());
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = off.cancelled() => return,
                };
                let Ok((mut client, _)) = accepted else {
                    continue;
                };
                let off = off.clone();
                tokio::spawn(async move {
                    let pass = async {
                        let mut agent = TcpStream::connect(("127.0.0.1", port)).await?;
                        tokio::io::copy_bidirectional(&mut client, &mut agent).await
                    };
                    // How a connection ends is no concern of the others.
                    tokio::select! { _ = pass => {}, () = off.cancelled() => {} }
                });
            }
        });
        Self { address, power }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn goes_down(&self) {
        self.power.cancel();
    }

    /// The requests that came here.
    fn asked(&self, sim: &Symphony) -> Vec<Logged> {
        let own = self.address.to_string();
        let asked = sim.requests_after(0).into_iter();
        asked
            .filter(|it| it.header("host") == Some(own.as_str()))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_dead_is_gone_around() {
    for balancing in ["round-robin", "random"] {
        let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
        let (dead, good) = (Node::of(&sim).await, Node::of(&sim).await);
        dead.goes_down();
        let agents = format!(
            "agents = [\"{}\", \"{}\"]\nbalancing = \"{balancing}\"",
            dead.url(),
            good.url()
        );
        let text = settings(&sim, &agents);
        let bank = Bank::on(sim, text, &["echo"]).await;
        each_is_repeated_once(&bank, 0..6).await;
        assert!(dead.asked(&bank.sim).is_empty());
        assert!(!good.asked(&bank.sim).is_empty());
        bank.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_dies_hands_its_feed_to_the_next() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    let (first, second) = (Node::of(&sim).await, Node::of(&sim).await);
    let agents = format!("agents = [\"{}\", \"{}\"]", first.url(), second.url());
    let text = settings(&sim, &agents);
    let bank = Bank::on(sim, text, &["echo"]).await;
    each_is_repeated_once(&bank, 0..4).await;
    let reads = |node: &Node| {
        let asked = node.asked(&bank.sim).into_iter();
        asked.filter(|it| it.path.ends_with("/read")).count()
    };
    assert!(
        reads(&first) > 0 && reads(&second) == 0,
        "a feed stays with one"
    );
    first.goes_down();
    each_is_repeated_once(&bank, 4..8).await;
    assert!(reads(&second) > 0);
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_of_version_1_is_given_up_with_its_agent() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    let (first, second) = (Node::of(&sim).await, Node::of(&sim).await);
    let agents = format!(
        "datafeed = {{ version = \"v1\" }}\nagents = [\"{}\", \"{}\"]",
        first.url(),
        second.url()
    );
    let text = settings(&sim, &agents);
    let bank = Bank::on(sim, text, &["echo"]).await;
    each_is_repeated_once(&bank, 0..2).await;
    first.goes_down();
    each_is_repeated_once(&bank, 2..4).await;
    bank.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balancer_names_the_agent_and_is_asked_again_when_that_is_down() {
    let sim = Symphony::start(SymphonyOptions::default()).await.unwrap();
    let (first, second) = (Node::of(&sim).await, Node::of(&sim).await);
    sim.set(json!({"server_fqdn": first.url()}));
    let text = settings(&sim, "balancing = \"external\"");
    let bank = Bank::on(sim, text, &["echo"]).await;
    each_is_repeated_once(&bank, 0..2).await;
    let others = |bank: &Bank, node: &Node| -> Vec<String> {
        let own = node.address.to_string();
        let asked = bank.sim.requests_after(0).into_iter();
        let agents = asked.filter(|it| it.path.starts_with("/agent/"));
        agents
            .filter(|it| it.header("host") != Some(own.as_str()))
            .map(|it| it.path)
            .collect()
    };
    let only_info = others(&bank, &first);
    assert!(
        only_info.iter().all(|path| path == "/agent/v1/info"),
        "{only_info:?}"
    );

    // For a while the balancer still names the one that is down.
    first.goes_down();
    bank.until(BotState::Disconnected).await;
    let is_told = || {
        bank.state()
            .1
            .is_some_and(|why| why.contains("not reached"))
    };
    bank.host.eventually("the reason is told", is_told).await;
    // What is said then waits, however often the balancer is asked in vain.
    let before = bank.sim.sent_count();
    bank.sim.say_im("ada", "/echo while it was down");
    let questions = || {
        let asked = bank.sim.requests_after(0).into_iter();
        asked.filter(|it| it.path == "/agent/v1/info").count()
    };
    let known = questions();
    let is_tried = || questions() >= known + 3;
    bank.host.eventually("it is tried again", is_tried).await;
    assert_ne!(bank.state().0, BotState::Stopped);
    // A login may show its manifest anew; nobody is answered.
    let meanwhile = bank.sim.sent_after(before);
    assert!(
        meanwhile.iter().all(|sent| sent.kind == "manifest"),
        "{meanwhile:?}"
    );
    bank.sim.set(json!({"server_fqdn": second.url()}));
    let said = bank.says(before, "while it was down").await;
    each_is_repeated_once(&bank, 2..5).await;
    let again = bank.sim.sent_after(said.n).into_iter();
    assert!(
        again
            .into_iter()
            .all(|it| !it.text.contains("while it was down"))
    );
    assert!(!second.asked(&bank.sim).is_empty());
    bank.stop().await;
}
