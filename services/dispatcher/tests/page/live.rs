use crate::{browser::Browser, fleet::Fleet, sample};

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_goes_on_before_ones_eyes_and_its_clips_play() {
    let Some(browser) = Browser::find() else { return };
    let fleet = Fleet::new().await;
    let dispatcher = fleet.dispatcher().await;
    let run = fleet.town.submit(&sample::asked(&fleet.town).await).await;
    let [work, halt, kill, back] = ["work", "halt", "kill", "back"].map(|name| fleet.signal(name));
    let url = dispatcher.url.clone();
    let signals = [("WORK", work.path()), ("HALT", halt.path()), ("KILL", kill.path()), ("BACK", back.path())];
    let told = [&signals[..], &[("URL", &url), ("RUN", run.as_str())]].concat();
    let script = browser.run("live.test.js", &told);
    let services = async {
        work.comes().await;
        let workers = ["analysis-worker", "encoding-worker"].map(|name| fleet.worker(name));
        halt.comes().await;
        dispatcher.program.pause();
        kill.comes().await;
        let port = fleet.kill(dispatcher);
        let dispatcher = fleet.dispatcher_at(port, &[]).await;
        back.give();
        // Until the script has ended.
        std::future::pending::<()>().await;
        drop((workers, dispatcher));
    };
    tokio::select! { () = script => (), () = services => () }
}
