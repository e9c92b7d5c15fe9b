//! The cases in which this program means to differ, with the reason.

/// Why a case may differ from what is expected; nothing if it may not.
pub fn reason(id: &str) -> Option<&'static str> {
    let (_, reason) = REASONS.iter().find(|(end, _)| id.ends_with(end))?;
    Some(reason)
}

/// Kinds of case of which nothing is expected here.
pub fn is_of_no_concern(id: &str) -> bool {
    ["SmsCommand", "SmsDeliverReport", "SmsSubmitReport"].iter().any(|kind| id.contains(kind))
}

const FILLER: &str =
    "a filler ends a number wherever it stands, and a number without one is whole: real senders do both";
const TIME: &str = "a time that is none is an absent one: it must not cost the message";
const AFTER_STATUS: &str = "what follows the status is optional and must not cost the status";
const ONLY_SUBMIT: &str = "only SUBMIT is encoded here";
const ELEMENT: &str =
    "an element that ends outside its header is left out, as 3GPP TS 23.040 §9.2.3.24 asks of receivers";
const EXPRESSION: &str = "the corpus lost the precedence of its expression: 3 h 12 min 45 s is meant";
const CENTURY: &str = "a year of two digits cannot say its century; 70 to 99 are of the 20th";
const OTHER_OPTION: &str = "an option of the other encoder, which there is no use for here";
const NATIONAL: &str = "nothing is sent under a national table: too many phones show rubbish";

/// Ends of ids. A case that is as expected and stands here counts as different, so that no reason outlives its need.
const REASONS: &[(&str, &str)] = &[
    ("UnmarshalBinary/unsupported SMS type", "the reserved type is read as DELIVER, as §9.2.3.1 asks of receivers"),
    ("UnmarshalBinary/SmsDeliver underflow oa", FILLER),
    ("UnmarshalBinary/SmsSubmit bad da", FILLER),
    ("AddressUnmarshalBinary/overlong number", FILLER),
    ("AddressUnmarshalBinary/short number pad", FILLER),
    ("UnmarshalBinary/SmsDeliver bad scts", TIME),
    ("UnmarshalBinary/SmsStatusReport bad scts", TIME),
    ("UnmarshalBinary/SmsStatusReport bad dt", TIME),
    ("UnmarshalBinary/SmsSubmit bad vp", TIME),
    ("UnmarshalBinary/SmsStatusReport underflow pid", AFTER_STATUS),
    ("UnmarshalBinary/SmsStatusReport underflow dcs", AFTER_STATUS),
    ("UnmarshalBinary/SmsStatusReport underflow ud", AFTER_STATUS),
    ("TestMarshalBinary/unsupported SMS type", ONLY_SUBMIT),
    ("TestMarshalBinary/SmsDeliver bad oa", ONLY_SUBMIT),
    ("TestMarshalBinary/SmsDeliver bad scts", ONLY_SUBMIT),
    ("TestMarshalBinary/SmsDeliver bad ud", ONLY_SUBMIT),
    ("TestMarshalBinary/SmsStatusReport bad ra", ONLY_SUBMIT),
    ("TestMarshalBinary/SmsStatusReport bad scts", ONLY_SUBMIT),
    ("TestMarshalBinary/SmsStatusReport bad dt", ONLY_SUBMIT),
    ("TestMarshalBinary/SmsStatusReport bad ud", ONLY_SUBMIT),
    ("TestMarshalBinary/SmsSubmit bad vp", "a validity period is a duration: there is no bad one"),
    ("TestMarshalBinary/SmsSubmit bad ud", "the text chooses its alphabet: there is no bad one"),
    (
        "TestMarshalBinary/SmsStatusReport dcsless",
        "a report that names no coding is in the default alphabet (§9.2.3.27); the other encoder wrote octets",
    ),
    (
        "TestMarshalBinary/SmsSubmit vp",
        "the other encoder wrote a validity period and a first octet that says there is none",
    ),
    ("TestMarhalBinary/20700101", CENTURY),
    ("TestMarhalBinary/21001231", CENTURY),
    ("VPMarshalBinary/enhancedRelative5m", "the input leaves its period out; octet 0 is five minutes"),
    ("VPMarshalBinary/enhancedRelativeSeconds", "the other encoder cut an hour to the 255 s that fit"),
    ("VPMarshalBinary/enhancedHHMMSS", EXPRESSION),
    ("VPUnmarshalBinary/enhancedHHMMSS", EXPRESSION),
    ("encode.patterns/nil", "an empty text is one empty message"),
    ("encode.patterns/empty", "an empty text is one empty message"),
    ("encode.patterns/dcs conflict", OTHER_OPTION),
    ("encode.patterns/two segment 7bit with UDH", OTHER_OPTION),
    ("encode.patterns/two segment 7bit with template", OTHER_OPTION),
    ("UserDataHeaderUnmarshalBinary/short ie", ELEMENT),
    ("UserDataHeaderUnmarshalBinary/short ied", ELEMENT),
    ("smscounter/urdu locking", NATIONAL),
    ("smscounter/urdu extended", NATIONAL),
    ("smscounter/urdu locking and extended", NATIONAL),
    ("csim_response_test_list/8", "a blocked SIM has no tries left, and that is worth knowing"),
    ("csim_response_test_list/13", "quotes are no part of what is said"),
];
