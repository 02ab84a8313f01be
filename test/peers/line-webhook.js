// Calls a webhook as LINE does. The events are built from LINE's OpenAPI description, and
// LINE's own SDK accepts each signature. Each line of standard input is a request in
// JSON, and each line of standard output is its response:
//
//   {"post": url, "secret", "types": […], "tag", "user", "at"}  a call with these events   →  {"code", "types"}
//   {"verify": signature, "secret", "body"}                     what LINE's SDK returns    →  {"valid"}
const { createHmac } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { validateSignature } = require('@line/bot-sdk');
const { sample } = require('@stoplight/json-schema-sampler');
const yaml = require('yaml');

const description = yaml.parse(readFileSync('line/webhook.yml', 'utf8'));
const schemas = description.components.schemas;
const known = schemas.Event.discriminator.mapping;

// event returns a sample of a type's schema with the given user, message and time.
const event = (type, { tag, user, at }) => {
  const made = sample({ $ref: known[type] }, {}, description);
  made.type = type;
  made.timestamp = at;
  made.source = { ...sample({ $ref: '#/components/schemas/UserSource' }, {}, description), type: 'user', userId: user };
  if (made.delivery) made.delivery.data = tag;
  return made;
};

const answer = async (q) => {
  if (q.verify !== undefined) return { valid: validateSignature(q.body, q.secret, q.verify) };
  const types = q.types ?? Object.keys(known);
  const body = JSON.stringify({ destination: 'U' + '0'.repeat(32), events: types.map((type) => event(type, q)) });
  const signature = createHmac('SHA256', q.secret).update(body).digest('base64');
  if (!validateSignature(body, q.secret, signature)) throw new Error("LINE's SDK refuses the signature");
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'x-line-signature': signature };
  const response = await fetch(q.post, { method: 'POST', headers, body });
  return { code: response.status, types };
};

require('readline')
  .createInterface({ input: process.stdin })
  .on('line', async (line) => console.log(JSON.stringify(await answer(JSON.parse(line)))));
