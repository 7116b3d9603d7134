use std::time::Duration;

use anyhow::Context;
use clock::Clock;
use oauth_types::ClientSecret;
use token_verifier::{Algorithm, ErrorDetail, IntrospectionSettings, LocalSettings, Verifier};

use crate::settings::{self, Mode, ServiceBSettings};

/// The verifier that the settings describe.
pub(crate) fn verifier(
    settings: &ServiceBSettings,
    http: reqwest::Client,
    clock: Clock,
) -> anyhow::Result<Verifier> {
    let mut builder =
        Verifier::builder(&settings.issuer, &settings.resource).http_client(http).clock(clock);
    if let Some(internal_url) = &settings.internal_url {
        builder = builder.internal_url(internal_url);
    }
    if !settings.profile.is_production() {
        builder = builder.detail(ErrorDetail::Full);
    }
    if settings.mode != Mode::Introspection {
        builder = builder.local(local(&settings.local)?);
    }
    if settings.mode != Mode::Local {
        builder = builder.introspection(IntrospectionSettings {
            client_id: settings.introspection.client_id.clone(),
            client_secret: settings.introspection_secret()?,
            cache_ttl: Duration::from_secs(settings.introspection.cache_seconds.into()),
        });
    }
    Ok(builder.build()?)
}

fn local(settings: &settings::LocalSettings) -> anyhow::Result<LocalSettings> {
    let parse = |name: &String| {
        Algorithm::parse(name).with_context(|| format!("local.algorithms: `{name}` is not known"))
    };
    Ok(LocalSettings {
        algorithms: settings.algorithms.iter().map(parse).collect::<anyhow::Result<_>>()?,
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
