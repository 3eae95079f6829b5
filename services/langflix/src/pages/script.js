"use strict";

// Tags become names; without script the tag itself is there to read.
const names = new Intl.DisplayNames(["en"], { type: "language" });
const nameOf = (tag) => {
  try {
    return names.of(tag);
  } catch {
    // BCP 47 allows more than browsers know, such as zh-yue.
    return tag;
  }
};
for (const element of document.querySelectorAll("[data-language]")) element.textContent = nameOf(element.textContent);

// On a narrow screen the list of expressions would push the first clip out of sight.
const contents = document.querySelector("nav details");
const wide = matchMedia("(min-width: 64rem)");
const unfold = () => { contents.open = wide.matches; };
if (contents) {
  unfold();
  wide.addEventListener("change", unfold);
}

class Clip {
  constructor(video) {
    this.video = video;
    this.lines = [...video.closest("article").querySelectorAll("[data-from]")].map((element) => ({
      element,
      from: element.dataset.from / 1000,
      to: element.dataset.to / 1000,
    }));
    for (const line of this.lines) this.addButton(line);
    this.addTracks();
    video.addEventListener("play", () => this.started());
    video.addEventListener("seeked", () => this.mark());
  }

  addButton({ element, from }) {
    const time = element.querySelector(".at");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "at";
    button.textContent = time.textContent;
    button.setAttribute("aria-label", `Play from ${time.textContent}`);
    button.addEventListener("click", () => {
      this.video.currentTime = Math.max(0, from);
      // Refused where the file is missing; the player itself says so.
      this.video.play().catch(() => {});
    });
    time.replaceWith(button);
  }

  // For the full screen, where the lines on the page are out of sight. The files beside the clip cannot be read from
  // a page on the disk, the page's own text can.
  addTracks() {
    const [source, target] = this.video.dataset.languages.split(" ");
    this.addTrack(source, "p:not(.translation)");
    this.addTrack(target, "p.translation");
  }

  addTrack(language, selector) {
    const cues = this.lines.flatMap(({ element, from, to }) => {
      const text = element.querySelector(selector)?.textContent;
      // A cue's text is WebVTT, in which these two begin markup.
      return text ? [new VTTCue(Math.max(0, from), to, text.replaceAll("&", "&amp;").replaceAll("<", "&lt;"))] : [];
    });
    if (cues.length === 0) return;
    const track = this.video.addTextTrack("subtitles", nameOf(language), language);
    for (const cue of cues) track.addCue(cue);
    track.mode = "disabled";
  }

  started() {
    for (const other of document.querySelectorAll("video")) if (other !== this.video) other.pause();
    const follow = () => {
      this.mark();
      if (!this.video.paused) requestAnimationFrame(follow);
    };
    follow();
  }

  mark() {
    const now = this.video.currentTime;
    for (const { element, from, to } of this.lines) {
      if (from <= now && now < to) element.setAttribute("aria-current", "true");
      else element.removeAttribute("aria-current");
    }
  }
}

for (const video of document.querySelectorAll("video")) new Clip(video);
