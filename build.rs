//! Takes the parts of Swagger UI that the interactive documentation serves out of the vendored archive.
//!
//! A file in a zip archive is a deflate stream, and so is a gzip file between its header and its check sum: nothing is
//! inflated here, and the binary carries what the browser will be sent.

use std::error::Error;
use std::io::{Cursor, Read};
use std::path::Path;

use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::{CompressionMethod, ZipArchive};

/// Files of the archive, each with its name in the output directory.
const PARTS: [(&str, &str); 3] = [
    ("dist/swagger-ui-bundle.js", "swagger-ui-bundle.js.gz"),
    ("dist/swagger-ui.css", "swagger-ui.css.gz"),
    ("LICENSE", "swagger-ui-license.txt.gz"),
];

/// RFC 1952 §2.3: magic number, deflate, no flags, no time, best compression, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let directory = std::env::var_os("OUT_DIR").ok_or("cargo names no output directory")?;
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    for (part, name) in PARTS {
        std::fs::write(Path::new(&directory).join(name), gzip(&mut archive, part)?)?;
    }
    Ok(())
}

/// The file at `part` below the archive's one folder.
fn gzip(archive: &mut ZipArchive<Cursor<&[u8]>>, part: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let is_part = |name: &str| name.split_once('/').is_some_and(|(_, path)| path == part);
    let index = (0..archive.len())
        .find(|&index| archive.name_for_index(index).is_some_and(|name| name.is_ok_and(|name| is_part(&name))));
    let mut file = archive.by_index_raw(index.ok_or_else(|| format!("the archive has no {part}"))?)?;
    if file.compression() != CompressionMethod::DEFLATE {
        return Err(format!("{part} is not deflated").into());
    }
    let mut gzip = GZIP_HEADER.to_vec();
    file.read_to_end(&mut gzip)?;
    gzip.extend(file.crc32().to_le_bytes());
    gzip.extend(u32::try_from(file.size())?.to_le_bytes());
    Ok(gzip)
}
