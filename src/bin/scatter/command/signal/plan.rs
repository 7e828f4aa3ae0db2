//! The transform of signals of one length: over time, or joint in time and frequency.

use anyhow::Result;
use ndarray::{Array1, ArrayD, ArrayView, Dimension};
use wavelet_scattering::io::NpzEntry;
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::{EPSILON, JointPath, JointPathTable, ScatteringWorkspace};
use wavelet_scattering::{Average, JointScattering, Scattering1d};

use crate::args::SignalArgs;

pub enum Plan<T> {
    Time(Scattering1d<T>),
    Joint(JointScattering<T>),
}

impl<T: Real> Plan<T> {
    pub fn new(args: &SignalArgs, len: usize) -> wavelet_scattering::Result<Self> {
        Ok(match args.joint_params(len)? {
            Some(params) => Plan::Joint(params.plan()?),
            None => Plan::Time(args.transform.params(len)?.plan()?),
        })
    }

    /// Samples of a signal.
    pub fn len(&self) -> usize {
        match self {
            Plan::Time(plan) => plan.description().len,
            Plan::Joint(plan) => plan.description().len,
        }
    }

    pub fn padded_len(&self) -> usize {
        match self {
            Plan::Time(plan) => plan.padded_shape()[0],
            Plan::Joint(plan) => plan.padded_len(),
        }
    }

    /// What is kept over time.
    pub fn average(&self) -> Average {
        match self {
            Plan::Time(plan) => plan.description().average,
            Plan::Joint(plan) => plan.description().average,
        }
    }

    pub fn bytes(&self) -> u64 {
        match self {
            Plan::Time(plan) => plan.bytes(),
            Plan::Joint(plan) => plan.bytes(),
        }
    }

    pub fn workspace_bytes(&self, threads: usize) -> u64 {
        match self {
            Plan::Time(plan) => plan.workspace_bytes(threads),
            Plan::Joint(plan) => plan.workspace_bytes(threads),
        }
    }

    pub fn workspace(&self) -> ScatteringWorkspace<T> {
        match self {
            Plan::Time(plan) => plan.workspace(),
            Plan::Joint(plan) => plan.workspace(),
        }
    }

    pub fn output_shape(&self, leading: &[usize]) -> Vec<usize> {
        match self {
            Plan::Time(plan) => plan.output_shape(leading),
            Plan::Joint(plan) => plan.output_shape(leading),
        }
    }

    /// The features of signals, or their logarithms.
    pub fn transform<D: Dimension>(
        &self,
        signals: &ArrayView<T, D>,
        workspace: &mut ScatteringWorkspace<T>,
        log: bool,
    ) -> Result<ArrayD<T>> {
        let leading = &signals.shape()[..signals.ndim() - 1];
        let mut features = ArrayD::zeros(self.output_shape(leading));
        Ok(match self {
            Plan::Time(plan) => {
                plan.transform_into(signals, &mut features, workspace)?;
                match log {
                    true => plan.features_from(features)?.log(EPSILON)?.into_array(),
                    false => features,
                }
            }
            Plan::Joint(plan) => {
                plan.transform_into(signals, &mut features, workspace)?;
                match log {
                    true => plan.features_from(features)?.log(EPSILON)?.into_array(),
                    false => features,
                }
            }
        })
    }

    /// Name and axes of every row.
    pub fn rows(&self) -> Vec<(String, Vec<usize>)> {
        match self {
            Plan::Time(plan) => {
                let paths = plan.paths();
                let row = |row| (paths.name(row), plan.path_shape(row).to_vec());
                (0..paths.len()).map(row).collect()
            }
            Plan::Joint(plan) => {
                let paths = plan.paths();
                let row = |row| (paths.name(row), plan.path_shape(row).to_vec());
                (0..paths.len()).map(row).collect()
            }
        }
    }

    /// The table of rows, with hertz and seconds if there is a rate.
    pub fn table(&self, rate: Option<f64>) -> (Vec<String>, Vec<Vec<String>>) {
        match (self, rate) {
            (Plan::Time(plan), Some(rate)) => {
                let paths = plan.paths();
                let records = paths.records_in_hertz(rate);
                (paths.header_in_hertz(), records.collect())
            }
            (Plan::Time(plan), None) => (plan.paths().header(), plan.paths().records().collect()),
            (Plan::Joint(plan), Some(rate)) => {
                let paths = plan.paths();
                let records = paths.records_in_hertz(rate);
                (paths.header_in_hertz(), records.collect())
            }
            (Plan::Joint(plan), None) => (plan.paths().header(), plan.paths().records().collect()),
        }
    }
}

/// The table of a joint transform as columns; −1 and NaN where a row has no such wavelet.
pub fn joint_columns(paths: &JointPathTable, rate: Option<f64>) -> Vec<(&'static str, NpzEntry)> {
    let rows = 0..paths.len();
    let index = |value: &dyn Fn(&JointPath) -> Option<usize>| {
        let column = paths
            .iter()
            .map(|path| value(path).map_or(-1, |n| n as i64));
        NpzEntry::I64(column.collect::<Array1<_>>().into_dyn())
    };
    let number = |value: &dyn Fn(usize) -> Option<f64>| {
        let column = rows.clone().map(|row| value(row).unwrap_or(f64::NAN));
        NpzEntry::F64(column.collect::<Array1<_>>().into_dyn())
    };
    let xi1 = |row: usize| paths[row].n1.map(|n1| paths.first()[n1].xi);
    let xi2 = |row: usize| paths[row].n2.map(|n2| paths.second()[n2].xi);
    let names = rows.clone().map(|row| paths.name(row)).collect();
    let mut columns = vec![
        ("path_name", NpzEntry::Texts(names)),
        ("path_order", index(&|path| Some(path.order))),
        ("path_n1", index(&|path| path.n1)),
        ("path_n1_stride", index(&|path| path.n1_stride)),
        ("path_n2", index(&|path| path.n2)),
        ("path_n_fr", index(&|path| path.n_fr)),
        ("path_xi1", number(&xi1)),
        ("path_xi2", number(&xi2)),
        (
            "path_xi_fr",
            number(&|row| paths.across_of(row).map(|across| across.xi)),
        ),
        ("path_subsampling", index(&|path| path.subsampling)),
    ];
    if let Some(rate) = rate {
        columns.push(("path_xi1_hz", number(&|row| Some(xi1(row)? * rate))));
        columns.push(("path_xi2_hz", number(&|row| Some(xi2(row)? * rate))));
        columns.push(("rate", NpzEntry::F64(ndarray::arr0(rate).into_dyn())));
    }
    columns
}
