//! What the control process asks for.

use super::protection::{DtlsEntry, IceEntry, SrtpEntry};
use serde::{Deserialize, Serialize};

/// The commands, by name.
pub const OPS: [&str; 21] = [
    "hello",
    "open",
    "reserve",
    "signal",
    "remote",
    "hear",
    "play",
    "stop",
    "seek",
    "pause",
    "record",
    "stop_record",
    "pause_record",
    "dtmf",
    "voice",
    "mixer_open",
    "mixer_play",
    "mixer_close",
    "close",
    "list",
    "stats",
];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Command {
    Hello {
        proto: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    },
    Open {
        session: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ip: Option<String>,
        /// The port to give if it is free: that of the session in an engine that is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
        /// The port is one of those that were reserved; the reply brings another one.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        reserved: bool,
        /// A port that is reserved no longer, so that this session may have it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<u16>,
    },
    /// Ports to open sessions on without waiting for the reply.
    Reserve {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ip: Option<String>,
        count: u16,
    },
    /// Where the peer's signalling comes from.
    Signal {
        session: String,
        ip: String,
        port: u16,
    },
    Remote(Box<RemoteCommand>),
    Hear {
        session: String,
        source: Source,
    },
    Play {
        session: String,
        play: String,
        files: Vec<String>,
        #[serde(default)]
        repeat: bool,
    },
    Stop {
        session: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        play: Option<String>,
    },
    Seek {
        session: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        play: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ms: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by_ms: Option<i64>,
    },
    Pause {
        session: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        play: Option<String>,
        paused: bool,
    },
    Record(RecordCommand),
    StopRecord {
        session: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<String>,
    },
    PauseRecord {
        session: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<String>,
        paused: bool,
    },
    Dtmf {
        session: String,
        digits: String,
        #[serde(default = "default_digit_ms")]
        ms: u32,
        #[serde(default = "default_gap_ms")]
        gap_ms: u32,
    },
    Voice {
        session: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gain_db: Option<f64>,
        #[serde(default)]
        muted: bool,
        /// Whether it is brought to the level of the others.
        #[serde(default)]
        agc: bool,
    },
    MixerOpen {
        mixer: String,
    },
    MixerPlay {
        mixer: String,
        files: Vec<String>,
    },
    MixerClose {
        mixer: String,
    },
    Close {
        session: String,
    },
    List {},
    Stats {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
    },
}

fn default_digit_ms() -> u32 {
    100
}

fn default_gap_ms() -> u32 {
    60
}

fn default_clock() -> u32 {
    8000
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_default_clock(clock: &u32) -> bool {
    *clock == default_clock()
}

fn default_ptime() -> u32 {
    20
}

/// The session or mixer that a command is for; commands for one are carried out in their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    Session(String),
    Mixer(String),
}

impl Command {
    /// The name on the wire.
    pub fn op(&self) -> &'static str {
        match self {
            Command::Hello { .. } => "hello",
            Command::Open { .. } => "open",
            Command::Reserve { .. } => "reserve",
            Command::Signal { .. } => "signal",
            Command::Remote(_) => "remote",
            Command::Hear { .. } => "hear",
            Command::Play { .. } => "play",
            Command::Stop { .. } => "stop",
            Command::Seek { .. } => "seek",
            Command::Pause { .. } => "pause",
            Command::Record(_) => "record",
            Command::StopRecord { .. } => "stop_record",
            Command::PauseRecord { .. } => "pause_record",
            Command::Dtmf { .. } => "dtmf",
            Command::Voice { .. } => "voice",
            Command::MixerOpen { .. } => "mixer_open",
            Command::MixerPlay { .. } => "mixer_play",
            Command::MixerClose { .. } => "mixer_close",
            Command::Close { .. } => "close",
            Command::List {} => "list",
            Command::Stats { .. } => "stats",
        }
    }

    /// What the command is for; `None` when it is for the engine.
    pub fn target(&self) -> Option<Target> {
        match self {
            Command::Hello { .. }
            | Command::Reserve { .. }
            | Command::List {}
            | Command::Stats { session: None } => None,
            Command::Open { session, .. }
            | Command::Signal { session, .. }
            | Command::Hear { session, .. }
            | Command::Play { session, .. }
            | Command::Stop { session, .. }
            | Command::Seek { session, .. }
            | Command::Pause { session, .. }
            | Command::StopRecord { session, .. }
            | Command::PauseRecord { session, .. }
            | Command::Dtmf { session, .. }
            | Command::Voice { session, .. }
            | Command::Close { session }
            | Command::Stats { session: Some(session) } => Some(Target::Session(session.clone())),
            Command::Remote(remote) => Some(Target::Session(remote.session.clone())),
            Command::Record(record) => Some(Target::Session(record.session.clone())),
            Command::MixerOpen { mixer }
            | Command::MixerPlay { mixer, .. }
            | Command::MixerClose { mixer } => Some(Target::Mixer(mixer.clone())),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemoteCommand {
    pub session: String,
    pub ip: String,
    pub port: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtcp_ip: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtcp_port: Option<u16>,
    pub codecs: Vec<CodecEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dtmf: Vec<EventEntry>,
    /// Codecs that are only passed on to who has them too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<ForeignEntry>,
    /// Comfort noise (RFC 3389), when it was negotiated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cn: Option<NoiseEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub srtp: Option<SrtpEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtls: Option<DtlsEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ice: Option<IceEntry>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rtcp_mux: bool,
    pub direction: Direction,
    #[serde(default = "default_ptime")]
    pub ptime: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodecEntry {
    pub name: String,
    pub pt: u8,
    /// The payload type that the peer sends it with, when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rx_pt: Option<u8>,
    /// What the peer wishes to receive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fmtp: Option<String>,
}

/// A codec that the engine does not speak.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForeignEntry {
    pub name: String,
    pub clock: u32,
    pub pt: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rx_pt: Option<u8>,
}

/// Comfort noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseEntry {
    pub pt: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rx_pt: Option<u8>,
}

/// telephone-event of a clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventEntry {
    pub pt: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rx_pt: Option<u8>,
    #[serde(default = "default_clock", skip_serializing_if = "is_default_clock")]
    pub clock: u32,
}

/// Our direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Sendrecv,
    Sendonly,
    Recvonly,
    Inactive,
}

impl Direction {
    pub fn sends(self) -> bool {
        matches!(self, Direction::Sendrecv | Direction::Sendonly)
    }

    pub fn receives(self) -> bool {
        matches!(self, Direction::Sendrecv | Direction::Recvonly)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordCommand {
    pub session: String,
    pub record: String,
    pub path: String,
    pub max_ms: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence_ms: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_digits: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beep_ms: Option<u32>,
    /// Also what the leg hears, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub both: Option<Both>,
    #[serde(default, skip_serializing_if = "FileFormat::is_wav")]
    pub format: FileFormat,
    /// 8000 or 16,000 Hz; that of the leg's codec unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// Go on behind what an engine that is gone has written to the file (WAV only).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resume: bool,
}

/// What a recording is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    #[default]
    Wav,
    /// In Ogg.
    Opus,
}

impl FileFormat {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_wav(&self) -> bool {
        *self == FileFormat::Wav
    }
}

/// How both sides of a conversation are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Both {
    /// Added up.
    Mixed,
    /// What the leg says on the left, what it hears on the right.
    Stereo,
}

/// What a session hears when nothing is played to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Source {
    Silence,
    Echo,
    Session { session: String },
    Mixer { mixer: String },
    Music { file: String },
    Tone { tone: ToneName },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToneName {
    Ringback,
    Busy,
    Congestion,
}
