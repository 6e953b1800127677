//! What a listener would say of a stream: the E-model (ITU-T G.107), with everything that a network cannot tell at its default.

use crate::codec::Codec;
use crate::{MS, Micros};

/// What was measured of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub codec: Codec,
    /// The share of the sound that was lost or came too late, 0–1.
    pub lost: f64,
    pub jitter: Micros,
    pub round_trip: Micros,
}

/// The listening and speaking quality as a mean opinion score, 1 (bad) to 4.5 (excellent); 4.4 is the best a telephone gets.
pub fn mos(measured: Measured) -> f64 {
    let factor = rating(measured);
    if factor <= 0.0 {
        return 1.0;
    }
    // G.107 annex B.
    (1.0 + 0.035 * factor + factor * (factor - 60.0) * (100.0 - factor) * 7e-6).clamp(1.0, 4.5)
}

/// The transmission rating factor R (G.107 §7.1), with random loss and no echo.
fn rating(measured: Measured) -> f64 {
    // A packet of 20 ms, the way, and a jitter buffer that holds twice the jitter.
    let delay = 20.0 + (measured.round_trip / 2 + 2 * measured.jitter) as f64 / MS as f64;
    let delay_impairment = 0.024 * delay + if delay > 177.3 { 0.11 * (delay - 177.3) } else { 0.0 };
    // Packet-loss robustness, with concealment: G.113 appendix I for G.711; G.722 repairs as well, and Opus much better.
    let robustness = match measured.codec {
        Codec::Pcmu | Codec::Pcma | Codec::G722 => 25.1,
        Codec::Opus => 34.0,
    };
    let percent = 100.0 * measured.lost.clamp(0.0, 1.0);
    let loss_impairment = 95.0 * percent / (percent + robustness);
    93.2 - delay_impairment - loss_impairment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(lost: f64, jitter_ms: u64, round_trip_ms: u64) -> f64 {
        let (jitter, round_trip) = (jitter_ms * MS, round_trip_ms * MS);
        mos(Measured { codec: Codec::Pcma, lost, jitter, round_trip })
    }

    #[test]
    fn a_good_line_is_as_good_as_a_telephone_gets() {
        assert!((4.38..4.42).contains(&score(0.0, 0, 0)), "{}", score(0.0, 0, 0));
    }

    #[test]
    fn the_figures_of_the_recommendations_come_out() {
        // G.711 with concealment, 5 % random loss: Ie,eff is 15.8 (G.113), and the score is 4.0 or so (G.107 annex B).
        assert!((3.85..4.05).contains(&score(0.05, 0, 0)), "{}", score(0.05, 0, 0));
        assert!((3.2..3.5).contains(&score(0.10, 0, 0)), "{}", score(0.10, 0, 0));
        // 400 ms one way: Id is 34.
        assert!((2.9..3.2).contains(&score(0.0, 0, 760)), "{}", score(0.0, 0, 760));
    }

    #[test]
    fn more_of_anything_bad_is_never_better() {
        for (better, worse) in [
            (score(0.01, 0, 0), score(0.02, 0, 0)),
            (score(0.0, 5, 0), score(0.0, 60, 0)),
            (score(0.0, 0, 100), score(0.0, 0, 900)),
            (score(0.9, 0, 0), score(1.0, 2_000, 5_000)),
        ] {
            assert!(better >= worse && worse >= 1.0);
        }
        assert!((1.0..1.5).contains(&score(1.0, 0, 0)));
    }
}
