use serde_json::json;

use super::*;

fn api() -> OpenApi {
    let user = json!({
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": { "type": "integer", "format": "int64" },
            "kind": { "type": "string", "enum": ["A", "B"] },
            "friend": { "$ref": "#/definitions/User" },
        },
    });
    let admin = json!({ "allOf": [
        { "$ref": "#/definitions/User" },
        { "required": ["rights"], "properties": { "rights": { "type": "array", "items": { "type": "string" } } } },
    ] });
    let session =
        json!({ "name": "sessionToken", "in": "header", "required": true, "type": "string" });
    let swagger = json!({
        "swagger": "2.0",
        "definitions": { "User": user, "Admin": admin },
        "paths": {
            "/v1/user/{id}": { "get": {
                "parameters": [session, { "name": "local", "in": "query", "type": "boolean" }],
                "responses": { "200": { "schema": { "$ref": "#/definitions/User" } }, "204": {} },
            } },
            "/v1/user/me": { "get": { "responses": { "200": { "schema": { "$ref": "#/definitions/Admin" } } } } },
            "/v1/user": { "post": {
                "parameters": [{ "in": "body", "required": true, "schema": { "$ref": "#/definitions/User" } }],
                "responses": { "200": { "schema": { "type": "array", "items": { "$ref": "#/definitions/User" } } } },
            } },
        },
    });
    let form = json!({ "required": ["message"], "properties": { "message": {}, "data": {} } });
    let three = json!({
        "openapi": "3.0.0",
        "paths": { "/v4/message": { "post": {
            "requestBody": { "content": { "multipart/form-data": { "schema": form } } },
            "responses": { "200": { "content": { "application/json": { "schema": {
                "type": "object", "properties": { "errors": { "type": "object", "additionalProperties": { "type": "integer" } } },
            } } } } },
        } } },
    });
    let mut api = OpenApi::default();
    api.add("pod", "/pod", swagger).expect("a description");
    api.add("agent", "/agent", three).expect("a description");
    api
}

#[track_caller]
fn answers(method: &str, path: &str, body: &Value, expected: &[&str]) {
    let found = api().check_response(method, path, 200, body.to_string().as_bytes());
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for expected in expected {
        assert!(
            found.iter().any(|it| it.contains(expected)),
            "{expected}: {found:?}"
        );
    }
}

#[test]
fn answers_are_checked_against_their_schema() {
    answers(
        "GET",
        "/pod/v1/user/5",
        &json!({ "id": 5, "kind": "A", "friend": { "id": 6 } }),
        &[],
    );
    answers("GET", "/pod/v1/user/5", &json!({}), &["body.id is missing"]);
    answers(
        "GET",
        "/pod/v1/user/5",
        &json!({ "id": "5" }),
        &["not of type integer"],
    );
    answers(
        "GET",
        "/pod/v1/user/5",
        &json!({ "id": 5, "kind": "C" }),
        &["not one of"],
    );
    answers(
        "GET",
        "/pod/v1/user/5",
        &json!({ "id": 5, "x": 1 }),
        &["body.x is not described"],
    );
    answers(
        "GET",
        "/pod/v1/user/5",
        &json!({ "id": null }),
        &["body.id is null"],
    );
    answers(
        "GET",
        "/pod/v1/user/5",
        &json!({ "id": 5, "friend": { "id": 6.5 } }),
        &["body.friend.id is 6.5"],
    );
    answers(
        "POST",
        "/pod/v1/user",
        &json!([{ "id": 1 }, {}]),
        &["body[1].id is missing"],
    );
    answers(
        "POST",
        "/agent/v4/message",
        &json!({ "errors": { "x": 1 } }),
        &[],
    );
    answers(
        "POST",
        "/agent/v4/message",
        &json!({ "errors": { "x": "y" } }),
        &["body.errors.x"],
    );
}

#[test]
fn the_most_literal_path_is_meant_and_parts_of_an_object_add_up() {
    answers(
        "GET",
        "/pod/v1/user/me",
        &json!({ "id": 1, "rights": ["r"] }),
        &[],
    );
    answers(
        "GET",
        "/pod/v1/user/me",
        &json!({ "rights": [1] }),
        &["body.id is missing", "rights[0]"],
    );
}

#[test]
fn what_is_not_described_is_a_complaint() {
    let api = api();
    assert_eq!(api.operations(), 4);
    assert!(!api.knows("DELETE", "/pod/v1/user/5"));
    assert!(
        !api.check_response("GET", "/pod/v9/user", 200, b"{}")
            .is_empty()
    );
    assert!(
        !api.check_response("GET", "/pod/v1/user/5", 418, b"{}")
            .is_empty()
    );
    assert!(
        !api.check_response("GET", "/pod/v1/user/5", 200, b"<html>")
            .is_empty()
    );
    assert!(
        !api.check_response("GET", "/pod/v1/user/5", 200, b"")
            .is_empty()
    );
    assert!(
        api.check_response("GET", "/pod/v1/user/5", 204, b"")
            .is_empty()
    );
}

#[test]
fn requests_are_checked_for_parameters_bodies_and_parts() {
    let api = api();
    let pairs = |list: &[(&str, &str)]| -> Vec<(String, String)> {
        list.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let session = pairs(&[("sessiontoken", "x")]);
    let user = Asked {
        method: "GET",
        path: "/pod/v1/user/5",
        query: &[],
        headers: &session,
        body: None,
        parts: None,
    };
    assert_eq!(api.check_request(user), Vec::<String>::new());
    assert_eq!(
        api.check_request(Asked {
            headers: &[],
            ..user
        }),
        ["header parameter sessionToken is missing"]
    );
    let local = pairs(&[("local", "perhaps")]);
    assert_eq!(
        api.check_request(Asked {
            query: &local,
            ..user
        })
        .len(),
        1
    );
    let unknown = pairs(&[("remote", "true")]);
    assert_eq!(
        api.check_request(Asked {
            query: &unknown,
            ..user
        }),
        ["query parameter remote is not described"]
    );
    let make = Asked {
        method: "POST",
        path: "/pod/v1/user",
        ..user
    };
    assert_eq!(api.check_request(make), ["the body is missing"]);
    let body = json!({ "id": 1, "y": 2 });
    assert_eq!(
        api.check_request(Asked {
            body: Some(&body),
            ..make
        }),
        ["body.y is not described"]
    );
    let send = Asked {
        method: "POST",
        path: "/agent/v4/message",
        ..user
    };
    let parts = ["message".to_owned(), "file".to_owned()];
    assert_eq!(
        api.check_request(Asked {
            parts: Some(&parts),
            ..send
        }),
        ["part file is not described"]
    );
    assert_eq!(
        api.check_request(Asked {
            parts: Some(&[]),
            ..send
        }),
        ["part message is missing"]
    );
}
