//! What the Debian package is made of, without making it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use simverify::config::{Configuration, Sources};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect(name)
}

fn metadata() -> toml::Table {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("the manifest");
    manifest["package"]["metadata"]["deb"].as_table().expect("the package's table").clone()
}

/// The sources of what is installed, as they stand in the manifest.
fn sources() -> Vec<String> {
    let metadata = metadata();
    let assets = metadata["assets"].as_array().expect("a list");
    assets.iter().map(|asset| asset[0].as_str().expect("a path").to_owned()).collect()
}

/// Whether a file is there for `source`, whose last part may begin with a star.
fn is_there(source: &str) -> bool {
    let path = root().join(source);
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    let Some(end) = name.strip_prefix('*') else { return path.is_file() };
    let mut files = fs::read_dir(path.parent().expect("a directory")).into_iter().flatten().flatten();
    files.any(|file| file.file_name().to_string_lossy().ends_with(end))
}

#[test]
fn every_file_of_the_package_is_there() {
    let sources = sources();
    let (made, kept): (Vec<_>, Vec<_>) = sources.iter().partition(|source| source.starts_with("target/"));
    for source in kept {
        assert!(is_there(source), "{source}");
    }
    let recipe = read("scripts/build-deb");
    for source in made {
        let name = Path::new(source).file_name().expect("a name").to_string_lossy().into_owned();
        let by_program = name.starts_with('*') || name == "simverify";
        assert!(by_program || recipe.contains(&format!("$made/{name}")), "{source}: nothing makes it");
    }
    for key in ["extended-description-file", "changelog"] {
        assert!(is_there(metadata()[key].as_str().expect("a path")), "{key}");
    }
}

#[test]
fn every_file_for_systemd_is_in_the_package() {
    let sources = sources();
    for entry in fs::read_dir(root().join("systemd")).expect("the directory") {
        let name = format!("systemd/{}", entry.expect("an entry").file_name().display());
        assert!(sources.contains(&name), "{name}");
    }
}

#[test]
fn the_package_has_the_version_of_the_program() {
    let changelog = read("packaging/changelog");
    assert!(changelog.starts_with(&format!("simverify ({}-", env!("CARGO_PKG_VERSION"))), "{changelog}");
}

#[test]
fn scripts_have_no_mistake_in_their_syntax() {
    for (shell, names) in [
        ("sh", &["packaging/postinst", "packaging/prerm", "packaging/postrm"][..]),
        ("bash", &["scripts/build-deb", "scripts/check-deb", "scripts/install-packages"]),
        ("bash", &["tests/package/run", "tests/package/enter", "tests/package/common"]),
        ("bash", &["tests/package/plain", "tests/package/booted"]),
    ] {
        for name in names {
            let output = Command::new(shell).arg("-n").arg(root().join(name)).output().expect("a shell");
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

fn modems_of(text: &str) -> usize {
    let directory = tempfile::tempdir().expect("a directory");
    let file: PathBuf = directory.path().join("simverify.toml");
    fs::write(&file, text).expect("a written file");
    let sources = Sources {
        file: Some(file),
        directory: directory.path().to_owned(),
        environment: Vec::new(),
        flags: Vec::new(),
    };
    Configuration::load(&sources).expect("a valid configuration").settings.modems.len()
}

/// As it is shipped, and with its examples taken in.
#[test]
fn the_shipped_configuration_is_valid_and_waits_for_a_modem() {
    let shipped = read("packaging/simverify.toml");
    assert_eq!(modems_of(&shipped), 0);
    let is_example =
        |line: &str| line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
    let uncommented = shipped.lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| is_example(line));
    assert_eq!(modems_of(&uncommented.collect::<Vec<_>>().join("\n")), 1);
}
