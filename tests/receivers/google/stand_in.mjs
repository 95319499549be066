// Google's Apps Script, as far as a web app meets it: a POST runs `doPost`, whose answer is behind a redirect to
// another host, once; a script that throws is answered with 200 and a page; what is no deployment leads to a login.
// Words: the script, a certificate with its key (PEM), the script property SECRET. Ports are printed; GET /sheet at
// the first shows the rows.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { randomUUID } from "node:crypto";
import vm from "node:vm";

const [source, pem, secret] = process.argv.slice(2);
const tls = { cert: readFileSync(pem), key: readFileSync(pem) };
const sheets = new Map();
const answers = new Map();
const state = { isLocked: false, unflushed: 0, breaks: "" };

// Bytes are signed there.
const bytes = (data) => [...Int8Array.from(data)];
const buffer = (data) => Buffer.from(Int8Array.from(data).buffer);

function entered(value) {
  const text = String(value);
  if (text.startsWith("'")) return text.slice(1);
  if (text.startsWith("=")) return { formula: text };
  return /^[0-9.]+$/.test(text) ? Number(text) : text;
}

function sheetOf(name) {
  const rows = sheets.get(name);
  return {
    getLastRow: () => rows.length,
    appendRow(row) {
      if (!state.isLocked) throw new Error("written without the lock");
      if (state.breaks === "append") throw new Error("This action would increase the number of cells");
      rows.push(row.map(entered));
      state.unflushed += 1;
    },
    getRange: (row, column, many) => ({
      createTextFinder: (sought) => ({
        matchCase() { return this; },
        matchEntireCell() { return this; },
        findNext: () => rows.slice(row - 1, row - 1 + many).find((one) => one[column - 1] === sought) ?? null,
      }),
    }),
  };
}

const services = {
  SpreadsheetApp: {
    getActiveSpreadsheet: () => ({
      getSheetByName: (name) => (sheets.has(name) ? sheetOf(name) : null),
      insertSheet(name) {
        sheets.set(name, []);
        return sheetOf(name);
      },
      getSpreadsheetTimeZone: () => "Asia/Jerusalem",
    }),
    flush: () => { state.unflushed = 0; },
  },
  LockService: {
    getScriptLock: () => ({
      waitLock() {
        if (state.breaks === "lock") throw new Error("Lock timeout: another process was holding the lock");
        state.isLocked = true;
      },
      releaseLock: () => { state.isLocked = false; },
    }),
  },
  PropertiesService: { getScriptProperties: () => ({ getProperty: (key) => (key === "SECRET" ? secret || null : null) }) },
  ContentService: {
    MimeType: { JSON: "application/json" },
    createTextOutput: (text) => ({
      text,
      setMimeType(type) {
        this.type = type;
        return this;
      },
    }),
  },
  Utilities: {
    base64Decode: (text) => bytes(Buffer.from(text, "base64")),
    base64Encode: (data) => buffer(data).toString("base64"),
    newBlob: (text) => ({ getBytes: () => bytes(Buffer.from(text, "utf8")) }),
    computeHmacSha256Signature: (value, key) => bytes(createHmac("sha256", buffer(key)).update(buffer(value)).digest()),
    formatDate: (date, zone) => date.toLocaleString("sv-SE", { timeZone: zone }),
  },
};

function run(contents) {
  const context = vm.createContext({ ...services });
  vm.runInContext(readFileSync(source, "utf8"), context);
  // No headers: Apps Script hands none to a script.
  const output = context.doPost({ parameter: {}, queryString: "", postData: { contents, type: "application/json" } });
  if (state.unflushed) throw new Error("answered before it was written");
  return output;
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

const content = createServer(tls, (request, response) => {
  const key = new URL(request.url, "https://localhost").searchParams.get("user_content_key");
  const output = answers.get(key);
  answers.delete(key);
  if (request.method !== "GET" || !output) return response.writeHead(404, { "content-type": "text/html" }).end("<h1>");
  if (state.breaks === "answer") return response.writeHead(500).end();
  return response.writeHead(200, { "content-type": output.type }).end(output.text);
});

const script = createServer(tls, async (request, response) => {
  const body = await bodyOf(request);
  if (request.url === "/sheet") return response.end(JSON.stringify(Object.fromEntries(sheets)));
  if (request.url.startsWith("/breaks/")) {
    state.breaks = request.url.slice("/breaks/".length);
    return response.end();
  }
  const moved = (where) => response.writeHead(302, { location: where, "content-type": "text/html" }).end("<HTML>Moved");
  if (request.url !== "/macros/s/deployment/exec") return moved("https://accounts.example/ServiceLogin?continue=x");
  try {
    const key = randomUUID();
    answers.set(key, run(body));
    return moved(`https://127.0.0.1:${content.address().port}/macros/echo?user_content_key=${key}&lib=M1`);
  } catch (error) {
    state.isLocked = false;
    return response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(`<html>${error}`);
  }
});

content.listen(0, "127.0.0.1", () => {
  script.listen(0, "127.0.0.1", () => console.log("listening", script.address().port, content.address().port));
});
