use service_kit::{UnsafeSetting, plain_http_listener};

use super::FlowViewerSettings;

/// Returns every setting that the production profile rejects.
pub(super) fn unsafe_settings(settings: &FlowViewerSettings) -> Vec<UnsafeSetting> {
    let mut findings = Vec::new();
    findings.extend(plain_http_listener(&settings.listen, &settings.tls));
    if settings.scenarios {
        findings.push(UnsafeSetting::new(
            "scenarios",
            "anyone who opens the page can run attacks against the servers",
            "set it to false",
        ));
    }
    findings.extend(settings.proxies.unsafe_settings());
    findings.extend(settings.log.unsafe_setting());
    findings
}
