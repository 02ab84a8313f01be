// Keeps a page current by server-sent events, while it is seen and not paused.
(function () {
  "use strict";
  var box = document.getElementById("live");
  if (!box || !window.EventSource) {
    return;
  }
  var button = box.querySelector("button");
  var state = box.querySelector("span");
  var source = null;
  var retry = 0;
  var isPaused = false;
  try {
    isPaused = sessionStorage.getItem("smsplus-paused") === "1"; // it holds for all pages of the tab
  } catch (e) { /* storage is off */ }

  function show(text) {
    if (state.textContent !== text) {
      state.textContent = text;
    }
    button.setAttribute("aria-pressed", String(isPaused));
  }

  function close() {
    clearTimeout(retry);
    if (source) {
      source.close();
      source = null;
    }
  }

  function open() {
    close();
    if (isPaused || document.hidden) {
      return;
    }
    var rows = document.querySelectorAll("[data-live]");
    var ids = Array.prototype.map.call(rows, function (row) { return row.id.slice(2); });
    var url = box.dataset.url;
    if (ids.length > 0) {
      url += (url.indexOf("?") < 0 ? "?" : "&") + "watch=" + ids.join(",");
    }
    source = new EventSource(url);
    source.onmessage = function (event) {
      show(box.dataset.current);
      JSON.parse(event.data).forEach(update);
    };
    source.onerror = function () {
      show(box.dataset.lost);
      if (source && source.readyState === EventSource.CLOSED) { // the server has refused it
        retry = setTimeout(open, 30000);
      }
    };
  }

  // update replaces an element, unless the viewer has selected text in it.
  function update(part) {
    var old = document.getElementById(part.id);
    var selection = document.getSelection();
    if (!old || !selection.isCollapsed && old.contains(selection.anchorNode)) {
      return;
    }
    var fresh = parse(part.html);
    var toggle = fresh.querySelector("[hx-get]");
    if (!old.classList.contains("open") || !toggle) {
      replace(old, fresh);
      return;
    }
    fetch(toggle.getAttribute("hx-get") + "&live=1", {
      credentials: "same-origin", headers: { "HX-Request": "true", "HX-Current-URL": location.href },
    }).then(function (answer) {
      return answer.ok ? answer.text() : "";
    }).then(function (html) {
      if (html && old.isConnected && !isPaused) {
        replace(old, parse(html));
      }
    }).catch(function () { /* the next update tries again */ });
  }

  function parse(html) {
    var holder = document.createElement("template");
    holder.innerHTML = html;
    return holder.content.firstElementChild;
  }

  function replace(old, fresh) {
    var focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    fresh.querySelectorAll("details[id]").forEach(function (box) { // it stays open, and keeps its content
      var kept = old.querySelector("#" + box.id);
      if (kept) {
        box.replaceWith(kept);
      }
    });
    old.replaceWith(fresh);
    if (window.htmx) {
      window.htmx.process(fresh);
    }
    var target = focused && document.getElementById(focused);
    if (target) {
      target.focus({ preventScroll: true });
    }
  }

  button.addEventListener("click", function () {
    isPaused = !isPaused;
    try {
      sessionStorage.setItem("smsplus-paused", isPaused ? "1" : "0");
    } catch (e) { /* storage is off */ }
    show(isPaused ? box.dataset.paused : box.dataset.current);
    document.getElementById("said").textContent = state.textContent;
    open();
  });
  document.addEventListener("visibilitychange", open);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) {
      open();
    }
  });
  box.hidden = false;
  show(isPaused ? box.dataset.paused : box.dataset.current);
  open();
})();
