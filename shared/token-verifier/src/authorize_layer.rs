use std::{
    marker::PhantomData,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::{authorize::authorize, requirement::Requirement, verifier::Verifier};

/// Layer of tower that lets only requests with a verified access token pass which satisfies the
/// requirement `R`. With `()` any valid token passes.
///
/// The service behind it finds the token in the extensions of the request, as
/// `Arc<VerifiedToken>`. All other requests get the status and the headers of a
/// [`BearerRejection`](crate::BearerRejection), with an empty body. A client of gRPC reads 401 as
/// `UNAUTHENTICATED`, 403 as `PERMISSION_DENIED` and 503 as `UNAVAILABLE`.
///
/// The layer reads no bodies. A service that reads forms has to reject access tokens in them (RFC
/// 6750 §2.2).
///
/// ```
/// use std::{convert::Infallible, sync::Arc};
///
/// use token_verifier::{
///     AuthorizeLayer, LocalSettings, RequiredScope, VerifiedToken, Verifier,
///     http::{Request, Response, StatusCode},
/// };
/// use tower::{Layer, ServiceExt, service_fn};
///
/// struct OrdersRead;
/// impl RequiredScope for OrdersRead {
///     const SCOPE: &'static str = "orders:read";
/// }
///
/// async fn orders(request: Request<String>) -> Result<Response<String>, Infallible> {
///     let token = request.extensions().get::<Arc<VerifiedToken>>();
///     Ok(Response::new(format!("orders of {:?}", token.and_then(|token| token.subject()))))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let verifier = Verifier::builder("https://auth.example.com", "https://api.example.com/v1")
///     .local(LocalSettings::default())
///     .build()?;
/// let service = AuthorizeLayer::<OrdersRead>::new(verifier).layer(service_fn(orders));
///
/// let response = service.oneshot(Request::new(String::new())).await?;
/// assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AuthorizeLayer<R = ()> {
    verifier: Verifier,
    requirement: PhantomData<fn() -> R>,
}

/// The service that [`AuthorizeLayer`] makes.
#[derive(Debug)]
pub struct AuthorizeService<S, R = ()> {
    inner: S,
    verifier: Verifier,
    requirement: PhantomData<fn() -> R>,
}

impl<R> AuthorizeLayer<R> {
    /// Creates the layer. Its clones share the keys and the cache of `verifier`.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self { verifier, requirement: PhantomData }
    }
}

impl<R> Clone for AuthorizeLayer<R> {
    fn clone(&self) -> Self {
        Self::new(self.verifier.clone())
    }
}

impl<S: Clone, R> Clone for AuthorizeService<S, R> {
    fn clone(&self) -> Self {
        AuthorizeLayer::new(self.verifier.clone()).layer(self.inner.clone())
    }
}

impl<S, R> Layer<S> for AuthorizeLayer<R> {
    type Service = AuthorizeService<S, R>;

    fn layer(&self, inner: S) -> AuthorizeService<S, R> {
        AuthorizeService { inner, verifier: self.verifier.clone(), requirement: PhantomData }
    }
}

impl<S, R, RequestBody, ResponseBody> Service<Request<RequestBody>> for AuthorizeService<S, R>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>> + Clone + Send + 'static,
    S::Future: Send,
    R: Requirement,
    RequestBody: Send + 'static,
    ResponseBody: Default,
{
    type Response = Response<ResponseBody>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        // The service that was polled is ready; its clone is not.
        let clone = self.inner.clone();
        let mut ready = mem::replace(&mut self.inner, clone);
        let verifier = self.verifier.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match authorize::<R>(&verifier, &parts).await {
                Ok(token) => {
                    parts.extensions.insert(token);
                    ready.call(Request::from_parts(parts, body)).await
                }
                Err(rejection) => {
                    let response = Response::<String>::from(rejection);
                    Ok(response.map(|_| ResponseBody::default()))
                }
            }
        })
    }
}
