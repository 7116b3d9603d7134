//! That every message which a command can print has a translation.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pages::Patterns;

use super::*;

/// The sources whose messages commands print. A folder stands for all files in it.
const SOURCES: [&str; 90] = [
    "shared/doctor/src",
    "shared/oauth-http/src",
    "shared/oauth-types/src/issuer.rs",
    "shared/oauth-types/src/scope.rs",
    "shared/pages/src/error.rs",
    "shared/pages/src/texts.rs",
    "shared/service-kit/src/cli.rs",
    "shared/service-kit/src/events.rs",
    "shared/service-kit/src/hosts.rs",
    "shared/service-kit/src/json_list.rs",
    "shared/service-kit/src/limits.rs",
    "shared/service-kit/src/listen.rs",
    "shared/service-kit/src/listeners.rs",
    "shared/service-kit/src/platform",
    "shared/service-kit/src/proxies.rs",
    "shared/service-kit/src/proxies/networks.rs",
    "shared/service-kit/src/secret_setting.rs",
    "shared/service-kit/src/secret_weakness.rs",
    "shared/service-kit/src/server.rs",
    "shared/service-kit/src/settings",
    "shared/service-kit/src/settings.rs",
    "shared/service-kit/src/telemetry",
    "shared/service-kit/src/telemetry.rs",
    "shared/service-kit/src/tls",
    "shared/service-kit/src/unsafe_settings.rs",
    "shared/sql-kit/src",
    "shared/token-client/src/builder.rs",
    "shared/token-verifier/src/builder.rs",
    "auth-server/src/cli",
    "auth-server/src/clients/file",
    "auth-server/src/clients/file.rs",
    "auth-server/src/clients/registry.rs",
    "auth-server/src/control/error.rs",
    "auth-server/src/control/faults.rs",
    "auth-server/src/control/issuer.rs",
    "auth-server/src/control/json_body.rs",
    "auth-server/src/control/named_client.rs",
    "auth-server/src/control/named_user.rs",
    "auth-server/src/control/router.rs",
    "auth-server/src/control/tokens",
    "auth-server/src/control/traffic/fault.rs",
    "auth-server/src/doctor",
    "auth-server/src/doctor.rs",
    "auth-server/src/domain/attributes.rs",
    "auth-server/src/domain/client.rs",
    "auth-server/src/domain/custom_claims.rs",
    "auth-server/src/domain/looseness.rs",
    "auth-server/src/domain/secret_hash.rs",
    "auth-server/src/domain/user_credentials.rs",
    "auth-server/src/domain/user_login_config.rs",
    "auth-server/src/keys",
    "auth-server/src/secure_random.rs",
    "auth-server/src/seed",
    "auth-server/src/seed.rs",
    "auth-server/src/server",
    "auth-server/src/server.rs",
    "auth-server/src/settings",
    "auth-server/src/settings.rs",
    "auth-server/src/storage/error.rs",
    "auth-server/src/typed_json.rs",
    "auth-server/src/users/seed.rs",
    "auth-server/src/users/seed/rules.rs",
    "service-a/src/accounts.rs",
    "service-a/src/doctor",
    "service-a/src/doctor.rs",
    "service-a/src/secure_random.rs",
    "service-a/src/server.rs",
    "service-a/src/settings",
    "service-a/src/settings.rs",
    "service-b/src/cors.rs",
    "service-b/src/doctor.rs",
    "service-b/src/server.rs",
    "service-b/src/settings",
    "service-b/src/settings.rs",
    "service-b/src/verifier.rs",
    "flow-viewer/src/doctor.rs",
    "flow-viewer/src/scenarios",
    "flow-viewer/src/server.rs",
    "flow-viewer/src/settings",
    "flow-viewer/src/settings.rs",
    "gatepass/src/control",
    "gatepass/src/control.rs",
    "gatepass/src/demo.rs",
    "gatepass/src/doctor",
    "gatepass/src/doctor.rs",
    "gatepass/src/observe.rs",
    "gatepass/src/scenarios.rs",
    "gatepass/src/settings",
    "gatepass/src/settings.rs",
    "gatepass/src/stack.rs",
];

/// Literals that are no messages: settings and names, and how JSON is laid out.
const NO_MESSAGES: [&str; 40] = [
    // Joined with the help, whose translation is another file.
    "; repeatable",
    "Opposite of `--{}`",
    "Name in another language, such as `zh=商店`",
    // What libraries write.
    " does not have variant constructor ",
    " for key `",
    ", expected ",
    "64-bit integer ",
    "64-bit unsigned integer ",
    "a map",
    "a sequence",
    "an unsigned 16 bit integer",
    "an unsigned 32 bit integer",
    "an unsigned 8 bit integer",
    "floating point ",
    "invalid type: ",
    "invalid value: ",
    "data did not match any variant of untagged enum",
    "duplicate field",
    "missing field",
    "string ",
    "struct ",
    "unknown field",
    "unknown field `",
    "unknown variant ",
    // Joints, labels and commands.
    " and ",
    "error: ",
    "gatepass flow-viewer",
    "standard output is closed",
    "Gatepass development CA",
    "  {what}  http://localhost:{}",
    "curl --cacert {}",
    "  {curl} '{service_a}/api/call-b?target=introspection'",
    "  {curl} -d grant_type=client_credentials -d client_id=service-a -d client_secret=abc123 {issuer}/oauth/token",
    "  {curl} -i {b_local}/api/resource\n",
    // Scopes, headers and a query.
    "authorization, content-type",
    "openid name email",
    "openid offline_access resource:read",
    "openid profile email",
    "openid profile email offline_access {}",
    "SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'",
];

fn rust_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.file_stem().unwrap() != "tests")
        .flat_map(|path| rust_files(&path))
        .collect()
}

/// Returns the string literals of a source, without those of its tests, attributes and log lines.
fn literals(source: &str) -> BTreeSet<String> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut found = BTreeSet::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        rest = if rest.starts_with("//") {
            rest.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(after) = rest.strip_prefix("#[error(") {
            after
        } else if let Some(skipped) =
            ["#[", "tracing::", ".expect("].iter().find(|start| rest.starts_with(**start))
        {
            after_brackets(&rest[skipped.len() - usize::from(!skipped.ends_with(':'))..])
        } else if c == '\'' {
            after_quote(rest)
        } else if c == '"' {
            let (literal, after) = string(&rest[1..]);
            found.insert(literal);
            after
        } else {
            &rest[c.len_utf8()..]
        };
    }
    found
}

/// Returns what follows the brackets that open first, or the line if none opens in it.
fn after_brackets(text: &str) -> &str {
    let Some(start) = text.find(['(', '[', ';']).filter(|start| text.as_bytes()[*start] != b';')
    else {
        return text.split_once('\n').map_or("", |(_, after)| after);
    };
    let (mut rest, mut depth) = (&text[start..], 0);
    while let Some(c) = rest.chars().next() {
        rest = match c {
            '"' => string(&rest[1..]).1,
            '\'' => after_quote(rest),
            _ => &rest[c.len_utf8()..],
        };
        depth += match c {
            '(' | '[' => 1,
            ')' | ']' => -1,
            _ => 0,
        };
        if depth == 0 {
            break;
        }
    }
    rest
}

/// Returns what follows a character, or the quote of a lifetime.
fn after_quote(text: &str) -> &str {
    let mut characters = text[1..].chars();
    let end = match (characters.next(), characters.next()) {
        (Some('\\'), Some(_)) => text[3..].find('\'').map(|at| at + 4),
        (Some(c), Some('\'')) => Some(2 + c.len_utf8()),
        _ => Some(1),
    };
    &text[end.unwrap()..]
}

/// Returns a literal that starts here, with its escapes resolved, and what follows it.
fn string(text: &str) -> (String, &str) {
    let (mut literal, mut rest) = (String::new(), text);
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '"' => return (literal, rest),
            '\\' if rest.starts_with('\n') => rest = rest.trim_start(),
            '\\' => {
                literal.push(match rest.chars().next().unwrap() {
                    'n' => '\n',
                    other => other,
                });
                rest = &rest[1..];
            }
            other => literal.push(other),
        }
    }
    panic!("a literal does not end: {text}");
}

/// The sources whose messages the error pages of A and C display as details.
const SOURCES_OF_DETAILS: [&str; 21] = [
    "shared/oauth-types/src/form.rs",
    "shared/oauth-types/src/jwt_header.rs",
    "auth-server/src/clients/metadata_documents.rs",
    "auth-server/src/domain/claims_parameter.rs",
    "auth-server/src/domain/client_id_metadata.rs",
    "auth-server/src/domain/grant_error.rs",
    "auth-server/src/domain/public_address.rs",
    "auth-server/src/domain/redirect_uri.rs",
    "auth-server/src/domain/registration",
    "auth-server/src/domain/registration.rs",
    "auth-server/src/http/form.rs",
    "auth-server/src/http/html_error.rs",
    "auth-server/src/oauth/authorize",
    "auth-server/src/outbound",
    "auth-server/src/outbound.rs",
    "auth-server/src/users/consent.rs",
    "service-a/src/http/website_error.rs",
    "service-a/src/login/authorization_response.rs",
    "service-a/src/providers",
    "service-a/src/providers.rs",
    "service-a/src/website/callback.rs",
];

/// The sources whose errors no command prints.
const NOT_PRINTED: [&str; 16] = [
    // Responses for programs, and challenges.
    "shared/oauth-types/src/basic.rs",
    "shared/oauth-types/src/bearer.rs",
    "shared/service-kit/src/request_context.rs",
    "shared/token-verifier/src/error.rs",
    "shared/token-verifier/src/requirement.rs",
    "auth-server/src/http/api_error.rs",
    "auth-server/src/oidc/userinfo_user.rs",
    "service-a/src/b_client/error.rs",
    "service-a/src/sealed.rs",
    // Outcomes for which a page has texts of its own.
    "auth-server/src/users/password_authenticator.rs",
    "service-a/src/token_refresher.rs",
    // Log lines.
    "shared/service-kit/src/proxies/protocol_v2.rs",
    // Errors of libraries, for programs that use them.
    "shared/oauth-types/src/secret.rs",
    "shared/token-client/src/authorized_client.rs",
    "shared/token-client/src/error.rs",
    "shared/scripted-browser/src/browser.rs",
];

/// The crates that the commands consist of.
const CRATES: [&str; 17] = [
    "shared/clock/src",
    "shared/doctor/src",
    "shared/embedded-files/src",
    "shared/flow-events/src",
    "shared/oauth-http/src",
    "shared/oauth-types/src",
    "shared/pages/src",
    "shared/scripted-browser/src",
    "shared/service-kit/src",
    "shared/sql-kit/src",
    "shared/token-client/src",
    "shared/token-verifier/src",
    "auth-server/src",
    "service-a/src",
    "service-b/src",
    "flow-viewer/src",
    "gatepass/src",
];

/// What a source with error texts contains.
const MARKS_OF_ERRORS: [&str; 5] = ["#[error(", "bail!(", "anyhow!(", "ensure!(", "context("];

/// Names of kinds of requests in details, which are not literals, and a value that a check draws.
const NAMES_IN_DETAILS: [&str; 4] = ["Keys", "Metadata", "Token", "UserInfo"];
const NO_DETAILS: [&str; 1] = ["exp {}"];

fn literals_of(sources: &[&str]) -> BTreeSet<String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let files = sources.iter().flat_map(|source| rust_files(&workspace.join(source)));
    files.flat_map(|file| literals(&fs::read_to_string(file).unwrap())).collect()
}

/// Whether a literal has words for a reader, besides the values that are inserted.
fn is_message(literal: &str) -> bool {
    let mut parts = literal.split('{');
    let mut own = parts.next().unwrap_or_default().to_owned();
    parts.for_each(|part| own.extend(["x", part.split_once('}').map_or("", |(_, own)| own)]));
    let is_word = |word: &str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    own.contains(' ') && own.split(' ').any(|word| is_word(word.trim_matches([',', ':', ';', '?'])))
}

/// Whether it is a text of the help, which `help.zh.toml` translates.
fn is_help(literal: &str) -> bool {
    let help: toml::Table = toml::from_str(include_str!("../../texts/help.zh.toml")).unwrap();
    help.keys().any(|text| text.starts_with(literal))
}

/// Returns those of the literals that are messages without a translation.
fn untranslated(literals: &BTreeSet<String>) -> Vec<&String> {
    let known = [texts().unwrap().ours, details().unwrap(), scenario_errors()];
    literals
        .iter()
        .filter(|text| is_message(text) && !NO_MESSAGES.contains(&text.as_str()))
        .filter(|text| !known.iter().any(|known| known.contains_key(*text)) && !is_help(text))
        .collect()
}

#[test]
fn every_message_is_translated() {
    let literals = literals_of(&SOURCES);
    let missing = untranslated(&literals);
    let (ours, scenario_errors) = (texts().unwrap().ours, scenario_errors());
    let known = ours.keys().chain(scenario_errors.keys());
    let unused: Vec<_> = known.filter(|text| !literals.contains(*text)).collect();
    assert!(missing.is_empty() && unused.is_empty(), "missing: {missing:#?} unused: {unused:#?}");
    let exceptions: Vec<_> = NO_MESSAGES.iter().filter(|text| !literals.contains(**text)).collect();
    assert!(exceptions.is_empty(), "NO_MESSAGES without a source: {exceptions:#?}");
}

/// A list of sources cannot find the messages of a source that it leaves out.
#[test]
fn errors_of_every_source_are_translated_or_never_printed() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut untranslated_sources = BTreeSet::new();
    for file in CRATES.iter().flat_map(|source| rust_files(&workspace.join(source))) {
        let source = fs::read_to_string(&file).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap();
        let has_errors = MARKS_OF_ERRORS.iter().any(|mark| code.contains(mark));
        if has_errors && !untranslated(&literals(&source)).is_empty() {
            let name = file.strip_prefix(workspace).unwrap().to_str().unwrap();
            untranslated_sources.insert(name.to_owned());
        }
    }
    let expected = NOT_PRINTED.map(str::to_owned).into();
    assert_eq!(
        untranslated_sources, expected,
        "add a source of messages to SOURCES or SOURCES_OF_DETAILS, or one of errors that no \
         command prints to NOT_PRINTED"
    );
}

#[test]
fn every_detail_of_an_error_page_is_translated() {
    let literals = literals_of(&SOURCES_OF_DETAILS);
    let details = details().unwrap();
    let missing: Vec<_> = literals
        .iter()
        .filter(|text| is_message(text) && !NO_DETAILS.contains(&text.as_str()))
        .filter(|text| !details.contains_key(*text))
        .collect();
    let unused: Vec<_> = details
        .keys()
        .filter(|text| !literals.contains(*text) && !NAMES_IN_DETAILS.contains(&text.as_str()))
        .collect();
    assert!(missing.is_empty() && unused.is_empty(), "missing: {missing:#?} unused: {unused:#?}");
}

#[test]
fn messages_are_found_in_a_source() {
    let source = r#"
        /// A "comment".
        #[arg(long, value_name = "an attribute")]
        const MARK: char = '"';
        fn f<'a>(name: &'a str) -> String {
            tracing::warn!(name, "a log line (of a server)");
            lookup("first").expect("a reason");
            format!("the setting `{name}` \
                     is \"wrong\"")
        }
        #[error("cannot read {0}")]
        struct E;
        #[cfg(test)]
mod tests { const TEXT: &str = "in a test"; }
    "#;
    let expected = ["cannot read {0}", "first", "the setting `{name}` is \"wrong\""];
    assert!(literals(source).iter().eq(expected), "{:?}", literals(source));
    let messages =
        ["the setting `{name}` is \"wrong\"", "no kid", "status {}", "{} is not registered"];
    assert!(messages.into_iter().all(is_message));
    assert!(!["{}: {what}", "first", "B {name}", "  {}  {check}"].into_iter().any(is_message));
}

#[test]
fn translations_insert_only_the_values_of_the_message() {
    let texts = texts().unwrap();
    for (english, translation) in texts.ours.iter().chain(&texts.others).chain(&details().unwrap())
    {
        let is_chinese =
            |c: char| ('一'..='鿿').contains(&c) || ('\u{3000}'..='\u{ffef}').contains(&c);
        assert!(translation.chars().any(is_chinese), "{english}: {translation}");
        let patterns = Patterns::new([(english.clone(), translation.clone())]);
        let filled = patterns.translate(&english.replace(['{', '}'], "x")).unwrap_or_default();
        assert!(!filled.is_empty() && !filled.contains(['{', '}']), "{english}: {filled}");
    }
}

#[test]
fn parts_of_a_message_and_values_in_it_are_translated() {
    for (english, translation) in [
        (
            "not running: connection refused: nothing is listening there",
            "没有运行：连接被拒绝：该地址没有程序在监听",
        ),
        ("1 ok, 0 warn, 2 FAIL, 3 skipped", "1 项通过，0 项警告，2 项失败，3 项跳过"),
        ("they differ in the host and the port", "区别在于主机和端口"),
        ("service-b, local verification", "service-b，本地校验"),
        ("resource:read resource:write", "resource:read resource:write"),
        ("http://localhost:9000", "http://localhost:9000"),
        ("", ""),
    ] {
        assert_eq!(chinese(english), translation, "{english}");
    }
}
