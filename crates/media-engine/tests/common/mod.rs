//! An engine in a process of its own, a controller, and phones with real sockets.

#![allow(clippy::disallowed_methods, reason = "these tests run in real time, over real sockets")]
#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

mod browser;
mod controller;
mod keys;
mod phone;

pub use browser::{Browser, bad_hello, hello};
pub use controller::Controller;
pub use keys::{Keys, connect_protected, remote_protected};
pub use phone::{EVENT, Heard, Phone};

use serde_json::json;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Of engines alone: their ports are by it, and come round after twenty.
static ENGINES: AtomicU16 = AtomicU16::new(0);

/// How long a condition is waited for. Nothing takes so long but a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until something has come true.
pub fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_true() {
        assert!(started.elapsed() < PATIENCE, "it never came true that {what}");
        sleep_ms(5);
    }
}

/// The longest that a sleep of 5 ms took too long while a test may be held up and still be believed.
const HELD_UP: Duration = Duration::from_millis(15);
const TRIES: usize = 8;

/// Runs what measures real time, and cannot wait for a condition: the same sound at the same moment, what comes too late for a jitter
/// buffer. When it fails while this machine held it up, which is measured beside it, it has told nothing and is run again; when it
/// fails undisturbed, or every time, it has failed.
pub fn undisturbed(test: impl Fn()) {
    for left in (0..TRIES).rev() {
        let (stop, worst) = (AtomicBool::new(false), AtomicU64::new(0));
        let outcome = thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let slept = Instant::now();
                    sleep_ms(5);
                    let late = slept.elapsed().saturating_sub(Duration::from_millis(5));
                    worst.fetch_max(late.as_micros() as u64, Ordering::Relaxed);
                }
            });
            let outcome = catch_unwind(AssertUnwindSafe(&test));
            stop.store(true, Ordering::Relaxed);
            outcome
        });
        let worst = Duration::from_micros(worst.into_inner());
        match outcome {
            Ok(()) => return,
            Err(_) if left > 0 && worst > HELD_UP => {
                eprintln!("the machine held this up for {worst:?}; it is run again");
            }
            Err(panic) => resume_unwind(panic),
        }
    }
}

pub fn sleep_ms(ms: u64) {
    thread::sleep(Duration::from_millis(ms));
}

/// A running engine; it is killed and its folder removed when dropped.
pub struct Engine {
    pub child: Child,
    pub folder: PathBuf,
    pub socket: PathBuf,
}

impl Engine {
    pub fn start() -> Engine {
        Engine::start_with(&[], 20)
    }

    /// Starts with more arguments and so many pairs of ports.
    pub fn start_with(more: &[&str], pairs: u16) -> Engine {
        Engine::start_logging(more, pairs, Stdio::inherit())
    }

    /// Starts with more arguments, and its log goes there.
    pub fn start_logging(more: &[&str], pairs: u16, log: Stdio) -> Engine {
        let number = ENGINES.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tongdai-engine-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let first = 10_000 + (std::process::id() % 100) as u16 * 80 + number * 400 % 8000;
        let ports = format!("{first}-{}", first + 2 * pairs - 1);
        let socket = folder.join("media.sock");
        let child = Command::new(env!("CARGO_BIN_EXE_tongdai-media"))
            .arg("--socket")
            .arg(&socket)
            .args(["--ip", "127.0.0.1", "--ports", &ports])
            .args(more)
            .stderr(log)
            .spawn()
            .unwrap();
        let engine = Engine { child, folder, socket };
        let started = Instant::now();
        while UnixStream::connect(&engine.socket).is_err() {
            assert!(started.elapsed() < PATIENCE, "the engine does not listen");
            sleep_ms(5);
        }
        engine
    }

    pub fn controller(&self) -> Controller {
        let mut controller = Controller::connect(&self.socket);
        controller.ok(json!({"op": "hello", "proto": 1}));
        controller
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    /// Writes a sound file.
    pub fn wav(&self, name: &str, samples: &[i16]) -> String {
        let mut file = media_proto::wav::header(samples.len() as u32).to_vec();
        file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        let path = self.path(name);
        std::fs::write(&path, file).unwrap();
        path
    }

    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end; returns the exit code.
    pub fn wait(&mut self) -> Option<i32> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(started.elapsed() < PATIENCE, "the engine does not end");
            sleep_ms(5);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn sleep_until(moment: Instant) {
    thread::sleep(moment.saturating_duration_since(Instant::now()));
}

/// A tone as samples.
pub fn tone(frequency: f64, ms: usize) -> Vec<i16> {
    let step = std::f64::consts::TAU * frequency / 8000.0;
    (0..ms * 8).map(|i| ((step * i as f64).sin() * 6000.0) as i16).collect()
}

/// Amplitude of one frequency in samples (Goertzel).
pub fn amplitude(samples: &[i16], frequency: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, &sample) in samples.iter().enumerate() {
        let phase = std::f64::consts::TAU * frequency * i as f64 / 8000.0;
        re += f64::from(sample) * phase.cos();
        im += f64::from(sample) * phase.sin();
    }
    2.0 * (re * re + im * im).sqrt() / samples.len() as f64
}

/// The largest amplitude of a frequency in any 100 ms of the samples.
pub fn loudest(samples: &[i16], frequency: f64) -> f64 {
    samples.windows(800).step_by(100).map(|part| amplitude(part, frequency)).fold(0.0, f64::max)
}

/// How many ms of a frequency there are in samples: pauses do not matter, as of a phone that this machine held up.
pub fn ms_of(samples: &[i16], frequency: f64) -> usize {
    20 * samples.chunks_exact(160).filter(|frame| amplitude(frame, frequency) > 3000.0).count()
}

/// The amplitude of a frequency for most of the time that it is there at all.
pub fn level(samples: &[i16], frequency: f64) -> f64 {
    let parts = samples.windows(800).step_by(100).map(|part| amplitude(part, frequency));
    let parts: Vec<f64> = parts.collect();
    let most = parts.iter().copied().fold(0.0, f64::max);
    let mut there: Vec<f64> = parts.into_iter().filter(|part| *part >= most / 2.0).collect();
    there.sort_by(f64::total_cmp);
    there.get(there.len() / 2).copied().unwrap_or(0.0)
}
