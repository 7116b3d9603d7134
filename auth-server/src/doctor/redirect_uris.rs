use ::doctor::{Change, Checks, Diagnosis, SettingNames, nearest_uri, uri_difference};
use oauth_types::closest_match;

use super::RedirectUriQuery;
use crate::{
    AuthServerSettings, SecureRandom,
    clients::ClientsFile,
    domain::{ApplicationType, Client, RedirectUriRules, UserLoginConfig},
    storage::DatabaseContents,
};

const CHECK: &str = "redirect URIs";

/// Checks all registered redirect URIs, and whether the requested one is registered. Without
/// `is_complete`, the database may have clients that are not in `content`.
pub(super) fn check_redirect_uris(
    checks: &mut Checks,
    settings: &AuthServerSettings,
    names: &SettingNames,
    content: Option<&DatabaseContents>,
    is_complete: bool,
    query: &RedirectUriQuery,
) {
    let file = ClientsFile::read(
        settings.clients_file.as_deref(),
        settings.client_rules(),
        &SecureRandom::system(),
    );
    // Reported by `check_settings`.
    let Ok(file) = file else { return };
    if !is_complete {
        return checks.skip(CHECK, "the clients in the database cannot be read");
    }
    let clients: Vec<&Client> =
        file.clients.iter().chain(content.iter().flat_map(|content| &content.clients)).collect();
    let logins: Vec<(&str, &UserLoginConfig)> = clients
        .iter()
        .filter_map(|client| Some((client.client_id.as_str(), client.login.as_ref()?)))
        .collect();
    check_each(checks, &logins, &settings.redirect_uri_rules());
    if let Some(redirect_uri) = &query.redirect_uri {
        check_requested(checks, names, &logins, query.client_id.as_deref(), redirect_uri);
    }
}

/// Checks each registered redirect URI. Those in the database may be older than a rule; those in
/// the file were checked when it was read.
fn check_each(checks: &mut Checks, logins: &[(&str, &UserLoginConfig)], rules: &RedirectUriRules) {
    let all =
        logins.iter().flat_map(|(id, login)| login.redirect_uris.iter().map(move |uri| (id, uri)));
    let (mut sound, mut unsound) = (0, 0);
    for (id, uri) in all {
        let Err(problem) = rules.validate(uri, ApplicationType::Native) else {
            sound += 1;
            continue;
        };
        unsound += 1;
        let compared = format!("a redirect URI of `{id}` and the rules for redirect URIs");
        let expected = "https, http on a loopback host, or a custom scheme such as com.example.app";
        let change = Change::elsewhere(format!(
            "remove the client with `auth-server client remove {id}`, and add it again with a valid redirect URI"
        ));
        let finding = Diagnosis::new(compared, expected, format!("{uri} {problem}"), change);
        checks.fail(CHECK, "a registered redirect URI is invalid", finding);
    }
    if unsound == 0 {
        checks.ok(CHECK, format!("{sound} valid, of {} with user login", counted(logins.len())));
    }
}

fn counted(clients: usize) -> String {
    if clients == 1 { "1 client".to_owned() } else { format!("{clients} clients") }
}

fn check_requested(
    checks: &mut Checks,
    names: &SettingNames,
    logins: &[(&str, &UserLoginConfig)],
    client_id: Option<&str>,
    requested: &str,
) {
    const CHECK: &str = "redirect URI";
    let own: Vec<_> =
        logins.iter().filter(|(id, _)| client_id.is_none_or(|wanted| wanted == *id)).collect();
    if own.is_empty() {
        let wanted = client_id.unwrap_or_default();
        let nearest = closest_match(wanted, logins.iter().map(|(id, _)| *id));
        let found = nearest.map_or_else(
            || "no such client".to_owned(),
            |nearest| format!("no such client; the nearest one is `{nearest}`"),
        );
        let compared = "the requested client and the clients with user login";
        let change = names.change("clients_file", "register the client with a `[clients.login]`");
        return checks.fail(
            CHECK,
            format!("there is no client `{wanted}` with user login"),
            Diagnosis::new(compared, wanted, found, change),
        );
    }
    if let Some((id, _)) = own.iter().find(|(_, login)| login.allows_redirect_to(requested)) {
        return checks.ok(CHECK, format!("{requested} is registered for `{id}`"));
    }
    let known = own.iter().flat_map(|(_, login)| login.redirect_uris.iter().map(String::as_str));
    let found = nearest_uri(requested, known).map_or_else(
        || "none is registered".to_owned(),
        |nearest| {
            format!(
                "the nearest one is {nearest}: it differs in {}",
                uri_difference(nearest, requested)
            )
        },
    );
    let compared = "the requested redirect URI and the registered ones, byte by byte";
    let change = names.change("clients_file", format!("add it to `redirect_uris` of the client, or let the client use the registered one (A: `public_url`): {requested}"));
    checks.fail(
        CHECK,
        format!("{requested} is not registered"),
        Diagnosis::new(compared, requested, found, change),
    );
}
