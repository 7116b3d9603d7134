use std::{
    error::Error,
    time::{Duration, Instant},
};

use axum::body::Bytes;
use flow_events::{Event, Field, Party, current_trace, emit};
use http::{StatusCode, header};
use http_body_util::{BodyExt, Limited};
use reqwest::{RequestBuilder, Response};

use super::Answer;
use super::Failure;

/// No answer of B is longer; one that is could fill our memory.
const MAX_BODY: usize = 1024 * 1024;

/// One request to B: traced, told, and read within bounds.
pub(super) struct Exchange<'a> {
    pub(super) http: &'a reqwest::Client,
    /// The URL as it may be shown.
    pub(super) shown: &'a str,
    /// What may be told of the request, made where somebody listens.
    pub(super) fields: &'a (dyn Fn() -> Vec<Field> + Sync),
    /// What B is shown and nobody else may see.
    pub(super) hidden: &'a [&'a str],
}

/// B gave no answer that could be handed on.
#[derive(Debug)]
pub(super) struct NoAnswer {
    failure: Failure,
    /// Nothing of the request reached B.
    pub(super) before_sending: bool,
    /// It may go better in a moment.
    pub(super) passing: bool,
}

impl Exchange<'_> {
    pub(super) async fn send(self, request: RequestBuilder) -> Result<Answer, NoAnswer> {
        let mut request = request.build().map_err(|error| no_answer(error, self.shown))?;
        if let Some(value) = current_trace().and_then(|trace| trace.to_string().parse().ok()) {
            request.headers_mut().insert("traceparent", value);
        }
        emit(|| Event::RequestSent {
            to: Party::ResourceServer,
            method: request.method().to_string(),
            url: self.shown.to_owned(),
            fields: (self.fields)(),
        });
        let started = Instant::now();
        match receive(self.http, request, self.shown).await {
            Ok(answer) => {
                let answer = without_echo(answer, self.hidden);
                tell(&answer, started.elapsed());
                Ok(answer)
            }
            Err(error) => {
                let (reason, elapsed_micros) =
                    (error.failure.to_string(), micros(started.elapsed()));
                emit(|| Event::RequestFailed { to: Party::ResourceServer, reason, elapsed_micros });
                Err(error)
            }
        }
    }
}

async fn receive(
    http: &reqwest::Client,
    request: reqwest::Request,
    shown: &str,
) -> Result<Answer, NoAnswer> {
    let response = http.execute(request).await.map_err(|error| no_answer(error, shown))?;
    let status = response.status();
    let retry_after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    Ok(Answer {
        status,
        retry_after: retry_after.map(Duration::from_secs),
        body: bounded_body(response, shown).await?,
    })
}

/// A careless B repeats what it was shown. Its words would carry that to A's caller and into A's
/// log, so they are dropped.
fn without_echo(answer: Answer, hidden: &[&str]) -> Answer {
    let echoes = |hidden: &&str| {
        !hidden.is_empty()
            && answer.body.windows(hidden.len()).any(|part| part == hidden.as_bytes())
    };
    if hidden.iter().any(echoes) { Answer { body: Bytes::new(), ..answer } } else { answer }
}

async fn bounded_body(response: Response, shown: &str) -> Result<Bytes, NoAnswer> {
    let body = Limited::new(reqwest::Body::from(response), MAX_BODY).collect().await;
    body.map(http_body_util::Collected::to_bytes).map_err(|error| {
        let timed_out =
            error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout);
        let status = if timed_out { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY };
        let reason =
            format!("B at {shown} broke its answer off, or it is longer than {MAX_BODY} bytes");
        NoAnswer { failure: Failure::of_b(status, reason), before_sending: false, passing: false }
    })
}

fn no_answer(error: reqwest::Error, shown: &str) -> NoAnswer {
    let timed_out = error.is_timeout() && !error.is_connect();
    let (before_sending, passing) = (error.is_connect(), !timed_out && !error.is_builder());
    // The error's own URL may hold a secret, in the old way.
    let error = error.without_url();
    let mut innermost: &dyn Error = &error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    let failure = if timed_out {
        Failure::of_b(StatusCode::GATEWAY_TIMEOUT, format!("B at {shown} did not answer in time"))
    } else {
        Failure::of_b(
            StatusCode::BAD_GATEWAY,
            format!("B cannot be reached at {shown}: {innermost}"),
        )
    };
    NoAnswer { failure, before_sending, passing }
}

fn tell(answer: &Answer, elapsed: Duration) {
    emit(|| {
        // B's answer is what the caller asked for; its first part is enough to recognise it by.
        let start: String = String::from_utf8_lossy(&answer.body).chars().take(2_000).collect();
        Event::ResponseReceived {
            from: Party::ResourceServer,
            status: answer.status.as_u16(),
            elapsed_micros: micros(elapsed),
            fields: vec![Field::text("body", start)],
        }
    });
}

fn micros(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}

impl From<NoAnswer> for Failure {
    fn from(no_answer: NoAnswer) -> Self {
        no_answer.failure
    }
}
