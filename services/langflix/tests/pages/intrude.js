new Promise((done) => {
  const refused = [];
  document.addEventListener("securitypolicyviolation", (event) => {
    refused.push(event.effectiveDirective);
    if (refused.length === 3) done(refused.sort());
  });
  document.body.append(Object.assign(document.createElement("script"), { text: "broken = 2" }));
  new Image().src = "https://example.org/x.png";
  document.body.insertAdjacentHTML("beforeend", '<img src="data:," onerror="broken = 3">');
});
