//! What lies between a client and the API: versions of HTTP and TLS, compression, as curl speaks them.

use std::process::Command;

use crate::service::Service;

/// What curl prints of a request that is in order, with these further arguments.
fn told(service: &Service, number: &str, arguments: &[&str]) -> String {
    let form = format!("api_key={}&api_secret={}&brand=Acme&number={number}", service.key, service.secret);
    let output = Command::new("curl")
        .args(["-sS", "--noproxy", "*", "-w", " HTTP/%{http_version}", "-d", &form])
        .args(arguments)
        .arg("--cacert")
        .arg(service.authority())
        .arg(format!("{}/verify/json", service.url))
        .output()
        .expect("curl");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    service.masked(&String::from_utf8_lossy(&output.stdout))
}

#[test]
fn every_version_of_http_is_spoken_over_tls() {
    let service = Service::https();
    let cases: [(&[&str], &str); 6] = [
        (&["--http1.0"], "HTTP/1"),
        (&["--http1.1"], "HTTP/1.1"),
        (&["--http2"], "HTTP/2"),
        (&["--http2", "--tls-max", "1.2"], "HTTP/2"),
        (&["--http2", "--tlsv1.3"], "HTTP/2"),
        (&["--http1.1", "--compressed"], "HTTP/1.1"),
    ];
    for (index, (arguments, version)) in cases.into_iter().enumerate() {
        let told = told(&service, &format!("44770090012{index}"), arguments);
        let (reply, spoken) = told.split_once(' ').expect("a version behind the reply");
        assert_eq!(reply, r#"{"request_id":"<request>","status":"0"}"#, "{arguments:?}");
        // Not every curl writes the zero of 1.0.
        assert!(spoken.starts_with(version), "{arguments:?}: {spoken}");
    }
}
