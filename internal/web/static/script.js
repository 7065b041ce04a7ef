// Follows what happens: an event says only that there is something new. The page is then
// fetched as its reader sees it, and what changed in it is put in place.
(() => {
  "use strict";
  const say = document.getElementById("say");
  const offline = document.getElementById("offline");
  let busy = false, again = false, source = null, version = "", lost = 0;

  // put keeps which details are open, and where the focus is.
  function put(old, next) {
    if (old.outerHTML === next.outerHTML) return;
    for (const d of old.querySelectorAll("details[id]")) {
      const same = next.querySelector("#" + CSS.escape(d.id));
      if (same) same.open = d.open;
    }
    const focus = old.contains(document.activeElement) ? document.activeElement : null;
    const where = focus && path(old, focus);
    old.replaceWith(next);
    const target = where && follow(next, where);
    if (target) target.focus({preventScroll: true});
  }

  function path(root, node) {
    const steps = [];
    for (; node !== root; node = node.parentElement) steps.unshift([...node.parentElement.children].indexOf(node));
    return steps;
  }

  function follow(root, steps) {
    for (const i of steps) root = root && root.children[i];
    return root;
  }

  // since says how far a time is from another one, by the rule of the server's pages.
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  function since(now, t) {
    const past = now >= t, s = Math.abs(now - t) / 1000;
    const say = (text) => past ? text + " ago" : "in " + text;
    if (s < 45) return past ? "just now" : "in a moment";
    if (s < 3600) return say(Math.max(Math.floor(s / 60), 1) + " min");
    if (s < 48 * 3600) return say(Math.floor(s / 3600) + " h");
    if (s < 30 * 86400) return say(Math.floor(s / 86400) + " days");
    return t.getUTCDate() + " " + months[t.getUTCMonth()] + " " + t.getUTCFullYear();
  }

  // The server's clock counts: one of here may be wrong.
  const served = new Date(document.body.dataset.now), opened = performance.now();
  function tick() {
    const now = new Date(served.getTime() + performance.now() - opened);
    for (const e of document.querySelectorAll("time[data-ago]")) {
      const text = since(now, new Date(e.dateTime));
      if (e.textContent !== text) e.textContent = text;
    }
  }
  tick();
  setInterval(tick, 15000);

  // A plan's changes open and close together.
  const all = document.querySelector("[data-all]");
  if (all) {
    const changes = [...document.querySelectorAll("details.change")];
    const name = () => { all.textContent = changes.every((d) => d.open) ? "Close all" : "Open all"; };
    all.hidden = false;
    name();
    all.addEventListener("click", () => { const open = !changes.every((d) => d.open); for (const d of changes) d.open = open; name(); });
    for (const d of changes) d.addEventListener("toggle", name);
  }

  async function load() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, {headers: {Accept: "text/html"}, credentials: "same-origin", redirect: "error"});
      if (!answer.ok) throw new Error(String(answer.status));
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const same = next.getElementById(part.id);
        if (same) put(part, document.adoptNode(same));
      }
      const said = next.getElementById("say").dataset.say;
      tick();
      if (say.dataset.say !== said) { say.dataset.say = said; say.textContent = said; }
      if (next.body.dataset.follow) document.body.dataset.follow = next.body.dataset.follow;
      else if (source) { source.close(); source = null; }
      offline.hidden = true;
    } catch {
      offline.hidden = false;
    }
    busy = false;
    if (again) { again = false; load(); }
  }

  function listen() {
    const url = document.body.dataset.follow;
    if (!url || source) return;
    source = new EventSource(url);
    source.addEventListener("changed", (e) => { if (e.data !== version) { version = e.data; load(); } });
    source.addEventListener("open", () => { clearTimeout(lost); lost = 0; offline.hidden = true; });
    source.addEventListener("error", () => {
      lost = lost || setTimeout(() => { offline.hidden = false; }, 10000); // streams end now and then, and begin again
      if (source && source.readyState === EventSource.CLOSED) { // refused: there is no room, or the session is over
        source = null;
        setTimeout(listen, 60000);
      }
    });
  }

  listen();
  document.addEventListener("visibilitychange", () => { // nobody looks: nothing is asked
    if (document.hidden && source) { source.close(); source = null; }
    else if (!document.hidden) { if (document.body.dataset.follow) load(); listen(); }
  });
})();
