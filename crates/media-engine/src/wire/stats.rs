//! Counters, as they are told.

use serde::{Deserialize, Serialize};

/// Counters of one session since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionStats {
    /// Age.
    pub ms: u64,
    pub rx_packets: u64,
    pub rx_octets: u64,
    /// Packets that never came, by their sequence numbers.
    pub rx_lost: i64,
    pub rx_jitter_ms: f64,
    /// Sound that was decoded here for a mixer, a recorder or a leg of another codec.
    #[serde(default)]
    pub heard_ms: u64,
    /// Of that, what stood in for packets that were lost or late.
    #[serde(default)]
    pub concealed_ms: u64,
    /// Packets that came when their time was over.
    #[serde(default)]
    pub rx_late: u64,
    /// How long a packet waits in the jitter buffer now; absent while nothing is decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer_ms: Option<f64>,
    /// Packets of strangers, dropped.
    pub rx_strangers: u64,
    /// Packets that were no RTP or had a payload type that was not negotiated, dropped.
    pub rx_invalid: u64,
    /// Packets that were not protected as agreed, or came twice, dropped.
    pub rx_unauthentic: u64,
    pub tx_packets: u64,
    pub tx_octets: u64,
    /// Packets that the system did not take.
    pub tx_errors: u64,
    /// What the peer reports of our stream (RTCP); absent until it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_lost: Option<i32>,
    /// Of our packets, those that it had had the time to receive or to miss by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_reported: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_jitter_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// What somebody would say who hears the peer; absent until a packet came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rx_mos: Option<f64>,
    /// What the peer would say, by its own reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_mos: Option<f64>,
}

/// Counters of the engine since it started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EngineStats {
    /// Age.
    pub ms: u64,
    pub sessions: u64,
    pub mixers: u64,
    pub ports_free: u64,
    pub ports_draining: u64,
    pub rx_packets: u64,
    pub tx_packets: u64,
    pub rx_strangers: u64,
    pub rx_invalid: u64,
    pub rx_unauthentic: u64,
    pub tx_errors: u64,
    /// Sessions and mixers that were ended by a fault of the engine.
    pub panics: u64,
    /// Sessions that were ended because nobody claimed them.
    pub orphaned: u64,
    /// Events that were dropped because no controller came.
    pub events_lost: u64,
}

impl EngineStats {
    /// Adds what another worker counted.
    pub fn add(&mut self, other: &EngineStats) {
        self.rx_packets += other.rx_packets;
        self.tx_packets += other.tx_packets;
        self.rx_strangers += other.rx_strangers;
        self.rx_invalid += other.rx_invalid;
        self.rx_unauthentic += other.rx_unauthentic;
        self.tx_errors += other.tx_errors;
    }
}
