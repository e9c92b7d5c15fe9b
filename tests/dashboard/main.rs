//! The dashboard in a real browser: Chromium from Debian, driven by playwright-core from npm.
//!
//! `make test` installs both. What a page says is tested in `tests/behaviour`; here, that people can use it: on a phone, by
//! keyboard, in the dark, without a script. Screenshots land in `target/tmp/dashboard`.

#[path = "../harness/mod.rs"]
#[expect(dead_code, reason = "the tests of the behaviour use more of it")]
mod harness;

mod modems;
mod office;
mod pages;
mod verifications;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use harness::{Options, TestApp, spawn_app};

pub const NAME: &str = "alex";
pub const PASSWORD: &str = "correct horse battery";

/// A daemon with an admin user.
pub async fn with_admin(options: Options) -> TestApp {
    let app = spawn_app(options.admin()).await;
    app.add_admin(NAME, PASSWORD).await;
    app
}

/// Runs a script of this folder in Chromium, against `app`, and returns what it says. The script takes `what` for its work;
/// it fails on anything that a page complains of or asks another host for.
pub async fn browse(app: &TestApp, script: &str, what: &Value) -> Value {
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard");
    std::fs::create_dir_all(&screenshots).expect("a directory");
    let task = json!({
        "address": app.admin_url(""),
        "name": NAME,
        "password": PASSWORD,
        "screenshots": screenshots,
        "what": what,
    });
    let mut command = Command::new("node");
    command.arg(repository("tests/dashboard").join(script)).arg(task.to_string());
    command.env("NODE_PATH", tool("node/node_modules")).env("CHROMIUM", "/usr/bin/chromium");
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.expect("node starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {errors}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn tool(path: &str) -> PathBuf {
    let path = repository("target/tools").join(path);
    assert!(path.exists(), "{} is missing: `make test` installs it, or scripts/install-tools", path.display());
    path
}
