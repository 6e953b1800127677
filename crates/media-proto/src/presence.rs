//! Whether a peer that should be heard can be: what is missing, from when on, and when it was there again.

use crate::Micros;

/// The largest sample that still is silence: −48 dBFS, above the noise of a line and below the softest voice.
pub const SILENCE: u16 = 124;

/// What is missing of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// No packet comes.
    Packets,
    /// Packets come, and nothing but silence is in them.
    Sound,
}

/// Follows one peer. Each silence is told once, and once that it is over.
#[derive(Clone, Copy, Debug)]
pub struct Presence {
    packet: Micros,
    sound: Micros,
    lack: Option<Lack>,
}

impl Presence {
    /// The peer is to be heard from now on.
    pub fn new(now: Micros) -> Presence {
        Presence { packet: now, sound: now, lack: None }
    }

    /// A packet came, with a sound in it or without. Says for how long the peer could not be heard, if that was told and is over.
    pub fn packet(&mut self, now: Micros, has_sound: bool) -> Option<Micros> {
        let over = match self.lack {
            Some(Lack::Packets) => Some(now - self.packet),
            Some(Lack::Sound) if has_sound => Some(now - self.sound),
            _ => None,
        };
        if over.is_some() {
            self.lack = None;
        }
        self.packet = now;
        if has_sound || over.is_some() {
            self.sound = now;
        }
        over
    }

    /// When there may be something to tell.
    pub fn due(&self, limit: Micros) -> Micros {
        match self.lack {
            Some(Lack::Packets) => Micros::MAX,
            Some(Lack::Sound) => self.packet + limit,
            None => self.packet.min(self.sound) + limit,
        }
    }

    /// What has been missing for `limit` and was not told yet, and for how long.
    pub fn missing(&mut self, now: Micros, limit: Micros) -> Option<(Lack, Micros)> {
        if now < self.due(limit) {
            return None;
        }
        let lack = if now >= self.packet + limit { Lack::Packets } else { Lack::Sound };
        self.lack = Some(lack);
        Some((lack, now - if lack == Lack::Packets { self.packet } else { self.sound }))
    }
}

/// Whether samples are nothing but silence.
pub fn is_silent(samples: &[i16]) -> bool {
    samples
        .chunks(32)
        .all(|part| part.iter().fold(0, |most, sample| most.max(sample.unsigned_abs())) <= SILENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SECOND;

    const LIMIT: Micros = 5 * SECOND;

    #[test]
    fn a_peer_that_sends_nothing_is_missed_once_and_its_return_is_told() {
        let mut presence = Presence::new(SECOND);
        assert_eq!(presence.due(LIMIT), 6 * SECOND);
        assert_eq!(presence.missing(6 * SECOND - 1, LIMIT), None);
        assert_eq!(presence.missing(6 * SECOND, LIMIT), Some((Lack::Packets, LIMIT)));
        assert_eq!((presence.missing(9 * SECOND, LIMIT), presence.due(LIMIT)), (None, Micros::MAX));
        assert_eq!(presence.packet(9 * SECOND, false), Some(8 * SECOND));
        assert_eq!(presence.packet(9 * SECOND + 20_000, true), None);
    }

    #[test]
    fn a_peer_that_sends_only_silence_is_missed_too_and_may_then_fall_silent_altogether() {
        let mut presence = Presence::new(0);
        let mut told = Vec::new();
        for n in 0..500 {
            assert_eq!(presence.packet(n * 20_000, false), None);
            told.extend(presence.missing(n * 20_000, LIMIT).map(|(lack, ms)| (lack, ms, n * 20_000)));
        }
        assert_eq!(told, [(Lack::Sound, LIMIT, LIMIT)]);
        assert_eq!(presence.due(LIMIT), 499 * 20_000 + LIMIT);
        assert_eq!(presence.missing(499 * 20_000 + LIMIT, LIMIT), Some((Lack::Packets, LIMIT)));
        assert_eq!(presence.packet(20 * SECOND, true), Some(20 * SECOND - 499 * 20_000));
    }

    #[test]
    fn one_who_speaks_now_and_then_is_never_missed() {
        let mut presence = Presence::new(0);
        for n in 0..2_000 {
            presence.packet(n * 20_000, n % 240 == 0);
            assert_eq!(presence.missing(n * 20_000, LIMIT), None);
        }
    }

    #[test]
    fn silence_is_told_from_a_soft_voice() {
        assert!(is_silent(&[100, -124, 0, 3]));
        assert!(!is_silent(&[0, 0, -200]) && !is_silent(&[i16::MIN]));
    }
}
