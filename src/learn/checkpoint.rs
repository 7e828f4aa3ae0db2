//! [`Network::save`] and [`Network::load`]: a network in a `.safetensors` file.
//!
//! Every parameter is a tensor under the name of its layer, so that other programs read it; what the tensors do not say
//! (architecture, classes, how images are standardised) is JSON under the key `network` of the file's metadata.

use std::fs;
use std::io::Write;
use std::path::Path;

use burn::store::{ModuleSnapshot, SafetensorsStore};
use burn::tensor::Device;
use safetensors::SafeTensors;
use serde_json::{Value, json};

use super::input::Input;
use super::layer::Tying;
use super::net::{Architecture, FirstLayer, LearnedScattering, Net};
use super::network::{Network, draw};
use crate::io::Staged;
use crate::{Error, Result};

const KEY: &str = "network";

impl Network {
    /// Writes the network to a file, whole or not at all; the name should end in `.safetensors`.
    ///
    /// # Errors
    /// As [`Staged::create`] and [`Staged::commit`]; [`Error::File`] if writing fails.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.stage(path)?.commit()
    }

    /// Writes the network to a file, to be committed together with others.
    ///
    /// # Errors
    /// As [`Staged::create`]; [`Error::File`] if writing fails.
    pub fn stage(&self, path: impl AsRef<Path>) -> Result<Staged> {
        let mut file = Staged::create(path)?;
        let mut store =
            SafetensorsStore::from_bytes(None).metadata(KEY, self.description().to_string());
        let bytes = self
            .net
            .save_into(&mut store)
            .and_then(|()| store.get_bytes())
            .map_err(|error| file.write_error(std::io::Error::other(error)))?;
        file.write_all(&bytes)
            .map_err(|source| file.write_error(source))?;
        Ok(file)
    }

    /// Reads a network that [`save`](Self::save) wrote; it predicts what the saved one does.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be read; [`Error::BadFile`] if it is no such file, is damaged, or its tensors
    /// are not those of the architecture that it names.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bad = |reason: String| Error::bad_file(path, reason);
        let bytes = fs::read(path).map_err(|source| Error::unread(path, source))?;
        let (_, header) = SafeTensors::read_metadata(&bytes)
            .map_err(|error| bad(format!("it is no safetensors file: {error}")))?;
        let description = header
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(KEY))
            .ok_or_else(|| {
                bad("its metadata has no entry `network`, which networks of this library have; only the first layer of \
                     other files can be looked at".to_string())
            })?;
        let (architecture, classes, input) = serde_json::from_str(description)
            .ok()
            .and_then(|description| parse(&description))
            .ok_or_else(|| {
                bad(format!(
                    "its description of the network is damaged: {description}"
                ))
            })?;
        architecture
            .check(input.shape)
            .map_err(|error| bad(error.to_string()))?;
        let device = Device::flex();
        let mut net = draw(0, &device, |device| {
            Net::new(&architecture, input.shape, classes.len(), device)
        })?;
        let mut store = SafetensorsStore::from_bytes(Some(bytes));
        let applied = net
            .load_from(&mut store)
            .map_err(|error| bad(format!("its tensors are not those of the network: {error}")))?;
        if !applied.missing.is_empty() || !applied.unused.is_empty() || !applied.errors.is_empty() {
            return Err(bad(format!(
                "its tensors are not those of the network: {applied}"
            )));
        }
        Ok(Self {
            architecture,
            classes,
            input,
            net,
        })
    }

    fn description(&self) -> Value {
        let architecture = match &self.architecture {
            Architecture::LeNet5 => json!({}),
            Architecture::Mlp { hidden } | Architecture::Head { hidden } => {
                json!({ "hidden": hidden })
            }
            Architecture::Cnn { first } => {
                json!({ "filters": first.filters, "side": first.side, "frozen": first.frozen })
            }
            Architecture::Cnn1d { filters, taps } => json!({ "filters": filters, "taps": taps }),
            Architecture::Parametric(LearnedScattering {
                J,
                L,
                max_order,
                tying,
            }) => json!({ "J": J, "L": L, "max_order": max_order, "tying": tying.name() }),
        };
        json!({
            "architecture": self.architecture.name(),
            "layers": architecture,
            "classes": self.classes,
            "shape": self.input.shape,
            "mean": self.input.mean,
            "deviation": self.input.deviation,
        })
    }
}

/// What [`Network::description`] wrote.
fn parse(description: &Value) -> Option<(Architecture, Vec<String>, Input)> {
    let size = |value: &Value| value.as_u64().and_then(|n| usize::try_from(n).ok());
    let layers = &description["layers"];
    let layer = |name: &str| size(&layers[name]);
    let architecture = match description["architecture"].as_str()? {
        "lenet5" => Architecture::LeNet5,
        "mlp" => Architecture::Mlp {
            hidden: layer("hidden")?,
        },
        "head" => Architecture::Head {
            hidden: layer("hidden")?,
        },
        "cnn" => Architecture::Cnn {
            first: FirstLayer {
                filters: layer("filters")?,
                side: layer("side")?,
                weights: None,
                frozen: layers["frozen"].as_bool()?,
            },
        },
        "cnn1d" => Architecture::Cnn1d {
            filters: layer("filters")?,
            taps: layer("taps")?,
        },
        "parametric" => Architecture::Parametric(LearnedScattering {
            J: layer("J")?,
            L: layer("L")?,
            max_order: layer("max_order")?,
            tying: (Tying::ALL.into_iter())
                .find(|tying| Some(tying.name()) == layers["tying"].as_str())?,
        }),
        _ => return None,
    };
    let list = |name: &str| description[name].as_array();
    let numbers = |name: &str| -> Option<Vec<f32>> {
        list(name)?
            .iter()
            .map(|v| v.as_f64().map(|v| v as f32))
            .collect()
    };
    let text = |value: &Value| value.as_str().map(String::from);
    let classes: Vec<String> = list("classes")?.iter().map(text).collect::<Option<_>>()?;
    let sides: Vec<usize> = list("shape")?.iter().map(size).collect::<Option<_>>()?;
    let shape: [usize; 3] = sides.try_into().ok()?;
    let input = Input {
        shape,
        canvas: architecture.canvas(shape),
        mean: numbers("mean")?,
        deviation: numbers("deviation")?,
    };
    let channels = [input.mean.len(), input.deviation.len()];
    (channels == [shape[0]; 2] && !classes.is_empty()).then_some((architecture, classes, input))
}
