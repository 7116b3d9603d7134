//! A person with a browser that runs no script.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, bail, ensure};
use reqwest::{
    Url,
    blocking::{Client, RequestBuilder, Response},
    redirect::Policy,
};

/// A person with a browser that runs no script, and everything that must stay in it.
pub struct Visitor {
    places: BTreeMap<String, String>,
    http: Client,
    cookies: BTreeMap<String, String>,
    /// Where they are.
    pub address: Url,
    pub html: String,
    /// What was handed to this browser and must be in no log: cookies, and codes, states and ID tokens in addresses.
    pub secrets: Vec<String>,
}

impl Visitor {
    /// The origins that people know, and where the story has put their servers.
    pub fn new<const N: usize>(places: [(&str, String); N]) -> anyhow::Result<Self> {
        let http = Client::builder().tls_certs_only([]).no_proxy().redirect(Policy::none());
        Ok(Self {
            places: places.into_iter().map(|(known, place)| (known.to_owned(), place)).collect(),
            http: http.timeout(Duration::from_secs(60)).build()?,
            cookies: BTreeMap::new(),
            address: Url::parse("about:blank")?,
            html: String::new(),
            secrets: Vec::new(),
        })
    }

    pub fn open(&mut self, address: &str) -> anyhow::Result<()> {
        let request = |http: &Client, url: String| http.get(url);
        self.travel(&Url::parse(address)?, request)
    }

    /// Send the form with this button, with what is typed into it.
    pub fn press(&mut self, button: &str, typed: &[(&str, &str)]) -> anyhow::Result<()> {
        let form = form_with(&self.html, button).with_context(|| format!("no `{button}` on {}", self.address))?;
        let mut fields: Vec<(String, String)> = tags(form, "<input type=\"hidden\"").map(name_and_value).collect();
        fields.extend(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let pressed = tags(form, "<button").find(|tag| tag.contains(&format!("id=\"{button}\"")));
        fields.extend(pressed.filter(|tag| tag.contains(" name=")).map(name_and_value));
        let to = self.address.join(&attribute(form, "action"))?;
        self.travel(&to, |http, url| http.post(url).form(&fields))
    }

    pub fn has(&self, id: &str) -> bool {
        self.html.contains(&format!("id=\"{id}\""))
    }

    /// Ask, and follow wherever the answer leads; to its door, where nobody of the story is there.
    fn travel(&mut self, to: &Url, ask: impl FnOnce(&Client, String) -> RequestBuilder) -> anyhow::Result<()> {
        let mut answer = self.send(to, ask(&self.http, self.published(to)?))?;
        for _ in 0..10 {
            let Some(next) = answer.headers().get("location") else {
                self.html = answer.text()?;
                return Ok(());
            };
            let next = self.address.join(next.to_str()?)?;
            self.remember_secrets_of(&next);
            if self.published(&next).is_err() {
                (self.address, self.html) = (next, String::new());
                return Ok(());
            }
            answer = self.send(&next, self.http.get(self.published(&next)?))?;
        }
        bail!("it leads on and on: {}", self.address)
    }

    fn send(&mut self, to: &Url, request: RequestBuilder) -> anyhow::Result<Response> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header("cookie", cookies.join("; ")).send()?;
        self.address = to.clone();
        for set in answer.headers().get_all("set-cookie") {
            self.keep(set.to_str()?)?;
        }
        ensure!(answer.status().as_u16() < 500, "{to} answered {}", answer.status());
        Ok(answer)
    }

    fn keep(&mut self, set: &str) -> anyhow::Result<()> {
        let (pair, attributes) = set.split_once(';').context("a cookie without attributes")?;
        let (name, value) = pair.split_once('=').context("a cookie without a value")?;
        if attributes.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
            self.secrets.push(value.to_owned());
        }
        Ok(())
    }

    fn remember_secrets_of(&mut self, address: &Url) {
        let hidden = address.query_pairs().filter(|(name, _)| ["code", "id_token_hint"].contains(&&**name));
        self.secrets.extend(hidden.map(|(_, value)| value.into_owned()));
    }

    /// The address at which the story has published it.
    fn published(&self, address: &Url) -> anyhow::Result<String> {
        let origin = address.origin().ascii_serialization();
        let place = self.places.get(&origin).with_context(|| format!("nobody is at {address}"))?;
        Ok(format!("{place}{}", &address.as_str()[origin.len()..]))
    }
}

fn form_with<'a>(html: &'a str, button: &str) -> Option<&'a str> {
    let forms = html.split("<form").skip(1).filter_map(|rest| rest.split("</form>").next());
    forms.into_iter().find(|form| form.contains(&format!("id=\"{button}\"")))
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
    let characters = [("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    characters.iter().fold(written.to_owned(), |text, (written, meant)| text.replace(written, meant))
}
