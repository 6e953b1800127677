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
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

static NEXT: AtomicU16 = AtomicU16::new(0);

pub const PATIENCE: Duration = Duration::from_secs(5);

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
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
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
            .stderr(Stdio::inherit())
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
