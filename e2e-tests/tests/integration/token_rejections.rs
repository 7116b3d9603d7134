//! What B refuses although nobody forged anything.

use std::time::Duration;

use e2e_tests::{
    harness::{Door, Stage},
    http::Answer,
};

#[tokio::test]
async fn without_a_pass_the_answer_says_how_to_get_one_and_names_no_error() {
    let stage = Stage::start().await;
    for door in Door::BOTH {
        let answer = Answer::of(stage.read(door)).await;
        let expected = format!(
            "Bearer realm=\"{0}\", resource_metadata=\"{0}/.well-known/oauth-protected-resource\"",
            door.resource()
        );
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, expected.as_str()));
        assert!(answer.json().get("error").is_none(), "RFC 6750 section 3.1: {answer:?}");
        let other = Answer::of(stage.read(door).basic_auth("service-a", Some("abc123"))).await;
        assert_eq!(
            (other.status, other.header("www-authenticate")),
            (401, expected.as_str()),
            "another scheme"
        );
        let about =
            Answer::of(stage.http.get(stage.door(door, "/.well-known/oauth-protected-resource")))
                .await;
        assert_eq!(about.json()["authorization_servers"][0], "http://localhost:9000");
    }
}

#[tokio::test]
async fn a_pass_in_the_url_or_in_two_places_is_refused_though_it_is_good() {
    let stage = Stage::start().await;
    for door in Door::BOTH {
        let pass = stage.pass("service-a", door).await;
        let refused = |answer: Answer, words: &str| answer.refused(400, "invalid_request", words);
        let in_url = || stage.read(door).query(&[("access_token", &pass)]);
        refused(Answer::of(in_url()).await, "in the URL");
        refused(Answer::of(in_url().bearer_auth(&pass)).await, "in the header and in the URL");
        refused(
            Answer::of(stage.read(door).bearer_auth(&pass).bearer_auth(&pass)).await,
            "more than one",
        );
        refused(Answer::of(stage.read(door).header("authorization", "Bearer ")).await, "no token");
        let write = || stage.http.post(stage.door(door, "/api/do_something"));
        refused(Answer::of(write().bearer_auth(&pass).form(&[("access_token", &pass)])).await, "");
        assert_eq!(stage.show(door, &pass).await.status, 200, "the pass was good");
    }
}

#[tokio::test]
async fn a_pass_that_allows_reading_alone_is_refused_for_writing_with_the_scope_needed() {
    let stage = Stage::start().await;
    for door in Door::BOTH {
        let pass = stage.pass("reader", door).await;
        assert_eq!(stage.show(door, &pass).await.status, 200);
        let write = stage.http.post(stage.door(door, "/api/do_something")).bearer_auth(&pass);
        let answer = Answer::of(write).await;
        answer.refused(403, "insufficient_scope", "resource:write");
        assert!(
            answer.header("www-authenticate").contains("scope=\"resource:write\""),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_pass_for_one_b_is_refused_by_the_other() {
    let stage = Stage::start().await;
    for (own, other) in [(Door::Local, Door::Asking), (Door::Asking, Door::Local)] {
        let pass = stage.pass("service-a", own).await;
        stage.show(other, &pass).await.refused(401, "invalid_token", own.resource());
        assert_eq!(stage.show(own, &pass).await.status, 200);
    }
}

#[tokio::test]
async fn a_pass_expires_for_both_and_the_local_b_bears_five_seconds_between_clocks() {
    let stage = Stage::start().await;
    let [local, asking] =
        [stage.pass("service-a", Door::Local).await, stage.pass("service-a", Door::Asking).await];
    let [never_seen, known] = [stage.pass("service-a", Door::Local).await, local];
    assert_eq!(stage.show(Door::Local, &known).await.status, 200);
    assert_eq!(stage.show(Door::Asking, &asking).await.status, 200);
    stage.clock.advance(Duration::from_secs(1_799));
    assert_eq!(stage.show(Door::Asking, &asking).await.status, 200);
    stage.clock.advance(Duration::from_secs(1));
    stage.show(Door::Asking, &asking).await.refused(401, "invalid_token", "void");
    stage.clock.advance(Duration::from_secs(4));
    assert_eq!(stage.show(Door::Local, &known).await.status, 200);
    stage.clock.advance(Duration::from_secs(1));
    for pass in [known, never_seen] {
        stage.show(Door::Local, &pass).await.refused(401, "invalid_token", "has expired");
    }
}

#[tokio::test]
async fn an_opaque_pass_means_nothing_to_a_local_b_and_all_to_one_that_asks() {
    let stage = Stage::start().await;
    let pass = stage.pass("service-a-opaque", Door::Local).await;
    assert!(pass.starts_with("gpat_"), "{}", pass.len());
    stage.show(Door::Local, &pass).await.refused(401, "invalid_token", "not a JWT");
    let answer =
        stage.show(Door::Asking, &stage.pass("service-a-opaque", Door::Asking).await).await;
    assert_eq!(
        (answer.status, answer.json()["token"]["client_id"].as_str()),
        (200, Some("service-a-opaque"))
    );
}

#[tokio::test]
async fn an_auto_b_takes_both_kinds() {
    let stage =
        Stage::start_with(|settings| settings.b_local.mode = service_b::settings::Mode::Auto).await;
    for client in ["service-a", "service-a-opaque"] {
        assert_eq!(
            stage.show(Door::Local, &stage.pass(client, Door::Local).await).await.status,
            200,
            "{client}"
        );
    }
    stage.show(Door::Local, "gpat_made_up").await.refused(401, "invalid_token", "void");
}

#[tokio::test]
async fn a_revoked_pass_ends_where_c_is_asked_and_lives_to_its_expiry_where_it_is_not() {
    let stage = Stage::start().await;
    let [local, asking] =
        [stage.pass("service-a", Door::Local).await, stage.pass("service-a", Door::Asking).await];
    let opaque = stage.pass("service-a-opaque", Door::Asking).await;
    for (door, pass) in [(Door::Local, &local), (Door::Asking, &asking), (Door::Asking, &opaque)] {
        assert_eq!(stage.show(door, pass).await.status, 200);
    }
    for (client, pass) in
        [("service-a", &local), ("service-a", &asking), ("service-a-opaque", &opaque)]
    {
        stage.revoke(client, pass).await;
    }
    for pass in [&asking, &opaque] {
        assert_eq!(
            stage.show(Door::Asking, pass).await.status,
            200,
            "C's word of a moment ago is good for 2 s"
        );
    }
    stage.clock.advance(Duration::from_secs(2));
    for pass in [&asking, &opaque] {
        stage.show(Door::Asking, pass).await.refused(401, "invalid_token", "void");
    }
    stage.clock.advance(Duration::from_secs(1_797));
    assert_eq!(stage.show(Door::Local, &local).await.status, 200, "the price of not asking");
    stage.clock.advance(Duration::from_secs(6));
    stage.show(Door::Local, &local).await.refused(401, "invalid_token", "has expired");
}

#[tokio::test]
async fn a_gets_a_new_pass_when_its_own_was_revoked() {
    let stage = Stage::start().await;
    stage.call_a(Door::Asking).await;
    let jti = stage.audit("service-a").await.into_iter().find_map(|record| record.jti).unwrap();
    let change = auth_server::storage::Change::RevokeToken { jti, exp: i64::MAX };
    let audit = stage.audit("service-a").await.remove(0);
    stage.store().await.apply(auth_server::storage::AuditedChange { audit, change }).await.unwrap();
    stage.clock.advance(Duration::from_secs(2));
    let flow = stage.watch(stage.request_a(Door::Asking)).await;
    let script = crate::event_lines::script(&flow.events);
    assert_eq!(flow.status, 200, "{script:?}");
    let refused = script.iter().position(|line| line == "B -> A 401").unwrap();
    let issued = script.iter().position(|line| line == "C issues a pass").unwrap();
    assert!(refused < issued && script.last().unwrap() == "B -> A 200", "{script:?}");
}
