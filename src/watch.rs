//! Tells when files change, by the kernel's word.
//!
//! Files come and go with their directories, and are swapped by renaming a link. So the nearest directory that exists is
//! watched: of the path, and of each link on its way. Who watches sets the watch first and looks then, so that no change
//! falls between. A file that is written in place is half of itself meanwhile: who reads it waits until it is at rest.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::mem::MaybeUninit;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use tokio::net::unix::pipe;
use tokio::time::timeout;
use tracing::debug;

/// Links that are followed.
const LINKS_MAX: usize = 8;

/// Octets of events that the kernel hands over at a time.
const BUFFER: usize = 4096;

/// Events that are taken at a time. The kernel writes one after the other of the same kind down once.
const EVENTS_MAX: usize = 10_000;

/// What counts as a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A name appears, or its owner or mode changes. In `/dev` files are written all the time.
    Names,
    /// A file was written, too.
    Contents,
}

/// A watch of some paths.
pub struct Watch {
    paths: Vec<PathBuf>,
    change: Change,
    /// Where the kernel cannot watch, nothing is ever told: look now and then all the same.
    events: io::Result<pipe::Receiver>,
    /// The kernel's numbers of what is watched.
    watched: BTreeSet<i32>,
    /// Files that were written since, and whose writers have not closed them.
    in_writing: BTreeSet<i32>,
}

impl Watch {
    pub fn new<'path>(paths: impl IntoIterator<Item = &'path Path>, change: Change) -> Self {
        let paths = paths.into_iter().map(Path::to_owned).collect();
        let mut watch = Self { paths, change, events: events(), watched: BTreeSet::new(), in_writing: BTreeSet::new() };
        watch.follow();
        watch
    }

    /// Returns once something has changed in a directory that a path goes through.
    pub async fn changed(&mut self) {
        let Ok(events) = &self.events else { return std::future::pending().await };
        let mut changed = false;
        while !changed && events.readable().await.is_ok() {
            let _ = events.try_io(|| {
                let taken = take(events, &mut self.in_writing);
                changed = taken.changed;
                // The runtime waits for the next one.
                if taken.all { Err(io::Error::from(io::ErrorKind::WouldBlock)) } else { Ok(()) }
            });
        }
        if !changed {
            std::future::pending::<()>().await;
        }
        self.follow();
    }

    /// Whether something has changed that was not told yet.
    pub fn has_changed(&mut self) -> bool {
        let Ok(events) = &self.events else { return false };
        let taken = take(events, &mut self.in_writing);
        if taken.changed {
            self.follow();
        }
        taken.changed
    }

    /// Whether a writer is at a file: it has written and not closed it.
    pub fn is_in_writing(&self) -> bool {
        !self.in_writing.is_empty()
    }

    /// Returns once no writer is at a file and nothing has changed for as long as `quiet`; after `longest` all the same.
    pub async fn at_rest(&mut self, quiet: Duration, longest: Duration) {
        // A mount is not told.
        self.follow();
        let rest = async {
            let mut told = false;
            loop {
                if self.is_in_writing() {
                    if !std::mem::replace(&mut told, true) {
                        debug!(name: "certificate.in_writing", files = ?self.paths, "one is being written: its writer is waited for");
                    }
                    self.changed().await;
                } else if timeout(quiet, self.changed()).await.is_err() {
                    return;
                }
            }
        };
        let _ = timeout(longest, rest).await;
    }

    /// Watches what the paths lead through at present, and nothing else.
    fn follow(&mut self) {
        let Ok(events) = &self.events else { return };
        let way = Way::of(&self.paths);
        let names = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::ATTRIB
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF;
        let (changes, files) = match self.change {
            Change::Names => (names, BTreeSet::new()),
            Change::Contents => (names | WatchFlags::CLOSE_WRITE, way.files),
        };
        let watch = |path: PathBuf, flags| inotify::add_watch(events, path, flags).ok();
        let directories = way.directories.into_iter().filter_map(|directory| watch(directory, changes));
        let files = files.into_iter().filter_map(|file| watch(file, WatchFlags::MODIFY | WatchFlags::CLOSE_WRITE));
        let watched = directories.chain(files).collect();
        for left in self.watched.difference(&watched) {
            // It may have gone by itself.
            let _ = inotify::remove_watch(events, *left);
            self.in_writing.remove(left);
        }
        self.watched = watched;
    }
}

fn events() -> io::Result<pipe::Receiver> {
    let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    // It is no pipe, but is waited for as one: the general type is unsafe to use.
    pipe::Receiver::from_file_unchecked(File::from(events))
}

struct Taken {
    changed: bool,
    /// There are no further events.
    all: bool,
}

/// Takes events from the kernel, and notes which files are in writing.
fn take(events: &pipe::Receiver, in_writing: &mut BTreeSet<i32>) -> Taken {
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut events = inotify::Reader::new(events, &mut buffer);
    let mut changed = false;
    for _ in 0..EVENTS_MAX {
        let Ok(event) = events.next() else { return Taken { changed, all: true } };
        // Files are watched for this, directories are not.
        if event.events().contains(ReadFlags::MODIFY) {
            in_writing.insert(event.wd());
        } else if event.events().intersects(ReadFlags::CLOSE_WRITE | ReadFlags::IGNORED) {
            in_writing.remove(&event.wd());
        }
        changed |= !event.events().contains(ReadFlags::IGNORED);
    }
    Taken { changed, all: false }
}

/// What some paths lead through.
#[derive(Debug, Default, PartialEq, Eq)]
struct Way {
    /// Where a name may change: of each link, and the last one that there is.
    directories: BTreeSet<PathBuf>,
    /// Where they end.
    files: BTreeSet<PathBuf>,
}

impl Way {
    fn of(paths: &[PathBuf]) -> Self {
        let mut way = Self::default();
        for path in paths {
            way.go(path);
        }
        way
    }

    fn go(&mut self, path: &Path) {
        let mut place = PathBuf::from(if path.is_absolute() { "/" } else { "." });
        let mut rest = steps(path);
        let mut links = 0;
        while let Some(step) = rest.pop() {
            let next = place.join(&step);
            if let Ok(target) = fs::read_link(&next) {
                self.directories.insert(place.clone());
                links += 1;
                if links > LINKS_MAX {
                    return;
                }
                // A relative target counts from the link's directory.
                if target.is_absolute() {
                    place = PathBuf::from("/");
                }
                rest.extend(steps(&target));
            } else if next.is_dir() {
                place = next;
            } else {
                if next.is_file() {
                    self.files.insert(next);
                }
                break;
            }
        }
        self.directories.insert(place);
    }
}

/// The parts of a path, the first one last.
fn steps(path: &Path) -> Vec<PathBuf> {
    let named = |part: &Component| matches!(part, Component::Normal(_) | Component::ParentDir);
    path.components().rev().filter(named).map(|part| PathBuf::from(part.as_os_str())).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use super::*;

    const SOON: Duration = Duration::from_secs(60);

    async fn tells(path: &Path, change: Change, what: impl FnOnce()) {
        let mut watch = Watch::new([path], change);
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

    #[tokio::test]
    async fn a_directory_that_a_link_leads_to_may_be_another_one() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let live = root.path().join("live");
        for name in ["1", "2"] {
            fs::create_dir(root.path().join(name)).expect("a directory");
            fs::write(root.path().join(name).join("file"), name).expect("a file");
        }
        symlink("1", &live).expect("a link");
        let mut watch = Watch::new([live.join("file").as_path()], Change::Contents);
        let next = root.path().join("next");
        symlink("2", &next).expect("a link");
        tokio::time::timeout(SOON, watch.changed()).await.expect("a link in the same directory");
        fs::rename(&next, &live).expect("a move");
        tokio::time::timeout(SOON, watch.changed()).await.expect("the kernel tells");
        fs::write(root.path().join("2/file"), "written again").expect("a file");
        tokio::time::timeout(SOON, watch.changed()).await.expect("it is followed");
        while watch.has_changed() {}
        fs::write(root.path().join("1/file"), "written again").expect("a file");
        assert!(!watch.has_changed(), "nothing leads there");
    }

    #[tokio::test]
    async fn a_file_is_not_at_rest_before_its_writer_has_closed_it() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let path = root.path().join("file");
        fs::write(&path, "old").expect("a file");
        let mut watch = Watch::new([path.as_path()], Change::Contents);
        let mut writer = File::create(&path).expect("a file");
        tokio::time::timeout(SOON, watch.changed()).await.expect("it is empty");
        for part in ["half ", "and half"] {
            assert!(watch.is_in_writing());
            assert!(tokio::time::timeout(Duration::ZERO, watch.at_rest(Duration::ZERO, SOON)).await.is_err());
            writer.write_all(part.as_bytes()).expect("a file");
        }
        drop(writer);
        watch.at_rest(Duration::from_millis(1), SOON).await;
        assert!(!watch.is_in_writing() && !watch.has_changed());
    }

    #[tokio::test]
    async fn a_writer_that_never_ends_is_waited_for_so_long() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let path = root.path().join("file");
        fs::write(&path, "old").expect("a file");
        let mut watch = Watch::new([path.as_path()], Change::Contents);
        let writer = File::create(&path).expect("a file");
        watch.at_rest(Duration::ZERO, Duration::from_millis(1)).await;
        assert!(watch.is_in_writing());
        // Its file is not the one of that name any more.
        fs::write(root.path().join("other"), "new").expect("a file");
        fs::rename(root.path().join("other"), &path).expect("a move");
        watch.at_rest(Duration::from_millis(1), SOON).await;
        assert!(!watch.is_in_writing());
        drop(writer);
    }

    #[test]
    fn a_ring_of_links_ends() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let link = root.path().join("modem");
        symlink("modem", &link).expect("a link");
        let way = Way { directories: BTreeSet::from([root.path().to_owned()]), files: BTreeSet::new() };
        assert_eq!(Way::of(&[link]), way);
    }
}
