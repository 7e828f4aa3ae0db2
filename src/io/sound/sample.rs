//! [`SampleType`]: samples as they stand in a file, and the numbers they mean.
//!
//! In come bytes, little-endian, the channels of one moment side by side; out come numbers, integers of n bits as
//! v / 2^(n − 1), which makes [−1, 1), and floats as they are.

use std::fmt;
use std::str::FromStr;

use crate::num::Real;
use crate::{Error, Result};

/// How a sample that is not compressed is stored; little-endian where it has several bytes.
///
/// Written as other programs name them: `u8`, `s16le`, `s24le`, `s32le`, `f32le`, `f64le`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleType {
    /// 8 bits, of which 128 means 0.
    U8,
    /// 16 bits with a sign.
    S16,
    /// 24 bits with a sign, in three bytes.
    S24,
    /// 32 bits with a sign.
    S32,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl SampleType {
    const ALL: [SampleType; 6] = [
        SampleType::U8,
        SampleType::S16,
        SampleType::S24,
        SampleType::S32,
        SampleType::F32,
        SampleType::F64,
    ];

    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        match self {
            SampleType::U8 => 1,
            SampleType::S16 => 2,
            SampleType::S24 => 3,
            SampleType::S32 | SampleType::F32 => 4,
            SampleType::F64 => 8,
        }
    }

    /// The name that the program and messages use.
    pub fn name(self) -> &'static str {
        match self {
            SampleType::U8 => "u8",
            SampleType::S16 => "s16le",
            SampleType::S24 => "s24le",
            SampleType::S32 => "s32le",
            SampleType::F32 => "f32le",
            SampleType::F64 => "f64le",
        }
    }

    /// Appends the samples of whole frames, interleaved, to one list a channel.
    pub(super) fn decode<T: Real>(self, bytes: &[u8], channels: &mut [Vec<T>]) {
        fn each<T: Real, const N: usize>(
            bytes: &[u8],
            channels: &mut [Vec<T>],
            value: impl Fn([u8; N]) -> f64,
        ) {
            let (samples, _) = bytes.as_chunks::<N>();
            let count = channels.len();
            for (channel, list) in channels.iter_mut().enumerate() {
                let samples = samples.iter().skip(channel).step_by(count);
                list.extend(samples.map(|&bytes| T::narrow(value(bytes))));
            }
        }
        match self {
            SampleType::U8 => each(bytes, channels, |[v]| (f64::from(v) - 128.0) / 128.0),
            SampleType::S16 => each(bytes, channels, |v| {
                f64::from(i16::from_le_bytes(v)) / f64::from(1_u32 << 15)
            }),
            SampleType::S24 => each(bytes, channels, |[a, b, c]| {
                unit(i32::from_le_bytes([0, a, b, c]))
            }),
            SampleType::S32 => each(bytes, channels, |v| unit(i32::from_le_bytes(v))),
            SampleType::F32 => each(bytes, channels, |v| f64::from(f32::from_le_bytes(v))),
            SampleType::F64 => each(bytes, channels, f64::from_le_bytes),
        }
    }
}

/// A number of 32 bits as a fraction of their range, [−1, 1).
pub(super) fn unit(value: i32) -> f64 {
    f64::from(value) / f64::from(1_u32 << 31)
}

impl fmt::Display for SampleType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SampleType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|sample| sample.name() == text);
        found.ok_or_else(|| Error::InvalidParameter {
            name: "sample",
            value: text.to_string(),
            limit: format!(
                "types of samples are {}",
                Self::ALL.map(SampleType::name).join(", ")
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(sample: SampleType, bytes: &[u8]) -> Vec<f64> {
        let mut channels = [Vec::new()];
        sample.decode(bytes, &mut channels);
        let [channel] = channels;
        channel
    }

    #[test]
    fn integers_span_minus_one_to_below_one() {
        assert_eq!(
            decoded(SampleType::U8, &[0, 128, 255]),
            [-1.0, 0.0, 127.0 / 128.0]
        );
        assert_eq!(
            decoded(SampleType::S16, &[0, 0x80, 0xFF, 0x7F, 0, 0x40]),
            [-1.0, 32767.0 / 32768.0, 0.5]
        );
        let top = 8_388_607.0 / 8_388_608.0;
        assert_eq!(
            decoded(SampleType::S24, &[0, 0, 0x80, 0xFF, 0xFF, 0x7F, 0, 0, 0xC0]),
            [-1.0, top, -0.5]
        );
        assert_eq!(
            decoded(SampleType::S32, &[0, 0, 0, 0x80, 0, 0, 0, 0x20]),
            [-1.0, 0.25]
        );
    }

    #[test]
    fn channels_are_taken_apart() {
        let mut channels = [Vec::<f32>::new(), Vec::new()];
        let bytes: Vec<u8> = [1.0_f32, -2.0, 3.0, -4.0]
            .into_iter()
            .flat_map(f32::to_le_bytes)
            .collect();
        SampleType::F32.decode(&bytes, &mut channels);
        assert_eq!(channels, [[1.0, 3.0], [-2.0, -4.0]]);
    }

    #[test]
    fn types_are_written_as_they_are_read() {
        for sample in SampleType::ALL {
            assert_eq!(sample.name().parse::<SampleType>().unwrap(), sample);
        }
        let message = "s16be".parse::<SampleType>().unwrap_err().to_string();
        assert!(message.contains("s16le"), "{message}");
    }
}
