//! SplitMix64: a small generator with a fixed stream, so that the file is reproducible.

/// State of the generator; any seed is valid.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `least..=most`; least <= most.
    pub(crate) fn between(&mut self, least: u32, most: u32) -> u32 {
        let span = u64::from(most - least) + 1;
        least + u32::try_from(self.next() % span).unwrap_or_default()
    }

    /// An amount in `least..=most`, its size spread over the whole range; least <= most < 2^96.
    pub(crate) fn amount(&mut self, least: u128, most: u128) -> u128 {
        let wide = (u128::from(self.next()) << 64) | u128::from(self.next());
        let shift = self.between(32, 110);
        least + (wide >> shift) % (most - least + 1)
    }

    /// True once in `times`.
    pub(crate) fn one_in(&mut self, times: u32) -> bool {
        self.between(1, times) == 1
    }
}
