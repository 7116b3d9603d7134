use std::time::Duration;

use anyhow::Context;
use clock::Clock;
use oauth_types::ClientSecret;
use service_kit::{TlsFiles, http_client, tls::ServerCertificate};
use token_verifier::{
    Algorithm, ErrorDetail, IntrospectionSettings, LocalSettings, TokenType, Verifier,
};

use crate::settings::{self, Mode, ServiceBSettings};

/// Creates the verifier that the settings describe.
pub(crate) fn verifier(settings: &ServiceBSettings, clock: Clock) -> anyhow::Result<Verifier> {
    let http = http_client(&settings.http())?;
    let mut builder =
        Verifier::builder(&settings.issuer, &settings.resource).http_client(http).clock(clock);
    if let Some(internal_url) = &settings.internal_url {
        builder = builder.internal_url(internal_url);
    }
    if !settings.profile.is_production() {
        builder = builder.detail(ErrorDetail::Full);
    }
    builder = builder.audiences(&settings.audiences).scope_claims(&settings.scopes.claims);
    for (of_issuer, own) in settings.scopes.pairs().map_err(anyhow::Error::msg)? {
        builder = builder.scope_name(of_issuer, own);
    }
    if settings.mode != Mode::Introspection {
        builder = builder.local(local(&settings.local)?);
    }
    if settings.mode != Mode::Local {
        let secret = settings.introspection_secret()?;
        let own = &settings.introspection;
        let mut introspection = IntrospectionSettings::new(&own.client_id, secret)
            .cache_ttl(Duration::from_secs(own.cache_seconds.into()))
            .audience_required(own.audience_required);
        if let Some(endpoint) = &own.endpoint {
            introspection = introspection.endpoint(endpoint);
        }
        builder = builder.introspection(introspection);
    }
    builder.build().context("invalid verifier settings")
}

/// Loads the TLS certificate of B, if one is configured.
pub(crate) fn load_certificate(
    settings: &ServiceBSettings,
) -> anyhow::Result<Option<ServerCertificate>> {
    let TlsFiles { cert_file, key_file, .. } = &settings.tls;
    Ok(ServerCertificate::load(cert_file.as_ref(), key_file.as_ref())?)
}

fn local(settings: &settings::LocalSettings) -> anyhow::Result<LocalSettings> {
    let algorithm = |name: &String| {
        Algorithm::parse(name)
            .with_context(|| format!("local.algorithms: unknown algorithm `{name}`"))
    };
    let token_type = |name: &String| {
        TokenType::parse(name).with_context(|| {
            format!("local.token_types: unknown type `{name}`; use at+jwt, JWT or none")
        })
    };
    let algorithms = settings.algorithms.iter().map(algorithm).collect::<anyhow::Result<Vec<_>>>();
    let types = settings.token_types.iter().map(token_type).collect::<anyhow::Result<Vec<_>>>();
    let local = LocalSettings::default()
        .algorithms(algorithms?)
        .token_types(types?)
        .leeway(Duration::from_secs(settings.leeway_seconds.into()))
        .key_cooldown(Duration::from_secs(settings.key_cooldown_seconds.into()))
        .cache_capacity(settings.token_cache_capacity);
    Ok(match &settings.hs256_secret {
        Some(secret) => local.hs256_secret(ClientSecret::new(secret.expose())),
        None => local,
    })
}
