//! How programs on this machine come to trust the development CA.

use std::path::Path;

use crate::texts::{Texts, TrustTexts};

/// Returns a path as one word of a shell command.
pub(crate) fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

/// Returns one line for each program: a command that works because it names the CA, or the command
/// that adds the CA to a store.
///
/// # Errors
/// Returns an error if the current folder is unknown.
pub(crate) fn trust(texts: &Texts, ca_file: &Path, issuer: &str) -> anyhow::Result<String> {
    let path = std::path::absolute(ca_file)?;
    let ca = quoted(&path);
    let store = quoted(&path.with_file_name("truststore.p12"));
    let metadata = format!("{issuer}/.well-known/openid-configuration");
    let TrustTexts { heading, browsers, warning } = &texts.own.trust;
    Ok(format!(
        "{heading}: {path}\n\
         \x20 curl --cacert {ca} {metadata}\n\
         \x20 NODE_EXTRA_CA_CERTS={ca} node -e \"fetch('{metadata}').then(r => r.json()).then(m => console.log(m.issuer))\"\n\
         \x20 SSL_CERT_FILE={ca} REQUESTS_CA_BUNDLE={ca} python3 -c \"import json, urllib.request as r; print(json.load(r.urlopen('{metadata}'))['issuer'])\"\n\
         \x20 keytool -importcert -noprompt -alias gatepass -file {ca} -keystore {store} -storetype PKCS12 -storepass changeit\n\
         \x20 java -Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword=changeit ...\n\
         {browsers}\n\
         \x20 Linux    certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n gatepass -i {ca}\n\
         \x20 macOS    security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db {ca}\n\
         \x20 Windows  certutil -user -addstore Root {ca}\n\
         {warning}\n",
        path = path.display(),
    ))
}
