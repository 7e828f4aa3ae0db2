//! Convolutions: one signal with one kernel of as many samples as go in, or a circular bank over one image.

use std::error::Error;

use ndarray::{ArcArray, Array2, ArrayD, IxDyn};
use rustfft::num_complex::{Complex32, Complex64};
use wavelet_scattering::Isa;
use wavelet_scattering::conv::{
    Convolution, Convolution1d, Convolution2d, ConvolutionWorkspace, Convolve, Method, Mode, Sample,
};
use wavelet_scattering::filters::FilterBank2d;

use super::floor::Ffts;
use super::noise;

/// One signal and what it is convolved with.
pub struct Convolving {
    /// `conv1d-<samples>-<taps>`, `conv2d-<side>-<side of the kernel>`, `bank-<side>-J<J>-L<L>`
    pub name: &'static str,
    pub shape: &'static [usize],
    pub kernel: Kernel,
}

pub enum Kernel {
    /// Real taps, as many along each axis; mode `Same`.
    Taps(usize),
    /// Morlet wavelets by their Fourier transforms; mode `Circular`.
    Bank { J: usize, L: usize },
}

/// How a workload is to be computed.
pub enum Way {
    Cheapest,
    Direct,
}

/// A line, images, a bank; the shortest kernel of each first.
pub const CONVOLUTIONS: [Convolving; 9] = [
    taps("conv1d-1048576-256", &[1 << 20], 256),
    taps("conv1d-1048576-4096", &[1 << 20], 4096),
    taps("conv2d-512-31", &[512, 512], 31),
    taps("conv2d-512-127", &[512, 512], 127),
    taps("conv2d-1024-31", &[1024, 1024], 31),
    taps("conv2d-1024-127", &[1024, 1024], 127),
    taps("conv2d-2048-31", &[2048, 2048], 31),
    taps("conv2d-2048-127", &[2048, 2048], 127),
    Convolving {
        name: "bank-512-J3-L8",
        shape: &[512, 512],
        kernel: Kernel::Bank { J: 3, L: 8 },
    },
];

const fn taps(name: &'static str, shape: &'static [usize], taps: usize) -> Convolving {
    Convolving {
        name,
        shape,
        kernel: Kernel::Taps(taps),
    }
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

impl Convolving {
    pub fn signal(&self) -> ArrayD<f32> {
        super::noise_of_shape(self.shape)
    }

    /// The taps. **Shape** as many axes as the signal has.
    fn taps(&self, side: usize) -> ArrayD<f32> {
        let shape = vec![side; self.shape.len()];
        let samples = self.shape.iter().product();
        let taps = noise::taps(samples, shape.iter().product());
        ArrayD::from_shape_vec(IxDyn(&shape), taps).expect("as many taps as the shape has")
    }

    /// The transfer functions of a bank, real. **Shape** `[wavelets * H * W]`; empty for taps.
    pub fn transfer(&self) -> Outcome<Vec<f32>> {
        let Kernel::Bank { .. } = self.kernel else {
            return Ok(Vec::new());
        };
        let bank = self.bank()?;
        let planes = bank.wavelets().iter().flat_map(|wavelet| {
            let plane = bank.psi(wavelet.j, wavelet.l).to_array(0);
            plane.expect("every filter is on the finest level")
        });
        Ok(planes.collect())
    }

    fn bank(&self) -> Outcome<FilterBank2d<f32>> {
        match (&self.kernel, self.shape) {
            (&Kernel::Bank { J, L }, &[n0, n1]) => {
                Ok(FilterBank2d::params([n0, n1], J).L(L).build()?)
            }
            _ => Err("a bank is of planes".into()),
        }
    }

    /// Makes what goes in, so that it is not part of planning.
    pub fn inputs(&self) -> Outcome<Inputs> {
        let kernel = match self.kernel {
            Kernel::Taps(side) => Filters::Taps(side, self.taps(side)),
            Kernel::Bank { .. } => Filters::Bank(self.bank()?),
        };
        Ok(Inputs {
            name: self.name,
            signal: self.signal().into_shared(),
            kernel,
        })
    }

    /// Relative error of the result against the definition, in double precision, at a few samples: corners, where zeros
    /// come in or the circle closes, and the middle.
    pub fn error(&self, result: &[Complex32]) -> Outcome<f64> {
        let signal = self.signal();
        let [n0, n1] = match *self.shape {
            [n] => [1, n],
            [n0, n1] => [n0, n1],
            _ => return Err("signals have one or two axes".into()),
        };
        let x = |i: i64, k: i64| {
            let inside = (0..n0 as i64).contains(&i) && (0..n1 as i64).contains(&k);
            let at = || i as usize * n1 + k as usize;
            if inside {
                f64::from(signal.as_slice().expect("made contiguous")[at()])
            } else {
                0.0
            }
        };
        let samples = [
            (0, 0),
            (0, n1 - 1),
            (n0 - 1, 0),
            (n0 / 2, n1 / 3),
            (n0 - 1, n1 - 2),
        ];
        let (mut got, mut expected) = (Vec::new(), Vec::new());
        match self.kernel {
            Kernel::Taps(side) => {
                let taps = self.taps(side);
                let (t0, t1) = (taps.len() / side, side);
                let taps = taps.as_slice().expect("made contiguous");
                for (i, k) in samples {
                    let mut sum = 0.0;
                    for (t, &tap) in taps.iter().enumerate() {
                        let from = i as i64 + (t0 as i64 - 1) / 2 - (t / t1) as i64;
                        let to = k as i64 + (t1 as i64 - 1) / 2 - (t % t1) as i64;
                        sum += f64::from(tap) * x(from, to);
                    }
                    got.push(result[i * n1 + k]);
                    expected.push(Complex64::new(sum, 0.0));
                }
            }
            Kernel::Bank { .. } => {
                let bank = self.bank()?;
                // The finest, the coarsest and one between.
                for lambda in [0, bank.wavelets().len() / 2, bank.wavelets().len() - 1] {
                    let wavelet = &bank.wavelets()[lambda];
                    let psi: Array2<Complex64> = bank.psi_in_space(wavelet.j, wavelet.l);
                    for (i, k) in samples {
                        let terms = psi.indexed_iter().map(|((t0, t1), &value)| {
                            let from = (i + n0 - t0) % n0;
                            value * x(from as i64, ((k + n1 - t1) % n1) as i64)
                        });
                        got.push(result[(lambda * n0 + i) * n1 + k]);
                        expected.push(terms.sum());
                    }
                }
            }
        }
        let norm = |z: &mut dyn Iterator<Item = Complex64>| z.map(|z| z.norm_sqr()).sum::<f64>();
        let difference = |(got, &expected): (&Complex32, &Complex64)| {
            Complex64::new(got.re.into(), got.im.into()) - expected
        };
        let error = norm(&mut got.iter().zip(&expected).map(difference));
        Ok((error / norm(&mut expected.iter().copied())).sqrt())
    }
}

/// The signal and the kernel of a workload.
pub struct Inputs {
    name: &'static str,
    signal: ArcArray<f32, IxDyn>,
    kernel: Filters,
}

enum Filters {
    /// Taps along each axis, and the taps.
    Taps(usize, ArrayD<f32>),
    Bank(FilterBank2d<f32>),
}

impl Inputs {
    /// Plans the workload on the instruction set that the environment asks for, for as many threads as the pool has if `None`.
    pub fn plan(&self, way: Way, threads: Option<usize>) -> Outcome<Box<dyn Planned>> {
        let signal = self.signal.clone(); // shared, not copied
        let isa = Isa::from_env()?;
        match (&self.kernel, self.signal.shape()) {
            (Filters::Taps(side, taps), &[n]) => {
                let method = match way {
                    Way::Cheapest => Method::Auto,
                    Way::Direct => Method::Direct,
                };
                let params = Convolution1d::params([n]).method(method).isa(isa);
                let plan: Convolution1d<f32> = params.plan(taps)?;
                Ok(Box::new(Job::new(plan, signal, [1, *side], threads)))
            }
            (Filters::Taps(side, taps), &[n0, n1]) => {
                let method = match way {
                    Way::Cheapest => Method::Auto,
                    Way::Direct => Method::Direct,
                };
                let params = Convolution2d::params([n0, n1]).method(method).isa(isa);
                let plan: Convolution2d<f32> = params.plan(taps)?;
                Ok(Box::new(Job::new(plan, signal, [*side, *side], threads)))
            }
            (Filters::Bank(bank), &[n0, n1]) => {
                let params = Convolution2d::params([n0, n1])
                    .mode(Mode::Circular)
                    .isa(isa);
                let plan: Convolution2d<f32, Complex32> = params.plan(bank)?;
                // A circle has no overlap: as if there were one tap.
                Ok(Box::new(Job::new(plan, signal, [1, 1], threads)))
            }
            _ => Err(format!("{}: signals have one or two axes", self.name).into()),
        }
    }
}

/// A planned workload with its signal; output and workspace are made by the first run.
pub trait Planned {
    /// Convolves into the output; allocates nothing with one thread, but in the first run.
    fn run(&mut self);

    /// Convolves by the easy method, which allocates output and workspace.
    fn run_allocating(&self);

    /// What the last `run` put out, in row-major order; nothing before the first.
    fn output(&self) -> Vec<Complex32>;

    /// How the plan computes: `overlap-save 144 x 144`.
    fn method(&self) -> String;

    /// The FFTs of a run; `None` if it is direct.
    fn ffts(&self) -> Option<Ffts>;
}

struct Job<K, const D: usize>
where
    K: Sample<Real = f32>,
    f32: Convolve<K>,
{
    plan: Convolution<f32, K, D>,
    signal: ArcArray<f32, IxDyn>,
    /// Taps along each axis.
    taps: [usize; 2],
    threads: Option<usize>,
    scratch: Option<Scratch<<f32 as Convolve<K>>::Output>>,
}

/// An output and a workspace.
type Scratch<Y> = (ArrayD<Y>, ConvolutionWorkspace<f32>);

impl<K, const D: usize> Job<K, D>
where
    K: Sample<Real = f32>,
    f32: Convolve<K>,
{
    fn new(
        plan: Convolution<f32, K, D>,
        signal: ArcArray<f32, IxDyn>,
        taps: [usize; 2],
        threads: Option<usize>,
    ) -> Self {
        Self {
            plan,
            signal,
            taps,
            threads,
            scratch: None,
        }
    }
}

impl<K, const D: usize> Planned for Job<K, D>
where
    K: Sample<Real = f32>,
    f32: Convolve<K>,
{
    fn run(&mut self) {
        let Self { plan, threads, .. } = self;
        let (out, workspace) = self.scratch.get_or_insert_with(|| {
            let workspace = match *threads {
                Some(threads) => plan.workspace_for(threads),
                None => plan.workspace(),
            };
            let out = ArrayD::from_elem(plan.output_axes(), Default::default());
            (out, workspace)
        });
        plan.apply_into(&self.signal, out, workspace)
            .expect("shapes fit and noise is finite");
    }

    fn run_allocating(&self) {
        let out = self.plan.apply(&self.signal);
        std::hint::black_box(out.expect("shapes fit and noise is finite"));
    }

    fn output(&self) -> Vec<Complex32> {
        let complex = |z: &<f32 as Convolve<K>>::Output| Complex32::new(z.re(), z.im());
        let out = self.scratch.iter().flat_map(|(out, _)| out);
        out.map(complex).collect()
    }

    fn method(&self) -> String {
        let chosen = self.plan.explain().chosen();
        match chosen.method {
            Method::Fft => {
                let sides: Vec<_> = chosen.block.iter().map(usize::to_string).collect();
                format!("fft {}", sides.join(" x "))
            }
            method => method.to_string(),
        }
    }

    fn ffts(&self) -> Option<Ffts> {
        let chosen = self.plan.explain().chosen();
        let block = |sides: [usize; D]| match sides[..] {
            [n1] => [1, n1],
            [n0, n1, ..] => [n0, n1],
            [] => [1, 1],
        };
        let shape = block(chosen.block);
        let blocks = match chosen.method {
            Method::Direct => return None,
            Method::OverlapSave { .. } => {
                let signal = block(self.plan.description().shape);
                let along = |i: usize| signal[i].div_ceil(shape[i] + 1 - self.taps[i]);
                along(0) * along(1)
            }
            _ => 1,
        };
        let kernels = self.plan.output_axes().iter().product::<usize>() / self.signal.len();
        Some(Ffts::of_convolution(
            shape,
            blocks,
            kernels,
            [false, K::COMPLEX],
        ))
    }
}
