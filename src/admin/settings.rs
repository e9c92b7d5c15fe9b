//! The settings in effect, to be read: they are changed in their files, where comments and history are.

use std::os::unix::fs::PermissionsExt;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::frame::{Frame, Section};
use super::sheet::Sheet;
use super::visitor::Visitor;
use super::words::{Moment, size, span};
use super::{Desk, page};

#[derive(Template)]
#[template(path = "settings.html", config = "src/admin/askama.toml")]
struct SettingsPage<'a> {
    frame: Frame,
    sheet: &'a Sheet,
    version: &'static str,
    uptime: String,
    database: String,
    key_file: String,
    /// Whether something is wrong with the key file.
    key_trouble: bool,
    read: Moment,
    /// The defaults too.
    all: bool,
}

/// `GET /settings`.
pub(super) async fn show(visitor: Visitor, desk: web::Data<Desk>) -> HttpResponse {
    let database = match desk.app.database_size().await {
        Ok(found) if found.unused > 0 => format!("{}, of which {} are unused", size(found.octets), size(found.unused)),
        Ok(found) => size(found.octets),
        Err(error) => return page::failed(&error),
    };
    let sheet = desk.sheet.read();
    let (key_file, key_trouble) = key_file(&sheet.key_file, desk.app.key_count()).await;
    visitor.show(&SettingsPage {
        frame: visitor.frame(Section::Settings),
        version: env!("CARGO_PKG_VERSION"),
        uptime: span(desk.app.clock().now().since(desk.started)),
        database,
        key_file,
        key_trouble,
        read: Moment(sheet.read),
        all: visitor.query("all").is_some(),
        sheet: &sheet,
    })
}

/// The state of the key file, in words, and whether it is a bad one. The daemon has read it; it is wanted at the next
/// start.
async fn key_file(path: &str, keys: usize) -> (String, bool) {
    let rotation = if keys > 1 { "; another key is taking its place" } else { "" };
    match tokio::fs::metadata(path).await {
        Ok(found) => match found.permissions().mode() & 0o777 {
            mode if mode & 0o077 == 0 => (format!("there, for its owner alone (mode {mode:o}){rotation}"), false),
            mode => (format!("others may read it (mode {mode:o}): chmod 600{rotation}"), true),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            ("gone: put the copy back before the next start, or nothing can be opened any more".to_owned(), true)
        }
        Err(error) => (format!("cannot be looked at: {error}"), true),
    }
}
