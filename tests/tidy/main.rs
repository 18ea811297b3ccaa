//! Our own rules, run as tests. Each rule is one test; an exception is a line in a list beside the
//! rule, with a reason, and fails the test once it is not needed any more.

#[cfg(test)]
mod borders;
#[cfg(test)]
mod callers;
#[cfg(test)]
mod circles;
#[cfg(test)]
mod citations;
#[cfg(test)]
mod history;
#[cfg(test)]
mod names;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod shape;
#[cfg(test)]
mod sources;
