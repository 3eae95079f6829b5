(async () => {
  const until = async (met) => { while (!met()) await new Promise(requestAnimationFrame); };
  const [first, second] = document.querySelectorAll("video");
  const marked = (number) => [...document.querySelectorAll(`#clip-${number} [aria-current]`)];
  const before = marked(1).length;
  // Slowly, so that a loaded machine does not miss a line.
  first.playbackRate = second.playbackRate = 0.25;
  document.querySelector("#clip-1 li:nth-child(2) button").click();
  await until(() => first.currentTime > 1.65 && marked(1).length === 1);
  const line = marked(1)[0].querySelector("p").textContent;
  const from = first.currentTime;
  first.currentTime = 4;
  await until(() => marked(1)[0]?.textContent.includes("lock the shed"));
  second.play();
  await until(() => second.currentTime > 0.05 && marked(2).length === 1);
  return { before, line, from, length: Math.round(first.duration), silenced: first.paused };
})();
