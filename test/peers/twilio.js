// Answers each line of JSON with a line of JSON, with Twilio's own SDK. It verifies
// signatures, signs, creates messages, and makes signed callbacks.
const { parse } = require('querystring');
const twilio = require('twilio');
const { getExpectedTwilioSignature } = require('twilio/lib/webhooks/webhooks');

const calls = {
  // Like the SDK's middleware, it distinguishes forms from other bodies by the URL.
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
