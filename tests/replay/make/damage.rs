//! Damaged files: every region flipped, cut, erased and swapped; chunks moved; headers that are
//! wrong though their MAC holds.

use serde_json::{Map, Value, json};

use super::files::{Base, opening};
use super::forged::{self, Field};

/// A change of a header's fields.
type Change<'a> = &'a dyn Fn(&mut Vec<Field>);
/// Makes a case of a header after a change.
type Forge<'a> = &'a mut dyn FnMut(&str, Change);

/// Bytes of a full chunk in a file, and of the end of a file.
const SLOT: usize = 4 + 65_536 + 16;
const END: usize = 52;

pub(super) fn find<'a>(bases: &'a [Base], name: &str) -> &'a Base {
    bases.iter().find(|base| base.name == name).unwrap()
}

/// Name, start and end of every region of a file of one short chunk.
pub(super) fn layout(base: &Base) -> Vec<(String, usize, usize)> {
    let mut regions = vec![
        ("magic".to_owned(), 0, 8),
        ("version".to_owned(), 8, 9),
        ("suite".to_owned(), 9, 10),
        ("flags".to_owned(), 10, 12),
        ("chunk_log2".to_owned(), 12, 13),
        ("look_ahead".to_owned(), 13, 14),
        ("reserved".to_owned(), 14, 16),
        ("header length".to_owned(), 16, 20),
    ];
    let mut at = 20;
    for (field, value) in forged::fields(&base.header) {
        regions.push((format!("type of {field:04x}"), at, at + 2));
        regions.push((format!("length of {field:04x}"), at + 2, at + 4));
        let end = at + 4 + value.len();
        if field == 0x8002 {
            regions.push(("E of the capsule".to_owned(), at + 4, at + 37));
            regions.push(("V of the capsule".to_owned(), at + 37, at + 70));
            regions.push(("s of the capsule".to_owned(), at + 70, end));
        } else {
            regions.push((format!("value of {field:04x}"), at + 4, end));
        }
        at = end;
    }
    let (end, all) = (base.header.len(), base.bytes().len());
    regions.push(("MAC".to_owned(), at, end));
    let tail = all - END;
    regions.push(("head of the chunk".to_owned(), end, end + 4));
    regions.push(("ciphertext".to_owned(), end + 4, tail - 16));
    regions.push(("tag".to_owned(), tail - 16, tail));
    regions.push(("head of the end".to_owned(), tail, tail + 4));
    regions.push(("length in the end".to_owned(), tail + 4, tail + 12));
    regions.push(("segments in the end".to_owned(), tail + 12, tail + 16));
    regions.push(("tail in the end".to_owned(), tail + 16, tail + 20));
    regions.push(("MAC of the end".to_owned(), tail + 20, all));
    regions
}

/// Damages each region of the file with all fields.
pub(super) fn regions(whole: &[Base], bases: &Map<String, Value>, cases: &mut Vec<Value>) {
    let full = find(whole, "full");
    let length = full.bytes().len();
    for (region, start, end) in layout(full) {
        let mut push = |what: &str, edits| {
            let name = format!("{region} {what}");
            cases.push(opening(bases, &name, "full", edits));
        };
        let (last, size) = (end - 1, end - start);
        push("flipped first", json!([{ "at": start, "xor": "80" }]));
        push("flipped last", json!([{ "at": last, "xor": "01" }]));
        push(
            "cut off",
            json!([{ "at": start, "remove": length - start, "insert": "" }]),
        );
        if size > 2 {
            let middle = start + size / 2;
            push(
                "cut inside",
                json!([{ "at": middle, "remove": length - middle, "insert": "" }]),
            );
            push(
                "without a byte",
                json!([{ "at": middle, "remove": 1, "insert": "" }]),
            );
        }
        if size > 4 {
            push(
                "erased",
                json!([{ "at": start, "remove": size, "insert": { "zeros": size } }]),
            );
        }
    }
    swapped(bases, cases);
}

/// A part of a base.
fn copy(base: &str, from: usize, length: usize) -> Value {
    json!({ "base": base, "from": from, "length": length })
}

/// Puts regions of one file of the same length into another one.
fn swapped(bases: &Map<String, Value>, cases: &mut Vec<Value>) {
    for (region, start, length) in [
        ("the label key", 24, 33),
        ("the capsule", 61, 98),
        ("the wrapped key", 163, 48),
        ("the commitment", 215, 32),
        ("wrapped key, commitment", 159, 88),
        ("capsule, wrapped key, commitment", 57, 190),
        ("the MAC", 247, 32),
        ("the header", 0, 279),
        ("the body", 279, 172),
        ("the chunk", 279, 120),
        ("the tag", 383, 16),
        ("the end", 399, 52),
    ] {
        for other in ["twin", "stranger"] {
            if start == 24 && other == "twin" {
                continue; // The same label key.
            }
            let from = copy(other, start, length);
            let edits = json!([{ "at": start, "remove": length, "insert": from }]);
            let name = format!("{region} of {other}");
            cases.push(opening(bases, &name, "plain", edits));
        }
    }
    let edits = json!([
        { "at": 61, "remove": 33, "insert": copy("plain", 94, 33) },
        { "at": 94, "remove": 33, "insert": copy("plain", 61, 33) },
    ]);
    cases.push(opening(bases, "E and V swapped", "plain", edits));
    let edits = json!([{ "at": 451, "remove": 0, "insert": copy("twin", 0, 451) }]);
    cases.push(opening(bases, "another file behind it", "plain", edits));
    for more in [1, 16] {
        let edits = json!([{ "at": 451, "remove": 0, "insert": { "zeros": more } }]);
        let name = format!("{more} bytes behind a short chunk");
        cases.push(opening(bases, &name, "plain", edits));
    }
    let nothing = json!([{ "at": 0, "remove": 451, "insert": "" }]);
    cases.push(opening(bases, "nothing at all", "plain", nothing));
    let edits = json!([{ "at": 4, "remove": 1, "insert": "" }]);
    cases.push(opening(bases, "carriage return lost", "plain", edits));
}

/// Moves, repeats, removes, damages and cuts chunks.
pub(super) fn chunks(whole: &[Base], bases: &Map<String, Value>, cases: &mut Vec<Value>) {
    let four = find(whole, "four chunks");
    let (body, all) = (four.header.len(), four.bytes().len());
    let chunk = |number: usize| body + number * SLOT;
    let part = |base: &str, number: usize| copy(base, chunk(number), SLOT);
    let mut push = |name: &str, edits| cases.push(opening(bases, name, "four chunks", edits));
    for (one, next) in [(0, 1), (1, 2), (0, 2)] {
        let edits = json!([
            { "at": chunk(one), "remove": SLOT, "insert": part("four chunks", next) },
            { "at": chunk(next), "remove": SLOT, "insert": part("four chunks", one) },
        ]);
        push(&format!("chunks {one} and {next} swapped"), edits);
    }
    for number in 0..3 {
        let at = chunk(number);
        let again = part("four chunks", number);
        push(
            &format!("chunk {number} twice"),
            json!([{ "at": at, "remove": 0, "insert": again }]),
        );
        push(
            &format!("without chunk {number}"),
            json!([{ "at": at, "remove": SLOT, "insert": "" }]),
        );
        push(
            &format!("chunk {number} changed"),
            json!([{ "at": at + 7, "xor": "04" }]),
        );
        push(
            &format!("chunk {number} of another file"),
            json!([{ "at": at, "remove": SLOT, "insert": part("other chunks", number) }]),
        );
        push(
            &format!("cut after chunk {number}"),
            json!([{ "at": at + SLOT, "remove": all - at - SLOT, "insert": "" }]),
        );
        push(
            &format!("cut inside chunk {number}"),
            json!([{ "at": at + 99, "remove": all - at - 99, "insert": "" }]),
        );
    }
    push(
        "cut inside the last chunk",
        json!([{ "at": chunk(3) + 9, "remove": all - chunk(3) - 9, "insert": "" }]),
    );
    for (base, length) in [("one chunk", SLOT + END), ("two chunks", 2 * SLOT + END)] {
        for more in [1, 15, 16, 17] {
            let edits = json!([{ "at": body + length, "remove": 0, "insert": { "zeros": more } }]);
            let name = format!("{base} and {more} bytes");
            cases.push(opening(bases, &name, base, edits));
        }
        for less in [1, 16, 17] {
            let at = body + length - less;
            let edits = json!([{ "at": at, "remove": less, "insert": "" }]);
            let name = format!("{base} less {less} bytes");
            cases.push(opening(bases, &name, base, edits));
        }
    }
}

/// Replaces the header by one whose MAC holds, as whoever has opened the file can.
pub(super) fn headers(whole: &[Base], bases: &Map<String, Value>, cases: &mut Vec<Value>) {
    let full = find(whole, "full");
    let good = forged::fields(&full.header);
    let mut push = |name: &str, header: Vec<u8>| {
        let length = full.header.len();
        let mut insert = json!(hex::encode(&header));
        if header.len() > 4096 {
            // All but the ends of these headers is zeros.
            let (begin, end) = (&header[..length], &header[header.len() - 32..]);
            let zeros = header.len() - length - 32;
            insert = json!([hex::encode(begin), { "zeros": zeros }, hex::encode(end)]);
        }
        let edits = json!([{ "at": 0, "remove": length, "insert": insert }]);
        cases.push(opening(bases, name, "full", edits));
    };
    let mut forge = |name: &str, change: Change| {
        let mut fields = good.clone();
        change(&mut fields);
        push(name, forged::header(&full.header, &fields, &full.data_key));
    };
    forge("optional field 0007", &|f| f.push((7, b"later".to_vec())));
    forge("empty optional field 7fff", &|f| f.push((0x7fff, vec![])));
    forge("critical field 8007", &|f| f.push((0x8007, vec![1])));
    forge("critical field ffff", &|f| f.push((0xffff, vec![])));
    forge("field 0000", &|f| f.insert(0, (0, vec![])));
    forge("field 8000", &|f| f.insert(0, (0x8000, vec![])));
    forge("field 0007 twice", &|f| {
        f.extend([(7, vec![]), (7, vec![])])
    });
    forge("0008 before 0007", &|f| {
        f.extend([(8, vec![]), (7, vec![])])
    });
    by_field(&good, &mut forge);
    by_value(&mut forge);
    let room = 16_384 - full.header.len() - 4;
    forge("the longest header", &|f| f.push((7, vec![0; room])));
    forge("a header too long", &|f| f.push((7, vec![0; room + 1])));
    let none = forged::with_mac(&full.header, &[], &full.data_key);
    push("no fields", none);
    for more in 1..4 {
        let encoded = &full.header[20..full.header.len() - 32];
        let encoded = [encoded, &[0x7f, 0xff, 0][..more]].concat();
        let name = format!("{more} bytes after the fields");
        push(
            &name,
            forged::with_mac(&full.header, &encoded, &full.data_key),
        );
    }
}

/// Removes, repeats, moves, lengthens and shortens each field.
fn by_field(good: &[Field], forge: Forge) {
    for (at, (field, _)) in good.iter().enumerate() {
        forge(&format!("without {field:04x}"), &|f| drop(f.remove(at)));
        forge(&format!("{field:04x} twice"), &|f| {
            f.insert(at, f[at].clone())
        });
        forge(&format!("critical bit of {field:04x}"), &|f| {
            f[at].0 ^= 0x8000
        });
        forge(&format!("{field:04x} a byte longer"), &|f| f[at].1.push(0));
        forge(&format!("{field:04x} a byte shorter"), &|f| {
            f[at].1.pop();
        });
        forge(&format!("{field:04x} empty"), &|f| f[at].1.clear());
        if at > 0 {
            forge(&format!("{field:04x} before its place"), &|f| {
                f.swap(at - 1, at)
            });
        }
    }
}

/// Gives fields values that none may have, or that another capsule's key gives.
fn by_value(forge: Forge) {
    forge("chain id of 65 bits", &|f| {
        let locator = f.iter_mut().find(|(field, _)| *field == 6);
        locator.unwrap().1[23] = 1;
    });
    forge("label key off the curve", &|f| f[0].1[1..].fill(0x05));
    forge("label key with tag 04", &|f| f[0].1[0] = 4);
    forge("capsule with s = 0", &|f| f[1].1[66..].fill(0));
    forge("capsule with s = n", &|f| {
        f[1].1[66..].copy_from_slice(&ORDER)
    });
    forge("capsule with E in place of V", &|f| {
        f[1].1.copy_within(0..33, 33)
    });
    forge("wrapped key of zeros", &|f| f[2].1.fill(0));
    forge("commitment of zeros", &|f| f[3].1.fill(0));
    forge("wrapped key and commitment of zeros", &|f| {
        f[2].1.fill(0);
        f[3].1.fill(0);
    });
}

/// The order n of the group.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];
