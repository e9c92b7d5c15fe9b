//! The files of the page: Swagger UI as build.rs took it out of its archive, and the two that are ours.

use std::io::Read;

use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, IF_NONE_MATCH, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::read::GzDecoder;

use super::guarded;

pub(super) struct Asset {
    pub path: &'static str,
    content_type: &'static str,
    content: Content,
}

enum Content {
    Plain(&'static str),
    Gzip(&'static [u8]),
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

pub(super) static ASSETS: [Asset; 5] = [
    Asset {
        path: "/docs/",
        content_type: "text/html; charset=utf-8",
        content: Content::Plain(include_str!("page.html")),
    },
    Asset { path: "/docs/page.js", content_type: JAVASCRIPT, content: Content::Plain(include_str!("page.js")) },
    Asset {
        path: "/docs/swagger-ui-bundle.js",
        content_type: JAVASCRIPT,
        content: Content::Gzip(include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui-bundle.js.gz"))),
    },
    Asset {
        path: "/docs/swagger-ui.css",
        content_type: "text/css; charset=utf-8",
        content: Content::Gzip(include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui.css.gz"))),
    },
    Asset {
        path: "/docs/swagger-ui-license.txt",
        content_type: "text/plain; charset=utf-8",
        content: Content::Gzip(include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui-license.txt.gz"))),
    },
];

impl Asset {
    pub async fn answer(&self, http: HttpRequest) -> HttpResponse {
        let http = &http;
        let mut response = guarded(HttpResponse::Ok());
        response.content_type(self.content_type);
        let gzip = match self.content {
            Content::Plain(text) => return response.body(text),
            Content::Gzip(gzip) => gzip,
        };
        let tag = tag(gzip);
        response.insert_header((ETAG, tag.clone())).insert_header((VARY, "Accept-Encoding"));
        if header(http, IF_NONE_MATCH.as_str()).split(',').any(|known| known.trim() == tag) {
            return guarded(HttpResponse::NotModified()).insert_header((ETAG, tag)).finish();
        }
        if takes_gzip(header(http, ACCEPT_ENCODING.as_str())) {
            return response.insert_header((CONTENT_ENCODING, "gzip")).body(gzip);
        }
        // Rare, and too long for a worker: browsers take gzip.
        let plain = web::block(move || {
            let mut plain = Vec::new();
            GzDecoder::new(gzip).read_to_end(&mut plain).expect("build.rs wrote a whole gzip file");
            plain
        });
        match plain.await {
            Ok(plain) => response.body(plain),
            Err(_) => HttpResponse::ServiceUnavailable().finish(),
        }
    }
}

fn header<'a>(http: &'a HttpRequest, name: &str) -> &'a str {
    http.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Check sum and length, with which a gzip file ends (RFC 1952 §2.3.1).
fn tag(gzip: &[u8]) -> String {
    let hex: String = gzip[gzip.len() - 8..].iter().map(|octet| format!("{octet:02x}")).collect();
    // Weak: the plain form has the same tag.
    format!("W/\"{hex}\"")
}

/// RFC 9110 §12.5.3, as far as gzip goes: named, or any, and not with weight nought.
fn takes_gzip(accepted: &str) -> bool {
    let weight = |coding: &str| {
        accepted.split(',').find_map(|item| {
            let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
            name.trim().eq_ignore_ascii_case(coding).then(|| {
                let weight = parameters.trim().strip_prefix("q=").unwrap_or("1");
                weight.parse().unwrap_or(0.0)
            })
        })
    };
    weight("gzip").or_else(|| weight("*")).is_some_and(|weight: f32| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;

    use super::*;

    async fn answer(path: &str, headers: &[(&'static str, &str)]) -> HttpResponse {
        let request = headers.iter().fold(TestRequest::get(), |request, header| request.insert_header(*header));
        let asset = ASSETS.iter().find(|asset| asset.path == path).expect("an asset");
        asset.answer(request.to_http_request()).await
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for accepted in ["gzip", "deflate, gzip;q=0.5, br", "*", "GZIP ; q=1.0", "br;q=1, *;q=0.1"] {
            assert!(takes_gzip(accepted), "{accepted}");
        }
        for refused in ["", "br", "identity", "gzip;q=0", "gzip; q=0.000, *", "*;q=0", "gzip;q=x"] {
            assert!(!takes_gzip(refused), "{refused}");
        }
    }

    #[actix_web::test]
    async fn the_same_file_goes_out_packed_and_plain() {
        for asset in &ASSETS {
            let plain = answer(asset.path, &[]).await;
            assert!(plain.headers().get(CONTENT_ENCODING).is_none());
            let plain = to_bytes(plain.into_body()).await.expect("a body");
            assert!(!plain.is_empty(), "{}", asset.path);
            let packed = answer(asset.path, &[("accept-encoding", "gzip")]).await;
            if packed.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip") {
                let packed = to_bytes(packed.into_body()).await.expect("a body");
                let mut unpacked = Vec::new();
                GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).expect("gzip");
                assert!(unpacked == plain, "{}", asset.path);
            }
        }
    }

    #[actix_web::test]
    async fn a_browser_that_has_the_file_is_told_so() {
        let first = answer("/docs/swagger-ui.css", &[]).await;
        let tag = first.headers().get(ETAG).expect("a tag").to_str().expect("ASCII").to_owned();
        assert_eq!(answer("/docs/swagger-ui.css", &[("if-none-match", &tag)]).await.status(), 304);
        assert_eq!(answer("/docs/swagger-ui.css", &[("if-none-match", "\"other\"")]).await.status(), 200);
    }
}
