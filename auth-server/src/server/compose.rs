use std::sync::Arc;

use clock::Clock;
use flow_events::EventSink;
use prometheus_client::registry::Registry;
use service_kit::{CookieNames, OutageSimulator};

use crate::{
    AuthServerSettings, SecureRandom,
    audit::AuditLog,
    background::BackgroundTasks,
    clients::{ClientAuthenticator, ClientRegistry, Clients, SecretRateLimits},
    domain::TokenHash,
    http::{Csrf, PageContext},
    keys::{KeyManager, KeyPolicy},
    metrics::Metrics,
    oauth::{
        authorize::{AuthorizationContext, ConsentTickets},
        device::DeviceContext,
        jwks::KeySet,
        registration::{DynamicRegistration, RegistrationContext},
        token::TokenContext,
    },
    oidc::{UserInfoContext, backchannel_logout::BackchannelLogout},
    outbound::{ClientKeys, OutboundClient},
    pages::pages,
    password_hasher::PasswordHasherPool,
    rate_limit::RateLimiter,
    settings::RateLimit,
    state::{AppState, Features},
    storage::Store,
    tokens::{AccessTokenIssuer, IssuedTokens, RefreshTokenChain, Subjects, TokenTtls},
    users::{KnownDevices, PasswordAuthenticator, SignInContext, SignInLimits},
};

/// Services that the features share.
struct Services {
    issuer: String,
    /// Secret that the installation's HMAC keys are derived from.
    secret: [u8; 32],
    clients: Arc<Clients>,
    keys: Arc<KeyManager>,
    subjects: Arc<Subjects>,
    issued_tokens: Arc<IssuedTokens>,
    outbound: Arc<OutboundClient>,
    page: Arc<PageContext>,
    passwords: PasswordAuthenticator,
    audit: AuditLog,
    store: Arc<dyn Store>,
    clock: Clock,
    random: SecureRandom,
}

/// Builds the application state and the background tasks.
///
/// # Errors
/// Returns an error if a file that the settings name, the database or a key cannot be used.
pub(super) async fn compose(
    settings: &AuthServerSettings,
    store: Arc<dyn Store>,
    clock: Clock,
    random: SecureRandom,
    events: EventSink,
    metrics: &mut Registry,
) -> anyhow::Result<(AppState, BackgroundTasks)> {
    let services = Services::open(settings, store, clock, random, metrics).await?;
    let tasks = services.background_tasks(settings, events);
    Ok((services.into_state(settings), tasks))
}

/// Returns the groups of routes that the settings enable.
pub(super) fn features(settings: &AuthServerSettings) -> Features {
    Features {
        registration: settings.registration.enabled,
        wechat: settings.compat.wechat,
        test_controls: settings.test_controls,
    }
}

impl Services {
    async fn open(
        settings: &AuthServerSettings,
        store: Arc<dyn Store>,
        clock: Clock,
        random: SecureRandom,
        metrics: &mut Registry,
    ) -> anyhow::Result<Self> {
        let secret = store.installation_secret(random.bytes()?).await?;
        let passwords = password_authenticator(settings, &*store, KnownDevices::new(&secret));
        let clients = Arc::new(Clients {
            registry: ClientRegistry::open(
                settings.clients_file.clone(),
                settings.profile,
                random.clone(),
                &*store,
            )
            .await?,
            authenticator: client_authenticator(settings, &*store, &random)?,
            clock: clock.clone(),
        });
        let keys = Arc::new(open_keys(settings, &*store, &clock).await?);
        let issuer = settings.issuer();
        Ok(Self {
            issued_tokens: Arc::new(IssuedTokens {
                issuer: issuer.clone(),
                keys: Arc::clone(&keys),
                clients: Arc::clone(&clients),
                store: Arc::clone(&store),
                clock: clock.clone(),
            }),
            subjects: Arc::new(Subjects::new(&secret)),
            outbound: Arc::new(OutboundClient::new(
                &settings.http(),
                settings.registration.allow_private_urls,
                outbound_limiter(&settings.rate_limits.outbound_address),
                clock.clone(),
            )?),
            page: Arc::new(PageContext {
                pages: pages(settings.pages_dir.as_deref())?,
                csrf: Csrf::new(&secret),
                cookie_names: CookieNames::of(&settings.issuer),
                session_ttl: settings.sessions.ttl(),
                store: Arc::clone(&store),
                clock: clock.clone(),
                random: random.clone(),
            }),
            audit: AuditLog::new(Arc::clone(&store), Metrics::register(metrics), clock.clone()),
            issuer,
            secret,
            clients,
            keys,
            passwords,
            store,
            clock,
            random,
        })
    }

    fn background_tasks(
        &self,
        settings: &AuthServerSettings,
        events: EventSink,
    ) -> BackgroundTasks {
        BackgroundTasks {
            clients: Arc::clone(&self.clients),
            keys: Arc::clone(&self.keys),
            backchannel_logout: Arc::new(BackchannelLogout {
                issuer: self.issuer.clone(),
                clients: Arc::clone(&self.clients),
                keys: Arc::clone(&self.keys),
                subjects: Arc::clone(&self.subjects),
                outbound: Arc::clone(&self.outbound),
                store: Arc::clone(&self.store),
                events,
                clock: self.clock.clone(),
                random: self.random.clone(),
            }),
            key_overlap_seconds: settings.tokens.key_overlap(),
            session_ttl: settings.sessions.ttl(),
            audit_retention_days: settings.audit_retention_days,
            audit: self.audit.clone(),
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
        }
    }

    fn into_state(self, settings: &AuthServerSettings) -> AppState {
        let authorization = Arc::new(self.authorization(settings));
        AppState {
            token: Arc::new(self.token(settings)),
            device: Arc::new(self.device(settings)),
            registration: Arc::new(self.registration(settings)),
            user_info: Arc::new(self.user_info(settings)),
            sign_in: Arc::new(SignInContext {
                authorization: Arc::clone(&authorization),
                passwords: self.passwords,
                show_demo_credentials: !settings.profile.is_production()
                    && settings.users_file.is_none(),
            }),
            authorization,
            pages: self.page.pages.clone(),
            page: self.page,
            key_set: Arc::new(KeySet { keys: self.keys, clients: self.clients }),
            outage: OutageSimulator::default(),
        }
    }

    fn authorization(&self, settings: &AuthServerSettings) -> AuthorizationContext {
        AuthorizationContext {
            page: Arc::clone(&self.page),
            issuer: self.issuer.clone(),
            clients: Arc::clone(&self.clients),
            keys: Arc::clone(&self.keys),
            subjects: Arc::clone(&self.subjects),
            consent_tickets: ConsentTickets::new(&self.secret),
            outbound: Arc::clone(&self.outbound),
            client_keys: ClientKeys::new(),
            wechat: settings.compat.wechat,
            authorization_code_ttl_seconds: settings.tokens.authorization_code_ttl_seconds,
            pushed_request_limit: limiter(
                "pushed_authorization",
                &settings.rate_limits.pushed_authorization,
                &*self.store,
            ),
            audit: self.audit.clone(),
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    fn token(&self, settings: &AuthServerSettings) -> TokenContext {
        TokenContext {
            clients: Arc::clone(&self.clients),
            issuer: AccessTokenIssuer {
                issuer: self.issuer.clone(),
                access_token_ttl_seconds: settings.tokens.access_token_ttl_seconds,
            },
            issued_tokens: Arc::clone(&self.issued_tokens),
            refresh_tokens: RefreshTokenChain::new(&self.secret),
            keys: Arc::clone(&self.keys),
            subjects: Arc::clone(&self.subjects),
            ttls: TokenTtls {
                refresh_token: settings.tokens.refresh_token_ttl_seconds,
                refresh_reuse_grace: settings.tokens.refresh_reuse_grace_seconds,
                id_token: settings.tokens.id_token_ttl_seconds,
            },
            session_ttl: settings.sessions.ttl(),
            audit: self.audit.clone(),
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    fn device(&self, settings: &AuthServerSettings) -> DeviceContext {
        DeviceContext {
            page: Arc::clone(&self.page),
            issuer: self.issuer.clone(),
            clients: Arc::clone(&self.clients),
            authorization_limit: limiter(
                "device_authorization",
                &settings.rate_limits.device_authorization,
                &*self.store,
            ),
            user_code_limit: RateLimiter::new("user_code", 5, 60, self.store.shared_buckets()),
            audit: self.audit.clone(),
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    fn registration(&self, settings: &AuthServerSettings) -> RegistrationContext {
        let initial_token = settings.registration.initial_access_token.as_ref();
        RegistrationContext {
            registration: DynamicRegistration {
                enabled: settings.registration.enabled,
                at_most: settings.registration.max_clients,
                policy: settings.registration.policy(),
                initial_token: initial_token.map(|token| TokenHash::of_text(token.expose())),
                limit: limiter("registration", &settings.rate_limits.registration, &*self.store),
            },
            issuer: self.issuer.clone(),
            clients: Arc::clone(&self.clients),
            outbound: Arc::clone(&self.outbound),
            audit: self.audit.clone(),
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    fn user_info(&self, settings: &AuthServerSettings) -> UserInfoContext {
        UserInfoContext {
            issuer: self.issuer.clone(),
            issued_tokens: Arc::clone(&self.issued_tokens),
            clients: Arc::clone(&self.clients),
            keys: Arc::clone(&self.keys),
            token_in_query: settings.compat.wechat || settings.compat.userinfo_in_query,
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
        }
    }
}

fn limiter(name: &'static str, limit: &RateLimit, store: &dyn Store) -> RateLimiter {
    RateLimiter::new(name, limit.burst, limit.refill_seconds, store.shared_buckets())
}

/// Not shared: each server bounds its own connections.
fn outbound_limiter(limit: &RateLimit) -> RateLimiter {
    RateLimiter::new("outbound", limit.burst, limit.refill_seconds, None)
}

fn password_authenticator(
    settings: &AuthServerSettings,
    store: &dyn Store,
    known_devices: KnownDevices,
) -> PasswordAuthenticator {
    let limits = &settings.rate_limits;
    PasswordAuthenticator::new(
        SignInLimits {
            account: limiter("sign_in", &limits.sign_in, store),
            address: limiter("sign_in_address", &limits.sign_in_address, store),
            known_device: limiter("sign_in_known_device", &limits.sign_in_known_device, store),
        },
        known_devices,
        Arc::new(PasswordHasherPool::in_one_queue(settings.profile.is_production())),
    )
}

fn client_authenticator(
    settings: &AuthServerSettings,
    store: &dyn Store,
    random: &SecureRandom,
) -> anyhow::Result<ClientAuthenticator> {
    let limits = &settings.rate_limits;
    let limits = SecretRateLimits::new(
        limiter("client_auth", &limits.client_auth, store),
        limiter("client_auth_address", &limits.client_auth_address, store),
        limiter("client_auth_known_network", &limits.client_auth_known_network, store),
    );
    let hasher = Arc::new(PasswordHasherPool::new(settings.profile.is_production()));
    ClientAuthenticator::new(limits, hasher, random)
}

async fn open_keys(
    settings: &AuthServerSettings,
    store: &dyn Store,
    clock: &Clock,
) -> anyhow::Result<KeyManager> {
    let policy = KeyPolicy {
        algorithm: settings.keys.algorithm,
        rotation_interval_days: settings.keys.rotation_interval_days,
        hs256_secret: settings.keys.hs256_secret.clone(),
    };
    KeyManager::open(policy, settings.tokens.key_overlap(), store, clock).await
}
