//! What every request passes first: is it meant for this host, does a form come from a page of ours. And the headers of
//! every reply.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, web};

use super::{Desk, said};

/// Style sheet, script and forms of this site; nothing in line, no frame, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 8] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    // With no-referrer browsers would say "null" for the origin of our own forms.
    (REFERRER_POLICY, "same-origin"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

pub(super) async fn pass(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let secure = request.app_config().secure();
    let desk = request.app_data::<web::Data<Desk>>().expect("the site has its state").clone();
    let host = host(request.request());
    let refusal = if !host.as_deref().is_some_and(|host| is_ours(host, &desk.hosts)) {
        let what = "this name is not known here: add it to admin.hosts, or use the address\n";
        Some(said(HttpResponse::MisdirectedRequest(), what))
    } else if request.method() == Method::POST
        && !is_of_this_site(request.headers(), host.as_deref().unwrap_or_default())
    {
        Some(said(HttpResponse::Forbidden(), "this form came from another site\n"))
    } else {
        None
    };
    let mut response = match refusal {
        Some(refusal) => request.into_response(refusal),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if secure {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    Ok(response)
}

/// Host and port that the browser asked for: of HTTP/2 they stand in the URI.
fn host(request: &HttpRequest) -> Option<String> {
    let of_uri = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let mut headers = request.headers().get_all(HOST);
    let of_header = headers.next().and_then(|value| value.to_str().ok()).map(str::to_owned);
    if headers.next().is_some() { None } else { of_uri.or(of_header) }
}

/// A page on another site can have its own name point here (DNS rebinding), and then is of the same origin as we are; an
/// address it cannot have.
fn is_ours(host: &str, names: &[String]) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => return address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split_once(':').map_or(host, |(name, _)| name).trim_end_matches('.').to_ascii_lowercase(),
    };
    name == "localhost" || name.parse::<std::net::Ipv4Addr>().is_ok() || names.contains(&name)
}

/// Whether a form comes from a page of this site, as far as the browser says: all of today do. The form's own token is
/// looked at besides.
fn is_of_this_site(headers: &HeaderMap, host: &str) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let origin = text(ORIGIN);
    let is_same_origin =
        |origin: &str| origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
    site.is_none_or(|site| site == "same-origin") && origin.is_none_or(is_same_origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_named_hosts_are_ours_and_no_other_name() {
        let names = ["sms.lan".to_owned()];
        for host in [
            "127.0.0.1:8081",
            "192.0.2.7",
            "[::1]:8081",
            "[fd00::7]",
            "localhost",
            "LOCALHOST:8081",
            "sms.lan:1",
            "SMS.lan.",
            "sms.lan",
        ] {
            assert!(is_ours(host, &names), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8081",
            "127.0.0.1.evil.example",
            "sms.lan.evil.example",
            "[evil]",
            "localhost.evil.example",
            "xsms.lan",
            "[::1",
        ] {
            assert!(!is_ours(host, &names), "{host}");
        }
    }

    #[test]
    fn a_form_of_another_site_is_seen_by_what_the_browser_says() {
        let check = |lines: &[(&'static str, &'static str)]| {
            let header = |(name, value): &(&'static str, &'static str)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            };
            is_of_this_site(&lines.iter().map(header).collect(), "127.0.0.1:8081")
        };
        assert!(check(&[]), "no browser: the token decides");
        assert!(check(&[("origin", "http://127.0.0.1:8081"), ("sec-fetch-site", "same-origin")]));
        for lines in [
            &[("origin", "http://127.0.0.1:9999")][..],
            &[("origin", "null")],
            &[("origin", "http://evil.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "http://127.0.0.1:8081"), ("sec-fetch-site", "same-site")],
        ] {
            assert!(!check(lines), "{lines:?}");
        }
    }
}
