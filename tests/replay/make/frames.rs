//! Damage to what not every file has: segments, signature, index; and to the heads of frames.

use serde_json::{Map, Value, json};

use super::damage::find;
use super::files::{Base, opening};

/// Name, start and end of every frame's head and content.
fn layout(base: &Base) -> Vec<(String, usize, usize)> {
    let (file, mut at) = (base.bytes(), base.header.len());
    let mut regions = Vec::new();
    let mut numbers = [0; 7];
    while let [kind, l0, l1, l2, ..] = file[at..] {
        let name = [
            "",
            "chunk",
            "last chunk",
            "segment",
            "signature",
            "index",
            "end",
        ][usize::from(kind)];
        let number = numbers[usize::from(kind)];
        numbers[usize::from(kind)] += 1;
        let length = u32::from_be_bytes([0, l0, l1, l2]) as usize;
        regions.push((format!("head of {name} {number}"), at, at + 4));
        regions.push((format!("{name} {number}"), at + 4, at + 4 + length));
        at += 4 + length;
    }
    regions
}

pub(super) fn frames(whole: &[Base], bases: &Map<String, Value>, cases: &mut Vec<Value>) {
    for name in ["signed", "segments", "signed segments"] {
        let base = find(whole, name);
        let all = base.bytes().len();
        for (region, start, end) in layout(base) {
            let mut push = |what: &str, edits| {
                let case = format!("{name}: {region} {what}");
                cases.push(opening(bases, &case, name, edits));
            };
            push("flipped first", json!([{ "at": start, "xor": "80" }]));
            push("flipped last", json!([{ "at": end - 1, "xor": "01" }]));
            push(
                "cut off",
                json!([{ "at": start, "remove": all - start, "insert": "" }]),
            );
            let middle = start + (end - start) / 2;
            push(
                "cut inside",
                json!([{ "at": middle, "remove": all - middle, "insert": "" }]),
            );
            push(
                "removed",
                json!([{ "at": start, "remove": end - start, "insert": "" }]),
            );
        }
    }
    moved(whole, bases, cases);
}

/// Moves, repeats, removes and exchanges whole frames.
fn moved(whole: &[Base], bases: &Map<String, Value>, cases: &mut Vec<Value>) {
    let base = find(whole, "segments");
    let regions = layout(base);
    // A segment is two frames, each of a head and a content.
    let segments: Vec<(usize, usize)> = regions[..12]
        .chunks(4)
        .map(|frames| (frames[0].1, frames[3].2))
        .collect();
    let mut push = |name: &str, edits| {
        let name = format!("segments: {name}");
        cases.push(opening(bases, &name, "segments", edits));
    };
    let part = |base: &str, (from, to): (usize, usize)| {
        let length = to - from;
        json!({ "base": base, "from": from, "length": length })
    };
    for (number, (from, to)) in segments.iter().copied().enumerate() {
        let size = to - from;
        let edits = json!([{ "at": from, "remove": size, "insert": "" }]);
        push(&format!("without segment {number}"), edits);
        let again = part("segments", (from, to));
        let edits = json!([{ "at": from, "remove": 0, "insert": again }]);
        push(&format!("segment {number} twice"), edits);
        let other = part("other segments", (from, to));
        let edits = json!([{ "at": from, "remove": size, "insert": other }]);
        push(&format!("segment {number} of another file"), edits);
    }
    let (first, second) = (segments[0], segments[1]);
    let edits = json!([
        { "at": first.0, "remove": first.1 - first.0, "insert": part("segments", second) },
        { "at": second.0, "remove": second.1 - second.0, "insert": part("segments", first) },
    ]);
    push("segments 0 and 1 swapped", edits);
    let tail = (segments[2].1, base.bytes().len());
    let other = part("other segments", tail);
    let edits = json!([{ "at": tail.0, "remove": tail.1 - tail.0, "insert": other }]);
    push("the index and the end of another file", edits);
    let edits = json!([{ "at": tail.1, "remove": 0, "insert": { "zeros": 1 } }]);
    push("a byte behind the end", edits);
}
