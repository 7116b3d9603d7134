use ::doctor::{Change, Checks, Diagnosis, SettingNames, nearest_uri, uri_difference};
use oauth_types::closest_match;

use super::Asked;
use crate::{
    AuthServerSettings, SecureRandom,
    clients::ClientsFile,
    domain::{ApplicationType, Client, UserLoginConfig, validate_redirect_uri},
    storage::DatabaseContents,
};

const CHECK: &str = "redirect URIs";

/// Checks all registered redirect URIs, and whether the requested one is registered.
pub(super) fn check_redirect_uris(
    checks: &mut Checks,
    settings: &AuthServerSettings,
    names: &SettingNames,
    content: Option<&DatabaseContents>,
    asked: &Asked,
) {
    let file = ClientsFile::read(
        settings.clients_file.as_deref(),
        settings.profile,
        &SecureRandom::system(),
    );
    // Reported by `check_settings`.
    let Ok(file) = file else { return };
    let clients: Vec<&Client> =
        file.clients.iter().chain(content.iter().flat_map(|content| &content.clients)).collect();
    let logins: Vec<(&str, &UserLoginConfig)> = clients
        .iter()
        .filter_map(|client| Some((client.client_id.as_str(), client.login.as_ref()?)))
        .collect();
    check_each(checks, &logins);
    if let Some(redirect_uri) = &asked.redirect_uri {
        check_requested(checks, names, &logins, asked.client_id.as_deref(), redirect_uri);
    }
}

/// Checks each registered redirect URI. Those in the database may be older than a rule; those in
/// the file were checked when it was read.
fn check_each(checks: &mut Checks, logins: &[(&str, &UserLoginConfig)]) {
    let all =
        logins.iter().flat_map(|(id, login)| login.redirect_uris.iter().map(move |uri| (id, uri)));
    let (mut sound, mut unsound) = (0, 0);
    for (id, uri) in all {
        let Err(problem) = validate_redirect_uri(uri, ApplicationType::Native) else {
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
    asked: &str,
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
    if let Some((id, _)) = own.iter().find(|(_, login)| login.allows_redirect_to(asked)) {
        return checks.ok(CHECK, format!("{asked} is registered for `{id}`"));
    }
    let known = own.iter().flat_map(|(_, login)| login.redirect_uris.iter().map(String::as_str));
    let found = nearest_uri(asked, known).map_or_else(
        || "none is registered".to_owned(),
        |nearest| {
            format!(
                "the nearest one is {nearest}: it differs in {}",
                uri_difference(nearest, asked)
            )
        },
    );
    let compared = "the requested redirect URI and the registered ones, byte by byte";
    let change = names.change("clients_file", format!("add it to `redirect_uris` of the client, or let the client use the registered one (A: `public_url`): {asked}"));
    checks.fail(
        CHECK,
        format!("{asked} is not registered"),
        Diagnosis::new(compared, asked, found, change),
    );
}
