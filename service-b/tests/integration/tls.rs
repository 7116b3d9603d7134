use std::{fs, path::PathBuf};

use rcgen::{CertificateParams, KeyPair};
use reqwest::{Certificate, Client};
use service_kit::TlsFiles;
use tempfile::TempDir;

use crate::{
    client::{Caller, until},
    harness::{B, C, good},
    process::{run, set},
    signer::Signer,
};

/// A certificate of one's own for `localhost`, and its key.
struct Own {
    folder: TempDir,
}

impl Own {
    fn made() -> Self {
        let own = Self { folder: tempfile::tempdir().unwrap() };
        own.renew();
        own
    }

    fn renew(&self) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        fs::write(self.file("key.pem"), key.serialize_pem()).unwrap();
        fs::write(self.file("own.pem"), certificate.pem()).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn files(&self) -> TlsFiles {
        TlsFiles { cert_file: Some(self.file("own.pem")), key_file: Some(self.file("key.pem")) }
    }

    /// A caller that believes this certificate alone.
    fn believer(&self, b: &B) -> Caller {
        let certificate = Certificate::from_pem(&fs::read(self.file("own.pem")).unwrap()).unwrap();
        let http =
            Client::builder().no_proxy().pool_max_idle_per_host(0).tls_certs_only([certificate]);
        Caller { base: b.base.clone(), http: http.build().unwrap() }
    }
}

#[tokio::test]
async fn with_certificates_of_its_own_b_serves_https_and_takes_up_new_ones() {
    let (own, signer) = (Own::made(), Signer::es256("k1"));
    let c = C::start(&signer).await;
    let b = c.b_with(|settings| settings.tls = own.files());
    let caller = own.believer(&b);
    assert_eq!(caller.resource(&signer.pass(&good())).await.status, 200);
    assert!(
        b.http.get(format!("{}/healthz", b.base)).send().await.is_err(),
        "whoever does not know it does not believe it"
    );

    own.renew();
    let renewed = own.believer(&b);
    until("the new certificate is served", async || {
        renewed.http.get(format!("{}/healthz", b.base)).send().await.is_ok()
    })
    .await;
    assert!(
        caller.http.get(format!("{}/healthz", b.base)).send().await.is_err(),
        "the old one is gone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_healthcheck_asks_over_https_where_b_serves_it() {
    let own = Own::made();
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.b_with(|settings| settings.tls = own.files());
    let caller = own.believer(&b);
    until("B is ready", async || caller.get("/readyz").await.status == 200).await;
    let (listen, [certificate, key]) =
        (b.listen(), ["own.pem", "key.pem"].map(|name| own.file(name).display().to_string()));
    let settings =
        set(&[("listen", &listen), ("tls.cert_file", &certificate), ("tls.key_file", &key)]);
    let said = run(&["healthcheck"], &settings).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let plain = run(&["healthcheck"], &set(&[("listen", &listen)])).await;
    assert_eq!(plain.code, Some(1), "http to an https port: {plain:?}");
}
