// Answers requests about the WhatsApp Cloud API with @kapso/whatsapp-cloud-api. Each line
// of standard input is a request in JSON, and each line of standard output is its response.
const { buildTemplatePayload } = require('@kapso/whatsapp-cloud-api');
const { normalizeWebhook, verifySignature } = require('@kapso/whatsapp-cloud-api/server');

const answers = {
  // Parses a template that is sent. It throws if the template is malformed.
  template: ({ name, language, components = [] }) => buildTemplatePayload({ name, language: language.code, components }),
  // Verifies that the header signs the body.
  signature: ({ secret, body, header }) =>
    verifySignature({ appSecret: secret, rawBody: Buffer.from(body, 'base64'), signatureHeader: header }),
  // Returns the statuses in a webhook call.
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
