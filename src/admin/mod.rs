//! The admin listener: the dashboard, and health for those who watch from outside.
//!
//! Server-rendered; the script only makes pages livelier. Everything but `/livez`, `/readyz` and `/metrics` wants a session,
//! and every form a token that no other site knows: a handler of a page takes a `Visitor`, one of a form an `Act`. Nothing
//! of this is on the public listener. Decides nothing itself, and logs no name that was not
//! proved, no password, no cookie.

mod accounts;
mod chart;
mod cookie;
mod frame;
mod gate;
mod health;
mod inbox;
mod metrics;
mod modem;
mod modems;
mod overview;
mod own;
mod page;
mod pager;
mod phone;
mod phone_chat;
mod protection;
mod providers;
mod session;
mod settings;
mod sheet;
mod signal;
mod trace;
mod trial;
mod verification;
mod verifications;
mod visitor;
mod webhooks;
mod words;

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header::{ALLOW, CONTENT_TYPE, LOCATION};
use actix_web::{Error, FromRequest, Handler, HttpResponse, Resource, Responder, guard, middleware, web};

use crate::app::{App, Join};
use crate::clock::Timestamp;
use crate::origin::Proxies;
use crate::random::Random;

pub use trace::{TraceRow, Wires};

use health::Written;
pub use metrics::Scrapes;
pub use sheet::{Posted, ProviderLine, Setting, Sheet, SheetSection};

/// What the admin listener needs of the rest of the house.
#[derive(Clone)]
pub struct Desk {
    app: Arc<App>,
    /// For cookies of browsers that have no session.
    random: Random,
    proxies: Arc<Proxies>,
    /// Names under which browsers reach it, in lower case.
    hosts: Arc<[String]>,
    started: Timestamp,
    written: Arc<Written>,
    scrapes: Arc<Scrapes>,
    /// What the configuration says.
    sheet: Posted,
    /// Reads the text of a message that came in.
    join: Join,
    wires: Wires,
}

impl Desk {
    pub fn new(app: Arc<App>, random: Random, proxies: Arc<Proxies>, hosts: &[String], wires: Wires) -> Self {
        let started = app.clock().now();
        let (written, scrapes, sheet) = (Arc::default(), Arc::default(), Posted::default());
        Self { app, random, proxies, hosts: hosts.into(), started, written, scrapes, sheet, join: |_| None, wires }
    }

    /// With what the configuration says, and what reads the texts of messages.
    #[must_use]
    pub fn reading(self, sheet: Posted, join: Join) -> Self {
        Self { sheet, join, ..self }
    }
}

/// The whole site.
pub fn site(
    desk: Desk,
) -> actix_web::App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    actix_web::App::new()
        .app_data(web::Data::new(desk))
        .wrap(middleware::from_fn(gate::pass))
        .service(reads("/", overview::overview))
        .service(reads_and_acts("/login", session::form, session::log_in))
        .service(acts("/logout", session::log_out))
        .service(reads("/verifications", verifications::list))
        .service(acts("/verifications/find", verifications::find))
        .service(reads("/verifications/{request}", verification::detail))
        .service(acts("/verifications/{request}/number", verification::show_number))
        .service(acts("/verifications/{request}/cancel", verification::cancel))
        .service(acts("/verifications/{request}/next", verification::next_event))
        .service(acts("/verifications/{request}/block", verification::block))
        .configure(own::pages)
        .configure(accounts::pages)
        .configure(protection::pages)
        .configure(inbox::pages)
        .service(reads("/providers", providers::list))
        .service(reads("/settings", settings::show))
        .service(reads("/modems", modems::list))
        .service(reads("/modems/{modem}", modem::modem))
        .service(reads("/modems/{modem}/trace", trace::trace))
        .service(acts("/modems/{modem}/sms", trial::send_sms))
        .service(acts("/modems/{modem}/call", trial::call))
        .service(acts("/modems/{modem}/hang-up", trial::hang_up))
        .service(reads("/phone", phone::phone))
        .service(acts("/phone/{modem}/sms", phone::send_sms))
        .service(acts("/phone/{modem}/call", phone::on_call))
        .service(reads("/webhooks", webhooks::webhooks))
        .service(acts("/webhooks/replay", webhooks::replay))
        .service(reads("/style.css", page::style))
        .service(reads("/script.js", page::script))
        .service(reads("/livez", health::live))
        .service(reads("/readyz", health::ready))
        .service(reads("/metrics", metrics::scrape).wrap(middleware::Compress::default()))
        .default_service(web::to(|| async { said(HttpResponse::NotFound(), "not found\n") }))
}

/// A page, or a file.
fn reads<H, A>(path: &str, handler: H) -> Resource
where
    H: Handler<A>,
    A: FromRequest + 'static,
    H::Output: Responder + 'static,
{
    web::resource(path).route(web::route().guard(reading()).to(handler)).default_service(refuse("GET, HEAD"))
}

/// What takes a form.
fn acts<H, A>(path: &str, handler: H) -> Resource
where
    H: Handler<A>,
    A: FromRequest + 'static,
    H::Output: Responder + 'static,
{
    web::resource(path).route(web::post().to(handler)).default_service(refuse("POST"))
}

/// A page that takes a form too.
fn reads_and_acts<R, A, S, B>(path: &str, reader: R, actor: S) -> Resource
where
    R: Handler<A>,
    A: FromRequest + 'static,
    R::Output: Responder + 'static,
    S: Handler<B>,
    B: FromRequest + 'static,
    S::Output: Responder + 'static,
{
    let reader = web::route().guard(reading()).to(reader);
    web::resource(path).route(reader).route(web::post().to(actor)).default_service(refuse("GET, HEAD, POST"))
}

/// GET and HEAD.
fn reading() -> impl guard::Guard {
    guard::Any(guard::Get()).or(guard::Head())
}

/// For the methods that a path does not take.
fn refuse(methods: &'static str) -> actix_web::Route {
    web::to(move || async move { HttpResponse::MethodNotAllowed().insert_header((ALLOW, methods)).finish() })
}

fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, location)).finish()
}

/// A reply of one line.
fn said(mut response: actix_web::HttpResponseBuilder, text: impl Into<String>) -> HttpResponse {
    response.insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body(text.into())
}
