// The console's own script. Every page works without it.
(function () {
  "use strict";
  document.documentElement.classList.add("js");

  // The server renders times in the browser's time zone, once it knows it.
  var zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  var body = document.body;
  if (zone && zone !== body.dataset.zone && !/(^|; )smsplus_zone=/.test(document.cookie)) {
    document.cookie = "smsplus_zone=" + encodeURIComponent(zone) + "; path=" + body.dataset.path + "; max-age=31536000; samesite=lax";
    if (/(^|; )smsplus_zone=/.test(document.cookie) && !document.querySelector(".problems")) {
      location.reload();
    }
  }

  document.addEventListener("click", function (event) {
    // htmx cannot listen to the link itself: it would cancel the download.
    var progress = event.target.closest("a.export") && document.getElementById("progress");
    if (progress) {
      progress.dispatchEvent(new CustomEvent("exportbegin"));
      return;
    }
    var button = event.target.closest("[data-copy]");
    if (!button || !navigator.clipboard) {
      return;
    }
    navigator.clipboard.writeText(button.dataset.copy).then(function () {
      document.getElementById("said").textContent = body.dataset.copied + ": " + button.dataset.copy;
      button.classList.add("copied");
      setTimeout(function () { button.classList.remove("copied"); }, 1500);
    });
  });
})();
