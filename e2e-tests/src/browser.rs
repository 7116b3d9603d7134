//! A person with a browser that runs no script.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, bail, ensure};
use reqwest::{
    Url,
    blocking::{Client, RequestBuilder, Response},
    redirect::Policy,
};

/// Where an origin that people know is really served.
type Published<'a> = Box<dyn Fn(&str) -> anyhow::Result<String> + Send + 'a>;

/// A person with a browser that runs no script, and everything that must stay in it. It has one set
/// of cookies for all ports of `localhost`, as browsers do (RFC 6265 §8.5). It blocks: in a story
/// with servers of its own it needs a thread.
pub struct Visitor<'a> {
    published: Published<'a>,
    http: Client,
    pub cookies: BTreeMap<String, String>,
    /// Where they are.
    pub address: Url,
    /// Every address that was opened, redirects included.
    pub visited: Vec<Url>,
    pub html: String,
    /// What was handed to this browser and must be in no log: cookies, and codes, states and ID
    /// tokens in addresses.
    pub secrets: Vec<String>,
}

impl<'a> Visitor<'a> {
    /// Of servers that are where they say they are.
    pub fn new() -> anyhow::Result<Self> {
        Self::through(|origin| Ok(origin.to_owned()))
    }

    /// Of these servers: the origins that people know, and where the story has put them.
    pub fn of<const N: usize>(places: [(&str, String); N]) -> anyhow::Result<Self> {
        let places = places.map(|(known, place)| (known.to_owned(), place));
        Self::through(move |origin| {
            let place =
                places.iter().find(|(known, _)| known == origin).map(|(_, place)| place.clone());
            place.with_context(|| format!("nobody is at {origin}"))
        })
    }

    /// Of servers that are published elsewhere.
    pub fn through(
        published: impl Fn(&str) -> anyhow::Result<String> + Send + 'a,
    ) -> anyhow::Result<Self> {
        let http = Client::builder().tls_certs_only([]).no_proxy().redirect(Policy::none());
        Ok(Self {
            published: Box::new(published),
            http: http.timeout(Duration::from_secs(60)).build()?,
            cookies: BTreeMap::new(),
            address: Url::parse("http://localhost:9001/")?,
            visited: Vec::new(),
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
        let form = form_with(&self.html, button)
            .with_context(|| format!("no `{button}` on {}", self.address))?;
        let mut fields: Vec<(String, String)> =
            tags(form, "<input type=\"hidden\"").map(name_and_value).collect();
        fields.extend(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let pressed = tags(form, "<button").find(|tag| tag.contains(&format!("id=\"{button}\"")));
        fields.extend(pressed.filter(|tag| tag.contains(" name=")).map(name_and_value));
        let to = self.address.join(&attribute(form, "action"))?;
        self.travel(&to, |http, url| http.post(url).form(&fields))
    }

    /// The text of the element with this id.
    pub fn text(&self, id: &str) -> Option<String> {
        let after = self.html.split_once(&format!("id=\"{id}\""))?.1.split_once('>')?.1;
        Some(unescaped(after.split_once('<')?.0.trim()))
    }

    pub fn has(&self, id: &str) -> bool {
        self.html.contains(&format!("id=\"{id}\""))
    }

    /// Ask, and follow wherever the answer leads; to its door, where nobody of the story is there.
    fn travel(
        &mut self,
        to: &Url,
        ask: impl FnOnce(&Client, String) -> RequestBuilder,
    ) -> anyhow::Result<()> {
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
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header("cookie", cookies.join("; ")).send()?;
        self.address = to.clone();
        self.visited.push(to.clone());
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
        let hidden =
            address.query_pairs().filter(|(name, _)| ["code", "id_token_hint"].contains(&&**name));
        self.secrets.extend(hidden.map(|(_, value)| value.into_owned()));
    }

    /// The address at which the story has published it.
    fn published(&self, address: &Url) -> anyhow::Result<String> {
        let origin = address.origin().ascii_serialization();
        Ok(format!("{}{}", (self.published)(&origin)?, &address.as_str()[origin.len()..]))
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
    unescaped(after.split('"').next().unwrap_or_default())
}

fn unescaped(written: &str) -> String {
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
