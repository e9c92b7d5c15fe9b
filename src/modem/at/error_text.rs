//! The texts of `+CME ERROR` and `+CMS ERROR`, both ways: number to text for people, verbose text to number for us.
//!
//! 3GPP TS 27.007 §9.2.1 and TS 27.005 §3.2.5. Makers vary case, blanks and punctuation, so texts are compared by their
//! letters and digits alone.

/// The text of a CME code.
pub(super) fn cme(code: u16) -> Option<&'static str> {
    find(CME, code)
}

/// The text of a CMS code.
pub(super) fn cms(code: u16) -> Option<&'static str> {
    find(CMS, code)
}

/// The CME code of a verbose text.
pub(super) fn cme_code(text: &str) -> Option<u16> {
    code_of(CME, CME_OTHER_WORDS, text)
}

/// The CMS code of a verbose text.
pub(super) fn cms_code(text: &str) -> Option<u16> {
    code_of(CMS, CMS_OTHER_WORDS, text)
}

fn find(table: &[(u16, &'static str)], code: u16) -> Option<&'static str> {
    table.iter().find(|(number, _)| *number == code).map(|(_, text)| *text)
}

fn code_of(table: &[(u16, &str)], other_words: &[(u16, &str)], text: &str) -> Option<u16> {
    let wanted = letters(text);
    table.iter().chain(other_words).find(|(_, known)| letters(known) == wanted).map(|(code, _)| *code)
}

fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

const CME: &[(u16, &str)] = &[
    (0, "phone failure"),
    (1, "no connection to phone"),
    (2, "phone adaptor link reserved"),
    (3, "operation not allowed"),
    (4, "operation not supported"),
    (5, "PH-SIM PIN required"),
    (6, "PH-FSIM PIN required"),
    (7, "PH-FSIM PUK required"),
    (10, "SIM not inserted"),
    (11, "SIM PIN required"),
    (12, "SIM PUK required"),
    (13, "SIM failure"),
    (14, "SIM busy"),
    (15, "SIM wrong"),
    (16, "incorrect password"),
    (17, "SIM PIN2 required"),
    (18, "SIM PUK2 required"),
    (20, "memory full"),
    (21, "invalid index"),
    (22, "not found"),
    (23, "memory failure"),
    (24, "text string too long"),
    (25, "invalid characters in text string"),
    (26, "dial string too long"),
    (27, "invalid characters in dial string"),
    (30, "no network service"),
    (31, "network timeout"),
    (32, "network not allowed, emergency calls only"),
    (40, "network personalisation PIN required"),
    (41, "network personalisation PUK required"),
    (42, "network subset personalisation PIN required"),
    (43, "network subset personalisation PUK required"),
    (44, "service provider personalisation PIN required"),
    (45, "service provider personalisation PUK required"),
    (46, "corporate personalisation PIN required"),
    (47, "corporate personalisation PUK required"),
    (50, "incorrect parameters"),
    (100, "unknown"),
    (103, "illegal MS"),
    (106, "illegal ME"),
    (107, "GPRS services not allowed"),
    (111, "PLMN not allowed"),
    (112, "location area not allowed"),
    (113, "roaming not allowed in this location area"),
    (132, "service option not supported"),
    (133, "requested service option not subscribed"),
    (134, "service option temporarily out of order"),
    (148, "unspecified GPRS error"),
    (149, "PDP authentication failure"),
    (150, "invalid mobile class"),
    (515, "please wait, initialisation or command processing in progress"),
];

const CME_OTHER_WORDS: &[(u16, &str)] = &[
    (10, "SIM not present"),
    (10, "no SIM"),
    (32, "network not allowed - emergency calls only"),
    (32, "emergency calls only"),
    (30, "no network"),
    (50, "invalid parameters"),
    (100, "unknown error"),
    (515, "please wait, init or command processing in progress"),
];

const CMS: &[(u16, &str)] = &[
    (1, "unassigned number"),
    (8, "operator determined barring"),
    (10, "call barred"),
    (21, "short message transfer rejected"),
    (27, "destination out of service"),
    (28, "unidentified subscriber"),
    (29, "facility rejected"),
    (30, "unknown subscriber"),
    (38, "network out of order"),
    (41, "temporary failure"),
    (42, "congestion"),
    (47, "resources unavailable"),
    (50, "requested facility not subscribed"),
    (69, "requested facility not implemented"),
    (81, "invalid short message reference"),
    (95, "invalid message"),
    (96, "invalid mandatory information"),
    (97, "message type not implemented"),
    (98, "message not compatible with protocol state"),
    (99, "information element not implemented"),
    (111, "protocol error"),
    (127, "interworking error"),
    (128, "telematic interworking not supported"),
    (129, "short message type 0 not supported"),
    (130, "cannot replace short message"),
    (143, "unspecified TP-PID error"),
    (144, "data coding scheme not supported"),
    (145, "message class not supported"),
    (159, "unspecified TP-DCS error"),
    (160, "command cannot be actioned"),
    (161, "command unsupported"),
    (175, "unspecified TP-command error"),
    (176, "TPDU not supported"),
    (192, "service centre busy"),
    (193, "no service centre subscription"),
    (194, "service centre system failure"),
    (195, "invalid short message entity address"),
    (196, "destination short message entity barred"),
    (197, "short message rejected, duplicate"),
    (198, "validity period format not supported"),
    (199, "validity period not supported"),
    (208, "SIM short message storage full"),
    (209, "no short message storage in SIM"),
    (210, "error in MS"),
    (211, "memory capacity exceeded"),
    (212, "SIM application toolkit busy"),
    (213, "SIM data download error"),
    (255, "unspecified error"),
    (300, "ME failure"),
    (301, "SMS service of ME reserved"),
    (302, "operation not allowed"),
    (303, "operation not supported"),
    (304, "invalid PDU mode parameter"),
    (305, "invalid text mode parameter"),
    (310, "SIM not inserted"),
    (311, "SIM PIN required"),
    (312, "PH-SIM PIN required"),
    (313, "SIM failure"),
    (314, "SIM busy"),
    (315, "SIM wrong"),
    (316, "SIM PUK required"),
    (317, "SIM PIN2 required"),
    (318, "SIM PUK2 required"),
    (320, "memory failure"),
    (321, "invalid memory index"),
    (322, "memory full"),
    (330, "service centre address unknown"),
    (331, "no network service"),
    (332, "network timeout"),
    (340, "no CNMA acknowledgement expected"),
    (500, "unknown error"),
    (513, "lower layer failure"),
    (515, "please wait, initialisation or command processing in progress"),
];

const CMS_OTHER_WORDS: &[(u16, &str)] = &[
    (310, "SIM not present"),
    (330, "SMSC address unknown"),
    (330, "SCA address unknown"),
    (331, "no network"),
    (500, "unknown"),
    (515, "SIM initialisation or command processing in progress"),
    (515, "please wait, init or command processing in progress"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbose_texts_lead_to_their_numbers_however_they_are_written() {
        assert_eq!(cme_code("SIM not inserted"), Some(10));
        assert_eq!(cme_code("  sim PIN required "), Some(11));
        assert_eq!(cms_code("No network service"), Some(331));
        assert_eq!(cms_code("raspberry"), None);
    }

    #[test]
    fn tables_are_sorted_and_without_repetition() {
        for table in [CME, CMS] {
            assert!(table.is_sorted_by(|left, right| left.0 < right.0));
        }
    }
}
