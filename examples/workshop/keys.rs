use anyhow::Context;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use pem::{EncodeConfig, LineEnding, Pem};
use serde_json::Value;

use super::Rejection;

/// The beginning of every P-256 public key in DER (RFC 5480): its algorithm, its curve, and that
/// an uncompressed point follows.
const P256_PREFIX: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

/// A public key of the issuer, as PEM.
pub struct Key {
    kid: String,
    pub pem: String,
}

impl Key {
    /// Returns the key for the algorithm. As in early JWT libraries, any algorithm can have the
    /// bytes of any key.
    pub fn find(keys: &[Self], kid: Option<&str>, by: Algorithm) -> Result<DecodingKey, Rejection> {
        let key = keys.iter().find(|key| Some(&*key.kid) == kid);
        let key = key.ok_or_else(|| Rejection::invalid_token("unknown kid"))?;
        match by {
            Algorithm::HS256 => Ok(DecodingKey::from_secret(key.pem.as_bytes())),
            _ => Ok(DecodingKey::from_ec_pem(key.pem.as_bytes())?),
        }
    }
}

/// Fetches the P-256 keys of an issuer. Each request does so: a server that is not for a workshop
/// keeps them.
pub async fn fetch(issuer: &str) -> anyhow::Result<Vec<Key>> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let get = async |url: &str| -> anyhow::Result<Value> {
        let response = client.get(url).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&response.bytes().await?)?)
    };
    let metadata = get(&format!("{issuer}/.well-known/oauth-authorization-server")).await?;
    let jwks = get(metadata["jwks_uri"].as_str().context("the metadata has no jwks_uri")?).await?;
    let keys = jwks["keys"].as_array().context("the key set has no keys")?;
    Ok(keys.iter().filter_map(from_jwk).collect())
}

fn from_jwk(jwk: &Value) -> Option<Key> {
    let member = |name: &str| jwk[name].as_str();
    let coordinate = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(member(name)?).ok();
    if member("crv") != Some("P-256") {
        return None;
    }
    let der = [P256_PREFIX.to_vec(), coordinate("x")?, coordinate("y")?].concat();
    let unix = EncodeConfig::new().set_line_ending(LineEnding::LF);
    let pem = pem::encode_config(&Pem::new("PUBLIC KEY", der), unix);
    Some(Key { kid: member("kid")?.to_owned(), pem })
}
