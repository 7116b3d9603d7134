//! A person with a browser that runs no script.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use url::Url;

use super::stage::{Reply, Stage};

/// Where the person is, and what the browser keeps.
pub(super) struct Person {
    /// By host and port, as careful browsers would: cookies of localhost know no port.
    cookies: BTreeMap<String, String>,
    pub(super) address: Url,
    pub(super) page: String,
    pub(super) status: u16,
}

impl Person {
    pub(super) fn new(address: &str) -> anyhow::Result<Self> {
        Ok(Self {
            cookies: BTreeMap::new(),
            address: Url::parse(address)?,
            page: String::new(),
            status: 0,
        })
    }

    /// Go somewhere, and wherever that leads; stop before an address that `halt` names.
    pub(super) async fn open(
        &mut self,
        stage: &Stage<'_>,
        address: &str,
        halt: Option<&str>,
    ) -> anyhow::Result<()> {
        self.travel(stage, address.to_owned(), None, halt).await
    }

    /// Press a button of the page, with what is typed into its form.
    pub(super) async fn press(
        &mut self,
        stage: &Stage<'_>,
        button: &str,
        typed: &[(&str, &str)],
        halt: Option<&str>,
    ) -> anyhow::Result<()> {
        let form = form_with(&self.page, button)
            .with_context(|| format!("no `{button}` on {}", self.address.path()))?;
        let mut fields: Vec<(String, String)> =
            tags(form, "<input type=\"hidden\"").map(name_and_value).collect();
        fields.extend(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let pressed = tags(form, "<button").find(|tag| tag.contains(&format!("id=\"{button}\"")));
        fields.extend(pressed.filter(|tag| tag.contains(" name=")).map(name_and_value));
        let to = self.address.join(&attribute(form, "action"))?;
        self.travel(stage, to.into(), Some(fields), halt).await
    }

    /// Sign in as the demo's user, and allow what is asked for.
    pub(super) async fn sign_in(
        &mut self,
        stage: &Stage<'_>,
        halt: Option<&str>,
    ) -> anyhow::Result<()> {
        let typed = [
            ("username", stage.world.username.as_str()),
            ("password", stage.world.password.expose()),
        ];
        self.press(stage, "login-submit", &typed, halt).await?;
        // Asked once; who has allowed it before is not asked again.
        if self.sees("consent-allow") {
            self.press(stage, "consent-allow", &[], halt).await?;
        }
        Ok(())
    }

    pub(super) fn sees(&self, id: &str) -> bool {
        self.page.contains(&format!("id=\"{id}\""))
    }

    async fn travel(
        &mut self,
        stage: &Stage<'_>,
        mut to: String,
        mut form: Option<Vec<(String, String)>>,
        halt: Option<&str>,
    ) -> anyhow::Result<()> {
        for _ in 0..10 {
            let reply = self.visit(stage, &to, form.take()).await?;
            let Some(next) = reply.location else {
                (self.page, self.status) = (reply.body, reply.status.as_u16());
                return Ok(());
            };
            to = self.address.join(&next)?.into();
            if halt.is_some_and(|halt| to.starts_with(halt)) {
                (self.address, self.page) = (Url::parse(&to)?, String::new());
                return Ok(());
            }
        }
        bail!("it leads on and on")
    }

    async fn visit(
        &mut self,
        stage: &Stage<'_>,
        to: &str,
        form: Option<Vec<(String, String)>>,
    ) -> anyhow::Result<Reply> {
        let address = Url::parse(to)?;
        let url = stage
            .world
            .reached(to)
            .with_context(|| format!("{} leads out of this story", address.path()))?;
        let http = &stage.world.http;
        let request = match &form {
            Some(fields) => http.post(url).form(fields),
            None => http.get(url),
        };
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request =
            if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) };
        let reply = stage.send(request).await?;
        for set in &reply.cookies {
            self.keep(set);
        }
        self.address = address;
        Ok(reply)
    }

    fn keep(&mut self, set: &str) {
        let (pair, attributes) = set.split_once(';').unwrap_or((set, ""));
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

fn tags<'a>(html: &'a str, begin: &'static str) -> impl Iterator<Item = &'a str> {
    html.split(begin).skip(1).filter_map(|rest| rest.split('>').next())
}

fn name_and_value(tag: &str) -> (String, String) {
    (attribute(tag, "name"), attribute(tag, "value"))
}

fn attribute(tag: &str, name: &str) -> String {
    let after = tag.split_once(&format!(" {name}=\"")).map(|(_, after)| after).unwrap_or_default();
    let written = after.split('"').next().unwrap_or_default();
    let characters = [
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    characters
        .iter()
        .fold(written.to_owned(), |text, (written, meant)| text.replace(written, meant))
}
