use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use clock::Clock;
use flow_events::EventSink;
use service_kit::{CookieNames, OutageSimulator};
use tokio::sync::Mutex;

use super::shared::{Place, Shared};
use crate::{
    AuthServerSettings, SecureRandom,
    audit::AuditLog,
    background::BackgroundTasks,
    clients::{
        ClientAuthenticator, ClientRegistry, Clients, LoadedClientsFile, MetadataDocuments,
        SecretRateLimits,
    },
    control::{ControlContext, ControlPolicy, Faults, Journal, NextLogins, Seed, Traffic},
    domain::{CustomClaims, TokenHash},
    http::{Csrf, PageContext},
    keys::{KeyManager, KeyPolicy, create_first_keys},
    oauth::{
        authorize::{AuthorizationContext, ConsentTickets},
        device::DeviceContext,
        jwks::KeySet,
        registration::{DynamicRegistration, RegistrationContext},
        token::TokenContext,
    },
    oidc::{UserInfoContext, backchannel_logout::BackchannelLogout},
    openapi::OpenApiDocument,
    outbound::{ClientKeys, OutboundClient},
    pages::pages,
    rate_limit::RateLimiter,
    settings::RateLimit,
    state::{AppState, Features},
    storage::{MemoryStore, ServerId, Store},
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

/// Where the server stores its data.
pub(super) struct Storage {
    pub store: Arc<dyn Store>,
    /// The same store and its seed, if the control API is on.
    pub control: Option<(MemoryStore, Seed)>,
}

/// What the services of C are composed into.
pub(super) struct Composed {
    pub state: AppState,
    pub tasks: BackgroundTasks,
    /// If the control API is on.
    pub control: Option<Arc<ControlContext>>,
}

/// Builds the application state, the background tasks and the control API.
///
/// # Errors
/// Returns an error if a file that the settings name, the database or a key cannot be used.
pub(super) async fn compose(
    settings: &AuthServerSettings,
    place: &Place,
    clients_file: LoadedClientsFile,
    storage: Storage,
    shared: &Shared,
) -> anyhow::Result<Composed> {
    let Storage { store, control } = storage;
    let services = Services::open(settings, place, clients_file, store, shared).await?;
    let tasks = services.background_tasks(settings, shared.events.clone());
    let state = services.into_state(settings, shared.outage.clone());
    let control = control.map(|(memory, seed)| {
        control_context(settings, (place, shared), &state, &tasks, (memory, seed)).map(Arc::new)
    });
    Ok(Composed { state, tasks, control: control.transpose()? })
}

fn control_context(
    settings: &AuthServerSettings,
    (place, shared): (&Place, &Shared),
    state: &AppState,
    tasks: &BackgroundTasks,
    (memory, seed): (MemoryStore, Seed),
) -> anyhow::Result<ControlContext> {
    let (authorization, token) = (Arc::clone(&state.authorization), Arc::clone(&state.token));
    Ok(ControlContext {
        name: place.name.clone(),
        issuer: token.issuer.issuer.clone(),
        issuers: Arc::clone(&shared.issuers),
        listen: place.listen.clone(),
        further: OnceLock::new(),
        policy: Arc::new(ControlPolicy::new(&settings.control)),
        hosts: settings.hosts().map_err(anyhow::Error::msg)?,
        served_at: place.served_at.clone(),
        longest_wait: Duration::from_secs(settings.limits.request_timeout_seconds) * 9 / 10,
        clients: Arc::clone(&token.clients),
        traffic: Arc::new(Traffic {
            journal: Journal::default(),
            faults: Faults::default(),
            next_logins: NextLogins::default(),
            authorization: Arc::clone(&authorization),
            issued_tokens: Arc::clone(&token.issued_tokens),
            key_set: Arc::clone(&state.key_set),
        }),
        authorization,
        token,
        device: Arc::clone(&state.device),
        registration: Arc::clone(&state.registration),
        sign_in: Arc::clone(&state.sign_in),
        backchannel_logout: Arc::clone(&tasks.backchannel_logout),
        keys: Arc::clone(&tasks.keys),
        seed,
        store: memory.store(),
        memory,
        clock: tasks.clock.clone(),
    })
}

/// Returns the groups of routes that the settings enable.
pub(super) fn features(settings: &AuthServerSettings) -> Features {
    Features {
        registration: settings.registration.enabled,
        wechat: settings.compat.wechat,
        test_controls: settings.test_controls,
    }
}

/// Returns the secret of the installation. Warns if the last server on this database had another
/// issuer; a demo on free ports has another one at each start.
async fn installation_secret(
    settings: &AuthServerSettings,
    store: &dyn Store,
    random: &SecureRandom,
) -> anyhow::Result<[u8; 32]> {
    let issuer = settings.issuer();
    let installation = store.update_installation(random.bytes()?, &issuer).await?;
    let other = installation.previous_issuer.filter(|before| *before != issuer);
    if let Some(before) = other
        && (settings.profile.is_production() || store.is_shared())
    {
        tracing::warn!(
            issuer,
            before,
            "the database was last used with another issuer, whose tokens are now invalid here; \
             every server on it needs the same `issuer`"
        );
    }
    Ok(installation.secret)
}

impl Services {
    async fn open(
        settings: &AuthServerSettings,
        place: &Place,
        clients_file: LoadedClientsFile,
        store: Arc<dyn Store>,
        shared: &Shared,
    ) -> anyhow::Result<Self> {
        let (clock, random) = (shared.clock.clone(), shared.random.clone());
        let secret = installation_secret(settings, &*store, &random).await?;
        // Before the clients are loaded, because new keys make running servers load them again.
        create_first_keys(settings.keys.algorithm, &*store, &clock).await?;
        let passwords =
            password_authenticator(settings, &*store, KnownDevices::new(&secret), shared);
        let outbound = Arc::new(OutboundClient::new(
            &settings.http(),
            settings.registration.allow_private_urls,
            outbound_limiter(&settings.rate_limits.outbound_address),
            clock.clone(),
        )?);
        let clients = Arc::new(Clients {
            registry: ClientRegistry::open(
                clients_file,
                settings.client_rules(),
                random.clone(),
                CustomClaims::new(settings.claims.clone())
                    .with_scopes(settings.claim_scopes.clone()),
                &*store,
            )
            .await?,
            authenticator: client_authenticator(settings, &*store, shared)?,
            documents: metadata_documents(settings, &outbound, &*store, &clock),
            clock: clock.clone(),
        });
        let keys = Arc::new(open_keys(settings, ServerId(random.bytes()?), &*store, &clock).await?);
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
            outbound,
            page: Arc::new(PageContext {
                pages: pages(settings.pages_dir.as_deref())?
                    .with_looseness(settings.looseness().names())
                    .with_viewer(settings.viewer_page_url.as_ref())
                    .below(&place.path),
                csrf: Csrf::new(&secret),
                cookie_names: CookieNames::of(&settings.issuer),
                cookie_suffix: place.cookie_suffix(),
                path: place.path.clone(),
                session_ttl: settings.sessions.ttl(),
                store: Arc::clone(&store),
                clock: clock.clone(),
                random: random.clone(),
            }),
            audit: AuditLog::new(Arc::clone(&store), shared.metrics.clone(), clock.clone()),
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
                queue: Mutex::default(),
            }),
            key_overlap_seconds: settings.tokens.key_overlap(),
            session_ttl: settings.sessions.ttl(),
            audit_retention_days: settings.audit_retention_days,
            audit: self.audit.clone(),
            pages: self.page.pages.clone(),
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
        }
    }

    fn into_state(self, settings: &AuthServerSettings, outage: OutageSimulator) -> AppState {
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
                    && settings.users_file.is_none()
                    && !settings.control.has_seed(),
            }),
            authorization,
            pages: self.page.pages.clone(),
            page: self.page,
            key_set: Arc::new(KeySet {
                keys: self.keys,
                clients: self.clients,
                waits: settings.control.is_on(),
            }),
            outage,
            openapi: OpenApiDocument::new(settings.compat.wechat),
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
            shows_registered_redirect_uris: settings.test_controls,
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
            user_code_limit: limiter("user_code", &user_code_limit(settings), &*self.store),
            audit: self.audit.clone(),
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    fn registration(&self, settings: &AuthServerSettings) -> RegistrationContext {
        let initial_access_token = settings.registration.initial_access_token.as_ref();
        RegistrationContext {
            path: self.page.path.clone(),
            registration: DynamicRegistration {
                enabled: settings.registration.enabled,
                max_clients: settings.registration.max_clients,
                policy: settings.registration.policy(settings.redirect_uri_rules()),
                initial_access_token: initial_access_token
                    .map(|token| TokenHash::of_text(token.expose())),
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
            token_in_query: settings.compat.userinfo_in_query,
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
        }
    }
}

fn limiter(name: &'static str, limit: &RateLimit, store: &dyn Store) -> RateLimiter {
    RateLimiter::new(name, limit.burst, limit.refill_seconds, store.shared_buckets())
}

/// Returns the limit of wrong user codes (RFC 8628 §5.1).
fn user_code_limit(settings: &AuthServerSettings) -> RateLimit {
    match settings.looseness().has_unlimited_failures() {
        true => RateLimit::UNLIMITED,
        false => RateLimit { burst: 5, refill_seconds: 60 },
    }
}

/// Not shared: each server bounds its own connections.
fn outbound_limiter(limit: &RateLimit) -> RateLimiter {
    RateLimiter::new("outbound", limit.burst, limit.refill_seconds, None)
}

fn password_authenticator(
    settings: &AuthServerSettings,
    store: &dyn Store,
    known_devices: KnownDevices,
    shared: &Shared,
) -> PasswordAuthenticator {
    let limits = &settings.rate_limits;
    PasswordAuthenticator::new(
        SignInLimits {
            account: limiter("sign_in", &limits.sign_in, store),
            address: limiter("sign_in_address", &limits.sign_in_address, store),
            known_device: limiter("sign_in_known_device", &limits.sign_in_known_device, store),
        },
        known_devices,
        Arc::clone(&shared.passwords),
    )
}

fn client_authenticator(
    settings: &AuthServerSettings,
    store: &dyn Store,
    shared: &Shared,
) -> anyhow::Result<ClientAuthenticator> {
    let limits = &settings.rate_limits;
    let limits = SecretRateLimits::new(
        limiter("client_auth", &limits.client_auth, store),
        limiter("client_auth_address", &limits.client_auth_address, store),
        limiter("client_auth_known_network", &limits.client_auth_known_network, store),
    );
    ClientAuthenticator::new(limits, Arc::clone(&shared.client_secrets), &shared.random)
}

fn metadata_documents(
    settings: &AuthServerSettings,
    outbound: &Arc<OutboundClient>,
    store: &dyn Store,
    clock: &Clock,
) -> Option<MetadataDocuments> {
    let enabled = settings.client_id_metadata_documents.enabled;
    let limit = &settings.rate_limits.registration;
    enabled.then(|| {
        MetadataDocuments::new(
            Arc::clone(outbound),
            settings.registration.policy(settings.redirect_uri_rules()),
            limiter("client_id_metadata_document", limit, store),
            clock.clone(),
        )
    })
}

async fn open_keys(
    settings: &AuthServerSettings,
    server: ServerId,
    store: &dyn Store,
    clock: &Clock,
) -> anyhow::Result<KeyManager> {
    let policy = KeyPolicy {
        algorithm: settings.keys.algorithm,
        rotation_interval_days: settings.keys.rotation_interval_days,
        hs256_secret: settings.keys.hs256_secret.clone(),
    };
    KeyManager::open(policy, settings.tokens.key_overlap(), server, store, clock).await
}
