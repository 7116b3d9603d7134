use serde::Serialize;

/// Browser and operating system, from the `User-Agent` header. The header can be forged, so the
/// name only helps users to distinguish their sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BrowserName {
    pub browser: Option<&'static str>,
    pub system: Option<&'static str>,
}

/// Pairs of a marker in `User-Agent` and a browser name. Most browsers also include the markers of
/// browsers that they imitate, so the first match decides and imitators come first.
const BROWSERS: [(&str, &str); 16] = [
    ("MicroMessenger", "WeChat"),
    ("AlipayClient", "Alipay"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("HuaweiBrowser/", "Huawei Browser"),
    ("MiuiBrowser/", "Mi Browser"),
    ("QQBrowser/", "QQ Browser"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

const SYSTEMS: [(&str, &str); 8] = [
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

impl BrowserName {
    /// Recognizes a browser by its `User-Agent` header.
    pub fn of(user_agent: &str) -> Self {
        let first = |known: &[(&str, &'static str)]| {
            known.iter().find(|(marker, _)| user_agent.contains(marker)).map(|(_, name)| *name)
        };
        Self { browser: first(&BROWSERS), system: first(&SYSTEMS) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_and_system_are_recognized() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (user_agent, browser, system) in [
            (format!("Mozilla/5.0 (X11; Linux x86_64) {webkit} Chrome/142.0 Safari/537.36"), "Chrome", "Linux"),
            (format!("Mozilla/5.0 (X11; Linux x86_64) {webkit} HeadlessChrome/142.0 Safari/537.36"), "Chrome", "Linux"),
            (format!("Mozilla/5.0 (Windows NT 10.0) {webkit} Chrome/142.0 Safari/537.36 Edg/142.0"), "Edge", "Windows"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Firefox/145.0".to_owned(), "Firefox", "macOS"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1".to_owned(),
                "Safari",
                "iPhone",
            ),
            (format!("Mozilla/5.0 (Linux; Android 14) {webkit} Chrome/130.0 MicroMessenger/8.0"), "WeChat", "Android"),
        ] {
            let expected = BrowserName { browser: Some(browser), system: Some(system) };
            assert_eq!(BrowserName::of(&user_agent), expected, "{user_agent}");
        }
    }

    #[test]
    fn unknown_user_agents_have_no_name() {
        for user_agent in ["", "<script>alert(1)</script>"] {
            assert_eq!(BrowserName::of(user_agent), BrowserName::default());
        }
    }
}
