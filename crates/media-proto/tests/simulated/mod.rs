//! A sender, a network and a listener, seeded and in virtual time.

use media_proto::codec::{Codec, Encoder};
use media_proto::ear::Ear;
use media_proto::opus;
use media_proto::voice::{Arrival, Content, Heard, Voice};
use media_proto::{MS, Micros, SECOND};
use std::collections::BTreeMap;

/// xorshift64*: the same numbers on every machine.
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// What the network does to packets.
#[derive(Clone, Copy)]
pub struct Network {
    /// The share that is lost, and how many in a row on average.
    pub loss: f64,
    pub burst: f64,
    /// The mean of an exponential delay, in ms.
    pub jitter: f64,
    /// The share that is held back by 50 ms, behind those sent later.
    pub reordered: f64,
    /// Every so many ms everything is held up for so many.
    pub stall: (f64, f64),
}

pub const PERFECT: Network =
    Network { loss: 0.0, burst: 1.0, jitter: 0.0, reordered: 0.0, stall: (0.0, 0.0) };

/// What is sent.
pub struct Sender {
    pub codec: Codec,
    /// Whether Opus repeats what may be lost.
    pub fec: bool,
    /// How much faster its clock is, in millionths.
    pub ppm: f64,
    pub seconds: u32,
    pub sound: fn(f64) -> f64,
    /// Whether it sends at a time (s), as with discontinuous transmission.
    pub sends: fn(f64) -> bool,
}

/// What was heard, and what became of it.
#[allow(dead_code, reason = "not every test looks at all of it")]
pub struct Result {
    pub sound: Vec<i16>,
    pub heard: Heard,
    pub delay: Vec<Micros>,
    pub lost: f64,
}

/// A packet as it arrives: when, its sequence number, its timestamp, its payload.
pub type Packet = (Micros, u16, u32, Vec<u8>);

/// The packets of a sender in the order in which they arrive, and the share that was lost.
pub fn send(sender: &Sender, network: Network, seed: u64) -> (Vec<Packet>, f64) {
    let mut random = Random(seed * 2 + 1);
    let mut encoder =
        Encoder::new(sender.codec, opus::Settings { fec: sender.fec, ..Default::default() }).unwrap();
    let frame = sender.codec.rate() as usize / 50;
    let (mut sequence, mut losing, mut sent, mut lost) = (65_000u16, false, 0u32, 0u32);
    let mut packets = Vec::new();
    let mut hold_until = 0.0;
    for n in 0..sender.seconds * 50 {
        let at = f64::from(n) * 0.02;
        if !(sender.sends)(at) {
            continue;
        }
        let samples: Vec<i16> = (0..frame)
            .map(|i| (sender.sound)(at + i as f64 / f64::from(sender.codec.rate())) as i16)
            .collect();
        let mut payload = vec![0; opus::MAX_PAYLOAD];
        let length = encoder.encode(&samples, &mut payload);
        payload.truncate(length);
        sequence = sequence.wrapping_add(1);
        sent += 1;
        let leave = if losing { 1.0 / network.burst } else { 0.0 };
        let enter = network.loss / (1.0 - network.loss) / network.burst;
        losing = if losing { random.next() >= leave } else { random.next() < enter };
        if losing {
            lost += 1;
            continue;
        }
        let mut arrives = at * 1e6 / (1.0 + sender.ppm * 1e-6) + 30_000.0;
        arrives += -(1.0 - random.next()).ln() * network.jitter * 1e3;
        if random.next() < network.reordered {
            arrives += 50_000.0;
        }
        let (every, length) = network.stall;
        if every > 0.0 && at * 1e3 % every < 20.0 && at > 1.0 {
            hold_until = arrives + length * 1e3;
        }
        arrives = arrives.max(hold_until);
        let timestamp = (u32::MAX - 100_000).wrapping_add(n * (sender.codec.clock() / 50));
        packets.push((SECOND + arrives as Micros, sequence, timestamp, payload));
    }
    packets.sort_by_key(|packet| packet.0);
    (packets, f64::from(lost) / f64::from(sent.max(1)))
}

/// Hears a sound for so many hours, of which `sender.seconds` are made and sent again and again, over a network that only
/// jitters: a frame of 20 ms and the delay at a time, which nothing keeps.
#[allow(dead_code, reason = "one test has so much time")]
pub fn hear_for_hours(
    sender: &Sender,
    jitter: f64,
    hours: u32,
    mut each: impl FnMut(&[i16], Micros),
) -> Heard {
    let mut random = Random(11);
    let (made, _) = send(&Sender { ppm: 0.0, ..*sender }, PERFECT, 1);
    let rate = sender.codec.rate();
    let frames = hours * 3_600 * 50;
    let mut coming = BTreeMap::new();
    let (mut voice, mut ear, mut n) = (Voice::default(), Ear::default(), 0u32);
    for tick in 0..u64::from(frames) {
        let now = SECOND + tick * 20 * MS + 7 * MS;
        // so far ahead that nothing sent later arrives before
        while f64::from(n) * 20e3 / (1.0 + sender.ppm * 1e-6) < (now - SECOND) as f64 + 500e3 {
            let left = f64::from(n) * 20e3 / (1.0 + sender.ppm * 1e-6);
            let arrives = left + 30e3 - (1.0 - random.next()).ln() * jitter * 1e3;
            coming.insert((SECOND + arrives as Micros, n), n);
            n += 1;
        }
        while let Some(first) = coming.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((at, _), n) = first.remove_entry();
            let payload = &made[n as usize % made.len()].3;
            let (sequence, timestamp) =
                (n as u16, (u32::MAX - 100_000).wrapping_add(n * (sender.codec.clock() / 50)));
            let content = Content::Voice(sender.codec);
            voice.put(at, &Arrival { ssrc: 1, sequence, timestamp, content, payload });
        }
        let mut frame = [0; 960];
        let frame = &mut frame[..rate as usize / 50];
        ear.take(&mut voice, now, frame, rate);
        each(frame, voice.delay());
    }
    voice.heard()
}

/// Hears what arrives, 20 ms at a time, at the rate of the codec.
pub fn hear(sender: &Sender, network: Network, seed: u64) -> Result {
    hear_at(sender, network, seed, 7 * MS)
}

/// Hears it by a clock that ticks so long behind full seconds.
pub fn hear_at(sender: &Sender, network: Network, seed: u64, phase: Micros) -> Result {
    let (packets, lost) = send(sender, network, seed);
    let (mut voice, mut ear) = (Voice::default(), Ear::default());
    let (mut sound, mut delay, mut next) = (Vec::new(), Vec::new(), 0);
    let rate = sender.codec.rate();
    for tick in 0..u64::from(sender.seconds) * 50 {
        let now = SECOND + tick * 20 * MS + phase;
        while let Some((at, sequence, timestamp, payload)) =
            packets.get(next).filter(|packet| packet.0 <= now)
        {
            let content = Content::Voice(sender.codec);
            let (sequence, timestamp) = (*sequence, *timestamp);
            voice.put(*at, &Arrival { ssrc: 1, sequence, timestamp, content, payload });
            next += 1;
        }
        let mut frame = vec![0; rate as usize / 50];
        ear.take(&mut voice, now, &mut frame, rate);
        sound.extend(frame);
        delay.push(voice.delay());
    }
    Result { sound, heard: voice.heard(), delay, lost }
}
