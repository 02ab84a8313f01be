// Answers each line of JSON with a line of JSON, by Twilio's own SDK: what it makes of
// a signature, how it signs, how it creates a message, and a callback that it signed.
const { parse } = require('querystring');
const twilio = require('twilio');
const { getExpectedTwilioSignature } = require('twilio/lib/webhooks/webhooks');

const calls = {
  // As the SDK's middleware: forms and other bodies are told apart by their URL.
  validate: ({ token, signature, url, body }) => {
    const request = { header: () => signature, body: parse(body), rawBody: body };
    return twilio.validateExpressRequest(request, token, { url });
  },

  sign: ({ token, url, body }) => getExpectedTwilioSignature(token, url, parse(body)),

  // Calls the server at the path and query of the public URL.
  callback: async ({ token, url, server, body }) => {
    const { pathname, search } = new URL(url);
    const answer = await fetch(server + pathname + search, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
        'X-Twilio-Signature': calls.sign({ token, url: url.split('#')[0], body }),
      },
      body,
    });
    return answer.status;
  },

  create: async ({ server, user, password, account, params }) => {
    const http = new twilio.RequestClient();
    const httpClient = {
      request: (options) => http.request({ ...options, uri: server + new URL(options.uri).pathname }),
    };
    const client = twilio(user, password, { accountSid: account, httpClient });
    const message = await client.messages.create(params);
    return message.sid;
  },
};

console.log('ready');
require('readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  const { call, ...rest } = JSON.parse(line);
  console.log(JSON.stringify(await calls[call](rest)));
});
