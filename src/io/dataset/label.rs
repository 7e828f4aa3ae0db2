//! [`Label`]: what a file calls the class of an image, and [`Classes`]: those that occur, numbered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A number or a text. Numbers come before texts and in their order, so that class 10 follows class 9.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Label {
    Number(i128),
    Text(String),
}

impl Label {
    /// A label that a file gives as a float: a whole number.
    pub fn whole(value: f64) -> Option<Self> {
        // All numbers of this size and above are whole, and more than any class is called.
        const HUGE: f64 = 1e30;
        (value.fract() == 0.0 && value.abs() < HUGE).then_some(Self::Number(value as i128))
    }

    /// A label of a file that does not tell numbers from text: a whole number if it is one, else the text itself.
    ///
    /// Nothing for what cannot be a class: no text at all, other numbers, and what stands for missing ones.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(number) = text.parse() {
            return Some(Self::Number(number));
        }
        match text.parse::<f64>() {
            Ok(value) => Self::whole(value),
            Err(_) if text.is_empty() => None,
            Err(_) => Some(Self::Text(text.to_string())),
        }
    }
}

impl From<u8> for Label {
    fn from(value: u8) -> Self {
        Self::Number(value.into())
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// The labels that occur, each with a number from 0 on.
pub(super) struct Classes(BTreeMap<Label, usize>);

impl Classes {
    pub fn of(labels: &[Label]) -> Self {
        let different: BTreeSet<_> = labels.iter().collect();
        Self(different.into_iter().cloned().zip(0..).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The number of a label, if it occurs.
    pub fn number(&self, label: &Label) -> Option<usize> {
        self.0.get(label).copied()
    }

    /// The name of every class: its label, or for a number that it is called by, the line of that number in `names`.
    ///
    /// The label that has no line there is returned otherwise.
    pub fn names(&self, names: Option<&[String]>) -> Result<Vec<String>, &Label> {
        let Some(names) = names.filter(|_| self.are_numbers()) else {
            return Ok(self.0.keys().map(ToString::to_string).collect());
        };
        let line = |label: &Label| match label {
            Label::Number(number) => usize::try_from(*number).ok(),
            Label::Text(_) => None,
        };
        let name = |label| line(label).and_then(|line| names.get(line)).ok_or(label);
        self.0.keys().map(|label| name(label).cloned()).collect()
    }

    fn are_numbers(&self) -> bool {
        self.0.keys().all(|label| matches!(label, Label::Number(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_numbers_however_they_are_written_and_anything_else_is_text() {
        for (text, expected) in [
            ("7", Some(Label::Number(7))),
            (" -3 ", Some(Label::Number(-3))),
            ("2.0", Some(Label::Number(2))),
            (
                "18446744073709551615",
                Some(Label::Number(i128::from(u64::MAX))),
            ),
            ("cat", Some(Label::Text("cat".into()))),
            ("größe 3", Some(Label::Text("größe 3".into()))),
            ("0.5", None),
            ("nan", None),
            ("-inf", None),
            ("", None),
        ] {
            assert_eq!(Label::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn classes_are_those_that_occur_in_the_order_of_numbers() {
        let labels = [10, -1, 9, 10].map(Label::Number);
        let classes = Classes::of(&labels);
        assert_eq!(classes.names(None).unwrap(), ["-1", "9", "10"]);
        assert_eq!(classes.number(&Label::Number(10)), Some(2));
        assert_eq!(classes.number(&Label::Number(0)), None);

        let names = ["zero", "one", "two"].map(String::from);
        let labels = [2, 0].map(Label::Number);
        assert_eq!(
            Classes::of(&labels).names(Some(&names)).unwrap(),
            ["zero", "two"]
        );
        let labels = [2, 3].map(Label::Number);
        let classes = Classes::of(&labels);
        assert_eq!(classes.names(Some(&names)), Err(&Label::Number(3)));
    }
}
