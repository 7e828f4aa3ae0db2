//! [`PathTable`]: which wavelets each output row went through.
//!
//! A path p = (λ1, …, λm) stands for U[p]x = |…|x ⋆ ψ_λ1| ⋆ … ⋆ ψ_λm|; m is its order. Which wavelets a path may be
//! extended by is a rule that comes with the transform; for images these are all of a strictly coarser scale, since
//! |x ⋆ ψ_j1| carries next to no energy at finer ones (Bruna & Mallat 2013, section 3.1). Rows stand by order, then
//! lexicographically in (λ1, λ2, …), so the children of a path are neighbours, and so are all descendants of one order.
//!
//! The table is generic over the description `W` of one wavelet, so every dimension shares it.

use std::ops::{Index, Range};
use std::sync::Arc;

use crate::{Result, memory};

/// What a path table tells of a wavelet: its scale, and its columns in words.
pub trait Wavelet: Clone + std::fmt::Debug + PartialEq + Send + Sync + 'static {
    /// What describes a transform with these wavelets.
    type Params: Clone + std::fmt::Debug + PartialEq + Send + Sync;

    /// The columns of [`cells`](Self::cells), without the number of the layer.
    const COLUMNS: &'static [&'static str];

    /// What samples of the input are called.
    const SAMPLES: &'static str;

    /// Index of the scale, 0 = finest. Neighbours of one scale may walk side by side.
    fn j(&self) -> usize;

    /// What tells the wavelet from others, short: `j0t3`.
    fn tag(&self) -> String;

    /// The wavelet in numbers, one text for each of [`COLUMNS`](Self::COLUMNS).
    fn cells(&self) -> Vec<String>;
}

/// One row of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Indices λ of its wavelets in the bank, first layer first. Empty for the average of the input.
    pub lambdas: Box<[usize]>,
    /// Distance of neighbouring samples of this row in samples of the input, along each axis; `None` for a mean.
    pub subsampling: Option<usize>,
    /// How many samples of the input (pixels of an image) one sample of this row stands for.
    pub samples: usize,
    parent: Option<usize>,
    children: Range<usize>,
}

impl Path {
    /// Number of moduli on the path.
    pub fn order(&self) -> usize {
        self.lambdas.len()
    }
}

/// All paths of a transform, in the order of its output rows.
///
/// ```
/// use wavelet_scattering::Scattering2d;
///
/// let plan = Scattering2d::params([32, 32], 2).plan::<f32>()?;
/// let table = plan.paths();
/// assert_eq!(table.len(), 81);
/// let row = table.row(&[(0, 3), (1, 5)]).unwrap(); // (j, theta) of each layer
/// assert_eq!(table.wavelets_of(row).map(|w| (w.j, w.l)).collect::<Vec<_>>(), [(0, 3), (1, 5)]);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        into = "record::Table<W>",
        try_from = "record::Table<W>",
        bound(
            serialize = "W: Wavelet + serde::Serialize",
            deserialize = "W: Wavelet + serde::Deserialize<'de>"
        )
    )
)]
pub struct PathTable<W> {
    wavelets: Arc<[W]>,
    paths: Vec<Path>,
    /// First row of every order, and the number of rows.
    orders: Vec<usize>,
}

/// A table in a file: the wavelets and the rows, from which the rest follows.
#[cfg(feature = "serde")]
mod record {
    use super::{Path, PathTable, Wavelet};
    use crate::{Error, Result};

    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    pub struct Table<W> {
        wavelets: Vec<W>,
        rows: Vec<Row>,
    }

    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct Row {
        lambdas: Box<[usize]>,
        subsampling: Option<usize>,
        samples: usize,
    }

    impl<W: Wavelet> From<PathTable<W>> for Table<W> {
        fn from(table: PathTable<W>) -> Self {
            let rows = table.paths.into_iter().map(|path| Row {
                lambdas: path.lambdas,
                subsampling: path.subsampling,
                samples: path.samples,
            });
            Self {
                wavelets: table.wavelets.to_vec(),
                rows: rows.collect(),
            }
        }
    }

    impl<W: Wavelet> TryFrom<Table<W>> for PathTable<W> {
        type Error = Error;

        fn try_from(table: Table<W>) -> Result<Self> {
            let key = |row: &Row| (row.lambdas.len(), row.lambdas.clone());
            let invalid = |row: usize, limit: &str| Error::InvalidParameter {
                name: "row",
                value: row.to_string(),
                limit: limit.into(),
            };
            let wavelets = table.wavelets.len();
            for (i, row) in table.rows.iter().enumerate() {
                if row.lambdas.iter().any(|&lambda| lambda >= wavelets) {
                    return Err(invalid(i, "a path goes through wavelets of the table"));
                }
                if i > 0 && key(&table.rows[i - 1]) >= key(row) {
                    return Err(invalid(
                        i,
                        "rows stand by order, then by their wavelets, each once",
                    ));
                }
            }
            if table.rows.is_empty() {
                return Err(invalid(0, "a table has at least one"));
            }
            let paths = table.rows.into_iter().map(|row| Path {
                lambdas: row.lambdas,
                subsampling: row.subsampling,
                samples: row.samples,
                parent: None,
                children: 0..0,
            });
            Ok(Self::of_rows(table.wavelets.into(), paths.collect()))
        }
    }
}

/// The rule of images: a path goes on with every wavelet of a strictly coarser scale.
pub(crate) fn coarser<W: Wavelet>(wavelets: &[W]) -> impl Fn(&[usize], usize) -> bool {
    move |path, lambda| {
        let last = path.last().map(|&last| wavelets[last].j());
        last < Some(wavelets[lambda].j())
    }
}

/// Number of paths of each order 0..=max_order when J scales hold L wavelets each: C(J, m)·L^m, saturating.
pub(crate) fn count_by_order(J: usize, L: usize, max_order: usize) -> Vec<u64> {
    // More scales than bits of a side exist on no image, so what a caller may ask beyond that need not be exact.
    let J = J.min(usize::BITS as usize);
    let mut counts = vec![1_u64];
    let mut binomial = 1_u128;
    let mut power = 1_u128;
    for m in 1..=max_order.min(J) {
        binomial = binomial.saturating_mul((J + 1 - m) as u128) / m as u128;
        power = power.saturating_mul(L as u128);
        counts.push(u64::try_from(binomial.saturating_mul(power)).unwrap_or(u64::MAX));
    }
    counts
}

impl<W: Wavelet> PathTable<W> {
    /// Enumerates every path up to `max_order`: `admits(path, λ)` says whether a path, by its wavelets, goes on with λ.
    /// `sampling` tells subsampling and samples of a path, by its wavelets too. Orders that no
    /// path reaches have no rows. `expected` is about how many rows there will be.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) if the table itself does not fit.
    pub(crate) fn new(
        wavelets: Arc<[W]>,
        max_order: usize,
        expected: u64,
        admits: impl Fn(&[usize], usize) -> bool,
        sampling: impl Fn(&[usize]) -> (Option<usize>, usize),
    ) -> Result<Self> {
        memory::require(
            "the path table",
            memory::bytes_of::<[Path; 2]>(expected),
            "use a smaller max_order, J or L",
        )?;
        let path = |parent: Option<usize>, lambdas: Box<[usize]>| {
            let (subsampling, samples) = sampling(&lambdas);
            Path {
                lambdas,
                subsampling,
                samples,
                parent,
                children: 0..0,
            }
        };
        let mut paths = vec![path(None, Box::default())];
        let mut orders = vec![0];
        while orders.len() <= max_order {
            let (first, end) = (orders[orders.len() - 1], paths.len());
            for row in first..end {
                let start = paths.len();
                for lambda in 0..wavelets.len() {
                    if admits(&paths[row].lambdas, lambda) {
                        let lambdas = paths[row].lambdas.iter().copied().chain([lambda]).collect();
                        paths.push(path(Some(row), lambdas));
                    }
                }
                if paths.len() > start {
                    paths[row].children = start..paths.len();
                }
            }
            if paths.len() == end {
                break;
            }
            orders.push(end);
        }
        orders.push(paths.len());
        Ok(Self {
            wavelets,
            paths,
            orders,
        })
    }

    /// The table of these rows, increasing, only.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let paths = rows.iter().map(|&row| self.paths[row].clone()).collect();
        Self::of_rows(Arc::clone(&self.wavelets), paths)
    }

    /// A table of rows in their order, which finds out anew which descends from which.
    fn of_rows(wavelets: Arc<[W]>, mut paths: Vec<Path>) -> Self {
        let max_order = paths.last().map_or(0, Path::order);
        let orders = (0..=max_order + 1)
            .map(|order| paths.partition_point(|path| path.order() < order))
            .collect();
        for path in &mut paths {
            (path.parent, path.children) = (None, 0..0);
        }
        let mut table = Self {
            wavelets,
            paths,
            orders,
        };
        for row in 0..table.len() {
            let lambdas = &table.paths[row].lambdas;
            let parent = lambdas
                .split_last()
                .and_then(|(_, parent)| table.row_of_lambdas(parent));
            table.paths[row].parent = parent;
            if let Some(parent) = parent {
                let of_parent = table.children(parent);
                let first = if of_parent.is_empty() {
                    row
                } else {
                    of_parent.start
                };
                table.paths[parent].children = first..row + 1;
            }
        }
        table
    }

    /// The same paths where every row is a mean over all its samples.
    pub(crate) fn over_space(&self, samples: impl Fn(usize) -> usize) -> Self {
        let mut table = self.clone();
        for (row, path) in table.paths.iter_mut().enumerate() {
            path.samples *= samples(row);
            path.subsampling = None;
        }
        table
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether there is no row; never.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// The largest order that has rows.
    pub fn max_order(&self) -> usize {
        self.orders.len() - 2
    }

    /// The rows of one order; empty where no path reaches it.
    pub fn rows_of_order(&self, order: usize) -> Range<usize> {
        match self.orders.get(order..).and_then(|orders| orders.get(..2)) {
            Some(&[first, end]) => first..end,
            _ => self.len()..self.len(),
        }
    }

    /// All paths in row order.
    pub fn iter(&self) -> std::slice::Iter<'_, Path> {
        self.paths.iter()
    }

    /// The rows that extend this one by one more wavelet.
    pub fn children(&self, row: usize) -> Range<usize> {
        self.paths[row].children.clone()
    }

    /// The row of the path without its last wavelet; `None` for order 0, and where a selection of rows lacks it.
    pub fn parent(&self, row: usize) -> Option<usize> {
        self.paths[row].parent
    }

    /// The wavelets of the bank, by λ.
    pub fn wavelets(&self) -> &[W] {
        &self.wavelets
    }

    /// The wavelets of a row, first layer first.
    pub fn wavelets_of(
        &self,
        row: usize,
    ) -> impl DoubleEndedIterator<Item = &W> + ExactSizeIterator {
        self.paths[row]
            .lambdas
            .iter()
            .map(|&lambda| &self.wavelets[lambda])
    }

    /// The wavelet that a row went through last; `None` for order 0.
    pub fn last_wavelet(&self, row: usize) -> Option<&W> {
        self.wavelets_of(row).next_back()
    }

    /// The row through a wavelet for each of these, layer by layer, if there is one.
    pub(crate) fn row_through<Of>(
        &self,
        path: &[Of],
        is: impl Fn(&W, &Of) -> bool,
    ) -> Option<usize> {
        let mut rows = self.rows_of_order(path.len());
        rows.find(|&row| self.wavelets_of(row).zip(path).all(|(psi, of)| is(psi, of)))
    }

    /// The row whose wavelets have these indices λ, if there is one.
    pub fn row_of_lambdas(&self, lambdas: &[usize]) -> Option<usize> {
        let rows = self.rows_of_order(lambdas.len());
        // Rows of one order stand lexicographically.
        let offset = self.paths[rows.clone()].binary_search_by(|path| (*path.lambdas).cmp(lambdas));
        Some(rows.start + offset.ok()?)
    }

    /// Whether two rows take the same steps from here on, so that they can walk side by side.
    pub(crate) fn same_subtree(&self, a: usize, b: usize) -> bool {
        let last = |row: usize| self.paths[row].lambdas.last();
        let (a, b) = (self.children(a), self.children(b));
        a.len() == b.len()
            && a.zip(b)
                .all(|(a, b)| last(a) == last(b) && self.same_subtree(a, b))
    }

    /// A short name of a row for headers and file members: `S` for order 0, `S_j0t3_j1t5` and so on above.
    pub fn name(&self, row: usize) -> String {
        let layers = self
            .wavelets_of(row)
            .map(|wavelet| format!("_{}", wavelet.tag()));
        std::iter::once("S".to_string()).chain(layers).collect()
    }

    /// The header of [`records`](Self::records).
    pub fn header(&self) -> Vec<String> {
        let layers = (1..=self.max_order()).flat_map(|layer| {
            W::COLUMNS
                .iter()
                .map(move |column| format!("{column}{layer}"))
        });
        ["row", "name", "order"]
            .map(String::from)
            .into_iter()
            .chain(layers)
            .chain(["subsampling", W::SAMPLES].map(String::from))
            .collect()
    }

    /// The table as text, one record a row: its number, name and order, every layer's wavelet in numbers, then the
    /// subsampling and how many samples of the input one sample stands for. Fields of layers that a path does not have
    /// are empty. Of images a layer is the indices j and theta (of the orientation), the angle in radians, centre frequency xi and bandwidth sigma in
    /// cycles per pixel.
    pub fn records(&self) -> impl Iterator<Item = Vec<String>> {
        (0..self.len()).map(|row| {
            let path = &self[row];
            let mut record = vec![row.to_string(), self.name(row), path.order().to_string()];
            record.extend(self.wavelets_of(row).flat_map(Wavelet::cells));
            record.resize(3 + W::COLUMNS.len() * self.max_order(), String::new());
            let subsampling = path.subsampling.map(|step| step.to_string());
            record.extend([subsampling.unwrap_or_default(), path.samples.to_string()]);
            record
        })
    }
}

impl<W> Index<usize> for PathTable<W> {
    type Output = Path;

    fn index(&self, row: usize) -> &Path {
        &self.paths[row]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::{FilterBank2d, Wavelet2d};

    fn table(J: usize, L: usize, max_order: usize) -> PathTable<Wavelet2d> {
        let wavelets: Arc<[_]> = FilterBank2d::params([64, 64], J).L(L).wavelets().into();
        let admits = coarser(&wavelets);
        PathTable::new(wavelets.clone(), max_order, 1, admits, |_| (Some(1), 1)).unwrap()
    }

    #[test]
    fn numbers_of_paths_are_those_of_the_formula() {
        for (J, L, max_order) in [
            (2, 8, 2),
            (3, 8, 2),
            (4, 3, 3),
            (3, 2, 7),
            (1, 5, 2),
            (5, 1, 0),
        ] {
            let table = table(J, L, max_order);
            let counts = count_by_order(J, L, max_order);
            assert_eq!(table.len() as u64, counts.iter().sum::<u64>());
            for (order, &count) in counts.iter().enumerate() {
                assert_eq!(table.rows_of_order(order).len() as u64, count);
            }
            assert_eq!(table.max_order(), max_order.min(J));
            assert!(table.rows_of_order(max_order + 1).is_empty());
        }
        assert_eq!(table(2, 8, 2).len(), 81);
        assert_eq!(table(3, 8, 2).len(), 217);
    }

    #[test]
    fn rows_stand_by_order_then_lexicographically_with_increasing_scales() {
        let table = table(4, 3, 3);
        let keys: Vec<_> = table
            .iter()
            .map(|path| (path.order(), path.lambdas.clone()))
            .collect();
        assert!(keys.is_sorted());
        for row in 0..table.len() {
            let scales: Vec<_> = table.wavelets_of(row).map(|w| w.j).collect();
            assert!(scales.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    #[test]
    fn rows_are_found_from_both_directions() {
        let table = table(4, 3, 3);
        for row in 0..table.len() {
            let key: Vec<_> = table.wavelets_of(row).map(|w| (w.j, w.l)).collect();
            assert_eq!(table.row(&key), Some(row));
            for child in table.children(row) {
                assert_eq!(table.parent(child), Some(row));
            }
        }
        assert_eq!(table.parent(0), None);
        for absent in [
            &[(1, 0), (1, 0)][..],
            &[(2, 0), (1, 0)],
            &[(0, 3)],
            &[(4, 0)],
            &[(usize::MAX, 0)],
        ] {
            assert_eq!(table.row(absent), None);
        }
    }

    /// Kymatio's formula for the index of (j1, t1, j2, t2) among the second-order paths.
    #[test]
    fn second_order_rows_have_kymatios_index() {
        let (J, L) = (4, 5);
        let table = table(J, L, 2);
        let first = table.rows_of_order(2).start;
        for j1 in 0..J {
            for (t1, j2, t2) in (0..L)
                .flat_map(|t1| (j1 + 1..J).flat_map(move |j2| (0..L).map(move |t2| (t1, j2, t2))))
            {
                let before: usize = (0..j1).map(|j| L * L * (J - 1 - j)).sum();
                let expected = before + t1 * L * (J - j1 - 1) + t2 + L * (j2 - j1 - 1);
                assert_eq!(table.row(&[(j1, t1), (j2, t2)]), Some(first + expected));
            }
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn a_table_is_read_as_it_was_written_and_refused_if_it_is_none() {
        let table = table(3, 2, 3);
        let text = serde_json::to_string(&table).unwrap();
        assert_eq!(
            serde_json::from_str::<PathTable<Wavelet2d>>(&text).unwrap(),
            table
        );
        let wrong = |from: &str, to: &str| {
            let text = text.replacen(from, to, 1);
            serde_json::from_str::<PathTable<Wavelet2d>>(&text)
                .unwrap_err()
                .to_string()
        };
        assert!(wrong("\"lambdas\":[1]", "\"lambdas\":[100]").contains("row = 2"));
        assert!(wrong("\"lambdas\":[1]", "\"lambdas\":[0]").contains("by order"));
    }
}
