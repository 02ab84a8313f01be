// Answers questions about the WhatsApp Cloud API with @kapso/whatsapp-cloud-api: a
// question in JSON on each line of standard input, its answer on standard output.
const { buildTemplatePayload } = require('@kapso/whatsapp-cloud-api');
const { normalizeWebhook, verifySignature } = require('@kapso/whatsapp-cloud-api/server');

const answers = {
  // What does it make of a template that is sent? It throws at one that is malformed.
  template: ({ name, language, components = [] }) => buildTemplatePayload({ name, language: language.code, components }),
  // Does the header sign the body?
  signature: ({ secret, body, header }) =>
    verifySignature({ appSecret: secret, rawBody: Buffer.from(body, 'base64'), signatureHeader: header }),
  // Which statuses are in a webhook?
  statuses: (webhook) => normalizeWebhook(webhook).statuses,
};

console.log('ready');
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { question, about } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ answer: answers[question](about) }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }));
  }
});
