//! Version 1 of the API: what the Nexmo Verify API takes and answers, and the portal's paths over the same service.
//!
//! A request's way: `params` gathers, `credentials` finds out who claims to ask, the operation's own module reads what
//! is asked, [`crate::app`] does it, and what it came to becomes a `reply`. All but this file is pure. When several
//! refusals apply, the first of 4, 8, 1, 2, 3 is given here; 15, 7, 10, 9 and 6 come from `app` in this order.

pub mod check;
pub mod control;
pub mod credentials;
pub mod document;
pub mod endpoint;
pub mod params;
pub mod reply;
pub mod request;
pub mod search;
pub mod signature;
pub mod status;

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use secrecy::SecretString;
use tokio::time::Instant;
use tracing::{Instrument, Span};

use crate::app::{Account, App};
use crate::fraud::address::EndUserAddress;
use crate::origin::{Origin, Proxies};

use super::Api;
use super::failures::TooMany;
use super::trace::TraceId;
use credentials::{Credentials, Proof};
use endpoint::{Endpoint, Face, Format, Operation};
use params::{BODY_OCTETS_MAX, Parameters};
use reply::{Failure, Reply};
use status::Status;

/// The header in which an application passes on its user's address, for callers that cannot add a parameter.
pub(super) const END_USER_ADDRESS: &str = "x-end-user-ip";

/// How long a body may take to arrive: 64 KiB in this time is a modem's speed.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn routes(config: &mut web::ServiceConfig) {
    for endpoint in Endpoint::all() {
        let receive = move |http, payload| receive(endpoint, http, payload);
        let resource = web::resource(endpoint.paths().to_vec())
            .route(web::post().to(receive))
            .default_service(web::to(move |http| refuse_method(endpoint, http)));
        config.service(match endpoint.face {
            Face::Nexmo(_) => resource.route(web::get().to(receive)),
            Face::Portal => resource,
        });
    }
}

/// The answer to a path below `/verify` that is not an endpoint's.
pub(super) fn unknown_path() -> HttpResponse {
    let endpoint = Endpoint { operation: Operation::Request, face: Face::Nexmo(Format::Json) };
    written(endpoint, &Reply::refused(endpoint.operation, Status::UnknownPath, ""))
}

/// The answer to a request whose head alone is too much, in the words of the path's endpoint; `None`: it has none.
pub(super) fn refuse_head(path: &str, status: Status, trace_id: &str) -> Option<HttpResponse> {
    let endpoint = Endpoint::all().find(|endpoint| endpoint.paths().contains(&path))?;
    Some(written(endpoint, &Reply::refused(endpoint.operation, status, trace_id)))
}

async fn refuse_method(endpoint: Endpoint, http: HttpRequest) -> HttpResponse {
    written(endpoint, &Reply::refused(endpoint.operation, Status::MethodNotAllowed, &trace_id(&http)))
}

/// Reads a request whole, has it answered, and writes the answer down.
async fn receive(endpoint: Endpoint, http: HttpRequest, payload: web::Payload) -> HttpResponse {
    let (span, began) = (Span::current(), Instant::now());
    span.record("operation", endpoint.operation.as_str()).record("face", endpoint.face.as_str());
    let answer = async {
        let body = whole_body(payload).await?;
        let parameters = Parameters::gather(http.query_string(), &body);
        let authorization = http.headers().get(AUTHORIZATION).map(|value| value.as_bytes());
        let Some(credentials) = Credentials::find(authorization, &parameters) else {
            // They may stand in the body that could not be read.
            return Err(parameters.unreadable().cloned().unwrap_or(Status::InvalidCredentials).into());
        };
        let api = http.app_data::<web::Data<Api>>().expect("the site has its state");
        let _place = api.load.enter(api.clock.now()).ok_or(Status::Overloaded)?;
        let account = authenticate(api, origin(&http, &api.proxies), credentials, &parameters).await?;
        span.record("account", account.api_key.as_str());
        if endpoint.operation.starts() && account.barred {
            return Err(Status::Barred.into());
        }
        let rate = account.rate.unwrap_or_else(|| api.app.rules().requests_per_second);
        if !api.throttle.admits(account.id, rate, api.clock.now()) {
            return Err(Status::Throttled.into());
        }
        let place = api.load.enter_for(endpoint.operation, api.clock.now()).ok_or(Status::Overloaded)?;
        let end_user = http.headers().get(END_USER_ADDRESS).and_then(|value| value.to_str().ok()?.parse().ok());
        let answer = answer(Arc::clone(&api.app), endpoint, account, parameters, end_user);
        to_the_end(async move {
            let _place = place;
            answer.await
        })
        .await
    };
    let trace_id = trace_id(&http);
    let reply = match caught(answer).await {
        Some(Ok(reply)) => reply,
        Some(Err(Failure::Refused(status))) => Reply::refused(endpoint.operation, status, &trace_id),
        Some(Err(Failure::Internal(internal))) => {
            tracing::error!(
                name: "request.failed",
                error = &internal as &dyn Error,
                "a request failed by a fault of ours"
            );
            Reply::refused(endpoint.operation, Status::Internal, &trace_id)
        }
        None => {
            tracing::error!(name: "request.panicked", "a request panicked");
            Reply::refused(endpoint.operation, Status::Internal, &trace_id)
        }
    };
    let status = reply.status.number();
    span.record("status", status);
    if let Some(api) = http.app_data::<web::Data<Api>>() {
        let Endpoint { face, operation } = endpoint;
        api.app.metrics().answered(face.as_str(), operation.as_str(), status, began.elapsed());
    }
    written(endpoint, &reply)
}

async fn whole_body(payload: web::Payload) -> Result<web::Bytes, Status> {
    match tokio::time::timeout(BODY_TIMEOUT, payload.to_bytes_limited(BODY_OCTETS_MAX)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_))) => Err(Status::BodyCutOff),
        Ok(Err(_)) => Err(Status::BodyTooLarge),
        Err(_) => Err(Status::BodyTooSlow),
    }
}

/// Whom to count this request with.
fn origin(http: &HttpRequest, proxies: &Proxies) -> Origin {
    let peer = http.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let values = http.headers().get_all(proxies.header.name()).filter_map(|value| value.to_str().ok());
    Origin::of(proxies.client(peer, values))
}

async fn authenticate(
    api: &Api,
    origin: Origin,
    credentials: Credentials,
    parameters: &Parameters,
) -> Result<Account, Failure> {
    let Credentials { api_key, proof } = credentials;
    let now = api.clock.now();
    let too_many = |TooMany(wait)| {
        api.app.metrics().login_failed("api", "held");
        Status::TooManyFailures { wait }
    };
    api.failures.admits(origin, &api_key, now).map_err(too_many)?;
    let signed = |secret: &SecretString| {
        let verified = signature::verify(parameters, secret, now);
        if let Err(error) = &verified {
            tracing::debug!(name: "request.signature", %error, "refused a signature");
        }
        verified.is_ok()
    };
    let account = match proof {
        Proof::Signature => api.app.account_by_signature(&api_key, signed).await?,
        Proof::Secret(secret) => {
            let account = api.app.account_by_secret(&api_key, &secret).await?;
            account.filter(|_| !parameters.is_given("sig") || signed(&secret))
        }
    };
    api.failures.note(origin, &api_key, account.is_some(), now).map_err(too_many)?;
    if account.is_none() {
        api.app.metrics().login_failed("api", "wrong");
    }
    Ok(account.ok_or(Status::InvalidCredentials)?)
}

/// Runs an operation to its end even if the client goes away meanwhile: a counted try is compared, an accepted request
/// wakes the dispatcher.
async fn to_the_end(
    operation: impl Future<Output = Result<Reply, Failure>> + Send + 'static,
) -> Result<Reply, Failure> {
    match tokio::spawn(operation.instrument(Span::current())).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

async fn answer(
    app: Arc<App>,
    endpoint: Endpoint,
    account: Account,
    parameters: Parameters,
    end_user: Option<EndUserAddress>,
) -> Result<Reply, Failure> {
    let (account, parameters) = (&account, &parameters);
    if let Some(status) = parameters.unreadable() {
        return Err(status.clone().into());
    }
    match endpoint.operation {
        Operation::Request | Operation::Psd2 => {
            let mut request = match endpoint.operation {
                Operation::Psd2 => request::parse_psd2(parameters)?,
                Operation::Request | Operation::Check | Operation::Search | Operation::Control => {
                    request::parse(parameters)?
                }
            };
            parameters.require_utf8()?;
            request.end_user = request.end_user.or(end_user);
            let request = app.start(account, request).await?;
            Span::current().record("request_id", request.to_string());
            Ok(request::reply(request))
        }
        Operation::Check => {
            let check::Try { request, code, ip_address } = check::parse(parameters)?;
            parameters.require_utf8()?;
            Span::current().record("request_id", request.to_string());
            let checked = app.check(account, request, code, ip_address).await;
            let checked = checked.map_err(|error| check::failure(request, error))?;
            Ok(check::reply(request, checked))
        }
        Operation::Search => {
            let search = search::parse(parameters)?;
            parameters.require_utf8()?;
            let found = app.search(account, search.requests()).await?;
            Ok(search::reply(&search, &found, &account.api_key)?)
        }
        Operation::Control => {
            let (request, command) = control::parse(parameters)?;
            parameters.require_utf8()?;
            Span::current().record("request_id", request.to_string());
            let obeyed = match command {
                control::Command::Cancel => app.cancel(account, request).await,
                control::Command::TriggerNextEvent => app.trigger_next_event(account, request).await,
            };
            obeyed.map_err(|error| control::failure(request, error))?;
            Ok(control::reply(endpoint.face, request, command))
        }
    }
}

fn written(endpoint: Endpoint, reply: &Reply) -> HttpResponse {
    let format = endpoint.format();
    let mut response = HttpResponse::build(reply.http(endpoint));
    response.insert_header((CONTENT_TYPE, format.content_type()));
    // A GET may be cached unless it is forbidden, and a search's reply holds a number.
    response.insert_header((CACHE_CONTROL, "no-store"));
    for header in reply.headers(endpoint) {
        response.insert_header(header);
    }
    response.body(reply.document.write(format))
}

fn trace_id(http: &HttpRequest) -> String {
    http.extensions().get::<TraceId>().map(ToString::to_string).unwrap_or_default()
}

/// `None` if the future panicked: one request's bug ends that request alone.
async fn caught<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::clock::Timestamp;

    const NAMES: [&str; 20] = [
        "api_key",
        "api_secret",
        "sig",
        "timestamp",
        "number",
        "brand",
        "country",
        "sender_id",
        "code_length",
        "lg",
        "pin_expiry",
        "next_event_wait",
        "workflow_id",
        "pin_code",
        "request_id",
        "request_ids",
        "code",
        "ip_address",
        "cmd",
        "other",
    ];

    const VALUES: [&str; 12] = [
        "",
        "0",
        "4",
        "300",
        "447400123456",
        "+44 (0) 7400 123456",
        "GB",
        "cancel",
        "abababababababababababababababab",
        "%ff",
        "99999999999999999999",
        "١٢٣٤",
    ];

    fn soup() -> impl Strategy<Value = Vec<(&'static str, String)>> {
        let value = prop_oneof![select(&VALUES[..]).prop_map(str::to_owned), any::<String>()];
        prop::collection::vec((select(&NAMES[..]), value), 0..12)
    }

    /// What each operation makes of the parameters; whatever it is, it can be written.
    fn digest(parameters: &Parameters) {
        let refusals = [
            request::parse(parameters).err(),
            check::parse(parameters).err(),
            search::parse(parameters).err(),
            control::parse(parameters).err(),
        ];
        for status in refusals.into_iter().flatten() {
            let reply = Reply::refused(Operation::Check, status, "");
            let json: serde_json::Value = serde_json::from_str(&reply.document.write(Format::Json)).expect("JSON");
            assert!(json.as_object().expect("an object").values().all(serde_json::Value::is_string), "{json}");
            reply.document.write(Format::Xml);
        }
        Credentials::find(None, parameters);
        let _ = signature::verify(parameters, &"s3cret".into(), Timestamp::from_millis(0));
    }

    proptest! {
        #[test]
        fn a_soup_of_parameters_never_panics(in_query in soup(), in_body in soup(), as_json: bool) {
            let form = |soup: &[(&str, String)]| {
                soup.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
            };
            let body = if as_json {
                serde_json::Value::from_iter(in_body.iter().map(|(name, value)| (*name, value.as_str()))).to_string()
            } else {
                form(&in_body)
            };
            digest(&Parameters::gather(&form(&in_query), body.as_bytes()));
        }

        #[test]
        fn any_authorization_header_is_read_without_panic(header in prop::collection::vec(any::<u8>(), 0..40)) {
            Credentials::find(Some(&header), &Parameters::default());
            Credentials::find(Some(&[b"Basic ", &header[..]].concat()), &Parameters::default());
        }
    }
}
