//! The browser of a person in a scenario.

use anyhow::Context;
use scripted_browser::{Browser, Request, Response};
use url::Url;

use super::run::ScenarioRun;
use crate::flows::Role;

/// A browser that connects to the servers of the environment and to no others.
#[derive(Default)]
pub(super) struct ScenarioBrowser(Browser);

impl ScenarioBrowser {
    /// Opens a URL and follows redirects, up to one that starts with `stop_at`.
    pub(super) async fn open(
        &mut self,
        run: &ScenarioRun<'_>,
        url: &str,
        stop_at: Option<&str>,
    ) -> anyhow::Result<()> {
        let request = self.0.open(url)?;
        self.navigate(run, request, stop_at).await
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
        let request = self.0.press("login-submit", &typed)?;
        self.navigate(run, request, stop_at).await?;
        // C remembers consent, so the page may not appear again.
        if self.has_element("consent-allow") {
            let request = self.0.press("consent-allow", &[])?;
            self.navigate(run, request, stop_at).await?;
        }
        Ok(())
    }

    /// The URL of the current page, or the one at which a navigation stopped.
    pub(super) fn url(&self) -> anyhow::Result<&Url> {
        self.0.address().context("the browser has opened no page")
    }

    /// The status code of the current page.
    pub(super) fn status(&self) -> u16 {
        self.0.page.status
    }

    /// Whether the current page has an element with this id.
    pub(super) fn has_element(&self, id: &str) -> bool {
        self.0.page.has(id)
    }

    async fn navigate(
        &mut self,
        run: &ScenarioRun<'_>,
        first: Request,
        stop_at: Option<&str>,
    ) -> anyhow::Result<()> {
        run.act_as(Role::Person);
        let response = send(run, &first).await?;
        let mut next = self.0.receive(first, response)?;
        while let Some(request) = next {
            if stop_at.is_some_and(|stop_at| request.url.as_str().starts_with(stop_at)) {
                self.0.stop_at(request.url);
                return Ok(());
            }
            let response = send(run, &request).await?;
            next = self.0.receive(request, response)?;
        }
        Ok(())
    }
}

async fn send(run: &ScenarioRun<'_>, request: &Request) -> anyhow::Result<Response> {
    let url = run.environment.internal_url(request.url.as_str()).with_context(|| {
        format!("{path} belongs to none of the configured servers", path = request.url.path())
    })?;
    let http = &run.environment.http;
    let builder = match &request.form {
        Some(fields) => http.post(url).form(fields),
        None => http.get(url),
    };
    let builder = match &request.cookie {
        Some(cookie) => builder.header("cookie", cookie),
        None => builder,
    };
    let response = run.send(builder).await?;
    Ok(Response {
        status: response.status.as_u16(),
        set_cookies: response.cookies,
        location: response.location,
        body: response.body,
    })
}
