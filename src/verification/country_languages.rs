//! The language of a request that names none, by the number's country.
//!
//! Made by `scripts/country-languages` from CLDR 48 (territoryInfo.json; licence in LICENSE-UNICODE). Not to be
//! edited: the script says where it departs from CLDR, and why.

/// Languages of the API, each with its countries.
pub(super) const COUNTRIES: [(&str, &str); 34] = [
    ("ar-xa", "AE BH DZ EG EH IQ JO KM KW LB LY MA MR OM PS QA SA SD SO SY TD TN YE"),
    ("cs-cz", "CZ"),
    ("da-dk", "DK FO GL"),
    ("de-de", "AT CH DE LI"),
    ("el-gr", "CY GR"),
    ("en-au", "AU CC CK CX NF NU NZ TK"),
    (
        "en-gb",
        "AC AG AI AL BA BB BD BG BM BN BS BW BZ DM EE ER FJ FK GB GD GG GH GI GM GY HR IE IM IO JE \
         JM KE KI KN KY LC LK LS LT LV ME MK MS MT MV MW MY NA NG NR PG PK RS RW SB SG SH SI SK SL \
         SS SX SZ TA TC TO TT TV TZ UA UG VC VG VU WS XK ZA ZM ZW",
    ),
    ("en-in", "IN"),
    ("en-us", "AS CA FM GU LR MH MP PH PW US VI"),
    ("es-es", "AD ES GQ"),
    ("es-mx", "AR BO CL CO CR CU DO EC GT HN MX NI PA PE PY SV UY VE"),
    ("es-us", "PR"),
    ("fi-fi", "FI"),
    (
        "fr-fr",
        "BF BI BJ BL CD CF CG CI CM DJ FR GA GF GN GP HT LU MC MF MG ML MQ MU NC NE PF PM RE SC SN \
         TG WF YT",
    ),
    ("hu-hu", "HU"),
    ("id-id", "ID"),
    ("is-is", "IS"),
    ("it-it", "IT SM VA"),
    ("ja-jp", "JP"),
    ("ko-kr", "KP KR"),
    ("nb-no", "NO SJ"),
    ("nl-nl", "AW BE BQ CW NL SR"),
    ("pl-pl", "PL"),
    ("pt-br", "BR"),
    ("pt-pt", "AO CV GW MZ PT ST TL"),
    ("ro-ro", "MD RO"),
    ("ru-ru", "BY KG KZ RU"),
    ("sv-se", "AX SE"),
    ("th-th", "TH"),
    ("tr-tr", "TR"),
    ("vi-vn", "VN"),
    ("yue-cn", "HK MO"),
    ("zh-cn", "CN"),
    ("zh-tw", "TW"),
];
