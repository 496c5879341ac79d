//! Only examples live here: each is a component that tests load.
