//! What is around every page: where one is, who one is, what was just done.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Characters of a notice: it travels in a cookie.
const NOTICE_MAX: usize = 180;

/// The pages that the navigation names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Verifications,
    Accounts,
    Protection,
    Inbox,
    Modems,
    Providers,
    Webhooks,
    Settings,
    /// Of a sandbox alone.
    Phone,
    /// Behind the user's name, not in the navigation.
    OwnLogin,
}

impl Section {
    const ALL: [Self; 10] = [
        Self::Overview,
        Self::Verifications,
        Self::Accounts,
        Self::Protection,
        Self::Inbox,
        Self::Modems,
        Self::Providers,
        Self::Webhooks,
        Self::Settings,
        Self::Phone,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Verifications => "Verifications",
            Self::Accounts => "Accounts",
            Self::Protection => "Protection",
            Self::Inbox => "Inbox",
            Self::Providers => "Providers",
            Self::Settings => "Settings",
            Self::OwnLogin => "Your login",
            Self::Modems => "Modems",
            Self::Phone => "Virtual phone",
            Self::Webhooks => "Webhooks",
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Verifications => "/verifications",
            Self::Accounts => "/accounts",
            Self::Protection => "/protection",
            Self::Inbox => "/inbox",
            Self::Providers => "/providers",
            Self::Settings => "/settings",
            Self::OwnLogin => "/own-login",
            Self::Modems => "/modems",
            Self::Phone => "/phone",
            Self::Webhooks => "/webhooks",
        }
    }
}

/// The field `frame` of every page that extends `page.html`.
pub(super) struct Frame {
    pub admin: String,
    pub form_token: String,
    pub here: Section,
    pub notice: Option<Notice>,
    pub sections: Vec<Section>,
}

impl Frame {
    pub fn new(admin: &str, form_token: &str, here: Section, notice: Option<Notice>) -> Self {
        let sections = Section::ALL.to_vec();
        Self { admin: admin.to_owned(), form_token: form_token.to_owned(), here, notice, sections }
    }
}

/// What a form came to, for the next page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    pub is_good: bool,
    pub text: String,
}

impl Notice {
    pub fn to_cookie(&self) -> String {
        let text: String = self.text.chars().take(NOTICE_MAX).collect();
        URL_SAFE_NO_PAD.encode(format!("{}{text}", if self.is_good { '+' } else { '-' }))
    }

    pub fn from_cookie(cookie: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cookie).ok()?).ok()?;
        let is_good = text.starts_with('+');
        text.strip_prefix(['+', '-']).map(|text| Self { is_good, text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_survives_its_cookie() {
        for (is_good, text) in [(true, "Added 5 credits to Äcme."), (false, "")] {
            let notice = Notice { is_good, text: text.to_owned() };
            assert_eq!(Notice::from_cookie(&notice.to_cookie()), Some(notice));
        }
        assert_eq!(Notice::from_cookie("%%"), None);
        assert_eq!(Notice::from_cookie(&URL_SAFE_NO_PAD.encode("no sign")), None);
    }

    #[test]
    fn a_long_notice_still_fits_into_a_cookie() {
        let notice = Notice { is_good: true, text: "€".repeat(5000) };
        assert!(notice.to_cookie().len() < 1024);
    }
}
