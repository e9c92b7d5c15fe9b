//! Words by which the owner of a number asks to be left alone, and takes that back.
//!
//! A message is one of them only as a whole: case, punctuation and space around it do not count, anything more does. The
//! English ones are those of CTIA's Messaging Principles (§5.1.3) and of 47 CFR §64.1200(a)(10); every language of the
//! texts has its own besides, and English is understood in all of them.

/// What the sender of a message wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    OptOut,
    OptIn,
}

/// The words: the built-in ones, and the operator's.
#[derive(Clone, Debug, Default)]
pub struct OptOutWords {
    opt_out: Vec<String>,
    opt_in: Vec<String>,
}

/// English, and what other languages took from it.
const OPT_OUT: &[&str] =
    &["STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT", "OPT-OUT"];
const OPT_IN: &[&str] = &["START", "UNSTOP", "OPTIN", "OPT IN", "OPT-IN"];

/// Words of each language of the texts; those that English has too stand above.
const BY_LANGUAGE: &[(&str, &[&str], &[&str])] = &[
    ("ar", &["إيقاف", "ايقاف", "توقف", "إلغاء", "الغاء", "قف"], &["ابدأ", "ابدا", "بدء"]),
    ("bg", &["СТОП", "СПРИ", "ОТКАЗ"], &["СТАРТ"]),
    ("cs", &["KONEC", "ZRUSIT", "ZRUŠIT", "ODHLASIT", "ODHLÁSIT"], &["ZACIT", "ZAČÍT"]),
    ("cy", &["STOPIO"], &["DECHRAU"]),
    ("da", &["STOPPE", "AFMELD"], &["TILMELD"]),
    ("de", &["STOPP", "ABMELDEN", "ABBESTELLEN"], &["ANMELDEN"]),
    ("el", &["ΣΤΟΠ", "ΔΙΑΚΟΠΗ", "ΔΙΑΚΟΠΉ"], &["ΕΝΑΡΞΗ", "ΈΝΑΡΞΗ"]),
    ("es", &["BAJA", "ALTO", "PARAR", "CANCELAR"], &["ALTA", "INICIAR"]),
    ("et", &["STOPP", "LOPETA", "PEATA"], &["ALUSTA"]),
    ("fi", &["LOPETA", "PERUUTA"], &["ALOITA"]),
    ("fil", &["ITIGIL", "HINTO"], &["SIMULAN"]),
    ("fr", &["ARRET", "ARRÊT", "ARRETER", "ARRÊTER", "DESABONNER", "DÉSABONNER"], &["DEBUT", "DÉBUT"]),
    ("ga", &["STAD"], &["TOSAIGH"]),
    ("hi", &["रोकें", "रोको", "बंद", "बंद करें"], &["शुरू", "शुरू करें"]),
    ("hu", &["LEALL", "LEÁLL", "LEALLIT", "LEÁLLÍT", "LEMOND"], &["INDIT", "INDÍT"]),
    ("id", &["BERHENTI", "BATAL"], &["MULAI"]),
    ("is", &["STÖÐVA", "STODVA", "HÆTTA"], &["BYRJA"]),
    ("it", &["FERMA", "ANNULLA", "DISATTIVA"], &["INIZIA", "ATTIVA"]),
    ("ja", &["停止", "配信停止", "解除", "ストップ"], &["開始", "再開", "スタート"]),
    ("ko", &["중지", "중단", "정지", "수신거부"], &["시작"]),
    ("lt", &["STABDYTI", "ATSAUKTI"], &["PRADETI", "PRADĖTI"]),
    ("lv", &["APTURET", "APTURĒT", "ATTEIKT"], &["SAKT", "SĀKT"]),
    ("mt", &["WAQQAF", "IEQAF"], &["IBDA"]),
    ("nb", &["STOPP", "AVSLUTT", "AVMELD"], &["BEGYNN"]),
    ("nl", &["STOPPEN", "AFMELDEN"], &["AANMELDEN", "BEGIN"]),
    ("pl", &["ZATRZYMAJ", "REZYGNUJE", "REZYGNUJĘ", "WYPISZ"], &["ROZPOCZNIJ"]),
    ("pt", &["PARAR", "PARE", "SAIR", "CANCELAR"], &["INICIAR", "COMECAR", "COMEÇAR"]),
    ("ro", &["OPRESTE", "OPREȘTE", "OPREŞTE", "DEZABONARE"], &["PORNESTE", "PORNEȘTE", "ABONARE"]),
    ("ru", &["СТОП", "ОТПИСКА", "ОТПИСАТЬСЯ", "ОТМЕНА"], &["СТАРТ", "ПОДПИСКА"]),
    ("sk", &["KONIEC", "ZRUSIT", "ZRUŠIŤ", "ODHLASIT", "ODHLÁSIŤ"], &["ZACAT", "ZAČAŤ"]),
    ("sl", &["USTAVI", "ODJAVA"], &["ZACNI", "ZAČNI", "PRIJAVA"]),
    ("sv", &["STOPP", "AVSLUTA", "AVREGISTRERA"], &["STARTA"]),
    ("th", &["หยุด", "ยกเลิก"], &["เริ่ม"]),
    ("tr", &["DUR", "DURDUR", "IPTAL", "İPTAL", "RET"], &["BASLA", "BAŞLA", "BAŞLAT"]),
    ("vi", &["DUNG", "DỪNG", "HUY", "HỦY", "HUỶ"], &["BAT DAU", "BẮT ĐẦU"]),
    ("yue", &["停止", "取消"], &["開始"]),
    ("zh", &["停止", "退订", "退訂", "取消", "TD"], &["开始", "開始", "订阅", "訂閱"]),
];

impl OptOutWords {
    /// The built-in words and further ones.
    pub fn new(opt_out: &[String], opt_in: &[String]) -> Self {
        let (built_out, built_in) = built_in();
        let further = |words: &[String]| words.iter().map(|word| plain(word)).filter(|word| !word.is_empty()).collect();
        let (mut further_out, mut further_in): (Vec<_>, Vec<_>) = (further(opt_out), further(opt_in));
        further_out.extend(built_out.map(plain));
        further_in.extend(built_in.map(plain));
        Self { opt_out: further_out, opt_in: further_in }
    }

    /// What a whole message asks for. A word of both kinds opts out.
    pub fn wish(&self, text: &str) -> Option<Wish> {
        let text = plain(text);
        if self.opt_out.contains(&text) {
            Some(Wish::OptOut)
        } else {
            self.opt_in.contains(&text).then_some(Wish::OptIn)
        }
    }
}

fn built_in() -> (impl Iterator<Item = &'static str>, impl Iterator<Item = &'static str>) {
    let opt_out = OPT_OUT.iter().chain(BY_LANGUAGE.iter().flat_map(|(_, opt_out, _)| *opt_out)).copied();
    let opt_in = OPT_IN.iter().chain(BY_LANGUAGE.iter().flat_map(|(_, _, opt_in)| *opt_in)).copied();
    (opt_out, opt_in)
}

/// Letters and digits in lower case; words parted by one blank.
fn plain(text: &str) -> String {
    let folded = text.to_lowercase();
    let letters = |word: &str| word.chars().filter(|character| character.is_alphanumeric()).collect::<String>();
    let words: Vec<String> = folded.split_whitespace().map(letters).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::Language;

    fn wish(text: &str) -> Option<Wish> {
        OptOutWords::new(&[], &[]).wish(text)
    }

    #[test]
    fn a_word_counts_whatever_its_case_and_what_stands_around_it() {
        for text in
            ["STOP", "stop", " Stop. ", "\"Stop!\"", "S.T.O.P.", "stop\n", "Stop 🛑", "opt-out", "Opt  out", "STOP ALL"]
        {
            assert_eq!(wish(text), Some(Wish::OptOut), "{text:?}");
        }
        for text in ["START", "start!", "UnStop"] {
            assert_eq!(wish(text), Some(Wish::OptIn), "{text:?}");
        }
    }

    #[test]
    fn a_longer_message_is_no_wish() {
        for text in
            ["", " ", "!", "please stop", "stop it", "nonstop", "4711", "STOP 4711", "start of play", "yes", "s t o p"]
        {
            assert_eq!(wish(text), None, "{text:?}");
        }
    }

    #[test]
    fn each_language_of_the_texts_has_its_words() {
        for language in Language::all() {
            let tag = language.as_str();
            let tongue = match tag.split('-').next().expect("a language") {
                "en" => continue,
                "ee" => "et",
                tongue => tongue,
            };
            let found = BY_LANGUAGE.iter().find(|(known, _, _)| *known == tongue);
            let (_, opt_out, opt_in) = found.unwrap_or_else(|| panic!("no words for {tag}"));
            assert!(!opt_out.is_empty() && !opt_in.is_empty(), "{tag}");
            for word in *opt_out {
                assert_eq!(wish(&word.to_lowercase()), Some(Wish::OptOut), "{word}");
            }
            for word in *opt_in {
                assert_eq!(wish(&format!("{word}!")), Some(Wish::OptIn), "{word}");
            }
        }
    }

    #[test]
    fn no_word_is_a_pin_or_means_both() {
        let (opt_out, opt_in) = built_in();
        let opt_out: Vec<_> = opt_out.map(plain).collect();
        for word in opt_in.map(plain).chain(opt_out.iter().cloned()) {
            assert!(!word.is_empty() && !word.chars().any(|character| character.is_ascii_digit()), "{word}");
        }
        let (_, opt_in) = built_in();
        for word in opt_in.map(plain) {
            assert!(!opt_out.contains(&word), "{word}");
        }
    }

    #[test]
    fn an_operators_words_are_understood_besides() {
        let words = OptOutWords::new(&["Lass das!".to_owned()], &["Weiter".to_owned()]);
        assert_eq!(words.wish("lass das"), Some(Wish::OptOut));
        assert_eq!(words.wish("WEITER"), Some(Wish::OptIn));
        assert_eq!(words.wish("stop"), Some(Wish::OptOut));
        assert_eq!(OptOutWords::new(&["!".to_owned()], &[]).wish(""), None, "an empty word is none");
    }
}
