//! People, presence, connections, the manifest, signals, health.

use serde_json::{Value, json};

use super::client::{Client, fits, kinds, pod};

#[tokio::test]
async fn people_are_looked_up_in_lists_and_found_by_words() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let (ada, eve) = (sim.person("ada.lovelace"), sim.person("eve@other.com"));
    let get = |query: String| {
        let client = &client;
        async move { client.get(&format!("/pod/v3/users?{query}")).await }
    };
    let both = get(format!("uid={ada},{eve},1")).await.good();
    assert_eq!(both["users"].as_array().map(Vec::len), Some(2));
    let local = get(format!("uid={ada},{eve}&local=true")).await.good();
    assert_eq!(local["users"][0]["displayName"], "Ada Lovelace");
    let mails = get("email=ada.lovelace@acme.com,nonsense".to_owned())
        .await
        .good();
    assert_eq!(mails["errors"][0]["error"], "invalid.format");
    assert_eq!(get("username=nobody".to_owned()).await.status, 204);
    get("uid=1&email=x@y.z".to_owned()).await.refused(400, "");
    let many = vec!["1"; 101].join(",");
    get(format!("uid={many}")).await.refused(400, "100");
    let found = client
        .post("/pod/v1/user/search", &json!({ "query": "LOVELACE" }))
        .await
        .good();
    assert_eq!(found["count"], 1);
    let none = client
        .post("/pod/v1/user/search", &json!({ "query": "zzz" }))
        .await;
    assert_eq!(none.status, 204);
    assert_eq!(
        client.get(&format!("/pod/v2/user?uid={ada}")).await.good()["id"],
        ada
    );
    fits(&sim);
}

#[tokio::test]
async fn presence_is_read_and_set() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let ada = sim.person("ada");
    let of_ada = client
        .get(&format!("/pod/v3/user/{ada}/presence"))
        .await
        .good();
    assert_eq!(of_ada["category"], "AVAILABLE");
    client
        .get("/pod/v3/user/12/presence")
        .await
        .refused(404, "");
    // Of another pod's people only those who are connected are asked for, and none in a local query.
    let eve = sim.person("eve@other.com");
    let of_eve = async |query: &str| {
        let path = format!("/pod/v3/user/{eve}/presence{query}");
        client.get(&path).await.good()["category"].clone()
    };
    assert_eq!(of_eve("").await, "OFFLINE");
    let connected = json!({ "user": "eve@other.com", "change": "connected" });
    sim.act("connection", connected);
    assert_eq!(of_eve("").await, "AVAILABLE");
    assert_eq!(of_eve("?local=true").await, "OFFLINE");
    let set = |category: &str, query: &str| {
        let (client, body) = (&client, json!({ "category": category }));
        let path = format!("/pod/v2/user/presence{query}");
        async move { client.post(&path, &body).await }
    };
    assert_eq!(set("BUSY", "").await.good()["category"], "BUSY");
    assert_eq!(
        set("AVAILABLE", "?soft=true").await.good()["category"],
        "BUSY"
    );
    set("HAPPY", "").await.refused(400, "category");
    assert_eq!(
        client.get("/pod/v2/user/presence").await.good()["category"],
        "BUSY"
    );
    let all = client.get("/pod/v2/users/presence?limit=1").await.good();
    assert_eq!(all.as_array().map(Vec::len), Some(1));
    client
        .post("/pod/v1/user/presence/register", &json!([ada]))
        .await
        .good();
    // Reading a feed makes an account available, unless the read says that it does not.
    let quiet = Client::logged_in(&sim).await;
    quiet.feed().await;
    fits(&sim);
}

#[tokio::test]
async fn connections_are_asked_for_and_answered() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let feed = client.feed().await;
    let (ada, eve) = (sim.person("ada"), sim.person("eve@other.com"));
    let same = client
        .get(&format!("/pod/v1/connection/user/{ada}/info"))
        .await
        .good();
    assert_eq!(same["status"], "ACCEPTED");
    let path = format!("/pod/v1/connection/user/{eve}/info");
    client.get(&path).await.refused(404, "");
    let body = json!({ "userId": eve });
    let asked = client.post("/pod/v1/connection/create", &body).await.good();
    assert_eq!(asked["status"], "PENDING_OUTGOING");
    client
        .post("/pod/v1/connection/accept", &body)
        .await
        .refused(404, "pending");
    sim.act(
        "connection",
        json!({ "user": "eve@other.com", "change": "accept" }),
    );
    assert_eq!(client.get(&path).await.good()["status"], "ACCEPTED");
    sim.act(
        "connection",
        json!({ "user": "mal@other.com", "change": "request" }),
    );
    let pending = client.get("/pod/v1/connection/list").await.good();
    assert_eq!(pending[0]["status"], "PENDING_INCOMING");
    let mal = json!({ "userId": sim.person("mal@other.com") });
    let refused = client.post("/pod/v1/connection/reject", &mal).await.good();
    assert_eq!(refused["status"], "REJECTED");
    let all = client
        .get("/pod/v1/connection/list?status=ALL")
        .await
        .good();
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    client
        .post(
            &format!("/pod/v1/connection/user/{eve}/remove"),
            &Value::Null,
        )
        .await
        .good();
    client.get(&path).await.refused(404, "");
    let (events, _) = client.events(&feed, "").await;
    let expected = [
        "CONNECTIONREQUESTED",
        "CONNECTIONACCEPTED",
        "CONNECTIONREQUESTED",
    ];
    assert_eq!(kinds(&events), expected);
    fits(&sim);
}

#[tokio::test]
async fn a_manifest_is_kept_where_it_is_json_and_short() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let path = "/pod/v1/user/manifest/own";
    let manifest = r#"{"commands":[]}"#;
    client
        .post(path, &json!({ "manifest": manifest }))
        .await
        .good();
    assert_eq!(client.get(path).await.good()["manifest"], manifest);
    client
        .post(path, &json!({ "manifest": "no" }))
        .await
        .refused(400, "JSON");
    let long = format!("\"{}\"", "x".repeat(6_144));
    client
        .post(path, &json!({ "manifest": long }))
        .await
        .refused(400, "long");
    fits(&sim);
}

#[tokio::test]
async fn signals_are_kept_and_followed() {
    let sim = pod().await;
    let client = Client::logged_in(&sim).await;
    let ada = sim.person("ada");
    let create = "/agent/v1/signals/create";
    client
        .post(create, &json!({ "name": "n", "query": "author:1" }))
        .await
        .refused(400, "tag");
    let made = client
        .post(create, &json!({ "name": "n", "query": "hashtag:x" }))
        .await
        .good();
    let id = made["id"].as_str().expect("an id");
    let path = |verb: &str| format!("/agent/v1/signals/{id}/{verb}");
    assert_eq!(client.get(&path("get")).await.good(), made);
    client
        .post(
            &path("update"),
            &json!({ "name": "m", "query": "cashtag:y" }),
        )
        .await
        .good();
    let followed = client
        .post(&path("subscribe"), &json!([ada, 1]))
        .await
        .good();
    assert_eq!(followed["failedSubscription"], 1);
    let followers = client.get(&path("subscribers")).await.good();
    assert_eq!(followers["data"][0]["userId"], ada);
    client
        .post(&path("unsubscribe"), &json!([ada]))
        .await
        .good();
    assert_eq!(
        client.get("/agent/v1/signals/list").await.good()[0]["name"],
        "m"
    );
    client.post(&path("delete"), &Value::Null).await.good();
    client.get(&path("get")).await.refused(400, "");
    fits(&sim);
}

#[tokio::test]
async fn health_is_told_to_everybody() {
    let sim = pod().await;
    let client = Client::new(&sim);
    assert_eq!(
        client.get("/agent/v3/health").await.good(),
        json!({ "status": "UP" })
    );
    let well = client.get("/agent/v3/health/extended").await;
    assert_eq!((well.status, &well.json()["status"]), (200, &json!("UP")));
    sim.set(json!({ "healthy": false }));
    let ill = client.get("/agent/v3/health/extended").await;
    assert_eq!((ill.status, &ill.json()["status"]), (503, &json!("DOWN")));
    let client = Client::logged_in(&sim).await;
    client.get("/agent/v9/nothing").await.refused(404, "");
}
