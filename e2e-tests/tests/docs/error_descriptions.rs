//! Compares the section "Descriptions" of `errors.md` with the texts of the code.

mod texts;

use std::{collections::BTreeSet, fs, path::Path};

use crate::{files, root};

/// The crates that answer requests with an `error_description`.
const CRATES: [&str; 6] = [
    "auth-server/src",
    "service-a/src",
    "service-b/src",
    "flow-viewer/src",
    "shared/service-kit/src",
    "shared/token-verifier/src",
];

/// The files and folders whose texts callers can read: those that create errors, and the types
/// whose texts become a part of them.
const SOURCES: &[&str] = &[
    "auth-server/src/clients/metadata_documents.rs",
    "auth-server/src/compat",
    "auth-server/src/control",
    "auth-server/src/domain/claims_parameter.rs",
    "auth-server/src/domain/client_id_metadata.rs",
    "auth-server/src/domain/grant_error.rs",
    "auth-server/src/domain/interaction.rs",
    "auth-server/src/domain/public_address.rs",
    "auth-server/src/domain/redirect_uri.rs",
    "auth-server/src/domain/registration",
    "auth-server/src/domain/registration.rs",
    "auth-server/src/http",
    "auth-server/src/http.rs",
    "auth-server/src/oauth",
    "auth-server/src/oidc",
    "auth-server/src/outbound/error.rs",
    "auth-server/src/outbound/guarded_resolver.rs",
    "auth-server/src/server/late_issuer.rs",
    "auth-server/src/server/issuer_routing.rs",
    "auth-server/src/settings/files.rs",
    "auth-server/src/testing",
    "auth-server/src/typed_json.rs",
    "auth-server/src/users/consent.rs",
    "auth-server/src/users/sign_in.rs",
    "flow-viewer/src/handlers.rs",
    "flow-viewer/src/handlers/scenarios.rs",
    "flow-viewer/src/json_body.rs",
    "service-a/src/api",
    "service-a/src/b_client",
    "service-a/src/b_client.rs",
    "service-a/src/providers/openid/claims.rs",
    "service-a/src/providers/openid/logout_token.rs",
    "service-a/src/providers/openid/signed_jwt.rs",
    "service-a/src/website/backchannel_logout.rs",
    "service-b/src/endpoints/legacy.rs",
    "shared/oauth-types/src/basic.rs",
    "shared/oauth-types/src/bearer.rs",
    "shared/oauth-types/src/form.rs",
    "shared/oauth-types/src/jwt_header.rs",
    "shared/oauth-types/src/scope.rs",
    "shared/service-kit/src/error_response.rs",
    "shared/service-kit/src/hosts.rs",
    "shared/service-kit/src/proxies/protocol_v2.rs",
    "shared/service-kit/src/request_body.rs",
    "shared/service-kit/src/request_context.rs",
    "shared/token-verifier/src/authorize.rs",
    "shared/token-verifier/src/check.rs",
    "shared/token-verifier/src/error.rs",
    "shared/token-verifier/src/form_body.rs",
    "shared/token-verifier/src/introspection.rs",
    "shared/token-verifier/src/issuer_client.rs",
    "shared/token-verifier/src/local.rs",
    "shared/token-verifier/src/local/jwt.rs",
    "shared/token-verifier/src/local/key_set.rs",
    "shared/token-verifier/src/local/keys",
    "shared/token-verifier/src/local/keys.rs",
    "shared/token-verifier/src/local/token_type.rs",
    "shared/token-verifier/src/rejection.rs",
    "shared/token-verifier/src/requirement.rs",
    "shared/token-verifier/src/verifier.rs",
    "shared/token-verifier/src/whole_body.rs",
];

/// Texts in these files that are no error descriptions: log lines, response headers, names of
/// keys, the values that the checks of an access token compare, and what `expected` says.
const OTHER_TEXTS: &[&str] = &[
    "Basic realm=\"gatepass\", charset=\"UTF-8\"",
    "B accepted the client secret, and now knows it",
    "GET, POST, PUT, DELETE",
    "a key that the issuer publishes",
    "a result within its cache time",
    "a signed request has no cookie",
    "a valid signature by that key",
    "an access token",
    "an http or https URL",
    "before exp, leeway … s (now …)",
    "cached introspection result, fresh for … ms",
    "data did not match any variant of untagged enum",
    "issued in the past, leeway … s (now …)",
    "local verification is not enabled",
    "none (the introspecting issuer)",
    "none of scope, scp, and roles together with a client other than the audience",
    "not before nbf, leeway … s (now …)",
    "one of scope, scp, roles, and none of …, as an access token has",
    "one of …",
    "requests that are ready for consent",
    "scope tokens, separated by spaces (RFC 6749 section 3.3)",
    "the configured URL of B is invalid: …: …",
    "the introspection response",
    "the issuer's keys",
    "the pushed request",
    "…: `…` is not a host name or an IP address; write it without scheme and port",
    "…: is set, and the seed has its own; use only one",
    "…, as an ID token or a logout token has",
    "…, the algorithm of the key",
];

/// The header of a table of descriptions.
const HEADER: &str = "| status | `error` | `error_description` | source |\n";

#[test]
fn errors_page_has_the_descriptions_of_the_code() {
    let documented = documented();
    let in_code = in_code();
    let missing: Vec<_> = in_code.difference(&documented).collect();
    let stale: Vec<_> = documented.difference(&in_code).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "docs/reference/errors.md lacks {missing:#?} and has these, which the code lacks: {stale:#?}"
    );
}

#[test]
fn every_file_that_creates_an_error_is_a_source() {
    let creating = files(".rs").into_iter().filter_map(|file| {
        let path = relative(&file);
        let is_served = CRATES.iter().any(|folder| path.starts_with(&format!("{folder}/")));
        (is_served && !is_source(&path) && texts::of(&file).creates_errors).then_some(path)
    });
    let creating: Vec<_> = creating.collect();
    assert!(creating.is_empty(), "add to SOURCES: {creating:#?}");
}

#[test]
fn texts_that_are_no_descriptions_exist() {
    let all: BTreeSet<String> =
        source_files().flat_map(|(_, file)| texts::of(&file).sentences).collect();
    for &text in OTHER_TEXTS {
        assert!(all.contains(text), "remove from OTHER_TEXTS: {text}");
    }
}

/// Returns source and text of each description on the page.
fn documented() -> BTreeSet<(String, String)> {
    let page = fs::read_to_string(root().join("docs/reference/errors.md")).unwrap();
    let tables = page.split(HEADER).skip(1);
    let rows = tables.flat_map(|table| table.lines().skip(1).take_while(|line| !line.is_empty()));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, _, text, source] = cells[..] else { panic!("four cells: {row}") };
        (source.trim_matches('`').to_owned(), text.to_owned())
    })
    .collect()
}

fn in_code() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (path, file) in source_files() {
        let sentences = texts::of(&file).sentences;
        let sent = sentences.into_iter().filter(|text| !OTHER_TEXTS.contains(&&**text));
        found.extend(sent.map(|text| (path.clone(), text)));
    }
    found
}

fn source_files() -> impl Iterator<Item = (String, std::path::PathBuf)> {
    let all = files(".rs").into_iter().map(|file| (relative(&file), file));
    all.filter(|(path, _)| is_source(path) && !path.contains("/tests"))
}

fn is_source(path: &str) -> bool {
    SOURCES.iter().any(|source| {
        let rest = path.strip_prefix(source);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn relative(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}
