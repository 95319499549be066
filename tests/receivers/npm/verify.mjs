// Reads a JSON array of requests on standard input, and prints a JSON array of what the libraries say of each:
// {"accepted": true, "parsed": …} or {"accepted": false, "error": "…"}.
import * as standardwebhooks from "standardwebhooks";
import * as svix from "svix";
import { text } from "node:stream/consumers";

const libraries = { standardwebhooks, svix };

function verdict({ library, secret, headers, body }) {
  try {
    const webhook = new libraries[library].Webhook(secret);
    return { accepted: true, parsed: webhook.verify(Buffer.from(body, "base64"), headers) };
  } catch (error) {
    const isRefusal = error instanceof libraries[library].WebhookVerificationError;
    return { accepted: false, error: isRefusal ? error.message : `unexpected: ${error}` };
  }
}

console.log(JSON.stringify(JSON.parse(await text(process.stdin)).map(verdict)));
