//! A scripted browser over HTTP, without JavaScript.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use url::Url;

use super::run::{ScenarioResponse, ScenarioRun};

const MAX_REDIRECTS: usize = 10;

/// The current page and the cookies.
pub(super) struct Browser {
    /// Shared by all servers, as browsers do for the ports of one host.
    cookies: BTreeMap<String, String>,
    pub(super) url: Url,
    html: String,
    pub(super) status: u16,
}

impl Browser {
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        Ok(Self { cookies: BTreeMap::new(), url: Url::parse(url)?, html: String::new(), status: 0 })
    }

    /// Opens a URL and follows redirects, up to one that starts with `stop_at`.
    pub(super) async fn open(
        &mut self,
        run: &ScenarioRun<'_>,
        url: &str,
        stop_at: Option<&str>,
    ) -> anyhow::Result<()> {
        self.navigate(run, url.to_owned(), None, stop_at).await
    }

    /// Submits the form that contains a button, with these values typed in.
    async fn submit(
        &mut self,
        run: &ScenarioRun<'_>,
        button: &str,
        typed: &[(&str, &str)],
        stop_at: Option<&str>,
    ) -> anyhow::Result<()> {
        let form = form_with(&self.html, button)
            .with_context(|| format!("no button `{button}` on {}", self.url.path()))?;
        let mut fields: Vec<(String, String)> =
            tags(form, "<input type=\"hidden\"").map(name_and_value).collect();
        fields.extend(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let pressed = tags(form, "<button").find(|tag| tag.contains(&format!("id=\"{button}\"")));
        fields.extend(pressed.filter(|tag| tag.contains(" name=")).map(name_and_value));
        let action = self.url.join(&attribute(form, "action"))?;
        self.navigate(run, action.into(), Some(fields), stop_at).await
    }

    /// Signs in as the demo user, and consents if asked to.
    pub(super) async fn sign_in(
        &mut self,
        run: &ScenarioRun<'_>,
        stop_at: Option<&str>,
    ) -> anyhow::Result<()> {
        let environment = run.environment;
        let typed = [
            ("username", environment.username.as_str()),
            ("password", environment.password.expose()),
        ];
        self.submit(run, "login-submit", &typed, stop_at).await?;
        // C remembers consent, so the page may not appear again.
        if self.has_element("consent-allow") {
            self.submit(run, "consent-allow", &[], stop_at).await?;
        }
        Ok(())
    }

    /// Whether the current page has an element with this id.
    pub(super) fn has_element(&self, id: &str) -> bool {
        self.html.contains(&format!("id=\"{id}\""))
    }

    async fn navigate(
        &mut self,
        run: &ScenarioRun<'_>,
        mut url: String,
        mut form: Option<Vec<(String, String)>>,
        stop_at: Option<&str>,
    ) -> anyhow::Result<()> {
        for _ in 0..MAX_REDIRECTS {
            let response = self.request(run, &url, form.take()).await?;
            let Some(location) = response.location else {
                (self.html, self.status) = (response.body, response.status.as_u16());
                return Ok(());
            };
            url = self.url.join(&location)?.into();
            if stop_at.is_some_and(|stop_at| url.starts_with(stop_at)) {
                (self.url, self.html) = (Url::parse(&url)?, String::new());
                return Ok(());
            }
        }
        bail!("more than {MAX_REDIRECTS} redirects")
    }

    async fn request(
        &mut self,
        run: &ScenarioRun<'_>,
        url: &str,
        form: Option<Vec<(String, String)>>,
    ) -> anyhow::Result<ScenarioResponse> {
        let parsed = Url::parse(url)?;
        let internal = run.environment.internal_url(url).with_context(|| {
            format!("{} belongs to none of the configured servers", parsed.path())
        })?;
        let http = &run.environment.http;
        let request = match &form {
            Some(fields) => http.post(internal).form(fields),
            None => http.get(internal),
        };
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request =
            if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) };
        let response = run.send(request).await?;
        for cookie in &response.cookies {
            self.store_cookie(cookie);
        }
        self.url = parsed;
        Ok(response)
    }

    fn store_cookie(&mut self, set_cookie: &str) {
        let (pair, attributes) = set_cookie.split_once(';').unwrap_or((set_cookie, ""));
        let Some((name, value)) = pair.split_once('=') else { return };
        if attributes.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

fn form_with<'a>(html: &'a str, button: &str) -> Option<&'a str> {
    let mut forms = html.split("<form").skip(1).filter_map(|rest| rest.split("</form>").next());
    forms.find(|form| form.contains(&format!("id=\"{button}\"")))
}

fn tags<'a>(html: &'a str, start: &'static str) -> impl Iterator<Item = &'a str> {
    html.split(start).skip(1).filter_map(|rest| rest.split('>').next())
}

fn name_and_value(tag: &str) -> (String, String) {
    (attribute(tag, "name"), attribute(tag, "value"))
}

/// Returns the unescaped value of an attribute; empty if the tag does not have it.
fn attribute(tag: &str, name: &str) -> String {
    let after = tag.split_once(&format!(" {name}=\"")).map(|(_, after)| after).unwrap_or_default();
    let escaped = after.split('"').next().unwrap_or_default();
    let entities = [
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    entities
        .iter()
        .fold(escaped.to_owned(), |text, (entity, character)| text.replace(entity, character))
}
