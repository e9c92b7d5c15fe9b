//! A browser without a screen: cookies, forms, and no redirect followed unseen.

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Method, StatusCode};

use super::TestApp;

/// What a browser keeps between two requests.
#[derive(Clone, Default)]
pub struct Browser {
    pub cookies: Vec<(String, String)>,
    /// Behind a proxy that says so.
    address: Option<&'static str>,
}

pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Page {
    pub fn location(&self) -> &str {
        self.headers.get(LOCATION).map_or("", |value| value.to_str().expect("ASCII"))
    }

    pub fn form_token(&self) -> &str {
        let (_, rest) = self.text.split_once("name=\"form_token\" value=\"").expect("a form with a token");
        rest.split_once('"').expect("the end of it").0
    }
}

impl Browser {
    /// One that has logged in.
    pub async fn logged_in(app: &TestApp, name: &str, password: &str) -> Self {
        let mut browser = Self::default();
        let page = browser.log_in(app, name, password).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
        browser
    }

    pub fn at(address: &'static str) -> Self {
        Self { address: Some(address), ..Self::default() }
    }

    pub async fn go(&mut self, app: &TestApp, method: Method, path: &str, form: &[(&str, &str)]) -> Page {
        self.go_with(app, method, path, form, &[]).await
    }

    pub async fn go_with(
        &mut self,
        app: &TestApp,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Page {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let mut request = client.build().expect("a client").request(method.clone(), app.admin_url(path));
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        if let Some(address) = self.address {
            request = request.header("x-forwarded-for", address);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if method == Method::POST {
            request = request.form(form);
        }
        let response = request.send().await.expect("a reply");
        let (status, headers) = (response.status(), response.headers().clone());
        for cookie in headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().expect("ASCII");
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
            let (name, value) = cookie.split(';').next().expect("a part").split_once('=').expect("name and value");
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        Page { status, headers, text: response.text().await.expect("text") }
    }

    pub async fn get(&mut self, app: &TestApp, path: &str) -> Page {
        self.go(app, Method::GET, path, &[]).await
    }

    /// Sends a form of the page at `page` to `path`, with the page's token, and follows to what it leads to.
    pub async fn submit(&mut self, app: &TestApp, page: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.get(app, page).await.form_token().to_owned();
        let form: Vec<_> = [("form_token", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        let reply = self.go(app, Method::POST, path, &form).await;
        match reply.location().to_owned() {
            location if location.is_empty() => reply,
            location => self.get(app, &location).await,
        }
    }

    /// Opens the form, fills it in, and sends it.
    pub async fn log_in(&mut self, app: &TestApp, name: &str, password: &str) -> Page {
        let token = self.get(app, "/login").await.form_token().to_owned();
        let form = [("form_token", token.as_str()), ("name", name), ("password", password)];
        self.go(app, Method::POST, "/login", &form).await
    }

    pub async fn is_logged_in(&mut self, app: &TestApp) -> bool {
        self.get(app, "/").await.status == StatusCode::OK
    }

    pub fn session(&self) -> Option<&str> {
        self.cookies.iter().find(|(name, _)| name == "simverify_session").map(|(_, value)| value.as_str())
    }
}
