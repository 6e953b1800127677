//! The sound that was made of a stream: what is still to be heard, and what was heard lately.

/// What is kept of what was heard, in ms: enough for three periods of a low voice, and for those who read behind the first.
pub const KEPT_MS: usize = 80;
/// What may be there unheard, in ms: the longest packet, and the longest piece that is taken at once.
const AHEAD_MS: usize = 240;

/// Samples numbered from the beginning of the stream.
#[derive(Clone, Debug)]
pub struct Tape {
    samples: Box<[i16]>,
    /// The number of the first sample in memory.
    start: u64,
    length: usize,
    kept: usize,
    /// The number of the sample behind the last that anybody has heard.
    head: u64,
}

impl Tape {
    /// A tape of `rate` Hz that begins with silence.
    pub fn new(rate: u32) -> Tape {
        let ms = rate as usize / 1_000;
        let kept = KEPT_MS * ms;
        let samples = vec![0; (2 * KEPT_MS + AHEAD_MS) * ms].into_boxed_slice();
        Tape { samples, start: 0, length: kept, kept, head: kept as u64 }
    }

    /// The number of the sample behind the last.
    pub fn end(&self) -> u64 {
        self.start + self.length as u64
    }

    pub fn head(&self) -> u64 {
        self.head
    }

    /// Samples that nobody has heard.
    pub fn unheard(&self) -> usize {
        (self.end() - self.head) as usize
    }

    /// All that is in memory, the latest last; at least what is kept.
    pub fn all(&self) -> &[i16] {
        &self.samples[..self.length]
    }

    /// Room for `count` samples behind the last, which are then there. Fewer when there is not so much room.
    pub fn grow(&mut self, count: usize) -> &mut [i16] {
        if self.length + count > self.samples.len() {
            let keep_from = (self.head - self.start) as usize;
            let cut = keep_from.saturating_sub(self.kept);
            self.samples.copy_within(cut..self.length, 0);
            self.start += cut as u64;
            self.length -= cut;
        }
        let from = self.length;
        self.length = (self.length + count).min(self.samples.len());
        &mut self.samples[from..self.length]
    }

    pub fn push(&mut self, samples: &[i16]) {
        let room = self.grow(samples.len());
        let count = room.len();
        room.copy_from_slice(&samples[..count]);
    }

    /// The last `count` samples.
    pub fn tail(&mut self, count: usize) -> &mut [i16] {
        &mut self.samples[self.length - count..self.length]
    }

    /// Takes the last `count` samples away, which nobody has heard.
    pub fn shorten(&mut self, count: usize) {
        debug_assert!(count <= self.unheard());
        self.length -= count;
    }

    /// Reads from the sample number `at` on, which has to be there; what is not any more reads as silence.
    pub fn read(&mut self, at: u64, out: &mut [i16]) {
        let missing = (self.start.saturating_sub(at) as usize).min(out.len());
        out[..missing].fill(0);
        let from = (at.max(self.start) - self.start) as usize;
        let count = out.len() - missing;
        out[missing..].copy_from_slice(&self.samples[from..from + count]);
        self.head = self.head.max(at + out.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_the_latest_stays() {
        let mut tape = Tape::new(8_000);
        let first = tape.head();
        for n in 0..100i16 {
            tape.push(&[n; 160]);
            let mut out = [0; 160];
            tape.read(first + n as u64 * 160, &mut out);
            assert_eq!(out, [n; 160]);
            assert_eq!(tape.unheard(), 0);
            assert!(tape.all().len() >= KEPT_MS * 8);
        }
        let mut behind = [0; 160];
        tape.read(tape.head() - 480, &mut behind);
        assert_eq!(behind, [97; 160]);
    }

    #[test]
    fn there_is_an_end_to_what_it_takes() {
        let mut tape = Tape::new(8_000);
        for _ in 0..20 {
            tape.push(&[1; 480]);
        }
        assert!(tape.unheard() >= AHEAD_MS * 8);
        tape.shorten(80);
        let head = tape.head();
        let mut out = [0; 480];
        tape.read(head, &mut out);
        assert_eq!(out, [1; 480]);
    }
}
