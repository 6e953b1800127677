//! One peer's voice for all who decode it (mixers, recorders, legs of another codec): packets in as they come, sound out by the
//! clock.
//!
//! Packets wait in their order until they are needed. What is missing then is recovered (Opus repeats its last frame), concealed,
//! or filled with the noise that the peer described. Sound is left out or repeated by whole periods of the voice, so that the
//! delay is what the network asks for and the sender's clock may differ from ours.
//!
//! A moment of the stream has one transit time: from its timestamp to its being heard. A packet that takes less to arrive is in
//! time. So two numbers are compared, the present one and that of the slow packets, and their difference is all that steers.

mod conceal;
mod delay;
mod noise;
mod packets;
mod pitch;
mod tape;

pub use packets::Content;

use crate::agc::Agc;
use crate::codec::{Codec, Decoder};
use crate::{MS, Micros, SECOND, opus, presence};
use conceal::Concealer;
use delay::Delay;
use noise::Noise;
use packets::{Packets, ROOM};
use tape::Tape;

/// What a stream waits at its beginning, in ms, before anything is known of it.
const FIRST_WAIT: u32 = 40;
/// What is made at once in place of what is missing, in ms; of Opus a whole frame.
const STAND_IN: u32 = 10;
const OPUS_STAND_IN: u32 = 20;
/// Opus, which makes noise for a pause, is asked for that long; the next description of it comes after 0.4 s.
const OPUS_PAUSE: u32 = 1_000;
/// Room that is too much: beyond a frame, in µs. The second is cut quickly.
const TOO_MUCH: i64 = 15_000;
const FAR_TOO_MUCH: i64 = 100_000;
/// Room that is too little, in µs.
const TOO_LITTLE: i64 = 3_000;
/// So long after a loss what repairs it (the packet behind it) is waited for.
const REPAIRS: Micros = 10 * SECOND;
/// Time is stretched at most this often.
const STRETCH_EVERY: Micros = 60 * MS;
/// Sequence numbers behind the next by more than this are of another stream.
const LATEST: i16 = -500;
/// A step in timestamps beyond this is not waited for, in s.
const LONGEST_GAP: u32 = 10;

/// What comes.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
    pub content: Content,
    pub payload: &'a [u8],
}

/// What became of a stream, for its statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Sound that was taken, in µs.
    pub taken: Micros,
    /// Of that, what stood in for packets that were lost or late.
    pub concealed: Micros,
    /// Sound left out and repeated to change the delay.
    pub left_out: Micros,
    pub repeated: Micros,
    /// Packets that came when their time was over.
    pub late: u64,
}

impl Heard {
    pub fn add(&mut self, other: &Heard) {
        self.taken += other.taken;
        self.concealed += other.concealed;
        self.left_out += other.left_out;
        self.repeated += other.repeated;
        self.late += other.late;
    }
}

/// Where a listener is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    epoch: u32,
    at: u64,
}

/// The stream that is heard now.
#[derive(Debug)]
struct Stream {
    ssrc: u32,
    clock: u32,
    /// Sequence number and timestamp of what comes next.
    next: u16,
    expected: u32,
    /// Whether anything of it was decoded.
    began: bool,
    /// What was made since the last packet in place of the next, in ticks and in samples that were not sound.
    hole: u32,
    stand_in: u32,
    /// The timestamp of the latest packet that came, and its place without wrapping around.
    latest: u32,
    place: i64,
    /// Where it would go on if it were another stream: two packets in a row decide.
    elsewhere: Option<u16>,
}

impl Stream {
    fn begin(arrival: &Arrival, clock: u32) -> Stream {
        Stream {
            ssrc: arrival.ssrc,
            clock,
            next: arrival.sequence,
            expected: arrival.timestamp.wrapping_sub(FIRST_WAIT * clock / 1_000),
            began: false,
            hole: 0,
            stand_in: 0,
            latest: arrival.timestamp,
            place: 0,
            elsewhere: None,
        }
    }

    /// Ticks as µs.
    fn micros(&self, ticks: i64) -> i64 {
        ticks * SECOND as i64 / i64::from(self.clock)
    }

    /// The place in the stream of a timestamp, in µs.
    fn place(&self, timestamp: u32) -> i64 {
        self.micros(self.place + i64::from(timestamp.wrapping_sub(self.latest).cast_signed()))
    }
}

#[derive(Debug)]
pub struct Voice {
    decoder: Option<(Codec, Decoder)>,
    rate: u32,
    epoch: u32,
    stream: Option<Stream>,
    packets: Packets,
    delay: Delay,
    tape: Tape,
    concealer: Concealer,
    noise: Noise,
    /// The peer described the noise of the pause that this is.
    pauses: bool,
    agc: Option<Agc>,
    has_sound: bool,
    stretched: Micros,
    /// Until when lost packets may be repaired by the one behind them, and how long a packet is, in µs.
    repaired: (Micros, i64),
    /// How long a fast packet waited lately, in µs.
    waits: i64,
    heard: Heard,
}

impl Default for Voice {
    fn default() -> Self {
        Voice {
            decoder: None,
            rate: 8_000,
            epoch: 1,
            stream: None,
            packets: Packets::default(),
            delay: Delay::default(),
            tape: Tape::new(8_000),
            concealer: Concealer::new(8_000),
            noise: Noise::default(),
            pauses: false,
            agc: None,
            has_sound: true,
            stretched: 0,
            repaired: (0, 0),
            waits: 0,
            heard: Heard::default(),
        }
    }
}

impl Voice {
    /// Levels the voice from now on, or not.
    pub fn level(&mut self, level: bool) {
        if level != self.agc.is_some() {
            self.agc = level.then(Agc::default);
        }
    }

    /// Whether the packet that was decoded last was more than silence.
    pub fn has_sound(&self) -> bool {
        self.has_sound
    }

    /// What became of it so far.
    pub fn heard(&self) -> Heard {
        self.heard
    }

    /// How long a packet that comes without delay waits now, in µs.
    pub fn delay(&self) -> Micros {
        self.waits.max(0) as Micros
    }

    /// How long ago, in µs, a packet without delay came that a listener hears now.
    pub fn age(&self, cursor: &Cursor) -> Micros {
        let behind = self.tape.head().saturating_sub(cursor.at);
        self.delay() + behind * SECOND / u64::from(self.rate)
    }

    /// Takes a packet that came at `now`.
    pub fn put(&mut self, now: Micros, arrival: &Arrival) {
        let clock = match (arrival.content, &self.stream) {
            (Content::Voice(codec), _) => codec.clock(),
            (Content::Noise, Some(stream)) => stream.clock,
            (Content::Noise, None) => 8_000,
        };
        let fits = |stream: &&mut Stream| stream.ssrc == arrival.ssrc && stream.clock == clock;
        let Some(stream) = self.stream.as_mut().filter(fits) else {
            self.begin(now, arrival, clock);
            return;
        };
        let ahead = arrival.sequence.wrapping_sub(stream.next).cast_signed();
        if !(LATEST..ROOM.cast_signed()).contains(&ahead) {
            if stream.elsewhere == Some(arrival.sequence) {
                self.begin(now, arrival, clock);
            } else {
                stream.elsewhere = Some(arrival.sequence.wrapping_add(1));
            }
            return;
        }
        stream.elsewhere = None;
        let step = arrival.timestamp.wrapping_sub(stream.latest).cast_signed();
        stream.place += i64::from(step);
        stream.latest = arrival.timestamp;
        let jumps = self.delay.came(now, stream.micros(stream.place));
        if ahead < 0 {
            if stream.began || ahead < -4 {
                self.heard.late += 1;
                return;
            }
            stream.next = arrival.sequence; // the first packets came out of order
        }
        self.packets.put(arrival.sequence, arrival.timestamp, arrival.content, jumps, arrival.payload);
    }

    fn begin(&mut self, now: Micros, arrival: &Arrival, clock: u32) {
        self.packets.clear();
        self.packets.put(arrival.sequence, arrival.timestamp, arrival.content, false, arrival.payload);
        self.stream = Some(Stream::begin(arrival, clock));
        self.delay = Delay::default();
        self.delay.came(now, 0);
        self.decoder = None;
        self.pauses = false;
        self.repaired = (0, 0);
    }

    /// Samples per second of what is heard next. It changes with the codec, and only here.
    pub fn rate(&mut self) -> u32 {
        let next = self.stream.as_ref().and_then(|stream| self.packets.first(stream.next));
        if let Some(Content::Voice(codec)) = next.map(|waiting| waiting.content)
            && codec.rate() != self.rate
        {
            self.rate = codec.rate();
            self.epoch = self.epoch.wrapping_add(1);
            (self.tape, self.concealer) = (Tape::new(self.rate), Concealer::new(self.rate));
        }
        self.rate
    }

    /// Fills `out` with what is to be heard from `now` on (at most 60 ms), behind what this listener heard before; false when it
    /// is silence.
    pub fn read(&mut self, now: Micros, cursor: &mut Cursor, out: &mut [i16]) -> bool {
        let behind = u64::from(tape::KEPT_MS as u32 * self.rate / 1_000);
        let stays = self.tape.head().saturating_sub(behind)..=self.tape.end();
        if cursor.epoch != self.epoch || !stays.contains(&cursor.at) {
            // A new listener, or one that missed something, hears the present.
            *cursor = Cursor { epoch: self.epoch, at: self.tape.head() };
        }
        let until = cursor.at + out.len() as u64;
        while self.tape.end() < until {
            self.make(now, until, out.len());
        }
        let head = self.tape.head();
        self.tape.read(cursor.at, out);
        cursor.at = until;
        self.heard.taken += (self.tape.head() - head) * SECOND / u64::from(self.rate);
        out.iter().any(|&sample| sample != 0)
    }

    /// Makes some more sound, at least a sample. Somebody needs it up to `until`, and takes `frame` samples at a time.
    fn make(&mut self, now: Micros, until: u64, frame: usize) {
        let Some(stream) = &self.stream else {
            self.tape.grow(self.rate as usize / 100).fill(0);
            return;
        };
        let clock = stream.clock;
        let Some(next) = self.packets.first(stream.next) else {
            self.stand_in(clock, None);
            return;
        };
        let is_other = matches!(next.content, Content::Voice(codec) if codec.rate() != self.rate);
        let lost = next.sequence != stream.next;
        let step = next.timestamp.wrapping_sub(stream.expected);
        let mut gap = if next.jumps || step > LONGEST_GAP * clock { 0 } else { step };
        if gap > 0 && !lost && stream.began {
            // Between two talk-spurts there is nothing to be cut or stretched: the next may just as well begin earlier.
            let spare = self.spare(now) - frame_micros(frame, self.rate) - TOO_LITTLE;
            let ticks = spare.max(0) * i64::from(clock) / SECOND as i64;
            gap = gap.saturating_sub(ticks as u32);
        }
        if is_other {
            self.stand_in(clock, None); // until it is asked for the rate
        } else if stream.hole < gap {
            self.stand_in(clock, Some((gap - stream.hole, lost)));
        } else {
            let (sequence, pause) = (next.sequence, next.jumps || (gap > 0 && !lost) || !stream.began);
            self.decode(now, sequence, pause);
            self.stretch(now, until, frame);
        }
    }

    /// The difference between the time at which something is heard and that at which the slow packets come, in µs. Where losses
    /// are repaired the packet behind has to be there as well.
    fn spare(&self, now: Micros) -> i64 {
        let Some(stream) = &self.stream else { return 0 };
        let unheard = frame_micros(self.tape.unheard(), self.rate);
        let place = stream.place(stream.expected) + stream.micros(stream.hole.into()) - unheard;
        self.delay.transit(now, place) - self.delay.slow() - self.repair(now)
    }

    /// How much longer everything waits so that losses can be repaired, in µs.
    fn repair(&self, now: Micros) -> i64 {
        if now < self.repaired.0 { self.repaired.1 } else { 0 }
    }

    /// Makes something in place of what is not there (yet). What comes behind it is told in ticks when that is known, and whether
    /// anything was lost.
    fn stand_in(&mut self, clock: u32, until: Option<(u32, bool)>) {
        let Some(stream) = &mut self.stream else { return };
        let is_opus = matches!(self.decoder, Some((Codec::Opus, _)));
        let most = (if is_opus { OPUS_STAND_IN } else { STAND_IN }) * clock / 1_000;
        let ticks = until.map_or(most, |(left, _)| left.min(most));
        let count = (u64::from(ticks) * u64::from(self.rate) / u64::from(clock)).max(1) as usize;
        let hole_ms = u64::from(stream.hole) * 1_000 / u64::from(clock);
        stream.hole = stream.hole.saturating_add(ticks);
        if self.pauses {
            let room = self.tape.grow(count);
            self.noise.fill(room);
            self.concealer.rest();
            return;
        }
        match &mut self.decoder {
            Some((Codec::Opus, decoder)) if hole_ms < OPUS_PAUSE.into() => {
                let next = until.filter(|(left, lost)| *lost && *left <= most);
                let next = next.and_then(|_| self.packets.first(stream.next));
                let next = next.filter(|next| Codec::Opus.duration(&next.payload) == ticks);
                if !next.is_some_and(|next| opus::has_fec(&next.payload)) {
                    stream.stand_in += ticks; // the packet behind repeats nothing of it
                }
                let room = self.tape.grow(count);
                let made = match next {
                    Some(next) => decoder.recover(&next.payload, room),
                    None => decoder.conceal(room),
                };
                room[made..].fill(0);
                if let Some(agc) = &mut self.agc {
                    agc.apply(room, self.rate);
                }
            }
            Some((codec, _)) if *codec != Codec::Opus => {
                stream.stand_in += ticks;
                if self.concealer.is_over() {
                    self.tape.grow(count).fill(0);
                } else {
                    let mut made = [0; 480];
                    let made = &mut made[..count.min(480)];
                    self.concealer.conceal(self.tape.all(), made);
                    self.tape.push(made);
                }
            }
            _ => self.tape.grow(count).fill(0),
        }
    }

    /// Decodes the packet that is next. `pause`: what was made before it stood in for nothing that was lost.
    fn decode(&mut self, now: Micros, sequence: u16, pause: bool) {
        let (Some(stream), Some(packet)) = (&mut self.stream, self.packets.take(sequence)) else { return };
        stream.next = sequence.wrapping_add(1);
        stream.began = true;
        let was_lost = stream.hole > 0 && !pause;
        if !pause {
            self.heard.concealed += u64::from(stream.stand_in) * SECOND / u64::from(stream.clock);
        }
        (stream.hole, stream.stand_in) = (0, 0);
        stream.expected = packet.timestamp;
        match packet.content {
            Content::Noise => {
                self.noise.describe(&packet.payload);
                self.pauses = true;
            }
            Content::Voice(codec) => {
                self.pauses = false;
                let ticks = codec.duration(&packet.payload);
                stream.expected = packet.timestamp.wrapping_add(ticks);
                if was_lost && codec == Codec::Opus && opus::has_fec(&packet.payload) {
                    self.repaired = (now + REPAIRS, stream.micros(ticks.into()));
                }
                if self.decoder.as_ref().is_none_or(|(of, _)| *of != codec) {
                    self.decoder = Decoder::new(codec).map(|decoder| (codec, decoder));
                }
                let count = (u64::from(ticks) * u64::from(self.rate) / u64::from(stream.clock)) as usize;
                let room = self.tape.grow(count);
                let made = match &mut self.decoder {
                    Some((_, decoder)) => decoder.decode(&packet.payload, room),
                    None => 0,
                };
                let room = &mut room[..made];
                self.has_sound = !presence::is_silent(room);
                if let Some(agc) = &mut self.agc {
                    agc.apply(room, self.rate);
                }
                self.concealer.join(room);
                self.tape.shorten(count - made);
            }
        }
        self.packets.give_back(packet.payload);
    }

    /// Leaves out or repeats a period when the delay is too long or too short.
    fn stretch(&mut self, now: Micros, until: u64, frame: usize) {
        let Some(stream) = &self.stream else { return };
        let spare = self.spare(now);
        self.waits = spare + self.repair(now) + self.delay.slow() - self.delay.fast();
        let length = frame_micros(frame, self.rate);
        let too_much = spare - length;
        let pace = if too_much > FAR_TOO_MUCH { 0 } else { STRETCH_EVERY };
        if now < self.stretched + pace {
            return;
        }
        let micros = |samples: usize| frame_micros(samples, self.rate) as Micros;
        let follows = self.packets.first(stream.next).is_some_and(|next| next.sequence == stream.next);
        if too_much > TOO_MUCH && follows {
            let cut = pitch::accelerate(&mut self.tape, self.rate, too_much > FAR_TOO_MUCH);
            self.heard.left_out += micros(cut);
            self.stretched = if cut > 0 { now } else { self.stretched };
        } else if let Some(ahead) = self.tape.end().checked_sub(until)
            && spare - frame_micros(ahead as usize % frame, self.rate) < TOO_LITTLE
        {
            let added = pitch::expand(&mut self.tape, self.rate, spare < -length);
            self.heard.repeated += micros(added);
            self.stretched = if added > 0 { now } else { self.stretched };
        }
    }
}

/// How long so many samples last, in µs.
fn frame_micros(samples: usize, rate: u32) -> i64 {
    samples as i64 * SECOND as i64 / i64::from(rate)
}
