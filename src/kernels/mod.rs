//! Inner loops, and the only folder where `unsafe` may appear.
//!
//! [`vector`] is the vocabulary, [`portable`] and `x86_64` speak it, [`isa`] chooses among them at run time. Everything
//! else is written once, in that vocabulary, and compiled for every instruction set; the portable one is the reference
//! that the tests hold the others against.

pub(crate) mod butterfly;
pub(crate) mod element;
pub(crate) mod isa;
pub(crate) mod pages;
pub(crate) mod pairs;
pub(crate) mod pass;
pub(crate) mod portable;
pub(crate) mod product;
pub(crate) mod response;
pub(crate) mod scalar;
pub(crate) mod squares;
pub(crate) mod vector;
pub(crate) mod window;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86_64;
