//! Has a table of a thousand functions and more: `call N` calls one of them through it.

use parlor_sdk::prelude::*;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

// Each is a function of its own, and its address is taken: it has a place in the component's table.
fn number<const N: usize>() -> usize {
    N
}

macro_rules! row {
    ($n:expr) => {
        [
            number::<{ $n * 10 }>,
            number::<{ $n * 10 + 1 }>,
            number::<{ $n * 10 + 2 }>,
            number::<{ $n * 10 + 3 }>,
            number::<{ $n * 10 + 4 }>,
            number::<{ $n * 10 + 5 }>,
            number::<{ $n * 10 + 6 }>,
            number::<{ $n * 10 + 7 }>,
            number::<{ $n * 10 + 8 }>,
            number::<{ $n * 10 + 9 }>,
        ]
    };
}

macro_rules! square {
    ($n:expr) => {
        [
            row!($n * 10),
            row!($n * 10 + 1),
            row!($n * 10 + 2),
            row!($n * 10 + 3),
            row!($n * 10 + 4),
            row!($n * 10 + 5),
            row!($n * 10 + 6),
            row!($n * 10 + 7),
            row!($n * 10 + 8),
            row!($n * 10 + 9),
        ]
    };
}

type Row = [fn() -> usize; 10];

static NUMBERS: [[Row; 10]; 10] = [
    square!(0),
    square!(1),
    square!(2),
    square!(3),
    square!(4),
    square!(5),
    square!(6),
    square!(7),
    square!(8),
    square!(9),
];

#[behaviour(name = "tables", summary = "Has a large table of functions")]
impl Guest {
    #[command("call {n:int}")]
    fn call(&mut self, n: usize) -> String {
        let mut numbers = std::hint::black_box(&NUMBERS).iter().flatten().flatten();
        match numbers.nth(n) {
            Some(number) => format!("function {}", number()),
            None => format!("no function {n}"),
        }
    }
}
