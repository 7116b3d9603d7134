use crate::{
    connection::{Connection, extract},
    load::Caller,
    requests::{CLIENT_ID, encoded, token_with},
};

/// The redirect URI of the demo's website.
pub const CALLBACK: &str = "http://localhost:9001/callback/platform";
pub const SCOPE: &str = "openid profile email";
/// RFC 7636 Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A signed-in user who has consented before, and the website: authorization code, tokens,
/// userinfo.
pub struct LoggingInClient {
    authorize: Vec<u8>,
}

impl LoggingInClient {
    pub fn new(cookie: &str) -> Self {
        let query = encoded(&[
            ("response_type", "code"),
            ("client_id", CLIENT_ID),
            ("redirect_uri", CALLBACK),
            ("scope", SCOPE),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let authorize = format!(
            "GET /oauth/authorize?{query} HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\n\r\n"
        );
        Self { authorize: authorize.into_bytes() }
    }
}

impl Caller for LoggingInClient {
    async fn call(&mut self, connection: &mut Connection) -> anyhow::Result<bool> {
        let code =
            extract(connection.call_expecting(&self.authorize, 303).await?, "code=")?.to_owned();
        let fetch = token_with(&[
            ("grant_type", "authorization_code"),
            ("redirect_uri", CALLBACK),
            ("code", &code),
            ("code_verifier", VERIFIER),
        ]);
        let token = extract(connection.call(&fetch).await?, "\"access_token\":\"")?.to_owned();
        let userinfo = format!(
            "GET /userinfo HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        connection.call(userinfo.as_bytes()).await?;
        Ok(true)
    }
}
