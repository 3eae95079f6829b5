// One expression: what it means, where it is said, and its clip where there is one.

import { address, ofRun } from "./api.js";
import { bdi, h, label, text } from "./dom.js";
import { kind, language, position, within } from "./words.js";

const said = (outside, lang, attributes = {}) => h("p", { lang, dir: "auto", ...attributes }, text(outside));
const translation = (outside, lang) => outside && said(outside, lang, { class: "translation" });

export class Clip {
  constructor(manifest, clip, failure) {
    this.number = clip.number;
    this.lines = [];
    const { source_language: source, language: target } = manifest;
    const name = `clip-${clip.number}`;
    this.element = h("article", { id: name, tabindex: "-1", "aria-labelledby": `${name}-name` },
      h("header", {},
        h("h3", { id: `${name}-name` }, h("span", { class: "at" }, clip.number), " ", h("span", { lang: source, dir: "auto" }, text(clip.expression))),
        translation(clip.translation, target),
        h("ul", { class: "labels", "aria-label": "Level, kind and time" },
          h("li", {}, text(clip.level)), h("li", {}, text(kind(clip.kind))),
          h("li", {}, h("time", {}, position(clip.said.start))))),
      h("div", { class: "scene" },
        clip.encoded && this.player(manifest, clip),
        failure && h("p", { class: "failed" }, "No clip: ", bdi(failure.message)),
        !clip.encoded && !failure && h("p", { class: "quiet" }, "No clip was made."),
        this.scene(manifest, clip)),
      h("div", { class: "meaning" },
        h("blockquote", {}, said(clip.line, source), translation(clip.line_translation, target)),
        h("dl", {},
          clip.meaning && [h("dt", {}, "Meaning"), h("dd", { lang: source, dir: "auto" }, text(clip.meaning))],
          clip.why && [h("dt", {}, "Why learn it"), h("dd", { lang: source, dir: "auto" }, text(clip.why))],
          clip.similar.length > 0 && [h("dt", {}, "Similar"), clip.similar.map((one) => h("dd", { class: "similar", lang: source, dir: "auto" }, text(one)))])));
  }

  player(manifest, clip) {
    const file = (name) => address(ofRun(manifest.run, "clips", String(clip.number), name));
    const track = (name, lang) => h("track", { kind: "subtitles", src: file(name), srclang: lang, label: language(lang) });
    this.poster = file("poster.jpg");
    this.video = h("video", {
      src: file("clip.mp4"), width: clip.encoded.width, height: clip.encoded.height, controls: true, playsinline: true, preload: "none",
      "aria-label": label(`Clip ${clip.number}: ${clip.expression}`),
      on: { play: () => this.started(), seeked: () => this.follow(), error: () => { broken.hidden = false; } },
    }, track("source.vtt", manifest.source_language), clip.cues.some((cue) => cue.translation) && track("target.vtt", manifest.language));
    const broken = h("p", { class: "failed", hidden: true, role: "status" }, "The clip cannot be played: its file did not arrive, or the browser cannot read it.");
    return [this.video, broken];
  }

  scene(manifest, clip) {
    const zero = clip.encoded?.bounds.start ?? null;
    if (clip.cues.length === 0) return null;
    return h("ol", { class: "lines", "aria-label": "Lines of the scene" }, clip.cues.map((cue) => {
      const overlaps = cue.span.start < clip.said.end && clip.said.start < cue.span.end;
      const at = zero === null ? h("span", { class: "at" }, position(cue.span.start)) : this.jump(cue.span.start - zero);
      const line = h("li", { class: overlaps ? "said" : null }, at,
        h("div", {}, said(cue.text, manifest.source_language), translation(cue.translation, manifest.language),
          overlaps && h("span", { class: "unseen" }, "(the expression is said here)")));
      if (zero !== null) this.lines.push({ line, from: (cue.span.start - zero) / 1000, to: (cue.span.end - zero) / 1000 });
      return line;
    }));
  }

  jump(milliseconds) {
    const time = within(milliseconds);
    const click = () => {
      this.video.currentTime = Math.max(0, milliseconds / 1000);
      // Refused where the file is missing; the page says so.
      this.video.play().catch(() => {});
    };
    return h("button", { type: "button", class: "at", "aria-label": `Play from ${time}`, on: { click } }, time);
  }

  /// Loads what is seen before playing.
  near() {
    if (this.video && !this.video.poster) this.video.poster = this.poster;
  }

  started() {
    for (const other of document.querySelectorAll("video")) if (other !== this.video) other.pause();
    const step = () => {
      this.follow();
      if (!this.video.paused) requestAnimationFrame(step);
    };
    step();
  }

  follow() {
    const now = this.video.currentTime;
    for (const { line, from, to } of this.lines) {
      if (from <= now && now < to) line.setAttribute("aria-current", "true");
      else line.removeAttribute("aria-current");
    }
  }
}
