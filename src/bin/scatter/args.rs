//! The command line: what may be asked for, and the parameters of the library that it means.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::ArgPredicate;
use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand, ValueEnum};
#[cfg(feature = "learn")]
use wavelet_scattering::compare::Competitor;
use wavelet_scattering::conv::Mode;
use wavelet_scattering::io::{
    Channels, Color, ImageOptions, NanPolicy, Pages, SampleType, SoundOptions, Values,
};
#[cfg(feature = "learn")]
use wavelet_scattering::io::{DatasetOptions, KernelAxes};
use wavelet_scattering::scattering::{
    Average, JointFormat, JointScatteringParams, Scattering1dParams, Scattering2dParams,
};
use wavelet_scattering::signal::Padding;
use wavelet_scattering::viz::filter_bank::Show;
use wavelet_scattering::viz::filter_bank_1d;
use wavelet_scattering::{Isa, JointScattering, Scattering1d, Scattering2d};

use crate::own_filters::OwnFilters;

/// Wavelet scattering features of images and sounds, and pictures of the filters that make them.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compute scattering features of images, folders of images or .npy arrays.
    Image(ImageArgs),
    /// Compute scattering features of sounds and other signals, folders of sounds or .npy arrays.
    Signal(SignalArgs),
    /// Draw a signal by time and frequency: the moduli of its wavelet transform, octaves upwards, in decibels.
    Scalogram(ScalogramArgs),
    /// Draw a filter bank, standard or your own, in space, in frequency, as phases or as its Littlewood-Paley sum, or write it
    /// as arrays.
    Filters(FiltersArgs),
    /// Draw the scattering disk of an image: its energy by orientation and scale, first and second order.
    Disk(DiskArgs),
    /// Print the design of a transform: sizes, paths, scales, frequencies, frame bounds, memory.
    Explain(ExplainArgs),
    /// Measure how fast this machine is on known workloads, five scattering transforms and nine convolutions, or on sizes of
    /// your own.
    Bench(BenchArgs),
    /// Train competitors on one task at several numbers of training images, and report how they did.
    #[cfg(feature = "learn")]
    Task(TaskArgs),
    /// Compare the filters that a network learned with wavelets, and write a report.
    #[cfg(feature = "learn")]
    Compare(CompareArgs),
}

impl Command {
    /// How many threads were asked for.
    pub fn threads(&self) -> Option<u16> {
        match self {
            Self::Image(args) => args.threads,
            Self::Signal(args) => args.threads,
            Self::Bench(args) => args.threads(),
            _ => None,
        }
    }
}

/// What every transform is described by.
#[derive(Debug, Clone, ClapArgs)]
pub struct TransformArgs {
    /// log2 of the largest scale in pixels
    #[arg(
        short = 'J',
        default_value_t = 3,
        default_value_if("samples", ArgPredicate::IsPresent, "8")
    )]
    pub J: usize,
    /// Number of orientations
    #[arg(short = 'L', default_value_t = 8)]
    pub L: usize,
    /// Largest number of wavelet moduli on a path
    #[arg(long, default_value_t = 2, value_name = "M")]
    pub order: usize,
    /// What is kept of each modulus: averages over 2^J pixels, the mean over the image, or all of it. The mean is that of
    /// the modulus as it is subsampled, a few per cent from that over all pixels, which `--oversampling J` gives
    #[arg(long, value_enum, default_value_t = AverageArg::Local)]
    pub average: AverageArg,
    /// What lies beyond the border of an image
    #[arg(long, value_enum, default_value_t = PaddingArg::Reflect)]
    pub padding: PaddingArg,
    /// The images are padded already: sides are multiples of 2^J, and 2^J pixels on every side are cropped
    #[arg(long, conflicts_with = "padding", action = ArgAction::SetTrue)]
    pub pre_pad: bool,
    /// Levels of subsampling given up: 2^N times the samples along each axis
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub oversampling: usize,
}

impl TransformArgs {
    /// On the instruction set that the environment asks for.
    pub fn params(&self, shape: [usize; 2]) -> wavelet_scattering::Result<Scattering2dParams> {
        let params = Scattering2d::params(shape, self.J)
            .L(self.L)
            .max_order(self.order)
            .average(self.average.into())
            .padding(if self.pre_pad {
                Padding::PrePadded
            } else {
                self.padding.into()
            })
            .oversampling(self.oversampling)
            .isa(Isa::from_env()?);
        Ok(params)
    }
}

/// How inputs are read, whatever they are.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "How inputs are read")]
pub struct ReadingArgs {
    /// Which images of a file that holds several (pages of a TIFF, frames of an animation, planes of an array): all, first,
    /// or FROM-TO, counted from 1
    #[arg(long, default_value_t = Pages::All, value_name = "PAGES")]
    pub pages: Pages,
    /// What the integers of image files become: fractions of the range of their type, or the numbers that are stored
    #[arg(long, value_enum, default_value_t = ValuesArg::Unit)]
    pub values: ValuesArg,
    /// What takes the place of samples that are not a number: the mean of the others of their image, or 0 [default: such
    /// images are refused]
    #[arg(long, value_enum)]
    pub nan: Option<NanArg>,
    /// The last axis of arrays is one of channels: [.., rows, columns, channels]
    #[arg(long)]
    pub channels_last: bool,
}

impl ReadingArgs {
    /// In grey, at their own size.
    pub fn options(&self) -> ImageOptions {
        ImageOptions {
            pages: self.pages,
            values: self.values.into(),
            nan: self.nan.map_or(NanPolicy::Keep, NanArg::into),
            channels_last: self.channels_last,
            ..ImageOptions::default()
        }
    }
}

#[derive(Debug, ClapArgs)]
pub struct ImageArgs {
    /// Image files of any kind, arrays (.npy, .npz, data.npz:key, FITS; the last two axes are the image), folders of either
    /// (searched recursively, in sorted order), or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Where to write: .npy (with .paths.csv, .inputs.csv and .json beside it), .npz (all in one) or .csv
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    #[command(flatten)]
    pub transform: TransformArgs,
    #[command(flatten)]
    pub own: OwnFilters,
    /// Grey is the Rec. 709 luma; rgb adds an axis of 3 channels
    #[arg(long, value_enum, default_value_t = ColorArg::Gray)]
    pub color: ColorArg,
    /// Resample every image to this height and width first
    #[arg(long, value_name = "HxW")]
    pub resize: Option<Size>,
    /// Write ln(max(S, 0) + 1e-6) instead of S, order 0 excepted
    #[arg(long)]
    pub log: bool,
    /// Write the gradient of the sum of W times the features with respect to the input, one array of its shape, instead of features; W
    /// has the shape of the features, or is an .npz with their names where they differ in size
    #[arg(long, value_name = "W", conflicts_with_all = ["log", "resize", "color", "keep_going", "pages", "values", "nan", "channels_last"])]
    pub gradient: Option<PathBuf>,
    /// Compute and write in this precision
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    pub precision: Precision,
    /// Number of threads, at most one a core [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Skip inputs that cannot be used, such as missing or damaged files and images of another size than most, list them at
    /// the end, and exit with failure; what is left of an array is one axis of images then
    #[arg(long)]
    pub keep_going: bool,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// What a transform of signals is described by.
#[derive(Debug, Clone, ClapArgs)]
pub struct SignalTransformArgs {
    /// log2 of the longest duration of a wavelet in samples
    #[arg(short = 'J', default_value_t = 8)]
    pub J: usize,
    /// Wavelets per octave of every layer; layers that are not named have 1
    #[arg(
        short = 'Q',
        value_delimiter = ',',
        default_value = "8,1",
        value_name = "Q,.."
    )]
    pub Q: Vec<usize>,
    /// Largest number of wavelet moduli on a path
    #[arg(long, default_value_t = 2, value_name = "M")]
    pub order: usize,
    /// Samples that local averages are over, any number from 1 to those of the signal [default: 2^J]
    #[arg(short = 'T', value_name = "SAMPLES")]
    pub T: Option<f64>,
    /// What is kept of each modulus
    #[arg(long, value_enum, default_value_t = SignalAverageArg::Local)]
    pub average: SignalAverageArg,
    /// Distance of local averages in samples, a power of two up to T [default: the largest]
    #[arg(long, value_name = "N")]
    pub stride: Option<usize>,
    /// What lies beyond the ends of a signal
    #[arg(long, value_enum, default_value_t = PaddingArg::Reflect)]
    pub padding: PaddingArg,
}

impl SignalTransformArgs {
    /// On the instruction set that the environment asks for.
    pub fn params(&self, len: usize) -> wavelet_scattering::Result<Scattering1dParams> {
        self.complete(Scattering1d::params(len, self.J))
    }

    /// Of a signal without an end.
    pub fn stream_params(&self) -> wavelet_scattering::Result<Scattering1dParams> {
        self.complete(Scattering1d::stream_params(self.J))
    }

    /// Samples that local averages are over.
    pub fn averaged_over(&self) -> f64 {
        let mut params = Scattering1d::stream_params(self.J);
        params.T = self.T;
        params.averaged_over()
    }

    /// Their distance; none of averages of another kind.
    pub fn output_stride(&self) -> Option<usize> {
        let mut params = Scattering1d::stream_params(self.J);
        (params.T, params.stride) = (self.T, self.stride);
        matches!(self.average, SignalAverageArg::Local).then(|| params.output_stride())
    }

    fn complete(
        &self,
        params: Scattering1dParams,
    ) -> wavelet_scattering::Result<Scattering1dParams> {
        let mut params = params
            .Q(self.Q.clone())
            .max_order(self.order)
            .average(self.average.into())
            .padding(self.padding.into())
            .isa(Isa::from_env()?);
        params.T = self.T;
        params.stride = self.stride;
        Ok(params)
    }
}

/// How sounds are read, whatever they are.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "How inputs are read")]
pub struct SoundReadingArgs {
    /// Samples per second of inputs that do not say: arrays, and bare samples; with it the path table has hertz and seconds
    #[arg(long, value_name = "HZ", value_parser = positive, allow_negative_numbers = true)]
    pub rate: Option<f64>,
    /// Bring every input to this rate first
    #[arg(long, value_name = "HZ", value_parser = positive)]
    pub resample: Option<f64>,
    /// Take the mean of several channels [default: sounds of several are refused]
    #[arg(long, conflicts_with = "channels")]
    pub mono: bool,
    /// Keep all channels, on an axis of their own
    #[arg(long)]
    pub channels: bool,
    /// Inputs are bare samples of this type, one channel: u8, s16le, s24le, s32le, f32le or f64le
    #[arg(long, value_name = "TYPE", requires = "rate")]
    pub sample: Option<SampleType>,
}

impl SoundReadingArgs {
    pub fn options(&self) -> SoundOptions {
        SoundOptions {
            channels: match (self.mono, self.channels) {
                (true, _) => Channels::Mono,
                (_, true) => Channels::All,
                _ => Channels::One,
            },
            rate: self.rate,
            resample: self.resample,
            raw: self.sample,
        }
    }

    /// What becomes of several channels, in a word.
    pub fn channels_name(&self) -> &'static str {
        match self.options().channels {
            Channels::One => "one",
            Channels::Mono => "mono",
            Channels::All => "all",
        }
    }
}

#[derive(Debug, ClapArgs)]
pub struct SignalArgs {
    /// Sound files (WAV, FLAC, MP3, Ogg Vorbis, AAC), arrays (.npy, .npz, data.npz:key; the last axis is time), folders of
    /// either (searched recursively, in sorted order), or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Where to write: .npy (with .paths.csv, .inputs.csv and .json beside it), .npz (all in one) or .csv [default: rows of local
    /// averages of one input go to standard output as they are ready, as CSV]
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// To standard output: bare numbers of --precision instead, little-endian, one row of paths after another
    #[arg(long, conflicts_with = "output")]
    pub raw: bool,
    #[command(flatten)]
    pub transform: SignalTransformArgs,
    #[command(flatten)]
    pub joint: JointArgs,
    /// Cut every signal into pieces of this length, one row each; what is left at the end is shorter, and left out
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub segment: Option<f64>,
    /// From the beginning of one piece to that of the next [default: one after the other]
    #[arg(long, value_name = "SECONDS", value_parser = positive, requires = "segment")]
    pub hop: Option<f64>,
    /// Write ln(max(S, 0) + 1e-6) instead of S, order 0 excepted
    #[arg(long)]
    pub log: bool,
    /// Write the gradient of the sum of W times the features with respect to the input, one array of its shape, instead of features; W
    /// has the shape of the features, or is an .npz with their names where they differ in size
    #[arg(long, value_name = "W", requires = "output", conflicts_with_all = ["log", "joint", "segment", "keep_going", "raw", "resample", "mono", "channels"])]
    pub gradient: Option<PathBuf>,
    /// Compute and write in this precision
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    pub precision: Precision,
    /// Number of threads, at most one a core [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Skip inputs that cannot be used, such as missing, damaged or too short ones, list them at the end, and exit with failure;
    /// what is left of an array is one axis of signals then
    #[arg(long)]
    pub keep_going: bool,
    #[command(flatten)]
    pub reading: SoundReadingArgs,
}

/// What joint scattering is described by, beside the transform over time.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Joint time-frequency scattering")]
pub struct JointArgs {
    /// Scatter across the wavelets of the first layer too: what rises and what falls differ by spin
    #[arg(long)]
    pub joint: bool,
    /// log2 of the widest span of a wavelet across the first layer
    #[arg(
        long = "J-fr",
        default_value_t = 3,
        value_name = "J",
        requires = "joint"
    )]
    pub J_fr: usize,
    /// Wavelets per octave across the first layer
    #[arg(
        long = "Q-fr",
        default_value_t = 1,
        value_name = "Q",
        requires = "joint"
    )]
    pub Q_fr: usize,
    /// Wavelets of the first layer that averages across it are over [default: 2^J-fr]
    #[arg(short = 'F', value_name = "N", requires = "joint")]
    pub F: Option<f64>,
    /// What is kept across the first layer
    #[arg(long, value_enum, default_value_t = SignalAverageArg::Local, requires = "joint")]
    pub average_fr: SignalAverageArg,
    /// Distance of averages across the first layer, a power of two up to F [default: the largest]
    #[arg(long, value_name = "N", requires = "joint")]
    pub stride_fr: Option<usize>,
    /// One row a wavelet of the first layer, or one a path with an axis of them
    #[arg(long, value_enum, default_value_t = FormatArg::Time, requires = "joint")]
    pub format: FormatArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum FormatArg {
    /// [rows, times]
    Time,
    /// [paths, wavelets of the first layer, times], padding included, without order 0
    Joint,
}

impl From<FormatArg> for JointFormat {
    fn from(arg: FormatArg) -> Self {
        match arg {
            FormatArg::Time => JointFormat::Time,
            FormatArg::Joint => JointFormat::Joint,
        }
    }
}

impl SignalArgs {
    /// Of joint scattering, if that is asked for, on the instruction set that the environment asks for.
    pub fn joint_params(
        &self,
        len: usize,
    ) -> wavelet_scattering::Result<Option<JointScatteringParams>> {
        let SignalTransformArgs {
            J,
            Q,
            T,
            stride,
            average,
            padding,
            ..
        } = &self.transform;
        let joint = &self.joint;
        if !joint.joint {
            return Ok(None);
        }
        let mut params = JointScattering::params(len, *J, joint.J_fr)
            .Q(Q.clone())
            .Q_fr(joint.Q_fr)
            .average((*average).into())
            .average_fr(joint.average_fr.into())
            .format(joint.format.into())
            .padding((*padding).into())
            .isa(Isa::from_env()?);
        (params.T, params.stride) = (*T, *stride);
        (params.F, params.stride_fr) = (joint.F, joint.stride_fr);
        Ok(Some(params))
    }

    /// What is kept of each modulus.
    pub fn average(&self) -> Average {
        self.transform.average.into()
    }
}

#[derive(Debug, ClapArgs)]
pub struct ScalogramArgs {
    /// A sound file, an array whose last axis is time (.npy, .npz, data.npz:key, data.npy#2), or - for standard input
    #[arg(value_name = "FILE")]
    pub input: PathBuf,
    /// The picture to write (.png)
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// log2 of the longest duration of a wavelet in samples [default: about a twentieth of a second, or 8 without a rate]
    #[arg(short = 'J')]
    pub J: Option<usize>,
    /// Wavelets per octave
    #[arg(short = 'Q', default_value_t = 12)]
    pub Q: usize,
    /// From the darkest colour to the brightest, which is the largest modulus
    #[arg(long, default_value = "60dB", value_name = "DECIBELS", value_parser = decibels)]
    pub range: f64,
    /// What lies beyond the ends of the signal
    #[arg(long, value_enum, default_value_t = PaddingArg::Reflect)]
    pub padding: PaddingArg,
    /// Draw scattering below it: first-order averages, and the second order of the strongest wavelet
    #[arg(long)]
    pub scattering: bool,
    #[command(flatten)]
    pub reading: SoundReadingArgs,
}

#[derive(Debug, ClapArgs)]
pub struct FiltersArgs {
    /// Number of scales; of signals, log2 of the longest duration in samples, 8 unless another is given
    #[arg(
        short = 'J',
        default_value_t = 3,
        default_value_if("samples", ArgPredicate::IsPresent, "8")
    )]
    pub J: usize,
    /// Number of orientations
    #[arg(short = 'L', default_value_t = 8)]
    pub L: usize,
    /// Height and width of the grid the filters live on
    #[arg(long, default_value = "64x64", value_name = "HxW")]
    pub size: Size,
    /// Filters of signals instead of images: samples of the grid they live on
    #[arg(long, value_name = "N", value_parser = samples, conflicts_with_all = ["L", "size", "xi", "wavelets", "family"])]
    pub samples: Option<usize>,
    /// Wavelets per octave of signals
    #[arg(short = 'Q', default_value_t = 8, requires = "samples")]
    pub Q: usize,
    /// Samples that the low-pass of signals averages over [default: 2^J]
    #[arg(short = 'T', value_name = "SAMPLES", requires = "samples")]
    pub T: Option<f64>,
    /// What to write: a picture (.png), or every filter in space and in Fourier as arrays (.npz)
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// What to draw: space, fourier, phase or lp of images, and time, fourier or lp of signals [default: space, or time]
    #[arg(long, value_enum, hide_possible_values = true)]
    pub show: Option<ShowArg>,
    #[command(flatten)]
    pub own: OwnFilters,
}

#[derive(Debug, ClapArgs)]
pub struct DiskArgs {
    /// An image: a file of any kind, or - for standard input
    pub image: PathBuf,
    /// The picture to write (.png)
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// log2 of the largest scale in pixels
    #[arg(short = 'J', default_value_t = 3)]
    pub J: usize,
    /// Number of orientations
    #[arg(short = 'L', default_value_t = 8)]
    pub L: usize,
    /// Resample the image to this height and width first
    #[arg(long, value_name = "HxW")]
    pub resize: Option<Size>,
    #[command(flatten)]
    pub reading: ReadingArgs,
    #[command(flatten)]
    pub own: OwnFilters,
}

#[derive(Debug, ClapArgs)]
pub struct ExplainArgs {
    #[command(flatten)]
    pub transform: TransformArgs,
    /// Height and width of the images
    #[arg(long, value_name = "HxW", required_unless_present = "samples")]
    pub size: Option<Size>,
    /// A transform of signals instead of images: samples of the signals. -J is 8 then unless another is given
    #[arg(
        long,
        value_name = "N",
        value_parser = samples,
        conflicts_with_all = ["L", "size", "pre_pad", "oversampling"]
    )]
    pub samples: Option<usize>,
    /// Wavelets per octave of signals, layer by layer; layers that are not named have 1
    #[arg(
        short = 'Q',
        value_delimiter = ',',
        default_value = "8,1",
        value_name = "Q,..",
        requires = "samples"
    )]
    pub Q: Vec<usize>,
    /// Samples that averages of signals are over [default: 2^J]
    #[arg(short = 'T', value_name = "SAMPLES", requires = "samples")]
    pub T: Option<f64>,
    /// Distance of averages of signals in samples, a power of two up to T [default: the largest]
    #[arg(long, value_name = "N", requires = "samples")]
    pub stride: Option<usize>,
    /// The precision to plan for
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    pub precision: Precision,
}

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub own: Option<OwnBench>,
    #[command(flatten)]
    pub known: KnownArgs,
}

/// Sizes of one's own.
#[derive(Debug, Subcommand)]
pub enum OwnBench {
    /// Measure every way of computing one convolution beside what the planner's table predicts, and beside rustfft and
    /// realfft used as they come.
    Conv(ConvArgs),
    /// Measure one scattering transform: planning, running, and the FFTs it needs at least.
    Scattering(BenchScatteringArgs),
}

impl BenchArgs {
    /// The largest number of threads that was asked for.
    fn threads(&self) -> Option<u16> {
        let of_list = |list: &[u16]| list.iter().copied().max();
        match &self.own {
            None => self.known.threads,
            Some(OwnBench::Conv(args)) => of_list(&args.threads),
            Some(OwnBench::Scattering(args)) => of_list(&args.threads),
        }
    }
}

#[derive(Debug, ClapArgs)]
pub struct KnownArgs {
    /// Two calls of every workload instead of a few seconds
    #[arg(long)]
    pub quick: bool,
    /// Number of threads, at most one a core [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Write the table as JSON too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub struct ConvArgs {
    /// Samples of a signal: N, or HxW for an image
    #[arg(long, value_name = "N|HxW")]
    pub signal: Extent,
    /// Taps of a kernel along the same axes
    #[arg(
        long,
        value_name = "K|KxK",
        required_unless_present = "sweep",
        conflicts_with = "sweep"
    )]
    pub kernel: Option<Extent>,
    /// Which samples of the result are computed
    #[arg(long, value_enum, default_value_t = ModeArg::Same)]
    pub mode: ModeArg,
    /// Signals of one call
    #[arg(long, default_value = "1", value_name = "N")]
    pub batch: NonZeroUsize,
    /// Kernels that each signal is convolved with
    #[arg(long, default_value = "1", value_name = "N")]
    pub bank: NonZeroUsize,
    /// Complex samples of signals, of kernels, or, without a word, of both
    #[arg(
        long,
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "both",
        value_name = "WHAT"
    )]
    pub complex: Option<ComplexArg>,
    /// Compute in this precision
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    pub precision: Precision,
    /// Numbers of threads, separated by commas, at most one a core [default: 1 and one a core]
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "N,..",
        value_parser = clap::value_parser!(u16).range(1..),
        conflicts_with = "sweep"
    )]
    pub threads: Vec<u16>,
    /// Instead of one kernel: time against kernel size, for sizes from A to B along every axis, on one thread
    #[arg(long, value_name = "kernel=A..B")]
    pub sweep: Option<Sweep>,
    /// The chart of the sweep (.png)
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// Three calls of everything instead of as many as fit into 0.3 seconds
    #[arg(long)]
    pub quick: bool,
    /// Write all numbers as JSON too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub struct BenchScatteringArgs {
    #[command(flatten)]
    pub transform: TransformArgs,
    /// Height and width of the images
    #[arg(long, value_name = "HxW")]
    pub size: Size,
    /// Images of one call
    #[arg(long, default_value = "1", value_name = "N")]
    pub batch: NonZeroUsize,
    /// Compute in this precision
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    pub precision: Precision,
    /// Numbers of threads, separated by commas, at most one a core [default: 1 and one a core]
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "N,..",
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub threads: Vec<u16>,
    /// Three calls of everything instead of a second each
    #[arg(long)]
    pub quick: bool,
    /// Write all numbers as JSON too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[cfg(feature = "learn")]
#[derive(Debug, ClapArgs)]
pub struct TaskArgs {
    /// mnist-subset, which is part of the program, or a data set: a folder of IDX or CIFAR-10 files or of one folder of images or
    /// sounds per class, one of sounds named {digit}_{speaker}_{take}, an .npz, a .csv, or - for standard input
    #[arg(long, default_value = "mnist-subset", value_name = "DATA")]
    pub data: PathBuf,
    /// Which competitors, separated by commas [default: lenet5, mlp, cnn, scattering-pca, scattering-svm, scattering-linear,
    /// hybrid and pixels-knn; all that learn from sounds]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub competitors: Vec<Competitor>,
    /// Numbers of training images or sounds, separated by commas [default: 300, 1000, 2000 and 4000, as far as there are as
    /// many, or all there are]
    #[arg(long, value_delimiter = ',', value_name = "N,..")]
    pub train_sizes: Vec<usize>,
    /// How many draws of training images or sounds of every size: seeds 0, 1, ..
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..), value_name = "N")]
    pub seeds: u64,
    /// The folder of the report; one that holds results of the same settings already is added to
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,
    /// log2 of the averaging width of the scattering in pixels [default: about a quarter of the image]; of sounds, of the longest
    /// duration of a wavelet in samples [default: a quarter of T]
    #[arg(short = 'J')]
    pub J: Option<usize>,
    /// Number of orientations of the scattering of images [default: 8]
    #[arg(short = 'L')]
    pub L: Option<usize>,
    /// Wavelets per octave of the first layer of the scattering of sounds [default: 8]
    #[arg(short = 'Q')]
    pub Q: Option<usize>,
    /// Samples that averages of sounds are over [default: a power of two, about an eighth of the sound]
    #[arg(short = 'T', value_name = "SAMPLES")]
    pub T: Option<usize>,
    /// Replace the results that are in the folder
    #[arg(long)]
    pub fresh: bool,
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Bring all sounds to this rate [default: their own, which has to be the same]
    #[arg(long, value_name = "HZ", value_parser = positive)]
    pub resample: Option<f64>,
    /// Samples of every sound: of longer ones the middle is taken, shorter ones stand in the middle of zeros [default: those of
    /// the longest]
    #[arg(long, value_name = "N", value_parser = samples)]
    pub samples: Option<usize>,
}

#[cfg(feature = "learn")]
impl TaskArgs {
    pub fn options(&self) -> DatasetOptions {
        DatasetOptions {
            images: self.reading.options(),
            resample: self.resample,
            samples: self.samples,
        }
    }
}

#[cfg(feature = "learn")]
#[derive(Debug, ClapArgs)]
pub struct CompareArgs {
    /// Weights of a network (.safetensors), one that this library saved or any other: a tensor of kernels for images with 1
    /// or 3 input channels, [out, in, rows, columns], or for signals with 1 or 2, [out, in, samples]
    #[arg(long, value_name = "FILE", required_unless_present = "train")]
    pub model: Option<PathBuf>,
    /// Instead: train a small convolutional network first, on mnist-subset or a data set as for `scatter task`
    #[arg(long, value_name = "DATA", conflicts_with_all = ["model", "tensor", "axes"])]
    pub train: Option<PathBuf>,
    /// Filters of the network that is trained
    #[arg(long, default_value_t = 32, value_name = "N", requires = "train")]
    pub filters: usize,
    /// Rows and columns of its filters, an odd number
    #[arg(long, default_value_t = 7, value_name = "N", requires = "train")]
    pub side: usize,
    /// How often it sees every image [default: 12 to 100 times, the more the fewer images there are]
    #[arg(long, value_name = "N", requires = "train")]
    pub epochs: Option<usize>,
    /// Pull of its weights toward zero, which clears filters of the noise they started from: what is added to the
    /// gradient, as a multiple of the weight
    #[arg(long, default_value_t = 0.0, value_name = "DECAY", requires = "train")]
    pub weight_decay: f32,
    /// Name of the tensor [default: the first with four axes and sides above 1, else the first with three]
    #[arg(long, value_name = "NAME")]
    pub tensor: Option<String>,
    /// What stands along its axes in the file: out, in, rows and columns in any order, such as rows,columns,in,out of
    /// Keras, or out, in and samples, such as samples,in,out [default: what its shape tells]
    #[arg(long, value_name = "AXES")]
    pub axes: Option<KernelAxes>,
    /// Folder for the report, made if its parent exists: index.html, summary.md, compare.json, the pictures, and the
    /// network that was trained, model.safetensors
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Number of scales of the wavelets [default: log2 of the kernel's shorter side; for signals, as many as reach below
    /// the lowest waves of the layer]
    #[arg(short = 'J')]
    pub J: Option<usize>,
    /// Number of orientations of the wavelets, for images [default: 8]
    #[arg(short = 'L')]
    pub L: Option<usize>,
    /// Wavelets per octave, for signals [default: as many as make them as broad as the waves of the layer]
    #[arg(short = 'Q', conflicts_with = "train")]
    pub Q: Option<usize>,
    /// Samples per second of the signals that the network hears: frequencies are then in hertz, and stand beside mel and
    /// ERB scales
    #[arg(long, value_name = "HZ", value_parser = positive, allow_negative_numbers = true, conflicts_with = "train")]
    pub rate: Option<f64>,
    /// Images whose patches give principal components to compare with: files, folders, or - for standard input [default:
    /// those trained on]
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub images: Vec<PathBuf>,
    /// Number of random filters to compare with
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub random: usize,
    /// Seed of the random filters, and of the network that is trained
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// A height and a width, written `HxW`.
#[derive(Debug, Clone, Copy)]
pub struct Size(pub [usize; 2]);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once(['x', 'X'])
            .and_then(|(height, width)| Some(Size([side(height)?, side(width)?])))
            .ok_or_else(|| "a size is a height and a width in pixels, such as 480x640".to_string())
    }
}

/// The sides of a signal with one axis or two, written `N` or `HxW`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent(pub Vec<usize>);

impl FromStr for Extent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sides: Option<Vec<_>> = text.split(['x', 'X']).map(side).collect();
        sides
            .filter(|sides| sides.len() <= 2)
            .map(Self)
            .ok_or_else(|| {
                "sides are one number of samples or two, such as 1000000 or 1000x1500".to_string()
            })
    }
}

/// Sizes of kernels from the first to the last, written `kernel=3..257`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep(pub [usize; 2]);

impl FromStr for Sweep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range = text
            .strip_prefix("kernel=")
            .and_then(|range| range.split_once(".."));
        range
            .and_then(|(first, last)| Some([side(first)?, side(last)?]))
            .filter(|[first, last]| first < last)
            .map(Self)
            .ok_or_else(|| {
                "a sweep is the smallest and the largest kernel, such as kernel=3..257".to_string()
            })
    }
}

/// A number above 0.
fn positive(text: &str) -> Result<f64, String> {
    let number = text
        .parse()
        .ok()
        .filter(|&x: &f64| x > 0.0 && x.is_finite());
    number.ok_or_else(|| "a number above 0 is needed, such as 0.5".to_string())
}

/// A range of loudness, such as `60dB` or `60`.
fn decibels(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches(['d', 'D', 'b', 'B', ' ']);
    positive(number)
        .map_err(|_| "a range is a number of decibels above 0, such as 60dB".to_string())
}

fn samples(text: &str) -> Result<usize, String> {
    side(text).ok_or_else(|| "a number of samples is a whole number above 0".to_string())
}

/// A number of samples along an axis.
fn side(text: &str) -> Option<usize> {
    text.parse().ok().filter(|&n| n > 0)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// Periodic
    Circular,
    /// Every sample that the kernel touches at all
    Full,
    /// As many as go in, centred
    Same,
    /// Only where the kernel lies wholly inside
    Valid,
}

impl From<ModeArg> for Mode {
    fn from(arg: ModeArg) -> Self {
        match arg {
            ModeArg::Circular => Mode::Circular,
            ModeArg::Full => Mode::Full,
            ModeArg::Same => Mode::Same,
            ModeArg::Valid => Mode::Valid,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ComplexArg {
    Signal,
    Kernel,
    Both,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum AverageArg {
    Local,
    Global,
    None,
}

impl From<AverageArg> for Average {
    fn from(arg: AverageArg) -> Self {
        match arg {
            AverageArg::Local => Average::Local,
            AverageArg::Global => Average::Global,
            AverageArg::None => Average::None,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SignalAverageArg {
    /// Averages over T samples
    Local,
    /// The mean over the signal
    Global,
    /// The sum over the padded signal, as it is subsampled: Kymatio's T="global"
    Sum,
    /// All of it
    None,
}

impl From<SignalAverageArg> for Average {
    fn from(arg: SignalAverageArg) -> Self {
        match arg {
            SignalAverageArg::Local => Average::Local,
            SignalAverageArg::Global => Average::Global,
            SignalAverageArg::Sum => Average::Sum,
            SignalAverageArg::None => Average::None,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum PaddingArg {
    /// x2 x1 | x0 x1 x2
    Reflect,
    /// x1 x0 | x0 x1 x2
    Symmetric,
    /// What goes in repeats: its sides must be multiples of 2^J
    Periodic,
    /// 0 0 | x0 x1 x2
    Zero,
}

impl From<PaddingArg> for Padding {
    fn from(arg: PaddingArg) -> Self {
        match arg {
            PaddingArg::Reflect => Padding::Reflect,
            PaddingArg::Symmetric => Padding::Symmetric,
            PaddingArg::Periodic => Padding::Periodic,
            PaddingArg::Zero => Padding::Zero,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    Gray,
    Rgb,
}

impl From<ColorArg> for Color {
    fn from(arg: ColorArg) -> Self {
        match arg {
            ColorArg::Gray => Color::Gray,
            ColorArg::Rgb => Color::Rgb,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ValuesArg {
    Unit,
    Raw,
}

impl ValuesArg {
    pub fn name(self) -> &'static str {
        match self {
            ValuesArg::Unit => "unit",
            ValuesArg::Raw => "raw",
        }
    }
}

impl From<ValuesArg> for Values {
    fn from(arg: ValuesArg) -> Self {
        match arg {
            ValuesArg::Unit => Values::Unit,
            ValuesArg::Raw => Values::Raw,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum NanArg {
    Mean,
    Zero,
}

impl NanArg {
    pub fn name(self) -> &'static str {
        match self {
            NanArg::Mean => "mean",
            NanArg::Zero => "zero",
        }
    }
}

impl From<NanArg> for NanPolicy {
    fn from(arg: NanArg) -> Self {
        match arg {
            NanArg::Mean => NanPolicy::Mean,
            NanArg::Zero => NanPolicy::Zero,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Precision {
    F32,
    F64,
}

impl Precision {
    /// The name of its numbers.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ShowArg {
    /// Real part, imaginary part and modulus in space
    Space,
    /// Moduli in the frequency plane
    Fourier,
    /// Phase as hue, modulus as brightness
    Phase,
    /// Littlewood-Paley sum and frame bounds
    Lp,
    /// Real part, imaginary part and envelope in time
    Time,
}

impl ShowArg {
    /// What is drawn of a bank of images; `None` for what only signals have.
    pub fn of_images(self) -> Option<Show> {
        Some(match self {
            ShowArg::Space => Show::Space,
            ShowArg::Fourier => Show::Fourier,
            ShowArg::Phase => Show::Phase,
            ShowArg::Lp => Show::LittlewoodPaley,
            ShowArg::Time => return None,
        })
    }

    /// What is drawn of a bank of signals; `None` for what only images have.
    pub fn of_signals(self) -> Option<filter_bank_1d::Show> {
        Some(match self {
            ShowArg::Time => filter_bank_1d::Show::Time,
            ShowArg::Fourier => filter_bank_1d::Show::Fourier,
            ShowArg::Lp => filter_bank_1d::Show::LittlewoodPaley,
            ShowArg::Space | ShowArg::Phase => return None,
        })
    }
}
