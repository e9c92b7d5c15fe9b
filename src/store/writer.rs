//! The one writer: a thread that owns the connection and commits waiting jobs in groups.
//!
//! ```text
//! jobs ──► begin ─ savepoint job 1 ─ savepoint job 2 ─ … ─ commit (one fsync) ──► replies
//! ```
//!
//! What a job notes is counted once its group is durable. A job that fails takes back its own writes only. If the transaction itself is lost (disk full, I/O error), every job
//! of the group fails, refused ones too, and nothing of it is written.

use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::{StoreError, Tx};
use crate::metrics::{Fact, Metrics};

/// Jobs that may wait; further ones wait outside.
const QUEUE: usize = 1024;

/// Jobs of one commit: enough to share its cost, few enough that the first does not wait long for the last.
const GROUP: usize = 64;

/// Called with the end of the transaction: its commit, or why it was lost.
type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Runs in a savepoint, or is told why there is no transaction. Says whether to keep its writes.
type Job = Box<dyn FnOnce(Result<&Tx, StoreError>) -> (Keep, Reply) + Send>;

enum Keep {
    Writes,
    Nothing,
}

#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
    closed: Arc<watch::Receiver<()>>,
}

impl Writer {
    pub fn start(connection: Connection, metrics: Metrics) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (alive, closed) = watch::channel(());
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                let _alive = alive;
                run(&connection, queue, &metrics);
            })
            .map_err(|error| StoreError::Other(error.to_string()))?;
        Ok(Self { jobs, closed: Arc::new(closed) })
    }

    pub async fn run<T, E>(&self, work: impl FnOnce(&Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            let result = tx.map_err(E::from).and_then(work);
            let keep = if result.is_ok() { Keep::Writes } else { Keep::Nothing };
            let finish: Reply = Box::new(move |end| {
                // What a job was refused for may have been written by another of a group that is lost.
                let result = match end {
                    Ok(()) => result,
                    Err(lost) => Err(E::from(lost)),
                };
                // A caller that has gone away is told nothing; its writes stand.
                let _ = reply.send(result);
            });
            (keep, finish)
        });
        self.jobs.send(job).await.map_err(|_| E::from(StoreError::Closed))?;
        answer.await.unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
    }

    pub async fn closed(&self) {
        let mut closed = (*self.closed).clone();
        while closed.changed().await.is_ok() {}
    }
}

fn run(connection: &Connection, mut queue: mpsc::Receiver<Job>, metrics: &Metrics) {
    let mut group = Vec::with_capacity(GROUP);
    while queue.blocking_recv_many(&mut group, GROUP) > 0 {
        commit_group(connection, group.drain(..), metrics);
    }
    // Leaves one file behind instead of three.
    let _ = connection.execute_batch("pragma wal_checkpoint(truncate)");
}

fn commit_group(connection: &Connection, jobs: impl Iterator<Item = Job>, metrics: &Metrics) {
    let mut lost = execute(connection, "begin immediate").err();
    let mut replies = Vec::with_capacity(GROUP);
    let mut facts = vec![];
    for job in jobs {
        let reply = match &lost {
            Some(error) => job(Err(error.clone())).1,
            None => {
                let (reply, error) = in_savepoint(connection, job, &mut facts);
                lost = error;
                reply
            }
        };
        replies.push(reply);
    }
    let began = Instant::now();
    let end = match lost {
        Some(error) => Err(error),
        None => execute(connection, "commit"),
    };
    metrics.committed(replies.len(), began.elapsed(), end.is_ok());
    if end.is_ok() {
        facts.into_iter().for_each(|fact| metrics.count(fact));
    }
    if end.is_err() && !connection.is_autocommit() {
        // Without a transaction there is nothing to take back; with one, the next group must not find it.
        let _ = connection.execute_batch("rollback");
    }
    for reply in replies {
        reply(end.clone());
    }
}

/// Runs one job; the error says that the whole transaction is lost.
fn in_savepoint(connection: &Connection, job: Job, facts: &mut Vec<Fact>) -> (Reply, Option<StoreError>) {
    if let Err(error) = execute(connection, "savepoint job") {
        return (job(Err(error.clone())).1, Some(error));
    }
    let tx = Tx::on(connection);
    let (keep, reply) = job(Ok(&tx));
    if connection.is_autocommit() {
        // SQLite ends the transaction by itself on a full disk and the like.
        return (reply, Some(StoreError::Io("the transaction was lost; is the disk full?".to_owned())));
    }
    let end = match keep {
        Keep::Writes => {
            facts.append(&mut tx.into_facts());
            execute(connection, "release job")
        }
        Keep::Nothing => execute(connection, "rollback to job").and_then(|()| execute(connection, "release job")),
    };
    (reply, end.err())
}

fn execute(connection: &Connection, statement: &str) -> Result<(), StoreError> {
    connection.prepare_cached(statement)?.execute([])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Form, Readings, write};

    #[tokio::test]
    async fn what_a_job_notes_counts_once_it_is_durable_and_not_if_it_is_taken_back() {
        let metrics = Metrics::default();
        let connection = Connection::open_in_memory().expect("a database");
        let writer = Writer::start(connection, metrics.clone()).expect("a thread");
        let note = |channel| move |tx: &Tx| tx.note(Fact::Unroutable { channel });
        let kept = writer.run(move |tx| {
            note("kept")(tx);
            Ok::<_, StoreError>(())
        });
        kept.await.expect("written");
        let refused = writer.run(move |tx| {
            note("refused")(tx);
            Err::<(), _>(StoreError::Exists)
        });
        refused.await.expect_err("refused");
        let lost = writer.run(move |tx| {
            note("lost")(tx);
            Ok::<_, StoreError>(tx.0.execute_batch("rollback")?)
        });
        lost.await.expect_err("lost");
        let text = write(&metrics, &Readings::default(), Form::Classic).expect("text");
        let counted: Vec<_> = text.lines().filter(|line| line.starts_with("simverify_events_unroutable")).collect();
        assert_eq!(counted, ["simverify_events_unroutable_total{channel=\"kept\"} 1"]);
        assert!(text.contains("\nsimverify_database_commit_failures_total 1\n"), "{text}");
    }

    #[tokio::test]
    async fn a_job_that_is_refused_in_a_lost_group_is_told_of_the_loss() {
        let metrics = Metrics::default();
        let writer =
            Writer::start(Connection::open_in_memory().expect("a database"), metrics.clone()).expect("a thread");
        let (release, released) = std::sync::mpsc::channel::<()>();
        let busy = writer.run(move |_| {
            // Ends when the sender is dropped.
            let _ = released.recv();
            Ok::<_, StoreError>(())
        });
        // Both wait meanwhile, and share the next transaction, which the second loses.
        let refused = writer.run(|_| Err::<(), _>(StoreError::Exists));
        let losing = writer.run(|tx| Ok::<_, StoreError>(tx.0.execute_batch("rollback")?));
        let (_, refused, lost, ()) = tokio::join!(busy, refused, losing, async { drop(release) });
        assert!(matches!(lost, Err(StoreError::Io(_))), "{lost:?}");
        assert!(matches!(refused, Err(StoreError::Io(_))), "what it was refused for may be lost: {refused:?}");
        writer.run(|_| Ok::<_, StoreError>(())).await.expect("the next group is not concerned");
    }
}
