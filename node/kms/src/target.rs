//! The arguments that name a policy: its id, or label and reader, whose policies only the seed can
//! tell from others.

use clap::Args;
use kms_client::Label;
use kms_protocol::PolicyId;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The policy's id (0x...), or the label it opens
    #[arg(value_name = "POLICY|LABEL")]
    which: String,
    /// With a label: the reader's card
    #[arg(long, value_name = "CARD")]
    to: Option<String>,
}

impl Target {
    /// Finds every policy that is to end: of label and reader all that are in force, and those that
    /// were revoked and whose receipts are missing.
    pub(crate) async fn find_to_end(
        &self,
        session: &Session,
        context: &Context,
    ) -> Outcome<Vec<PolicyId>> {
        let Some(card) = &self.to else {
            return Ok(vec![self.find(session, context).await?]);
        };
        let label = Label::new(&self.which)?;
        let keys = session.home.unlock_owner(&context.passphrases)?;
        Ok(session.owner().policies_to_end(&label, card, &keys).await?)
    }

    /// Finds the one policy that the arguments name. Fails if label and reader have several.
    pub(crate) async fn find(&self, session: &Session, context: &Context) -> Outcome<PolicyId> {
        match (&self.to, self.which.parse::<PolicyId>()) {
            (Some(card), _) => {
                let keys = session.home.unlock_owner(&context.passphrases)?;
                Ok(session
                    .owner()
                    .policy_of(&Label::new(&self.which)?, card, &keys)
                    .await?)
            }
            (None, Ok(policy)) => Ok(policy),
            (None, Err(_)) => Err(Failure::usage(format!(
                "{:?} is not a policy id; a label needs --to CARD",
                self.which
            ))),
        }
    }
}
