use anyhow::ensure;

use crate::{
    project::{AUTH_SERVER, B_INTROSPECTION, B_LOCAL, Project},
    requests::{SECRET, access_token_for, call_a, call_b, introspect},
    wait::eventually,
};

const CLIENT: (&str, &str) = ("service-a", SECRET);

#[test]
fn local_b_works_without_c_and_introspecting_b_recovers() -> anyhow::Result<()> {
    let project = Project::up("outage")?;
    call_a(&project, "local")?.is(200)?;
    call_a(&project, "introspection")?.is(200)?;
    let not_cached_by_local = access_token_for(&project, B_LOCAL, CLIENT)?;
    let not_cached_by_introspection = access_token_for(&project, B_INTROSPECTION, CLIENT)?;

    project.compose(&["stop", AUTH_SERVER])?;
    // A has a token and B has the keys, so neither needs C.
    call_a(&project, "local")?.is(200)?;
    call_b(&project, B_LOCAL, &not_cached_by_local)?.is(200)?;
    let response = call_b(&project, B_INTROSPECTION, &not_cached_by_introspection)?;
    response.is(503)?;
    assert!(response.retry_after.is_some_and(|seconds| seconds > 0), "{response:?}");
    eventually("the cached introspection response has expired", || {
        let reply = call_a(&project, "introspection")?;
        reply.is(502)?;
        let description = reply.body["error_description"].as_str().unwrap_or_default();
        ensure!(reply.body["step"] == "call_b" && description.contains("503"), "{reply:?}");
        Ok(())
    })?;

    project.compose(&["start", AUTH_SERVER])?;
    project.healthy(AUTH_SERVER)?;
    eventually("both Bs accept tokens again", || {
        call_a(&project, "introspection")?.is(200)?;
        call_b(&project, B_INTROSPECTION, &not_cached_by_introspection)?.is(200)?;
        call_a(&project, "local")?.is(200)
    })
}

#[test]
fn recreated_c_honours_tokens_of_its_volume() -> anyhow::Result<()> {
    let project = Project::up("restart")?;
    let for_local = access_token_for(&project, B_LOCAL, CLIENT)?;
    let for_introspection = access_token_for(&project, B_INTROSPECTION, CLIENT)?;
    let before = project.container(AUTH_SERVER)?;

    project.compose(&["rm", "--stop", "--force", AUTH_SERVER])?;
    project.start()?;
    assert_ne!(project.container(AUTH_SERVER)?, before);

    call_b(&project, B_LOCAL, &for_local)?.is(200)?;
    eventually("B reaches the new C", || {
        call_b(&project, B_INTROSPECTION, &for_introspection)?.is(200)
    })?;
    assert_eq!(introspect(&project, &for_introspection, SECRET)?["active"], true);
    // C still has its signing keys, so B accepts new tokens with the keys in its cache.
    call_b(&project, B_LOCAL, &access_token_for(&project, B_LOCAL, CLIENT)?)?.is(200)
}
