//! Queues of requests that wait for a thread.

use std::{
    collections::BTreeMap,
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

/// Requests that wait for a thread. The one whose client has the least patience comes first: a login that was charged
/// has less of it than one that begins. If more logins begin than the store can serve, some are then served in time;
/// in the order of arrival, all would be charged and hardly one would end in time.
#[derive(Debug)]
pub(crate) struct JobQueue {
    jobs: Mutex<WaitingJobs>,
    added: Condvar,
    most: usize,
}

/// The waiting requests, by the patience of the client and a number that grows.
#[derive(Debug, Default)]
struct WaitingJobs {
    by_patience: BTreeMap<(u16, u64), FleetJob>,
    next: u64,
}

impl JobQueue {
    /// Returns an empty queue for at most this many requests.
    pub(crate) fn of(most: usize) -> Self {
        Self { jobs: Mutex::default(), added: Condvar::new(), most }
    }

    fn jobs(&self) -> MutexGuard<'_, WaitingJobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request. Returns the request as an error if the queue is full.
    pub(crate) fn push(&self, job: FleetJob) -> Result<(), FleetJob> {
        let mut jobs = self.jobs();
        if jobs.by_patience.len() >= self.most {
            return Err(job);
        }
        let key = (job.request.patience, jobs.next);
        jobs.next += 1;
        jobs.by_patience.insert(key, job);
        drop(jobs);
        self.added.notify_one();
        Ok(())
    }

    /// Removes and returns the first request. Waits while the queue is empty.
    pub(crate) fn take(&self) -> FleetJob {
        let mut jobs = self.jobs();
        loop {
            if let Some((_, job)) = jobs.by_patience.pop_first() {
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

    #[test]
    fn the_least_patient_is_served_first_and_then_the_oldest() {
        let queue = JobQueue::of(9);
        for (number, patience) in [3000, 2500, 3000, 2400].into_iter().enumerate() {
            let deadline = Deadline::within(Duration::from_secs(10 + number as u64));
            let request = FleetRequest { patience, task: FleetTask::State };
            queue
                .push(FleetJob { socket: UnixStream::pair().unwrap().0, request, deadline })
                .unwrap();
        }
        let jobs = [queue.take(), queue.take(), queue.take(), queue.take()];
        assert_eq!(jobs.each_ref().map(|job| job.request.patience), [2400, 2500, 3000, 3000]);
        assert!(jobs[2].deadline.left() < jobs[3].deadline.left());
    }
}
