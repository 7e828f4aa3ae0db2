//! [`read_weights`]: the kernels of a convolution from a safetensors file, as other programs write it.
//!
//! In comes a file, and perhaps the name of a tensor and the order of its axes; out come [`Weights`], `[out, in, rows,
//! columns]` of images or `[out, in, samples]` of signals, whichever of the floating-point formats f64, f32, f16 and bf16
//! they are stored in.
//!
//! Conventions that bite:
//! - Without a name, the tensor is the one of floating-point numbers with four axes and sides above 1 that stands first
//!   in the file, or if there is none, the first with three. Writers order tensors by type or by name, not by layer, so
//!   the name is better.
//! - Without an order of axes it is taken from the shape: PyTorch's `[out, in, rows, columns]`, the `[rows, columns, in,
//!   out]` of Keras, TensorFlow and Flax, or MLX's `[out, rows, columns, in]`, whichever has 1 or 3 channels coming in
//!   and square kernels, or kernels at all. What fits several ways, as `[3, 3, 3, 3]` does, is the first of them.
//! - Kernels of signals are the same without columns, with 1 or 2 channels coming in: `[out, in, samples]`, `[samples, in,
//!   out]`, `[out, samples, in]`. The first two cannot be told apart by shape: of Keras the order has to be given.
//!
//! Source: the safetensors format; parsed by its authors' crate.

use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use ndarray::{ArrayD, IxDyn};
use npyz::half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::{Error, Result, memory};

/// Tensors that a message lists at most.
const LISTED: usize = 30;

/// The kernels of a convolution.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// The name of the tensor.
    pub tensor: String,
    /// How its axes stand in the file.
    pub axes: KernelAxes,
    /// **Shape** `[out, in, rows, columns]`, or `[out, in, samples]` of signals.
    pub kernels: ArrayD<f32>,
}

/// What stands along each axis of a tensor of kernels; written `rows,columns,in,out`, or `samples,in,out` of signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelAxes {
    /// The axis in the file of out, in, and rows and columns or samples; of signals the last number means nothing.
    places: [usize; 4],
    /// How many axes there are.
    rank: usize,
}

impl KernelAxes {
    /// PyTorch, and whatever else follows it.
    pub const OUT_IN_ROWS_COLUMNS: Self = Self::of_images([0, 1, 2, 3]);
    /// Keras, TensorFlow, Flax.
    pub const ROWS_COLUMNS_IN_OUT: Self = Self::of_images([3, 2, 0, 1]);
    /// MLX, TensorFlow Lite.
    pub const OUT_ROWS_COLUMNS_IN: Self = Self::of_images([0, 3, 1, 2]);
    /// PyTorch, of signals.
    pub const OUT_IN_SAMPLES: Self = Self::of_signals([0, 1, 2]);
    /// Keras, TensorFlow, Flax, of signals.
    pub const SAMPLES_IN_OUT: Self = Self::of_signals([2, 1, 0]);
    /// MLX, of signals.
    pub const OUT_SAMPLES_IN: Self = Self::of_signals([0, 2, 1]);

    const fn of_images(places: [usize; 4]) -> Self {
        Self { places, rank: 4 }
    }

    const fn of_signals([out, channels, samples]: [usize; 3]) -> Self {
        let places = [out, channels, samples, 3];
        Self { places, rank: 3 }
    }

    /// What each axis is called, in the order of [`places`](Self::places).
    fn names(rank: usize) -> &'static [&'static str] {
        match rank {
            3 => &["out", "in", "samples"],
            _ => &["out", "in", "rows", "columns"],
        }
    }

    fn places(&self) -> &[usize] {
        &self.places[..self.rank]
    }

    /// The order that a first layer of this shape has, if it can be one of those above and its kernels are square; else
    /// PyTorch's, if kernels of any layer can be square in it; then the same for kernels that are not square.
    fn of(shape: &[usize]) -> Option<Self> {
        let (orders, channels) = match shape.len() {
            3 => (
                [
                    Self::OUT_IN_SAMPLES,
                    Self::SAMPLES_IN_OUT,
                    Self::OUT_SAMPLES_IN,
                ],
                [1, 2],
            ),
            4 => (
                [
                    Self::OUT_IN_ROWS_COLUMNS,
                    Self::ROWS_COLUMNS_IN_OUT,
                    Self::OUT_ROWS_COLUMNS_IN,
                ],
                [1, 3],
            ),
            _ => return None,
        };
        let sides = |order: &Self| -> Vec<usize> {
            let places = order.places()[2..].iter();
            places.map(|&axis| shape[axis]).collect()
        };
        let is_kernel = |order: &Self| sides(order).iter().all(|&side| side > 1);
        let is_first =
            |order: &Self| is_kernel(order) && channels.contains(&shape[order.places[1]]);
        let is_square = |order: &Self| sides(order).windows(2).all(|pair| pair[0] == pair[1]);
        let several = |order: &Self| shape[order.places[0]] > 1;
        let firsts = || orders.into_iter().filter(is_first);
        let torch = Some(orders[0]).filter(is_kernel);
        firsts()
            .find(is_square)
            .or_else(|| torch.filter(is_square))
            .or_else(|| firsts().find(several))
            .or(torch)
    }

    /// The order of a tensor of this shape: the one that is asked for, or the one that the shape tells.
    fn asked_or_told(asked: Option<Self>, shape: &[usize]) -> Option<Self> {
        match asked {
            Some(axes) => Some(axes).filter(|axes| axes.rank == shape.len()),
            None => Self::of(shape),
        }
    }
}

impl fmt::Display for KernelAxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = vec![""; self.rank];
        for (&place, name) in self.places().iter().zip(Self::names(self.rank)) {
            names[place] = name;
        }
        f.write_str(&names.join(","))
    }
}

impl FromStr for KernelAxes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let given: Vec<&str> = text.split(',').map(str::trim).collect();
        let place = |name: &&str| given.iter().position(|other| other == name);
        let places: Option<Vec<usize>> = Self::names(given.len()).iter().map(place).collect();
        match places.as_deref() {
            Some(&[out, channels, samples]) => Ok(Self::of_signals([out, channels, samples])),
            Some(&[out, channels, rows, columns]) if given.len() == 4 => {
                Ok(Self::of_images([out, channels, rows, columns]))
            }
            _ => Err(Error::InvalidParameter {
                name: "axes",
                value: text.to_string(),
                limit: "out, in, rows and columns in the order of the file, as rows,columns,in,out, or of signals out, in and \
                        samples, as samples,in,out"
                    .to_string(),
            }),
        }
    }
}

/// Reads the kernels of one tensor.
///
/// # Errors
/// [`Error::File`] if the file cannot be read, [`Error::OutOfMemory`] if it does not fit; [`Error::BadFile`], listing
/// what the file holds, if it is no safetensors file, has no such tensor, none with as many axes, or one of other than
/// floating-point numbers.
pub fn read_weights(
    path: impl AsRef<Path>,
    tensor: Option<&str>,
    axes: Option<KernelAxes>,
) -> Result<Weights> {
    let path = path.as_ref();
    let file_error = |source| Error::unread(path, source);
    let bad = |reason: String| Error::bad_file(path, reason);
    let len = fs::metadata(path).map_err(file_error)?.len();
    memory::require("the file of weights", len, "save the first layer alone")?;
    let bytes = fs::read(path).map_err(file_error)?;
    let tensors = SafeTensors::deserialize(&bytes)
        .map_err(|error| bad(format!("it is no whole safetensors file: {error}")))?;

    // In the order of the file, so that "the first" does not depend on a hash.
    let mut views = tensors.tensors();
    views.sort_by_key(|(_, view)| view.data().as_ptr());
    let listing = || {
        let mut names: Vec<_> = views
            .iter()
            .take(LISTED)
            .map(|(name, view)| format!("{name} {} {:?}", view.dtype(), view.shape()))
            .collect();
        if views.len() > LISTED {
            names.push(format!("and {} more", views.len() - LISTED));
        }
        if names.is_empty() {
            return "it holds no tensor".to_string();
        }
        format!("it holds {}", names.join(", "))
    };
    let is_kernel = |view: &TensorView, rank: usize| {
        let real = matches!(
            view.dtype(),
            Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::BF16
        );
        let shape = view.shape();
        real && shape.len() == rank && KernelAxes::asked_or_told(axes, shape).is_some()
    };
    let first = |rank| views.iter().find(|(_, view)| is_kernel(view, rank));
    let found = match tensor {
        Some(name) => views.iter().find(|(other, _)| other == name),
        None => first(4).or_else(|| first(3)),
    };
    let Some((name, view)) = found else {
        return Err(bad(match tensor {
            Some(name) => format!("there is no tensor `{name}`; {}", listing()),
            None => format!(
                "no tensor of floating-point numbers has the four axes [out, in, rows, columns] of a convolution, or the \
                 three [out, in, samples] of one of signals; {}",
                listing()
            ),
        }));
    };
    let shape = view.shape();
    if !matches!(shape.len(), 3 | 4) || axes.is_some_and(|axes| axes.rank != shape.len()) {
        return Err(bad(format!(
            "`{name}` has shape {shape:?}, not {}; {}",
            match axes {
                Some(axes) => format!("the axes {axes}"),
                None => "the four axes [out, in, rows, columns] or the three [out, in, samples]"
                    .to_string(),
            },
            listing()
        )));
    }
    let data = view.data();
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => numbers(data, f32::from_le_bytes),
        Dtype::F64 => numbers(data, |b| f64::from_le_bytes(b) as f32),
        Dtype::F16 => numbers(data, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => numbers(data, |b| bf16::from_le_bytes(b).to_f32()),
        other => {
            return Err(bad(format!(
                "`{name}` holds {other}; weights are F64, F32, F16 or BF16"
            )));
        }
    };
    let kernels =
        ArrayD::from_shape_vec(shape, values).map_err(|error| bad(format!("`{name}`: {error}")))?;
    let axes = KernelAxes::asked_or_told(axes, shape).unwrap_or(match shape.len() {
        3 => KernelAxes::OUT_IN_SAMPLES,
        _ => KernelAxes::OUT_IN_ROWS_COLUMNS,
    });
    Ok(Weights {
        tensor: name.clone(),
        axes,
        kernels: kernels.permuted_axes(IxDyn(axes.places())),
    })
}

/// Little-endian numbers of `N` bytes each.
fn numbers<const N: usize>(data: &[u8], from: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (chunks, _) = data.as_chunks::<N>();
    chunks.iter().map(|&bytes| from(bytes)).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn data(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/weights")
            .join(name)
    }

    /// What the script in `tests/data/weights/README.md` stores, exact in every format.
    fn expected([o, c, i, k]: [usize; 4]) -> f32 {
        ((o * 7 + c * 5 + i * 3 + k) % 16) as f32 / 8.0 - 1.0
    }

    #[test]
    fn every_floating_point_format_reads_as_its_numbers() {
        for name in ["conv.f32", "conv.f64", "conv.f16", "conv.bf16"] {
            let weights = read_weights(data("mixed.safetensors"), Some(name), None).unwrap();
            assert_eq!(weights.tensor, name);
            assert_eq!(weights.kernels.shape(), [2, 3, 4, 5]);
            for (at, &value) in weights.kernels.indexed_iter() {
                assert_eq!(
                    value,
                    expected([at[0], at[1], at[2], at[3]]),
                    "{name} {at:?}"
                );
            }
        }
    }

    #[test]
    fn without_a_name_the_first_convolution_is_taken() {
        let weights = read_weights(data("mixed.safetensors"), None, None).unwrap();
        assert!(weights.tensor.starts_with("conv."), "{}", weights.tensor);
        assert_eq!(weights.kernels.shape(), [2, 3, 4, 5]);
    }

    #[test]
    fn the_orders_of_other_programs_are_recognised_and_turned() {
        for (name, axes) in [
            ("torch", KernelAxes::OUT_IN_ROWS_COLUMNS),
            ("keras", KernelAxes::ROWS_COLUMNS_IN_OUT),
            ("mlx", KernelAxes::OUT_ROWS_COLUMNS_IN),
        ] {
            let weights = read_weights(data("orders.safetensors"), Some(name), None).unwrap();
            assert_eq!(weights.axes, axes, "{name}");
            assert_eq!(weights.kernels.shape(), [2, 3, 4, 5]);
            for (at, &value) in weights.kernels.indexed_iter() {
                assert_eq!(
                    value,
                    expected([at[0], at[1], at[2], at[3]]),
                    "{name} {at:?}"
                );
            }
        }
        // Whatever the shape says, what is asked for counts.
        let axes = "columns, rows,in,out".parse().unwrap();
        let weights = read_weights(data("orders.safetensors"), Some("keras"), Some(axes)).unwrap();
        assert_eq!(weights.kernels.shape(), [2, 3, 5, 4]);
        assert_eq!(weights.kernels[[1, 2, 4, 3]], expected([1, 2, 3, 4]));
    }

    #[test]
    fn a_shape_tells_the_order_of_its_axes() {
        let [torch, keras, mlx] = [
            KernelAxes::OUT_IN_ROWS_COLUMNS,
            KernelAxes::ROWS_COLUMNS_IN_OUT,
            KernelAxes::OUT_ROWS_COLUMNS_IN,
        ];
        for (shape, expected) in [
            ([64, 3, 7, 7], Some(torch)),
            ([6, 1, 5, 5], Some(torch)),
            ([32, 3, 3, 3], Some(torch)),
            ([3, 3, 3, 3], Some(torch)),
            ([128, 64, 3, 3], Some(torch)),
            ([7, 7, 3, 64], Some(keras)),
            ([3, 3, 3, 32], Some(keras)),
            ([3, 3, 1, 32], Some(keras)),
            ([5, 5, 1, 6], Some(keras)),
            ([64, 7, 7, 3], Some(mlx)),
            ([32, 3, 3, 1], Some(mlx)),
            ([4, 2, 1, 1], None),
        ] {
            assert_eq!(KernelAxes::of(&shape), expected, "{shape:?}");
        }
        let signals = KernelAxes::OUT_IN_SAMPLES;
        for (shape, expected) in [
            ([128, 1, 512], Some(signals)),
            ([64, 2, 80], Some(signals)),
            ([64, 22, 80], Some(signals)),
            ([512, 1, 128], Some(signals)), // or Keras'
            ([128, 512, 1], Some(KernelAxes::OUT_SAMPLES_IN)),
            ([4, 2, 1], Some(KernelAxes::SAMPLES_IN_OUT)), // one filter of four samples
            ([4, 5, 1], Some(KernelAxes::OUT_SAMPLES_IN)),
            ([1, 7, 1], Some(KernelAxes::OUT_SAMPLES_IN)),
            ([9, 1, 1], Some(KernelAxes::SAMPLES_IN_OUT)),
            ([1, 1, 1], None),
        ] {
            assert_eq!(KernelAxes::of(&shape), expected, "{shape:?}");
        }
        assert_eq!(KernelAxes::of(&[6, 10]), None);
        let of_signals = [
            signals,
            KernelAxes::SAMPLES_IN_OUT,
            KernelAxes::OUT_SAMPLES_IN,
        ];
        assert_eq!(of_signals[1].to_string(), "samples,in,out");
        for axes in [torch, keras, mlx].into_iter().chain(of_signals) {
            assert_eq!(axes.to_string().parse::<KernelAxes>().unwrap(), axes);
        }
        assert_eq!(keras.to_string(), "rows,columns,in,out");
        for text in [
            "",
            "out,in,rows",
            "out,in,samples,rows",
            "out,in,samples,samples",
            "samples",
            "out,in,rows,rows",
            "out,in,rows,columns,in",
            "oihw",
        ] {
            let message = text.parse::<KernelAxes>().unwrap_err().to_string();
            assert!(message.contains("rows,columns,in,out"), "{message}");
        }
    }

    /// A file of zeros, but for 1, 2, 3, .. in tensors of three axes.
    fn zeros(folder: &Path, tensors: &[(&str, &[usize])]) -> PathBuf {
        let bytes = |shape: &[usize]| -> Vec<u8> {
            let count = |n| if shape.len() == 3 { n as f32 } else { 0.0 };
            let numbers = (0..shape.iter().product()).map(count);
            numbers.flat_map(f32::to_le_bytes).collect()
        };
        let data: Vec<_> = tensors.iter().map(|(_, shape)| bytes(shape)).collect();
        let views = tensors.iter().zip(&data).map(|((name, shape), data)| {
            let view = TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap();
            (name.to_string(), view)
        });
        let path = folder.join("net.safetensors");
        safetensors::serialize_to_file(views, None, &path).unwrap();
        path
    }

    #[test]
    fn kernels_of_signals_have_three_axes_and_stand_behind_those_of_images() {
        let folder = tempfile::tempdir().unwrap();
        let path = zeros(folder.path(), &[("bias", &[4]), ("conv", &[4, 1, 6])]);
        let weights = read_weights(&path, None, None).unwrap();
        assert_eq!(weights.axes, KernelAxes::OUT_IN_SAMPLES);
        assert_eq!(weights.kernels.shape(), [4, 1, 6]);
        assert_eq!(weights.kernels[[2, 0, 3]], 15.0);
        let keras = read_weights(&path, None, Some(KernelAxes::SAMPLES_IN_OUT)).unwrap();
        assert_eq!(keras.kernels.shape(), [6, 1, 4]);
        assert_eq!(keras.kernels[[3, 0, 2]], 15.0);
        let images = Some(KernelAxes::ROWS_COLUMNS_IN_OUT);
        for name in [None, Some("conv")] {
            let message = read_weights(&path, name, images).unwrap_err().to_string();
            assert!(message.contains("conv F32 [4, 1, 6]"), "{message}");
        }
        let both: &[(&str, &[usize])] = &[("a", &[4, 1, 6]), ("b", &[2, 3, 5, 5])];
        let path = zeros(folder.path(), both);
        assert_eq!(read_weights(&path, None, None).unwrap().tensor, "b");
        assert_eq!(read_weights(&path, Some("a"), None).unwrap().tensor, "a");
        let signals = Some(KernelAxes::OUT_IN_SAMPLES);
        assert_eq!(read_weights(&path, None, signals).unwrap().tensor, "a");
    }

    #[test]
    fn refusals_list_what_is_there() {
        let message = |file: &str, name| {
            read_weights(data(file), name, None)
                .unwrap_err()
                .to_string()
        };
        let absent = message("mixed.safetensors", Some("conv1"));
        assert!(absent.contains("no tensor `conv1`"), "{absent}");
        assert!(absent.contains("conv.f16 F16 [2, 3, 4, 5]"), "{absent}");
        let flat = message("mixed.safetensors", Some("fc.weight"));
        assert!(flat.contains("has shape [6, 10]"), "{flat}");
        let counts = message("mixed.safetensors", Some("counts"));
        assert!(counts.contains("I64"), "{counts}");
        let none = message("flat.safetensors", None);
        assert!(none.contains("has the four axes"), "{none}");
        assert!(none.contains("pointwise F32 [4, 2, 1, 1]"), "{none}");
        assert!(message("README.md", None).contains("no whole safetensors file"));
        assert!(message("absent.safetensors", None).starts_with("cannot read"));

        let bytes = fs::read(data("mixed.safetensors")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let cut = folder.path().join("cut.safetensors");
        for len in [0, 7, 8, 100, bytes.len() - 1] {
            fs::write(&cut, &bytes[..len]).unwrap();
            let message = read_weights(&cut, None, None).unwrap_err().to_string();
            assert!(
                message.contains("no whole safetensors file"),
                "{len}: {message}"
            );
        }
    }
}
