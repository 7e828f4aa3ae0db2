//! The workloads of one dimension: speech, sound, music, and joint scattering.

use ndarray::ArrayD;
use wavelet_scattering::scattering::ScatteringWorkspace;
use wavelet_scattering::{Isa, JointScattering, Result, Scattering1d};

use super::floor::Ffts;

/// Signals to transform in one call, and how.
pub struct Sounding {
    /// `<use>-<samples>-J<J>-Q<Q>`, with the number of signals where the same stands with another
    pub name: &'static str,
    /// Batch axes.
    pub leading: &'static [usize],
    pub len: usize,
    pub J: usize,
    /// Wavelets per octave of the first layer; one in the second.
    pub Q: usize,
    /// Of joint scattering, octaves across the wavelets.
    pub J_fr: Option<usize>,
}

pub const SIGNALS: [Sounding; 5] = [
    Sounding {
        name: "speech-8192-J6-Q8",
        leading: &[64],
        len: 1 << 13,
        J: 6,
        Q: 8,
        J_fr: None,
    },
    Sounding {
        name: "sound-65536-J8-Q8",
        leading: &[1],
        len: 1 << 16,
        J: 8,
        Q: 8,
        J_fr: None,
    },
    Sounding {
        name: "sound-65536-J8-Q8-x16",
        leading: &[16],
        len: 1 << 16,
        J: 8,
        Q: 8,
        J_fr: None,
    },
    Sounding {
        name: "music-1048576-J12-Q12",
        leading: &[1],
        len: 1 << 20,
        J: 12,
        Q: 12,
        J_fr: None,
    },
    Sounding {
        name: "joint-8192-J8-Q8",
        leading: &[1],
        len: 1 << 13,
        J: 8,
        Q: 8,
        J_fr: Some(3),
    },
];

/// A plan of either kind.
pub enum Planned {
    Time(Scattering1d<f32>),
    Joint(JointScattering<f32>),
}

impl Sounding {
    /// On the instruction set that the environment asks for.
    pub fn plan(&self) -> Result<Planned> {
        let isa = Isa::from_env()?;
        Ok(match self.J_fr {
            None => {
                let params = Scattering1d::params(self.len, self.J);
                Planned::Time(params.Q([self.Q]).isa(isa).plan()?)
            }
            Some(J_fr) => {
                let params = JointScattering::params(self.len, self.J, J_fr);
                Planned::Joint(params.Q([self.Q]).isa(isa).plan()?)
            }
        })
    }

    /// **Shape** `[leading.., len]`
    pub fn signals(&self) -> ArrayD<f32> {
        super::noise_of_shape(&[self.leading, &[self.len]].concat())
    }

    /// The first of them. **Shape** `[len]`
    pub fn signal(&self) -> ArrayD<f32> {
        super::noise_of_shape(&[self.len])
    }

    /// Relative error of the features of a signal in `f32` against those in `f64`.
    pub fn error_in_single(&self) -> Result<f64> {
        let signal = self.signal();
        let got = self.plan()?.transform(&signal)?;
        let exact = signal.mapv(f64::from);
        let exact = match self.J_fr {
            None => {
                let params = Scattering1d::params(self.len, self.J).Q([self.Q]);
                params.plan::<f64>()?.transform(&exact)?.into_array()
            }
            Some(J_fr) => {
                let params = JointScattering::params(self.len, self.J, J_fr).Q([self.Q]);
                params.plan::<f64>()?.transform(&exact)?.into_array()
            }
        };
        Ok(wavelet_scattering::num::relative_error(got, exact))
    }
}

impl Planned {
    pub fn transform(&self, signals: &ArrayD<f32>) -> Result<ArrayD<f32>> {
        Ok(match self {
            Planned::Time(plan) => plan.transform(signals)?.into_array(),
            Planned::Joint(plan) => plan.transform(signals)?.into_array(),
        })
    }

    pub fn output_shape(&self, leading: &[usize]) -> Vec<usize> {
        match self {
            Planned::Time(plan) => plan.output_shape(leading),
            Planned::Joint(plan) => plan.output_shape(leading),
        }
    }

    pub fn workspace(&self) -> ScatteringWorkspace<f32> {
        match self {
            Planned::Time(plan) => plan.workspace(),
            Planned::Joint(plan) => plan.workspace(),
        }
    }

    pub fn workspace_for(&self, threads: usize) -> ScatteringWorkspace<f32> {
        match self {
            Planned::Time(plan) => plan.workspace_for(threads),
            Planned::Joint(plan) => plan.workspace_for(threads),
        }
    }

    pub fn transform_into(
        &self,
        signals: &ArrayD<f32>,
        out: &mut ArrayD<f32>,
        workspace: &mut ScatteringWorkspace<f32>,
    ) -> Result<()> {
        match self {
            Planned::Time(plan) => plan.transform_into(signals, out, workspace),
            Planned::Joint(plan) => plan.transform_into(signals, out, workspace),
        }
    }

    /// The FFTs of one signal at least, on the levels that the plan has; of joint scattering they are not counted.
    pub fn ffts(&self) -> Vec<Ffts> {
        match self {
            Planned::Time(plan) => Ffts::of_signal(plan),
            Planned::Joint(_) => Vec::new(),
        }
    }
}
