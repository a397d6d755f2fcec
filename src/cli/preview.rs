//! `preview` and `send-test`: one mail, to look at or to receive.
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::{
    Global, context,
    output::{self, Output},
};
use crate::{domain::EmailAddress, engine::Preview};

#[derive(Debug, Args)]
pub(super) struct PreviewArgs {
    /// The campaign, as in config/campaigns.
    campaign: String,
    /// Whose mail to show.
    #[arg(long, value_name = "EMAIL")]
    contact: EmailAddress,
    #[command(flatten)]
    part: Part,
}

/// What to show of a mail; subject and text if nothing is chosen.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct Part {
    /// Print the text part.
    #[arg(long)]
    text: bool,
    /// Print the HTML part.
    #[arg(long)]
    html: bool,
    /// Print the whole message as it would be sent.
    #[arg(long)]
    eml: bool,
    /// Open the HTML part in a browser.
    #[arg(long)]
    open: bool,
}

#[derive(Debug, Args)]
pub(super) struct SendTestArgs {
    /// The campaign, as in config/campaigns.
    campaign: String,
    /// Where to send it.
    #[arg(long, value_name = "ADDRESS")]
    to: EmailAddress,
    /// Write it as to this contact; otherwise as to a stranger.
    #[arg(long, value_name = "EMAIL")]
    contact: Option<EmailAddress>,
}

pub(super) async fn preview(
    global: &Global,
    output: Output,
    args: &PreviewArgs,
) -> anyhow::Result<()> {
    let engine = context::engine(global).await?;
    let Preview { rendered, eml } = engine.preview(&args.campaign, &args.contact).await?;
    if output.json {
        return output::json(&json!({
            "subject": rendered.subject, "text": rendered.text, "html": rendered.html,
            "links": rendered.links, "unsubscribe_url": rendered.unsubscribe_url,
        }));
    }
    if args.part.html {
        output::line(&rendered.html);
    } else if args.part.eml {
        output::raw(&eml);
    } else if args.part.open {
        let file = show(&args.campaign, &rendered.html)?;
        output::line(file.display().to_string());
    } else if args.part.text {
        output::line(&rendered.text);
    } else {
        let label = output.language.say("Subject:", "主题：");
        output::line(format!("{label} {}\n\n{}", rendered.subject, rendered.text));
    }
    Ok(())
}

/// Writes the page where a browser can read it, and asks the desktop to open it. Without a desktop
/// the path that is printed is all there is.
fn show(campaign: &str, html: &str) -> anyhow::Result<PathBuf> {
    let file = std::env::temp_dir().join(format!("perennial-{campaign}.html"));
    std::fs::write(&file, html).with_context(|| format!("{} cannot be written", file.display()))?;
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let nothing = std::process::Stdio::null;
    let _ =
        std::process::Command::new(opener).arg(&file).stdout(nothing()).stderr(nothing()).spawn();
    Ok(file)
}

pub(super) async fn send_test(
    global: &Global,
    output: Output,
    args: &SendTestArgs,
) -> anyhow::Result<()> {
    let engine = context::engine(global).await?;
    let said = engine.send_test(&args.campaign, &args.to, args.contact.as_ref()).await?;
    if output.json {
        return output::json(&json!({ "sent": true, "relay_said": said }));
    }
    let sent = output.language.say("Sent. The relay said:", "已发送。中继服务器回复：");
    output::line(format!("{sent} {said}"));
    Ok(())
}
