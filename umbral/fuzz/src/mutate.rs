//! The mutator of the smoke runs, of umbral and of the formats above it (`tests/fuzz`).

/// A small generator; the seed is printed, so that a failure can be repeated.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or(0)
    }

    /// Some bits, bytes or blocks changed, sometimes the length.
    pub(crate) fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        const BLOCKS: [[u8; 4]; 4] = [[0; 4], [0xff; 4], [2, 0, 0, 0], [0xff, 0xff, 0xff, 0xfe]];
        let mut out = bytes.to_vec();
        for _ in 0..self.below(4) {
            let at = self.below(out.len());
            match self.below(8) {
                0 => out.truncate(at),
                1 => out.insert(at, 0),
                2..=4 => {
                    let bit = self.below(8);
                    if let Some(byte) = out.get_mut(at) {
                        *byte ^= 1 << bit;
                    }
                }
                5 => {
                    let block = BLOCKS.get(self.below(4)).copied().unwrap_or_default();
                    for (slot, byte) in out.iter_mut().skip(at).zip(block.iter().cycle().take(32)) {
                        *slot = *byte;
                    }
                }
                6 => {
                    let from = self.below(out.len());
                    let copied: Vec<u8> = out.iter().skip(from).take(33).copied().collect();
                    for (slot, byte) in out.iter_mut().skip(at).zip(copied) {
                        *slot = byte;
                    }
                }
                _ => {
                    if let Some(byte) = out.get_mut(at) {
                        *byte = self.next().to_le_bytes()[0];
                    }
                }
            }
        }
        out
    }
}
