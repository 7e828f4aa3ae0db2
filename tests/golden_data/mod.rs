//! The folders of `tests/data`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, IxDyn, ShapeBuilder};

/// The cases whose names begin so, in order.
pub fn cases(prefix: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(prefix)
        })
        .collect();
    cases.sort();
    cases
}

/// An array of a .npy file, widened.
pub fn read<R: std::io::Read>(npy: npyz::NpyFile<R>) -> ArrayD<f64> {
    let shape: Vec<usize> = npy.shape().iter().map(|&n| n as usize).collect();
    let fortran = npy.order() == npyz::Order::Fortran;
    let values = match npy.dtype().descr().as_str() {
        "'<f4'" => npy
            .into_vec::<f32>()
            .unwrap()
            .into_iter()
            .map(f64::from)
            .collect(),
        _ => npy.into_vec::<f64>().unwrap(),
    };
    ArrayD::from_shape_vec(IxDyn(&shape).set_f(fortran), values).unwrap()
}

pub fn read_npy(path: PathBuf) -> ArrayD<f64> {
    read(npyz::NpyFile::new(File::open(path).unwrap()).unwrap())
}
