[...document.querySelectorAll("body *")]
  .filter((element) => element.checkVisibility() && !element.matches(".skip, .unseen"))
  .filter((element) => { const box = element.getBoundingClientRect(); return box.right > innerWidth + 0.5 || box.left < -0.5; })
  .map((element) => `${element.tagName} ${element.className} ${element.textContent.slice(0, 40)}`);
