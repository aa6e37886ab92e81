//! Queues of requests that wait for a thread.

use std::{
    collections::VecDeque,
    os::unix::net::UnixStream,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use twinlock_core::wire::fleet::FleetRequest;

use crate::clock::Deadline;

/// A request, and the client that waits for the reply.
#[derive(Debug)]
pub(crate) struct FleetJob {
    /// The connection. Reads and writes do not block.
    pub(crate) socket: UnixStream,
    /// The request.
    pub(crate) request: FleetRequest,
    /// Time until which the client waits.
    pub(crate) deadline: Deadline,
}

/// Requests that wait for a thread, the oldest first.
#[derive(Debug)]
pub(crate) struct JobQueue {
    jobs: Mutex<VecDeque<FleetJob>>,
    added: Condvar,
    most: usize,
}

impl JobQueue {
    /// Returns an empty queue for at most this many requests.
    pub(crate) fn of(most: usize) -> Self {
        Self { jobs: Mutex::default(), added: Condvar::new(), most }
    }

    fn jobs(&self) -> MutexGuard<'_, VecDeque<FleetJob>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request. Returns the request as an error if the queue is full.
    pub(crate) fn push(&self, job: FleetJob) -> Result<(), FleetJob> {
        let mut jobs = self.jobs();
        if jobs.len() >= self.most {
            return Err(job);
        }
        jobs.push_back(job);
        drop(jobs);
        self.added.notify_one();
        Ok(())
    }

    /// Removes and returns the oldest request. Waits while the queue is empty.
    pub(crate) fn take(&self) -> FleetJob {
        let mut jobs = self.jobs();
        loop {
            if let Some(job) = jobs.pop_front() {
                return job;
            }
            jobs = self.added.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use twinlock_core::wire::fleet::FleetTask;

    #[test]
    fn a_queue_has_a_bound() {
        let queue = JobQueue::of(2);
        let job = |patience| FleetJob {
            socket: UnixStream::pair().unwrap().0,
            request: FleetRequest { patience, task: FleetTask::State },
            deadline: Deadline::within(Duration::from_secs(1)),
        };
        assert!(queue.push(job(1)).is_ok() && queue.push(job(2)).is_ok());
        assert_eq!(queue.push(job(3)).unwrap_err().request.patience, 3);
        assert_eq!(queue.take().request.patience, 1);
        assert!(queue.push(job(4)).is_ok());
        assert_eq!((queue.take().request.patience, queue.take().request.patience), (2, 4));
    }
}
