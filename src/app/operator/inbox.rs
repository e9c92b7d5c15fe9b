//! Messages that came in to the SIMs.

use super::super::App;
use super::super::inbox::{InboxMessage, Join, PARTS_WAIT, clear_inbox, delete_from_inbox, inbox_message, opened};
use super::super::types::Internal;
use crate::phone::PhoneNumber;
use crate::store::Tx;

/// Messages of a page.
pub const INBOX_PAGE: usize = 25;

/// Messages that a search finds at most.
const FOUND_MAX: usize = 100;

/// Digits of a short code at most; more may be a subscriber's number that is not written in full.
const SHORT_CODE_MAX: usize = 6;

/// Which messages are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboxFilter {
    All,
    /// Those after which somebody was put on the blocklist, or taken off it.
    Reactions,
}

/// Some messages, the latest first.
pub struct InboxPage {
    pub messages: Vec<InboxMessage>,
    /// How many there are; of a search, how many were found, more than are here.
    pub count: usize,
}

impl App {
    pub async fn inbox(&self, filter: InboxFilter, page: usize, join: Join) -> Result<InboxPage, Internal> {
        let (keys, waited) = (self.keys(), self.clock.now() - PARTS_WAIT);
        let read = self.store.read(move |tx: &Tx| {
            let numbers = tx.messages(filter == InboxFilter::Reactions, waited)?;
            let shown = numbers.iter().skip(page.saturating_mul(INBOX_PAGE)).take(INBOX_PAGE);
            let messages = shown.map(|number| opened(&keys.secrets, &tx.parts_of(*number)?, join));
            Ok::<_, Internal>(InboxPage { messages: messages.collect::<Result<_, _>>()?, count: numbers.len() })
        });
        read.await
    }

    /// Messages whose sender or text holds the words, whatever the case. Of a number its digits count, however it is
    /// written.
    pub async fn search_inbox(&self, words: &str, join: Join) -> Result<InboxPage, Internal> {
        let (keys, waited) = (self.keys(), self.clock.now() - PARTS_WAIT);
        let wanted = Wanted::new(words);
        let read = self.store.read(move |tx: &Tx| {
            let (mut messages, mut count) = (vec![], 0);
            for number in tx.messages(false, waited)? {
                let message = opened(&keys.secrets, &tx.parts_of(number)?, join)?;
                if wanted.is_in(&message) {
                    count += 1;
                    if messages.len() < FOUND_MAX {
                        messages.push(message);
                    }
                }
            }
            Ok::<_, Internal>(InboxPage { messages, count })
        });
        read.await
    }

    pub async fn inbox_message(&self, number: i64, join: Join) -> Result<Option<InboxMessage>, Internal> {
        inbox_message(&self.store, &self.keys().secrets, number, join).await
    }

    /// Deletes a message; says whether there was one.
    pub async fn delete_from_inbox(&self, number: i64) -> Result<bool, Internal> {
        Ok(delete_from_inbox(&self.store, vec![number]).await?.is_empty())
    }

    /// Deletes all messages; says how many.
    pub async fn clear_inbox(&self) -> Result<usize, Internal> {
        Ok(clear_inbox(&self.store).await?)
    }
}

impl InboxMessage {
    pub fn whole_sender(&self) -> String {
        if self.sender.is_empty() { "unknown".to_owned() } else { self.sender.clone() }
    }

    /// The sender for a list. A name or a short code is nobody's number.
    pub fn masked_sender(&self) -> String {
        let digits = self.sender.chars().filter(char::is_ascii_digit).count();
        match PhoneNumber::parse(&self.sender, None) {
            Ok(number) => number.masked(),
            Err(_) if digits > SHORT_CODE_MAX => "…".to_owned(),
            Err(_) => self.whole_sender(),
        }
    }
}

/// What a search looks for.
struct Wanted {
    words: String,
    digits: Option<String>,
}

impl Wanted {
    fn new(words: &str) -> Self {
        let words = words.trim().to_lowercase();
        let is_number = !words.is_empty() && words.chars().all(|each| each.is_ascii_digit() || " +-()/".contains(each));
        let digits: String = words.chars().filter(char::is_ascii_digit).collect();
        // The zeros before an international number are no part of it.
        let digits = digits.trim_start_matches('0').to_owned();
        Self { digits: (is_number && !digits.is_empty()).then_some(digits), words }
    }

    fn is_in(&self, message: &InboxMessage) -> bool {
        let holds = |text: &str| text.to_lowercase().contains(&self.words);
        let sender_digits: String = message.sender.chars().filter(char::is_ascii_digit).collect();
        let by_digits = self.digits.as_ref().is_some_and(|digits| sender_digits.contains(digits));
        by_digits || holds(&message.sender) || message.text.as_deref().is_some_and(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_takes_numbers_however_they_are_written_and_words_whatever_their_case() {
        let digits = |words| Wanted::new(words).digits;
        assert_eq!(digits("+44 7700 900123").as_deref(), Some("447700900123"));
        assert_eq!(digits("0044 (7700) 900-123").as_deref(), Some("447700900123"));
        assert_eq!((digits("Bank"), digits("0"), digits("")), (None, None, None));
        assert_eq!(Wanted::new("  BANK ").words, "bank");
    }
}
