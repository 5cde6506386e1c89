"use strict";
// Listens to what changes and puts it in its place. Everything that arrives is HTML made by the server, all text in it escaped.
{
  const MOST_LINES = 500;
  const connection = document.getElementById("connection");
  const pause = document.getElementById("pause");
  const lines = document.getElementById("lines");
  let events = null;
  let again = 0;
  let paused = false;

  function listen() {
    clearTimeout(again);
    if (events || paused || document.hidden) return;
    events = new EventSource(document.body.dataset.events);
    events.onopen = () => say("live", "Live");
    events.onerror = () => {
      say("lost", "Connection lost, trying again");
      if (events.readyState === EventSource.CLOSED) {
        deafen();
        again = setTimeout(listen, 5000);
      }
    };
    events.addEventListener("update", (event) => {
      const { title, parts } = JSON.parse(event.data);
      document.title = title;
      for (const { id, html } of parts) {
        const old = document.getElementById(id);
        if (old) turnInto(old, nodes(html).firstElementChild);
      }
    });
    events.addEventListener("lines", (event) => {
      if (!lines) return;
      const { reset, html } = JSON.parse(event.data);
      if (reset) lines.replaceChildren();
      lines.append(nodes(html));
      while (lines.childElementCount > MOST_LINES) lines.firstElementChild.remove();
    });
  }

  function deafen() {
    clearTimeout(again);
    events?.close();
    events = null;
  }

  function say(state, text) {
    connection.className = state;
    if (connection.textContent !== text) connection.textContent = text;
  }

  function nodes(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  }

  // Changes only what differs, so that focus, selection and scroll positions stay.
  function turnInto(old, fresh) {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
      old.replaceWith(fresh);
      return;
    }
    if (old.nodeType === Node.TEXT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    const before = [...old.childNodes];
    const after = [...fresh.childNodes];
    before.slice(after.length).forEach((node) => node.remove());
    after.forEach((node, index) => (before[index] ? turnInto(before[index], node) : old.append(node)));
  }

  document.getElementById("refresh").hidden = true;
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    if (paused) {
      deafen();
      say("paused", "Paused");
    } else {
      listen();
    }
  });
  // A page that nobody sees holds no connection.
  document.addEventListener("visibilitychange", () => (document.hidden ? deafen() : listen()));
  listen();
}
