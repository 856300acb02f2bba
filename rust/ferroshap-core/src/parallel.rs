//! Work in chunks on a private pool that survives `fork` and can be stopped.
//!
//! Every chunk is computed by one thread in an order of its own, so results do not depend on the number of threads.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// What the caller wants to do while work goes on: report progress, look for an interrupt.
pub trait Control {
    /// Called on the calling thread about every 50 ms with the number of finished chunks; `false` stops the work.
    fn poll(&self, done: usize) -> bool;

    /// Called before the first chunk is begun, where a chunk is so many rows.
    fn begin(&self, _rows_of_a_chunk: usize) {}
}

/// What comes before the first row: an interrupt counts, and nothing is done yet.
pub(crate) struct NoRowYet<'a>(pub(crate) &'a dyn Control);

impl Control for NoRowYet<'_> {
    fn poll(&self, _: usize) -> bool {
        self.0.poll(0)
    }
}

/// Lets the work run to its end.
#[derive(Debug, Clone, Copy)]
pub struct Uninterrupted;

impl Control for Uninterrupted {
    fn poll(&self, _done: usize) -> bool {
        true
    }
}

const POLL_EVERY: Duration = Duration::from_millis(50);

/// More threads than this are never started: a thousand take a second to start, and a slip of the keyboard would take
/// the machine.
const MOST_THREADS: usize = 1024;

/// Tells running work whether to stop. Workers only read a flag; work on the calling thread polls for itself.
pub struct Cancel<'a> {
    flag: &'a AtomicBool,
    done: &'a AtomicUsize,
    poll: Option<(&'a dyn Control, std::cell::Cell<Instant>)>,
}

impl std::fmt::Debug for Cancel<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cancel").field("flag", &self.flag).finish_non_exhaustive()
    }
}

impl Cancel<'_> {
    /// Whether to stop now. Cheap enough to ask once a tree and block.
    pub fn requested(&self) -> bool {
        if let Some((control, last)) = &self.poll
            && last.get().elapsed() >= POLL_EVERY
        {
            last.set(Instant::now());
            if !control.poll(self.done.load(Ordering::Relaxed)) {
                self.flag.store(true, Ordering::Relaxed);
            }
        }
        self.flag.load(Ordering::Relaxed)
    }
}

/// Calls `work(scratch, index, chunk)` for every `size` elements of `out`, each chunk once, on up to `threads` threads.
///
/// Each thread makes its `scratch` once. One thread means the calling thread, without a pool; more than 1024 are 1024.
///
/// # Errors
/// [`Error::Cancelled`] if `control` asked to stop; `out` is then incomplete.
pub fn for_each_chunk<T: Send, S>(
    out: &mut [T],
    size: usize,
    threads: usize,
    control: &dyn Control,
    scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &mut [T], &Cancel<'_>) + Sync,
) -> Result<()> {
    let (flag, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let n_chunks = out.len().div_ceil(size.max(1));
    let threads = threads.min(MOST_THREADS);
    let workers = threads.clamp(1, n_chunks.max(1));
    let chunks = Mutex::new(out.chunks_mut(size.max(1)).enumerate());
    let drain = |cancel: &Cancel<'_>| {
        let mut own = None;
        while !cancel.requested() {
            let Some((index, chunk)) = chunks.lock().unwrap_or_else(PoisonError::into_inner).next() else { break };
            work(own.get_or_insert_with(&scratch), index, chunk, cancel);
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    if workers == 1 {
        let poll = Some((control, std::cell::Cell::new(Instant::now())));
        drain(&Cancel { flag: &flag, done: &done, poll });
    } else {
        let idle = (Mutex::new(workers), Condvar::new());
        pool(threads)?.in_place_scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|_| {
                    let _leave = Leave(&idle);
                    drain(&Cancel { flag: &flag, done: &done, poll: None });
                });
            }
            wait(&idle, &flag, || control.poll(done.load(Ordering::Relaxed)));
        });
    }
    if flag.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
}

type Idle = (Mutex<usize>, Condvar);

/// Counts a worker out, also when its work panics: the calling thread would wait for ever otherwise.
struct Leave<'a>(&'a Idle);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.1.notify_one();
    }
}

fn wait(idle: &Idle, flag: &AtomicBool, poll: impl Fn() -> bool) {
    let mut running = idle.0.lock().unwrap_or_else(PoisonError::into_inner);
    while *running > 0 {
        let (guard, timeout) = idle.1.wait_timeout(running, POLL_EVERY).unwrap_or_else(PoisonError::into_inner);
        running = guard;
        if timeout.timed_out() {
            drop(running);
            if !poll() {
                flag.store(true, Ordering::Relaxed);
            }
            running = idle.0.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The pools of one process. After a fork the child finds none of its threads alive, so it appends a registry of its
/// own and never touches (or drops) its parent's.
struct Registry {
    process: (u32, u64),
    pools: Mutex<HashMap<usize, Arc<rayon_core::ThreadPool>>>,
    next: OnceLock<Box<Registry>>,
}

impl Registry {
    fn new(process: (u32, u64)) -> Self {
        Self { process, pools: Mutex::default(), next: OnceLock::new() }
    }
}

static REGISTRY: OnceLock<Registry> = OnceLock::new();
static FORKS: AtomicU64 = AtomicU64::new(0);

/// To be called in a forked child: process ids can be used again, a count of forks cannot.
pub fn after_fork_in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

fn pool(threads: usize) -> Result<Arc<rayon_core::ThreadPool>> {
    let process = (std::process::id(), FORKS.load(Ordering::Relaxed));
    let mut registry = REGISTRY.get_or_init(|| Registry::new(process));
    while registry.process != process {
        registry = registry.next.get_or_init(|| Box::new(Registry::new(process)));
    }
    let mut pools = registry.pools.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.get(&threads) {
        return Ok(pool.clone());
    }
    let built = rayon_core::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("ferroshap-{i}"))
        .build()
        .map_err(|e| {
            Error::Option(format!("threads={threads}: the system refused to start them ({e}); ask for fewer"))
        })?;
    let pool = Arc::new(built);
    pools.insert(threads, pool.clone());
    Ok(pool)
}

/// How many threads to use when the caller names none: `FERROSHAP_NUM_THREADS`, else `RAYON_NUM_THREADS`, else
/// `OMP_NUM_THREADS` (which Spark, Dask, Ray and joblib set for their workers), else the processors that this process may
/// use (affinity and cgroup).
pub fn default_threads() -> usize {
    ["FERROSHAP_NUM_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS"]
        .iter()
        .find_map(|name| std::env::var(name).ok()?.split(',').next()?.trim().parse().ok().filter(|&n: &usize| n > 0))
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .min(MOST_THREADS)
}
