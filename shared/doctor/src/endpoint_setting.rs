use url::Url;

use crate::diagnosis::SettingNames;

/// The setting that contains the URL of an endpoint, for diagnoses of failed connections.
pub(crate) struct EndpointSetting<'a> {
    pub(crate) names: &'a SettingNames,
    /// The setting with the URL.
    pub(crate) setting: &'a str,
    /// What to do if nothing responds at the URL.
    pub(crate) advice: String,
}

/// Returns a URL without query and fragment, which may contain private data.
pub(crate) fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// Returns the host of a URL, or an empty string.
pub(crate) fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}
