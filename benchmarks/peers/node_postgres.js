// HJ 212 over Node.js into PostgreSQL: node_postgres.js MODE SOCKET_FOLDER
// MODE rows: an INSERT for each frame, through a pool of ten. MODE group: one statement in flight;
// what comes meanwhile is the next. Each frame is acknowledged when its row is committed.
"use strict";
const net = require("net");
const { Pool } = require("pg");

const [mode, host] = process.argv.slice(2);
const pool = new Pool({ host, user: "postgres", database: "postgres", max: mode === "rows" ? 10 : 1 });
const HEAD = /QN=(\d{17});ST=(..);CN=(\d{4});PW=([^;]*);MN=([^;]*);Flag=(\d+);/;
const TABLE = new Uint16Array(256).map((_, x) => {
  for (let i = 0; i < 8; i++) x = x & 1 ? (x >> 1) ^ 0xa001 : x >> 1;
  return x;
});

function crc(bytes, start, end) {
  let register = 0xffff;
  for (let i = start; i < end; i++) register = TABLE[(register >> 8) ^ bytes[i]];
  return register.toString(16).toUpperCase().padStart(4, "0");
}

function acknowledgement(head) {
  const text = `QN=${head[1]};ST=91;CN=9014;PW=${head[4]};MN=${head[5]};Flag=4;CP=&&&&`;
  const bytes = Buffer.from(text, "latin1");
  return `##${String(bytes.length).padStart(4, "0")}${text}${crc(bytes, 0, bytes.length)}\r\n`;
}

const ROW = "INSERT INTO frames (mn, st, cn, qn, raw) VALUES ($1, $2, $3, $4, $5)";
const ROWS =
  "INSERT INTO frames (mn, st, cn, qn, raw) " +
  "SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])";

let waiting = [];
let isAtWork = false;

async function work() {
  isAtWork = true;
  while (waiting.length) {
    const batch = waiting;
    waiting = [];
    const columns = [[], [], [], [], []];
    for (const { head, raw } of batch) {
      [head[5], head[2], head[3], head[1], raw].forEach((value, i) => columns[i].push(value));
    }
    await pool.query({ name: "rows", text: ROWS, values: columns });
    for (const { socket, head } of batch) if (!socket.destroyed) socket.write(acknowledgement(head));
  }
  isAtWork = false;
}

function take(socket, head, raw) {
  if (mode === "group") {
    waiting.push({ socket, head, raw });
    if (!isAtWork) setImmediate(() => isAtWork || work());
    return;
  }
  const values = [head[5], head[2], head[3], head[1], raw];
  pool.query({ name: "row", text: ROW, values }).then(() => {
    if (!socket.destroyed) socket.write(acknowledgement(head));
  });
}

function serve(socket) {
  let left = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    left = left.length ? Buffer.concat([left, chunk]) : chunk;
    while (left.length >= 6) {
      const end = 6 + Number(left.latin1Slice(2, 6));
      if (left.length < end + 6) return;
      const raw = left.latin1Slice(6, end);
      const head = HEAD.exec(raw);
      if (head && crc(left, 6, end) === left.latin1Slice(end, end + 4)) take(socket, head, raw);
      left = left.subarray(end + 6);
    }
  });
}

pool
  .query("CREATE TABLE IF NOT EXISTS frames (mn text, st text, cn text, qn text, raw text, at timestamptz DEFAULT now())")
  .then(() => {
    const server = net.createServer(serve);
    server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
      console.log(`READY ${server.address().port}`);
    });
  });
