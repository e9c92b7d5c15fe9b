//! Tells when files change, by the kernel's word.
//!
//! Files come and go with their directories, and are swapped by renaming a link. So the nearest directory that exists is
//! watched: of the path, and of each link on its way. Who watches sets the watch first and looks then, so that no change
//! falls between.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::net::unix::pipe;

/// Links that are followed.
const LINKS_MAX: usize = 8;

/// What counts as a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A name appears, or its owner or mode changes. In `/dev` files are written all the time.
    Names,
    /// A file was written, too.
    Contents,
}

/// A watch of some paths. Good for one change: what is watched depends on where the links lead.
pub struct Watch(io::Result<pipe::Receiver>);

impl Watch {
    /// Where the kernel cannot watch, nothing is ever told: look now and then all the same.
    pub fn new<'path>(paths: impl IntoIterator<Item = &'path Path>, change: Change) -> Self {
        Self(watch(paths, change))
    }

    /// Returns once something has changed in a directory that a path goes through.
    pub async fn changed(&self) {
        match &self.0 {
            Ok(watch) if watch.readable().await.is_ok() => {}
            Ok(_) | Err(_) => std::future::pending().await,
        }
    }
}

fn watch<'path>(paths: impl IntoIterator<Item = &'path Path>, change: Change) -> io::Result<pipe::Receiver> {
    let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    let names = WatchFlags::CREATE
        | WatchFlags::MOVED_TO
        | WatchFlags::ATTRIB
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF;
    let changes = match change {
        Change::Names => names,
        Change::Contents => names | WatchFlags::CLOSE_WRITE,
    };
    for directory in paths.into_iter().flat_map(directories) {
        inotify::add_watch(&watch, &directory, changes)?;
    }
    // It is no pipe, but is waited for as one: the general type is unsafe to use.
    pipe::Receiver::from_file_unchecked(File::from(watch))
}

/// The nearest existing directory of the path, and of each link on its way.
fn directories(path: &Path) -> BTreeSet<PathBuf> {
    let mut directories = BTreeSet::new();
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        directories.extend(path.ancestors().skip(1).find(|directory| directory.is_dir()).map(Path::to_owned));
        let Ok(target) = fs::read_link(&path) else { break };
        // A relative target counts from the link's directory; an absolute one replaces it.
        path = path.parent().unwrap_or(Path::new("/")).join(target);
    }
    directories
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    async fn tells(path: &Path, change: Change, what: impl FnOnce()) {
        let watch = Watch::new([path], change);
        what();
        tokio::time::timeout(SOON, watch.changed()).await.expect("the kernel tells");
    }

    #[tokio::test]
    async fn each_way_to_replace_a_file_is_told() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let path = root.path().join("file");
        tells(&path, Change::Contents, || fs::write(&path, "new").expect("a file")).await;
        tells(&path, Change::Contents, || fs::write(&path, "written again").expect("a file")).await;
        let other = root.path().join("other");
        fs::write(&other, "other").expect("a file");
        tells(&path, Change::Contents, || fs::rename(&other, &path).expect("a move")).await;
    }

    #[tokio::test]
    async fn a_change_behind_a_link_is_told() {
        let root = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(root.path().join("archive")).expect("a directory");
        let (link, target) = (root.path().join("live"), root.path().join("archive/1"));
        symlink("archive/1", &link).expect("a link");
        tells(&link, Change::Contents, || fs::write(&target, "one").expect("a file")).await;
        let next = root.path().join("next");
        symlink("archive/2", &next).expect("a link");
        tells(&link, Change::Names, || fs::rename(&next, &link).expect("a move")).await;
    }

    #[test]
    fn a_ring_of_links_ends() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let link = root.path().join("modem");
        symlink("modem", &link).expect("a link");
        assert_eq!(directories(&link), BTreeSet::from([root.path().to_owned()]));
    }
}
