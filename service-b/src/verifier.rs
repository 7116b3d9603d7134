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
        builder = builder.introspection(IntrospectionSettings {
            cache_ttl: Duration::from_secs(settings.introspection.cache_seconds.into()),
            endpoint: settings.introspection.endpoint.clone(),
            audience_required: settings.introspection.audience_required,
            ..IntrospectionSettings::new(&settings.introspection.client_id, secret)
        });
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
    Ok(LocalSettings {
        algorithms: settings.algorithms.iter().map(algorithm).collect::<anyhow::Result<_>>()?,
        token_types: settings.token_types.iter().map(token_type).collect::<anyhow::Result<_>>()?,
        leeway: Duration::from_secs(settings.leeway_seconds.into()),
        key_cooldown: Duration::from_secs(settings.key_cooldown_seconds.into()),
        cache_capacity: settings.token_cache_capacity,
        hs256_secret: settings
            .hs256_secret
            .as_ref()
            .map(|secret| ClientSecret::new(secret.expose())),
        ..LocalSettings::default()
    })
}
