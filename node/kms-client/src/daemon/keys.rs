//! Data keys: the daemon makes and opens keys, the caller encrypts with them what and how it likes.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use kms_protocol::FixedBytes;
use kms_protocol::messages::CAPSULES_MAX;
use serde::Deserialize;
use serde_json::{Value, json as object};
use umbral::{Capsule, SecretKeyFactory, SharedSecret};

use super::call::{Answer, Call, json};
use super::problem::Problem;
use super::state::State;
use crate::error::{Error, Result};
use crate::progress::Silent;
use kms_core::card::LabelKey;
use kms_core::label::Label;

/// What a key is derived for: never that of a file.
const PURPOSE: &[u8] = b"kms/v1/datakey";
/// Capsules opened in one request.
const ITEMS_MAX: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    label_key: LabelKey,
    capsule: String,
    /// Given back as it is.
    #[serde(default)]
    reference: Value,
}

pub(super) fn datakey(call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let label = call.needed("label")?;
        let make = || -> Result<Value> {
            let label_key = label_key(&call.state, &label)?;
            let rng = &mut getrandom::SysRng;
            let (capsule, secret) = umbral::encapsulate(rng, &label_key.public_key())?;
            Ok(object!({
                "key": key_text(&secret)?,
                "label_key": label_key,
                "capsule": hex::encode(capsule.to_bytes()),
            }))
        };
        json(&make().map_err(|error| call.failed(error))?)
    }
    .boxed()
}

/// A label by its name in the home, or as the line that a producer has.
pub(super) fn label_key(state: &State, label: &str) -> Result<LabelKey> {
    match label.starts_with("kmslabel1") {
        true => Ok(label.parse()?),
        false => state.home.label_key(&Label::new(label)?),
    }
}

fn key_text(secret: &SharedSecret) -> Result<String> {
    let key = SecretKeyFactory::from_secret_bytes(secret.expose()).make_secret(PURPOSE)?;
    let half = key.first_chunk::<32>();
    Ok(hex::encode(
        half.ok_or(Error::Bug("a secret has 64 bytes"))?,
    ))
}

pub(super) fn open(mut call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let (_, batch): (_, Batch) = call.json().await?;
        if !(1..=ITEMS_MAX).contains(&batch.items.len()) {
            return Err(Problem::invalid("1 to 256 items can be opened at a time"));
        }
        let state = &call.state;
        let mut answers = vec![Value::Null; batch.items.len()];
        let mut groups: Vec<(&LabelKey, Vec<usize>)> = Vec::new();
        for (index, item) in batch.items.iter().enumerate() {
            match groups.iter_mut().find(|(key, _)| **key == item.label_key) {
                Some((_, group)) => group.push(index),
                None => groups.push((&item.label_key, vec![index])),
            }
        }
        for (label_key, group) in groups {
            for part in group.chunks(CAPSULES_MAX) {
                let items: Vec<&Item> = part
                    .iter()
                    .filter_map(|index| batch.items.get(*index))
                    .collect();
                let opened = open_part(state, label_key, &items).await;
                for (index, answer) in part.iter().zip(opened) {
                    if let Some(place) = answers.get_mut(*index) {
                        *place = answer;
                    }
                }
            }
        }
        json(&object!({ "items": answers }))
    }
    .boxed()
}

/// Opens capsules of one label, at most as many as a request to the miners holds.
async fn open_part(state: &State, label_key: &LabelKey, items: &[&Item]) -> Vec<Value> {
    let capsules: Vec<Option<[u8; Capsule::BYTES]>> =
        items.iter().map(|item| capsule_of(&item.capsule)).collect();
    let whole: Vec<[u8; Capsule::BYTES]> = capsules.iter().flatten().copied().collect();
    let mut opened = match whole.is_empty() {
        true => Ok(Vec::new()),
        false => secrets(state, label_key, &whole).await,
    }
    .map(Vec::into_iter);
    let answer = |(item, capsule): (&&Item, &Option<_>)| {
        let key = match (capsule, &mut opened) {
            (None, _) => Err(Problem::invalid(
                "a capsule has 98 bytes in hexadecimal digits",
            )),
            (Some(_), Err(error)) => Err(state.problem(error)),
            (Some(_), Ok(secrets)) => match secrets.next() {
                Some(Ok(secret)) => key_text(&secret).map_err(|error| state.problem(&error)),
                Some(Err(error)) => Err(state.problem(&Error::Umbral(error))),
                None => Err(state.problem(&Error::Bug("one secret per capsule"))),
            },
        };
        match key {
            Ok(key) => object!({ "key": key, "reference": item.reference }),
            Err(problem) => object!({ "problem": problem, "reference": item.reference }),
        }
    };
    items.iter().zip(&capsules).map(answer).collect()
}

type Secrets = Vec<std::result::Result<SharedSecret, umbral::Error>>;

/// By the seed if the label is one's own, or else by the miners.
async fn secrets(
    state: &State,
    label_key: &LabelKey,
    capsules: &[[u8; Capsule::BYTES]],
) -> Result<Secrets> {
    let key = label_key.public_key();
    if let Ok(keys) = state.keys()
        && let Some(label) = keys.open_name(label_key.sealed_name(), &key)?
    {
        let delegating = keys.delegating(&label)?;
        let own = |bytes: &[u8; Capsule::BYTES]| {
            let capsule = Capsule::from_bytes(bytes)?;
            umbral::decapsulate_original(&delegating, &capsule)
        };
        return Ok(capsules.iter().map(own).collect());
    }
    let capsules: Vec<_> = capsules.iter().map(|bytes| FixedBytes(*bytes)).collect();
    state.reader().open(&key, &capsules, &Silent).await
}

fn capsule_of(text: &str) -> Option<[u8; Capsule::BYTES]> {
    let mut bytes = [0; Capsule::BYTES];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}
