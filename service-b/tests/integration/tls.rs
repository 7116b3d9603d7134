use std::{fs, path::PathBuf};

use rcgen::{CertificateParams, KeyPair};
use reqwest::{Certificate, Client};
use service_kit::TlsFiles;
use tempfile::TempDir;
use test_support::signer::Signer;

use crate::{
    client::{TestClient, read_resource, until},
    harness::{B, C, access_token, valid_claims},
};

/// A self-signed certificate for `localhost`, and its key.
struct SelfSigned {
    folder: TempDir,
}

impl SelfSigned {
    fn new() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        files.renew();
        files
    }

    fn renew(&self) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        fs::write(self.file("key.pem"), key.serialize_pem()).unwrap();
        fs::write(self.file("cert.pem"), certificate.pem()).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn files(&self) -> TlsFiles {
        TlsFiles { cert_file: Some(self.file("cert.pem")), key_file: Some(self.file("key.pem")) }
    }

    /// Returns a client of B that trusts only this certificate.
    fn trusting_client(&self, b: &B) -> TestClient {
        let certificate = Certificate::from_pem(&fs::read(self.file("cert.pem")).unwrap()).unwrap();
        let http =
            Client::builder().no_proxy().pool_max_idle_per_host(0).tls_certs_only([certificate]);
        TestClient { base: b.base.clone(), http: http.build().unwrap() }
    }
}

#[tokio::test]
async fn https_listener_reloads_a_renewed_certificate() {
    let (tls, signer) = (SelfSigned::new(), Signer::es256("k1"));
    let c = C::start(&signer).await;
    let b = c.start_b_with(|settings| settings.tls = tls.files());
    let client = tls.trusting_client(&b);
    assert_eq!(read_resource(&client, &access_token(&signer, &valid_claims())).await.status, 200);
    assert!(
        b.http.get(format!("{}/openapi.json", b.base)).send().await.is_err(),
        "other clients do not trust the certificate"
    );

    tls.renew();
    let renewed = tls.trusting_client(&b);
    until("the new certificate is served", async || {
        renewed.http.get(format!("{}/openapi.json", b.base)).send().await.is_ok()
    })
    .await;
    assert!(
        client.http.get(format!("{}/openapi.json", b.base)).send().await.is_err(),
        "the old certificate is no longer served"
    );
}
