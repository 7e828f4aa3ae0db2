//! Scattering whose wavelets learn, its coefficients normalised, and one linear layer.
//!
//! Source: Gauthier et al., "Parametric scattering networks", CVPR 2022, with their linear layer.

use burn::module::Module;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use crate::filters::FilterBank2d;
use crate::learn::layer::{ScatteringLayer2d, Start, Tying};
use crate::scattering::Scattering2dParams;
use crate::signal::Padding;
use crate::{Error, Result, Scattering2d, memory};

/// The scattering of a [`Parametric`](super::Architecture::Parametric) network.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnedScattering {
    /// log2 of the averaging width in pixels.
    pub J: usize,
    /// Number of orientations.
    pub L: usize,
    /// Largest number of moduli on a path, at least 1.
    pub max_order: usize,
    /// Which wavelets have numbers of their own.
    pub tying: Tying,
}

impl LearnedScattering {
    /// Rows and columns of the grid in whose middle images of this size stand: multiples of 2^J.
    pub(super) fn canvas(&self, sides: [usize; 2]) -> Option<[usize; 2]> {
        let multiple = 1_usize.checked_shl(u32::try_from(self.J).ok()?)?;
        let [n0, n1] = sides.map(|side| side.checked_next_multiple_of(multiple));
        Some([n0?, n1?])
    }

    /// The transform of images of this many rows and columns, once it is known that there is one.
    pub(super) fn params(&self, sides: [usize; 2]) -> Result<Scattering2dParams> {
        let canvas = self.canvas(sides);
        let fits = |sides: &[usize; 2]| {
            memory::bytes_of::<[f64; 4]>(memory::count(sides)) <= memory::available()
        };
        let canvas = canvas.filter(fits).ok_or_else(|| Error::InvalidParameter {
            name: "J",
            value: self.J.to_string(),
            limit: "images stand in the middle of a grid whose sides are multiples of 2^J, and such a grid is beyond memory; use a \
                    lower J"
                .into(),
        })?;
        if self.max_order == 0 {
            return Err(Error::InvalidParameter {
                name: "max_order",
                value: "0".into(),
                limit: "wavelets that learn are on a path: use 1 or more".into(),
            });
        }
        let params = Scattering2d::params(canvas, self.J)
            .L(self.L)
            .max_order(self.max_order)
            .padding(Padding::Zero);
        let bank = FilterBank2d::params(params.padded_shape()?, self.J).L(self.L);
        bank.check()?;
        let layers = self.max_order.min(self.J) as u64;
        memory::require(
            "the filter banks",
            bank.expected_bytes::<f32>().saturating_mul(layers),
            "use a lower J or L",
        )?;
        Ok(params)
    }

    /// Coefficients of one channel, of parameters that passed.
    pub(super) fn coefficients(&self, params: &Scattering2dParams) -> u64 {
        let paths = params.paths_by_order();
        let paths = paths.into_iter().fold(0, u64::saturating_add);
        let cells = params.shape.map(|side| side >> self.J);
        paths.saturating_mul(memory::count(&cells))
    }
}

#[derive(Module, Debug)]
pub(crate) struct Parametric {
    pub(crate) scattering: ScatteringLayer2d,
    normal: BatchNorm,
    linear: Linear,
}

impl Parametric {
    pub(crate) fn new(
        scattering: &LearnedScattering,
        [channels, rows, columns]: [usize; 3],
        classes: usize,
        device: &Device,
    ) -> Result<Self> {
        let params = scattering.params([rows, columns])?;
        let layer = ScatteringLayer2d::new(&params, scattering.tying, Start::Standard, device)?;
        let paths = channels * layer.paths()?;
        let cells: usize = params.shape.iter().map(|side| side >> params.J).product();
        Ok(Self {
            scattering: layer,
            normal: BatchNormConfig::new(paths).init(device),
            linear: LinearConfig::new(paths * cells, classes).init(device),
        })
    }

    /// Logits `[n, classes]` of images `[n, channels, rows, columns]`.
    pub(crate) fn forward(&self, images: Tensor<4>) -> Result<Tensor<2>> {
        let coefficients = self.normal.forward(self.scattering.forward(images)?);
        Ok(self.linear.forward(coefficients.flatten(1, 3)))
    }
}
