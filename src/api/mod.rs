//! HTTP in: the public API.
//!
//! [`v1`] speaks the Nexmo Verify API with its two faces; [`docs`] explains it to people and programs; `callbacks` hears
//! what providers report; [`server`] owns the listening sockets. Everything but the thin layer over actix-web is pure. Nothing here decides about a verification,
//! blocks a worker, or logs a parameter.

mod callbacks;
pub mod docs;
pub mod server;
mod throttle;
mod trace;
pub mod v1;

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::{Error, HttpRequest, HttpResponse, guard, middleware, web};

use crate::app::App;
use crate::clock::Clock;
use crate::random::Random;

pub use callbacks::{Callbacks, Reporter};
pub use throttle::Throttle;

/// What the API needs of the rest of the house.
#[derive(Clone)]
pub struct Api {
    pub app: Arc<App>,
    /// For the timestamps of signed requests, and the throttle.
    pub clock: Clock,
    /// For trace ids.
    pub random: Random,
    pub throttle: Throttle,
    pub callbacks: Callbacks,
}

/// The whole public site: every route, with trace ids on every reply.
pub fn site(
    api: Api,
) -> actix_web::App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    traced_routes(api.random.clone()).app_data(web::Data::new(api))
}

fn traced_routes(
    random: Random,
) -> actix_web::App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    actix_web::App::new().app_data(web::Data::new(random)).wrap(middleware::from_fn(trace::trace)).configure(routes)
}

fn routes(config: &mut web::ServiceConfig) {
    v1::routes(config);
    docs::routes(config);
    callbacks::routes(config);
    config.service(
        web::resource("/")
            .route(web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(to_docs))
            .default_service(web::to(|| async {
                HttpResponse::MethodNotAllowed().insert_header(("Allow", "GET, HEAD")).finish()
            })),
    );
    config.default_service(web::to(unknown_path));
}

async fn to_docs() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "/docs/")).finish()
}

async fn unknown_path(request: HttpRequest) -> HttpResponse {
    let path = request.path();
    if path == "/verify" || path.starts_with("/verify/") {
        return v1::unknown_path();
    }
    HttpResponse::NotFound().insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body("not found\n")
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};

    use super::*;

    /// The answer to `request` as text: status, the headers that matter, body. No account is known, nor an `App`.
    async fn answer(request: TestRequest) -> String {
        let site = init_service(traced_routes(Random::seeded(1))).await;
        let response = call_service(&site, request.to_request()).await;
        assert_eq!(response.headers().get("x-trace-id").expect("a trace id").len(), 16);
        let mut text = response.status().to_string();
        for name in ["content-type", "allow", "location", "www-authenticate", "retry-after", "cache-control"] {
            if let Some(value) = response.headers().get(name) {
                text += &format!("\n{name}: {}", value.to_str().expect("ASCII"));
            }
        }
        let body = read_body(response).await;
        text + "\n\n" + std::str::from_utf8(&body).expect("UTF-8")
    }

    fn get(uri: &str) -> TestRequest {
        TestRequest::get().uri(uri)
    }

    fn post(uri: &str, body: impl Into<web::Bytes>) -> TestRequest {
        TestRequest::post().uri(uri).set_payload(body)
    }

    #[actix_web::test]
    async fn an_unknown_format_is_no_facility() {
        insta::assert_snapshot!(answer(get("/verify/yaml")).await, @r#"
        404 Not Found
        content-type: application/json
        cache-control: no-store

        {"request_id":"","status":"3","error_text":"Facility not allowed"}
        "#);
        for uri in ["/verify/check/yaml", "/verify/json/", "/verify/check/", "/verify/psd2x/json"] {
            assert!(answer(get(uri)).await.starts_with("404 Not Found\ncontent-type: application/json"), "{uri}");
        }
    }

    #[actix_web::test]
    async fn a_path_of_nobody_is_not_found() {
        insta::assert_snapshot!(answer(get("/verifyx")).await, @"
        404 Not Found
        content-type: text/plain; charset=utf-8

        not found
        ");
    }

    #[actix_web::test]
    async fn the_root_leads_to_the_docs() {
        insta::assert_snapshot!(answer(get("/")).await, @"
        302 Found
        location: /docs/
        ");
    }

    #[actix_web::test]
    async fn another_method_is_told_which_ones_there_are() {
        insta::assert_snapshot!(answer(TestRequest::with_uri("/verify/json").method(Method::PUT)).await, @r#"
        405 Method Not Allowed
        content-type: application/json
        allow: GET, POST
        cache-control: no-store

        {"request_id":"","status":"3","error_text":"Method not allowed"}
        "#);
        insta::assert_snapshot!(answer(TestRequest::with_uri("/verify/search/xml").method(Method::DELETE)).await, @r#"
        405 Method Not Allowed
        content-type: text/xml; charset=utf-8
        allow: GET, POST
        cache-control: no-store

        <?xml version="1.0" encoding="UTF-8"?>
        <verify_response><request_id></request_id><status>3</status><error_text>Method not allowed</error_text></verify_response>
        "#);
        insta::assert_snapshot!(answer(get("/verify")).await, @r#"
        405 Method Not Allowed
        content-type: application/json
        allow: POST
        cache-control: no-store

        {"request_id":"","status":"3","error_text":"Method not allowed"}
        "#);
    }

    #[actix_web::test]
    async fn a_body_over_64_kib_is_too_large() {
        let body = vec![b'a'; 64 * 1024 + 1];
        insta::assert_snapshot!(answer(post("/verify/check/json", body.clone())).await, @r#"
        413 Payload Too Large
        content-type: application/json
        cache-control: no-store

        {"request_id":"","status":"3","error_text":"Body too large: at most 65536 bytes are read"}
        "#);
        insta::assert_snapshot!(answer(post("/verify/", body)).await, @r#"
        413 Payload Too Large
        content-type: application/json
        cache-control: no-store

        {"request_id":"","status":"3","error_text":"Body too large: at most 65536 bytes are read"}
        "#);
        let fits = answer(post("/verify/json", vec![b'a'; 64 * 1024])).await;
        assert!(fits.starts_with("200 OK"), "{fits}");
    }

    #[actix_web::test]
    async fn every_endpoint_wants_credentials() {
        insta::assert_snapshot!(answer(get("/verify/json?number=447400123456&brand=Acme")).await, @r#"
        200 OK
        content-type: application/json
        cache-control: no-store

        {"request_id":"","status":"4","error_text":"Invalid credentials were provided"}
        "#);
        insta::assert_snapshot!(answer(post("/verify/control/xml", "api_key=k&cmd=cancel")).await, @r#"
        200 OK
        content-type: text/xml; charset=utf-8
        cache-control: no-store

        <?xml version="1.0" encoding="UTF-8"?>
        <response><request_id></request_id><status>4</status><error_text>Invalid credentials were provided</error_text></response>
        "#);
        insta::assert_snapshot!(answer(post("/verify", "{\"api_key\":\"k\"}")).await, @r#"
        401 Unauthorized
        content-type: application/json
        www-authenticate: Basic realm="simverify", charset="UTF-8"
        cache-control: no-store

        {"request_id":"","status":"4","error_text":"Invalid credentials were provided"}
        "#);
        for uri in ["/verify/", "/verify/check", "/verify/search", "/verify/control"] {
            assert!(answer(post(uri, "")).await.starts_with("401 Unauthorized"), "{uri}");
        }
        let malformed = post("/verify/json?api_key=k&api_secret=s", "").insert_header(("Authorization", "Basic !"));
        assert!(answer(malformed).await.contains("\"status\":\"4\""));
    }

    #[actix_web::test]
    async fn a_body_that_may_hold_the_credentials_is_judged_first() {
        insta::assert_snapshot!(answer(post("/verify/json", "{\"api_key\":\"k\",")).await, @r#"
        200 OK
        content-type: application/json
        cache-control: no-store

        {"request_id":"","status":"3","error_text":"Invalid value for parameter: body (no JSON at line 1, column 15)"}
        "#);
    }

    #[actix_web::test]
    async fn a_fault_of_ours_is_status_5_at_each_endpoint() {
        // The state is not there, which is as good a bug as any.
        let mut told = String::new();
        for operation in ["", "/psd2", "/check", "/search", "/control"] {
            for format in ["/json", "/xml", ""] {
                if (operation, format) != ("/psd2", "") {
                    let path = format!("/verify{operation}{format}");
                    told += &format!("## {path}\n{}\n", answer(post(&path, "api_key=k&api_secret=s")).await);
                }
            }
        }
        insta::assert_snapshot!(told);
    }

    #[actix_web::test]
    async fn a_panic_in_a_request_is_a_fault_of_ours() {
        // The state is not there, which is as good a bug as any.
        let text = answer(get("/verify/json?api_key=k&api_secret=s")).await;
        insta::assert_snapshot!(text, @r#"
        200 OK
        content-type: application/json
        cache-control: no-store

        {"request_id":"","status":"5","error_text":"Internal Error","trace_id":"783825822a6f9e62"}
        "#);
        let text = answer(post("/verify/search", "api_key=k&api_secret=s")).await;
        assert!(text.starts_with("500 Internal Server Error"), "{text}");
    }
}
