//! [`read_weights`]: the kernels of a convolution from a safetensors file, as other programs write it.
//!
//! In comes a file, and perhaps the name of a tensor and the order of its axes; out come [`Weights`], `[out, in, rows,
//! columns]`, whichever of the floating-point formats f64, f32, f16 and bf16 they are stored in.
//!
//! Conventions that bite:
//! - Without a name, the tensor is the one of floating-point numbers with four axes and sides above 1 that stands first
//!   in the file. Writers order tensors by type or by name, not by layer, so the name is better.
//! - Without an order of axes it is taken from the shape: PyTorch's `[out, in, rows, columns]`, the `[rows, columns, in,
//!   out]` of Keras, TensorFlow and Flax, or MLX's `[out, rows, columns, in]`, whichever has 1 or 3 channels coming in
//!   and square kernels, or kernels at all. What fits several ways, as `[3, 3, 3, 3]` does, is the first of them.
//!
//! Source: the safetensors format; parsed by its authors' crate.

use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use ndarray::Array4;
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
    /// **Shape** `[out, in, rows, columns]`.
    pub kernels: Array4<f32>,
}

/// What stands along each axis of a tensor of kernels; written `rows,columns,in,out`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelAxes {
    /// The axis in the file of out, in, rows and columns.
    places: [usize; 4],
}

impl KernelAxes {
    /// PyTorch, and whatever else follows it.
    pub const OUT_IN_ROWS_COLUMNS: Self = Self {
        places: [0, 1, 2, 3],
    };
    /// Keras, TensorFlow, Flax.
    pub const ROWS_COLUMNS_IN_OUT: Self = Self {
        places: [3, 2, 0, 1],
    };
    /// MLX, TensorFlow Lite.
    pub const OUT_ROWS_COLUMNS_IN: Self = Self {
        places: [0, 3, 1, 2],
    };

    /// What each axis is called, in the order of [`places`](Self::places).
    const NAMES: [&str; 4] = ["out", "in", "rows", "columns"];

    /// The order that a first layer of this shape has, if it can be one of those above and its kernels are square; else
    /// PyTorch's, if kernels of any layer can be square in it; then the same for kernels that are not square.
    fn of(shape: [usize; 4]) -> Option<Self> {
        let orders = [
            Self::OUT_IN_ROWS_COLUMNS,
            Self::ROWS_COLUMNS_IN_OUT,
            Self::OUT_ROWS_COLUMNS_IN,
        ];
        let sides = |order: &Self| [2, 3].map(|axis| shape[order.places[axis]]);
        let is_kernel = |order: &Self| sides(order).iter().all(|&side| side > 1);
        let is_first = |order: &Self| is_kernel(order) && matches!(shape[order.places[1]], 1 | 3);
        let is_square = |order: &Self| sides(order)[0] == sides(order)[1];
        let several = |order: &Self| shape[order.places[0]] > 1;
        let firsts = || orders.into_iter().filter(is_first);
        let torch = Some(orders[0]).filter(is_kernel);
        firsts()
            .find(is_square)
            .or_else(|| torch.filter(is_square))
            .or_else(|| firsts().find(several))
            .or(torch)
    }
}

impl fmt::Display for KernelAxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = [""; 4];
        for (place, name) in self.places.into_iter().zip(Self::NAMES) {
            names[place] = name;
        }
        f.write_str(&names.join(","))
    }
}

impl FromStr for KernelAxes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        let place = |name| names.iter().position(|&other| other == name);
        match Self::NAMES.map(place) {
            [Some(out), Some(channels), Some(rows), Some(columns)] if names.len() == 4 => {
                Ok(Self {
                    places: [out, channels, rows, columns],
                })
            }
            _ => Err(Error::InvalidParameter {
                name: "axes",
                value: text.to_string(),
                limit: "out, in, rows and columns in the order of the file, as rows,columns,in,out"
                    .to_string(),
            }),
        }
    }
}

/// Reads the kernels of one tensor.
///
/// # Errors
/// [`Error::File`] if the file cannot be read, [`Error::OutOfMemory`] if it does not fit; [`Error::BadFile`], listing
/// what the file holds, if it is no safetensors file, has no such tensor, none with four axes, or one of other than
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
    let is_kernel = |view: &TensorView| {
        let real = matches!(
            view.dtype(),
            Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::BF16
        );
        let shape = <[usize; 4]>::try_from(view.shape());
        real && shape.is_ok_and(|shape| axes.or(KernelAxes::of(shape)).is_some())
    };
    let found = match tensor {
        Some(name) => views.iter().find(|(other, _)| other == name),
        None => views.iter().find(|(_, view)| is_kernel(view)),
    };
    let Some((name, view)) = found else {
        return Err(bad(match tensor {
            Some(name) => format!("there is no tensor `{name}`; {}", listing()),
            None => format!(
                "no tensor of floating-point numbers has the four axes [out, in, rows, columns] of a convolution; {}",
                listing()
            ),
        }));
    };
    let Ok(shape) = <[usize; 4]>::try_from(view.shape()) else {
        return Err(bad(format!(
            "`{name}` has shape {:?}, not the four axes [out, in, rows, columns]; {}",
            view.shape(),
            listing()
        )));
    };
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
        Array4::from_shape_vec(shape, values).map_err(|error| bad(format!("`{name}`: {error}")))?;
    let axes = axes.or(KernelAxes::of(shape));
    let axes = axes.unwrap_or(KernelAxes::OUT_IN_ROWS_COLUMNS);
    Ok(Weights {
        tensor: name.clone(),
        axes,
        kernels: kernels.permuted_axes(axes.places),
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
            assert_eq!(weights.kernels.dim(), (2, 3, 4, 5));
            for (at, &value) in weights.kernels.indexed_iter() {
                assert_eq!(value, expected([at.0, at.1, at.2, at.3]), "{name} {at:?}");
            }
        }
    }

    #[test]
    fn without_a_name_the_first_convolution_is_taken() {
        let weights = read_weights(data("mixed.safetensors"), None, None).unwrap();
        assert!(weights.tensor.starts_with("conv."), "{}", weights.tensor);
        assert_eq!(weights.kernels.dim(), (2, 3, 4, 5));
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
            assert_eq!(weights.kernels.dim(), (2, 3, 4, 5));
            for (at, &value) in weights.kernels.indexed_iter() {
                assert_eq!(value, expected([at.0, at.1, at.2, at.3]), "{name} {at:?}");
            }
        }
        // Whatever the shape says, what is asked for counts.
        let axes = "columns, rows,in,out".parse().unwrap();
        let weights = read_weights(data("orders.safetensors"), Some("keras"), Some(axes)).unwrap();
        assert_eq!(weights.kernels.dim(), (2, 3, 5, 4));
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
            assert_eq!(KernelAxes::of(shape), expected, "{shape:?}");
        }
        for axes in [torch, keras, mlx] {
            assert_eq!(axes.to_string().parse::<KernelAxes>().unwrap(), axes);
        }
        assert_eq!(keras.to_string(), "rows,columns,in,out");
        for text in [
            "",
            "out,in,rows",
            "out,in,rows,rows",
            "out,in,rows,columns,in",
            "oihw",
        ] {
            let message = text.parse::<KernelAxes>().unwrap_err().to_string();
            assert!(message.contains("rows,columns,in,out"), "{message}");
        }
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
