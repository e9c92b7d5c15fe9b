//! Every language, with the encoder that sends it.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::modem::pdu;
use crate::verification::Brand;

/// Parsed once: the properties ask often.
static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::built_in(pdu::part_count));

fn texts() -> Texts {
    TEXTS.clone()
}

fn brand(name: &str) -> Purpose {
    Purpose::Number { brand: Brand::new(name).expect("a brand") }
}

fn payment(payee: &str, cents: u64) -> Purpose {
    let amount = Amount::from_cents(cents).expect("an amount");
    Purpose::Payment { payee: Payee::new(payee).expect("a payee"), amount }
}

fn pin(text: &str) -> Pin {
    Pin::new(text).expect("a PIN")
}

fn language(tag: &str) -> Language {
    tag.parse().expect("a language")
}

fn autofill(domain: Option<&str>, app_hash: Option<&str>) -> Autofill {
    Autofill {
        domain: domain.map(|domain| domain.parse().expect("a domain")),
        app_hash: app_hash.map(|hash| hash.parse().expect("a hash")),
    }
}

#[test]
fn every_language_has_its_texts() {
    let texts = texts();
    let mut told = String::new();
    for language in Language::all() {
        let sms = |purpose: &Purpose| texts.sms(purpose, &pin("4711"), language, &Autofill::default());
        let Spoken { greeting, code_is, again, hear_again, goodbye } = texts.speech(&brand("Acme"), language);
        let of_payment = texts.speech(&payment("Acme", 2550), language).greeting;
        let (number, of_money) = (sms(&brand("Acme")), sms(&payment("Acme", 2550)));
        told += &format!("{language:?}\n  {number}\n  {of_money}\n");
        told += &format!("  {greeting} {code_is} – {again} – {hear_again} – {goodbye}\n  {of_payment}\n");
        told += &format!("  {}\n", texts.capital(language, "A"));
    }
    insta::assert_snapshot!(told, @"
    ar-xa
      4711 هو رمز Acme الخاص بك. لا تشاركه مع أحد.
      4711 هو رمز دفع 25.50 يورو إلى Acme. لا تشاركه.
      مرحبًا. هذه مكالمة من Acme. رمزك هو – مرة أخرى – اضغط 1 لسماعه مرة أخرى. – مع السلامة.
      مرحبًا. هذه مكالمة بخصوص دفع 25.50 يورو إلى Acme.
      A كبير
    cs-cz
      4711 je váš kód Acme. Nikomu ho nesdělujte.
      4711 je kód k platbě 25,50 EUR, příjemce Acme.
      Dobrý den. Volá Acme. Váš kód je – Ještě jednou – Pro zopakování stiskněte 1. – Na shledanou.
      Dobrý den. Voláme kvůli platbě 25,50 eur, příjemce Acme.
      velké A
    cy-cy
      4711 yw eich cod Acme. Cadwch ef yn gyfrinachol.
      4711 yw eich cod i dalu EUR 25.50 i Acme. Cadwch ef yn gyfrinachol.
      Helo. Dyma Acme. Eich cod yw – Eto – Pwyswch 1 i'w glywed eto. – Hwyl fawr.
      Helo. Mae'r alwad hon am daliad o 25.50 ewro i Acme.
      prif lythyren A
    cy-gb
      4711 yw eich cod Acme. Cadwch ef yn gyfrinachol.
      4711 yw eich cod i dalu EUR 25.50 i Acme. Cadwch ef yn gyfrinachol.
      Helo. Dyma Acme. Eich cod yw – Eto – Pwyswch 1 i'w glywed eto. – Hwyl fawr.
      Helo. Mae'r alwad hon am daliad o 25.50 ewro i Acme.
      prif lythyren A
    da-dk
      4711 er din Acme-kode. Del den ikke med nogen.
      4711 er din kode til at betale 25,50 EUR til Acme. Del den ikke med nogen.
      Hej. Det er Acme. Din kode er – Igen – Tryk 1 for at høre den igen. – Farvel.
      Hej. Det drejer sig om en betaling på 25,50 euro til Acme.
      stort A
    de-de
      4711 ist Ihr Acme-Code. Geben Sie ihn nicht weiter.
      4711 ist Ihr Code für die Zahlung von 25,50 EUR an Acme. Geben Sie ihn nicht weiter.
      Guten Tag. Hier ist Acme. Ihr Code lautet – Noch einmal – Drücken Sie die 1, um ihn noch einmal zu hören. – Auf Wiederhören.
      Guten Tag. Es geht um eine Zahlung von 25,50 Euro an Acme.
      großes A
    el-gr
      4711 είναι ο κωδικός σας Acme. Μην τον κοινοποιείτε.
      4711 κωδικός πληρωμής 25,50 EUR προς Acme.
      Γεια σας. Σας καλούμε από Acme. Ο κωδικός σας είναι – Επαναλαμβάνω – Πατήστε 1 για να τον ακούσετε ξανά. – Αντίο.
      Γεια σας. Σας καλούμε για πληρωμή 25,50 ευρώ προς Acme.
      κεφαλαίο A
    en-au
      4711 is your Acme code. Do not share it with anyone.
      4711 is your code to pay EUR 25.50 to Acme. Do not share it with anyone.
      Hello. This is Acme. Your code is – Again – Press 1 to hear it again. – Goodbye.
      Hello. This is about a payment of 25.50 euros to Acme.
      capital A
    en-gb
      4711 is your Acme code. Do not share it with anyone.
      4711 is your code to pay EUR 25.50 to Acme. Do not share it with anyone.
      Hello. This is Acme. Your code is – Again – Press 1 to hear it again. – Goodbye.
      Hello. This is about a payment of 25.50 euros to Acme.
      capital A
    en-in
      4711 is your Acme code. Do not share it with anyone.
      4711 is your code to pay EUR 25.50 to Acme. Do not share it with anyone.
      Hello. This is Acme. Your code is – Again – Press 1 to hear it again. – Goodbye.
      Hello. This is about a payment of 25.50 euros to Acme.
      capital A
    en-us
      4711 is your Acme code. Do not share it with anyone.
      4711 is your code to pay EUR 25.50 to Acme. Do not share it with anyone.
      Hello. This is Acme. Your code is – Again – Press 1 to hear it again. – Goodbye.
      Hello. This is about a payment of 25.50 euros to Acme.
      capital A
    es-es
      4711 es tu código de Acme. No lo compartas con nadie.
      4711 es tu código para pagar 25,50 EUR a Acme.
      Hola. Te llamamos de Acme. Tu código es – Repetimos – Pulsa 1 para escucharlo de nuevo. – Adiós.
      Hola. Te llamamos por un pago de 25,50 euros a Acme.
      A mayúscula
    es-mx
      4711 es tu código de Acme. No lo compartas con nadie.
      4711 es tu código para pagar 25.50 EUR a Acme.
      Hola. Te llamamos de Acme. Tu código es – Repetimos – Presiona 1 para escucharlo de nuevo. – Adiós.
      Hola. Te llamamos por un pago de 25.50 euros a Acme.
      A mayúscula
    es-us
      4711 es tu código de Acme. No lo compartas con nadie.
      4711 es tu código para pagar 25.50 EUR a Acme.
      Hola. Te llamamos de Acme. Tu código es – Repetimos – Presiona 1 para escucharlo de nuevo. – Adiós.
      Hola. Te llamamos por un pago de 25.50 euros a Acme.
      A mayúscula
    fi-fi
      4711 on Acme-koodisi. Älä jaa sitä kenellekään.
      4711 on koodisi maksuun: 25,50 EUR, saaja Acme. Älä jaa sitä kenellekään.
      Hei. Täällä Acme. Koodisi on – Toistan – Paina 1, niin kuulet sen uudelleen. – Kuulemiin.
      Hei. Soitamme maksusta, 25,50 euroa, saaja Acme.
      iso A
    fil-ph
      4711 ang iyong Acme code. Huwag itong ibahagi kaninuman.
      4711 ang iyong code para magbayad ng EUR 25.50 sa Acme. Huwag itong ibahagi kaninuman.
      Kumusta. Ito ang Acme. Ang iyong code ay – Uulitin ko – Pindutin ang 1 para marinig itong muli. – Paalam.
      Kumusta. Tungkol ito sa bayad na 25.50 euro sa Acme.
      malaking A
    fr-ca
      4711 est votre code Acme. Ne le communiquez à personne.
      4711 est votre code pour payer 25,50 EUR à Acme. Ne le communiquez à personne.
      Bonjour. Ici Acme. Votre code est – Je répète – Appuyez sur le 1 pour le réécouter. – Au revoir.
      Bonjour. Nous appelons au sujet d'un paiement de 25,50 euros à Acme.
      A majuscule
    fr-fr
      4711 est votre code Acme. Ne le partagez avec personne.
      4711 est votre code pour payer 25,50 EUR à Acme. Ne le partagez avec personne.
      Bonjour. Ici Acme. Votre code est – Je répète – Tapez 1 pour le réécouter. – Au revoir.
      Bonjour. Nous appelons au sujet d'un paiement de 25,50 euros à Acme.
      A majuscule
    hi-in
      4711 आपका Acme कोड है। इसे किसी को न बताएं।
      4711 - Acme को 25.50 EUR भुगतान का कोड है।
      नमस्ते। यह कॉल Acme की ओर से है। आपका कोड है – फिर से – इसे फिर से सुनने के लिए 1 दबाएं। – नमस्ते।
      नमस्ते। यह कॉल Acme को 25.50 यूरो के भुगतान के बारे में है।
      बड़ा A
    hu-hu
      4711 az Ön Acme-kódja. Ne adja meg senkinek.
      4711 a fizetési kód: 25,50 EUR, címzett: Acme.
      Jó napot! A hívó: Acme. Az Ön kódja – Még egyszer – Ismétléshez nyomja meg az egyes gombot. – Viszonthallásra.
      Jó napot! A hívás tárgya fizetés: 25,50 euró, kedvezményezett: Acme.
      nagy A
    id-id
      4711 adalah kode Acme Anda. Jangan berikan kepada siapa pun.
      4711 adalah kode Anda untuk membayar EUR 25,50 kepada Acme. Jangan berikan kepada siapa pun.
      Halo. Ini Acme. Kode Anda adalah – Sekali lagi – Tekan 1 untuk mendengarnya lagi. – Sampai jumpa.
      Halo. Ini tentang pembayaran 25,50 euro kepada Acme.
      A besar
    is-is
      4711 er Acme-kóðinn þinn. Ekki deila honum.
      4711 er kóði fyrir greiðslu, 25,50 EUR til Acme.
      Góðan dag. Þetta er Acme. Kóðinn þinn er – Aftur – Ýttu á 1 til að heyra hann aftur. – Bless.
      Góðan dag. Þetta varðar greiðslu upp á 25,50 evrur til Acme.
      stórt A
    it-it
      4711 è il tuo codice Acme. Non condividerlo con nessuno.
      4711 è il tuo codice per pagare 25,50 EUR a Acme. Non condividerlo con nessuno.
      Salve. Ti chiamiamo da Acme. Il tuo codice è – Ripeto – Premi 1 per riascoltarlo. – Arrivederci.
      Salve. Ti chiamiamo per un pagamento di 25,50 euro a Acme.
      A maiuscola
    ja-jp
      4711 は Acme の認証コードです。誰にも教えないでください。
      4711 は Acme への 25.50 ユーロの支払い用コードです。誰にも教えないでください。
      こんにちは。Acme です。 コードは – もういちどおつたえします – もういちどきくには、いちをおしてください。 – しつれいいたします。
      こんにちは。Acme への 25.50 ユーロのおしはらいについてのおでんわです。
      おおもじの A
    ko-kr
      4711 - Acme 인증번호입니다. 다른 사람에게 알려 주지 마세요.
      4711 - Acme에 25.50유로 결제 인증번호입니다. 알려 주지 마세요.
      안녕하세요. Acme입니다. 인증번호는 – 다시 한번 말씀드립니다 – 다시 들으시려면 일 번을 눌러 주세요. – 안녕히 계세요.
      안녕하세요. Acme에 25.50유로 결제 건으로 연락드렸습니다.
      대문자 A
    nb-no
      4711 er din Acme-kode. Ikke del den med noen.
      4711 er koden din for å betale 25,50 EUR til Acme. Ikke del den med noen.
      Hei. Dette er Acme. Koden din er – Jeg gjentar – Trykk 1 for å høre den igjen. – Ha det bra.
      Hei. Dette gjelder en betaling på 25,50 euro til Acme.
      stor A
    nl-nl
      4711 is uw Acme-code. Deel deze met niemand.
      4711 is uw code om EUR 25,50 te betalen aan Acme. Deel deze met niemand.
      Hallo. U spreekt met Acme. Uw code is – Nogmaals – Druk op 1 om de code nogmaals te horen. – Tot ziens.
      Hallo. Het gaat om een betaling van 25,50 euro aan Acme.
      hoofdletter A
    pl-pl
      4711 to kod Acme. Nie podawaj go nikomu.
      4711 to kod transakcji 25,50 EUR dla Acme. Nie podawaj go nikomu.
      Dzień dobry. Tu Acme. Twój kod to – Powtarzam – Aby usłyszeć go ponownie, naciśnij 1. – Do usłyszenia.
      Dzień dobry. Dzwonimy w sprawie płatności 25,50 euro dla Acme.
      duże A
    pt-br
      4711 é seu código Acme. Não compartilhe com ninguém.
      4711 é seu código para pagar 25,50 EUR a Acme.
      Olá. Esta é uma ligação de Acme. Seu código é – Repetindo – Pressione 1 para ouvir novamente. – Até logo.
      Olá. Esta ligação é sobre um pagamento de 25,50 euros a Acme.
      A maiúsculo
    pt-pt
      4711 é o seu código Acme. Não o partilhe com ninguém.
      4711 é o seu código para pagar 25,50 EUR a Acme.
      Olá. Esta é uma chamada de Acme. O seu código é – Repito – Prima 1 para ouvir novamente. – Adeus.
      Olá. Esta chamada é sobre um pagamento de 25,50 euros a Acme.
      A maiúsculo
    ro-ro
      4711 este codul dvs. Acme. Nu-l comunicați nimănui.
      4711 este codul plății de 25,50 EUR către Acme.
      Bună ziua. Vă sună Acme. Codul dumneavoastră este – Repet – Apăsați 1 pentru a-l asculta din nou. – La revedere.
      Bună ziua. Vă sunăm pentru o plată de 25,50 euro către Acme.
      A mare
    ru-ru
      4711 — ваш код Acme. Никому его не сообщайте.
      4711 — код оплаты 25,50 EUR, получатель Acme.
      Здравствуйте. Вам звонит Acme. Ваш код – Повторяю – Чтобы прослушать ещё раз, нажмите 1. – До свидания.
      Здравствуйте. Звоним по поводу оплаты: 25,50 евро, получатель Acme.
      заглавная A
    sv-se
      4711 är din Acme-kod. Dela den inte med någon.
      4711 är din kod för att betala 25,50 EUR till Acme. Dela den inte med någon.
      Hej. Det här är Acme. Din kod är – Igen – Tryck 1 för att höra den igen. – Hej då.
      Hej. Det gäller en betalning på 25,50 euro till Acme.
      stort A
    th-th
      4711 คือรหัส Acme ของคุณ โปรดอย่าบอกผู้อื่น
      4711 คือรหัสชำระเงิน 25.50 ยูโรให้ Acme
      สวัสดี นี่คือสายจาก Acme รหัสของคุณคือ – อีกครั้ง – กด 1 เพื่อฟังอีกครั้ง – ขอบคุณ สวัสดี
      สวัสดี สายนี้เกี่ยวกับการชำระเงิน 25.50 ยูโรให้ Acme
      A ตัวใหญ่
    tr-tr
      4711 - Acme kodunuzdur. Kimseye vermeyin.
      4711 - 25,50 EUR ödeme kodunuz, alıcı: Acme.
      Merhaba. Acme adına arıyoruz. Kodunuz – Tekrar ediyorum – Tekrar dinlemek için 1'e basın. – İyi günler.
      Merhaba. 25,50 euro tutarında bir ödeme için arıyoruz, alıcı: Acme.
      büyük A
    vi-vn
      4711 là mã Acme của bạn. Không chia sẻ mã này.
      4711 là mã để trả 25,50 EUR cho Acme.
      Xin chào. Đây là Acme. Mã của bạn là – Xin nhắc lại – Nhấn 1 để nghe lại. – Tạm biệt.
      Xin chào. Đây là cuộc gọi về khoản thanh toán 25,50 euro cho Acme.
      A hoa
    yue-cn
      4711 係你嘅 Acme 驗證碼。唔好話俾任何人知。
      4711 係向 Acme 支付 25.50 歐元嘅驗證碼。唔好話俾任何人知。
      你好，呢度係 Acme。 你嘅驗證碼係 – 再講一次 – 如要再聽一次，請按 1。 – 再見。
      你好，呢個電話係關於向 Acme 支付 25.50 歐元。
      大楷 A
    zh-cn
      4711 是您的 Acme 验证码，请勿告诉任何人。
      4711 是您向 Acme 支付 25.50 欧元的验证码，请勿告诉任何人。
      您好，这里是 Acme。 您的验证码是 – 再说一遍 – 如需再听一遍，请按 1。 – 再见。
      您好，此电话是关于向 Acme 支付 25.50 欧元。
      大写 A
    zh-tw
      4711 是您的 Acme 驗證碼，請勿告訴任何人。
      4711 是您向 Acme 支付 25.50 歐元的驗證碼，請勿告訴任何人。
      您好，這裡是 Acme。 您的驗證碼是 – 再說一次 – 如需再聽一次，請按 1。 – 再見。
      您好，此通電話是關於向 Acme 支付 25.50 歐元。
      大寫 A
    bg-bg
      4711 е Вашият код за Acme. Не го споделяйте.
      4711 е код за плащане на 25,50 EUR към Acme.
      Здравейте. Обажда се Acme. Вашият код е – Повтарям – Натиснете 1, за да го чуете отново. – Дочуване.
      Здравейте. Обаждаме се за плащане на 25,50 евро към Acme.
      главно A
    ee-et
      4711 on teie Acme kood. Ärge jagage seda kellegagi.
      4711 on teie kood makse kinnitamiseks: 25,50 EUR, saaja Acme. Ärge jagage seda kellegagi.
      Tere. Siin Acme. Teie kood on – Kordan – Uuesti kuulamiseks vajutage 1. – Head aega.
      Tere. Helistame seoses maksega: 25,50 eurot, saaja Acme.
      suur A
    ga-ie
      4711 - do chód Acme. Ná roinn é le duine ar bith.
      4711 - do chód chun 25.50 EUR a íoc le Acme.
      Dia duit. Seo Acme. Is é do chód – Arís – Brúigh 1 chun é a chloisteáil arís. – Slán.
      Dia duit. Baineann an glao seo le híocaíocht 25.50 euro le Acme.
      ceannlitir A
    lv-lv
      4711 ir Acme kods. Neizpaudiet to nevienam.
      4711 ir kods maksājumam 25,50 EUR, saņēmējs Acme.
      Labdien. Zvana Acme. Jūsu kods ir – Atkārtoju – Lai noklausītos vēlreiz, nospiediet 1. – Uz redzēšanos.
      Labdien. Zvanām par maksājumu: 25,50 eiro, saņēmējs Acme.
      lielais A
    lt-lt
      4711 yra Acme kodas. Niekam jo neatskleiskite.
      4711 yra 25,50 EUR mokėjimo kodas, gavėjas Acme.
      Laba diena. Skambina Acme. Jūsų kodas yra – Kartoju – Norėdami išgirsti dar kartą, spauskite 1. – Viso gero.
      Laba diena. Skambiname dėl 25,50 eurų mokėjimo, gavėjas Acme.
      didžioji A
    mt-mt
      4711 huwa l-kodiċi Acme tiegħek. Tagħtih lil ħadd.
      4711 huwa l-kodiċi biex tħallas EUR 25.50 lil Acme.
      Bonġu. Hawn Acme. Il-kodiċi tiegħek huwa – Mill-ġdid – Agħfas 1 biex terġa' tismgħu. – Saħħa.
      Bonġu. Din it-telefonata hija dwar ħlas ta' 25.50 ewro lil Acme.
      A kbira
    sk-sk
      4711 je váš kód Acme. Nikomu ho neprezrádzajte.
      4711 je kód na platbu 25,50 EUR, príjemca Acme.
      Dobrý deň. Volá Acme. Váš kód je – Ešte raz – Pre zopakovanie stlačte 1. – Dopočutia.
      Dobrý deň. Voláme kvôli platbe 25,50 eur, príjemca Acme.
      veľké A
    sl-si
      4711 je koda Acme. Ne delite je z nikomer.
      4711 je koda za plačilo 25,50 EUR prejemniku Acme.
      Pozdravljeni. Kliče Acme. Vaša koda je – Ponavljam – Za ponovitev pritisnite 1. – Nasvidenje.
      Pozdravljeni. Kličemo glede plačila 25,50 evrov prejemniku Acme.
      velika A
    ");
}

#[test]
fn the_documentation_lists_every_language_with_its_text() {
    let documentation = include_str!("../../../docs/messages.md");
    for language in Language::all() {
        let text = TEXTS.wording(language).text(TextKey::Sms);
        let text = text.fill(&Values { pin: "{pin}", brand: "{brand}", ..Values::default() });
        let row = documentation.lines().find(|line| line.starts_with(&format!("| {language:?} |")));
        assert!(row.is_some_and(|row| row.ends_with(&format!("| {text} |"))), "{language:?}: {row:?}");
    }
}

#[test]
fn no_built_in_text_is_unwise() {
    for language in Language::all() {
        let unwise = texts().replace(language, Texts::built_in_file(language));
        assert_eq!(unwise, Ok(vec![]), "{language:?}");
    }
}

#[test]
fn the_longest_name_and_six_digits_leave_room_for_the_long_text() {
    let name = "Acme and Daughters";
    // Where no long text ever fits, the short ones are taken.
    let mut short = texts();
    let long = "x".repeat(200);
    let file = format!("sms = '{{pin}} {long}'\npayment = '{{pin}} {{payee}} {{amount}} {long}'");
    for language in Language::all() {
        assert!(short.replace(language, &file).is_ok_and(|unwise| unwise.len() == 2), "{language:?}");
    }
    for language in Language::all() {
        for purpose in [brand(name), payment(name, 999_999)] {
            let text = |texts: &Texts| texts.sms(&purpose, &pin("123456"), language, &Autofill::default());
            assert!(text(&TEXTS).len() > text(&short).len(), "{}", text(&TEXTS));
            assert_eq!(pdu::part_count(&text(&TEXTS)), 1, "{}", text(&TEXTS));
        }
    }
}

#[test]
fn a_name_in_another_script_makes_the_text_short() {
    let sms = |name: &str, tag: &str| texts().sms(&brand(name), &pin("123456"), language(tag), &Autofill::default());
    let told = [
        sms("東京電力エナジーパートナー株式会社", "en-gb"),
        sms("東京電力", "en-gb"),
        sms("Țuică și Pălincă", "de-de"),
        sms("Żółta Łódź", "pl-pl"),
    ];
    insta::assert_snapshot!(told.join("\n"), @"
    123456 is your 東京電力エナジーパートナー株式会社 code. Do not share it with anyone.
    123456 is your 東京電力 code. Do not share it with anyone.
    123456 ist Ihr Țuică și Pălincă-Code. Geben Sie ihn nicht weiter.
    123456 to kod Żółta Łódź. Nie podawaj go nikomu.
    ");
}

#[test]
fn what_phones_fill_in_is_the_last_line() {
    let sms = |purpose: &Purpose, tag: &str, autofill: &Autofill| {
        let text = texts().sms(purpose, &pin("123456"), language(tag), autofill);
        format!("{text}\n[{} part]", pdu::part_count(&text))
    };
    let acme = brand("Acme");
    let told = [
        sms(&acme, "en-us", &autofill(Some("shop.example"), None)),
        sms(&acme, "en-us", &autofill(None, Some("FA+9qCX9VSu"))),
        sms(&acme, "en-us", &autofill(Some("shop.example"), Some("FA+9qCX9VSu"))),
        sms(&acme, "ru-ru", &autofill(Some("shop.example"), None)),
        sms(&acme, "ar-xa", &autofill(Some("shop.example"), Some("FA+9qCX9VSu"))),
        sms(&payment("Acme", 2550), "ja-jp", &autofill(Some("shop.example"), None)),
    ];
    insta::assert_snapshot!(told.join("\n\n"), @"
    123456 is your Acme code. Do not share it with anyone.
    @shop.example #123456
    [1 part]

    123456 is your Acme code. Do not share it with anyone.
    FA+9qCX9VSu
    [1 part]

    123456 is your Acme code. Do not share it with anyone.
    @shop.example #123456 FA+9qCX9VSu
    [1 part]

    123456 — ваш код Acme. Никому его не сообщайте.
    @shop.example #123456
    [1 part]

    123456 رمز Acme
    @shop.example #123456 FA+9qCX9VSu
    [1 part]

    123456 支払いコード Acme へ 25.50 ユーロ
    @shop.example #123456
    [1 part]
    ");
}

#[test]
fn an_amount_is_written_and_said_as_the_language_does() {
    let texts = texts();
    let said = |cents, tag| texts.speech(&payment("Acme", cents), language(tag)).greeting;
    insta::assert_snapshot!(
        [said(2500, "de-de"), said(2550, "de-de"), said(100_000, "en-gb"), said(5, "fr-fr")].join("\n"),
        @"
    Guten Tag. Es geht um eine Zahlung von 25 Euro an Acme.
    Guten Tag. Es geht um eine Zahlung von 25,50 Euro an Acme.
    Hello. This is about a payment of 1000 euros to Acme.
    Bonjour. Nous appelons au sujet d'un paiement de 0,05 euros à Acme.
    "
    );
}

#[test]
fn a_file_replaces_what_it_holds_and_nothing_else() {
    let mut texts = texts();
    let file = "sms = '{pin} {{{brand}}}'\n[speech]\nagain = 'Und nochmal'\n";
    assert_eq!(texts.replace(language("de-de"), file), Ok(vec![]));
    let of = |tag: &str| {
        let sms = texts.sms(&brand("Acme"), &pin("4711"), language(tag), &Autofill::default());
        let spoken = texts.speech(&brand("Acme"), language(tag));
        format!("{sms} | {} | {}", spoken.code_is, spoken.again)
    };
    insta::assert_snapshot!(of("de-de"), @"4711 {Acme} | Ihr Code lautet | Und nochmal");
    insta::assert_snapshot!(of("en-gb"), @"4711 is your Acme code. Do not share it with anyone. | Your code is | Again");
}

#[test]
fn a_broken_file_replaces_nothing() {
    let mut texts = texts();
    let file = "sms = '{pin} changed'\npayment = 'no PIN'\n";
    assert!(texts.replace(language("de-de"), file).is_err());
    let sms = texts.sms(&brand("Acme"), &pin("4711"), language("de-de"), &Autofill::default());
    assert_eq!(sms, "4711 ist Ihr Acme-Code. Geben Sie ihn nicht weiter.");
}

/// Names without digits, of scripts that a UTF-16 unit a character can write.
fn name() -> impl Strategy<Value = String> {
    prop::string::string_regex("[A-Za-zäößñ&. -]{1,18}|[А-яЀ-ӿ ]{1,18}|[ぁ-ん一-龥]{1,18}|[؀-؏ؠ-ي]{1,18}")
        .expect("a regular expression")
        .prop_filter("nothing but blanks is no name", |name| Brand::new(name).is_some())
}

proptest! {
    #[test]
    fn every_text_is_one_message_that_begins_with_its_pin(
        name in name(),
        secret in "[A-Z0-9a-z]{3,9}[0-9]",
        cents in 1_u64..99_999_999_999,
        index in 0_usize..47,
    ) {
        let language = Language::all().nth(index).expect("47 languages");
        for purpose in [brand(&name), payment(&name, cents)] {
            let text = TEXTS.sms(&purpose, &pin(&secret), language, &Autofill::default());
            prop_assert_eq!(pdu::part_count(&text), 1, "{}", &text);
            let rest = text.strip_prefix(&secret);
            prop_assert!(rest.is_some_and(|rest| rest.starts_with(' ')), "{}", text);
            prop_assert!(text.contains(&name), "{}", text);
        }
    }

    #[test]
    fn with_a_domain_the_last_line_is_the_bound_code(
        name in name(),
        secret in "[A-Z0-9a-z]{3,9}[0-9]",
        domain in "[a-z0-9]{1,20}\\.example",
        index in 0_usize..47,
    ) {
        let language = Language::all().nth(index).expect("47 languages");
        let purpose = brand(&name);
        let text = TEXTS.sms(&purpose, &pin(&secret), language, &autofill(Some(&domain), None));
        let mut lines = text.lines();
        prop_assert!(lines.next().is_some_and(|line| line.starts_with(&secret) && line.contains(&name)));
        prop_assert_eq!(lines.next().map(str::to_owned), Some(format!("@{domain} #{secret}")));
        prop_assert_eq!(lines.next(), None);
    }

    #[test]
    fn no_file_makes_it_panic(file in "(sms|payment|speech|decimal|again|x)?( = )?['\"]?[{}a-z ]{0,12}['\"]?\n?.{0,20}") {
        let _ = texts().replace(Language::ENGLISH, &file);
    }
}
