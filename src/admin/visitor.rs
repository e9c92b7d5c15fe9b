//! Who looks at a page, or sends a form of one: both are extractors, so that no handler can leave the login out.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, web};
use askama::Template;

use super::frame::{Frame, Notice, Section};
use super::{Desk, cookie, page, said, see_other};

/// Octets of a form, and how long it may take to arrive.
const FORM_OCTETS_MAX: usize = 8 * 1024;
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// The script's own requests carry it: a page that is left open is not somebody who is there.
const LIVE: &str = "x-simverify-live";

const STALE: &str = "the form was too old, or of another session: load the page again\n";

/// An admin who reads a page.
pub(super) struct Visitor {
    pub admin: String,
    form_token: String,
    notice: Option<Notice>,
    http: HttpRequest,
    desk: web::Data<Desk>,
}

impl Visitor {
    /// What is around a page of `section`.
    pub fn frame(&self, section: Section) -> Frame {
        let mut frame = Frame::new(&self.admin, &self.form_token, section, self.notice.clone());
        if !self.desk.app.has_virtual_phone() {
            frame.sections.retain(|section| *section != Section::Phone);
        }
        frame
    }

    /// A parameter of the page's address.
    pub fn query(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.http.query_string().as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// The page, and no notice a second time.
    pub fn show(&self, page: &impl Template) -> HttpResponse {
        self.show_with(StatusCode::OK, page)
    }

    pub fn show_with(&self, status: StatusCode, page: &impl Template) -> HttpResponse {
        let mut response = page::rendered(status, page);
        if self.notice.is_some() {
            cookie::forget(&mut response, &self.http, &self.desk, cookie::NOTICE);
        }
        response
    }

    async fn of(http: HttpRequest) -> Result<Self, HttpResponse> {
        let desk = http.app_data::<web::Data<Desk>>().expect("the site has its state").clone();
        let Some(token) = cookie::token(&http, cookie::SESSION) else { return Err(to_login(&http)) };
        let session = match http.headers().contains_key(LIVE) {
            true => desk.app.admin_session_unused(&token).await,
            false => desk.app.admin_session(&token).await,
        };
        match session {
            Ok(Some(session)) => {
                let form_token = desk.app.form_token(&token);
                let notice = cookie::text(&http, cookie::NOTICE).and_then(|text| Notice::from_cookie(&text));
                Ok(Self { admin: session.name, form_token, notice, http, desk })
            }
            Ok(None) => Err(to_login(&http)),
            Err(error) => Err(page::failed(&error)),
        }
    }
}

/// The login, which leads back to the page that was asked for.
fn to_login(http: &HttpRequest) -> HttpResponse {
    let asked = http.uri().path_and_query().map_or("/", |asked| asked.as_str());
    if asked == "/" || http.method() == actix_web::http::Method::POST {
        return see_other("/login");
    }
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("then", asked).finish();
    see_other(&format!("/login?{query}"))
}

impl FromRequest for Visitor {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(http: &HttpRequest, _: &mut Payload) -> Self::Future {
        let http = http.clone();
        Box::pin(async move { Self::of(http).await.map_err(refusal) })
    }
}

fn refusal(response: HttpResponse) -> Error {
    InternalError::from_response("refused", response).into()
}

/// A form that an admin sent from a page of this session.
pub(super) struct Act {
    pub visitor: Visitor,
    pub form: Form,
}

impl Act {
    /// Back to a page, which says that it was done.
    pub fn done(&self, location: &str, text: impl Into<String>) -> HttpResponse {
        self.back(location, &Notice { is_good: true, text: text.into() })
    }

    /// Back to a page, which says what was in the way.
    pub fn refused(&self, location: &str, text: impl Into<String>) -> HttpResponse {
        self.back(location, &Notice { is_good: false, text: text.into() })
    }

    fn back(&self, location: &str, notice: &Notice) -> HttpResponse {
        let mut response = see_other(location);
        let Visitor { http, desk, .. } = &self.visitor;
        cookie::set(&mut response, http, desk, cookie::NOTICE, &notice.to_cookie());
        response
    }

    async fn of(http: HttpRequest, payload: web::Payload) -> Result<Self, HttpResponse> {
        let form = Form::read(payload).await?;
        let visitor = Visitor::of(http).await?;
        let token = cookie::token(&visitor.http, cookie::SESSION).unwrap_or_default();
        if !visitor.desk.app.is_form_token(&token, form.text("form_token")) {
            return Err(said(HttpResponse::Forbidden(), STALE));
        }
        Ok(Self { visitor, form })
    }
}

impl FromRequest for Act {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(http: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (http, payload) = (http.clone(), web::Payload::from_request(http, payload).into_inner());
        Box::pin(async move { Self::of(http, payload?).await.map_err(refusal) })
    }
}

/// The fields of a form, as they were sent.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub async fn read(payload: web::Payload) -> Result<Self, HttpResponse> {
        let body = match tokio::time::timeout(FORM_TIMEOUT, payload.to_bytes_limited(FORM_OCTETS_MAX)).await {
            Ok(Ok(Ok(body))) => body,
            Ok(Ok(Err(_))) => return Err(said(HttpResponse::BadRequest(), "the form was cut off\n")),
            Ok(Err(_)) => return Err(said(HttpResponse::PayloadTooLarge(), "the form is too large\n")),
            Err(_) => return Err(said(HttpResponse::RequestTimeout(), "the form came too slowly\n")),
        };
        Ok(Self(form_urlencoded::parse(&body).into_owned().collect()))
    }

    /// The last field of this name; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().rev().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The same, out of the form: for what is secret.
    pub fn take(&mut self, name: &str) -> String {
        let found = self.0.iter().rposition(|(known, _)| known == name);
        found.map(|index| self.0.swap_remove(index).1).unwrap_or_default()
    }

    /// Whether a box of this name was ticked.
    pub fn is_ticked(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }
}
