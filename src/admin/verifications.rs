//! The verifications: the newest first, filtered, and found by number or id.
//!
//! A number that is searched for travels in a form and never in an address line, which browsers and proxies keep.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::frame::{Frame, Section};
use super::visitor::{Act, Visitor};
use super::words::Moment;
use super::{Desk, page, see_other};
use crate::app::{AccountRow, Internal, Listed, NumberToken, PastCursor, PastPage, PastQuery, Progress, Search};
use crate::clock::Timestamp;

/// Rows of one page.
const PAGE: usize = 50;

/// How often a first page is taken anew.
const LIVE: &str = "10";

#[derive(Template)]
#[template(path = "verifications.html", config = "src/admin/askama.toml")]
struct ListPage {
    frame: Frame,
    rows: Vec<Line>,
    filter: Filter,
    accounts: Vec<(String, String)>,
    countries: Vec<String>,
    states: Vec<(&'static str, &'static str)>,
    /// What is listed, where it is not all.
    what: Option<String>,
    next: Option<String>,
    is_first: bool,
    trouble: Option<&'static str>,
    live: Option<&'static str>,
}

/// A row as it is shown.
struct Line {
    request: String,
    started: Moment,
    number: String,
    country: String,
    account: String,
    brand: String,
    state: &'static str,
    class: &'static str,
    note: &'static str,
}

/// The address line's fields, as they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Filter {
    state: String,
    account: String,
    country: String,
    since: String,
    until: String,
    /// The beginning of an id.
    id: String,
    /// A [`NumberToken`].
    number: String,
    behind: String,
}

impl Filter {
    fn read(http: &HttpRequest) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(http.query_string().as_bytes()) {
            let field = match name.as_ref() {
                "state" => &mut filter.state,
                "account" => &mut filter.account,
                "country" => &mut filter.country,
                "since" => &mut filter.since,
                "until" => &mut filter.until,
                "id" => &mut filter.id,
                "number" => &mut filter.number,
                "behind" => &mut filter.behind,
                _ => continue,
            };
            *field = value.into_owned();
        }
        filter
    }

    fn is_narrow(&self) -> bool {
        [&self.state, &self.account, &self.country, &self.since, &self.until].iter().any(|field| !field.is_empty())
    }

    fn query_string(&self) -> String {
        let fields = [
            ("state", &self.state),
            ("account", &self.account),
            ("country", &self.country),
            ("since", &self.since),
            ("until", &self.until),
            ("id", &self.id),
            ("number", &self.number),
            ("behind", &self.behind),
        ];
        let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
    }

    /// What is asked for; what cannot be read, with the reason.
    fn query(&self, accounts: &[AccountRow]) -> Result<PastQuery, &'static str> {
        fn read<T>(
            text: &str,
            read: impl FnOnce(&str) -> Option<T>,
            fault: &'static str,
        ) -> Result<Option<T>, &'static str> {
            if text.is_empty() { Ok(None) } else { read(text).map(Some).ok_or(fault) }
        }
        let account = |key: &str| accounts.iter().find(|account| account.api_key == key).map(|account| account.id);
        Ok(PastQuery {
            progress: read(&self.state, progress, "There is no such state.")?,
            account: read(&self.account, account, "There is no such account.")?,
            country: read(&self.country, |text| text.parse().ok(), "A country has two letters, such as GB.")?,
            since: read(&self.since, instant, "A time is written as 2026-03-01T12:00.")?,
            until: read(&self.until, instant, "A time is written as 2026-03-01T12:00.")?,
            search: read(&self.id, |text| text.parse::<Search>().ok(), "An id has hexadecimal digits, four at least.")?,
            number: read(&self.number, NumberToken::read, "Please search for the number again.")?,
            behind: read(&self.behind, PastCursor::read, "There is no such page.")?,
        })
    }
}

fn progress(text: &str) -> Option<Progress> {
    Progress::ALL.into_iter().find(|progress| progress.as_str() == text)
}

/// As browsers write a date and a time, in UTC.
fn instant(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T')?;
    let numbers = |text: &str, between| -> Option<Vec<i64>> {
        text.split(between).map(|part| part.parse().ok().filter(|number| *number >= 0)).collect()
    };
    let (date, mut time) = (numbers(date, '-')?, numbers(time, ':')?);
    if time.len() == 2 {
        time.push(0);
    }
    Timestamp::from_date_time(date.try_into().ok()?, time.try_into().ok()?)
}

/// `GET /verifications`.
pub(super) async fn list(http: HttpRequest, visitor: Visitor, desk: web::Data<Desk>) -> HttpResponse {
    let filter = Filter::read(&http);
    match page_of(&desk, &visitor, filter).await {
        Ok(page) => {
            let status = if page.trouble.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            visitor.show_with(status, &page)
        }
        Err(error) => page::failed(&error),
    }
}

async fn page_of(desk: &Desk, visitor: &Visitor, filter: Filter) -> Result<ListPage, Internal> {
    let accounts = desk.app.account_rows().await?;
    let (listed, trouble) = match filter.query(&accounts) {
        Ok(query) => (desk.app.past_verifications(query, PAGE).await?, None),
        Err(fault) => (PastPage::default(), Some(fault)),
    };
    let next = listed.next.map(|next| Filter { behind: next.to_string(), ..filter.clone() }.query_string());
    let is_first = filter.behind.is_empty();
    Ok(ListPage {
        frame: visitor.frame(Section::Verifications),
        what: what(&filter, &listed),
        rows: listed.listed.into_iter().map(Line::new).collect(),
        accounts: accounts.into_iter().map(|account| (account.api_key, account.name)).collect(),
        countries: desk.app.countries_seen().await?,
        states: Progress::ALL.map(|progress| (progress.as_str(), in_words(progress).0)).to_vec(),
        live: (is_first && trouble.is_none()).then_some(LIVE),
        filter,
        next,
        is_first,
        trouble,
    })
}

/// What was searched for, as far as it may be shown.
fn what(filter: &Filter, page: &PastPage) -> Option<String> {
    if !filter.number.is_empty() {
        let number = page.listed.iter().find_map(|listed| listed.number.as_ref()).map(|number| number.masked());
        return Some(number.map_or_else(|| "Of one number".to_owned(), |number| format!("Of the number {number}")));
    }
    (!filter.id.is_empty()).then(|| format!("With an id that begins with {}", filter.id))
}

impl ListPage {
    /// The same filter from its beginning on.
    fn first(&self) -> Option<String> {
        let query = Filter { behind: String::new(), ..self.filter.clone() }.query_string();
        (!query.is_empty()).then_some(query)
    }
}

impl Line {
    fn new(listed: Listed) -> Self {
        let (state, class) = in_words(listed.progress);
        let ended = !matches!(listed.progress, Progress::InProgress);
        Self {
            request: listed.request.to_string(),
            started: Moment(listed.created),
            number: listed.number.map_or_else(|| "wiped".to_owned(), |number| number.masked()),
            country: listed.country.unwrap_or_else(|| "–".to_owned()),
            account: listed.account,
            brand: listed.brand,
            state,
            class,
            note: if ended && !listed.sent { "nothing was sent" } else { "" },
        }
    }
}

/// A word, and how it is to be seen.
pub(super) fn in_words(progress: Progress) -> (&'static str, &'static str) {
    match progress {
        Progress::InProgress => ("in progress", ""),
        Progress::Success => ("verified", "good"),
        Progress::Failed => ("failed", "bad"),
        Progress::Expired => ("expired", "warn"),
        Progress::Cancelled => ("cancelled", ""),
    }
}

/// `POST /verifications/find`.
pub(super) async fn find(act: Act, desk: web::Data<Desk>) -> HttpResponse {
    let text = act.form.text("what").trim();
    let Ok(search) = text.parse::<Search>() else {
        let fault =
            "Write a whole number with its country code, such as +44 7700 900123, or four digits of an id at least.";
        return act.refused("/verifications", fault);
    };
    match place_of(&desk, &search, text).await {
        Ok(place) => see_other(&place),
        Err(error) => page::failed(&error),
    }
}

/// Digits may be a number's or an id's: a number goes first, if anything is known of it.
async fn place_of(desk: &Desk, search: &Search, text: &str) -> Result<String, Internal> {
    let id = text.to_ascii_lowercase();
    let by_number = search.number().map(|number| desk.app.number_token(number));
    if let Some(token) = by_number {
        let place = format!("/verifications?number={token}");
        let query = PastQuery { number: Some(token), ..PastQuery::default() };
        let by_id = PastQuery { search: Some(search.without_number()), ..PastQuery::default() };
        let is_known = !desk.app.past_verifications(query, 1).await?.listed.is_empty();
        let is_id = !is_known && !desk.app.past_verifications(by_id, 1).await?.listed.is_empty();
        return Ok(if is_id { format!("/verifications?id={id}") } else { place });
    }
    let query = PastQuery { search: Some(search.clone()), ..PastQuery::default() };
    Ok(match desk.app.past_verifications(query, 2).await?.listed.as_slice() {
        [only] => format!("/verifications/{}", only.request),
        _ => format!("/verifications?id={id}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_browsers_write_it() {
        let noon = Timestamp::from_millis(1_772_366_400_000);
        assert_eq!(instant("2026-03-01T12:00"), Some(noon));
        assert_eq!(instant("2026-03-01T12:00:00"), Some(noon));
        for text in ["", "2026-03-01", "2026-02-30T12:00", "2026-03-01T24:00", "2026-03-01T12", "x", "-1-1-1T1:1"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn a_filter_writes_what_it_is_given_and_no_more() {
        let filter = Filter { state: "failed".to_owned(), id: "ab&12".to_owned(), ..Filter::default() };
        assert_eq!(filter.query_string(), "state=failed&id=ab%2612");
        assert!(filter.query(&[]).is_err());
        assert!(Filter::default().query(&[]).is_ok());
    }
}
