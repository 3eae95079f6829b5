use langflix_domain::{Burn, EpisodeStatus};
use langflix_pipeline::RunRequest;

use crate::{
    encoding::planned,
    episode::{EXPRESSIONS, Room, episode, names, with_target_subtitles},
    fakes::{Encoder, Memory, Model, Remembering},
};

#[tokio::test]
async fn translations_come_from_the_target_subtitles_and_the_model_is_not_asked_for_them() {
    let model = Model::good();
    let manifest = Room::new().drive(&model, &Encoder::good(), &with_target_subtitles()).await;
    assert!(model.asks().iter().all(|ask| !ask.request.translate_lines));
    assert_eq!(names(&manifest), EXPRESSIONS);
    for clip in &manifest.clips {
        assert_eq!(clip.line_translation, Some(format!("[{}]", clip.line)));
        for cue in &clip.cues {
            assert_eq!(cue.translation, Some(format!("[{}]", cue.text)));
        }
        assert_eq!(
            clip.translation,
            Some(format!("<{}>", clip.expression)),
            "the expression is the model's to translate"
        );
    }
    assert_eq!(manifest.notes, [""; 0]);
}

#[tokio::test]
async fn lines_without_a_counterpart_are_counted() {
    let mut asked = with_target_subtitles();
    asked.target_transcript.as_mut().unwrap().cues.truncate(6);
    let manifest = Room::new().drive(&Model::good(), &Encoder::good(), &asked).await;
    assert_eq!(manifest.clips[3].line_translation, None);
    assert_eq!(manifest.notes, ["2 lines have no counterpart in the target subtitles at their time."]);
}

#[tokio::test]
async fn the_model_translates_where_there_are_no_target_subtitles() {
    let model = Model::good();
    let manifest = Room::new().drive(&model, &Encoder::good(), &episode()).await;
    assert!(model.asks().iter().all(|ask| ask.request.translate_lines));
    for clip in &manifest.clips {
        assert_eq!(clip.line_translation, Some(format!("<{}>", clip.line)));
        assert!(clip.cues.iter().all(|cue| cue.translation == Some(format!("<{}>", cue.text))));
    }
}

#[tokio::test]
async fn a_model_that_does_not_translate_is_not_asked_to_and_the_manifest_says_so() {
    let mut asked = episode();
    asked.settings.model_translates = false;
    let model = Model::good();
    let manifest = Room::new().drive(&model, &Encoder::good(), &asked).await;
    assert!(model.asks().iter().all(|ask| !ask.request.translate_lines));
    assert!(manifest.clips.iter().all(|clip| clip.cues.iter().all(|cue| cue.translation.is_none())));
    assert!(manifest.notes[0].contains("does not translate"), "{:?}", manifest.notes);
    assert_eq!(manifest.notes.len(), 1, "{:?}", manifest.notes);
    asked.settings.burn = Burn::Both;
    let manifest = Room::new().drive(&model, &Encoder::good(), &asked).await;
    assert!(manifest.notes[1].contains("no ko subtitles drawn in"), "{:?}", manifest.notes);
}

#[tokio::test]
async fn a_dry_run_has_no_clips_and_the_run_that_follows_pays_for_no_answer_again() {
    let (room, asked, memory) = (Room::new(), episode(), Memory::default());
    let (model, encoder) = (Model::good(), Encoder::good());
    let mut dry = asked.clone();
    dry.settings.encode = None;
    let planned = room.drive(&Remembering(&model, &memory), &encoder, &dry).await;
    assert_eq!((planned.status, names(&planned)), (EpisodeStatus::Complete, EXPRESSIONS.to_vec()));
    assert!(planned.clips.iter().all(|clip| clip.encoded.is_none()));
    assert_eq!((planned.completeness.clips_ok, planned.completeness.clips_failed), (0, 0));
    assert_eq!((model.asks().len(), encoder.tried().len()), (4, 0));

    let whole = room.drive(&Remembering(&model, &memory), &encoder, &asked).await;
    assert!(whole.clips.iter().all(|clip| clip.encoded.is_some()));
    assert_eq!((model.asks().len(), encoder.tried().len()), (4, 4));
    assert_eq!(whole.timing.usage, langflix_domain::Usage::default(), "an answer from memory costs nothing");
}

/// The texts that are drawn into each clip.
async fn burnt(asked: &RunRequest, burn: Burn) -> Vec<Option<Vec<String>>> {
    let mut asked = asked.clone();
    asked.settings.burn = burn;
    let plan = planned(&Room::new(), &asked).await;
    let lines =
        |script: String| script.lines().filter_map(|line| line.strip_prefix("Dialogue: ")).map(str::to_owned).collect();
    plan.tasks.into_iter().map(|task| task.clip.unwrap().burn.map(lines)).collect()
}

#[tokio::test]
async fn what_is_drawn_into_the_picture_is_what_was_asked_for() {
    let asked = with_target_subtitles();
    assert_eq!(burnt(&asked, Burn::None).await, vec![None; 4]);
    for (burn, source, target) in [(Burn::Source, true, false), (Burn::Target, false, true), (Burn::Both, true, true)] {
        for (clip, expression) in burnt(&asked, burn).await.into_iter().zip(EXPRESSIONS) {
            let lines = clip.unwrap();
            assert_eq!(lines.len(), 3, "one line a cue of the scene");
            let said = format!("Then we {expression}, he said.");
            assert_eq!(lines[1].contains(&format!("}}{said}")), source, "{lines:?}");
            assert_eq!(lines[1].contains(&format!("[{said}]")), target, "{lines:?}");
        }
    }
}

#[tokio::test]
async fn a_line_without_a_translation_is_not_drawn_as_an_empty_one() {
    let mut asked = with_target_subtitles();
    asked.target_transcript.as_mut().unwrap().cues.truncate(2);
    let counts =
        |clips: Vec<Option<Vec<String>>>| -> Vec<usize> { clips.into_iter().map(|clip| clip.unwrap().len()).collect() };
    assert_eq!(counts(burnt(&asked, Burn::Target).await), [2, 0, 0, 0]);
    assert_eq!(counts(burnt(&asked, Burn::Both).await), [3, 3, 3, 3]);
}
