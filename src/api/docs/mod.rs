//! The interactive documentation: the OpenAPI document, Swagger UI under `/docs/`, and a Postman collection.
//!
//! What they say of parameters and replies is taken from the constants and functions of [`super::v1`] that read and
//! write them, so that it cannot drift. Nothing here asks an outside host for anything, nor lets a browser do so.

mod asset;
mod openapi;
mod parameter;
mod postman;
mod refusal;
mod schema;
mod service;

use std::sync::LazyLock;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, guard, web};

use asset::ASSETS;

pub use openapi::document as openapi;
pub use postman::{collection as postman_collection, environment as postman_environment};

/// Scripts, styles and requests of this site only; icons from `data:`, as Swagger UI's style sheet has them.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(readable("/docs", |_| async { found("/docs/") }));
    config.service(readable("/docs/openapi.json", |_| async { describe() }));
    for asset in &ASSETS {
        config.service(readable(asset.path, move |http| asset.answer(http)));
    }
}

/// The document at a path, for GET and HEAD.
fn readable<F>(path: &'static str, answer: impl Fn(HttpRequest) -> F + Clone + 'static) -> actix_web::Resource
where
    F: Future<Output = HttpResponse> + 'static,
{
    web::resource(path)
        .route(web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(answer))
        .default_service(web::to(|| async {
            HttpResponse::MethodNotAllowed().insert_header(("Allow", "GET, HEAD")).finish()
        }))
}

fn found(location: &'static str) -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, location)).finish()
}

fn describe() -> HttpResponse {
    static DOCUMENT: LazyLock<web::Bytes> =
        LazyLock::new(|| web::Bytes::from(openapi().to_json().expect("a document of text")));
    guarded(HttpResponse::Ok()).content_type("application/json").body(DOCUMENT.clone())
}

/// The headers that keep a page of ours from being used for anything else.
fn guarded(mut response: HttpResponseBuilder) -> HttpResponseBuilder {
    response.insert_header((CONTENT_SECURITY_POLICY, POLICY));
    response.insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response.insert_header((REFERRER_POLICY, "no-referrer"));
    // Asked for again each time, so that a page and its document are of one version.
    response.insert_header((CACHE_CONTROL, "no-cache"));
    response
}
