//! [`SoundStream`]: samples as they arrive, from a pipe that may have no end.
//!
//! In comes a stream of bytes, a WAV file or bare samples; out come blocks `[channels, samples]` of whatever length has
//! arrived, as soon as it has. Memory is that of a block. Other kinds are read to their end first, and are one block.
//!
//! Conventions that bite: a stream that ends within a sample, or before as many as its header promises, ends with an
//! error, after the block that was there.

use std::io::{self, Read};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use ndarray::{Array2, Axis};

use super::Sound;
use super::file::SoundFile;
use super::options::{Channels, SoundOptions};
use super::sample::SampleType;
use super::wav::{self, Header, Promised};
use crate::num::Real;
use crate::{Error, Result};

/// Bytes that are read at a time, if so many are there.
const BLOCK: usize = 1 << 16;

/// What may stand behind samples whose number a header gives as 0, which then means 0.
const CHUNKS: [&[u8; 4]; 8] = [
    b"LIST", b"JUNK", b"fact", b"cue ", b"id3 ", b"ID3 ", b"bext", b"smpl",
];

/// Samples from a stream, block by block, as they arrive.
///
/// ```
/// use wavelet_scattering::io::{SampleType, SoundStream};
///
/// let bytes = [0, 0x40, 0, 0xC0, 0, 0x20]; // three samples of 16 bits
/// let stream = SoundStream::<f32, _>::raw("a pipe", &bytes[..], SampleType::S16, 8000.0)?;
/// let blocks: Vec<_> = stream.collect::<Result<_, _>>()?;
/// assert_eq!(blocks, [ndarray::array![[0.5, -0.5, 0.25]]]);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub struct SoundStream<T, R = Box<dyn Read + Send>> {
    name: PathBuf,
    stream: R,
    sample: SampleType,
    channels: usize,
    rate: f64,
    promised: Promised,
    /// Bytes of samples that have been read.
    read: u64,
    /// Bytes of a frame that has not arrived whole, and room behind them.
    buffer: Vec<u8>,
    held: usize,
    /// What is left to say when the last block has been given.
    end: Option<Error>,
    ended: bool,
    mono: bool,
    /// What could not be read as it arrives.
    whole: Option<Array2<T>>,
    precision: PhantomData<T>,
}

impl<T, R> std::fmt::Debug for SoundStream<T, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (channels, rate) = (self.channels, self.rate);
        write!(
            f,
            "SoundStream({channels} channels of {} at {rate} Hz)",
            self.sample
        )
    }
}

impl<T: Real, R: Read> SoundStream<T, R> {
    /// A WAV file that begins here; `name` is what errors call it.
    ///
    /// # Errors
    /// [`Error::BadFile`] if it is none, or not one of plain samples; [`Error::File`] if it cannot be read.
    pub fn wav(name: impl AsRef<Path>, mut stream: R) -> Result<Self> {
        let name = name.as_ref();
        let header = Header::read(name, &mut stream)?;
        Ok(Self::after(name, stream, &header))
    }

    /// Bare samples of one channel, `rate` of them a second; `name` is what errors call them.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a rate that is none.
    pub fn raw(name: impl AsRef<Path>, stream: R, sample: SampleType, rate: f64) -> Result<Self> {
        super::check_rate("rate", rate)?;
        Ok(Self {
            name: name.as_ref().to_path_buf(),
            stream,
            sample,
            channels: 1,
            rate,
            promised: Promised::Upto(u64::MAX),
            read: 0,
            buffer: Vec::new(),
            held: 0,
            end: None,
            ended: false,
            mono: false,
            whole: None,
            precision: PhantomData,
        })
    }

    /// The samples behind a header.
    pub(super) fn after(name: &Path, stream: R, header: &Header) -> Self {
        Self {
            name: name.to_path_buf(),
            stream,
            sample: header.sample,
            channels: header.channels,
            rate: f64::from(header.rate),
            promised: header.data,
            read: 0,
            buffer: Vec::new(),
            held: 0,
            end: None,
            ended: false,
            mono: false,
            whole: None,
            precision: PhantomData,
        }
    }

    /// Channels of every block.
    pub fn channels(&self) -> usize {
        if self.mono { 1 } else { self.channels }
    }

    /// Samples per second; NaN where nobody said how many.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Whether samples come as they arrive: those of a WAV file, and bare ones.
    pub fn is_live(&self) -> bool {
        self.whole.is_none()
    }

    fn frame(&self) -> usize {
        self.channels * self.sample.bytes()
    }

    /// Reads until a frame or more is there. Fewer bytes than a frame are left at the end only.
    fn fill(&mut self) -> io::Result<()> {
        let most = match self.promised {
            Promised::Exactly(bytes) | Promised::Upto(bytes) => bytes,
        };
        let frame = self.frame();
        self.buffer.resize(BLOCK.max(frame), 0);
        while self.held < frame {
            let left = usize::try_from(most - self.read).unwrap_or(usize::MAX);
            let room = &mut self.buffer[self.held..];
            let room_len = room.len().min(left);
            if room_len == 0 {
                self.ended = true;
                return Ok(());
            }
            match self.stream.read(&mut room[..room_len]) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(());
                }
                Ok(count) => {
                    self.held += count;
                    self.read += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What is wrong with how it ended, if anything is.
    fn verdict(&self) -> Option<Error> {
        let frame = self.frame() as u64;
        if let Promised::Exactly(bytes) = self.promised
            && self.read < bytes
        {
            return Some(super::cut_off(&self.name, bytes / frame, self.read / frame));
        }
        if self.held == 0 {
            return None;
        }
        let whole = (self.read - self.held as u64) / frame;
        Some(Error::bad_file(
            &self.name,
            format!(
                "it ends within a sample: {whole} of {frame} bytes are whole, and {} bytes are left over; it is cut off, or \
                 its samples are of another type than {}",
                self.held, self.sample
            ),
        ))
    }

    /// The next samples.
    fn block(&mut self) -> Result<Option<Array2<T>>> {
        if let Some(whole) = self.whole.take() {
            self.ended = true;
            return Ok(Some(whole));
        }
        if self.ended {
            return self.end.take().map_or(Ok(None), Err);
        }
        let begins = self.read == 0;
        self.fill().map_err(|source| {
            self.ended = true;
            Error::unread(&self.name, source)
        })?;
        if begins
            && matches!(self.promised, Promised::Upto(u64::MAX))
            && CHUNKS
                .iter()
                .any(|id| self.buffer[..self.held].starts_with(*id))
        {
            self.ended = true;
            return Ok(None);
        }
        let whole = self.held / self.frame() * self.frame();
        let mut channels: Vec<Vec<T>> =
            vec![Vec::with_capacity(whole / self.frame()); self.channels];
        self.sample.decode(&self.buffer[..whole], &mut channels);
        self.buffer.copy_within(whole..self.held, 0);
        self.held -= whole;
        if self.ended {
            self.end = self.verdict();
        }
        if whole == 0 {
            return self.block();
        }
        let samples = super::planes(channels)?;
        if !self.mono {
            return Ok(Some(samples));
        }
        let sound = Sound {
            samples,
            rate: None,
        };
        Ok(Some(sound.mono().insert_axis(Axis(0))))
    }
}

/// A stream of which the beginning has been looked at.
pub type Opened<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

impl<T: Real, R: Read> SoundStream<T, Opened<R>> {
    /// Any kind of sound or one signal of an array, told by its content, or bare samples if the options say so; `name` is what errors call it.
    ///
    /// # Errors
    /// As [`SoundFile::open`], and [`Error::InvalidParameter`] for another rate, which what comes as it arrives is not
    /// brought to.
    pub fn open(name: impl AsRef<Path>, mut stream: R, options: &SoundOptions) -> Result<Self> {
        let name = name.as_ref();
        let mut start = Vec::new();
        (stream.by_ref().take(12).read_to_end(&mut start))
            .map_err(|source| Error::unread(name, source))?;
        let live = options.raw.is_some() || wav::begins(&start);
        let mut stream = io::Cursor::new(start).chain(stream);
        if !live {
            let file = SoundFile::from_reader(name, &mut stream, options)?;
            return Self::whole(&file, stream);
        }
        if let Some(rate) = options.resample {
            return Err(Error::InvalidParameter {
                name: "resample",
                value: rate.to_string(),
                limit: "samples that are taken as they arrive keep their rate".to_string(),
            });
        }
        let mut opened = match (options.raw, options.rate) {
            (Some(sample), Some(rate)) => Self::raw(name, stream, sample, rate)?,
            (Some(_), None) => return Err(super::file::unknown_rate()),
            (None, _) => Self::wav(name, stream)?,
        };
        super::file::agree(name, Some(opened.rate), options.rate)?;
        super::file::check_channels(name, opened.channels, options.channels)?;
        opened.mono = options.channels == Channels::Mono;
        Ok(opened)
    }

    /// The one signal of a file.
    fn whole(file: &SoundFile, stream: Opened<R>) -> Result<Self> {
        if file.len() > 1 {
            return Err(Error::bad_file(
                file.path(),
                format!("it holds {} signals where one is expected", file.len()),
            ));
        }
        let mut opened = Self::raw(file.path(), stream, SampleType::F64, 1.0)?;
        opened.rate = file.rate().unwrap_or(f64::NAN);
        opened.channels = file.channels();
        opened.whole = file.signals()?.next().transpose()?;
        Ok(opened)
    }
}

impl<T: Real, R: Read> Iterator for SoundStream<T, R> {
    type Item = Result<Array2<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.block().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe through which so many bytes come at a time.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(buffer.len()).min(self.0.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn wav(channels: u16, promised: u32, samples: &[i16]) -> Vec<u8> {
        let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0".to_vec();
        bytes.extend(channels.to_le_bytes());
        bytes.extend(8000_u32.to_le_bytes());
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend((2 * channels).to_le_bytes());
        bytes.extend(16_u16.to_le_bytes());
        bytes.extend(b"data");
        bytes.extend(promised.to_le_bytes());
        bytes.extend(samples.iter().flat_map(|v| v.to_le_bytes()));
        bytes
    }

    #[test]
    fn samples_come_as_they_arrive_however_they_are_cut() {
        let bytes = wav(2, u32::MAX, &[1, 2, 3, 4, 5, 6].map(|v| v * 4096));
        for drop in 1..bytes.len() {
            let stream = SoundStream::<f64, _>::wav("a pipe", Drops(&bytes, drop)).unwrap();
            assert_eq!((stream.channels(), stream.rate()), (2, 8000.0));
            let blocks: Vec<_> = stream.map(Result::unwrap).collect();
            let views: Vec<_> = blocks.iter().map(|block| block.view()).collect();
            let all = ndarray::concatenate(ndarray::Axis(1), &views).unwrap();
            assert_eq!(
                all,
                ndarray::array![[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]] / 8.0,
                "{drop}"
            );
        }
    }

    #[test]
    fn fewer_samples_than_promised_are_given_and_then_an_error() {
        let bytes = wav(1, 20, &[100, 200]);
        let mut stream = SoundStream::<f32, _>::wav("a.wav", &bytes[..]).unwrap();
        assert_eq!(stream.next().unwrap().unwrap().len(), 2);
        let message = stream.next().unwrap().unwrap_err().to_string();
        assert!(
            message.contains("10 samples") && message.contains("2 are there"),
            "{message}"
        );
        assert!(stream.next().is_none());
    }

    #[test]
    fn what_stands_behind_the_samples_is_not_taken_for_samples() {
        let mut bytes = wav(1, 4, &[100, 200]);
        bytes.extend(b"LIST\x04\0\0\0INFO");
        let stream = SoundStream::<f32, _>::wav("a.wav", &bytes[..]).unwrap();
        assert_eq!(stream.map(|block| block.unwrap().len()).sum::<usize>(), 2);
        // Nothing was recorded.
        let mut bytes = wav(1, 0, &[]);
        bytes.extend(b"LIST\x04\0\0\0INFO");
        assert!(
            SoundStream::<f32, _>::wav("a.wav", &bytes[..])
                .unwrap()
                .next()
                .is_none()
        );
    }

    #[test]
    fn a_stream_that_ends_within_a_sample_says_so() {
        let bytes = [1, 2, 3];
        let mut stream =
            SoundStream::<f32, _>::raw("a pipe", &bytes[..], SampleType::S16, 8.0).unwrap();
        assert_eq!(stream.next().unwrap().unwrap().len(), 1);
        let message = stream.next().unwrap().unwrap_err().to_string();
        assert!(message.contains("ends within a sample"), "{message}");
        assert!(stream.next().is_none());
        let refused = SoundStream::<f32, _>::raw("a pipe", &bytes[..], SampleType::S16, 0.0);
        assert!(matches!(
            refused,
            Err(Error::InvalidParameter { name: "rate", .. })
        ));
    }
}
