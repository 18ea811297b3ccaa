//! Labels, cards, and what the daemon is.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json as object};

use super::call::{Answer, Call, json};
use crate::error::Result;
use kms_core::card::{Card, LabelKey};
use kms_core::label::Label;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLabel {
    label: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCard {
    card: String,
    #[serde(rename = "as")]
    known_as: Option<String>,
}

pub(super) fn health(_: Call) -> BoxFuture<'static, Answer> {
    async { json(&object!({ "ok": true })) }.boxed()
}

pub(super) fn version(call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let deployment = &call.state.home.config().deployment;
        json(&object!({
            "version": env!("CARGO_PKG_VERSION"),
            "chain_id": deployment.chain_id,
            "policies": deployment.contracts.policies.address,
            "account": call.state.home.wallet_address(),
        }))
    }
    .boxed()
}

pub(super) fn labels(call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let labels = call
            .state
            .home
            .labels()
            .map_err(|error| call.failed(error))?;
        let rows: Vec<Value> = labels
            .iter()
            .map(|(name, key)| label_row(name, key))
            .collect();
        json(&object!({ "labels": rows }))
    }
    .boxed()
}

fn label_row(name: &Label, key: &LabelKey) -> Value {
    object!({ "label": name, "label_key": key.to_string(), "fingerprint": key.fingerprint() })
}

pub(super) fn add_label(mut call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let (_, new): (_, NewLabel) = call.json().await?;
        let _one = call.state.spending.lock().await;
        let add = || -> Result<Value> {
            let (home, label) = (&call.state.home, Label::new(&new.label)?);
            let key = home.add_label(&home.lock()?, call.state.keys()?, &label)?;
            Ok(label_row(&label, &key))
        };
        json(&add().map_err(|error| call.failed(error))?)
    }
    .boxed()
}

pub(super) fn cards(call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let cards = call
            .state
            .home
            .cards()
            .map_err(|error| call.failed(error))?;
        let rows: Vec<Value> = cards.iter().map(card_row).collect();
        json(&object!({ "cards": rows }))
    }
    .boxed()
}

fn card_row(card: &Card) -> Value {
    object!({
        "name": card.name(),
        "own_name": card.own_name(),
        "fingerprint": card.fingerprint(),
        "words": card.words(),
        "card": card.to_string(),
    })
}

pub(super) fn add_card(mut call: Call) -> BoxFuture<'static, Answer> {
    async move {
        let (_, new): (_, NewCard) = call.json().await?;
        let _one = call.state.spending.lock().await;
        let add = || -> Result<Value> {
            let mut card: Card = new.card.parse()?;
            if let Some(name) = &new.known_as {
                card = card.known_as(name)?;
            }
            let home = &call.state.home;
            home.add_card(&home.lock()?, &card)?;
            Ok(card_row(&card))
        };
        json(&add().map_err(|error| call.failed(error))?)
    }
    .boxed()
}
