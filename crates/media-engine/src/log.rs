//! Logs: one JSON object per line on standard error.

use crate::clock;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::sync::atomic::{AtomicU8, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

impl Level {
    pub const NAMES: [&'static str; 4] = ["debug", "info", "warning", "error"];

    pub fn from_name(name: &str) -> Option<Level> {
        let levels = [Level::Debug, Level::Info, Level::Warning, Level::Error];
        levels.into_iter().zip(Level::NAMES).find(|(_, known)| *known == name).map(|(level, _)| level)
    }
}

static LEAST: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// Leaves out what is less than `level`.
pub fn set_level(level: Level) {
    LEAST.store(level as u8, Ordering::Relaxed);
}

/// Writes a line: when, how grave, what, and its `fields` (a JSON object).
pub fn log(level: Level, event: &str, fields: Value) {
    if (level as u8) < LEAST.load(Ordering::Relaxed) {
        return;
    }
    let mut line = Map::new();
    line.insert("ts".into(), json!(clock::unix() as f64 / 1e6));
    line.insert("level".into(), json!(Level::NAMES[level as usize]));
    line.insert("event".into(), json!(event));
    if let Value::Object(fields) = fields {
        line.extend(fields);
    }
    let mut text = Value::Object(line).to_string();
    text.push('\n');
    // Nobody may be reading; there is nowhere else to complain.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Makes a panic a line of the log too.
pub fn catch_panics() {
    std::panic::set_hook(Box::new(|info| {
        let what = info.payload();
        let message = what
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| what.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("unknown");
        let place = info.location().map(ToString::to_string);
        log(Level::Error, "panic", json!({"message": message, "at": place}));
    }));
}
