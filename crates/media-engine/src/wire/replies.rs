//! What is answered to commands.

use super::commands::Source;
use super::stats::{EngineStats, SessionStats};
use serde::{Deserialize, Serialize};

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    BadCommand,
    NoSession,
    NoMixer,
    Exists,
    NoPorts,
    BadIp,
    BadFile,
    BadValue,
    Internal,
}

/// A reply that refuses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    pub re: u64,
    pub ok: bool,
    pub error: ErrorCode,
    pub detail: String,
}

/// A reply that grants, with what the command asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Grant {
    pub re: u64,
    pub ok: bool,
    #[serde(flatten)]
    pub body: Body,
}

/// What a granted command brings.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Body {
    Done {},
    Hello {
        engine: String,
        proto: u32,
        version: String,
        sessions: usize,
        lost: u64,
        fingerprint: String,
    },
    Opened {
        ip: String,
        port: u16,
        rtcp_port: u16,
        /// A port in place of the reserved one that was used.
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<u16>,
    },
    Reserved {
        ip: String,
        ports: Vec<u16>,
    },
    List {
        sessions: Vec<Listed>,
        mixers: Vec<String>,
    },
    Session {
        stats: SessionStats,
    },
    Engine {
        stats: EngineStats,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed {
    pub session: String,
    pub port: u16,
    pub source: Source,
    /// The signalled address, `ip:port`.
    pub remote: Option<String>,
    pub tag: Option<String>,
    /// What it was told to play and to record last, also when that has ended.
    pub play: Option<String>,
    pub record: Option<String>,
}
