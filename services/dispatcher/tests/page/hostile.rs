use langflix_domain::Manifest;
use langflix_ports::queue::Name;
use serde_json::{Value, json};

use crate::{
    browser::Browser,
    episode::{episode, undisturbed},
    fleet::Fleet,
    runs::{ended, named, place},
};

/// Text that would rather be something else.
fn nasty() -> Vec<String> {
    let nasty = [
        "<script>broken = 1</script><img src=x onerror=broken=1>",
        "\"><img src=x onerror=\"broken=1\"><svg onload=broken=1>' onclick='broken=1",
        "\u{202e}turned \u{2066}round\u{200f} مرحبا שלום",
        "ends \u{2069}\u{2069} what it did not begin \u{202e}and turns",
        "javascript:broken=1 {{broken}} ${broken} &lt;b&gt; <!-- --> ]]>",
        "a\u{0}b\u{7}c\u{1b}[31m\r\n-->\u{85}",
        "</title></style></textarea><base href=//evil.example><meta http-equiv=refresh content=0>",
    ];
    nasty.into_iter().map(str::to_owned).chain(["x".repeat(10_000), "띄어쓰기없이".repeat(1500)]).collect()
}

/// A manifest all of whose free text is `nasty`, and whose clips failed for that reason.
fn filled_with(manifest: &Manifest, nasty: &str) -> Value {
    let mut filled = serde_json::to_value(manifest).unwrap();
    filled["episode"]["show"] = nasty.into();
    filled["analysed_by"] = nasty.into();
    filled["notes"] = json!([nasty]);
    filled["status"] = "partial".into();
    for clip in filled["clips"].as_array_mut().unwrap() {
        for field in ["expression", "translation", "meaning", "line", "line_translation", "why"] {
            clip[field] = nasty.into();
        }
        clip["similar"] = json!([nasty]);
        (clip["files"], clip["encoded"]) = (Value::Null, Value::Null);
        for cue in clip["cues"].as_array_mut().unwrap() {
            (cue["text"], cue["translation"]) = (nasty.into(), nasty.into());
        }
    }
    let failures = filled["clips"].as_array().unwrap().iter().map(|clip| {
        json!({ "stage": "encoding", "task": clip["id"], "span": clip["scene"], "kind": "encoder", "message": nasty })
    });
    filled["failures"] = failures.collect();
    filled
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_would_be_more_than_text_is_text() {
    let Some(browser) = Browser::find() else { return };
    let fleet = Fleet::new().await;
    let manifest = undisturbed(&episode(1)).await;
    let (nasty, mut runs) = (nasty(), Vec::new());
    for (number, text) in nasty.iter().enumerate() {
        let run = named(&place(number));
        ended(&fleet, &run, filled_with(&manifest, text)).await;
        fleet.park(Name::Stages, format!("\u{82}{text}").into_bytes(), text).await;
        runs.push(run);
    }
    let dispatcher = fleet.dispatcher().await;
    let (runs, nasty) = (serde_json::to_string(&runs).unwrap(), serde_json::to_string(&nasty).unwrap());
    browser.run("hostile.test.js", &[("URL", &dispatcher.url), ("RUNS", &runs), ("NASTY", &nasty)]).await;
}
