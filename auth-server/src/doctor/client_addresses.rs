use ::doctor::{Checks, Diagnosis, SettingNames};

use crate::{AuthServerSettings, storage::DatabaseContents};

/// Fewer sign-ins than this do not show where users come from.
const MIN_SIGN_INS: u64 = 50;
/// Share of one address, in percent, from which the address is that of a proxy.
const MAX_SHARE: u64 = 95;

/// Checks in the audit log whether nearly all sign-ins have one address: that of a proxy which is
/// not trusted. Then all users share one rate limit, and the audit log does not show their
/// addresses. Only sign-ins are counted, because a client calls from one address rightly.
pub(super) fn check_client_addresses(
    checks: &mut Checks,
    settings: &AuthServerSettings,
    names: &SettingNames,
    content: Option<&DatabaseContents>,
) {
    const CHECK: &str = "client addresses";
    let Some(content) = content else { return };
    let sign_ins = &content.sign_in_addresses;
    let total: u64 = sign_ins.iter().map(|(_, count)| count).sum();
    let most = sign_ins.iter().max_by_key(|(_, count)| count);
    let Some((address, count)) = most.filter(|_| total >= MIN_SIGN_INS) else {
        return checks.ok(CHECK, format!("{total} recent sign-ins, too few to compare"));
    };
    let on_loopback = address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    // Development uses loopback for everything.
    if count * 100 < total * MAX_SHARE || on_loopback && !settings.profile.is_production() {
        return checks.ok(CHECK, "sign-ins come from where users are");
    }
    let advice = "if this is a proxy, list its network, and set `proxies.header` to the header that it writes \
                  (or list it in `proxies.proxy_protocol`)";
    let finding = Diagnosis::new(
        "the addresses of the most recent sign-ins in the audit log",
        "addresses of users",
        format!("{address} in {count} of {total}"),
        names.change("proxies.trusted", advice),
    );
    checks.warn(
        CHECK,
        "nearly all sign-ins have one address, so all users share its rate limit",
        finding,
    );
}
