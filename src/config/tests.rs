//! Whole messages for whole configurations.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::verification::{Autofill, Brand, Pin, Purpose};

/// A configuration directory and an environment that belong to one test.
struct Place {
    directory: TempDir,
    environment: Vec<(OsString, OsString)>,
    flags: Vec<Flag>,
}

impl Place {
    fn empty() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self { directory, environment: Vec::new(), flags: Vec::new() }
    }

    fn with_main(text: &str) -> Self {
        Self::empty().file("simverify.toml", text)
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.directory.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a written file");
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    fn flag(mut self, key: &str, value: &str) -> Self {
        self.flags.push(Flag { flag: "--set", key: key.into(), value: value.into() });
        self
    }

    fn load(&self) -> Result<Configuration, ConfigError> {
        Configuration::load(&Sources {
            file: None,
            directory: self.directory.path().to_owned(),
            environment: self.environment.clone(),
            flags: self.flags.clone(),
        })
    }

    fn settings(&self) -> Settings {
        self.load().expect("a valid configuration").settings
    }

    /// What `load` says, with the temporary directory as `/etc`.
    fn message(&self) -> String {
        let said = match self.load() {
            Ok(_) => "valid".to_owned(),
            Err(error) => error.to_string(),
        };
        said.replace(&self.directory.path().display().to_string(), "/etc")
    }
}

/// The messages for several main files, one a line.
fn messages(files: &[&str]) -> String {
    files.iter().map(|file| Place::with_main(file).message() + "\n").collect()
}

/// A modem's table with `line` added.
fn modem(line: &str) -> String {
    format!("[[modems]]\nname = 'sim1'\nport = '/dev/ttyUSB2'\n{line}\n")
}

/// A provider's table with `line` added.
fn provider(line: &str) -> String {
    format!("[[providers]]\nname = 'backup'\nurl = 'https://sms.example/send'\n{line}\n")
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let settings = Place::empty().settings();
    insta::assert_snapshot!(format!("{settings:#?}"), @r#"
    Settings {
        server: ServerSettings {
            listen: [
                127.0.0.1:8080,
            ],
            tls_cert_file: None,
            tls_key_file: None,
            public_url: None,
            trusted_proxies: [],
            forwarded_header: XForwardedFor,
            connections_per_address: Some(
                256,
            ),
            requests_in_flight: None,
        },
        admin: AdminSettings {
            listen: [
                127.0.0.1:8081,
            ],
            tls: false,
            hosts: [],
            metrics: true,
            metrics_token: None,
            metrics_token_file: None,
        },
        storage: StorageSettings {
            path: "/var/lib/simverify/simverify.db",
            key_file: "/var/lib/simverify/master.key",
            retention: 2592000s,
            inbox_retention: None,
            ip_address_retention: None,
            number_retention: None,
        },
        verify: VerifySettings {
            profile: Standard,
            default_workflow: 1,
            default_language: None,
            code_length: 4,
            pin_expiry: 300s,
            next_event_wait: None,
            cancel_after: 30s,
            max_checks: 3,
            requests_per_second: 30,
            send_timeout: 240s,
            argon2: Argon2Settings {
                memory_kib: 7168,
                iterations: 5,
                parallelism: 1,
            },
        },
        messages: MessagesSettings {
            directory: None,
            texts: Texts {
                languages: 47,
                ..
            },
            warnings: [],
        },
        inbox: InboxSettings {
            opt_out: true,
            opt_out_words: [],
            opt_in_words: [],
        },
        numbers: NumbersSettings {
            allowed_countries: All,
            allowed_types: {
                Mobile,
                FixedLine,
                FixedLineOrMobile,
                Unknown,
            },
            countries_sms: CountryModes {
                others: Allow,
                named: {},
            },
            countries_voice: CountryModes {
                others: Allow,
                named: {},
            },
        },
        limits: LimitsSettings {
            mode: Auto,
            per_number: [
                LimitSetting(
                    Limit {
                        count: 1,
                        window: 30s,
                    },
                ),
                LimitSetting(
                    Limit {
                        count: 3,
                        window: 600s,
                    },
                ),
                LimitSetting(
                    Limit {
                        count: 5,
                        window: 3600s,
                    },
                ),
                LimitSetting(
                    Limit {
                        count: 10,
                        window: 86400s,
                    },
                ),
            ],
            per_address: [
                LimitSetting(
                    Limit {
                        count: 10,
                        window: 3600s,
                    },
                ),
            ],
            per_account: [],
            per_prefix: [
                LimitSetting(
                    Limit {
                        count: 20,
                        window: 600s,
                    },
                ),
                LimitSetting(
                    Limit {
                        count: 100,
                        window: 86400s,
                    },
                ),
            ],
            per_country: [],
            voice_minutes_per_number: [
                LimitSetting(
                    Limit {
                        count: 5,
                        window: 3600s,
                    },
                ),
                LimitSetting(
                    Limit {
                        count: 10,
                        window: 86400s,
                    },
                ),
            ],
            voice_minutes_per_prefix: [
                LimitSetting(
                    Limit {
                        count: 30,
                        window: 3600s,
                    },
                ),
            ],
            voice_minutes_per_account: [],
            allowed_numbers: [],
            allowed_addresses: [],
        },
        guessing: GuessingSettings {
            mode: Auto,
            free_failures: 3,
            first_wait: 30s,
            longest_wait: 3600s,
            failures_in_a_row: 100,
            failures_per_number: [
                LimitSetting(
                    Limit {
                        count: 100,
                        window: 86400s,
                    },
                ),
            ],
        },
        breaker: BreakerSettings {
            mode: Auto,
            window: 21600s,
            patience: 300s,
            conversion_min: 35,
            country_sends: 200,
            range_sends: 60,
            block_sends: 20,
            sequence: 10,
            burst: 30,
            voice: 600s,
            block: 43200s,
            probe: 600s,
            probes: 3,
        },
        pricing: PricingSettings {
            currency: Currency(
                "USD",
            ),
            credit_value: CreditValue(
                10000,
            ),
            default_credits: 1205,
            countries: {
                IN: Credits(
                    361,
                ),
                US: Credits(
                    361,
                ),
            },
        },
        tts: TtsSettings {
            engine: EspeakNg,
            command: [],
            repeat: 3,
        },
        modems: [],
        providers: [],
        routing: RoutingSettings {
            order: [
                Modems,
                Providers,
            ],
            overflow_after: 20s,
        },
        webhooks: WebhooksSettings {
            allow_networks: [],
            allow_http: false,
            timeout: 15s,
            first_wait: 5s,
            longest_wait: 3600s,
            give_up: 259200s,
            concurrency: 32,
            concurrency_per_account: 4,
            delivered_retention: 604800s,
            dead_retention: 2592000s,
            ca_file: None,
            proxy: None,
        },
        log: LogSettings {
            level: LogLevel(
                "info",
            ),
            format: Auto,
        },
    }
    "#);
}

#[test]
fn later_layers_win() {
    let place = Place::with_main(
        "[verify]\nmax_checks = 4\ncode_length = 6\npin_expiry_seconds = 60\n[pricing]\ncountries = { DE = 5 }",
    )
    .file("conf.d/20-b.toml", "verify.code_length = 4\nverify.pin_expiry_seconds = 62")
    .file("conf.d/10-a.toml", "verify.pin_expiry_seconds = 61\nverify.cancel_after_seconds = 7")
    .file("conf.d/.hidden.toml", "nonsense")
    .file("conf.d/30-c.toml~", "nonsense")
    .variable("SIMVERIFY__VERIFY__REQUESTS_PER_SECOND", "9")
    .variable("SIMVERIFY__VERIFY__SEND_TIMEOUT_SECONDS", "10")
    .variable("SIMVERIFY__PRICING__COUNTRIES__FR", "8")
    .variable("SIMVERIFY__NUMBERS__ALLOWED_COUNTRIES", "DE, FR")
    .variable("SIMVERIFY__SERVER__LISTEN", "[::1]:9000")
    .variable("SIMVERIFYX", "ignored")
    .flag("verify.send_timeout_seconds", "11");
    let effective = place.load().expect("a valid configuration").effective;
    let changed: String = effective
        .values
        .iter()
        .filter(|value| value.layer != "built-in defaults")
        .map(|value| format!("{} = {} ({})\n", value.key(), value.value, value.layer))
        .collect();
    insta::assert_snapshot!(changed.replace(&place.directory.path().display().to_string(), "/etc"), @r##"
    server.listen = "[::1]:9000" (environment variable SIMVERIFY__SERVER__LISTEN)
    verify.code_length = 4 (/etc/conf.d/20-b.toml:1)
    verify.pin_expiry_seconds = 62 (/etc/conf.d/20-b.toml:2)
    verify.cancel_after_seconds = 7 (/etc/conf.d/10-a.toml:2)
    verify.max_checks = 4 (/etc/simverify.toml:2)
    verify.requests_per_second = 9 (environment variable SIMVERIFY__VERIFY__REQUESTS_PER_SECOND)
    verify.send_timeout_seconds = 11 (flag --set)
    numbers.allowed_countries = ["DE", "FR"] (environment variable SIMVERIFY__NUMBERS__ALLOWED_COUNTRIES)
    pricing.countries.DE = 5 (/etc/simverify.toml:6)
    pricing.countries.FR = 8 (environment variable SIMVERIFY__PRICING__COUNTRIES__FR)
    "##);
    let settings = place.settings();
    assert_eq!(settings.verify.send_timeout.as_secs(), 11);
    assert_eq!(format!("{:?}", settings.numbers.allowed_countries.to_list()), "[DE, FR]");
    let credits: Vec<_> =
        settings.pricing.countries.iter().map(|(code, credits)| (code.0.as_str(), credits.0)).collect();
    assert_eq!(credits, [("DE", 5), ("FR", 8), ("IN", 361), ("US", 361)]);
}

#[test]
fn a_list_of_tables_replaces_the_list_of_the_layers_below() {
    let place = Place::with_main(&modem("")).file("conf.d/a.toml", "[[modems]]\nname = 'sim2'\nport = 'simulator:a'");
    let names: Vec<_> = place.settings().modems.iter().map(|modem| modem.name.to_string()).collect();
    assert_eq!(names, ["sim2"]);
}

#[test]
fn a_key_that_does_not_exist_is_refused_with_the_nearest_that_does() {
    insta::assert_snapshot!(messages(&[
        "[server]\nlissten = '127.0.0.1:80'",
        "[sever]\nlisten = '127.0.0.1:80'",
        "[empty]",
        "listen = 5",
        "[verify.argon2]\nmemory = 5",
        "[[modems]]\nname = 'sim1'\nport = '/dev/ttyUSB2'\nsim_pim = '4711'",
        "[[modems]]\nname = 'sim1'\nport = '/dev/ttyUSB2'\nvoice = { kind = 'alsa', devise = 'hw:1' }",
        "[[providers]]\nname = 'sim1'\nurl = 'https://a'\nheader = { Authorization = 'geheim' }",
        "[log]\nPassword = 'geheim'",
    ]), @r#"
    /etc/simverify.toml:2: unknown key server.lissten = "127.0.0.1:80": did you mean listen? server allows listen, tls_cert_file, tls_key_file, public_url, trusted_proxies, forwarded_header, connections_per_address, requests_in_flight
    /etc/simverify.toml:1: unknown key sever: did you mean server? allowed sections are server, admin, storage, verify, messages, inbox, numbers, limits, guessing, breaker, pricing, tts, modems, providers, routing, webhooks, log
    /etc/simverify.toml:1: unknown key empty: allowed sections are server, admin, storage, verify, messages, inbox, numbers, limits, guessing, breaker, pricing, tts, modems, providers, routing, webhooks, log
    /etc/simverify.toml:1: unknown key listen = 5: allowed sections are server, admin, storage, verify, messages, inbox, numbers, limits, guessing, breaker, pricing, tts, modems, providers, routing, webhooks, log
    /etc/simverify.toml:2: unknown key verify.argon2.memory = 5: did you mean memory_kib? verify.argon2 allows memory_kib, iterations, parallelism
    /etc/simverify.toml:4: unknown key modems[0].sim_pim = ***: did you mean sim_pin? modems[0] allows name, port, baud_rate, profile, sim_pin, sim_pin_file, channels, countries, sms_per_minute, sms_per_day, sms_per_month, calls_per_day, calls_per_month, sms_price, call_price, spend_per_day, spend_per_month, delivery_reports, roaming, voice
    /etc/simverify.toml:4: unknown key modems[0].voice.devise = "hw:1": did you mean device? modems[0].voice allows kind, port, device
    /etc/simverify.toml:4: unknown key providers[0].header: did you mean headers? providers[0] allows name, preset, channels, countries, variables, secret, secret_file, timeout_seconds, concurrency, sms_per_minute, sms_per_day, sms_per_month, calls_per_day, calls_per_month, sms_price, call_price, spend_per_day, spend_per_month, proxy, ca_file, callback_secret, callback_secret_file, callback, voice, method, url, headers, content_type, body, success_status, success_path, success_value, success_pattern, message_id_path, refusal_path, final_codes, temporary_codes, retry_after_path
    /etc/simverify.toml:2: unknown key log.Password = ***: log allows level, format
    "#);
}

#[test]
fn a_value_that_does_not_fit_is_refused_with_what_is_allowed() {
    insta::assert_snapshot!(messages(&[
        "[server]\nlisten = 'localhost:80'",
        "[server]\nlisten = ''",
        "[server]\nlisten = []",
        "[server]\nlisten = ['127.0.0.1:80', 5]",
        "[server]\nlisten = ['127.0.0.1:80', '127.0.0.1:80']",
        "[server]\nlisten = 8080",
        "[server]\npublic_url = 'verify.example'",
        "[server]\npublic_url = 'https://verify.example/?a'",
        "server = 8080",
        "[storage]\npath = ''",
        "[storage]\nretention_days = 0",
        "[verify]\ncode_length = 5",
        "[verify]\ncode_length = '4'",
        "[verify]\npin_expiry_seconds = 86401",
        "[verify]\npin_expiry_seconds = 300.0",
        "[verify]\npin_expiry_seconds = -1",
        "[verify]\nmax_checks = true",
        "[verify]\nmax_checks = 99999999999999999999",
        "[verify]\ndefault_workflow = 8",
        "[verify]\ndefault_language = 'klingon'",
        "[verify.argon2]\nmemory_kib = 8",
        "[numbers]\nallowed_countries = ['DE',\n  'UK']",
        "[numbers]\nallowed_countries = 'DE'",
        "[numbers]\nallowed_types = ['mobil']",
        "[pricing]\ncredit_value = 0.0001",
        "[pricing]\ncurrency = 'usd'",
        "[pricing.countries]\nde = 5",
        "[pricing.countries]\nDE = -5",
        "[tts]\nengine = 'festival'",
        "[routing]\norder = ['modems', 'modems']",
        "[routing]\norder = ['pigeons']",
        "[log]\nlevel = 'inof'",
        "[log]\nlevel = 3",
        "[log]\nlevel = ''",
        "[log]\nformat = 1",
    ]), @r#"
    /etc/simverify.toml:2: server.listen = "localhost:80": must be an IP address with a port, such as "127.0.0.1:8080" or "[::1]:8080", or a list of them
    /etc/simverify.toml:2: server.listen = "": must be an IP address with a port, such as "127.0.0.1:8080" or "[::1]:8080", or a list of them
    /etc/simverify.toml:2: server.listen = []: must be an IP address with a port, such as "127.0.0.1:8080" or "[::1]:8080", or a list of them
    /etc/simverify.toml:2: server.listen[1] = 5: must be a string
    /etc/simverify.toml:2: server.listen = ["127.0.0.1:80", "127.0.0.1:80"]: must name 127.0.0.1:80 once
    /etc/simverify.toml:2: server.listen = 8080: must be an IP address with a port, such as "127.0.0.1:8080" or "[::1]:8080", or a list of them
    /etc/simverify.toml:2: server.public_url = "verify.example": must be an address such as "https://verify.example", without "?", or empty
    /etc/simverify.toml:2: server.public_url = "https://verify.example/?a": must be an address such as "https://verify.example", without "?", or empty
    /etc/simverify.toml:1: server = 8080: must be a table
    /etc/simverify.toml:2: storage.path = "": must be the path of a file
    /etc/simverify.toml:2: storage.retention_days = 0: must be a whole number from 1 to 36500
    /etc/simverify.toml:2: verify.code_length = 5: must be 4 or 6
    /etc/simverify.toml:2: verify.code_length = "4": must be 4 or 6
    /etc/simverify.toml:2: verify.pin_expiry_seconds = 86401: must be a whole number from 1 to 86400
    /etc/simverify.toml:2: verify.pin_expiry_seconds = 300.0: must be a whole number from 1 to 86400
    /etc/simverify.toml:2: verify.pin_expiry_seconds = -1: must be a whole number from 1 to 86400
    /etc/simverify.toml:2: verify.max_checks = true: must be a whole number from 1 to 10
    /etc/simverify.toml:2: verify.max_checks: must be a smaller number
    /etc/simverify.toml:2: verify.default_workflow = 8: must be a whole number from 1 to 7
    /etc/simverify.toml:2: verify.default_language = "klingon": must be one of ar-xa cs-cz cy-cy cy-gb da-dk de-de el-gr en-au en-gb en-in en-us es-es es-mx es-us fi-fi fil-ph fr-ca fr-fr hi-in hu-hu id-id is-is it-it ja-jp ko-kr nb-no nl-nl pl-pl pt-br pt-pt ro-ro ru-ru sv-se th-th tr-tr vi-vn yue-cn zh-cn zh-tw, or empty
    /etc/simverify.toml:2: verify.argon2.memory_kib = 8: must be a whole number from 1024 to 1048576
    /etc/simverify.toml:3: numbers.allowed_countries[1] = "UK": must be an ISO 3166-1 country code of two capital letters
    /etc/simverify.toml:2: numbers.allowed_countries = "DE": must be a list
    /etc/simverify.toml:2: numbers.allowed_types[0] = "mobil": must be one of mobile, fixed_line, fixed_line_or_mobile, toll_free, premium_rate, shared_cost, voip, personal_number, pager, uan, voicemail, satellite, unknown
    /etc/simverify.toml:2: pricing.credit_value = 0.0001: must be a decimal in quotes from 0 to 1000 with at most eight places, such as "0.0001"
    /etc/simverify.toml:2: pricing.currency = "usd": must be a currency code of three capital letters
    /etc/simverify.toml:2: pricing.countries.de = 5: must be an ISO 3166-1 country code of two capital letters
    /etc/simverify.toml:2: pricing.countries.DE = -5: must be a whole number from 0 to 100000000
    /etc/simverify.toml:2: tts.engine = "festival": must be one of espeak-ng, command
    /etc/simverify.toml:2: routing.order = ["modems", "modems"]: must name modems, providers or both, each once
    /etc/simverify.toml:2: routing.order[0] = "pigeons": must be one of modems, providers
    /etc/simverify.toml:2: log.level = "inof": must be off, error, warn, info, debug, trace, or directives such as "info,simverify::modem=trace"
    /etc/simverify.toml:2: log.level = 3: must be off, error, warn, info, debug, trace, or directives such as "info,simverify::modem=trace"
    /etc/simverify.toml:2: log.level = "": must be off, error, warn, info, debug, trace, or directives such as "info,simverify::modem=trace"
    /etc/simverify.toml:2: log.format = 1: must be one of auto, text, json, journald
    "#);
}

#[test]
fn a_modem_that_does_not_fit_is_refused_with_what_is_allowed() {
    let lines = [
        "baud_rate = 9",
        "profile = 'nokia'",
        "sim_pin = 4711",
        "sim_pin = '47 11'",
        "channels = []",
        "channels = ['mms']",
        "sms_per_minute = -1",
        "delivery_reports = 'yes'",
        "voice = 'none'",
        "voice = { kind = 'radio' }",
        "voice = { port = '/dev/ttyUSB4' }",
        "voice = { kind = 'alsa' }",
        "voice = { kind = 'serial-pcm', port = 'ttyUSB4' }",
    ];
    let files: Vec<String> = lines.iter().map(|line| modem(line)).collect();
    let mut files: Vec<&str> = files.iter().map(String::as_str).collect();
    files.extend([
        "[[modems]]\nname = 'sim1'",
        "[[modems]]\nport = '/dev/ttyUSB2'",
        "[[modems]]\nname = 'sim 1'\nport = '/dev/ttyUSB2'",
        "[[modems]]\nname = 'sim1'\nport = 'COM3'",
        "[modems]\nname = 'sim1'",
    ]);
    insta::assert_snapshot!(messages(&files), @r##"
    /etc/simverify.toml:4: modems[0].baud_rate = 9: must be a whole number from 300 to 4000000
    /etc/simverify.toml:4: modems[0].profile = "nokia": must be one of auto, generic, simcom, sim7600, sim7000, a7670, quectel, quectel-m, quectel-bg, huawei, huawei-lte, u-blox, u-blox-r, telit, zte, wavecom, sierra
    /etc/simverify.toml:4: modems[0].sim_pin = "***": must be 4 to 8 digits in quotes, or empty
    /etc/simverify.toml:4: modems[0].sim_pin = "***": must be 4 to 8 digits in quotes, or empty
    /etc/simverify.toml:4: modems[0].channels = []: must name sms, voice or both
    /etc/simverify.toml:4: modems[0].channels[0] = "mms": must be one of sms, voice
    /etc/simverify.toml:4: modems[0].sms_per_minute = -1: must be a whole number from 0 to 1000
    /etc/simverify.toml:4: modems[0].delivery_reports = "yes": must be true or false
    /etc/simverify.toml:4: modems[0].voice = "none": must be a table
    /etc/simverify.toml:4: modems[0].voice.kind = "radio": must be one of none, serial-pcm, alsa, modem-tts
    /etc/simverify.toml:4: modems[0].voice.kind: must be given
    /etc/simverify.toml:4: modems[0].voice = { kind = "alsa" }: must have a device, and no port, with this kind
    /etc/simverify.toml:4: modems[0].voice = { kind = "serial-pcm", port = "ttyUSB4" }: must have an absolute path, "tcp://HOST:PORT" or "simulator:NAME" as port, and no device, with this kind
    /etc/simverify.toml:1: modems[0].port: must be given
    /etc/simverify.toml:1: modems[0].name: must be given
    /etc/simverify.toml:2: modems[0].name = "sim 1": must be 1 to 32 letters, digits, ".", "_" or "-", the first a letter or digit
    /etc/simverify.toml:3: modems[0].port = "COM3": must be a device's absolute path, "tcp://HOST:PORT", "rfc2217://HOST:PORT", or "simulator:NAME" (letters, digits, ".", "_", "-")
    /etc/simverify.toml:1: modems = { name = "sim1" }: must be a list of tables, each under [[modems]]
    "##);
}

#[test]
fn a_provider_that_does_not_fit_is_refused_without_its_secrets() {
    let lines = [
        "method = 'PATCH'",
        "secret = 5",
        "headers = { 'X Y' = 'geheim' }",
        "headers = { X = 5 }",
        "headers = 'geheim'",
        "body = 5",
        "success_status = []",
        "success_status = [99]",
        "success_path = 'a.b'",
        "timeout_seconds = 0",
        "headers = { Authorization = 'geheim', authorization = 'geheim' }",
        "content_type = \"a\\nb\"",
        "preset = 'pigeons'",
        "preset = 5",
        "variables = { Account = '1' }",
        "variables = { number = '1' }",
        "variables = { api_token = ['geheim'] }",
        "success_pattern = '(OK'",
        "success_pattern = 5",
        "success_pattern = '.{1000}{1000}'",
        "final_codes = [true]",
        "temporary_codes = 5",
        "retry_after_path = 'x'",
        "concurrency = 65",
        "sms_per_minute = -1",
        "sms_price = 0.05",
        "call_price = '1,5'",
        "proxy = 'ftp://me:geheim@proxy.example'",
        "proxy = 'http://me:geheim@'",
        "callback_secret = 'geheim'",
        "callback_secret = 5",
        "callback = { id = 'sid' }",
        "callback = { identity = '/sid' }",
        "callback = { delivered = ['OK', 1], failed = ['ok'] }",
        "callback = { call = { answered = [2], unanswered = ['2'] } }",
        "voice = { urls = 'https://sms.example/call' }",
        "voice = { body = 5 }",
        "voice = { timeout_seconds = 5 }",
    ];
    let files: Vec<String> = lines.iter().map(|line| provider(line)).collect();
    let mut files: Vec<&str> = files.iter().map(String::as_str).collect();
    files.push("[[providers]]\nname = 'backup'\nurl = 'ftp://me:geheim@sms.example?key=geheim'");
    insta::assert_snapshot!(messages(&files), @r#"
    /etc/simverify.toml:4: providers[0].method = "PATCH": must be one of GET, POST, PUT
    /etc/simverify.toml:4: providers[0].secret = "***": must be a string
    /etc/simverify.toml:4: providers[0].headers = { "X Y" = "***" }: must be a table of header names and values without line breaks
    /etc/simverify.toml:4: providers[0].headers.X = "***": must be a string
    /etc/simverify.toml:4: providers[0].headers = "***": must be a table
    /etc/simverify.toml:4: providers[0].body = "***": must be a string
    /etc/simverify.toml:4: providers[0].success_status = []: must name at least one HTTP status
    /etc/simverify.toml:4: providers[0].success_status[0] = 99: must be a whole number from 100 to 599
    /etc/simverify.toml:4: providers[0].success_path = "a.b": must be a JSON pointer such as "/messages/0/status", or empty
    /etc/simverify.toml:4: providers[0].timeout_seconds = 0: must be a whole number from 1 to 120
    /etc/simverify.toml:4: providers[0].headers = { Authorization = "***", authorization = "***" }: must name authorization once; letters of either case are the same
    /etc/simverify.toml:4: providers[0].content_type = "a\nb": must be a media type, or empty
    /etc/simverify.toml:4: providers[0].preset = "pigeons": must be one of twilio, vonage, messagebird, bird, plivo, telnyx, sinch, sinch-voice, smsgate, smsgate-local, textbee, kannel, jasmin, playsms, gammu, or empty
    /etc/simverify.toml:4: providers[0].preset = 5: must be a string
    /etc/simverify.toml:4: providers[0].variables = { Account = "1" }: must have names of small letters, digits and "_", the first a letter
    /etc/simverify.toml:4: providers[0].variables = { number = "1" }: must not name number, which templates have anyway
    /etc/simverify.toml:4: providers[0].variables.api_token = ["***"]: must be text or a whole number
    /etc/simverify.toml:4: providers[0].success_pattern = "(OK": must be a regular expression: unclosed group
    /etc/simverify.toml:4: providers[0].success_pattern = 5: must be a regular expression, or empty
    /etc/simverify.toml:4: providers[0].success_pattern = ".{1000}{1000}": must be a smaller regular expression
    /etc/simverify.toml:4: providers[0].final_codes[0] = true: must be text or a whole number
    /etc/simverify.toml:4: providers[0].temporary_codes = 5: must be a list
    /etc/simverify.toml:4: providers[0].retry_after_path = "x": must be a JSON pointer such as "/messages/0/status", or empty
    /etc/simverify.toml:4: providers[0].concurrency = 65: must be a whole number from 1 to 64
    /etc/simverify.toml:4: providers[0].sms_per_minute = -1: must be a whole number from 0 to 100000
    /etc/simverify.toml:4: providers[0].sms_price = 0.05: must be a decimal in quotes from 0 to 1000 with at most eight places, such as "0.0001"
    /etc/simverify.toml:4: providers[0].call_price = "1,5": must be a decimal in quotes from 0 to 1000 with at most eight places, such as "0.0001"
    /etc/simverify.toml:4: providers[0].proxy = "ftp://***@proxy.example": must be http://, https://, socks5:// or socks5h:// with HOST:PORT, or empty
    /etc/simverify.toml:4: providers[0].proxy = "http://***@": must be http://, https://, socks5:// or socks5h:// with HOST:PORT, or empty
    /etc/simverify.toml:4: providers[0].callback_secret = "***": must be 16 to 128 letters, digits, ".", "_", "~" or "-", or empty
    /etc/simverify.toml:4: providers[0].callback_secret = "***": must be 16 to 128 letters, digits, ".", "_", "~" or "-", or empty
    /etc/simverify.toml:4: providers[0].callback.id = "sid": must be a JSON pointer such as "/messages/0/status", or empty
    /etc/simverify.toml:4: unknown key providers[0].callback.identity = "/sid": did you mean id? providers[0].callback allows id, status, delivered, failed, accepted, reference, reply, call
    /etc/simverify.toml:4: providers[0].callback.failed = ["ok"]: must not hold "ok", which is in delivered too
    /etc/simverify.toml:4: providers[0].callback.call.unanswered = ["2"]: must not hold "2", which is in answered too
    /etc/simverify.toml:4: unknown key providers[0].voice.urls = "https://sms.example/call": did you mean url? providers[0].voice allows method, url, headers, content_type, body, success_status, success_path, success_value, success_pattern, message_id_path, refusal_path, final_codes, temporary_codes, retry_after_path
    /etc/simverify.toml:4: providers[0].voice.body = "***": must be a string
    /etc/simverify.toml:4: unknown key providers[0].voice.timeout_seconds = 5: providers[0].voice allows method, url, headers, content_type, body, success_status, success_path, success_value, success_pattern, message_id_path, refusal_path, final_codes, temporary_codes, retry_after_path
    /etc/simverify.toml:3: providers[0].url = "ftp://***@sms.example?***": must be an address that begins with https:// or http:// and a host
    "#);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    insta::assert_snapshot!(messages(&[
        "[server]\ntls_cert_file = '/a'",
        "[server]\ntls_key_file = '/a'",
        "[server]\nlisten = '0.0.0.0:8081'",
        "[server]\nlisten = '[::]:8081'",
        "[admin]\nlisten = '127.0.0.1:8080'",
        "[server]\nlisten = '127.0.0.1:0'\n[admin]\nlisten = '127.0.0.1:0'",
        "[admin]\nlisten = ''",
        "[admin]\ntls = true",
        "[admin]\nhosts = ['sms.lan:8081']",
        "[server]\ntrusted_proxies = ['proxy.lan']",
        "[server]\nforwarded_header = 'x-real-ip'",
        "[server]\nconnections_per_address = -1",
        "[tts]\nengine = 'command'",
        "[numbers]\nallowed_types = []",
        &(modem("") + &modem("")),
        &(modem("") + &provider("").replace("backup", "sim1")),
        &(modem("") + &modem("").replace("sim1", "sim2")),
        &modem("voice = { kind = 'serial-pcm', port = '/dev/ttyUSB2' }"),
    ]), @r#"
    /etc/simverify.toml:2: server.tls_cert_file = "/a": must stand with server.tls_key_file: HTTPS needs both
    /etc/simverify.toml:2: server.tls_key_file = "/a": must stand with server.tls_cert_file: HTTPS needs both
    /etc/simverify.toml:2: server.listen = "0.0.0.0:8081": must not share an address with admin.listen, 127.0.0.1:8081
    /etc/simverify.toml:2: server.listen = "[::]:8081": must not share an address with admin.listen, 127.0.0.1:8081
    /etc/simverify.toml:2: admin.listen = "127.0.0.1:8080": must not share an address with server.listen, 127.0.0.1:8080
    valid
    valid
    /etc/simverify.toml:2: admin.tls = true: must stand with server.tls_cert_file and server.tls_key_file
    /etc/simverify.toml:2: admin.hosts = ["sms.lan:8081"]: must be a list of host names without ports, such as ["sms.lan"]
    /etc/simverify.toml:2: server.trusted_proxies = ["proxy.lan"]: must be a list of addresses and networks, such as ["127.0.0.1", "10.0.0.0/8"]
    /etc/simverify.toml:2: server.forwarded_header = "x-real-ip": must be one of x-forwarded-for, forwarded
    /etc/simverify.toml:2: server.connections_per_address = -1: must be a whole number from 0 to 100000
    /etc/simverify.toml:2: tts.engine = "command": must stand with tts.command, the program and its arguments
    /etc/simverify.toml:2: numbers.allowed_types = []: must name at least one type, or no number could be verified
    /etc/simverify.toml:6: modems[1].name = "sim1": must be a name of its own: modems[0].name is the same
    /etc/simverify.toml:6: providers[0].name = "sim1": must be a name of its own: modems[0].name is the same
    /etc/simverify.toml:7: modems[1].port = "/dev/ttyUSB2": must be a port of its own: modems[0].port is the same
    /etc/simverify.toml:4: modems[0].voice.port = "/dev/ttyUSB2": must be a port of its own: modems[0].port is the same
    "#);
}

#[test]
fn the_layers_without_types_are_named_too() {
    let cases = [
        ("SIMVERIFY__SERVER__LISTEN", "localhost"),
        ("SIMVERIFY__SERVER__LISTN", "127.0.0.1:80"),
        ("SIMVERIFY__VERIFY__MAX_CHECKS", "many"),
        ("SIMVERIFY__VERIFY__MAX_CHECKS", "11"),
        ("SIMVERIFY__VERIFY__ARGON2__ITERATIONS", "0"),
        ("SIMVERIFY__PRICING__COUNTRIES__uk", "5"),
        ("SIMVERIFY__NUMBERS__ALLOWED_TYPES", "mobile,mobil"),
        ("SIMVERIFY__SERVER", "5"),
        ("SIMVERIFY__", "5"),
        ("SIMVERIFY__MODEMS", "[{ name = 'sim1', port = '/dev/ttyUSB2', sim_pin = '1' }]"),
        ("SIMVERIFY__MODEMS", "[{ name = 'sim1', port = '/dev/ttyUSB2', sim_pin = '1234' }]"),
        ("SIMVERIFY__MODEMS", "[{ name = 'sim1', sim_pin = '1234' "),
        ("SIMVERIFY__MODEMS", "sim_pin = 1234"),
        ("SIMVERIFY__MODEMS__0__SIM_PIN", "1234"),
    ];
    let mut said: String =
        cases.iter().map(|(name, value)| Place::empty().variable(name, value).message() + "\n").collect();
    said += &Place::empty().flag("verify.max_checks", "11").message();
    insta::assert_snapshot!(said, @r#"
    environment variable SIMVERIFY__SERVER__LISTEN: server.listen = "localhost": must be an IP address with a port, such as "127.0.0.1:8080" or "[::1]:8080", or a list of them
    environment variable SIMVERIFY__SERVER__LISTN: unknown key server.listn = "127.0.0.1:80": did you mean listen? server allows listen, tls_cert_file, tls_key_file, public_url, trusted_proxies, forwarded_header, connections_per_address, requests_in_flight
    environment variable SIMVERIFY__VERIFY__MAX_CHECKS: verify.max_checks = "many": must be a whole number from 1 to 10
    environment variable SIMVERIFY__VERIFY__MAX_CHECKS: verify.max_checks = "11": must be a whole number from 1 to 10
    environment variable SIMVERIFY__VERIFY__ARGON2__ITERATIONS: verify.argon2.iterations = "0": must be a whole number from 1 to 64
    environment variable SIMVERIFY__PRICING__COUNTRIES__uk: pricing.countries.uk = "5": must be an ISO 3166-1 country code of two capital letters
    environment variable SIMVERIFY__NUMBERS__ALLOWED_TYPES: numbers.allowed_types[1]: must be one of mobile, fixed_line, fixed_line_or_mobile, toll_free, premium_rate, shared_cost, voip, personal_number, pager, uan, voicemail, satellite, unknown
    environment variable SIMVERIFY__SERVER: server = "5": must be a table
    environment variable SIMVERIFY__: unknown key "" = "5": allowed sections are server, admin, storage, verify, messages, inbox, numbers, limits, guessing, breaker, pricing, tts, modems, providers, routing, webhooks, log
    environment variable SIMVERIFY__MODEMS: modems[0].sim_pin = "***": must be 4 to 8 digits in quotes, or empty
    valid
    environment variable SIMVERIFY__MODEMS: modems[0]: must be a table
    environment variable SIMVERIFY__MODEMS: modems[0]: must be a table
    environment variable SIMVERIFY__MODEMS__0__SIM_PIN: modems = { 0 = { sim_pin = "***" } }: must be a list of tables, each under [[modems]]
    flag --set: verify.max_checks = "11": must be a whole number from 1 to 10
    "#);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let mut said = messages(&["[server\n", "[server]\nlisten = '1'\nlisten = '2'", "[[modems]]\nsim_pin = \"geheim"]);
    let place = Place::empty();
    let missing = Sources {
        file: Some("/nonexistent/simverify.toml".into()),
        directory: place.directory.path().to_owned(),
        environment: Vec::new(),
        flags: Vec::new(),
    };
    said += &Configuration::load(&missing).expect_err("no such file").to_string();
    said += "\n";
    said += &Place::empty().file("conf.d", "not a directory").message();
    insta::assert_snapshot!(said, @r##"
    /etc/simverify.toml:1: not TOML: unclosed table, expected `]`
    /etc/simverify.toml:3: not TOML: duplicate key
    /etc/simverify.toml:2: not TOML: invalid basic string, expected `"`
    cannot read /nonexistent/simverify.toml: No such file or directory (os error 2)
    cannot read /etc/conf.d: Not a directory (os error 20)
    "##);
}

#[test]
fn a_secret_comes_from_a_file() {
    let place = Place::with_main(
        &(modem("sim_pin_file = '${CREDENTIALS_DIRECTORY}/pin'")
            + &provider(
                "secret_file = '${CREDENTIALS_DIRECTORY}/key'\ncallback_secret_file = '${CREDENTIALS_DIRECTORY}/callback'",
            )),
    )
    .file("credentials/callback", "geheim-und-unerraten\n")
    .file("credentials/pin", "4711\n")
    .file("credentials/key", "geheim\r\n");
    let directory = place.directory.path().join("credentials");
    let place = place.variable("CREDENTIALS_DIRECTORY", &directory.display().to_string());
    let settings = place.settings();
    assert_eq!(settings.modems[0].sim_pin.as_ref().expect("a PIN").expose(), "4711");
    assert_eq!(settings.providers[0].secret.as_ref().expect("a secret").expose(), "geheim");
    let callback = settings.providers[0].callback_secret.as_ref().expect("a secret");
    assert_eq!(callback.0.expose(), "geheim-und-unerraten");
    let printed = format!("{:?} {}", place.load(), place.load().expect("a valid configuration").effective);
    assert!(!printed.contains("4711") && !printed.contains("geheim"), "{printed}");
}

#[test]
fn a_secret_file_that_does_not_fit_is_refused() {
    let place = |line: &str| Place::with_main(&modem(line)).file("pin", "geheim").file("empty", "\n");
    let file = |name: &str| {
        let place = place("");
        let path = place.directory.path().join(name).display().to_string();
        place.file("simverify.toml", &modem(&format!("sim_pin_file = '{path}'"))).message()
    };
    let said = [
        file("pin"),
        file("empty"),
        file("nonexistent"),
        file("."),
        place("sim_pin = '4711'\nsim_pin_file = '/dev/null'").message(),
        place("sim_pin_file = '${CREDENTIALS_DIRECTORY}/pin'").message(),
        place("sim_pin_file = '${HOME}/pin'").message(),
        Place::with_main(&modem("sim_pin_file = '/dev/zero'")).message(),
    ];
    insta::assert_snapshot!(said.join("\n"), @r##"
    /etc/simverify.toml:4: modems[0].sim_pin_file = "/etc/pin": must be a file of 4 to 8 digits
    /etc/simverify.toml:4: modems[0].sim_pin_file = "/etc/empty": must be a file of 1 to 4096 bytes
    /etc/simverify.toml:4: modems[0].sim_pin_file = "/etc/nonexistent": must be a readable file: No such file or directory (os error 2)
    /etc/simverify.toml:4: modems[0].sim_pin_file = "/etc/.": must be a readable file: Is a directory (os error 21)
    /etc/simverify.toml:5: modems[0].sim_pin_file = "/dev/null": must not stand beside sim_pin: one of the two gives the secret
    /etc/simverify.toml:4: modems[0].sim_pin_file = "${CREDENTIALS_DIRECTORY}/pin": must wait for systemd: CREDENTIALS_DIRECTORY is set only for a unit with LoadCredential=
    /etc/simverify.toml:4: modems[0].sim_pin_file = "${HOME}/pin": must hold no variable but ${CREDENTIALS_DIRECTORY}
    /etc/simverify.toml:4: modems[0].sim_pin_file = "/dev/zero": must be a file of 1 to 4096 bytes
    "##);
}

#[test]
fn secrets_are_masked_in_what_is_in_effect() {
    let place = Place::with_main(
        &(modem("sim_pin = '4711'")
            + &provider(
                "secret = 'geheim1'\nheaders = { Authorization = 'geheim2' }\nbody = 'geheim3'\ncontent_type = ''\n\
                 variables = { account = 'AC1', api_key = 'geheim5' }\nproxy = 'http://me:geheim6@proxy.example:3128'\n\
                 callback_secret = 'geheim7geheim7geheim7'\nvoice = { body = 'geheim8', url = 'https://geheim@sms.example' }",
            )
            .replace("send", "send?key=geheim4")),
    );
    let configuration = place.load().expect("a valid configuration");
    let printed = format!("{configuration:?}\n{}\n{}", configuration.effective, configuration.effective.to_json());
    assert!(!printed.contains("4711") && !printed.contains("geheim"), "{printed}");
    let tables = configuration.effective.to_string();
    let tables = tables[tables.find("[[modems]]").expect("modems")..tables.find("[routing]").expect("routing")].trim();
    insta::assert_snapshot!(tables.replace(&place.directory.path().display().to_string(), "/etc"), @r#"
    [[modems]]
    name = "sim1"  # /etc/simverify.toml:2
    port = "/dev/ttyUSB2"  # /etc/simverify.toml:3
    baud_rate = 115200  # built-in defaults
    profile = "auto"  # built-in defaults
    sim_pin = "***"  # /etc/simverify.toml:4
    sim_pin_file = ""  # built-in defaults
    channels = ["sms", "voice"]  # built-in defaults
    countries = []  # built-in defaults
    sms_per_minute = 0  # built-in defaults
    sms_per_day = 0  # built-in defaults
    sms_per_month = 0  # built-in defaults
    calls_per_day = 0  # built-in defaults
    calls_per_month = 0  # built-in defaults
    sms_price = "0"  # built-in defaults
    call_price = "0"  # built-in defaults
    spend_per_day = "0"  # built-in defaults
    spend_per_month = "0"  # built-in defaults
    delivery_reports = true  # built-in defaults
    roaming = true  # built-in defaults
    voice.kind = "none"  # built-in defaults

    [[providers]]
    name = "backup"  # /etc/simverify.toml:6
    url = "https://sms.example/send?***"  # /etc/simverify.toml:7
    preset = ""  # built-in defaults
    channels = ["sms"]  # built-in defaults
    countries = []  # built-in defaults
    method = "POST"  # built-in defaults
    headers.Authorization = "***"  # /etc/simverify.toml:9
    variables.account = "AC1"  # /etc/simverify.toml:12
    variables.api_key = "***"  # /etc/simverify.toml:12
    secret = "***"  # /etc/simverify.toml:8
    secret_file = ""  # built-in defaults
    content_type = ""  # /etc/simverify.toml:11
    body = "***"  # /etc/simverify.toml:10
    success_status = [200, 201, 202]  # built-in defaults
    success_path = ""  # built-in defaults
    success_value = ""  # built-in defaults
    success_pattern = ""  # built-in defaults
    message_id_path = ""  # built-in defaults
    refusal_path = ""  # built-in defaults
    final_codes = []  # built-in defaults
    temporary_codes = []  # built-in defaults
    retry_after_path = ""  # built-in defaults
    timeout_seconds = 10  # built-in defaults
    concurrency = 4  # built-in defaults
    sms_per_minute = 0  # built-in defaults
    sms_per_day = 0  # built-in defaults
    sms_per_month = 0  # built-in defaults
    calls_per_day = 0  # built-in defaults
    calls_per_month = 0  # built-in defaults
    sms_price = "0"  # built-in defaults
    call_price = "0"  # built-in defaults
    spend_per_day = "0"  # built-in defaults
    spend_per_month = "0"  # built-in defaults
    proxy = "http://***@proxy.example:3128"  # /etc/simverify.toml:13
    ca_file = ""  # built-in defaults
    callback_secret = "***"  # /etc/simverify.toml:14
    callback_secret_file = ""  # built-in defaults
    callback = {  }  # built-in defaults
    voice.body = "***"  # /etc/simverify.toml:15
    voice.content_type = ""  # /etc/simverify.toml:11
    voice.final_codes = []  # built-in defaults
    voice.headers.Authorization = "***"  # /etc/simverify.toml:9
    voice.message_id_path = ""  # built-in defaults
    voice.method = "POST"  # built-in defaults
    voice.refusal_path = ""  # built-in defaults
    voice.retry_after_path = ""  # built-in defaults
    voice.success_path = ""  # built-in defaults
    voice.success_pattern = ""  # built-in defaults
    voice.success_status = [200, 201, 202]  # built-in defaults
    voice.success_value = ""  # built-in defaults
    voice.temporary_codes = []  # built-in defaults
    voice.url = "https://***@sms.example"  # /etc/simverify.toml:15
    "#);
}

#[test]
fn the_request_of_a_call_is_that_of_an_sms_but_for_what_it_says_itself() {
    let settings = Place::with_main(&provider(
        "success_value = 'OK'\nheaders = { A = '1' }\nfinal_codes = [30003, 'x']\n\
         voice = { url = 'https://sms.example/call', headers = { B = '2' } }",
    ))
    .settings();
    let both = &settings.providers[0];
    let (sms, call) = (both.sms_request(), both.call_request());
    assert_eq!([sms.url.as_str(), call.url.as_str()], ["https://sms.example/send", "https://sms.example/call"]);
    assert_eq!([&sms.success_value, &call.success_value], ["OK", "OK"]);
    assert_eq!(call.headers.keys().collect::<Vec<_>>(), ["B"]);
    assert_eq!(call.final_codes.iter().map(Code::as_str).collect::<Vec<_>>(), ["30003", "x"]);
    let one_for_both = Place::with_main(&provider("")).settings();
    assert_eq!(one_for_both.providers[0].call_request().url.as_str(), "https://sms.example/send");
}

#[test]
fn the_public_address_stands_without_its_last_slash() {
    let settings = Place::with_main("[server]\npublic_url = 'https://verify.example/sms/'").settings();
    assert_eq!(settings.server.public_url.expect("an address").as_str(), "https://verify.example/sms");
}

#[test]
fn what_is_in_effect_is_a_valid_configuration_again() {
    let place = Place::with_main(&(modem("countries = ['DE']") + &provider("")));
    let effective = place.load().expect("a valid configuration").effective.to_string();
    let again = Place::with_main(&effective.replace("body = \"***\"", "body = ''").replace("\"***\"", "''"));
    assert_eq!(again.message(), "valid");
}

#[test]
fn every_shipped_file_is_valid() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let mut seen = 0;
    let files = fs::read_dir(directory).expect("the shipped files").map(|entry| entry.expect("a file").path());
    // Texts in the folder beside them are no settings.
    for file in files.filter(|file| file.is_file()) {
        let sources = Sources {
            file: Some(file.clone()),
            directory: "/nonexistent".into(),
            environment: Vec::new(),
            flags: Vec::new(),
        };
        if let Err(error) = Configuration::load(&sources) {
            panic!("{}: {error}", file.display());
        }
        seen += 1;
    }
    assert!(seen >= 3, "the shipped files were looked for in the right place");
}

/// The keys that a table of `list` may have.
fn keys_of_table(list: &str) -> BTreeSet<&'static str> {
    let unknown = Value::from(Map::from_iter([("zzz".to_owned(), Value::from(0))]));
    let problem = match list {
        "modems" => reader::read::<ModemSettings>(unknown).expect_err("an unknown key").problem,
        _ => reader::read::<ProviderSettings>(unknown).expect_err("an unknown key").problem,
    };
    match problem {
        Problem::UnknownKey { allowed } => allowed.iter().copied().collect(),
        problem @ (Problem::MissingKey(_) | Problem::Invalid(_)) => panic!("{problem:?}"),
    }
}

/// The table of `list` in the shipped defaults, out of its comment.
fn example(list: &str) -> toml::Table {
    let start = DEFAULT_TOML.find(&format!("# [[{list}]]")).expect("an example");
    let lines = DEFAULT_TOML[start..].lines().map_while(|line| line.strip_prefix("# "));
    lines.map(|line| line.to_owned() + "\n").collect::<String>().parse().expect("TOML")
}

#[test]
fn every_key_stands_in_the_shipped_defaults() {
    // A section that lacks a key does not load; these tables are only examples there.
    for (list, defaults) in [("modems", modems::MODEM_DEFAULTS), ("providers", providers::PROVIDER_DEFAULTS)] {
        let example = example(list);
        let table = example[list][0].as_table().expect("a table");
        let shown: BTreeSet<&str> = table.keys().map(String::as_str).collect();
        assert_eq!(shown, keys_of_table(list), "{list}");
        for (key, default) in &defaults.parse::<toml::Table>().expect("TOML") {
            assert!(key == "headers" || table[key] == *default, "{list}: {key} is shown with its default");
        }
    }
}

proptest::proptest! {
    // Each case reads all layers twice.
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    #[test]
    fn no_text_makes_loading_panic(key in "[a-z_]{1,12}", value in "\\PC*") {
        let _ = Place::empty().flag(&format!("verify.{key}"), &value).load();
        let _ = Place::empty().variable("SIMVERIFY__MODEMS", &value).load();
        let _ = layers::from_toml("x", &value);
    }
}

#[test]
fn a_folder_of_texts_is_read_and_replaces_single_texts() {
    let place = Place::empty()
        .file("messages/de-de.toml", "sms = '{pin} heißt der Code von {brand}'\n")
        .file("messages/.x.toml", "?")
        .file("messages/notes.txt", "?");
    let directory = place.directory.path().join("messages");
    let place = place.flag("messages.directory", &directory.display().to_string());
    let settings = place.settings();
    let purpose = Purpose::Number { brand: Brand::new("Acme").expect("a brand") };
    let sms = |tag: &str| {
        let (pin, language) = (Pin::new("4711").expect("a PIN"), tag.parse().expect("a language"));
        settings.messages.texts.sms(&purpose, &pin, language, &Autofill::default())
    };
    assert_eq!(sms("de-de"), "4711 heißt der Code von Acme");
    assert_eq!(sms("en-us"), "4711 is your Acme code. Do not share it with anyone.");
    assert_eq!(settings.messages.warnings, Vec::<String>::new());
}

/// What is said of a file of texts: the message that stops the start, or the warnings.
fn said_of_texts(name: &str, text: &[u8]) -> String {
    let place = Place::with_main("messages.directory = '/etc/messages'").file(name, "");
    let directory = place.directory.path().to_owned();
    fs::write(directory.join(name), text).expect("a written file");
    let place = place.flag("messages.directory", &directory.join("messages").display().to_string());
    let said = match place.load() {
        Ok(configuration) => configuration.settings.messages.warnings.join("\n"),
        Err(error) => format!("refused: {error}"),
    };
    said.replace(&directory.display().to_string(), "/etc") + "\n"
}

#[test]
fn a_text_that_would_be_useless_stops_the_start() {
    let files = [
        "sms = 'Your code is {pn}'",
        "sms = '{pin} for {payee}'",
        "sms = 'Your {brand} code'",
        "\n\nsms_short = '{pin} {brand'",
        "sms = '{pin} }'",
        "sms = ''",
        "sms = 5",
        "payment = '{pin} for {payee}'",
        "payment_short = '{pin} for EUR {amount}'",
        "decimal = '.'\ndecimals = ','",
        "decimal = 'x'",
        "speech = 'Hello'",
        "[speech]\ncode_is = 'Your code is {pin}'",
        "[speech]\ngreeting = 'Hello from {payee}'",
        "[speech]\ngreeting_payment = 'You pay {payee}'",
        "[speech]\nhello = 'Hello'",
        "sms = '{pin}'\nsms = '{pin}'",
        "sms = ",
    ];
    let said: String = files.iter().map(|file| said_of_texts("messages/en-gb.toml", file.as_bytes())).collect();
    insta::assert_snapshot!(said, @r#"
    refused: /etc/messages/en-gb.toml:1: sms: unknown placeholder {pn}: allowed are {pin}, {brand}
    refused: /etc/messages/en-gb.toml:1: sms: unknown placeholder {payee}: allowed are {pin}, {brand}
    refused: /etc/messages/en-gb.toml:1: sms: must hold {pin}
    refused: /etc/messages/en-gb.toml:3: sms_short: a { without }; write {{ for a brace
    refused: /etc/messages/en-gb.toml:1: sms: a } without {; write }} for a brace
    refused: /etc/messages/en-gb.toml:1: sms: must not be empty
    refused: /etc/messages/en-gb.toml:1: sms: must be text in quotes
    refused: /etc/messages/en-gb.toml:1: payment: must hold {amount}
    refused: /etc/messages/en-gb.toml:1: payment_short: must hold {payee}
    refused: /etc/messages/en-gb.toml:2: unknown key decimals: allowed are sms, sms_short, payment, payment_short, speech.greeting, speech.greeting_payment, speech.code_is, speech.again, speech.hear_again, speech.goodbye, speech.capital, decimal
    refused: /etc/messages/en-gb.toml:1: decimal: must be "." or ","
    refused: /etc/messages/en-gb.toml:1: speech: must be a table: [speech]
    refused: /etc/messages/en-gb.toml:2: speech.code_is: unknown placeholder {pin}: none is allowed here
    refused: /etc/messages/en-gb.toml:2: speech.greeting: unknown placeholder {payee}: allowed are {brand}
    refused: /etc/messages/en-gb.toml:2: speech.greeting_payment: must hold {amount}
    refused: /etc/messages/en-gb.toml:2: unknown key speech.hello: allowed are sms, sms_short, payment, payment_short, speech.greeting, speech.greeting_payment, speech.code_is, speech.again, speech.hear_again, speech.goodbye, speech.capital, decimal
    refused: /etc/messages/en-gb.toml:2: not TOML: duplicate key
    refused: /etc/messages/en-gb.toml:1: not TOML: string values must be quoted, expected literal string
    "#);
    let said = said_of_texts("messages/en-gb.toml", b"sms = '{pin}'\npayment = '\xff'")
        + &said_of_texts("messages/en.toml", b"")
        + &said_of_texts("messages/EN-GB.toml", b"")
        + &said_of_texts("messages/en-gb.toml", &[b'#'; 70_000])
        + &said_of_texts("messages/en-gb.toml/file", b"")
        + &said_of_texts("elsewhere/en-gb.toml", b"");
    insta::assert_snapshot!(said, @r#"
    refused: /etc/messages/en-gb.toml:2: not UTF-8
    refused: /etc/messages/en.toml: no language of this name: a file is called LANGUAGE.toml, LANGUAGE one of ar-xa cs-cz cy-cy cy-gb da-dk de-de el-gr en-au en-gb en-in en-us es-es es-mx es-us fi-fi fil-ph fr-ca fr-fr hi-in hu-hu id-id is-is it-it ja-jp ko-kr nb-no nl-nl pl-pl pt-br pt-pt ro-ro ru-ru sv-se th-th tr-tr vi-vn yue-cn zh-cn zh-tw bg-bg ee-et ga-ie lv-lv lt-lt mt-mt sk-sk sl-si
    refused: /etc/messages/EN-GB.toml: no language of this name: a file is called LANGUAGE.toml, LANGUAGE one of ar-xa cs-cz cy-cy cy-gb da-dk de-de el-gr en-au en-gb en-in en-us es-es es-mx es-us fi-fi fil-ph fr-ca fr-fr hi-in hu-hu id-id is-is it-it ja-jp ko-kr nb-no nl-nl pl-pl pt-br pt-pt ro-ro ru-ru sv-se th-th tr-tr vi-vn yue-cn zh-cn zh-tw bg-bg ee-et ga-ie lv-lv lt-lt mt-mt sk-sk sl-si
    refused: cannot read /etc/messages/en-gb.toml: more than 65536 bytes
    refused: cannot read /etc/messages/en-gb.toml: Is a directory (os error 21)
    refused: flag --set: messages.directory = "/etc/messages": must be a readable directory: No such file or directory (os error 2)
    "#);
}

#[test]
fn a_text_that_is_unwise_is_warned_of() {
    let long = "x".repeat(140);
    let files = [
        format!("\nsms = '{{pin}} is your {{brand}} code. {long}'"),
        format!("sms_short = '{{pin}} – {{brand}}. {long}'"),
        "sms = 'Your {brand} code – tell nobody, not even us, whoever asks – is {pin}'\npayment = '{pin}: {amount} an {payee}, žádný jiný příjemce to není a nebude'".to_owned(),
    ];
    let said: String = files.iter().map(|file| said_of_texts("messages/en-gb.toml", file.as_bytes())).collect();
    insta::assert_snapshot!(said, @r#"
    /etc/messages/en-gb.toml:2: sms: takes 2 messages with a name of 18 characters and a PIN of 6, 20 characters too many
    /etc/messages/en-gb.toml:1: sms_short: takes 3 messages with a name of 18 characters and a PIN of 6, 99 characters too many; "–" is outside the GSM alphabet, which leaves 70
    /etc/messages/en-gb.toml:1: sms: should begin with {pin}: a lock screen shows the beginning
    /etc/messages/en-gb.toml:1: sms: takes 2 messages with a name of 18 characters and a PIN of 6, 11 characters too many; "–" is outside the GSM alphabet, which leaves 70
    /etc/messages/en-gb.toml:2: payment: takes 2 messages with a name of 18 characters and a PIN of 6, 5 characters too many; "ž" is outside the GSM alphabet, which leaves 70
    "#);
}
