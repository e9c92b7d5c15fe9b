//! Waits for a device to come back, told by the kernel.
//!
//! The watch is set before the look, so no change falls between.

use std::path::Path;
use std::time::Duration;

use nix::unistd::{AccessFlags, eaccess};

use crate::watch::{Change, Watch};

/// How often to look all the same: for file systems that tell nothing, and users without a watch left.
const RECHECK: Duration = Duration::from_secs(30);

/// Returns once the device exists and this user may open it.
///
/// A device is first root's and only then its group's, and a permission may be given at any time: so existence alone
/// is not enough.
pub async fn returned(path: &Path) {
    loop {
        let mut watch = Watch::new([path], Change::Names);
        if eaccess(path, AccessFlags::R_OK | AccessFlags::W_OK).is_ok() {
            return;
        }
        let _ = tokio::time::timeout(RECHECK, watch.changed()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use tokio::task::JoinHandle;

    use super::*;

    /// Far below the recheck: what ends within it was told by the kernel.
    const SOON: Duration = Duration::from_secs(20);

    async fn waiting_for(path: &Path) -> JoinHandle<()> {
        let path = path.to_owned();
        let task = tokio::spawn(async move { returned(&path).await });
        // On this one thread the task runs up to its wait.
        tokio::task::yield_now().await;
        assert!(!task.is_finished());
        task
    }

    async fn ends(task: JoinHandle<()>) {
        tokio::time::timeout(SOON, task).await.expect("it ends by an event").expect("without a panic");
    }

    #[tokio::test]
    async fn a_device_that_is_there_has_returned() {
        returned(Path::new("/dev/null")).await;
    }

    #[tokio::test]
    async fn a_device_returns_with_the_directories_of_its_link() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let link = root.path().join("serial/by-id/modem");
        let task = waiting_for(&link).await;
        fs::create_dir(root.path().join("serial")).expect("a directory");
        tokio::task::yield_now().await;
        fs::create_dir(root.path().join("serial/by-id")).expect("a directory");
        tokio::task::yield_now().await;
        symlink("../../device", &link).expect("a link");
        tokio::task::yield_now().await;
        assert!(!task.is_finished(), "a link to nothing");
        fs::write(root.path().join("device"), "").expect("a file");
        ends(task).await;
    }

    #[tokio::test]
    async fn a_link_to_nothing_waits_for_its_target() {
        let root = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(root.path().join("dev")).expect("a directory");
        let link = root.path().join("modem");
        symlink(root.path().join("dev/device"), &link).expect("a link");
        let task = waiting_for(&link).await;
        fs::write(root.path().join("dev/new"), "").expect("a file");
        fs::rename(root.path().join("dev/new"), root.path().join("dev/device")).expect("a move");
        ends(task).await;
    }
}
