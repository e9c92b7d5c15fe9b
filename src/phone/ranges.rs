//! Calling codes of no country whose calls cost far more than their look tells. Pure.
//!
//! The metadata of libphonenumber knows national premium and shared-cost ranges; satellite phones it takes for mobile ones.

use super::NumberKind;

/// Inmarsat, the global mobile satellite system, and the international networks, most of which are satellites and ships
/// too (ITU-T E.164, list of assigned country codes).
const SATELLITE: [u16; 4] = [870, 881, 882, 883];

const INTERNATIONAL_PREMIUM_RATE: u16 = 979;

const INTERNATIONAL_SHARED_COST: u16 = 808;

/// Universal personal telecommunication.
const INTERNATIONAL_PERSONAL: u16 = 878;

/// The kind of a number that its calling code alone tells.
pub(super) fn kind_of(calling_code: u16) -> Option<NumberKind> {
    match calling_code {
        _ if SATELLITE.contains(&calling_code) => Some(NumberKind::Satellite),
        INTERNATIONAL_PREMIUM_RATE => Some(NumberKind::PremiumRate),
        INTERNATIONAL_SHARED_COST => Some(NumberKind::SharedCost),
        INTERNATIONAL_PERSONAL => Some(NumberKind::PersonalNumber),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::PhoneNumber;

    fn kind(text: &str) -> &'static str {
        PhoneNumber::parse(text, None).map_or("no number", |number| number.kind().as_str())
    }

    /// Of each range one number, as the regulators' plans have them.
    #[test]
    fn ranges_that_cost_more_are_known() {
        let kinds: Vec<String> = [
            "+870773111632",
            "+881612345678",
            "+8821612345678",
            "+883510012345678",
            "+979123456789",
            "+80812345678",
            "+878101234567890",
            "+449098790000",
            "+448712345678",
            "+448431234567",
            "+447012345678",
            "+499001234567",
            "+491371234567",
            "+491801234567",
            "+33899123456",
            "+33810123456",
            "+34803123456",
            "+34901123456",
            "+39899123456",
            "+39199123456",
            "+41900123456",
            "+41840123456",
            "+43900123456",
            "+43810123456",
            "+48701234567",
            "+31900123456",
            "+3290012345",
            "+46900123456",
            "+4782912345",
            "+4590123456",
            "+358600123456",
            "+3531520123456",
            "+351601234567",
            "+420900123456",
            "+19002345678",
            "+611900123456",
            "+6490012345",
            "+81990123456",
            "+78091234567",
            "+55900123456",
            "+309091234567",
            "+3690123456",
            "+40900123456",
            "+35990123456",
            "+27862345678",
            "+529001234567",
        ]
        .iter()
        .map(|text| format!("{text} {}", kind(text)))
        .collect();
        insta::assert_snapshot!(kinds.join("\n"), @"
        +870773111632 satellite
        +881612345678 satellite
        +8821612345678 satellite
        +883510012345678 satellite
        +979123456789 premium_rate
        +80812345678 shared_cost
        +878101234567890 personal_number
        +449098790000 premium_rate
        +448712345678 premium_rate
        +448431234567 premium_rate
        +447012345678 personal_number
        +499001234567 premium_rate
        +491371234567 shared_cost
        +491801234567 shared_cost
        +33899123456 premium_rate
        +33810123456 shared_cost
        +34803123456 premium_rate
        +34901123456 shared_cost
        +39899123456 premium_rate
        +39199123456 personal_number
        +41900123456 premium_rate
        +41840123456 shared_cost
        +43900123456 premium_rate
        +43810123456 shared_cost
        +48701234567 premium_rate
        +31900123456 premium_rate
        +3290012345 premium_rate
        +46900123456 premium_rate
        +4782912345 premium_rate
        +4590123456 premium_rate
        +358600123456 premium_rate
        +3531520123456 premium_rate
        +351601234567 premium_rate
        +420900123456 premium_rate
        +19002345678 premium_rate
        +611900123456 premium_rate
        +6490012345 premium_rate
        +81990123456 premium_rate
        +78091234567 premium_rate
        +55900123456 premium_rate
        +309091234567 premium_rate
        +3690123456 premium_rate
        +40900123456 premium_rate
        +35990123456 premium_rate
        +27862345678 premium_rate
        +529001234567 premium_rate
        ");
    }
}
