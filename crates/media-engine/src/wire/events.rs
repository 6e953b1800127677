//! What the engine tells by itself.

use super::ErrorCode;
use media_proto::presence;
use serde::{Deserialize, Serialize};

/// Why a player ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlayEnd {
    Finished,
    Stopped,
    Closed,
    /// A file could not be read to its end.
    Failed,
}

/// What is missing of a peer that should be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lack {
    Packets,
    Sound,
}

impl From<presence::Lack> for Lack {
    fn from(lack: presence::Lack) -> Lack {
        match lack {
            presence::Lack::Packets => Lack::Packets,
            presence::Lack::Sound => Lack::Sound,
        }
    }
}

/// Why a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordEnd {
    Stopped,
    Digit,
    Silence,
    Limit,
    Closed,
    Disk,
    /// By a fault of ours.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ev", rename_all = "snake_case")]
pub enum Event {
    Dtmf {
        session: String,
        digit: char,
        ms: u32,
    },
    PlayDone {
        session: String,
        play: String,
        reason: PlayEnd,
        /// How far it was played.
        #[serde(default)]
        ms: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    RecordDone {
        session: String,
        record: String,
        path: String,
        ms: u32,
        voiced_ms: u32,
        reason: RecordEnd,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digit: Option<char>,
    },
    Latched {
        session: String,
        ip: String,
        port: u16,
    },
    Moved {
        session: String,
        ip: String,
        port: u16,
    },
    Secured {
        session: String,
        suite: String,
        dtls: String,
    },
    Insecure {
        session: String,
        detail: String,
    },
    Expired {
        session: String,
        ms: u64,
    },
    Quiet {
        session: String,
        ms: u64,
        lack: Lack,
    },
    Heard {
        session: String,
        ms: u64,
    },
    Error {
        op: String,
        error: ErrorCode,
        detail: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mixer: Option<String>,
    },
    Orphaned {
        session: String,
    },
}

/// An event with its number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Numbered {
    pub n: u64,
    #[serde(flatten)]
    pub event: Event,
}
