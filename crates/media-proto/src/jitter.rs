//! The jitter buffer of those who decode (mixers and recorders): packets in by timestamp, frames out by the clock.

/// Samples kept of 8 kHz sound: 256 ms.
const CAPACITY: usize = 2048;
/// How far the reader stays behind the first packet, in ms.
const DELAY_MS: u32 = 40;
/// A reader that was this much too far behind (40 ms more than the delay) for a second has a slower clock: it skips.
const TOO_FAR_MS: u32 = DELAY_MS + 40;
/// Frames in the second over which the depth is watched.
const WINDOW: u32 = 50;

/// A ring of samples addressed by RTP timestamp. What never arrived reads as silence.
#[derive(Clone, Debug)]
pub struct JitterBuffer {
    rate: u32,
    /// A power of two of them, so that timestamps may wrap around.
    samples: Box<[i16]>,
    stream: Option<Stream>,
    late: u64,
    skipped: u64,
}

#[derive(Clone, Copy, Debug)]
struct Stream {
    ssrc: u32,
    /// Timestamp of the next sample to read.
    read: u32,
    /// Timestamp behind the latest sample written.
    written: u32,
    frames: u32,
    least_depth: i32,
}

impl JitterBuffer {
    /// A buffer of sound of `rate` Hz (8000 or 16,000).
    pub fn new(rate: u32) -> JitterBuffer {
        let capacity = CAPACITY * (rate / 8000).next_power_of_two() as usize;
        JitterBuffer {
            rate,
            samples: vec![0; capacity].into_boxed_slice(),
            stream: None,
            late: 0,
            skipped: 0,
        }
    }

    /// Samples per second of what it holds; timestamps count them.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Puts the decoded samples of one packet in their place. Samples that come too late are dropped.
    pub fn put(&mut self, ssrc: u32, timestamp: u32, samples: &[i16]) {
        let capacity = self.samples.len();
        let count = samples.len().min(capacity / 4) as u32;
        let samples = &samples[..count as usize];
        let fits = self.stream.filter(|stream| {
            let ahead = timestamp.wrapping_sub(stream.read) as i32;
            stream.ssrc == ssrc && ahead > -(capacity as i32) && ahead + count as i32 <= capacity as i32
        });
        let mut stream = fits.unwrap_or_else(|| self.begin(ssrc, timestamp));
        let ahead = timestamp.wrapping_sub(stream.read) as i32;
        if ahead < 0 && stream.written.wrapping_sub(stream.read) as i32 <= 0 {
            // The reader ran dry: everything now comes late, so it has to step back.
            stream = self.begin(ssrc, timestamp);
        }
        let late = stream.read.wrapping_sub(timestamp) as i32;
        let skip = late.clamp(0, count as i32) as u32;
        self.late += u64::from(skip > 0);
        for (i, &sample) in samples.iter().enumerate().skip(skip as usize) {
            self.samples[timestamp.wrapping_add(i as u32) as usize % capacity] = sample;
        }
        let end = timestamp.wrapping_add(count);
        if (end.wrapping_sub(stream.written) as i32) > 0 {
            stream.written = end;
        }
        self.stream = Some(stream);
    }

    fn begin(&mut self, ssrc: u32, timestamp: u32) -> Stream {
        self.samples.fill(0);
        let read = timestamp.wrapping_sub(DELAY_MS * self.rate / 1000);
        Stream { ssrc, read, written: timestamp, frames: 0, least_depth: i32::MAX }
    }

    /// Takes the next 20 ms (`rate / 50` samples); false when nothing is there (the frame is then silence).
    pub fn take(&mut self, frame: &mut [i16]) -> bool {
        let (capacity, too_far) = (self.samples.len(), (TOO_FAR_MS * self.rate / 1000) as i32);
        let Some(stream) = &mut self.stream else {
            frame.fill(0);
            return false;
        };
        let depth = stream.written.wrapping_sub(stream.read) as i32;
        stream.least_depth = stream.least_depth.min(depth);
        stream.frames += 1;
        if stream.frames == WINDOW {
            if stream.least_depth > too_far {
                for i in 0..frame.len() as u32 {
                    self.samples[stream.read.wrapping_add(i) as usize % capacity] = 0;
                }
                stream.read = stream.read.wrapping_add(frame.len() as u32);
                self.skipped += 1;
            }
            (stream.frames, stream.least_depth) = (0, i32::MAX);
        }
        for (i, sample) in frame.iter_mut().enumerate() {
            *sample =
                std::mem::take(&mut self.samples[stream.read.wrapping_add(i as u32) as usize % capacity]);
        }
        stream.read = stream.read.wrapping_add(frame.len() as u32);
        if depth < -(capacity as i32) {
            self.stream = None; // long silent: the next packet begins anew
        }
        depth > 0
    }

    /// Packets that came too late, in whole or in part.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Frames left out because the sender's clock is faster than ours.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FRAME;

    fn packet(n: u32) -> [i16; FRAME] {
        [n as i16 + 1; FRAME]
    }

    fn take(buffer: &mut JitterBuffer) -> i16 {
        let mut frame = [0; FRAME];
        buffer.take(&mut frame);
        assert!(frame.iter().all(|&sample| sample == frame[0]));
        frame[0]
    }

    #[test]
    fn packets_come_out_forty_ms_later_in_their_order() {
        let mut buffer = JitterBuffer::new(8000);
        let mut out = Vec::new();
        for n in [0u32, 2, 1, 3, 4] {
            buffer.put(1, n.wrapping_sub(2).wrapping_mul(160), &packet(n));
            out.push(take(&mut buffer));
        }
        out.push(take(&mut buffer));
        assert_eq!(out, [0, 0, 1, 2, 3, 4]);
        assert_eq!(buffer.late(), 0);
    }

    #[test]
    fn what_is_lost_is_silence_and_what_is_late_is_dropped() {
        let mut buffer = JitterBuffer::new(8000);
        for n in [0u32, 1, 3, 4] {
            buffer.put(1, n * 160, &packet(n));
        }
        let out: Vec<_> = (0..6).map(|_| take(&mut buffer)).collect();
        assert_eq!(out, [0, 0, 1, 2, 0, 4]);
        buffer.put(1, 2 * 160, &packet(2));
        assert_eq!(buffer.late(), 1);
        assert_eq!(take(&mut buffer), 5);
    }

    #[test]
    fn packets_of_any_length_are_taken() {
        let mut buffer = JitterBuffer::new(8000);
        for n in 0..8u32 {
            buffer.put(1, n * 80, &[7; 80]);
        }
        let out: Vec<_> = (0..6).map(|_| take(&mut buffer)).collect();
        assert_eq!(out, [0, 0, 7, 7, 7, 7]);
    }

    #[test]
    fn a_reader_that_ran_dry_finds_the_stream_again() {
        let mut buffer = JitterBuffer::new(8000);
        buffer.put(1, 0, &packet(0));
        for _ in 0..8 {
            take(&mut buffer);
        }
        // The stream was held up by 100 ms and goes on at once behind what was heard.
        for n in 1..6u32 {
            buffer.put(1, n * 160, &packet(n));
        }
        let out: Vec<_> = (0..7).map(|_| take(&mut buffer)).collect();
        assert_eq!(out, [0, 0, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_faster_sender_is_caught_up_with_and_memory_stays_bounded() {
        let mut buffer = JitterBuffer::new(8000);
        let mut n = 0u32;
        for tick in 0..20_000 {
            buffer.put(1, n * 160, &packet(1));
            n += 1;
            if tick % 200 == 0 {
                buffer.put(1, n * 160, &packet(1));
                n += 1;
            }
            take(&mut buffer);
        }
        assert!((90..=100).contains(&buffer.skipped()), "{}", buffer.skipped());
        assert_eq!(buffer.late(), 0);
    }

    #[test]
    fn a_new_source_replaces_the_old_one() {
        let mut buffer = JitterBuffer::new(8000);
        buffer.put(1, 0, &packet(0));
        buffer.put(2, 900_000, &packet(8));
        let out: Vec<_> = (0..3).map(|_| take(&mut buffer)).collect();
        assert_eq!(out, [0, 0, 9]);
    }

    #[test]
    fn wide_sound_is_delayed_by_the_same_time() {
        let mut buffer = JitterBuffer::new(16_000);
        let mut out = Vec::new();
        for n in 0..4u32 {
            buffer.put(1, n * 320, &[n as i16 + 1; 320]);
            let mut frame = [0; 320];
            buffer.take(&mut frame);
            out.push((frame[0], frame[319]));
        }
        assert_eq!(out, [(0, 0), (0, 0), (1, 1), (2, 2)]);
    }
}
