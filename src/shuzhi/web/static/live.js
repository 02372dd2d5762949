// One stream for all tabs of a browser: a shared worker that keeps it, and tells every tab the news.
"use strict";

const streams = new Map();

function open(address) {
  const stream = { source: new EventSource(address), ports: new Set(), seen: {}, lost: false };
  const tell = (message) => stream.ports.forEach((port) => port.postMessage(message));
  stream.source.addEventListener("news", (event) => {
    const news = JSON.parse(event.data);
    Object.assign(stream.seen, news);
    tell({ news });
  });
  stream.source.addEventListener("open", () => { stream.lost = false; tell({ lost: false }); });
  stream.source.addEventListener("error", () => { stream.lost = true; tell({ lost: true }); });
  streams.set(address, stream);
  return stream;
}

onconnect = (event) => {
  const port = event.ports[0];
  port.onmessage = ({ data }) => {
    const known = streams.get(data.address);
    if (data.leave) {
      if (!known) return;
      known.ports.delete(port);
      if (!known.ports.size) { known.source.close(); streams.delete(data.address); }
      return;
    }
    const stream = known || open(data.address);
    stream.ports.add(port);
    if (Object.keys(stream.seen).length) port.postMessage({ news: stream.seen });
    if (stream.lost) port.postMessage({ lost: true });
  };
};
